// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "geo/resample.h"

namespace fluxtile {

/// Equal for layers that share their weights: the same lattice, reached by the same operation.
inline std::string weights_key(const SourceGrid& grid, const Operation& operation,
                               Resampling method) {
  return grid.identity() + "|" + operation.pipeline + "|" + to_string(method);
}

/// Resampling weights of one set of cells, shared by every layer on the same lattice that is
/// reached by the same operation. For one thread; `lattice` and `cells` must outlive it.
class WeightCache {
 public:
  WeightCache(const Lattice& lattice, const std::vector<CellIndex>& cells)
      : lattice_(lattice), cells_(cells) {}

  const ResampleWeights& get(const SourceGrid& grid, const Operation& operation,
                             Resampling method) {
    const std::string key = weights_key(grid, operation, method);
    auto found = cache_.find(key);
    if (found == cache_.end()) {
      found =
          cache_.emplace(key, make_weights(lattice_, cells_, grid, Transform(operation), method))
              .first;
    }
    return found->second;
  }

 private:
  const Lattice& lattice_;
  const std::vector<CellIndex>& cells_;
  std::map<std::string, ResampleWeights> cache_;
};

}  // namespace fluxtile
