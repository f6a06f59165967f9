// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "model/fused/block_sweep.h"
#include "model/fused/hidden_states.h"
#include "model/kgml_ag_c.h"

namespace fluxtile::fused {
namespace {

constexpr size_t kUnitLanes = kUnits * kLanes, kGateLanes = 3 * kUnitLanes;
constexpr size_t kDaily = 8, kConstant = kgml_ag_c::feature_count - kDaily;
/// Position of GPP among the daily inputs: it is the last.
constexpr size_t kGpp = kDaily - 1;
constexpr size_t kFirstLate = kgml_ag_c::first_pulse_day;
constexpr size_t kLateDays = 366 - kFirstLate;
/// A late day: units of gru_basic, inputs, Ra.
constexpr size_t kLateRows = kUnits + kDaily + 1;
/// What an open year holds beside the hidden state: the attention's sum and weighted units, and the
/// carbon so far as the two halves of a double.
constexpr size_t kOpenRows = 1 + kUnits + 2;
static_assert(kOpenRows == kgml_ag_c::open_size && sizeof(double) == 2 * sizeof(float));
enum Layer : size_t { basic0, basic1, ra, rh0, rh1, nee, layers };
/// Layers with constant inputs, in the order of `starts_`.
enum Start : size_t { start_basic, start_ra, start_rh, start_nee, starts };

/// `kgml-ag-c` with everything that is held in a few hundred kB: no array has all days but those of
/// the year's end, which wait for the residue.
class KgmlSweep final : public BlockSweep {
 public:
  explicit KgmlSweep(const FusedNetwork& network)
      : network_(std::get<KgmlNetwork>(network.network)),
        constants_(kConstant * kLanes),
        hidden_(layers),
        open_(kOpenRows * kLanes),
        starts_(starts * kGateLanes),
        pulse_start_(kGateLanes),
        dense_(2 * kUnitLanes),
        x_(kDaily * kLanes),
        ra_(kLanes),
        rh_(kLanes),
        nee_(kLanes),
        score_(kLanes),
        yield_(kLanes),
        residue_(kLanes),
        late_(kLateDays * kLateRows * kLanes) {}

  [[nodiscard]] size_t bytes() const override {
    const size_t rows = kConstant + (layers + 1 + 2) * kUnits + kOpenRows +
                        (starts + 1) * 3 * kUnits + kDaily + 6 + kLateDays * kLateRows;
    return rows * kLanes * sizeof(float);
  }
  float* constants() override { return constants_.data(); }
  float* state(size_t row) override {
    return row < kgml_ag_c::state_size ? hidden_[row / kUnits] + row % kUnits * kLanes
                                       : open_.data() + (row - kgml_ag_c::state_size) * kLanes;
  }
  [[nodiscard]] size_t last_beginning() const override { return kFirstLate; }
  void run(size_t first, size_t days, DayByDay& work) override;
  [[nodiscard]] const float* annual(size_t variable) const override {
    return variable == 0 ? yield_.data() : residue_.data();
  }

 private:
  float* attention_sum() { return open_.data(); }
  float* attended() { return open_.data() + kLanes; }
  /// GPP + Ra of the year so far of a lane, gC m-2.
  [[nodiscard]] double carbon(size_t lane) const {
    const float* row = open_.data() + (1 + kUnits) * kLanes + lane;
    const float halves[] = {row[0], row[kLanes]};
    double sum = 0;
    std::memcpy(&sum, halves, sizeof sum);
    return sum;
  }
  void set_carbon(size_t lane, double sum) {
    float halves[2];
    std::memcpy(halves, &sum, sizeof sum);
    float* row = open_.data() + (1 + kUnits) * kLanes + lane;
    row[0] = halves[0];
    row[kLanes] = halves[1];
  }

  void prepare(bool begins);
  void attend_day();
  /// Ra of a day from gru_basic's units and the day's inputs.
  void respire(const float* x);
  /// Rh and NEE of a day.
  void release(const float* units, const float* x, const float* ra_of_day, const float* rh_start);
  void close_year();
  static void forward(const DenseStack& stack, const float* in, float* scratch, float* out);

