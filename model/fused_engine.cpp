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

namespace fluxtile {
namespace {

using fused::kLanes;
constexpr size_t kMonths = 12;

enum Variable : size_t { ra, rh, nee, gpp, variables };
/// What the engine adds to a year that is kept in its middle, of the month of the day before: sums,
/// then flags and the month's number in one float, which holds both exactly.
constexpr size_t kMonthRows = 2 * variables + 1;
constexpr uint32_t kMonthUnit = 1U << 16;

/// What the blocks of one run share. They write to different cells.
struct Year {
  const YearInputs& inputs;
  const MemberInputs& member;
  const FeatureExpander& expander;
  std::vector<int32_t> cells;  ///< cells that are run
  std::vector<float> crops;
  MemberState& state;
  MemberYear& result;
  YearSpan& span;

  [[nodiscard]] size_t first_day() const { return span.from ? span.from->day : 0; }
};

class FusedEngine final : public Engine {
 public:
  FusedEngine(std::shared_ptr<const Package> package, fused::Products products)
      : package_(std::move(package)),
        info_(architecture_info(package_->architecture)),
        network_(fused::pack_network(*package_, products)) {
    test_itself();
  }

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override {
    YearSpan whole;
    return run_span(inputs, member, state, daily, whole);
  }
  MemberYear run_span(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                      bool daily, YearSpan& span) const override;
  [[nodiscard]] size_t last_beginning() const override {
    return fused::BlockSweep::make(network_)->last_beginning();
  }
  [[nodiscard]] size_t scratch_bytes(size_t days) const override;

 private:
  struct Block;
  void test_itself() const;

  std::shared_ptr<const Package> package_;
  ArchitectureInfo info_;
  fused::FusedNetwork network_;
};

/// One thread's memory for blocks, and a block's way through the year.
struct FusedEngine::Block final : fused::DayByDay {
  Block(const FusedEngine& engine, const Year& year)
      : engine_(engine),
        year_(year),
        network_(engine.network_),
        sweep_(fused::BlockSweep::make(network_)),
        inputs_(year.inputs, year.expander, *engine.package_, network_.daily, network_.constant) {}

  /// Runs the block of cells that begins with year.cells[first].
  void run(size_t first);

  void begin(size_t day) override;
  void inputs(size_t day, float* z) override;
  void results(size_t day, const fused::BlockDay& values) override;

 private:
  template <typename Move>
  void for_lines(size_t rows, Move move);
  void take_up();
  /// The first rows of the state as they are, [cell][stride].
  void leave(size_t rows, float* values, size_t stride);
  void keep_daily(size_t variable, size_t day, const float* values);
  void store();
  [[nodiscard]] size_t cell(size_t lane) const { return static_cast<size_t>(cells_[lane]); }

  const FusedEngine& engine_;
  const Year& year_;
  /// A copy: weights that two cores share are slower to read again once they have left a core's
  /// own cache.
  const fused::FusedNetwork network_;
  std::unique_ptr<fused::BlockSweep> sweep_;
  fused::BlockInputs inputs_;
  const int32_t* cells_ = nullptr;  ///< of the block
  size_t count_ = 0;
  fused::Floats value_ = fused::Floats(kLanes);  ///< of a flux and day
  double sums_[variables][kMonths][kLanes] = {};
  uint16_t flags_[kMonths][kLanes] = {};  ///< the engine's own; ingestion's are added at the end
};

size_t FusedEngine::scratch_bytes(size_t /*days*/) const {
  size_t weights = 0;
  for (const auto& [name, tensor] : package_->tensors) weights += tensor.count() * sizeof(float);
  return fused::BlockSweep::make(network_)->bytes() + weights + sizeof(Block);
}

void check_span(const YearInputs& inputs, const YearSpan& span, size_t last, size_t floats) {
  size_t day = span.from ? span.from->day : 0;
  bool fits = day <= std::min(last, inputs.days);
  if (span.from) fits = fits && span.from->values.size() == inputs.cells * floats;
  for (const size_t keep : span.keep) {
    fits = fits && keep >= day && keep <= std::min(last, inputs.days);
    day = keep + 1;
  }
  if (!fits) throw Error(Code::internal, "the fused engine cannot run this span of a year");
}

MemberYear FusedEngine::run_span(const YearInputs& inputs, const MemberInputs& member,
                                 MemberState& state, bool daily, YearSpan& span) const {
  const FeatureExpander expander(inputs, expanded_features(*package_));
  check_engine_inputs(inputs, member, state, info_.state_size);
  const size_t floats = info_.state_size + info_.open_size;
  check_span(inputs, span, last_beginning(), floats);
  MemberYear result = empty_year(inputs, variables, info_.annual_variables.size(), daily);
  span.kept.clear();
  for (const size_t day : span.keep)
    span.kept.push_back({day, std::vector<float>(inputs.cells * floats, 0.0F)});

  Year year{inputs, member, expander, {}, {}, state, result, span};
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
                        if (!block) block = std::make_unique<Block>(*this, year);
                        for (size_t k = range.begin(); k < range.end(); ++k) {
                          Stop::throw_if_requested();
                          const WorkSpan work("block");
                          block->run(k * kLanes);
                        }
                      });
  });
  return result;
}

