// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/true_model.h"

#include <algorithm>

namespace fluxtile::world {
namespace {

constexpr int kSoilSurveyYear = 2008;
constexpr int kEquilibriumYears = 4;

}  // namespace

int first_settling_year(int first_year) {
  return std::min(kSoilSurveyYear, first_year - kEquilibriumYears);
}

delta_carbon::State TrueModel::settled(const std::vector<delta_carbon::Forcing>& years) const {
  delta_carbon::State state = delta_carbon::equilibrium(
      parameters, soil, {years.begin(), years.begin() + kEquilibriumYears});
  for (const delta_carbon::Forcing& year : years) run(year, state);
  return state;
}

delta_carbon::Fluxes TrueModel::run(const delta_carbon::Forcing& year,
                                    delta_carbon::State& state) const {
  return kind == Heterogeneity::other_structure
             ? delta_carbon::run_other_structure(parameters, soil, year, state)
             : delta_carbon::run(parameters, soil, year, state);
}

}  // namespace fluxtile::world