  const KgmlNetwork& network_;
  Floats constants_;
  HiddenStates hidden_;
  Floats open_, starts_, pulse_start_, dense_, x_, ra_, rh_, nee_, score_, yield_, residue_;
  Floats late_;  ///< [day - 298][units, inputs, Ra][lane]
};

void KgmlSweep::prepare(bool begins) {
  const RecurrentLayer* const with_constants[] = {&network_.basic0, &network_.ra, &network_.rh0,
                                                  &network_.nee};
  for (size_t k = 0; k < starts; ++k)
    dense(with_constants[k]->constants, constants_.data(), false, starts_.data() + k * kGateLanes);
  if (begins) std::fill(open_.begin(), open_.end(), 0.0F);
}

void KgmlSweep::forward(const DenseStack& stack, const float* in, float* scratch, float* out) {
  float *first = scratch, *second = scratch + kUnitLanes;
  dense(stack.layers[0], in, true, first);
  dense(stack.layers[1], first, true, second);
  dense(stack.layers[2], second, true, first);
  head(stack.last_weights, stack.last_bias, first, out);
}

void KgmlSweep::attend_day() {
  forward(network_.attention, hidden_[basic1], dense_.data(), score_.data());
  attend(score_.data(), hidden_[basic1], attention_sum(), attended());
}

void KgmlSweep::respire(const float* x) {
  hidden_.step(ra, network_.ra, starts_.data() + start_ra * kGateLanes,
               {{hidden_[basic1], kUnits}, {x, kDaily}});
  head(network_.ra_head.weights, network_.ra_head.bias, hidden_[ra], ra_.data());
  const Scaler &to_gpp = network_.gpp_scaler, &to_ra = network_.ra_scaler;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    set_carbon(lane, carbon(lane) + ((double{x[kGpp * kLanes + lane]} * to_gpp.std + to_gpp.mean) +
                                     (double{ra_[lane]} * to_ra.std + to_ra.mean)));
  }
}

void KgmlSweep::release(const float* units, const float* x, const float* ra_of_day,
                        const float* rh_start) {
  hidden_.step(rh0, network_.rh0, rh_start, {{units, kUnits}, {x, kDaily}});
  hidden_.step(rh1, network_.rh1, nullptr, {{hidden_[rh0], kUnits}});
  head(network_.rh_head.weights, network_.rh_head.bias, hidden_[rh1], rh_.data());
  hidden_.step(nee, network_.nee, starts_.data() + start_nee * kGateLanes,
               {{ra_of_day, 1}, {rh_.data(), 1}, {x, kDaily}});
  head(network_.nee_head.weights, network_.nee_head.bias, hidden_[nee], nee_.data());
}

/// Yield from the attended units, residue from the year's carbon, and gru_Rh's start values on the
/// days of the pulse.
void KgmlSweep::close_year() {
  for (size_t unit = 0; unit < kUnits; ++unit) {
    for (size_t lane = 0; lane < kLanes; ++lane)
      attended()[unit * kLanes + lane] /= attention_sum()[lane];
  }
  forward(network_.yield, attended(), dense_.data(), yield_.data());
  const Scaler &to_yield = network_.yield_scaler, &to_residue = network_.residue_scaler;
  const float* rh_start = starts_.data() + start_rh * kGateLanes;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const double harvest = double{yield_[lane]} * to_yield.std + to_yield.mean;
    yield_[lane] = static_cast<float>(harvest);
    residue_[lane] = static_cast<float>(std::max(0.0, carbon(lane) - harvest));
    const auto z = static_cast<float>((double{residue_[lane]} - to_residue.mean) / to_residue.std);
    for (size_t row = 0; row < 3 * kUnits; ++row)
      pulse_start_[row * kLanes + lane] = rh_start[row * kLanes + lane] + network_.pulse[row] * z;
  }
}

void KgmlSweep::run(size_t first, size_t days, DayByDay& work) {
  prepare(first == 0);
  const float* rh_start = starts_.data() + start_rh * kGateLanes;
  for (size_t day = first; day < days; ++day) {
    if (day <= kFirstLate) work.begin(day);
    work.inputs(day, x_.data());
    hidden_.step(basic0, network_.basic0, starts_.data() + start_basic * kGateLanes,
                 {{x_.data(), kDaily}});
    hidden_.step(basic1, network_.basic1, nullptr, {{hidden_[basic0], kUnits}});
    attend_day();
    respire(x_.data());
    if (day < kFirstLate) {
      release(hidden_[basic1], x_.data(), ra_.data(), rh_start);
      work.results(day, {ra_.data(), rh_.data(), nee_.data()});
    } else {
      float* to = late_.data() + (day - kFirstLate) * kLateRows * kLanes;
      to = std::copy_n(hidden_[basic1], kUnitLanes, to);
      to = std::copy_n(x_.data(), kDaily * kLanes, to);
      std::copy_n(ra_.data(), kLanes, to);
    }
  }
  if (days <= kFirstLate) work.begin(days);
  close_year();
  for (size_t day = kFirstLate; day < days; ++day) {
    const float* units = late_.data() + (day - kFirstLate) * kLateRows * kLanes;
    const float* x = units + kUnitLanes;
    const float* ra_of_day = x + kDaily * kLanes;
    const bool pulsed = day < kFirstLate + kgml_ag_c::pulse_days;
    release(units, x, ra_of_day, pulsed ? pulse_start_.data() : rh_start);
    work.results(day, {ra_of_day, rh_.data(), nee_.data()});
  }
}

}  // namespace

std::unique_ptr<BlockSweep> make_kgml_sweep(const FusedNetwork& network) {
  return std::make_unique<KgmlSweep>(network);
}

}  // namespace fluxtile::fused
