// SPDX-License-Identifier: Apache-2.0
#include "model/matrix_product.h"

#include <ATen/Functions.h>
#include <dlfcn.h>

namespace fluxtile {
namespace {

/// Fortran's sgemm: columns first, all arguments by address, 32-bit sizes.
using Sgemm = void(const char* a_form, const char* b_form, const int* m, const int* n, const int* k,
                   const float* alpha, const float* a, const int* a_stride, const float* b,
                   const int* b_stride, const float* beta, float* c, const int* c_stride);

/// Rows first is columns first of the transposed matrices: c' = b' a'.
void multiply_with(Sgemm* sgemm, MatrixRows a, MatrixRows b, float* c, int64_t c_stride, int64_t m,
                   int64_t n, int64_t k, float keep) {
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), inner = static_cast<int>(k);
  const int a_stride = static_cast<int>(a.stride), b_stride = static_cast<int>(b.stride),
            result_stride = static_cast<int>(c_stride);
  const float one = 1;
  sgemm("N", "N", &columns, &rows, &inner, &one, b.values, &b_stride, a.values, &a_stride, &keep, c,
        &result_stride);
}

/// The function, if it is there and does what its name says; null otherwise, as where a torch
/// carries its BLAS inside or counts with 64 bits.
Sgemm* find_sgemm() {
  auto* found = reinterpret_cast<Sgemm*>(dlsym(RTLD_DEFAULT, "sgemm_"));
  if (!found) return nullptr;
  const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, -1, 2, 0, 3, 1};
  float c[] = {10, 20, 30, 40};
  multiply_with(found, {a, 3}, {b, 2}, c, 2, 2, 2, 3, 1);
  const bool right = c[0] == 24 && c[1] == 22 && c[2] == 62 && c[3] == 42;
  return right ? found : nullptr;
}

at::Tensor view(const float* values, int64_t rows, int64_t columns, int64_t stride) {
  return at::from_blob(const_cast<float*>(values), {rows, columns}, {stride, 1}, at::kFloat);
}

}  // namespace

void multiply(MatrixRows a, MatrixRows b, float* c, int64_t c_stride, int64_t m, int64_t n,
              int64_t k, float keep) {
  static Sgemm* const sgemm = find_sgemm();
  if (sgemm) {
    multiply_with(sgemm, a, b, c, c_stride, m, n, k, keep);
    return;
  }
  at::Tensor result = view(c, m, n, c_stride);
  result.addmm_(view(a.values, m, k, a.stride), view(b.values, k, n, b.stride), keep, 1);
}

}  // namespace fluxtile
