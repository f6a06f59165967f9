// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "base/atomic_file.h"
#include "pipeline/last_run.h"
#include "pipeline/ledger.h"
#include "pipeline/run_record.h"
#include "pipeline/run_summary.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct TileCount {
  size_t done = 0, missing = 0, failed = 0;
  size_t tile_years_done = 0, tile_years = 0;
};

struct FilesOnDisk {
  uint64_t files = 0, bytes = 0;
};

/// The plan that is looked at: that of today's inputs, or where there is none that of the last run.
struct LookedAt {
  RunStages stages;
  std::string note;  ///< why it is the last run's
};

LookedAt look_at(const Config& config, const VerbOptions& options,
                 const std::optional<RunFacts>& last) {
  LookedAt at;
  try {
    at.stages = make_stages(open_plan(config, options, PlanUse::look), config, no_engines(), false);
    return at;
  } catch (const Error& error) {
    if (error.code() != Code::data || !last || last->name != config.name) throw;
    const std::string id = last->planned.plan.empty() ? last->products_plan : last->planned.plan;
    const std::string path = private_folder(config) + "/plans/" + id + ".json";
    if (id.empty() || !fs::exists(path)) throw;
    at.stages.plan = std::make_shared<const Plan>(plan_from_json(read_file(path), path));
    at.stages.write =
        std::make_unique<WriteTile>(private_folder(config) + "/tiles",
                                    WriteTile::Keep{config.keep_states, config.keep_within_year});
    at.note = error.message() + (error.file().empty() ? "" : " (" + error.file() + ")") +
              ". The tiles are those of the last run's plan";
  }
  return at;
}

/// Tile-years a minute from the times of the files that the last run wrote; 0 when there are fewer
/// than two.
double throughput(const RunStages& stages, double since) {
  std::vector<double> times;
  const Plan& plan = *stages.plan;
  for (const auto& unit : plan.units) {
    for (size_t step = 0; step < plan.steps.size(); ++step) {
      struct stat info {};
      const std::string path = stages.write->tile_year_path(plan.regions[unit.region].file_name,
                                                            unit, step, plan.steps[step].year);
      if (stat(path.c_str(), &info) != 0) continue;
      const double time = static_cast<double>(info.st_mtim.tv_sec) +
                          1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
      if (time >= since) times.push_back(time);
    }
  }
  if (times.size() < 2) return 0;
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  const double minutes = (*last - *first) / 60;
  return minutes > 0 ? static_cast<double>(times.size() - 1) / minutes : 0;
}

/// What lies under `.fluxtile/tiles` by kind; files may come and go meanwhile.
std::map<std::string, FilesOnDisk> files_by_kind(const std::string& folder) {
  std::map<std::string, FilesOnDisk> kinds = {{"tile_years", {}}, {"states", {}}};
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    const bool state = extension == ".state" || extension == ".open-state";
    if (!state && extension != ".tile-year") continue;
    std::error_code gone;
    const auto bytes = entry->file_size(gone);
    if (gone) continue;
    FilesOnDisk& kind = kinds[state ? "states" : "tile_years"];
    ++kind.files;
    kind.bytes += bytes;
  }
  return kinds;
}

Json last_run_json(const std::string& folder, const RunFacts& last) {
  const auto text = attempt([&] { return read_file(last_run_path(folder)); });
  Json json = text.ok() ? Json::parse(text.value(), nullptr, false) : Json();
  if (!json.is_object()) return nullptr;
  json["state"] = state_of(last);
  return json;
}

std::string size_text(uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  const char* unit = value < 1e6 ? "kB" : value < 1e9 ? "MB" : "GB";
  const double in_unit = value / (value < 1e6 ? 1e3 : value < 1e9 ? 1e6 : 1e9);
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", in_unit, unit);
  return text;
}

