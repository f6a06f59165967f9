// SPDX-License-Identifier: Apache-2.0
#include "geo/time_axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"

namespace fluxtile {
namespace {

std::string text(const CfTime& t) { return to_text(Date{t.year, t.month, t.day}); }

CfTime decode(double value, const std::string& units, Calendar c = Calendar::standard) {
  return decode_cf_time({value}, units, c).at(0);
}

TEST(DecodeCfTime, UnitsOfTheSameMoment) {
  for (const auto& [value, units] : std::vector<std::pair<double, std::string>>{
           {43293, "days since 1900-01-01"},
           {43293, "Days Since 1900-1-1 0:0:0"},
           {43293, "days since 1900-01-01T00:00:00Z"},
           {1039032, "hours since 1900-01-01 00:00:00.0"},
           {62341920, "minutes since 1900-01-01"},
           {3740515200, "seconds since 1900-01-01 00:00:00 UTC"},
           {1531526400, "seconds since 1970-01-01T00:00:00+00:00"},
           {1531526400000, "milliseconds since 1970-01-01"}}) {
    const CfTime t = decode(value, units);
    EXPECT_EQ(text(t), "2018-07-14") << units;
    EXPECT_NEAR(t.day_fraction, 0, 1e-12) << units;
  }
}

TEST(DecodeCfTime, FractionsAndNegatives) {
  EXPECT_EQ(text(decode(-1, "days since 2018-01-01")), "2017-12-31");
  EXPECT_EQ(text(decode(-0.25, "days since 2018-01-01")), "2017-12-31");
  EXPECT_NEAR(decode(-0.25, "days since 2018-01-01").day_fraction, 0.75, 1e-12);
  EXPECT_NEAR(decode(0.5, "days since 2018-01-01").day_fraction, 0.5, 1e-15);
  EXPECT_EQ(text(decode(12, "hours since 2018-01-01 12:00")), "2018-01-02");
}

TEST(DecodeCfTime, AlmostMidnightIsMidnight) {
  const CfTime t = decode(23 * 3600 + 59 * 60 + 59.99997, "seconds since 2018-03-04");
  EXPECT_EQ(text(t), "2018-03-05");
  EXPECT_EQ(t.day_fraction, 0);
  EXPECT_EQ(text(decode(23 * 3600 + 59 * 60 + 59.9, "seconds since 2018-03-04")), "2018-03-04");
  // Hours that floating point cannot hold, counted through a year, always fall on their own day.
  for (int day = 0; day < 365; ++day)
    for (const double hour : {0.0, 1.0 / 3, 12.0}) {
      const CfTime s = decode((24.0 * day + hour) / 24.0, "days since 2018-01-01");
      ASSERT_EQ(text(s), to_text(from_day_of_year(2018, day)));
    }
}

TEST(DecodeCfTime, TimeZonesAreTakenToUtc) {
  EXPECT_EQ(text(decode(0, "days since 2018-01-01 00:00:00 +05:30")), "2017-12-31");
  EXPECT_EQ(text(decode(0, "days since 2018-01-01 23:00 -6")), "2018-01-02");
  EXPECT_NEAR(decode(0, "days since 2018-01-01 00:00:00-0600").day_fraction, 0.25, 1e-12);
}

TEST(DecodeCfTime, OtherCalendars) {
  // 365 days a year, leap or not.
  EXPECT_EQ(text(decode(365.0 * 4 + 59, "days since 2016-01-01", Calendar::noleap)), "2020-03-01");
  EXPECT_EQ(text(decode(366.0 * 2 + 59, "days since 2017-01-01", Calendar::all_leap)),
            "2019-02-29");
  EXPECT_EQ(text(decode(59, "days since 2018-01-01", Calendar::day_360)), "2018-02-30");
  EXPECT_EQ(text(decode(360, "days since 2018-01-01", Calendar::day_360)), "2019-01-01");
  // Old files count from the year 1: two days further in the mixed calendar than in the proleptic.
  EXPECT_EQ(text(decode(736890, "days since 1-1-1 00:00:0.0")), "2018-07-14");
  EXPECT_EQ(text(decode(736888, "days since 0001-01-01", Calendar::proleptic_gregorian)),
            "2018-07-14");
}

TEST(DecodeCfTime, MonthsOnlyWhereTheyHaveALength) {
  EXPECT_EQ(text(decode(14, "months since 2018-01-01", Calendar::day_360)), "2019-03-01");
  EXPECT_EQ(text(decode(2.5, "months since 2018-01-01", Calendar::day_360)), "2018-03-16");
  EXPECT_EQ(text(decode(3, "years since 2018-02-30", Calendar::day_360)), "2021-02-30");
  for (const Calendar c : {Calendar::standard, Calendar::noleap, Calendar::proleptic_gregorian}) {
    EXPECT_THROW(decode(1, "months since 2018-01-01", c), Error);
    EXPECT_THROW(decode(1, "years since 2018-01-01", c), Error);
  }
}

TEST(DecodeCfTime, Refuses) {
  for (const char* units : {"", "days", "days since", "days since yesterday", "days since 2018",
                            "furlongs since 2018-01-01", "days since 2018-02-30",
                            "days since 2018-01-01 25:00", "day as %Y%m%d.%f"})
    EXPECT_THROW(decode(0, units), Error) << units;
  EXPECT_THROW(decode(0, "days since 2018-01-01", Calendar::none), Error);
  EXPECT_THROW(decode(std::nan(""), "days since 2018-01-01"), Error);
  EXPECT_THROW(decode(9.96921e36, "days since 2018-01-01"), Error);
}

TEST(ToRealDates, NoleapKeepsItsDates) {
  std::vector<double> values(365 * 2);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const auto times = decode_cf_time(values, "days since 2015-01-01", Calendar::noleap);
  const auto dates = to_real_dates(times, Calendar::noleap, false);
  std::set<int64_t> seen;
  for (const auto& d : dates) {
    ASSERT_TRUE(d);
    EXPECT_FALSE(d->month == 2 && d->day == 29);
    seen.insert(to_days(*d));
  }
  EXPECT_EQ(seen.size(), 730U);  // of 731 real days
  EXPECT_EQ(*dates[365 + 59], (Date{2016, 3, 1}));
}

TEST(ToRealDates, AllLeapDropsTheDayThatDoesNotExist) {
  const auto times =
      decode_cf_time({58, 59, 60, 366 + 59}, "days since 2015-01-01", Calendar::all_leap);
  const auto dates = to_real_dates(times, Calendar::all_leap, false);
  EXPECT_EQ(*dates[0], (Date{2015, 2, 28}));
  EXPECT_FALSE(dates[1]);
  EXPECT_EQ(*dates[2], (Date{2015, 3, 1}));
  EXPECT_EQ(*dates[3], (Date{2016, 2, 29}));
}

TEST(ToRealDates, ThreeHundredAndSixtyDaysNeedLeave) {
  const auto times = decode_cf_time({0}, "days since 2015-01-01", Calendar::day_360);
  EXPECT_THROW(to_real_dates(times, Calendar::day_360, false), Error);
}

TEST(ToRealDates, ThreeHundredAndSixtyDaysSpreadOverTheYear) {
  for (const int year : {2015, 2016}) {
    std::vector<double> values(360);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    const std::string units = "days since " + std::to_string(year) + "-01-01";
    const auto dates =
        to_real_dates(decode_cf_time(values, units, Calendar::day_360), Calendar::day_360, true);
    for (size_t k = 0; k < dates.size(); ++k) {
      ASSERT_TRUE(dates[k]);
      EXPECT_EQ(dates[k]->year, year);
      const double exact = std::floor((static_cast<double>(k) + 0.5) * days_in_year(year) / 360.0);
      EXPECT_EQ(day_of_year(*dates[k]), static_cast<int>(exact)) << k;
      if (k > 0) {
        EXPECT_GT(to_days(*dates[k]), to_days(*dates[k - 1]));
      }
    }
    EXPECT_EQ(*dates.front(), (Date{year, 1, 1}));
    EXPECT_EQ(*dates.back(), (Date{year, 12, 31}));
  }
}

TEST(ToRealDates, JulianAndMixedDatesBecomeGregorian) {
  EXPECT_EQ(*to_real_dates({{2017, 12, 19, 0}}, Calendar::julian, false)[0], (Date{2018, 1, 1}));
  EXPECT_EQ(*to_real_dates({{1582, 10, 4, 0}}, Calendar::standard, false)[0], (Date{1582, 10, 14}));
  EXPECT_EQ(*to_real_dates({{2018, 7, 14, 0}}, Calendar::standard, false)[0], (Date{2018, 7, 14}));
}

struct NameCase {
  const char* pattern;
  const char* path;
  const char* date;  ///< "" = no match
};

class DateFromName : public testing::TestWithParam<NameCase> {};

TEST_P(DateFromName, Reads) {
  const NameCase c = GetParam();
  check_name_pattern(c.pattern);
  const auto date = date_from_name(c.path, c.pattern);
  EXPECT_EQ(date ? to_text(*date) : "", c.date) << c.pattern << " on " << c.path;
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, DateFromName,
    testing::Values(
        NameCase{"gpp_%Y%j", "/data/2017/gpp_2018195.tif", "2018-07-14"},
        NameCase{"gpp_%Y%j", "gpp_2016366.tif", "2016-12-31"},
        NameCase{"gpp_%Y%j", "gpp_2018366.tif", ""},  // no such day
        NameCase{"gpp_%Y%j", "npp_2018195.tif", ""},
        NameCase{"gpp_%Y%j", "my_gpp_2018195.tif", ""},  // must match at the start
        NameCase{"gpp_%Y%j", "gpp_2018195_v2.tif", "2018-07-14"},
        NameCase{"gpp_%Y%m", "gpp_200307.tif", "2003-07-01"},
        NameCase{"gpp_%Y%m", "gpp_20030714.tif", ""},  // a longer number is not cut short
        NameCase{"crop_%Y", "crop_2003.tif", "2003-01-01"},
        NameCase{"MOD17A2H.A%Y%j.*", "MOD17A2H.A2018193.h10v05.006.2018204.hdf", "2018-07-12"},
        NameCase{"MOD17A2H.A%Y%j.*", "MOD17A2H.A2018193.hdf", "2018-07-12"},
        NameCase{"A%Y%j.*", "MOD17A2H.A2018193.h10v05.hdf", "2018-07-12"},
        NameCase{"*_%Y%m%d", "some_gpp_20180714.tif", "2018-07-14"},
        NameCase{"*_%Y%m%d", "a_123_20180714.tif", "2018-07-14"},
        NameCase{"*_%Y%m%d", "a_20181314.tif", ""},
        NameCase{"*%Y-%m-%d*", "/x/GPP-2018-07-14T00.nc", "2018-07-14"},
        NameCase{"gpp_%d%b%Y", "gpp_14JUL2018.tif", "2018-07-14"},
        NameCase{"gpp_%y%j", "gpp_18195.tif", "2018-07-14"},
        NameCase{"gpp_%y%j", "gpp_99001.tif", "1999-01-01"},
        NameCase{"*/%Y", "dir/2018.tif", ""},  // only the name counts, not its folder
        NameCase{"gpp_%Y%j.tif", "gpp_2018195.tif", "2018-07-14"},
        NameCase{"a%%_%Y", "a%_2018.tif", "2018-01-01"},
        NameCase{"%Y_%m_%Y%m%d", "2018_07_20180714.tif", "2018-07-14"},
        NameCase{"%Y_%m_%Y%m%d", "2017_07_20180714.tif", ""}));

TEST(NamePattern, ManyStarsTakeNoAges) {
  const std::string stars(40, '*'), name(200, 'x');
  EXPECT_FALSE(date_from_name(name + ".tif", stars + "%Y" + stars + "-%m" + stars));
  const auto date = date_from_name(name + "2018-07" + name + ".tif", stars + "%Y" + stars + "-%m*");
  ASSERT_TRUE(date);
  EXPECT_EQ(to_text(*date), "2018-07-01");
}

TEST(NamePattern, Refuses) {
  for (const char* bad : {"gpp", "", "gpp_%j", "gpp_%Q", "gpp_%Y%", "gpp_%Y%H", "gpp_%Y%d"})
    EXPECT_THROW(check_name_pattern(bad), Error) << bad;
}

TEST(Interval, Names) {
  for (const Interval i : {Interval::day, Interval::days8, Interval::days16, Interval::month})
    EXPECT_EQ(parse_interval(to_string(i)), i);
  EXPECT_THROW(parse_interval("8"), Error);
  EXPECT_THROW(parse_interval("weekly"), Error);
}

TEST(CompositeSpans, CutAtTheNewYear) {
  for (const int year : {2018, 2020}) {
    std::vector<int64_t> starts;
    for (int y : {year, year + 1})
      for (int d = 0; d < 365; d += 8) starts.push_back(to_days(from_day_of_year(y, d)));
    const auto spans = composite_spans(starts, Interval::days8);
    EXPECT_EQ(spans[45].end - spans[45].first, days_in_year(year) - 360);  // 5 or 6 days
    for (size_t i = 0; i + 1 < spans.size(); ++i) {
      EXPECT_EQ(spans[i].first, starts[i]);
      EXPECT_EQ(spans[i].end, spans[i + 1].first);  // no gap, no overlap
    }
  }
}

TEST(CompositeSpans, CutWhereALaterOneBegins) {
  const auto spans = composite_spans({0, 3, 20}, Interval::days8);
  EXPECT_EQ(spans[0].end, 3);
  EXPECT_EQ(spans[1].end, 11);  // a hole stays a hole
  EXPECT_EQ(spans[2].end, 28);
  const auto sixteen = composite_spans({to_days({2018, 12, 19})}, Interval::days16);
  EXPECT_EQ(sixteen[0].end, to_days({2019, 1, 1}));
}

TEST(CompositeSpans, DaysAndMonths) {
  const auto days = composite_spans({5, 6, 9}, Interval::day);
  EXPECT_EQ(days[1].end, 7);
  EXPECT_EQ(days[2].end, 10);
  // Stamped in the middle of the month or on its first day: it stands for the whole month.
  const auto months =
      composite_spans({to_days({2020, 2, 15}), to_days({2020, 3, 1})}, Interval::month);
  EXPECT_EQ(months[0].first, to_days({2020, 2, 1}));
  EXPECT_EQ(months[0].end, to_days({2020, 3, 1}));
  EXPECT_EQ(months[1].end, to_days({2020, 4, 1}));
  EXPECT_THROW(composite_spans({to_days({2020, 2, 1}), to_days({2020, 2, 15})}, Interval::month),
               Error);
}

TEST(CompositeSpans, RefusesDisorder) {
  EXPECT_THROW(composite_spans({8, 8}, Interval::days8), Error);
  EXPECT_THROW(composite_spans({8, 0}, Interval::days8), Error);
  EXPECT_TRUE(composite_spans({}, Interval::days8).empty());
}

TEST(ParseDays, Reads) {
  EXPECT_EQ(parse_days("32d"), 32);
  EXPECT_EQ(parse_days("0d"), 0);
  for (const char* bad : {"", "d", "32", "-1d", "1.5d", "32 d", "99999999999d"})
    EXPECT_THROW(parse_days(bad), Error) << bad;
}

}  // namespace
}  // namespace fluxtile
