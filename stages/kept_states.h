// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace fluxtile {

// Which states within a year are stored. Climate records are revised for their last 60 days, night
// after night, so that all states of these days are written anew each time, 1.5 kB a cell: they lie
// 20 days apart. The one that such a revision goes on from, the anchor, is not written anew; it
// stands on every 10th day, so that the way from there to today is 60 to 70 days. Where nights
// bring a day each and none is revised, it is the stored states that age: then 79 days at most.

/// A stored state within a year: at the beginning of a day (0-based; the days of the year: after
/// the last) of a calendar year that is the plan's step-th.
struct StateDay {
  size_t step = 0;
  int year = 0;
  size_t day = 0;
};

/// Days of a year, ascending, at whose beginning a run that reaches `days` keeps states. At most
/// `most`: the day after the last; the anchor, which is the newest of every 10th day, or the day
/// from which the year has to be run to its end, that is no later than 60 days before; every 20th
/// day after the anchor; every 20th day before it. None is later than the day from which the year
/// has to be run to its end.
std::vector<size_t> state_days(size_t days, size_t most);

/// Which of a tile's states (ascending) stay when at most `most` may: the newest, the anchor
/// (whatever its day is), those at 20 days' distance from it, then every 10th day, then the newest.
std::vector<bool> states_that_stay(const std::vector<StateDay>& states, size_t most);

}  // namespace fluxtile
