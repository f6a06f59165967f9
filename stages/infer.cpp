// SPDX-License-Identifier: Apache-2.0
#include "stages/infer.h"

namespace fluxtile {

Infer::Infer(std::vector<std::shared_ptr<const Engine>> engines, bool daily)
    : engines_(std::move(engines)), daily_(daily) {}

std::vector<TileYearMember> Infer::operator()(const AssembledYear& year,
                                              const std::vector<Member>& members,
                                              TileState& state) const {
  std::vector<TileYearMember> results;
  for (size_t m = 0; m < members.size(); ++m) {
    const Engine& engine = *engines_.at(members[m].engine);
    results.push_back(
        {engine.run(*year.inputs, year.members[m], state.members[m], daily_), year.weights[m]});
  }
  state.chain = year.chain;
  return results;
}

}  // namespace fluxtile
