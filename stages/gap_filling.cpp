// SPDX-License-Identifier: Apache-2.0
#include "stages/gap_filling.h"

#include <algorithm>
#include <cmath>

namespace fluxtile {
namespace {

/// Where a composite anchors the daily series: first and last day it gives a value to by itself.
struct Anchor {
  float left = 0, right = 0;
};

Anchor anchor_of(const GppBlock::Span& span, bool linear) {
  if (!linear) return {static_cast<float>(span.first), static_cast<float>(span.end - 1)};
  const float middle = 0.5F * static_cast<float>(span.first + span.end - 1);
  return {middle, middle};
}

/// First integer day after / last integer day before a position.
int day_after(float position) { return static_cast<int>(std::floor(position)) + 1; }
int day_before(float position) { return static_cast<int>(std::ceil(position)) - 1; }

/// Which composites make a day where nothing is missing.
void index_days(const GppBlock& block, int days, bool linear, GppSeries& series) {
  series.before.assign(static_cast<size_t>(days), -1);
  series.after.assign(static_cast<size_t>(days), -1);
  series.weight.assign(static_cast<size_t>(days), 0.0F);
  const auto count = static_cast<int32_t>(block.spans.size());
  for (int32_t k = 0; k < count; ++k) {
    const auto& span = block.spans[static_cast<size_t>(k)];
    for (int day = std::max(0, span.first); day < std::min(days, span.end); ++day) {
      const auto d = static_cast<size_t>(day);
      series.before[d] = series.after[d] = k;
      if (!linear) continue;
      const float own = anchor_of(span, true).left;
      const int32_t other = static_cast<float>(day) < own ? k - 1 : k + 1;
      if (other < 0 || other >= count) continue;
      const auto& neighbour = block.spans[static_cast<size_t>(other)];
      if (std::max(span.first, neighbour.first) != std::min(span.end, neighbour.end))
        continue;  // not side by side
      const float theirs = anchor_of(neighbour, true).left;
      const float low = std::min(own, theirs), high = std::max(own, theirs);
      series.before[d] = std::min(k, other);
      series.after[d] = std::max(k, other);
      series.weight[d] = (static_cast<float>(day) - low) / (high - low);
    }
  }
}

/// Works through the composites of one cell and writes its gaps as segments.
class CellGaps {
 public:
  CellGaps(const GppBlock& block, size_t cells, int days, const std::vector<uint8_t>& month,
           int run_first, const GapRules& rules, const std::function<bool(int32_t, int)>& frozen,
           FilledGpp& out)
      : block_(block),
        cells_(cells),
        days_(days),
        month_(month),
        run_first_(run_first),
        rules_(rules),
        frozen_(frozen),
        out_(out) {}

  void run(int32_t cell) {
    cell_ = cell;
    too_long_ = false;
    const size_t first_segment = out_.series.segments.size();
    const size_t count = block_.spans.size();
    size_t last_valid = count;
    for (size_t k = 0; k < count; ++k) {
      if (std::isnan(value(k))) continue;
      if (last_valid == count) {
        before_first(k);
      } else {
        between(last_valid, k);
      }
      last_valid = k;
    }
    if (last_valid == count) {
      too_long_ = true;
    } else {
      after_last(last_valid);
    }
    if (too_long_) {
      out_.series.segments.resize(first_segment);
      for (size_t m = 0; m < 12; ++m) flag(m) = not_modelled;
      ++out_.too_long;
    }
  }

 private:
  [[nodiscard]] float value(size_t k) const {
    return block_.values[k * cells_ + static_cast<size_t>(cell_)];
  }
  uint16_t& flag(size_t m) { return out_.flags[m * cells_ + static_cast<size_t>(cell_)]; }

  void before_first(size_t k) {
    const Anchor anchor = anchor_of(block_.spans[k], rules_.linear);
    if (k == 0 && block_.starts_record) {
      // Before the record began: held backwards; the days since the run began count.
      const int last = block_.spans[k].first - 1;
      gap(std::min(run_first_, last + 1), last, static_cast<float>(last), static_cast<float>(last),
          value(k), value(k));
    } else if (block_.starts_record) {
      const int first = std::min(run_first_, block_.spans[0].first);
      gap(first, day_before(anchor.left), anchor.left, anchor.left, value(k), value(k));
    } else {
      // The value before lies further back than a gap may reach; frozen days alone can bridge that.
      const int first = -rules_.max_gap - 1;
      gap(first, day_before(anchor.left), static_cast<float>(first - 1), anchor.left, value(k),
          value(k));
    }
  }

  void between(size_t p, size_t q) {
    const bool side_by_side = q == p + 1 && block_.spans[p].end == block_.spans[q].first;
    if (side_by_side) return;
    const float from = anchor_of(block_.spans[p], rules_.linear).right;
    const float to = anchor_of(block_.spans[q], rules_.linear).left;
    gap(day_after(from), day_before(to), from, to, value(p), value(q));
  }

