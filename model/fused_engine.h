// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "model/engine.h"

namespace fluxtile {

/// The engine `fused`: `kgml-ag-c` on the CPU in one sweep over the days (docs/engine.md).
std::unique_ptr<Engine> make_fused_engine(std::shared_ptr<const Package> package);
/// What of the machine decides its bytes: "fused/1 cpu fp32", and the instruction set where it has
/// no fused multiply-add.
std::string fused_engine_identity();

}  // namespace fluxtile
