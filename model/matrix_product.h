// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fluxtile {

/// A row-major float32 matrix whose rows lie `stride` floats apart.
struct MatrixRows {
  const float* values;
  int64_t stride;
};

/// c [m,n] = a b + keep * c, with a [m,k] and b [k,n]; c's rows lie `c_stride` floats apart.
/// Straight to the BLAS that torch uses, for products so small that torch's own way there would
/// cost as much as they do; through torch where that BLAS cannot be reached. Thread-safe.
void multiply(MatrixRows a, MatrixRows b, float* c, int64_t c_stride, int64_t m, int64_t n,
              int64_t k, float keep);

}  // namespace fluxtile
