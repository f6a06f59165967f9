// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
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

/// `kgml-ag-c` (Liu et al. 2024, Nat. Commun. 15:357) packed for the kernels.
struct FusedNetwork {
  /// Positions of the 19 inputs that change daily (climate and GPP) and of those that stay for the
  /// year (crop, year, soil).
  Columns daily, constant;
  GruLayer basic0, basic1, ra, rh0, rh1, nee;
  FluxHead ra_head, rh_head, nee_head;
  DenseStack attention, yield;
  std::vector<float> pulse;  ///< [192] weights of the residue in rh0, in the order of its bias
  Scaler ra_scaler, rh_scaler, nee_scaler, gpp_scaler, yield_scaler, residue_scaler;
};

FusedNetwork pack_network(const Package& package);

}  // namespace fluxtile::fused
