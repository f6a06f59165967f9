# SPDX-License-Identifier: Apache-2.0
# The verb `inspect`: reads headers only.
find_package(nlohmann_json REQUIRED)
fluxtile_library(fluxtile_inspect
  inspect.cpp inspect_gridded.cpp inspect_other.cpp inspect_suggestion.cpp inspect_text.cpp)
target_link_libraries(fluxtile_inspect
  PUBLIC fluxtile_geo fluxtile_base
  PRIVATE fluxtile_model nlohmann_json::nlohmann_json)
