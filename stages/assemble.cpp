// SPDX-License-Identifier: Apache-2.0
#include "stages/assemble.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/digest.h"
#include "base/error.h"
#include "geo/calendar.h"
#include "model/feature_expander.h"
#include "stages/gap_filling.h"

namespace fluxtile {
namespace {

std::vector<uint8_t> months_of(int year, int days) {
  std::vector<uint8_t> month(static_cast<size_t>(days));
  for (int day = 0; day < days; ++day) {
    month[static_cast<size_t>(day)] = static_cast<uint8_t>(from_day_of_year(year, day).month - 1);
  }
  return month;
}

/// Decides the lane of a cell in the engines' batches: from the global lattice alone, so that no
/// tiling changes it. Rows are shifted against each other by 39 of 64 lanes (near the golden
/// section), so that narrow tiles fill all lanes as well.
int32_t lattice_position(const CellIndex& cell) {
  constexpr int64_t row_shift = 39, period = int64_t{1} << 20;
  return static_cast<int32_t>(((cell.column + row_shift * cell.row) % period + period) % period);
}

float year_feature(int year, const std::string& rule, const Package& package) {
  if (rule == "as-is") return static_cast<float>(year);
  if (rule == "clamp") {
    const PackageInput& input = package.input("Year");
    double value = year;
    if (input.min) value = std::max(value, *input.min);
    if (input.max) value = std::min(value, *input.max);
    return static_cast<float>(value);
  }
  return std::stof(rule);
}

/// Whether TMAX_AIR of a cell is below 0 degC on a day.
class Frost {
 public:
  explicit Frost(const ClimateTile& climate) : climate_(climate) {
    const auto& names = climate.block->variables;
    const auto found = std::find(names.begin(), names.end(), "TMAX_AIR");
    variable_ = found == names.end() ? names.size() : static_cast<size_t>(found - names.begin());
  }
  bool operator()(int32_t cell, int day) const {
    const auto& block = *climate_.block;
    if (variable_ == block.variables.size()) return false;
    const auto& w = *climate_.weights;
    const auto first = static_cast<size_t>(w.offset[static_cast<size_t>(cell)]);
    const auto last = static_cast<size_t>(w.offset[static_cast<size_t>(cell) + 1]);
    float sum = 0;
    for (size_t k = first; k < last; ++k) {
      const size_t at = static_cast<size_t>(day) * block.cells + static_cast<size_t>(w.index[k]);
      sum += w.weight[k] * block.values[at * block.variables.size() + variable_];
    }
    return last > first && sum < 0.0F;
  }

 private:
  const ClimateTile& climate_;
  size_t variable_ = 0;
};

template <typename T>
void add_vector(Digest& digest, const std::vector<T>& values) {
  digest.add_value(static_cast<uint64_t>(values.size()));
  digest.add(values.data(), values.size() * sizeof(T));
}

/// The chain, day by day: what a day adds is everything that its results depend on and earlier days
/// do not.
class Chain {
 public:
  Chain(std::string previous, const YearInputs& inputs)
      : value_(std::move(previous)), inputs_(inputs) {}

  void start_year(const TileStatics& tile, const AssembledYear& year) {
    Digest digest;
    digest.add_text(value_);
    digest.add_value(static_cast<int32_t>(inputs_.year));
    for (const auto& cell : tile.cells) digest.add_value(cell.column).add_value(cell.row);
    add_vector(digest, tile.statics);
    digest.add_value(inputs_.year_feature)
        .add_value(static_cast<uint64_t>(inputs_.first_result_day));
    for (const auto& member : year.members) {
      add_vector(digest, member.cell);
      add_vector(digest, member.crop);
    }
    for (const auto& weight : year.weights) add_vector(digest, weight);
    add_vector(digest, inputs_.climate_weights->offset);
    add_vector(digest, inputs_.climate_weights->index);
    add_vector(digest, inputs_.climate_weights->weight);
    value_ = digest.hex();
  }

  void add_day(size_t day) {
    Digest digest;
    digest.add_text(value_);
    const ClimateBlock& climate = *inputs_.climate;
    const size_t slab = climate.cells * climate.variables.size();
    digest.add(climate.values.data() + day * slab, slab * sizeof(float));
    const GppSeries& gpp = inputs_.gpp;
    digest.add_value(gpp.weight[day]);
    for (const int32_t composite : {gpp.before[day], gpp.after[day]})
      add_composite(digest, composite);
    const auto today = static_cast<int16_t>(day);
    while (segment_ < order_.size() && gpp.segments[order_[segment_]].first <= today)
      active_.push_back(order_[segment_++]);
    active_.erase(std::remove_if(active_.begin(), active_.end(),
                                 [&](size_t k) { return gpp.segments[k].last < today; }),
                  active_.end());
    // Values, not the segments: a held end that grows longer changes no day before.
    for (const size_t k : active_)
      digest.add_value(gpp.segments[k].cell).add_value(segment_gpp(gpp.segments[k], today));
    value_ = digest.hex();
  }

  /// The chain with the flags of the months before `end`, which no network sees.
  [[nodiscard]] std::string with_flags(size_t end) const {
    Digest digest;
    digest.add_text(value_);
    digest.add(inputs_.flags.data(), end * inputs_.cells * sizeof(uint16_t));
    return digest.hex();
  }

