// SPDX-License-Identifier: Apache-2.0
#include "stages/infer.h"

#include <algorithm>

namespace fluxtile {

Infer::Infer(std::vector<std::shared_ptr<const Engine>> engines, bool daily)
    : engines_(std::move(engines)), daily_(daily) {}

std::vector<TileYearMember> Infer::operator()(const AssembledYear& year,
                                              const std::vector<Member>& members, TileState& state,
                                              TileState* open, const std::vector<size_t>& keep,
                                              std::vector<TileState>& kept) const {
  size_t last = year.inputs->days;
  for (const Member& member : members)
    last = std::min(last, engines_.at(member.engine)->last_beginning());
  std::vector<size_t> days;
  for (const size_t day : keep)
    if (day <= last && day > (open ? open->day : 0)) days.push_back(day);
  kept.assign(days.size(), TileState());

  std::vector<TileYearMember> results;
  for (size_t m = 0; m < members.size(); ++m) {
    const Engine& engine = *engines_.at(members[m].engine);
    YearSpan span;
    span.keep = days;
    OpenYear from;
    if (open) {
      from = {open->day, std::move(open->members.at(m).values)};
      span.from = &from;
    }
    results.push_back(
        {engine.run_span(*year.inputs, year.members[m], state.members[m], daily_, span),
         year.weights[m]});
    for (size_t k = 0; k < days.size(); ++k)
      kept[k].members.push_back({std::move(span.kept[k].values)});
  }
  for (size_t k = 0; k < days.size(); ++k) {
    kept[k].day = days[k];
    kept[k].chain = year.day_chains.at(days[k]);
  }
  state.chain = year.chain;
  return results;
}

}  // namespace fluxtile
