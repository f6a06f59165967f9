// SPDX-License-Identifier: Apache-2.0
#include "model/fused_engine.h"

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "base/error.h"
#include "base/stop.h"
#include "base/work_span.h"
#include "model/engine_checks.h"
#include "model/feature_expander.h"
#include "model/fused/block_inputs.h"
#include "model/fused/block_sweep.h"
#include "model/fused/kernels.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

using fused::kLanes;
constexpr size_t kMonths = 12, kState = kgml_ag_c::state_size;

enum Variable : size_t { ra, rh, nee, gpp, variables };
enum Annual : size_t { yield, residue, annuals };

/// What the blocks of one run share. They write to different cells.
struct Year {
  const YearInputs& inputs;
  const MemberInputs& member;
  const FeatureExpander& expander;
  std::vector<int32_t> cells;  ///< cells that are run
  std::vector<float> crops;
  MemberState& state;
  MemberYear& result;
};

class FusedEngine final : public Engine {
 public:
  explicit FusedEngine(std::shared_ptr<const Package> package)
      : package_(std::move(package)), network_(fused::pack_network(*package_)) {
    test_itself();
  }

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override;

  [[nodiscard]] size_t scratch_bytes(size_t /*days*/) const override {
    return fused::BlockSweep::bytes() + sizeof(Block);
  }

 private:
  /// One thread's memory for blocks.
  struct Block {
    Block(const Year& year, const Package& package, const fused::FusedNetwork& network)
        : sweep(network),
          inputs(year.inputs, year.expander, package, network.daily, network.constant) {}
    fused::BlockSweep sweep;
    fused::BlockInputs inputs;
    double sums[variables][kMonths][kLanes] = {};
    uint16_t flags[kMonths][kLanes] = {};
  };

  void test_itself() const;
  void run_block(const Year& year, size_t first, Block& block) const;
  void take_inputs(const Year& year, size_t first, size_t count, size_t day, Block& block,
                   float* z) const;
  void take_results(const Year& year, size_t first, size_t count, size_t day,
                    const fused::BlockDay& values, Block& block) const;
  void store(const Year& year, size_t first, size_t count, Block& block) const;

  std::shared_ptr<const Package> package_;
  fused::FusedNetwork network_;
};

MemberYear FusedEngine::run(const YearInputs& inputs, const MemberInputs& member,
                            MemberState& state, bool daily) const {
  const FeatureExpander expander(inputs, package_->input_names());
  check_engine_inputs(inputs, member, state, kState);
  MemberYear result = empty_year(inputs, variables, annuals, daily);

  Year year{inputs, member, expander, {}, {}, state, result};
  for (size_t i = 0; i < member.cell.size(); ++i) {
    if (inputs.flags[static_cast<size_t>(member.cell[i])] == not_modelled) continue;
    year.cells.push_back(member.cell[i]);
    year.crops.push_back(member.crop[i]);
  }
  const size_t blocks = (year.cells.size() + kLanes - 1) / kLanes;
  tbb::enumerable_thread_specific<std::unique_ptr<Block>> memory;
  // Isolated: a thread that waits here must not pick up another tile, which would hold memory.
  tbb::this_task_arena::isolate([&] {
    tbb::parallel_for(tbb::blocked_range<size_t>(0, blocks, 1),
                      [&](const tbb::blocked_range<size_t>& range) {
                        std::unique_ptr<Block>& block = memory.local();
                        if (!block) block = std::make_unique<Block>(year, *package_, network_);
                        for (size_t k = range.begin(); k < range.end(); ++k) {
                          Stop::throw_if_requested();
                          const WorkSpan span("block");
                          run_block(year, k * kLanes, *block);
                        }
                      });
  });
  return result;
}

/// A cell's bytes must not depend on its lane: the same cell in every lane gives the same.
void FusedEngine::test_itself() const {
  constexpr size_t days = 12;
  fused::BlockSweep sweep(network_);
  std::mt19937 random(19);
  const auto same_in_all_lanes = [&](float* rows, size_t count) {
    for (size_t row = 0; row < count; ++row)
      std::fill_n(rows + row * kLanes, kLanes,
                  static_cast<float>(random() % 8001) / 1000.0F - 4.0F);
  };
  same_in_all_lanes(sweep.constants(), network_.constant.size());
  same_in_all_lanes(sweep.state(), kState);
  const auto differ = [](const float* lanes) {
    return std::any_of(lanes, lanes + kLanes,
                       [&](float value) { return std::memcmp(&value, lanes, sizeof value) != 0; });
  };
  bool broken = false;
  sweep.run(
      days, [&](size_t, float* z) { same_in_all_lanes(z, network_.daily.size()); },
      [&](size_t, const fused::BlockDay& day) {
        broken = broken || differ(day.ra) || differ(day.rh) || differ(day.nee);
      });
  for (size_t row = 0; row < kState; ++row) broken = broken || differ(sweep.state() + row * kLanes);
  if (broken || differ(sweep.yield()))
    throw Error(Code::internal, "the fused engine changes a cell with its lane")
        .found(fused::kernel_target())
        .hint("use run.engine: torch, and report this machine");
}

