// SPDX-License-Identifier: Apache-2.0
#include "pipeline/speed_trial.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <chrono>

#include "geo/calendar.h"

namespace fluxtile {
namespace {

/// A year of average inputs: the cost of a network does not depend on their values.
YearInputs average_year(const Package& package, size_t cells) {
  YearInputs inputs;
  inputs.year = 2001;
  inputs.days = 365;
  for (int day = 0; day < 365; ++day)
    inputs.month.push_back(static_cast<uint8_t>(from_day_of_year(2001, day).month - 1));
  inputs.cells = cells;
  auto climate = std::make_shared<ClimateBlock>();
  climate->days = 365;
  climate->cells = 1;
  std::vector<float> day;
  for (const auto& input : package.inputs) {
    if (input.name == "GPP" || input.name == "Year" || input.name == "Crop_Type") continue;
    if (climate->variables.size() < 7) {
      climate->variables.push_back(input.name);
      day.push_back(static_cast<float>(input.scaler.mean));
    } else {
      inputs.static_names.push_back(input.name);
    }
  }
  for (int d = 0; d < 365; ++d)
    climate->values.insert(climate->values.end(), day.begin(), day.end());
  auto weights = std::make_shared<SparseWeights>();
  weights->offset.push_back(0);
  for (size_t i = 0; i < cells; ++i) {
    inputs.position.push_back(static_cast<int32_t>(i));
    weights->index.push_back(0);
    weights->weight.push_back(1.0F);
    weights->offset.push_back(static_cast<int64_t>(i + 1));
    for (const auto& name : inputs.static_names)
      inputs.statics.push_back(static_cast<float>(package.input(name).scaler.mean));
  }
  inputs.climate = climate;
  inputs.climate_weights = weights;
  inputs.gpp.composites = 1;
  inputs.gpp.values.assign(cells, static_cast<float>(package.input("GPP").scaler.mean));
  inputs.gpp.before.assign(365, 0);
  inputs.gpp.after.assign(365, 0);
  inputs.gpp.weight.assign(365, 0.0F);
  inputs.year_feature = static_cast<float>(package.input("Year").scaler.mean);
  inputs.flags.assign(12 * cells, 0);
  return inputs;
}

}  // namespace

double pixel_years_per_second(const EngineOptions& options, std::shared_ptr<const Package> package,
                              int threads) {
  const auto engine = make_engine(options, package);
  const size_t cells = 64 * static_cast<size_t>(threads);
  const YearInputs inputs = average_year(*package, cells);
  MemberInputs member;
  for (size_t i = 0; i < cells; ++i) {
    member.cell.push_back(static_cast<int32_t>(i));
    member.crop.push_back(static_cast<float>(package->input("Crop_Type").scaler.mean));
  }
  MemberState state;
  state.values.assign(cells * architecture_info(package->architecture).state_size, 0.0F);
  oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(threads));
  oneapi::tbb::task_arena arena(threads);
  double best = 0;
  arena.execute([&] {
    for (int repeat = 0; repeat < 2; ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      (void)engine->run(inputs, member, state, false);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      best = std::max(best, static_cast<double>(cells) / seconds);
    }
  });
  return best;
}

}  // namespace fluxtile
