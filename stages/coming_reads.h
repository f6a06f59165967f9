// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "geo/lattice.h"
#include "geo/raster_source.h"
#include "geo/resample.h"
#include "stages/tile.h"

namespace fluxtile {

/// What the units of a run still have to read, in their order, so that a decoded block of a raster
/// stays for as long as another unit needs it, and no more of it than that. Foresight alone: no
/// value depends on it. Thread-safe.
class ComingReads {
 public:
  /// What a unit reads in turn: static layers and crop maps, then the composites of one year after
  /// the other.
  using Pass = size_t;
  static constexpr Pass statics = 0;
  /// The passes from the first to the last one that reads a layer: a composite at the turn of a
  /// year is read for both.
  struct Passes {
    Pass first = statics, last = statics;
  };

  /// Where a unit stands: in a pass, and whether it reads the layer again in that pass.
  struct Stand {
    Pass pass = statics;
    bool again = false;
  };

  /// `steps`: years that every unit goes through.
  ComingReads(Lattice lattice, std::vector<YearStep> steps);

  /// Which units come, in their order. Forgets those of before.
  void expect(const std::vector<TileUnit>& units);

  /// Where a layer on `grid` will be read once a unit, which stands at `now`, has read it. Null,
  /// nothing is known, where the unit is not among those that were expected.
  [[nodiscard]] std::shared_ptr<const LaterReads> after(const TileUnit& unit, const Stand& now,
                                                        const Passes& passes,
                                                        const SourceGrid& grid,
                                                        const Operation& operation,
                                                        Resampling method);
  [[nodiscard]] const std::vector<YearStep>& steps() const noexcept { return steps_; }
  /// The pass that reads the composites of a year.
  [[nodiscard]] Pass pass_of(const YearStep& step) const;

  /// While a unit is in a pass; at its end, however it ends, the pass counts as read.
  class Reading {
   public:
    /// `coming` may be null.
    Reading(ComingReads* coming, const TileUnit& unit, Pass pass)
        : coming_(coming), unit_(unit), pass_(pass) {}
    ~Reading() {
      if (coming_ != nullptr) coming_->passed(unit_, pass_);
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    ComingReads* coming_;
    const TileUnit& unit_;
    Pass pass_;
  };
  /// The unit reads no more, whether it was done, found done or given up.
  void ended(const TileUnit& unit) noexcept;

 private:
  void passed(const TileUnit& unit, Pass pass) noexcept;

  using Name = std::tuple<size_t, int64_t, int64_t>;  // region, column, row
  struct Coming {
    CellWindow window;
    Pass next = 0;  ///< the first one that it has not read
  };
  static Name name_of(const TileUnit& unit) {
    return {unit.region, unit.window.column, unit.window.row};
  }

  Lattice lattice_;
  std::vector<YearStep> steps_;
  std::mutex mutex_;
  std::vector<Coming> units_;
  std::map<Name, size_t> places_;
  size_t first_ = 0;    ///< the units before this one have ended
  int64_t origin_ = 0;  ///< of the order that LaterReads tells, which goes on from run to run
  /// Where each unit reads on a grid; of those that are looked at.
  std::map<std::string, std::map<size_t, SourceWindow>> windows_;
};

}  // namespace fluxtile
