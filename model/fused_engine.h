// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "model/engine.h"

namespace fluxtile {

/// The engine `fused`: recurrent networks on the CPU in one sweep over the days (docs/engine.md).
/// `precision`: fp32 | bf16.
std::unique_ptr<Engine> make_fused_engine(std::shared_ptr<const Package> package,
                                          const std::string& precision);
/// What of the machine decides its bytes: "fused/1 cpu fp32", and the instruction set where it has
/// no fused multiply-add.
std::string fused_engine_identity(const std::string& precision);

}  // namespace fluxtile
