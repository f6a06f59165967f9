// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "stages/coming_reads.h"
#include "stages/layer_reader.h"
#include "stages/tile.h"
#include "stages/weight_cache.h"

namespace fluxtile {

/// Gives a composite that was read before: its values on the tile's cells and how many of them lie
/// below zero. False for one that has to be read.
using KnownComposite =
    std::function<bool(const CompositeRef& composite, float* values, int64_t& below_zero)>;

/// Reads the composites around one calendar year onto a tile's cells: those of the year and as many
/// before and after as a gap that may be bridged can reach. Values only; assemble looks at gaps.
class IngestGpp {
 public:
  /// `coming`: what other units are going to read; null where nothing is known of them.
  IngestGpp(Lattice lattice, std::shared_ptr<const Sources> sources,
            std::shared_ptr<LayerReader> reader, std::shared_ptr<ComingReads> coming = nullptr);

  /// Throws Error (data | io) naming the composite's file.
  GppBlock operator()(const TileStatics& tile, const YearStep& step,
                      const KnownComposite& known = nullptr) const;

  /// Indices [first, last) of the composites that a year reads.
  [[nodiscard]] std::pair<size_t, size_t> composites_of(const YearStep& step) const;

 private:
  /// Reads a composite, told by its number, onto the tile's cells; returns how many lie below zero.
  int64_t read(size_t number, const TileUnit& unit, const YearStep& step, WeightCache& weights,
               float* out) const;

  Lattice lattice_;
  std::shared_ptr<const Sources> sources_;
  std::shared_ptr<LayerReader> reader_;
  std::shared_ptr<ComingReads> coming_;
  std::vector<ComingReads::Passes> passes_;  ///< of each composite; empty without `coming_`
};

}  // namespace fluxtile
