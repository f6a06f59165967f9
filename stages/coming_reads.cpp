// SPDX-License-Identifier: Apache-2.0
#include "stages/coming_reads.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "stages/weight_cache.h"

namespace fluxtile {
namespace {

// Units that are looked at: on a Hilbert curve what is not read by then comes much later.
constexpr size_t kForesight = 256;

/// Cells around a window's edge, every few cells: what they are made of spans what all are.
std::vector<CellIndex> cells_around(const CellWindow& window) {
  constexpr int64_t every = 8;
  const int64_t right = window.column + window.width - 1, bottom = window.row + window.height - 1;
  std::vector<CellIndex> cells;
  for (int64_t column = window.column; column < right; column += every) {
    cells.push_back({column, window.row});
    cells.push_back({column, bottom});
  }
  for (int64_t row = window.row; row < bottom; row += every) {
    cells.push_back({window.column, row});
    cells.push_back({right, row});
  }
  cells.push_back({right, window.row});
  cells.push_back({right, bottom});
  return cells;
}

/// What the cells of a window are made of, with a cell to spare for the curvature of its edges.
/// Empty where that cannot be told: whoever reads there says why.
SourceWindow source_window(const Lattice& lattice, const CellWindow& window, const SourceGrid& grid,
                           const Operation& operation, Resampling method) {
  const auto weights = attempt([&] {
    return make_weights(lattice, cells_around(window), grid, Transform(operation), method);
  });
  const SourceWindow w = weights.ok() ? weights.value().window : SourceWindow();
  if (w.empty()) return {};
  return SourceWindow{w.column - 1, w.row - 1, w.width + 2, w.height + 2}.intersection(
      {0, 0, grid.width, grid.height});
}

}  // namespace

ComingReads::ComingReads(Lattice lattice, std::vector<YearStep> steps)
    : lattice_(std::move(lattice)), steps_(std::move(steps)) {}

void ComingReads::expect(const std::vector<TileUnit>& units) {
  const std::lock_guard<std::mutex> lock(mutex_);
  units_.clear();
  places_.clear();
  windows_.clear();
  first_ = 0;
  static std::atomic<int64_t> turns{0};
  origin_ = turns.fetch_add(static_cast<int64_t>(units.size() * (steps_.size() + 1)));
  for (const TileUnit& unit : units) {
    places_.emplace(name_of(unit), units_.size());
    units_.push_back({unit.window, statics});
  }
}

ComingReads::Pass ComingReads::pass_of(const YearStep& step) const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [&](const YearStep& other) {
    return other.year == step.year && other.spinup == step.spinup;
  });
  return static_cast<size_t>(found - steps_.begin()) + 1;
}

std::shared_ptr<const LaterReads> ComingReads::after(const TileUnit& unit, const Stand& now,
                                                     const Passes& passes, const SourceGrid& grid,
                                                     const Operation& operation,
                                                     Resampling method) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = places_.find(name_of(unit));
  if (found == places_.end()) return nullptr;
  const size_t own = found->second, end = std::min(units_.size(), own + 1 + kForesight);
  const auto when = [&](size_t place, Pass at) {
    return origin_ + static_cast<int64_t>(place * (steps_.size() + 1) + at);
  };
  auto later = std::make_shared<LaterReads>();
  later->earliest = when(first_, 0);
  auto& windows = windows_[weights_key(grid, operation, method)];
  windows.erase(windows.begin(), windows.lower_bound(first_));
  for (size_t place = first_; place < end; ++place) {
    const Pass next =
        std::max(passes.first, place == own ? now.pass + (now.again ? 0 : 1) : units_[place].next);
    if (next > passes.last) continue;
    auto known = windows.find(place);
    if (known == windows.end())
      known = windows
                  .emplace(place,
                           source_window(lattice_, units_[place].window, grid, operation, method))
                  .first;
    if (!known->second.empty()) later->reads.push_back({when(place, next), known->second});
  }
  return later;
}

void ComingReads::passed(const TileUnit& unit, Pass pass) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = places_.find(name_of(unit));
  if (found == places_.end()) return;
  Coming& coming = units_[found->second];
  coming.next = std::max(coming.next, pass + 1);
  while (first_ < units_.size() && units_[first_].next > steps_.size()) ++first_;
}

void ComingReads::ended(const TileUnit& unit) noexcept { passed(unit, steps_.size()); }

}  // namespace fluxtile
