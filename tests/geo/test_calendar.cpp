// SPDX-License-Identifier: Apache-2.0
#include "geo/calendar.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "geo/cf_calendar.h"

namespace fluxtile {
namespace {

TEST(Date, KnownDayNumbers) {
  EXPECT_EQ(to_days({1970, 1, 1}), 0);
  EXPECT_EQ(to_days({2000, 3, 1}), 11017);
  EXPECT_EQ(to_days({1900, 1, 1}), -25567);
  EXPECT_EQ(to_days({1582, 10, 15}), -141427);
  EXPECT_EQ(to_days({1, 1, 1}), -719162);
}

TEST(Date, EveryDayFollowsTheOneBefore) {
  Date d{1899, 12, 31};
  for (int64_t n = to_days(d); n <= to_days({2101, 1, 2}); ++n) {
    ASSERT_EQ(from_days(n), d) << n;
    ASSERT_EQ(to_days(d), n);
    ASSERT_EQ(from_day_of_year(d.year, day_of_year(d)), d);
    ++d.day;
    if (d.day > days_in_month(d.year, d.month)) d = {d.year, d.month + 1, 1};
    if (d.month > 12) d = {d.year + 1, 1, 1};
  }
}

TEST(Date, FarDaysGoThereAndBack) {
  for (int64_t n = -1500000; n <= 1500000; n += 997) ASSERT_EQ(to_days(from_days(n)), n);
}

TEST(Date, LeapYears) {
  EXPECT_TRUE(is_leap(2000));
  EXPECT_FALSE(is_leap(1900));
  EXPECT_TRUE(is_leap(2016));
  EXPECT_FALSE(is_leap(2018));
  EXPECT_EQ(days_in_year(2016), 366);
  EXPECT_EQ(days_in_month(2016, 2), 29);
  EXPECT_EQ(days_in_month(2018, 2), 28);
  EXPECT_EQ(day_of_year({2016, 12, 31}), 365);
  EXPECT_EQ(day_of_year({2018, 3, 1}), 59);
}

TEST(Date, Text) {
  EXPECT_EQ(to_text({2018, 7, 4}), "2018-07-04");
  EXPECT_EQ(parse_date("2016-02-29"), (Date{2016, 2, 29}));
  for (const char* bad : {"2018-02-29", "2018-13-01", "2018-00-01", "2018-04-31", "2018-4-01",
                          "2018-04-01 ", "20180401", "", "abcd-ef-gh", "2018-04-00"})
    EXPECT_THROW(parse_date(bad), Error) << bad;
}

TEST(CalendarName, AliasesAndUnknown) {
  EXPECT_EQ(parse_calendar("gregorian"), Calendar::standard);
  EXPECT_EQ(parse_calendar("Standard"), Calendar::standard);
  EXPECT_EQ(parse_calendar(""), Calendar::standard);
  EXPECT_EQ(parse_calendar("365_day"), Calendar::noleap);
  EXPECT_EQ(parse_calendar("NOLEAP"), Calendar::noleap);
  EXPECT_EQ(parse_calendar("366_day"), Calendar::all_leap);
  EXPECT_EQ(parse_calendar("360_day"), Calendar::day_360);
  EXPECT_EQ(parse_calendar("none"), Calendar::none);
  for (const Calendar c : {Calendar::standard, Calendar::proleptic_gregorian, Calendar::julian,
                           Calendar::noleap, Calendar::all_leap, Calendar::day_360, Calendar::none})
    EXPECT_EQ(parse_calendar(to_string(c)), c);
  try {
    parse_calendar("martian");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::data);
    EXPECT_NE(std::string(e.what()).find("martian"), std::string::npos);
  }
}

TEST(CfCalendar, ThereAndBackInEveryCalendar) {
  for (const Calendar c : {Calendar::standard, Calendar::proleptic_gregorian, Calendar::julian,
                           Calendar::noleap, Calendar::all_leap, Calendar::day_360}) {
    const int64_t start = cf_day_number({1500, 1, 1}, c);
    int year = 1500;
    for (int64_t n = start; n < start + 260000; n += 1) {
      const CfDay d = cf_day_from_number(n, c);
      ASSERT_EQ(cf_day_number(d, c), n) << to_string(c);
      ASSERT_GE(d.year, year);
      year = d.year;
    }
    EXPECT_GT(year, 2200) << to_string(c);
  }
}

TEST(CfCalendar, MixedCalendarSkipsTenDays) {
  const int64_t before = cf_day_number({1582, 10, 4}, Calendar::standard);
  const int64_t after = cf_day_number({1582, 10, 15}, Calendar::standard);
  EXPECT_EQ(after - before, 1);
  EXPECT_THROW(cf_day_number({1582, 10, 10}, Calendar::standard), Error);
  EXPECT_NO_THROW(cf_day_number({1582, 10, 10}, Calendar::proleptic_gregorian));
  // Before the change the mixed calendar is the Julian one: 1500 is a leap year there.
  EXPECT_NO_THROW(cf_day_number({1500, 2, 29}, Calendar::standard));
  EXPECT_THROW(cf_day_number({1500, 2, 29}, Calendar::proleptic_gregorian), Error);
}

TEST(CfCalendar, JulianRunsThirteenDaysLate) {
  // 1 January 2018 (Gregorian) was 19 December 2017 (Julian).
  EXPECT_EQ(cf_day_number({2017, 12, 19}, Calendar::julian), to_days({2018, 1, 1}));
  EXPECT_NO_THROW(cf_day_number({1900, 2, 29}, Calendar::julian));
}

TEST(CfCalendar, DaysThatDoNotExist) {
  EXPECT_THROW(cf_day_number({2016, 2, 29}, Calendar::noleap), Error);
  EXPECT_NO_THROW(cf_day_number({2018, 2, 29}, Calendar::all_leap));
  EXPECT_NO_THROW(cf_day_number({2018, 2, 30}, Calendar::day_360));
  EXPECT_THROW(cf_day_number({2018, 1, 31}, Calendar::day_360), Error);
  EXPECT_THROW(cf_day_number({2018, 1, 1}, Calendar::none), Error);
}

}  // namespace
}  // namespace fluxtile
