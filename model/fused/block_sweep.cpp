// SPDX-License-Identifier: Apache-2.0
#include "model/fused/block_sweep.h"

#include <algorithm>
#include <utility>

#include "model/kgml_ag_c.h"

namespace fluxtile::fused {
namespace {

constexpr size_t kUnitLanes = kUnits * kLanes, kGateLanes = kGates * kLanes;
constexpr size_t kDaily = 8, kConstant = kgml_ag_c::feature_count - kDaily;
/// Position of GPP among the daily inputs: it is the last.
constexpr size_t kGpp = kDaily - 1;
constexpr size_t kFirstLate = kgml_ag_c::first_pulse_day;
constexpr size_t kLateDays = 366 - kFirstLate;
/// A late day: units of gru_basic, inputs, Ra.
constexpr size_t kLateRows = kUnits + kDaily + 1;
/// Layers with constant inputs, in the order of `starts_`.
enum Start : size_t { start_basic, start_ra, start_rh, start_nee, starts };

}  // namespace

BlockSweep::BlockSweep(const FusedNetwork& network)
    : network_(network),
      constants_(kConstant * kLanes),
      state_(layers * kUnitLanes),
      next_(kUnitLanes),
      starts_(starts * kGateLanes),
      pulse_start_(kGateLanes),
      dense_(2 * kUnitLanes),
      x_(kDaily * kLanes),
      ra_(kLanes),
      rh_(kLanes),
      nee_(kLanes),
      attention_sum_(kLanes),
      attended_(kUnitLanes),
      score_(kLanes),
      yield_(kLanes),
      residue_(kLanes),
      carbon_(kLanes),
      late_(kLateDays * kLateRows * kLanes) {}

size_t BlockSweep::bytes() {
  const size_t rows = kConstant + (layers + 4) * kUnits + (starts + 1) * kGates + kDaily + 7 +
                      kLateDays * kLateRows;
  return rows * kLanes * sizeof(float) + kLanes * sizeof(double);
}

void BlockSweep::prepare() {
  const GruLayer* const with_constants[] = {&network_.basic0, &network_.ra, &network_.rh0,
                                            &network_.nee};
  for (size_t k = 0; k < starts; ++k)
    dense(with_constants[k]->constants, constants_.data(), false, starts_.data() + k * kGateLanes);
  std::fill(attention_sum_.begin(), attention_sum_.end(), 0.0F);
  std::fill(attended_.begin(), attended_.end(), 0.0F);
  std::fill(carbon_.begin(), carbon_.end(), 0.0);
}

void BlockSweep::step(Layer layer, const GruLayer& weights, const float* start,
                      std::initializer_list<InputRows> inputs) {
  float* h = hidden(layer);
  gru_day(weights, start, inputs, h, next_.data());
  std::copy(next_.begin(), next_.end(), h);
}

void BlockSweep::forward(const DenseStack& stack, const float* in, float* scratch, float* out) {
  float *first = scratch, *second = scratch + kUnitLanes;
  dense(stack.layers[0], in, true, first);
  dense(stack.layers[1], first, true, second);
  dense(stack.layers[2], second, true, first);
  head(stack.last_weights, stack.last_bias, first, out);
}

void BlockSweep::attend_day() {
  forward(network_.attention, hidden(basic1), dense_.data(), score_.data());
  attend(score_.data(), hidden(basic1), attention_sum_.data(), attended_.data());
}

void BlockSweep::respire(const float* x) {
  step(ra, network_.ra, starts_.data() + start_ra * kGateLanes,
       {{hidden(basic1), kUnits}, {x, kDaily}});
  head(network_.ra_head.weights, network_.ra_head.bias, hidden(ra), ra_.data());
  const Scaler &to_gpp = network_.gpp_scaler, &to_ra = network_.ra_scaler;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    carbon_[lane] += (double{x[kGpp * kLanes + lane]} * to_gpp.std + to_gpp.mean) +
                     (double{ra_[lane]} * to_ra.std + to_ra.mean);
  }
}

void BlockSweep::release(const float* units, const float* x, const float* ra_of_day,
                         const float* rh_start) {
  step(rh0, network_.rh0, rh_start, {{units, kUnits}, {x, kDaily}});
  step(rh1, network_.rh1, nullptr, {{hidden(rh0), kUnits}});
  head(network_.rh_head.weights, network_.rh_head.bias, hidden(rh1), rh_.data());
  step(nee, network_.nee, starts_.data() + start_nee * kGateLanes,
       {{ra_of_day, 1}, {rh_.data(), 1}, {x, kDaily}});
  head(network_.nee_head.weights, network_.nee_head.bias, hidden(nee), nee_.data());
}

/// Yield from the attended units, residue from the year's carbon, and gru_Rh's start values on the
/// days of the pulse.
void BlockSweep::close_year() {
  for (size_t unit = 0; unit < kUnits; ++unit) {
    for (size_t lane = 0; lane < kLanes; ++lane)
      attended_[unit * kLanes + lane] /= attention_sum_[lane];
  }
  forward(network_.yield, attended_.data(), dense_.data(), yield_.data());
  const Scaler &to_yield = network_.yield_scaler, &to_residue = network_.residue_scaler;
  const float* rh_start = starts_.data() + start_rh * kGateLanes;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const double harvest = double{yield_[lane]} * to_yield.std + to_yield.mean;
    residue_[lane] = static_cast<float>(std::max(0.0, carbon_[lane] - harvest));
    const auto z = static_cast<float>((double{residue_[lane]} - to_residue.mean) / to_residue.std);
    for (size_t row = 0; row < kGates; ++row)
      pulse_start_[row * kLanes + lane] = rh_start[row * kLanes + lane] + network_.pulse[row] * z;
  }
}

void BlockSweep::run(size_t days, const std::function<void(size_t, float*)>& inputs,
                     const std::function<void(size_t, const BlockDay&)>& results) {
  prepare();
  const float* rh_start = starts_.data() + start_rh * kGateLanes;
  for (size_t day = 0; day < days; ++day) {
    inputs(day, x_.data());
    step(basic0, network_.basic0, starts_.data() + start_basic * kGateLanes, {{x_.data(), kDaily}});
    step(basic1, network_.basic1, nullptr, {{hidden(basic0), kUnits}});
    attend_day();
    respire(x_.data());
    if (day < kFirstLate) {
      release(hidden(basic1), x_.data(), ra_.data(), rh_start);
      results(day, {ra_.data(), rh_.data(), nee_.data()});
    } else {
      float* to = late_.data() + (day - kFirstLate) * kLateRows * kLanes;
      to = std::copy_n(hidden(basic1), kUnitLanes, to);
      to = std::copy_n(x_.data(), kDaily * kLanes, to);
      std::copy_n(ra_.data(), kLanes, to);
    }
  }
  close_year();
  for (size_t day = kFirstLate; day < days; ++day) {
    const float* units = late_.data() + (day - kFirstLate) * kLateRows * kLanes;
    const float* x = units + kUnitLanes;
    const float* ra_of_day = x + kDaily * kLanes;
    const bool pulsed = day < kFirstLate + kgml_ag_c::pulse_days;
    release(units, x, ra_of_day, pulsed ? pulse_start_.data() : rh_start);
    results(day, {ra_of_day, rh_.data(), nee_.data()});
  }
}

}  // namespace fluxtile::fused
