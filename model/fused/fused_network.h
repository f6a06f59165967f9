// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <variant>
#include <vector>

#include "model/fused/packed_layers.h"
#include "model/package.h"

namespace fluxtile::fused {

/// A stack of linear layers 64 -> 64 -> 64 -> 32 -> 1 with ReLU between them.
struct DenseStack {
  std::array<DenseLayer, 3> layers;
  std::vector<float> last_weights;
  float last_bias = 0;
};

/// A linear map of 64 units to one number.
struct FluxHead {
  std::vector<float> weights;
  float bias = 0;
};

/// `kgml-ag-c` (Liu et al. 2024, Nat. Commun. 15:357).
struct KgmlNetwork {
  RecurrentLayer basic0, basic1, ra, rh0, rh1, nee;
  FluxHead ra_head, rh_head, nee_head;
  DenseStack attention, yield;
  std::vector<float> pulse;  ///< [192] weights of the residue in rh0, in the order of its bias
  Scaler ra_scaler, gpp_scaler, yield_scaler, residue_scaler;
};

/// The plain baselines `gru` and `lstm`: layers on top of each other and a linear head a flux.
struct StackNetwork {
  std::vector<RecurrentLayer> layers;
  std::array<FluxHead, 3> heads;  ///< Ra, Rh, NEE
};

/// A package's network packed for the kernels.
struct FusedNetwork {
  /// Positions of the inputs that change daily (climate and GPP) and of those that stay for the
  /// year (crop, year, soil).
  Columns daily, constant;
  std::array<Scaler, 3> flux_scalers;  ///< Ra, Rh, NEE
  std::variant<KgmlNetwork, StackNetwork> network;
};

/// Throws Error(data) for an architecture that the engine lacks.
FusedNetwork pack_network(const Package& package, Products products);

}  // namespace fluxtile::fused
