// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace fluxtile {

/// What the engines and runs of a process share of one device: its memory, and the right to keep it
/// busy. Two batches are on the device at a time, whatever the number of runs, so that one is
/// copied or stored while the other is computed. Thread-safe.
class DeviceShare {
 public:
  /// The one of a CUDA device, made at the first call with half of the free memory for each batch;
  /// for the CPU a new one whose memory has no limit.
  static std::shared_ptr<DeviceShare> of(const c10::Device& device);

  explicit DeviceShare(const c10::Device& device);

  /// The right to have a batch on the device, with a stream of its own. Ends when it is destroyed,
  /// after the stream's work has ended.
  class Turn {
   public:
    Turn(DeviceShare& share, size_t slot) : share_(&share), slot_(slot) {}
    Turn(Turn&& other) noexcept : share_(other.share_), slot_(other.slot_) {
      other.share_ = nullptr;
    }
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
    /// Work of this thread goes to the turn's stream as long as the guard lives.
    void use(c10::OptionalStreamGuard& guard) const;
    /// Waits until the stream's work has ended; throws c10::Error for what went wrong in it.
    void wait() const;

   private:
    DeviceShare* share_;
    size_t slot_;
  };
  /// A turn if one is free now; nullopt otherwise.
  std::optional<Turn> try_turn();
  /// Waits for a turn. Whoever holds one must not wait for another.
  Turn turn();

  /// The right to have a tile-year's compact inputs on the device: two runs at a time.
  class Visit {
   public:
    explicit Visit(DeviceShare& share);
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit();

   private:
    DeviceShare& share_;
  };

  /// Cells of a batch for which a cell takes `lane_bytes`: 64 times a power of two, at least 64, at
  /// most `most`. Powers of two, so that the size, which on a GPU may decide last bits, seldom
  /// differs between runs.
  size_t lanes(size_t lane_bytes, size_t most) const;
  /// A batch of `lanes` did not fit: from now on batches take half of its memory at most.
  void shrink(size_t lanes, size_t lane_bytes);

 private:
  static constexpr size_t batches_at_a_time = 2, runs_at_a_time = 2;

  mutable std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::optional<c10::Stream>> streams_;  ///< one a slot; none on the CPU
  std::vector<bool> taken_;
  size_t runs_ = 0;
  size_t batch_bytes_;
};

}  // namespace fluxtile