/// A cell's bytes must not depend on its lane: the same cell in every lane gives the same.
void FusedEngine::test_itself() const {
  /// The same random numbers in all lanes; notes whether results differ.
  struct Days final : fused::DayByDay {
    void fill(float* row) {
      std::fill_n(row, kLanes, static_cast<float>(random() % 8001) / 1000.0F - 4.0F);
    }
    void compare(const float* lanes) {
      for (size_t lane = 1; lane < kLanes; ++lane)
        differ = differ || std::memcmp(lanes + lane, lanes, sizeof *lanes) != 0;
    }
    void begin(size_t /*day*/) override {}
    void inputs(size_t /*day*/, float* z) override {
      for (size_t row = 0; row < daily; ++row) fill(z + row * kLanes);
    }
    void results(size_t /*day*/, const fused::BlockDay& day) override {
      compare(day.ra);
      compare(day.rh);
      compare(day.nee);
    }
    std::mt19937 random{19};
    size_t daily = 0;
    bool differ = false;
  } days;
  days.daily = network_.daily.size();
  const auto sweep = fused::BlockSweep::make(network_);
  for (size_t row = 0; row < network_.constant.size(); ++row)
    days.fill(sweep->constants() + row * kLanes);
  for (size_t row = 0; row < info_.state_size; ++row) days.fill(sweep->state(row));
  sweep->run(0, 12, days);
  for (size_t row = 0; row < info_.state_size; ++row) days.compare(sweep->state(row));
  for (size_t k = 0; k < info_.annual_variables.size(); ++k) days.compare(sweep->annual(k));
  if (days.differ)
    throw Error(Code::internal, "the fused engine changes a cell with its lane")
        .found(fused::kernel_target())
        .hint("use run.engine: torch, and report this machine");
}

void FusedEngine::Block::run(size_t first) {
  count_ = std::min(kLanes, year_.cells.size() - first);
  cells_ = year_.cells.data() + first;
  std::fill_n(&sums_[0][0][0], variables * kMonths * kLanes, 0.0);
  std::fill_n(&flags_[0][0], kMonths * kLanes, uint16_t{0});
  take_up();
  inputs_.begin(cells_, year_.crops.data() + first, count_, sweep_->constants());
  sweep_->run(year_.first_day(), year_.inputs.days, *this);
  store();
}

/// Goes through the first `rows` of the state, a cache line of each cell's own floats at a time.
template <typename Move>
void FusedEngine::Block::for_lines(size_t rows, Move move) {
  constexpr size_t line = 16;
  float* states[line];
  for (size_t row = 0; row < rows; row += line) {
    const size_t count = std::min(line, rows - row);
    for (size_t k = 0; k < count; ++k) states[k] = sweep_->state(row + k);
    for (size_t lane = 0; lane < count_; ++lane) move(lane, row, count, states);
  }
}

void FusedEngine::Block::leave(size_t rows, float* values, size_t stride) {
  for_lines(rows, [&](size_t lane, size_t row, size_t count, float* const* states) {
    float* own = values + cell(lane) * stride + row;
    for (size_t k = 0; k < count; ++k) own[k] = states[k][lane];
  });
}

/// The state of the block's cells at the beginning of the span's first day.
void FusedEngine::Block::take_up() {
  const OpenYear* from = year_.span.from;
  const size_t network = engine_.info_.state_size + engine_.info_.open_size - kMonthRows;
  const size_t rows = from ? network : engine_.info_.state_size;
  const size_t stride = from ? network + kMonthRows : rows;
  const std::vector<float>& values = from ? from->values : year_.state.values;
  for (size_t row = 0; row < rows; ++row)
    std::fill_n(sweep_->state(row) + count_, kLanes - count_, 0.0F);
  for_lines(rows, [&](size_t lane, size_t row, size_t count, float* const* states) {
    const float* own = values.data() + cell(lane) * stride + row;
    for (size_t k = 0; k < count; ++k) states[k][lane] = own[k];
  });
  if (!from || from->day == 0 || from->day >= year_.inputs.days) return;
  const size_t month = year_.inputs.month[from->day];
  for (size_t lane = 0; lane < count_; ++lane) {
    const float* own = values.data() + cell(lane) * stride + network;
    const auto packed = static_cast<uint32_t>(own[2 * variables]);
    if (packed / kMonthUnit != month) continue;  // a month begins
    for (size_t v = 0; v < variables; ++v)
      std::memcpy(&sums_[v][month][lane], own + 2 * v, sizeof(double));
    flags_[month][lane] = static_cast<uint16_t>(packed % kMonthUnit);
  }
}

