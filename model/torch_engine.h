// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "model/engine.h"

namespace fluxtile {

/// The engine `torch` on the CPU, the reference: every architecture of make_flux_network, batches
/// of 64 cells in lanes of the lattice (docs/decisions/0002), float32.
std::unique_ptr<Engine> make_torch_engine(std::shared_ptr<const Package> package);

}  // namespace fluxtile