  void order_segments() {
    const auto& segments = inputs_.gpp.segments;
    order_.resize(segments.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::stable_sort(order_.begin(), order_.end(),
                     [&](size_t a, size_t b) { return segments[a].first < segments[b].first; });
  }

  [[nodiscard]] const std::string& value() const { return value_; }

 private:
  void add_composite(Digest& digest, int32_t composite) {
    if (composite <= newest_) return;  // met on an earlier day
    newest_ = composite;
    const auto first = static_cast<size_t>(composite) * inputs_.cells;
    digest.add(inputs_.gpp.values.data() + first, inputs_.cells * sizeof(float));
  }

  std::string value_;
  const YearInputs& inputs_;
  std::vector<size_t> order_, active_;
  size_t segment_ = 0;
  int32_t newest_ = -1;
};

}  // namespace

Assemble::Assemble(std::shared_ptr<const Sources> sources, Options options)
    : sources_(std::move(sources)), options_(std::move(options)) {}

AssembledYear Assemble::operator()(const TileStatics& tile, GppBlock gpp,
                                   const ClimateTile& climate, const YearStep& step,
                                   const std::vector<Member>& members, const Package& package,
                                   const std::string& chain) const {
  const size_t n = tile.cells.size();
  auto inputs = std::make_shared<YearInputs>();
  inputs->year = step.year;
  inputs->days = static_cast<size_t>(step.days);
  inputs->complete = step.complete;
  if (step.year == options_.start.year && !step.spinup) {
    inputs->first_result_day = static_cast<size_t>(day_of_year(options_.start));
  }
  inputs->month = months_of(step.year, step.days);
  inputs->cells = n;
  for (const auto& cell : tile.cells) inputs->position.push_back(lattice_position(cell));
  inputs->climate = climate.block;
  inputs->climate_weights = climate.weights;
  inputs->static_names = tile.static_names;
  inputs->statics = tile.statics;
  inputs->year_feature = year_feature(step.year, options_.year_rule, package);

  AssembledYear year;
  year.negative_gpp = gpp.negative;
  year.below_zero = std::move(gpp.below_zero);
  const GppSource& source = sources_->gpp;
  const int run_first =
      static_cast<int>(to_days({options_.run_first_year, 1, 1}) - to_days({step.year, 1, 1}));
  const Frost frost(climate);
  FilledGpp filled = fill_gaps(std::move(gpp), n, step.days, inputs->month, run_first,
                               {source.linear, source.max_gap, source.dormant_zero},
                               [&frost](int32_t cell, int day) { return frost(cell, day); });
  inputs->gpp = std::move(filled.series);
  inputs->flags = std::move(filled.flags);
  year.too_long_gaps = filled.too_long;

  const auto forbid = [&](size_t cell) {
    for (size_t m = 0; m < 12; ++m) inputs->flags[m * n + cell] = not_modelled;
  };
  for (size_t i = 0; i < n; ++i) {
    if (climate.weights->offset[i] == climate.weights->offset[i + 1]) {
      forbid(i);
      ++year.without_climate;
    }
  }
  const TileCrop& crop = tile.crop(step.year);
  for (size_t m = 0; m < members.size(); ++m) {
    const Member& member = members[m];
    MemberInputs run;
    run.member = m;
    std::vector<float> weight(n, 0.0F);
    const auto layer =
        std::find(options_.crop_types.begin(), options_.crop_types.end(), member.crop_type);
    for (size_t i = 0; i < n; ++i) {
      if (inputs->flags[i] == not_modelled) continue;
      float share = 1, type = static_cast<float>(member.crop_type);
      if (member.crop_type >= 0) {
        share = crop.share[static_cast<size_t>(layer - options_.crop_types.begin()) * n + i];
      } else {
        type = crop.type[i];
        if (std::isnan(type)) share = 0;
      }
      if (share <= 0) continue;
      weight[i] = static_cast<float>(share * member.weight);
      run.cell.push_back(static_cast<int32_t>(i));
      run.crop.push_back(type);
    }
    year.members.push_back(std::move(run));
    year.weights.push_back(std::move(weight));
  }
  // Flags that a whole year carries, on the cells that run.
  std::vector<uint8_t> month_days(12, 0);
  for (size_t day = inputs->first_result_day; day < inputs->days; ++day)
    ++month_days[inputs->month[day]];
  for (size_t m = 0; m < 12; ++m) {
    const bool cut = month_days[m] < days_in_month(step.year, static_cast<int>(m) + 1);
    for (size_t i = 0; i < n; ++i) {
      uint16_t& flag = inputs->flags[m * n + i];
      if (flag == not_modelled) continue;
      if (crop.substituted) flag = static_cast<uint16_t>(flag | crop_year_substituted);
      if (!step.spinup && cut) flag = static_cast<uint16_t>(flag | incomplete_period);
      if (!step.complete && m >= 9 && step.days > 298)
        flag = static_cast<uint16_t>(flag | provisional);
    }
  }

  Chain digest(chain, *inputs);
  digest.start_year(tile, year);
  digest.order_segments();
  for (size_t day = 0; day < inputs->days; ++day) {
    year.day_chains.push_back(digest.value());
    digest.add_day(day);
    if (day + 1 == inputs->days || inputs->month[day + 1] != inputs->month[day]) {
      year.month_chains.push_back(digest.with_flags(size_t{inputs->month[day]} + 1));
    }
  }
  year.day_chains.push_back(digest.value());
  year.chain = digest.with_flags(12);
  year.inputs = std::move(inputs);
  return year;
}

}  // namespace fluxtile
