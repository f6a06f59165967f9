// SPDX-License-Identifier: Apache-2.0
#include "pipeline/checked_tiles.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/limited_file.h"
#include "stages/write_tile.h"

namespace fluxtile {
namespace {

constexpr size_t kLargest = 1 << 24;  // bytes of a note

std::string note_path(const Config& config) { return private_folder(config) + "/checked.json"; }

}  // namespace

std::string tile_files(const Plan& plan, const Config& config) {
  const WriteTile paths(private_folder(config) + "/tiles", {});
  Digest digest;
  for (const TileUnit& unit : plan.units) {
    for (size_t step = 0; step < plan.steps.size(); ++step) {
      if (plan.steps[step].spinup) continue;
      const std::string path = paths.tile_year_path(plan.regions.at(unit.region).file_name, unit,
                                                    step, plan.steps[step].year);
      struct stat info {};
      const bool there = stat(path.c_str(), &info) == 0;
      digest.add_value(there);
      if (!there) continue;
      digest.add_value(info.st_size).add_value(info.st_ino);
      for (const auto& time : {info.st_mtim, info.st_ctim})
        digest.add_value(time.tv_sec).add_value(time.tv_nsec);
    }
  }
  return digest.hex();
}

void note_checked_tiles(const Plan& plan, const Config& config, const MergeCheck& check,
                        const std::string& files) {
  if (!check.missing.empty() || !check.failed.empty()) return;
  nlohmann::ordered_json note;
  note["plan"] = plan.id;
  note["tile_years"] = files;
  note["results"] = check.region_results;
  const std::string text = note.dump(1) + "\n", path = note_path(config);
  const auto before = attempt([&] { return read_file_up_to(path, kLargest); });
  if (before.ok() && before.value() == text) return;
  // A courtesy to the next run: where it cannot be written, that one reads the tile-years.
  static_cast<void>(attempt([&] {
    write_atomically(path, text);
    return 0;
  }));
}

std::optional<MergeCheck> checked_tiles(const Plan& plan, const Config& config) {
  const std::string path = note_path(config);
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto check = attempt([&]() -> std::optional<MergeCheck> {
    const auto note = nlohmann::json::parse(read_file_up_to(path, kLargest));
    MergeCheck found;
    found.region_results = note.at("results").get<std::vector<std::string>>();
    if (note.at("plan").get<std::string>() != plan.id ||
        found.region_results.size() != plan.regions.size() ||
        note.at("tile_years").get<std::string>() != tile_files(plan, config))
      return std::nullopt;
    return found;
  });
  return check.ok() ? check.value() : std::nullopt;
}

}  // namespace fluxtile
