// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include "model/fused/aligned.h"
#include "model/fused/kernels.h"

namespace fluxtile::fused {

/// Hidden states [64][lane] of a network's layers. A layer's new state is written beside the old
/// one and the two change places: nothing is copied.
class HiddenStates {
 public:
  explicit HiddenStates(size_t layers) : memory_((layers + 1) * kUnits * kLanes) {
    for (size_t layer = 0; layer <= layers; ++layer)
      place_.push_back(memory_.data() + layer * kUnits * kLanes);
  }
  HiddenStates(const HiddenStates&) = delete;
  HiddenStates& operator=(const HiddenStates&) = delete;

  float* operator[](size_t layer) { return place_[layer]; }

  /// A day of a layer. `cells`: [64][lane] of an LSTM.
  void step(size_t layer, const RecurrentLayer& weights, const float* start,
            std::initializer_list<InputRows> inputs, float* cells = nullptr) {
    recurrent_day(weights, start, inputs, place_[layer], place_.back(), cells);
    std::swap(place_[layer], place_.back());
  }

 private:
  Floats memory_;
  std::vector<float*> place_;  ///< of each layer; the last is free
};

}  // namespace fluxtile::fused
