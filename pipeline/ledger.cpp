// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ledger.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"

namespace fluxtile {
namespace fs = std::filesystem;

Ledger::Ledger(const RunStages& stages, std::string private_folder)
    : stages_(stages), folder_(std::move(private_folder)) {}

std::string Ledger::unit_name(const TileUnit& unit) const {
  return stages_.plan->regions.at(unit.region).name + "/" + unit.name();
}

std::optional<TileYear> Ledger::stored_days_of_year(const TileUnit& unit, size_t step) const {
  const PlanRegion& region = stages_.plan->regions.at(unit.region);
  const YearStep& year = stages_.plan->steps.at(step);
  const std::string path = stages_.write->tile_year_path(region.file_name, unit, step, year.year);
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto bytes = attempt([&] { return read_file(path); });
  if (!bytes.ok()) return std::nullopt;
  auto value = parse_tile_year(bytes.value(), path);
  if (!value || value->result_key != region.result_key || value->step.year != year.year)
    return std::nullopt;
  // Of another tile: a file that was copied or restored to the wrong place.
  if (!(value->unit.window == unit.window) || value->region_name != region.name)
    return std::nullopt;
  return value;
}

std::optional<TileYear> Ledger::stored_tile_year(const TileUnit& unit, size_t step) const {
  auto stored = stored_days_of_year(unit, step);
  if (stored && stored->step.days != stages_.plan->steps.at(step).days) return std::nullopt;
  return stored;
}

std::optional<TileYear> Ledger::valid_tile_year(const TileUnit& unit, size_t step) const {
  auto stored = stored_tile_year(unit, step);
  if (stored && stored->stamp != stages_.plan->step_stamps.at(step)) return std::nullopt;
  return stored;
}

bool Ledger::complete(const TileUnit& unit) const {
  for (size_t step = 0; step < stages_.plan->steps.size(); ++step) {
    if (!stages_.plan->steps[step].spinup && !valid_tile_year(unit, step)) return false;
  }
  return true;
}

std::optional<TileState> Ledger::read_state(const TileUnit& unit, const std::string& path,
                                            const std::vector<CellIndex>& cells) const {
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto bytes = attempt([&] { return read_file(path); });
  if (!bytes.ok()) return std::nullopt;
  return parse_tile_state(bytes.value(), path, cells,
                          stages_.plan->regions.at(unit.region).result_key);
}

std::optional<TileState> Ledger::stored_state(const TileUnit& unit, size_t step,
                                              const std::vector<CellIndex>& cells) const {
  const PlanRegion& region = stages_.plan->regions.at(unit.region);
  return read_state(
      unit,
      stages_.write->state_path(region.file_name, unit, step, stages_.plan->steps.at(step).year),
      cells);
}

std::optional<TileState> Ledger::stored_open_state(const TileUnit& unit, size_t step, size_t day,
                                                   const std::vector<CellIndex>& cells) const {
  const PlanRegion& region = stages_.plan->regions.at(unit.region);
  auto state = read_state(unit,
                          stages_.write->open_path(region.file_name, unit, step,
                                                   stages_.plan->steps.at(step).year, day),
                          cells);
  if (state && state->day != day) return std::nullopt;
  return state;
}

std::optional<AlignedInputs> Ledger::stored_inputs(const TileUnit& unit) const {
  const Plan& plan = *stages_.plan;
  const PlanRegion& region = plan.regions.at(unit.region);
  const size_t step = plan.steps.size() - 1;
  const std::string path =
      stages_.write->inputs_path(region.file_name, unit, step, plan.steps[step].year);
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto bytes = attempt([&] { return read_file(path); });
  if (!bytes.ok()) return std::nullopt;
  return parse_aligned_inputs(bytes.value(), path, unit, region.result_key);
}

bool Ledger::anything_stored(const TileUnit& unit) const {
  const std::string& region = stages_.plan->regions.at(unit.region).file_name;
  const auto& steps = stages_.plan->steps;
  for (size_t step = 0; step < steps.size(); ++step) {
    const std::string path =
        steps[step].spinup ? stages_.write->state_path(region, unit, step, steps[step].year)
                           : stages_.write->tile_year_path(region, unit, step, steps[step].year);
    if (access(path.c_str(), F_OK) == 0) return true;
  }
  return false;
}

std::string Ledger::failure_path(const TileUnit& unit) const {
  return folder_ + "/failures/" + stages_.plan->regions.at(unit.region).file_name + "/" +
         unit.name() + ".json";
}

void Ledger::record_failure(const TileUnit& unit, const Error& error, int year) {
  const auto before = failure(unit);
  nlohmann::ordered_json json;
  json["region"] = stages_.plan->regions.at(unit.region).name;
  json["tile"] = unit.name();
  json["year"] = year;
  json["stage"] = error.stage();
  json["cause"] = error.message();
  json["input"] = error.file();
  json["found"] = error.found();
  json["hint"] = error.hint();
  json["attempts"] = (before ? before->attempts : 0) + 1;
  write_atomically(
      failure_path(unit),
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Ledger::forget_failure(const TileUnit& unit) { unlink(failure_path(unit).c_str()); }

std::optional<TileFailure> Ledger::failure(const TileUnit& unit) const {
  const std::string path = failure_path(unit);
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto read = attempt([&] {
    const auto json = nlohmann::json::parse(read_file(path));
    TileFailure failure;
    failure.region = json.at("region").get<std::string>();
    failure.tile = json.at("tile").get<std::string>();
    failure.stage = json.at("stage").get<std::string>();
    failure.cause = json.at("cause").get<std::string>();
    failure.input = json.value("input", "");
    failure.year = json.value("year", 0);
    failure.attempts = json.value("attempts", 0);
    return failure;
  });
  // A damaged record tells nothing: the tile is missing and will be tried again.
  if (!read.ok() || read.value().region != stages_.plan->regions.at(unit.region).name ||
      read.value().tile != unit.name())
    return std::nullopt;
  return read.value();
}

void Ledger::forget_all(const std::vector<TileUnit>& units) {
  for (const TileUnit& unit : units) {
    const PlanRegion& region = stages_.plan->regions.at(unit.region);
    std::error_code ignored;
    fs::remove_all(folder_ + "/tiles/" + region.file_name + "/" + unit.name(), ignored);
    forget_failure(unit);
  }
}

}  // namespace fluxtile