/// Keeps the year where the span asks for it.
void FusedEngine::Block::begin(size_t day) {
  for (OpenYear& kept : year_.span.kept) {
    if (kept.day != day) continue;
    const size_t network = engine_.info_.state_size + engine_.info_.open_size - kMonthRows;
    leave(network, kept.values.data(), network + kMonthRows);
    if (day == 0) continue;
    const uint8_t month = year_.inputs.month[day - 1];
    for (size_t lane = 0; lane < count_; ++lane) {
      float* own = kept.values.data() + cell(lane) * (network + kMonthRows) + network;
      for (size_t v = 0; v < variables; ++v)
        std::memcpy(own + 2 * v, &sums_[v][month][lane], sizeof(double));
      own[2 * variables] = static_cast<float>(flags_[month][lane] + month * kMonthUnit);
    }
  }
}

/// Forms a day's inputs, sums GPP and notes ranges.
void FusedEngine::Block::inputs(size_t day, float* z) {
  inputs_.day(day, z);
  const YearInputs& inputs = year_.inputs;
  if (day >= inputs.first_result_day) {
    const size_t month = inputs.month[day];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums_[gpp][month][lane] += double{inputs_.gpp()[lane]};
      if (inputs_.outside()[lane] != 0) flags_[month][lane] |= input_out_of_range;
    }
  }
  keep_daily(gpp, day, inputs_.gpp());
}

/// Turns a day of the network's outputs into physical values with the project's signs.
void FusedEngine::Block::results(size_t day, const fused::BlockDay& values) {
  const YearInputs& inputs = year_.inputs;
  const size_t month = inputs.month[day];
  const float* const network[] = {values.ra, values.rh, values.nee};
  for (const size_t v : {ra, rh, nee}) {
    const Scaler& scaler = engine_.network_.flux_scalers[v];
    float* value = value_.data();
    if (!fused::unscore({scaler.mean, scaler.std}, v != nee, network[v], value))
      throw no_finite_flux(*engine_.package_, day, inputs.year);
    if (day >= inputs.first_result_day) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        sums_[v][month][lane] += double{value[lane]};
        if (v != nee && value[lane] < 0) flags_[month][lane] |= negative_respiration;
      }
    }
    keep_daily(v, day, value);
  }
}

void FusedEngine::Block::keep_daily(size_t variable, size_t day, const float* values) {
  if (year_.result.daily.empty()) return;
  const YearInputs& inputs = year_.inputs;
  float* row = year_.result.daily.data() + (variable * inputs.days + day) * inputs.cells;
  for (size_t lane = 0; lane < count_; ++lane) row[cell(lane)] = values[lane];
}

void FusedEngine::Block::store() {
  const YearInputs& inputs = year_.inputs;
  const size_t first = year_.first_day();
  bool reached[kMonths] = {};
  for (size_t day = std::max(first, inputs.first_result_day); day < inputs.days; ++day)
    reached[inputs.month[day]] = true;
  const size_t first_month = first < inputs.days ? inputs.month[first] : kMonths;
  const size_t state_size = engine_.info_.state_size;
  MemberYear& result = year_.result;
  for (size_t lane = 0; lane < count_; ++lane) {
    for (size_t month = first_month; month < kMonths; ++month) {
      const size_t at = month * inputs.cells + cell(lane);
      result.flags[at] = inputs.flags[at] | flags_[month][lane];
      if (!reached[month]) continue;
      for (size_t v = 0; v < variables; ++v)
        result.monthly[(v * kMonths + month) * inputs.cells + cell(lane)] =
            static_cast<float>(sums_[v][month][lane]);
    }
    for (size_t k = 0; k < engine_.info_.annual_variables.size(); ++k)
      result.annual[k * inputs.cells + cell(lane)] = sweep_->annual(k)[lane];
  }
  leave(state_size, year_.state.values.data(), state_size);
}

}  // namespace

std::unique_ptr<Engine> make_fused_engine(std::shared_ptr<const Package> package,
                                          const std::string& precision) {
  return std::make_unique<FusedEngine>(
      std::move(package), precision == "bf16" ? fused::Products::bf16 : fused::Products::fp32);
}

std::string fused_engine_identity(const std::string& precision) {
  const std::string identity = "fused/1 cpu " + precision;
  return fused::kernel_target_fuses() ? identity : identity + " " + fused::kernel_target();
}

}  // namespace fluxtile
