// SPDX-License-Identifier: Apache-2.0
#include "model/device_upload.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>

namespace fluxtile {

DeviceUpload::DeviceUpload(const c10::Device& device) : device_(device) {
  if (!device_.is_cpu())
    piece_ = torch::empty({static_cast<int64_t>(piece_bytes)},
                          torch::TensorOptions(torch::kUInt8).pinned_memory(true));
}

void DeviceUpload::finish() {
  if (!device_.is_cpu())
    c10::impl::VirtualGuardImpl(device_.type()).getStream(device_).synchronize();
}

at::Tensor DeviceUpload::copy(const void* first, c10::IntArrayRef sizes, c10::ScalarType type) {
  const at::Tensor there = torch::empty(sizes, torch::TensorOptions(type).device(device_));
  if (there.numel() == 0) return there;
  if (device_.is_cpu()) {
    std::memcpy(there.data_ptr(), first, there.nbytes());
    return there;
  }
  const at::Tensor flat = there.view({-1});
  const size_t width = there.element_size();
  const auto per_piece = static_cast<int64_t>(piece_bytes / width);
  const char* from = static_cast<const char*>(first);
  for (int64_t begin = 0; begin < flat.numel(); begin += per_piece) {
    const int64_t length = std::min(per_piece, flat.numel() - begin);
    const size_t bytes = static_cast<size_t>(length) * width;
    finish();  // the piece is free again
    std::memcpy(piece_.data_ptr(), from, bytes);
    flat.narrow(0, begin, length)
        .copy_(piece_.narrow(0, 0, static_cast<int64_t>(bytes)).view(type), true);
    from += bytes;
  }
  return there;
}

}  // namespace fluxtile
