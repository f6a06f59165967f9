// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/flux_network.h"

namespace fluxtile {

/// Sites of a chunk for a batch of so many: an even number of chunks of nearly equal size, 12 sites
/// at most. Depends on the batch alone, since chunks decide the order in which gradients are added.
/// A chunk takes about 4 MiB a site-year until it is back-propagated.
int64_t sites_of_chunk(int64_t batch);

/// Loss and gradient of a batch that is cut into chunks of fixed size, on all cores: each thread
/// runs chunks on a replica of its own; gradients and losses are added in chunk order, so results
/// do not depend on the number of threads. torch and BLAS use one thread inside.
class ParallelGradient {
 public:
  /// What a chunk's forward pass gives.
  struct ChunkLoss {
    torch::Tensor loss;                   ///< scalar to back-propagate; undefined: nothing to do
    std::map<std::string, double> terms;  ///< for reports; added over chunks
  };
  /// Called on a worker thread with that thread's replica; its dropout stream has been restarted
  /// with (seed, step, chunk).
  using Chunk = std::function<ChunkLoss(FluxNetwork& network, size_t chunk)>;

  ParallelGradient(std::shared_ptr<FluxNetwork> network, int threads);
  ~ParallelGradient();

  /// Runs chunks 0..count-1 and back-propagates each; the sum of gradients is left in the
  /// network's parameters (those that require one), replacing what was there. Returns summed terms.
  /// `training`: mode of the replicas. The first error of the lowest chunk is thrown.
  std::map<std::string, double> gradient(size_t count, uint64_t seed, uint64_t step,
                                         const Chunk& chunk, bool training = true);
  /// The same without gradients, e.g. for validation or the first pass of response losses.
  std::map<std::string, double> evaluate(size_t count, uint64_t seed, uint64_t step,
                                         const Chunk& chunk, bool training = false);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxtile
