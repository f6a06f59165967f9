// SPDX-License-Identifier: Apache-2.0
#include "stages/kept_states.h"

#include <algorithm>

#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {
constexpr size_t kSpacing = 20;
}

bool stays_by_rule(size_t day) noexcept {
  return day == kgml_ag_c::first_pulse_day || (day % kSpacing == 0 && day > 0);
}

std::vector<size_t> state_days(size_t days, size_t most) {
  const size_t last = std::min(days, kgml_ag_c::first_pulse_day);
  std::vector<size_t> found;
  for (size_t day = last; day > 0 && found.size() < most; --day)
    if (stays_by_rule(day) || day == days) found.push_back(day);
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<bool> states_that_stay(const std::vector<StateDay>& states, size_t most) {
  std::vector<bool> stay(states.size(), false);
  size_t left = most;
  const auto choose = [&](const auto& wanted) {
    for (size_t k = states.size(); k-- > 0 && left > 0;) {
      if (stay[k] || !wanted(k)) continue;
      stay[k] = true;
      --left;
    }
  };
  choose([&](size_t k) { return k + 1 == states.size(); });
  choose([&](size_t k) { return stays_by_rule(states[k].day); });
  choose([](size_t) { return true; });
  return stay;
}

}  // namespace fluxtile