void tell_last_run(const RunFacts& last, const Json& json, std::ostream& out) {
  const std::string state = state_of(last);
  if (state == "running") {
    out << "run        goes on since " << utc_seconds(last.started) << " (" << last.host
        << ", process " << last.pid << "): " << last.tally.tile_years_done
        << " tile-years computed, " << last.tally.tile_years_kept << " kept\n";
  } else if (state == "gone") {
    out << "run        began " << utc_seconds(last.started) << " (" << last.host << ", process "
        << last.pid << ") and was cut off; run the same command again\n";
  } else {
    out << "run        ended " << utc_seconds(last.ended) << ": "
        << json.value("summary", std::string()) << "\n";
  }
  out << "success    "
      << (last.last_success > 0 ? "last " + utc_seconds(last.last_success) : "none yet") << "\n";
}

}  // namespace

int status_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const std::string folder = private_folder(config);
  const auto last = read_last_run(folder);
  const LookedAt at = look_at(config, options, last);
  const RunStages& stages = at.stages;
  const Plan& plan = *stages.plan;
  const Ledger ledger(stages, folder);
  TileCount count;
  Json missing = Json::array(), failed = Json::array();
  for (const auto& unit : plan.units) {
    bool whole = true;
    for (size_t step = 0; step < plan.steps.size(); ++step) {
      if (plan.steps[step].spinup) continue;
      ++count.tile_years;
      const bool valid = ledger.valid_tile_year(unit, step).has_value();
      count.tile_years_done += valid ? 1 : 0;
      whole = whole && valid;
    }
    const auto failure = ledger.failure(unit);
    if (whole) {
      ++count.done;
    } else if (failure) {
      ++count.failed;
      failed.push_back({{"tile", ledger.unit_name(unit)},
                        {"year", failure->year},
                        {"stage", failure->stage},
                        {"cause", failure->cause},
                        {"input", failure->input},
                        {"attempts", failure->attempts}});
    } else {
      ++count.missing;
      missing.push_back(ledger.unit_name(unit));
    }
  }
  const auto record = read_run_record(config.output_directory);
  const bool products = record && products_present(*record, config.output_directory);
  const double rate = throughput(stages, last ? last->started : 0);
  const auto disk = files_by_kind(folder + "/tiles");
  Json json = {{"plan", plan.id},
               {"note", at.note},
               {"tiles", plan.units.size()},
               {"done", count.done},
               {"missing", count.missing},
               {"failed", count.failed},
               {"tile_years_done", count.tile_years_done},
               {"tile_years", count.tile_years},
               {"tile_years_per_minute", rate},
               {"products", products}};
  for (const auto& [kind, files] : disk)
    json[kind + "_on_disk"] = {{"files", files.files}, {"bytes", files.bytes}};
  json["last_run"] = last ? last_run_json(folder, *last) : Json();
  json["missing_tiles"] = missing;
  json["failed_tiles"] = failed;
  if (options.json) {
    out << json.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
    return 0;
  }
  if (last && json["last_run"].is_object()) tell_last_run(*last, json["last_run"], out);
  if (!at.note.empty()) out << "note       " << at.note << "\n";
  out << "tiles      " << plan.units.size() << ": " << count.done << " done, " << count.missing
      << " missing, " << count.failed << " failed\n"
      << "tile-years " << count.tile_years_done << " of " << count.tile_years << " ("
      << std::llround(rate) << " a minute)\n"
      << "products   " << (products ? "written" : "not written yet") << " ("
      << config.output_directory << ")\n"
      << "disk       " << size_text(disk.at("tile_years").bytes) << " of tile-years, "
      << size_text(disk.at("states").bytes) << " of states\n";
  for (const auto& failure : failed) {
    out << "failed     " << failure["tile"].get<std::string>() << " in "
        << failure["stage"].get<std::string>() << " of " << failure["year"] << ", attempt "
        << failure["attempts"] << ": " << failure["cause"].get<std::string>() << " "
        << failure["input"].get<std::string>() << "\n";
  }
  constexpr size_t shown = 10;
  for (size_t k = 0; k < std::min(shown, missing.size()); ++k)
    out << "missing    " << missing[k].get<std::string>() << "\n";
  if (missing.size() > shown) out << "missing    ... and " << missing.size() - shown << " more\n";
  return 0;
}

}  // namespace fluxtile
