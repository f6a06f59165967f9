// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace fluxtile::fused {

/// Memory on cache lines, as vector loads want it.
template <typename T>
struct CacheLineAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};
  CacheLineAllocator() = default;
  template <typename U>
  explicit CacheLineAllocator(const CacheLineAllocator<U>& /*other*/) noexcept {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), alignment));
  }
  void deallocate(T* memory, std::size_t /*count*/) noexcept {
    ::operator delete(memory, alignment);
  }
  friend bool operator==(const CacheLineAllocator& /*a*/, const CacheLineAllocator& /*b*/) {
    return true;
  }
  friend bool operator!=(const CacheLineAllocator& /*a*/, const CacheLineAllocator& /*b*/) {
    return false;
  }
};

using Floats = std::vector<float, CacheLineAllocator<float>>;

}  // namespace fluxtile::fused
