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

  /// Advances `state` by one year. `open`: a state within the year to go on from, whose
  /// values are taken, else null; then months and days before it are not filled. `keep`: days,
  /// ascending, at whose beginning the state is added to `kept`; those that an engine cannot keep
  /// are left out. Throws Error as Engine::run does; then `state` must not be used any more.
  std::vector<TileYearMember> operator()(const AssembledYear& year,
                                         const std::vector<Member>& members, TileState& state,
                                         TileState* open, const std::vector<size_t>& keep,
                                         std::vector<TileState>& kept) const;
  std::vector<TileYearMember> operator()(const AssembledYear& year,
                                         const std::vector<Member>& members,
                                         TileState& state) const {
    std::vector<TileState> none;
    return (*this)(year, members, state, nullptr, {}, none);
  }

 private:
  std::vector<std::shared_ptr<const Engine>> engines_;
  bool daily_;
};

}  // namespace fluxtile
