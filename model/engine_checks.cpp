// SPDX-License-Identifier: Apache-2.0
#include "model/engine_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fluxtile {
namespace {

void require(bool fits, const char* what) {
  if (!fits) throw Error(Code::internal, std::string("inputs of an engine do not fit: ") + what);
}

}  // namespace

void check_engine_inputs(const YearInputs& inputs, const MemberInputs& member,
                         const MemberState& state, size_t state_size) {
  require(member.crop.size() == member.cell.size(), "a crop for each cell of the member");
  require(state.values.size() == inputs.cells * state_size, "state of each cell");
  for (size_t i = 0; i < member.cell.size(); ++i)
    require(member.cell[i] > (i == 0 ? -1 : member.cell[i - 1]) &&
                static_cast<size_t>(member.cell[i]) < inputs.cells,
            "cells of the member, ascending");
}

MemberYear empty_year(const YearInputs& inputs, size_t variables, size_t annual_variables,
                      bool daily) {
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  MemberYear result;
  result.monthly.assign(variables * months_a_year * inputs.cells, none);
  result.annual.assign(annual_variables * inputs.cells, none);
  if (daily) result.daily.assign(variables * inputs.days * inputs.cells, none);
  result.flags.assign(months_a_year * inputs.cells, not_modelled);
  return result;
}

MemberYear Engine::run_span(const YearInputs& inputs, const MemberInputs& member,
                            MemberState& state, bool daily, YearSpan& span) const {
  require(span.from == nullptr && span.keep.empty(), "this engine takes years whole");
  return run(inputs, member, state, daily);
}

Error no_finite_score(const Package& package, size_t input, float found, size_t day, int year) {
  const std::string& name = package.inputs[input].name;
  return Error(Code::data, "input " + name + " has no finite z-score")
      .file(package.directory)
      .key(name)
      .found(std::to_string(found) + " on day " + std::to_string(day + 1) + " of " +
             std::to_string(year))
      .hint("compare the input's unit with the package's mean and std");
}

Error no_finite_flux(const Package& package, size_t day, int year) {
  return Error(Code::data, "the network gave no finite value on day " + std::to_string(day + 1) +
                               " of " + std::to_string(year))
      .file(package.directory)
      .hint("look at the inputs of this tile with `fluxtile pixel`");
}

RunningCells running_cells(const YearInputs& inputs, const MemberInputs& member) {
  RunningCells running;
  for (size_t i = 0; i < member.cell.size(); ++i) {
    const auto cell = static_cast<size_t>(member.cell[i]);
    if (inputs.flags[cell] == not_modelled) continue;
    running.cell.push_back(member.cell[i]);
    running.crop.push_back(member.crop[i]);
    running.position.push_back(inputs.position[cell]);
  }
  return running;
}

std::vector<std::string> expanded_features(const Package& package) {
  std::vector<std::string> features = package.input_names();
  if (std::find(features.begin(), features.end(), "GPP") == features.end())
    features.emplace_back("GPP");
  return features;
}

InputRanges input_ranges(const Package& package) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  InputRanges ranges;
  for (const PackageInput& input : package.inputs) {
    ranges.low.push_back(input.min ? static_cast<float>(*input.min) : -infinity);
    ranges.high.push_back(input.max ? static_cast<float>(*input.max) : infinity);
  }
  return ranges;
}

std::array<bool, months_a_year> reached_months(const YearInputs& inputs) {
  std::array<bool, months_a_year> reached{};
  for (size_t day = inputs.first_result_day; day < inputs.days; ++day)
    reached[inputs.month[day]] = true;
  return reached;
}

void refuse_cell(const YearInputs& inputs, const FeatureExpander& expander, const Package& package,
                 int32_t cell, float crop) {
  std::vector<float> physical(inputs.days * expander.feature_count());
  expander.expand(cell, crop, physical.data());  // throws for a missing value
  for (size_t day = 0; day < inputs.days; ++day)
    for (size_t input = 0; input < package.inputs.size(); ++input) {
      const Scaler& scaler = package.inputs[input].scaler;
      const float value = physical[day * expander.feature_count() + input];
      const double score = (static_cast<double>(value) - scaler.mean) / scaler.std;
      if (!std::isfinite(static_cast<float>(score)))
        throw no_finite_score(package, input, value, day, inputs.year);
    }
  throw Error(Code::internal, "inputs of a cell are refused that are finite");
}

}  // namespace fluxtile
