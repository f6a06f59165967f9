// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "pipeline/ledger.h"
#include "pipeline/run_record.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

struct TileCount {
  size_t done = 0, missing = 0, failed = 0;
  size_t tile_years_done = 0, tile_years = 0;
};

/// Tile-years a minute from the times of the newest files, 0 when there are fewer than two.
double throughput(const RunStages& stages) {
  std::vector<std::filesystem::file_time_type> times;
  const Plan& plan = *stages.plan;
  for (const auto& unit : plan.units) {
    for (size_t step = 0; step < plan.steps.size(); ++step) {
      std::error_code error;
      const auto time = std::filesystem::last_write_time(
          stages.write->tile_year_path(plan.regions[unit.region].file_name, unit, step,
                                       plan.steps[step].year),
          error);
      if (!error) times.push_back(time);
    }
  }
  if (times.size() < 2) return 0;
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  const double minutes = std::chrono::duration<double>(*last - *first).count() / 60;
  return minutes > 0 ? static_cast<double>(times.size() - 1) / minutes : 0;
}

}  // namespace

int status_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  const RunStages stages =
      make_stages(open_plan(config, options, PlanUse::look), config, no_engines(), false);
  const Plan& plan = *stages.plan;
  const Ledger ledger(stages, private_folder(config));
  TileCount count;
  nlohmann::ordered_json missing = nlohmann::ordered_json::array(),
                         failed = nlohmann::ordered_json::array();
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
  nlohmann::ordered_json json = {{"plan", plan.id},
                                 {"tiles", plan.units.size()},
                                 {"done", count.done},
                                 {"missing", count.missing},
                                 {"failed", count.failed},
                                 {"tile_years_done", count.tile_years_done},
                                 {"tile_years", count.tile_years},
                                 {"tile_years_per_minute", throughput(stages)},
                                 {"products", products}};
  json["missing_tiles"] = missing;
  json["failed_tiles"] = failed;
  if (options.json) {
    out << json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
    return 0;
  }
  out << "tiles      " << plan.units.size() << ": " << count.done << " done, " << count.missing
      << " missing, " << count.failed << " failed\n"
      << "tile-years " << count.tile_years_done << " of " << count.tile_years << " ("
      << static_cast<int64_t>(throughput(stages)) << " a minute)\n"
      << "products   " << (products ? "written" : "not written yet") << " ("
      << config.output_directory << ")\n";
  for (const auto& failure : failed) {
    out << "failed     " << failure["tile"].get<std::string>() << " in "
        << failure["stage"].get<std::string>() << ": " << failure["cause"].get<std::string>() << " "
        << failure["input"].get<std::string>() << "\n";
  }
  constexpr size_t shown = 10;
  for (size_t k = 0; k < std::min(shown, missing.size()); ++k)
    out << "missing    " << missing[k].get<std::string>() << "\n";
  if (missing.size() > shown) out << "missing    ... and " << missing.size() - shown << " more\n";
  return 0;
}

int verify_verb(const std::string& directory, bool json, std::ostream& out) {
  RunRecord record;
  const auto problems = verify_products(directory, record);
  if (json) {
    nlohmann::ordered_json result = {{"ok", problems.empty()},
                                     {"products", record.products.size()}};
    result["results"] = record.results;
    result["problems"] = problems;
    out << result.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else if (problems.empty()) {
    out << record.products.size() << " products belong together and are whole\n";
  } else {
    for (const auto& problem : problems) out << problem << "\n";
  }
  if (problems.empty()) return 0;
  throw Error(Code::data, std::to_string(problems.size()) + " problems with the products")
      .file(directory)
      .found(problems.front())
      .hint("run `fluxtile merge CONFIG` (or `run`) to write them again");
}

}  // namespace fluxtile
