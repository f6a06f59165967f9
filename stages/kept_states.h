// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

/// A stored state within a year: at the beginning of a day (0-based; the days of the year: after
/// the last) of a calendar year that is the plan's step-th.
struct StateDay {
  size_t step = 0;
  int year = 0;
  size_t day = 0;
};

/// Whether a day is one of those, the same every night, at whose beginning states stay: every 20th
/// day, and the day from which the year has to be run to its end. So a revision of the last 60 days
/// finds a state at most 80 days back, however many nights brought one day each.
bool stays_by_rule(size_t day) noexcept;

/// Days of a year, ascending, at whose beginning a run that reaches `days` keeps states: at most
/// `most` of the days that stay by rule and the day after the last; none is later than the day from
/// which the year has to be run to its end.
std::vector<size_t> state_days(size_t days, size_t most);

/// Which of a tile's states (ascending) stay when at most `most` may: the newest, then the newest
/// that stay by rule, then the newest others.
std::vector<bool> states_that_stay(const std::vector<StateDay>& states, size_t most);

}  // namespace fluxtile
