// SPDX-License-Identifier: Apache-2.0
#include "pipeline/new_inputs.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.h"

namespace fluxtile {
namespace {

/// The files of a plan without the rest of it, which another version may have written.
std::map<std::string, PlanFile> files_of(const std::string& path) {
  std::map<std::string, PlanFile> files;
  const auto json = nlohmann::json::parse(read_file(path));
  for (const auto& file : json.at("files")) {
    const PlanFile one{file.at("path").get<std::string>(), file.at("size").get<int64_t>(),
                       file.at("mtime_ns").get<int64_t>()};
    files[one.path] = one;
  }
  return files;
}

}  // namespace

NewInputs new_inputs(const Plan& plan, const std::string& private_folder,
                     const std::string& earlier_plan) {
  NewInputs inputs;
  if (earlier_plan.empty()) return inputs;
  if (earlier_plan == plan.id) {
    inputs.known = true;
    return inputs;
  }
  const auto earlier =
      attempt([&] { return files_of(private_folder + "/plans/" + earlier_plan + ".json"); });
  if (!earlier.ok()) return inputs;
  inputs.known = true;
  constexpr size_t named = 3;
  const auto name = [&](const std::string& path) {
    if (inputs.names.size() < named)
      inputs.names.push_back(std::filesystem::path(path).filename().string());
  };
  std::set<std::string> today;
  for (const auto& file : plan.files) {
    today.insert(file.path);
    if (earlier.value().count(file.path) > 0) continue;
    ++inputs.added;
    name(file.path);
  }
  for (const auto& file : plan.files) {
    const auto before = earlier.value().find(file.path);
    if (before == earlier.value().end()) continue;
    if (before->second.size == file.size && before->second.mtime_ns == file.mtime_ns) continue;
    ++inputs.changed;
    name(file.path);
  }
  for (const auto& [path, file] : earlier.value()) {
    if (today.count(path) > 0) continue;
    ++inputs.removed;
    name(path);
  }
  return inputs;
}

PlannedFacts planned_facts(const Plan& plan, const std::vector<TileUnit>& units, NewInputs inputs) {
  PlannedFacts facts;
  facts.plan = plan.id;
  facts.engine = plan.engine_identity;
  facts.first_day = to_text(plan.start);
  facts.last_day = to_text(plan.end);
  facts.tiles = units.size();
  facts.memory = plan.memory;
  facts.threads = plan.threads;
  facts.inputs = std::move(inputs);
  uint64_t years = 0;
  for (const auto& step : plan.steps) years += step.spinup ? 0 : 1;
  for (const auto& region : plan.regions) facts.tile_years[region.name] = 0;
  for (const auto& unit : units) facts.tile_years[plan.regions[unit.region].name] += years;
  return facts;
}

}  // namespace fluxtile
