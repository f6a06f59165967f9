// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/engine.h"
#include "stages/assemble.h"

namespace fluxtile {

/// Runs the members of a tile-year one after the other; each spreads over all cores (or the GPU)
/// inside its engine.
class Infer {
 public:
  /// One engine a package of the run; Member::engine points into it.
  Infer(std::vector<std::shared_ptr<const Engine>> engines, bool daily);

  /// Advances `state` by one year. Throws Error as Engine::run does; then `state` must not be used
  /// any more.
  std::vector<TileYearMember> operator()(const AssembledYear& year,
                                         const std::vector<Member>& members,
                                         TileState& state) const;

 private:
  std::vector<std::shared_ptr<const Engine>> engines_;
  bool daily_;
};

}  // namespace fluxtile
