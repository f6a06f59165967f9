// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>

#include "model/fused/aligned.h"
#include "model/fused/fused_network.h"
#include "model/fused/kernels.h"

namespace fluxtile::fused {

/// Results of a day for the lanes of a block, z-scored as the network gives them.
struct BlockDay {
  const float *ra = nullptr, *rh = nullptr, *nee = nullptr;  ///< [lane]
};

/// Runs `kgml-ag-c` over a year for a block of kLanes cells, day by day, with everything that is
/// held in a few hundred kB: no array has all days but those of the year's end, which wait for the
/// residue (docs/engine.md). One object a thread; run() may be called again and again.
class BlockSweep {
 public:
  explicit BlockSweep(const FusedNetwork& network);

  /// Bytes that an object holds.
  static size_t bytes();

  /// z-scored inputs that stay for the year, [constant][lane], to be filled before run().
  float* constants() { return constants_.data(); }
  /// Hidden state [6 layers x 64][lane] in the order of kgml_ag_c::state_size: filled before run(),
  /// the year's last state after it.
  float* state() { return state_.data(); }

  /// `inputs(day, to)` writes the z-scored inputs of a day, [daily][lane]; days come in order, each
  /// once. `results(day, values)` is given each day once, in order.
  void run(size_t days, const std::function<void(size_t, float*)>& inputs,
           const std::function<void(size_t, const BlockDay&)>& results);

  /// After run(): z-scored yield and residue, gC m-2, of the year, [lane].
  [[nodiscard]] const float* yield() const { return yield_.data(); }
  [[nodiscard]] const float* residue() const { return residue_.data(); }

 private:
  enum Layer : size_t { basic0, basic1, ra, rh0, rh1, nee, layers };

  float* hidden(Layer layer) { return state_.data() + layer * kUnits * kLanes; }
  void prepare();
  /// h' of a layer from its inputs, in place.
  void step(Layer layer, const GruLayer& weights, const float* start,
            std::initializer_list<InputRows> inputs);
  void attend_day();
  /// Ra of a day from gru_basic's units and the day's inputs.
  void respire(const float* x);
  /// Rh and NEE of a day.
  void release(const float* units, const float* x, const float* ra_of_day, const float* rh_start);
  void close_year();
  static void forward(const DenseStack& stack, const float* in, float* scratch, float* out);

  const FusedNetwork& network_;
  Floats constants_, state_, next_, starts_, pulse_start_, dense_, x_, ra_, rh_, nee_;
  Floats attention_sum_, attended_, score_, yield_, residue_;
  std::vector<double> carbon_;  ///< [lane] GPP + Ra of the year so far, gC m-2
  Floats late_;                 ///< [day - 298][units, inputs, Ra][lane]
};

}  // namespace fluxtile::fused
