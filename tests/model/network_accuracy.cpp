// SPDX-License-Identifier: Apache-2.0
#include "network_accuracy.h"

#include <algorithm>
#include <cmath>

#include "model/kgml_ag_c.h"
#include "reference_kgml.h"
#include "reference_recurrent.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr size_t kFluxes = 3;

/// Carbon in units of Ra's standard deviation, Ra's mean moved to the yield: the same network,
/// whose physical outputs are its z-scores (Ra and Rh with their sign turned).
Package with_plain_outputs(Package package, size_t days) {
  const Scaler ra = package.outputs[0].scaler;
  for (PackageOutput& output : package.outputs) output.scaler = {0, 1};
  for (auto& [name, scaler] : package.scalers) {
    if (name == "Yield") scaler.mean -= static_cast<double>(days) * ra.mean;
    scaler = {scaler.mean / ra.std, scaler.std / ra.std};
  }
  return package;
}

}  // namespace

NetworkYear reference_network(const Package& package, const YearInputs& inputs) {
  const MemberInputs member = all_cells(inputs);
  NetworkYear year;
  for (size_t i = 0; i < member.cell.size(); ++i) {
    const std::vector<float> z = z_scores(inputs, member.cell[i], member.crop[i], package);
    const auto fluxes =
        package.architecture == "kgml-ag-c"
            ? reference_year(package, z, std::vector<double>(kgml_ag_c::state_size, 0.0)).fluxes
            : reference_recurrent(package, z).fluxes;
    for (size_t flux = 0; flux < kFluxes; ++flux) {
      year[flux].emplace_back();
      for (const auto& day : fluxes) year[flux].back().push_back(day[flux]);
    }
  }
  return year;
}

NetworkYear engine_network(const Package& package, const YearInputs& inputs,
                           const EngineOptions& options) {
  const auto engine = make_engine(
      options, std::make_shared<const Package>(with_plain_outputs(package, inputs.days)));
  MemberState state{
      std::vector<float>(inputs.cells * architecture_info(package.architecture).state_size, 0.0F)};
  const MemberYear ran = engine->run(inputs, all_cells(inputs), state, true);
  NetworkYear year;
  for (size_t flux = 0; flux < kFluxes; ++flux) {
    year[flux].resize(inputs.cells);
    for (size_t cell = 0; cell < inputs.cells; ++cell)
      for (size_t day = 0; day < inputs.days; ++day) {
        const double value = ran.daily[(flux * inputs.days + day) * inputs.cells + cell];
        year[flux][cell].push_back(flux == 2 ? value : -value);
      }
  }
  return year;
}

Distance distance(const Package& package, size_t flux, const NetworkYear& year,
                  const NetworkYear& expected) {
  const Scaler& scaler = package.outputs[flux].scaler;
  Distance all;
  double squares = 0, count = 0;
  for (size_t cell = 0; cell < expected[flux].size(); ++cell) {
    double difference = 0, absolute = 0;
    for (size_t day = 0; day < expected[flux][cell].size(); ++day) {
      const double z = expected[flux][cell][day], d = year[flux][cell][day] - z;
      all.max = std::max(all.max, std::abs(d));
      squares += d * d;
      all.mean += std::abs(d);
      count += 1;
      difference += scaler.std * d;
      absolute += std::abs(scaler.std * z + scaler.mean);
    }
    all.annual = std::max(all.annual, std::abs(difference) / absolute);
  }
  all.rms = std::sqrt(squares / count);
  all.mean /= count;
  return all;
}

}  // namespace fluxtile::test
