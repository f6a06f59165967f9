// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/engine.h"
#include "model/feature_expander.h"
#include "model/package.h"

namespace fluxtile {

/// Position of the variables in MemberYear, the same for every architecture: the network's three
/// fluxes, then GPP. Annual variables, of architectures that have them.
namespace year_variable {
enum : size_t { ra, rh, nee, gpp, count };
}
namespace annual_variable {
enum : size_t { yield, residue };
}
constexpr size_t months_a_year = 12;

/// Throws Error(internal) for a member or a state that does not fit the inputs.
void check_engine_inputs(const YearInputs& inputs, const MemberInputs& member,
                         const MemberState& state, size_t state_size);
/// Results of a year for all cells, nothing modelled yet.
MemberYear empty_year(const YearInputs& inputs, size_t variables, size_t annual_variables,
                      bool daily);

/// What engines refuse: an input whose z-score is not finite (the gates would hide it), `day` from
/// 0; and a flux of the network that is not finite.
Error no_finite_score(const Package& package, size_t input, float found, size_t day, int year);
Error no_finite_flux(const Package& package, size_t day, int year);

/// The cells of a member that run in this year: tile cell, crop code and lattice position.
struct RunningCells {
  std::vector<int32_t> cell;
  std::vector<float> crop;
  std::vector<int32_t> position;
};
RunningCells running_cells(const YearInputs& inputs, const MemberInputs& member);

/// What an engine expands: the package's inputs in their order and, for a package that does not
/// take it, GPP behind them, since every product has it.
std::vector<std::string> expanded_features(const Package& package);

/// Allowed range of each of a package's inputs; infinite where it states none.
struct InputRanges {
  std::vector<float> low, high;
};
InputRanges input_ranges(const Package& package);

/// A flux in gC m-2 d-1 with the project's signs from what the network gave; `variable`: ra, rh or
/// nee. NEE keeps the network's sign, Ra and Rh are negative in there.
inline float physical_flux(size_t variable, float network, const Scaler& scaler) {
  const double value = static_cast<double>(network) * scaler.std + scaler.mean;
  return static_cast<float>(variable == year_variable::nee ? value : 0.0 - value);
}

/// Months that have a day which counts in results.
std::array<bool, months_a_year> reached_months(const YearInputs& inputs);

/// Throws what is wrong with the inputs of a cell in which an engine found no finite score: a
/// missing value (Error(internal)) or no_finite_score. `expander` has expanded_features(package).
[[noreturn]] void refuse_cell(const YearInputs& inputs, const FeatureExpander& expander,
                              const Package& package, int32_t cell, float crop);

}  // namespace fluxtile