  void after_last(size_t k) {
    const float from = anchor_of(block_.spans[k], rules_.linear).right;
    const bool newest = k + 1 == block_.spans.size();
    const int record_end = block_.spans.back().end;  // first day after the composites at hand
    if (newest && block_.ends_record) {
      hold_after(block_.spans[k].end, value(k));
      // What lies behind its middle becomes final with the next composite.
      for (int day = std::max(0, day_after(from)); day < std::min(days_, record_end); ++day)
        mark(day, provisional);
    } else if (block_.ends_record) {
      // A value too old to reach the end of the record cannot stand for what is still to come.
      if (!rules_.dormant_zero && record_end < days_ &&
          record_end - day_after(from) > rules_.max_gap)
        too_long_ = true;
      gap(day_after(from), record_end - 1, from, from, value(k), value(k));
      hold_after(record_end, value(k));
      for (int day = std::max(0, day_after(from)); day < std::min(days_, record_end); ++day)
        mark(day, provisional);
    } else if (!newest) {
      // The next value lies further ahead than a gap may reach; as in before_first.
      const int last = days_ + rules_.max_gap;
      gap(day_after(from), last, from, static_cast<float>(last + 1), value(k), value(k));
    }
  }

  /// Days from `first` on wait for composites that are not there yet.
  void hold_after(int first, float held) {
    add(first, days_ - 1, static_cast<float>(first), static_cast<float>(first), held, held,
        static_cast<uint16_t>(gap_filled_gpp | provisional));
  }

  /// Days [first, last] without a value, from `from_value` at `from` to `to_value` at `to`.
  void gap(int first, int last, float from, float to, float from_value, float to_value) {
    if (last < first) return;
    if (last < 0 || first >= days_) return;  // in another year: judged there
    if (!rules_.dormant_zero) {
      stretch(first, last, from, to, from_value, to_value);
      return;
    }
    // Frozen days of the gap are zeros and split it into shorter ones. Frozen days of other years
    // are not known here.
    int open = first;
    float open_at = from, open_value = from_value;
    for (int day = std::max(first, 0); day <= std::min(last, days_ - 1); ++day) {
      if (!frozen_(cell_, day)) continue;
      int end = day;
      while (end + 1 <= std::min(last, days_ - 1) && frozen_(cell_, end + 1)) ++end;
      stretch(open, day - 1, open_at, static_cast<float>(day), open_value, 0.0F);
      add(day, end, static_cast<float>(day), static_cast<float>(day), 0.0F, 0.0F,
          static_cast<uint16_t>(gap_filled_gpp | dormant_zero));
      open = end + 1;
      open_at = static_cast<float>(end);
      open_value = 0.0F;
      day = end;
    }
    stretch(open, last, open_at, to, open_value, to_value);
  }

  void stretch(int first, int last, float from, float to, float from_value, float to_value) {
    if (last < first || last < 0 || first >= days_) return;
    if (last - first + 1 > rules_.max_gap) {
      too_long_ = true;
      return;
    }
    add(first, last, from, to, from_value, to_value, gap_filled_gpp);
  }

  void add(int first, int last, float from, float to, float from_value, float to_value,
           uint16_t bits) {
    first = std::max(first, 0);
    last = std::min(last, days_ - 1);
    if (last < first) return;
    GppSegment segment;
    segment.cell = cell_;
    segment.first = static_cast<int16_t>(first);
    segment.last = static_cast<int16_t>(last);
    segment.from_day = from;
    segment.to_day = to;
    segment.from_value = from_value;
    segment.to_value = to_value;
    out_.series.segments.push_back(segment);
    for (int day = first; day <= last; ++day) mark(day, bits);
  }

  void mark(int day, uint16_t bits) {
    uint16_t& f = flag(month_[static_cast<size_t>(day)]);
    f = static_cast<uint16_t>(f | bits);
  }

  const GppBlock& block_;
  size_t cells_;
  int days_;
  const std::vector<uint8_t>& month_;
  int run_first_;
  const GapRules& rules_;
  const std::function<bool(int32_t, int)>& frozen_;
  FilledGpp& out_;
  int32_t cell_ = 0;
  bool too_long_ = false;
};

}  // namespace

FilledGpp fill_gaps(GppBlock block, size_t cells, int days, const std::vector<uint8_t>& month,
                    int run_first, const GapRules& rules,
                    const std::function<bool(int32_t cell, int day)>& frozen) {
  FilledGpp out;
  out.series.composites = block.spans.size();
  out.flags.assign(12 * cells, 0);
  index_days(block, days, rules.linear, out.series);
  CellGaps gaps(block, cells, days, month, run_first, rules, frozen, out);
  for (size_t i = 0; i < cells; ++i) gaps.run(static_cast<int32_t>(i));
  out.series.values = std::move(block.values);
  return out;
}

}  // namespace fluxtile
