// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "model/fused/fused_network.h"

namespace fluxtile::fused {

/// Results of a day for the lanes of a block, z-scored as the network gives them.
struct BlockDay {
  const float *ra = nullptr, *rh = nullptr, *nee = nullptr;  ///< [lane]
};

/// What a sweep asks for and hands over as the days go by. Days come in order.
class DayByDay {
 public:
  virtual ~DayByDay() = default;
  /// A day of index `day` is about to begin: the sweep's state is that of its beginning. Not called
  /// for days on which the state is not that of one day (last_beginning()).
  virtual void begin(size_t day) = 0;
  /// Writes the z-scored inputs of a day to `z`, [daily][lane].
  virtual void inputs(size_t day, float* z) = 0;
  virtual void results(size_t day, const BlockDay& values) = 0;
};

/// Runs a network over a year for a block of kLanes cells, day by day (docs/engine.md). One object
/// a thread; run() may be called again and again.
class BlockSweep {
 public:
  static std::unique_ptr<BlockSweep> make(const FusedNetwork& network);
  virtual ~BlockSweep() = default;

  /// Bytes that the object holds.
  [[nodiscard]] virtual size_t bytes() const = 0;
  /// z-scored inputs that stay for the year, [constant][lane], to be filled before run().
  virtual float* constants() = 0;
  /// A row, [lane], of the hidden state (ArchitectureInfo::state_size of them), and behind them the
  /// rows that a year needs which has begun (ArchitectureInfo::open_size). Filled before run(), of
  /// the last day after it.
  virtual float* state(size_t row) = 0;
  /// The last day at whose beginning a year can be taken up.
  [[nodiscard]] virtual size_t last_beginning() const = 0;

  /// Runs the days first ... days - 1. `first` > 0 goes on with a year that has begun: all rows of
  /// the state are those of its beginning; 0 begins a year and needs no rows but the hidden state.
  virtual void run(size_t first, size_t days, DayByDay& work) = 0;

  /// After run(): an annual variable of the architecture (ArchitectureInfo), physical, [lane].
  [[nodiscard]] virtual const float* annual(size_t variable) const = 0;
};

/// The sweeps of the architectures.
std::unique_ptr<BlockSweep> make_kgml_sweep(const FusedNetwork& network);
std::unique_ptr<BlockSweep> make_stack_sweep(const FusedNetwork& network);

}  // namespace fluxtile::fused
