# SPDX-License-Identifier: Apache-2.0
# Who is at work in an output folder: the lock of merge, products and clean, and notes of runs.
fluxtile_library(fluxtile_run_lock lock_owner.cpp run_lock.cpp run_presence.cpp)
target_link_libraries(fluxtile_run_lock PUBLIC fluxtile_base nlohmann_json::nlohmann_json spdlog::spdlog fmt::fmt)
