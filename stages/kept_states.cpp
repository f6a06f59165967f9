// SPDX-License-Identifier: Apache-2.0
#include "stages/kept_states.h"

#include <algorithm>
#include <numeric>

#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

constexpr size_t kRevised = 60;  ///< days that a climate record's revision reaches back
constexpr size_t kSpacing = 15;  ///< days between states
constexpr size_t kTail = kgml_ag_c::first_pulse_day;  ///< from here a year is run to its end

bool is_regular(size_t day) noexcept { return day == kTail || day % kSpacing == 0; }

/// The newest regular day that a revision leaves alone; 0: there is none yet.
size_t anchor_of(size_t days) noexcept {
  if (days < kRevised) return 0;
  const size_t latest = days - kRevised;
  return latest >= kTail ? kTail : latest - latest % kSpacing;
}

}  // namespace

std::vector<size_t> state_days(size_t days, size_t most) {
  const size_t last = std::min(days, kTail), anchor = anchor_of(days);
  if (last == 0) return {};
  std::vector<size_t> found = {last};
  if (anchor > 0 && anchor < last) found.push_back(anchor);
  for (size_t day = (last - 1) / kSpacing * kSpacing; day > 0; day -= kSpacing)
    if (day != anchor) found.push_back(day);
  found.resize(std::min(found.size(), most));
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<bool> states_that_stay(const std::vector<StateDay>& states, size_t most) {
  std::vector<bool> stay(states.size(), false);
  if (states.empty()) return stay;
  const StateDay& newest = states.back();
  const auto is_old = [&](const StateDay& state) {
    return state.step != newest.step || state.day + kRevised <= newest.day;
  };
  const auto old = static_cast<size_t>(std::partition_point(states.begin(), states.end(), is_old) -
                                       states.begin());
  const auto rank = [&](size_t k) {
    if (k + 1 == states.size()) return 0;
    if (k + 1 == old) return 1;
    return is_regular(states[k].day) ? 2 : 3;
  };
  std::vector<size_t> order(states.size());
  std::iota(order.rbegin(), order.rend(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rank(a) < rank(b); });
  for (size_t k = 0; k < std::min(order.size(), most); ++k) stay[order[k]] = true;
  return stay;
}

}  // namespace fluxtile
