# SPDX-License-Identifier: Apache-2.0
# Maps of a run against the truth of a synthetic world.
find_package(fmt REQUIRED)

fluxtile_library(fluxtile_map_scores training/map_scores.cpp)
target_link_libraries(fluxtile_map_scores PUBLIC fluxtile_geo fluxtile_model PRIVATE fmt::fmt)
