// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "pipeline/world/random.h"

namespace fluxtile::world {

/// Values of many cells over days: [day][feature][cell], double.
class Sequence {
 public:
  Sequence() = default;
  /// `cells` must be a multiple of 8. Filled with 0.
  Sequence(size_t days, size_t features, size_t cells)
      : days_(days), features_(features), cells_(cells), values_(days * features * cells) {}
  [[nodiscard]] double* at(size_t day, size_t feature = 0) {
    return values_.data() + (day * features_ + feature) * cells_;
  }
  [[nodiscard]] const double* at(size_t day, size_t feature = 0) const {
    return values_.data() + (day * features_ + feature) * cells_;
  }
  [[nodiscard]] size_t days() const { return days_; }
  [[nodiscard]] size_t features() const { return features_; }
  [[nodiscard]] size_t cells() const { return cells_; }

 private:
  size_t days_ = 0, features_ = 0, cells_ = 0;
  std::vector<double> values_;
};

/// Features of several sequences one after the other.
Sequence concatenate(const std::vector<const Sequence*>& parts);

/// One layer of a gated recurrent unit with 64 hidden units in PyTorch's arrangement: gates in the
/// order reset, update, new; weight_ih (192, inputs), weight_hh (192, 64), two biases.
struct GruLayer {
  static constexpr size_t hidden = 64, gates = 3 * hidden;
  size_t inputs = 0;
  std::vector<double> weight_ih, weight_hh, bias_ih, bias_hh;
};

/// A random layer for an echo-state network: recurrent weights scaled to a spectral radius of about
/// 0.7 so that the past fades, and update gates biased so that the units remember between one day
/// and about a month. `gain`: standard deviation of what the inputs add to a gate when they are
/// z-scored. Weights are rounded to float32. `which` names the layer among a world's random
/// numbers.
GruLayer random_layer(const Random& random, int64_t which, size_t inputs, double gain);

/// Hidden states of all days, features = 64, from a zero initial state.
Sequence run(const GruLayer& layer, const Sequence& input);

/// out[row][cell] = bias[row] + sum over columns of weights[row][column] * in[column][cell].
void affine(const double* weights, const double* bias, size_t rows, size_t columns,
            const double* in, double* out, size_t cells);

}  // namespace fluxtile::world
