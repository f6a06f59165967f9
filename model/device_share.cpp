// SPDX-License-Identifier: Apache-2.0
#include "model/device_share.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <limits>
#include <map>

#include "model/cuda_driver.h"

namespace fluxtile {
namespace {

constexpr size_t smallest = 64;

/// Of the free memory, what batches may take: the rest is for weights, compact inputs, cuDNN's and
/// cuBLAS's own, and pieces that no array fits.
constexpr double share_of_free = 0.8;

}  // namespace

std::shared_ptr<DeviceShare> DeviceShare::of(const c10::Device& device) {
  if (device.is_cpu()) return std::make_shared<DeviceShare>(device);
  static std::mutex mutex;
  static std::map<c10::DeviceIndex, std::shared_ptr<DeviceShare>> shares;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<DeviceShare>& share = shares[device.index()];
  if (!share) share = std::make_shared<DeviceShare>(device);
  return share;
}

DeviceShare::DeviceShare(const c10::Device& device)
    : streams_(batches_at_a_time),
      taken_(batches_at_a_time, false),
      batch_bytes_(std::numeric_limits<size_t>::max()) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  for (std::optional<c10::Stream>& stream : streams_)
    stream = guard.getStreamFromGlobalPool(device);
  const c10::StreamGuard on_device(*streams_[0]);
  if (const std::optional<size_t> free = cuda_free_memory())
    batch_bytes_ =
        static_cast<size_t>(static_cast<double>(*free) * share_of_free) / batches_at_a_time;
}

DeviceShare::Turn::~Turn() {
  if (!share_) return;
  try {
    wait();
  } catch (const c10::Error&) {  // the run that this belongs to is failing already
  }
  {
    const std::lock_guard<std::mutex> lock(share_->mutex_);
    share_->taken_[slot_] = false;
  }
  share_->free_.notify_all();
}

void DeviceShare::Turn::use(c10::OptionalStreamGuard& guard) const {
  if (const auto& stream = share_->streams_[slot_]) guard.reset_stream(*stream);
}

void DeviceShare::Turn::wait() const {
  if (const auto& stream = share_->streams_[slot_]) stream->synchronize();
}

std::optional<DeviceShare::Turn> DeviceShare::try_turn() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto slot = std::find(taken_.begin(), taken_.end(), false);
  if (slot == taken_.end()) return std::nullopt;
  *slot = true;
  return Turn(*this, static_cast<size_t>(slot - taken_.begin()));
}

DeviceShare::Turn DeviceShare::turn() {
  std::unique_lock<std::mutex> lock(mutex_);
  auto slot = taken_.end();
  free_.wait(lock, [&] {
    slot = std::find(taken_.begin(), taken_.end(), false);
    return slot != taken_.end();
  });
  *slot = true;
  return {*this, static_cast<size_t>(slot - taken_.begin())};
}

DeviceShare::Visit::Visit(DeviceShare& share) : share_(share) {
  std::unique_lock<std::mutex> lock(share.mutex_);
  share.free_.wait(lock, [&] { return share.runs_ < runs_at_a_time; });
  ++share.runs_;
}

DeviceShare::Visit::~Visit() {
  {
    const std::lock_guard<std::mutex> lock(share_.mutex_);
    --share_.runs_;
  }
  share_.free_.notify_all();
}

size_t DeviceShare::lanes(size_t lane_bytes, size_t most) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t lanes = smallest;
  while (2 * lanes <= most && 2 * lanes <= batch_bytes_ / lane_bytes) lanes *= 2;
  return lanes;
}

void DeviceShare::shrink(size_t lanes, size_t lane_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  batch_bytes_ = std::min(batch_bytes_, lanes / 2 * lane_bytes);
}

}  // namespace fluxtile
