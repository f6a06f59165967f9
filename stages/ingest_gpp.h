// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "stages/layer_reader.h"
#include "stages/tile.h"

namespace fluxtile {

/// Reads the composites around one calendar year onto a tile's cells: those of the year and as many
/// before and after as a gap that may be bridged can reach. Values only; assemble looks at gaps.
class IngestGpp {
 public:
  IngestGpp(Lattice lattice, std::shared_ptr<const Sources> sources,
            std::shared_ptr<LayerReader> reader);

  /// Throws Error (data | io) naming the composite's file.
  GppBlock operator()(const TileStatics& tile, const YearStep& step) const;

  /// Indices [first, last) of the composites that a year reads.
  [[nodiscard]] std::pair<size_t, size_t> composites_of(const YearStep& step) const;

 private:
  Lattice lattice_;
  std::shared_ptr<const Sources> sources_;
  std::shared_ptr<LayerReader> reader_;
};

}  // namespace fluxtile
