// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

// Which states within a year are stored. Climate records are revised for their last 60 days, night
// after night. The state that such a revision goes on from, the anchor, stands on every 15th day,
// so that the way from there to today is 60 to 74 days, whatever the nights before have brought;
// the states behind it are those that become the anchor when they are old enough. Each costs 1.5 kB
// a cell and member, and those behind the anchor are written anew with each revision.

/// A stored state within a year: at the beginning of a day (0-based; the days of the year: after
/// the last) of a calendar year that is the plan's step-th.
struct StateDay {
  size_t step = 0;
  int year = 0;
  size_t day = 0;
};

/// Days of a year, ascending, at whose beginning a run that reaches `days` keeps states. At most
/// `most`: the day after the last; the anchor, which is the newest of every 15th day, or the day
/// from which the year has to be run to its end, that is no later than 60 days before; then the
/// newest of every 15th day. None is later than the day from which the year has to be run to its
/// end.
std::vector<size_t> state_days(size_t days, size_t most);

/// Which of a tile's states (ascending) stay when at most `most` may: the newest, the anchor
/// (whatever its day is), the newest of every 15th day, then the newest.
std::vector<bool> states_that_stay(const std::vector<StateDay>& states, size_t most);

}  // namespace fluxtile
