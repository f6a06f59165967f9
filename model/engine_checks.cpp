// SPDX-License-Identifier: Apache-2.0
#include "model/engine_checks.h"

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
  constexpr size_t months = 12;
  MemberYear result;
  result.monthly.assign(variables * months * inputs.cells, none);
  result.annual.assign(annual_variables * inputs.cells, none);
  if (daily) result.daily.assign(variables * inputs.days * inputs.cells, none);
  result.flags.assign(months * inputs.cells, not_modelled);
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

}  // namespace fluxtile
