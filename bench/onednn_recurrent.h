// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "model/package.h"

namespace fluxtile {

/// The two recurrent layers of a package of architecture gru or lstm in oneDNN's own primitives
/// (lbr_gru, whose equations are PyTorch's, and lstm): weights in the order that oneDNN asks for,
/// primitives made once. The heads are not part of it. One object a thread; oneDNN itself uses as
/// many OpenMP threads as the calling thread has set.
class OneDnnRecurrent {
 public:
  /// `chunk`: days that one call of a primitive runs; state is handed from one to the next. It
  /// decides how much memory a layer's outputs take.
  OneDnnRecurrent(const Package& package, size_t batch, size_t days, size_t chunk);
  ~OneDnnRecurrent();
  OneDnnRecurrent(const OneDnnRecurrent&) = delete;
  OneDnnRecurrent& operator=(const OneDnnRecurrent&) = delete;

  /// Runs all days from the zero state. `x`: [day][cell][input], z-scored; `units`: of the last
  /// layer, [day][cell][64].
  void run(const float* x, float* units);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxtile
