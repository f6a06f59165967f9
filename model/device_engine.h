// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "model/engine.h"

namespace fluxtile {

/// How the engine `torch` runs on a device.
struct DeviceEngineOptions {
  std::string device = "cuda:0";   ///< cuda:K; cpu runs the same code, for tests
  std::string precision = "fp32";  ///< fp32 | tf32 | bf16 (docs/gpu.md)
  size_t most_lanes = 16384;       ///< cells of a batch at most: 64 times a power of two
  /// Batches of more cells are taken to be out of memory: shows in tests what a small card does.
  size_t lanes_that_fit = std::numeric_limits<size_t>::max();
};

/// The engine `torch` on a device (docs/gpu.md): a tile-year's compact inputs go up once, and the
/// batches' inputs, the network and the monthly sums are formed there. Runs of several tiles share
/// the device's memory; a batch that does not fit is halved. Throws Error as make_engine does, and
/// Error(interrupted) where even 64 cells do not fit.
std::unique_ptr<Engine> make_device_engine(const DeviceEngineOptions& options,
                                           std::shared_ptr<const Package> package);

}  // namespace fluxtile
