// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "geo/calendar.h"

namespace fluxtile {

/// A day of a CF calendar; its numbers need not be a real date (30 February of 360_day).
struct CfDay {
  int year = 0, month = 1, day = 1;
};

/// Number of the day counted in its own calendar. For standard, proleptic_gregorian and julian the
/// count is days since the real 1970-01-01, so that the three are comparable; for noleap, all_leap
/// and 360_day it is days since the calendar's year 0. Throws Error(data) for a day that the
/// calendar does not have (5-14 October 1582 of standard included) and for the calendar `none`.
int64_t cf_day_number(CfDay day, Calendar calendar);

/// Inverse of cf_day_number.
CfDay cf_day_from_number(int64_t number, Calendar calendar);

}  // namespace fluxtile
