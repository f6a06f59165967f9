// SPDX-License-Identifier: Apache-2.0
#include "model/fused/block_sweep.h"

namespace fluxtile::fused {

std::unique_ptr<BlockSweep> BlockSweep::make(const FusedNetwork& network) {
  return std::holds_alternative<KgmlNetwork>(network.network) ? make_kgml_sweep(network)
                                                              : make_stack_sweep(network);
}

}  // namespace fluxtile::fused
