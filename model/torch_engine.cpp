// SPDX-License-Identifier: Apache-2.0
#include "model/torch_engine.h"

#include <c10/core/InferenceMode.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/stop.h"
#include "model/engine_checks.h"
#include "model/feature_expander.h"
#include "model/lane_batches.h"
#include "model/network_batch.h"
#include "model/torch_runtime.h"

namespace fluxtile {
namespace {

using year_variable::gpp, year_variable::nee, year_variable::ra, year_variable::rh;

constexpr size_t lanes = 64;

class TorchEngine final : public Engine {
 public:
  explicit TorchEngine(std::shared_ptr<const Package> package)
      : package_(std::move(package)),
        info_(architecture_info(package_->architecture)),
        network_(make_flux_network(*package_)),
        ranges_(input_ranges(*package_)),
        features_(expanded_features(*package_)) {
    (void)tested_period(*network_, torch::kCPU, package_->inputs.size(), info_.state_size, lanes,
                        lanes);
  }

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override;

  [[nodiscard]] size_t scratch_bytes(size_t days) const override {
    // Floats a lane and day: inputs before and after they are packed, and the outputs of the layers
    // alive at the peak, which in kgml-ag-c is the attention or gru_Rh.
    constexpr size_t units = 64;
    const size_t layers_alive = info_.annual_variables.empty() ? 2 : 6;
    return days * lanes * (2 * features_.size() + layers_alive * units) * sizeof(float);
  }

 private:
  struct Year;

  void run_lanes(const Year& year, const FeatureExpander& expander, const int32_t* entries) const;
  void fill_lane(const Year& year, const FeatureExpander& expander, size_t entry, float* physical,
                 float* z) const;
  void store_lane(const Year& year, size_t entry, const float* fluxes) const;

  std::shared_ptr<const Package> package_;
  ArchitectureInfo info_;
  std::shared_ptr<FluxNetwork> network_;
  InputRanges ranges_;
  std::vector<std::string> features_;
};

/// What the batches of one run share. They write to different cells.
struct TorchEngine::Year {
  const YearInputs& inputs;
  RunningCells running;
  MemberState& state;
  MemberYear& result;
};

MemberYear TorchEngine::run(const YearInputs& inputs, const MemberInputs& member,
                            MemberState& state, bool daily) const {
  const FeatureExpander expander(inputs, features_);
  check_engine_inputs(inputs, member, state, info_.state_size);
  MemberYear result =
      empty_year(inputs, year_variable::count, info_.annual_variables.size(), daily);
  const Year year{inputs, running_cells(inputs, member), state, result};
  if (year.running.cell.empty()) return result;

  const LaneBatches batches(year.running.position, lanes, lanes);
  try {
    // Isolated: a thread that waits here must not pick up another tile, which would hold memory.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(tbb::blocked_range<size_t>(0, batches.count(), 1),
                        [&](const tbb::blocked_range<size_t>& range) {
                          keep_torch_to_one_thread();
                          const c10::InferenceMode inference;
                          for (size_t batch = range.begin(); batch < range.end(); ++batch) {
                            Stop::throw_if_requested();
                            run_lanes(year, expander, batches.batch(batch));
                          }
                        });
    });
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
  return result;
}

void TorchEngine::run_lanes(const Year& year, const FeatureExpander& expander,
                            const int32_t* entries) const {
  const auto extent = [](size_t n) { return static_cast<int64_t>(n); };
  const size_t width = package_->inputs.size(), state_size = info_.state_size;
  const torch::Tensor x = torch::zeros({extent(year.inputs.days), extent(lanes), extent(width)});
  const torch::Tensor state = torch::zeros({extent(lanes), extent(state_size)});
  std::vector<float> physical(year.inputs.days * features_.size());
  const auto state_of = [&](size_t entry) {
    return year.state.values.data() + static_cast<size_t>(year.running.cell[entry]) * state_size;
  };
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (entries[lane] == LaneBatches::padding) continue;
    const auto entry = static_cast<size_t>(entries[lane]);
    fill_lane(year, expander, entry, physical.data(), x.data_ptr<float>() + lane * width);
    std::copy_n(state_of(entry), state_size, state.data_ptr<float>() + lane * state_size);
  }

  const BatchYear out = run_batch(*network_, x, state);
  MemberYear& result = year.result;
  const size_t cells = year.inputs.cells;
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (entries[lane] == LaneBatches::padding) continue;
    const auto entry = static_cast<size_t>(entries[lane]);
    const auto cell = static_cast<size_t>(year.running.cell[entry]);
    store_lane(year, entry, out.fluxes.data_ptr<float>() + lane * gpp);
    if (out.yield.defined()) {
      const Scaler& scaler = package_->scalers.at("Yield");
      result.annual[annual_variable::yield * cells + cell] = static_cast<float>(
          static_cast<double>(out.yield.data_ptr<float>()[lane]) * scaler.std + scaler.mean);
      result.annual[annual_variable::residue * cells + cell] = out.residue.data_ptr<float>()[lane];
    }
    std::copy_n(out.state.data_ptr<float>() + lane * state_size, state_size, state_of(entry));
  }
}

