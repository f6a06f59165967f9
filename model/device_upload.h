// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace fluxtile {

/// Arrays of the host on their way to a device. For CUDA they pass through one pinned piece of
/// fixed size, so that the host's memory does not grow with the array; on the CPU they are copied.
/// Belongs to the thread and the stream that are current when it is made.
class DeviceUpload {
 public:
  /// Host memory that an upload holds at most.
  static constexpr size_t piece_bytes = size_t{8} << 20;

  explicit DeviceUpload(const c10::Device& device);

  /// A tensor of `sizes` on the device with the values at `first`; an array of no elements gives a
  /// tensor of none. On CUDA the last piece is still on its way: work of the same stream may use
  /// it, other streams after finish().
  at::Tensor operator()(const float* first, c10::IntArrayRef sizes) {
    return copy(first, sizes, c10::kFloat);
  }
  at::Tensor operator()(const int32_t* first, c10::IntArrayRef sizes) {
    return copy(first, sizes, c10::kInt);
  }
  at::Tensor operator()(const int64_t* first, c10::IntArrayRef sizes) {
    return copy(first, sizes, c10::kLong);
  }
  at::Tensor operator()(const double* first, c10::IntArrayRef sizes) {
    return copy(first, sizes, c10::kDouble);
  }
  template <typename T>
  at::Tensor operator()(const std::vector<T>& values) {
    return (*this)(values.data(), {static_cast<int64_t>(values.size())});
  }

  /// Waits until everything has arrived.
  void finish();

  [[nodiscard]] const c10::Device& device() const noexcept { return device_; }

 private:
  at::Tensor copy(const void* first, c10::IntArrayRef sizes, c10::ScalarType type);

  c10::Device device_;
  at::Tensor piece_;
};

}  // namespace fluxtile