void FusedEngine::run_block(const Year& year, size_t first, Block& block) const {
  const size_t count = std::min(kLanes, year.cells.size() - first);
  const int32_t* cells = year.cells.data() + first;
  std::fill_n(&block.sums[0][0][0], variables * kMonths * kLanes, 0.0);
  float* state = block.sweep.state();
  std::fill_n(state, kState * kLanes, 0.0F);
  for (size_t lane = 0; lane < count; ++lane) {
    const auto cell = static_cast<size_t>(cells[lane]);
    for (size_t k = 0; k < kState; ++k)
      state[k * kLanes + lane] = year.state.values[cell * kState + k];
    for (size_t month = 0; month < kMonths; ++month)
      block.flags[month][lane] = year.inputs.flags[month * year.inputs.cells + cell];
  }
  block.inputs.begin(cells, year.crops.data() + first, count, block.sweep.constants());
  block.sweep.run(
      year.inputs.days,
      [&](size_t day, float* z) { take_inputs(year, first, count, day, block, z); },
      [&](size_t day, const fused::BlockDay& values) {
        take_results(year, first, count, day, values, block);
      });
  store(year, first, count, block);
}

/// Forms a day's inputs, sums GPP and notes ranges.
void FusedEngine::take_inputs(const Year& year, size_t first, size_t count, size_t day,
                              Block& block, float* z) const {
  block.inputs.day(day, z);
  const YearInputs& inputs = year.inputs;
  const size_t month = inputs.month[day];
  const bool counts = day >= inputs.first_result_day;
  const float* values = block.inputs.gpp();
  for (size_t lane = 0; lane < count; ++lane) {
    if (counts) {
      block.sums[gpp][month][lane] += double{values[lane]};
      if (block.inputs.outside()[lane]) block.flags[month][lane] |= input_out_of_range;
    }
    if (!year.result.daily.empty())
      year.result.daily[(gpp * inputs.days + day) * inputs.cells +
                        static_cast<size_t>(year.cells[first + lane])] = values[lane];
  }
}

/// Turns a day of the network's outputs into physical values with the project's signs.
void FusedEngine::take_results(const Year& year, size_t first, size_t count, size_t day,
                               const fused::BlockDay& values, Block& block) const {
  const YearInputs& inputs = year.inputs;
  const size_t month = inputs.month[day];
  const bool counts = day >= inputs.first_result_day;
  const float* const network[] = {values.ra, values.rh, values.nee};
  const Scaler scalers[] = {network_.ra_scaler, network_.rh_scaler, network_.nee_scaler};
  for (const size_t v : {ra, rh, nee}) {
    for (size_t lane = 0; lane < count; ++lane) {
      const double physical = double{network[v][lane]} * scalers[v].std + scalers[v].mean;
      const auto value = static_cast<float>(v == nee ? physical : 0.0 - physical);
      if (!std::isfinite(value)) throw no_finite_flux(*package_, day, inputs.year);
      if (counts) {
        block.sums[v][month][lane] += double{value};
        if (v != nee && value < 0) block.flags[month][lane] |= negative_respiration;
      }
      if (!year.result.daily.empty())
        year.result.daily[(v * inputs.days + day) * inputs.cells +
                          static_cast<size_t>(year.cells[first + lane])] = value;
    }
  }
}

void FusedEngine::store(const Year& year, size_t first, size_t count, Block& block) const {
  const YearInputs& inputs = year.inputs;
  bool reached[kMonths] = {};
  for (size_t day = inputs.first_result_day; day < inputs.days; ++day)
    reached[inputs.month[day]] = true;
  const Scaler& to_yield = network_.yield_scaler;
  const float* state = block.sweep.state();
  MemberYear& result = year.result;
  for (size_t lane = 0; lane < count; ++lane) {
    const auto cell = static_cast<size_t>(year.cells[first + lane]);
    for (size_t month = 0; month < kMonths; ++month) {
      result.flags[month * inputs.cells + cell] = block.flags[month][lane];
      if (!reached[month]) continue;
      for (size_t v = 0; v < variables; ++v)
        result.monthly[(v * kMonths + month) * inputs.cells + cell] =
            static_cast<float>(block.sums[v][month][lane]);
    }
    result.annual[yield * inputs.cells + cell] =
        static_cast<float>(double{block.sweep.yield()[lane]} * to_yield.std + to_yield.mean);
    result.annual[residue * inputs.cells + cell] = block.sweep.residue()[lane];
    for (size_t k = 0; k < kState; ++k)
      year.state.values[cell * kState + k] = state[k * kLanes + lane];
  }
}

}  // namespace

std::unique_ptr<Engine> make_fused_engine(std::shared_ptr<const Package> package) {
  return std::make_unique<FusedEngine>(std::move(package));
}

std::string fused_engine_identity() {
  const std::string identity = "fused/1 cpu fp32";
  return fused::kernel_target_fuses() ? identity : identity + " " + fused::kernel_target();
}

}  // namespace fluxtile