/// Expands one cell, z-scores it into its lane, sums GPP and checks ranges.
void TorchEngine::fill_lane(const Year& year, const FeatureExpander& expander, size_t entry,
                            float* physical, float* z) const {
  const YearInputs& inputs = year.inputs;
  const size_t cells = inputs.cells, width = package_->inputs.size();
  const auto cell = static_cast<size_t>(year.running.cell[entry]);
  const size_t gpp_feature = expander.gpp_features().front();
  expander.expand(year.running.cell[entry], year.running.crop[entry], physical);

  MemberYear& result = year.result;
  for (size_t month = 0; month < months_a_year; ++month)
    result.flags[month * cells + cell] = inputs.flags[month * cells + cell];
  double sums[months_a_year] = {};
  for (size_t day = 0; day < inputs.days; ++day, physical += features_.size(), z += lanes * width) {
    bool outside = false;
    for (size_t f = 0; f < width; ++f) {
      const Scaler& scaler = package_->inputs[f].scaler;
      outside |= physical[f] < ranges_.low[f] || physical[f] > ranges_.high[f];
      z[f] = static_cast<float>((static_cast<double>(physical[f]) - scaler.mean) / scaler.std);
      if (!std::isfinite(z[f]))  // the gates would hide it
        throw no_finite_score(*package_, f, physical[f], day, inputs.year);
    }
    const size_t month = inputs.month[day];
    if (day >= inputs.first_result_day) {
      sums[month] += static_cast<double>(physical[gpp_feature]);
      if (outside) result.flags[month * cells + cell] |= input_out_of_range;
    }
    if (!result.daily.empty())
      result.daily[(gpp * inputs.days + day) * cells + cell] = physical[gpp_feature];
  }
  const auto reached = reached_months(inputs);
  for (size_t month = 0; month < months_a_year; ++month)
    if (reached[month])
      result.monthly[(gpp * months_a_year + month) * cells + cell] =
          static_cast<float>(sums[month]);
}

/// Turns one lane of the network's fluxes into physical values with the project's signs.
void TorchEngine::store_lane(const Year& year, size_t entry, const float* fluxes) const {
  const YearInputs& inputs = year.inputs;
  const size_t cells = inputs.cells;
  const auto cell = static_cast<size_t>(year.running.cell[entry]);
  MemberYear& result = year.result;
  double sums[gpp][months_a_year] = {};
  for (size_t day = 0; day < inputs.days; ++day, fluxes += lanes * gpp) {
    const size_t month = inputs.month[day];
    const bool counts = day >= inputs.first_result_day;
    float value[gpp];
    for (const size_t v : {ra, rh, nee}) {
      value[v] = physical_flux(v, fluxes[v], package_->outputs[v].scaler);
      if (!std::isfinite(value[v])) throw no_finite_flux(*package_, day, inputs.year);
      if (counts) sums[v][month] += static_cast<double>(value[v]);
      if (!result.daily.empty()) result.daily[(v * inputs.days + day) * cells + cell] = value[v];
    }
    if (counts && (value[ra] < 0 || value[rh] < 0))
      result.flags[month * cells + cell] |= negative_respiration;
  }
  const auto reached = reached_months(inputs);
  for (const size_t v : {ra, rh, nee})
    for (size_t month = 0; month < months_a_year; ++month)
      if (reached[month])
        result.monthly[(v * months_a_year + month) * cells + cell] =
            static_cast<float>(sums[v][month]);
}

}  // namespace

std::unique_ptr<Engine> make_torch_engine(std::shared_ptr<const Package> package) {
  try {
    return std::make_unique<TorchEngine>(std::move(package));
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
}

}  // namespace fluxtile
