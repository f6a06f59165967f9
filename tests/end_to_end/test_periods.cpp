// SPDX-License-Identifier: Apache-2.0
// Periods that begin and end within a year, a leap year between, daily and monthly products,
// spin-up.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "raster.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t day_2015_04_15 = 16540;  // days since 1970-01-01
constexpr int64_t day_2016_01_01 = 16801;
constexpr int64_t day_2017_01_01 = 17167;
constexpr int64_t day_2017_09_21 = 17430;

class Periods : public Workplace {
 protected:
  /// Two kilometres, 2014 to 2017.
  static const fs::path& world() {
    static const Folder place;
    static const fs::path path = [] {
      const fs::path made = place.path() / "world";
      const Outcome outcome =
          fluxtile({"simulate", FLUXTILE_WORLDS "/test.yaml", "--out", made.string(), "--set",
                    "size_km=2", "--set", "period={first_year: 2015, years: 3, spinup: 1}"});
      EXPECT_EQ(0, outcome.code) << outcome.err;
      return made;
    }();
    return path;
  }
  static Words products_of(const std::string& start, const std::string& end) {
    return {"--set",
            "region.select=[East]",
            "--set",
            "models.regions={}",
            "--set",
            "period={start: " + start + ", end: " + end + ", spinup: 1}",
            "--set",
            "outputs.products=["
            "{variables: [nee, reco], period: annual, statistic: sum, format: [geotiff, netcdf]},"
            "{variables: nee, period: annual, statistic: mean, format: [geotiff, netcdf]},"
            "{variables: nee, period: monthly, statistic: mean, format: [geotiff, netcdf]},"
            "{variables: nee, period: monthly, statistic: sum, format: [geotiff, netcdf]},"
            "{variables: nee, period: daily, statistic: mean, format: netcdf}]"};
  }
  static const fs::path& part() {
    static const Folder place;
    static const bool made = [] {
      run(world(), place.path(), products_of("2015-04-15", "2017-09-20"));
      return true;
    }();
    static_cast<void>(made);
    return place.path();
  }
  static Raster map(const fs::path& folder, const std::string& name) {
    return read_raster((folder / name).string());
  }
};

TEST_F(Periods, BandsTellWhatTheyCover) {
  EXPECT_THAT(map(part(), "test_East_reco_annual.tif").descriptions,
              ElementsAre("2015 (from 2015-04-15)", "2016", "2017 (to 2017-09-20)"));
  EXPECT_THAT(map(part(), "test_East_nee_sum_annual.tif").units,
              ElementsAre("gC m-2", "gC m-2", "gC m-2"));
  EXPECT_THAT(map(part(), "test_East_nee_mean_annual.tif").units.front(), "gC m-2 d-1");
  const auto first = map(part(), "test_East_nee_mean_monthly_2015.tif").descriptions;
  ASSERT_EQ(9U, first.size()) << "April to December";
  EXPECT_EQ("2015-04 (from 2015-04-15)", first.front());
  EXPECT_EQ("2015-12", first.back());
  EXPECT_EQ(12U, map(part(), "test_East_nee_sum_monthly_2016.tif").descriptions.size());
  const auto last = map(part(), "test_East_nee_sum_monthly_2017.tif").descriptions;
  ASSERT_EQ(9U, last.size()) << "January to September";
  EXPECT_EQ("2017-01", last.front());
  EXPECT_EQ("2017-09 (to 2017-09-20)", last.back());
}

TEST_F(Periods, TimeBoundsTellTheSame) {
  EXPECT_THAT(netcdf_numbers(part() / "test_East_annual.nc", "time_bnds"),
              ElementsAre(day_2015_04_15, day_2016_01_01, day_2016_01_01, day_2017_01_01,
                          day_2017_01_01, day_2017_09_21));
  const auto months = netcdf_numbers(part() / "test_East_monthly.nc", "time_bnds");
  ASSERT_EQ(2U * 30, months.size());
  EXPECT_EQ(day_2015_04_15, months.front());
  EXPECT_EQ(day_2017_09_21, months.back());
  for (size_t k = 2; k < months.size(); k += 2) EXPECT_EQ(months[k - 1], months[k]) << "no hole";
  const auto days = netcdf_numbers(part() / "test_East_daily.nc", "time_bnds");
  ASSERT_EQ(2U * static_cast<size_t>(day_2017_09_21 - day_2015_04_15), days.size());
  for (size_t k = 0; k < days.size(); k += 2) {
    EXPECT_EQ(day_2015_04_15 + static_cast<int64_t>(k / 2), days[k]) << "29 February included";
    EXPECT_EQ(days[k] + 1, days[k + 1]);
  }
}

TEST_F(Periods, DaysMonthsAndYearsAgree) {
  const fs::path daily = part() / "test_East_daily.nc";
  const auto days = read_raster("NETCDF:" + daily.string() + ":nee").bands;
  const auto months =
      read_raster("NETCDF:" + (part() / "test_East_monthly.nc").string() + ":nee_mean");
  const auto sums =
      read_raster("NETCDF:" + (part() / "test_East_monthly.nc").string() + ":nee_sum");
  EXPECT_EQ("g m-2 d-1", months.units.front());
  EXPECT_EQ("g m-2", sums.units.front());
  const auto bounds = netcdf_numbers(part() / "test_East_monthly.nc", "time_bnds");
  const Raster years = map(part(), "test_East_nee_sum_annual.tif");
  size_t values = 0;
  for (size_t cell = 0; cell < years.bands.front().size(); ++cell) {
    if (std::isnan(years.bands.front()[cell])) continue;
    for (size_t m = 0; m < months.bands.size(); ++m) {
      double sum = 0;
      const double length = bounds[2 * m + 1] - bounds[2 * m];
      for (double day = bounds[2 * m]; day < bounds[2 * m + 1]; ++day)
        sum += days[static_cast<size_t>(day - static_cast<double>(day_2015_04_15))][cell];
      EXPECT_NEAR(sum, sums.bands[m][cell], 1e-3);
      EXPECT_NEAR(sum / length, months.bands[m][cell], 1e-4);
      ++values;
    }
    double year = 0;
    for (double day = day_2016_01_01; day < day_2017_01_01; ++day)
      year += days[static_cast<size_t>(day - static_cast<double>(day_2015_04_15))][cell];
    EXPECT_NEAR(year, years.bands[1][cell], 5e-3);
  }
  EXPECT_GT(values, 100U);
}

TEST_F(Periods, WholeYearBetweenIsTheSameAsInALongerRun) {
  run(world(), folder(), products_of("2015-01-01", "2017-12-31"));
  const auto whole = map(folder(), "test_East_nee_sum_annual.tif");
  const auto cut = map(part(), "test_East_nee_sum_annual.tif");
  EXPECT_THAT(whole.descriptions, ElementsAre("2015", "2016", "2017"));
  size_t differ = 0;
  for (size_t cell = 0; cell < whole.bands[1].size(); ++cell) {
    if (std::isnan(whole.bands[1][cell])) continue;
    EXPECT_EQ(whole.bands[1][cell], cut.bands[1][cell]) << "2016 does not know where the run ends";
    differ += whole.bands[0][cell] != cut.bands[0][cell] ? 1 : 0;
  }
  EXPECT_GT(differ, 0U) << "2015 lacks its first months";
}

TEST_F(Periods, IncompleteYearsAreFlagged) {
  const Raster flags = map(part(), "test_East_quality_annual.tif");
  ASSERT_EQ(3U, flags.bands.size());
  for (size_t cell = 0; cell < flags.bands.front().size(); ++cell) {
    if (std::isnan(flags.bands.front()[cell])) continue;
    EXPECT_EQ(8, static_cast<int>(flags.bands[0][cell]) & 8);
    EXPECT_EQ(0, static_cast<int>(flags.bands[1][cell]) & 8);
    EXPECT_EQ(8, static_cast<int>(flags.bands[2][cell]) & 8);
  }
}

TEST_F(Periods, SpinupChangesTheFirstYear) {
  Words with = {"--set", "region.select=[East]", "--set", "models.regions={}"};
  Words without = with;
  with.insert(with.end(), {"--set", "period={start: 2015-01-01, end: 2015-12-31, spinup: 1}"});
  without.insert(without.end(),
                 {"--set", "period={start: 2015-01-01, end: 2015-12-31, spinup: 0}"});
  run(world(), folder() / "with", with);
  run(world(), folder() / "without", without);
  const Raster a = map(folder() / "with", "test_East_rh_annual.tif");
  const Raster b = map(folder() / "without", "test_East_rh_annual.tif");
  double largest = 0;
  for (size_t cell = 0; cell < a.bands.front().size(); ++cell) {
    ASSERT_EQ(std::isnan(a.bands.front()[cell]), std::isnan(b.bands.front()[cell]));
    if (!std::isnan(a.bands.front()[cell]))
      largest = std::max(largest, std::abs(a.bands.front()[cell] - b.bands.front()[cell]));
  }
  EXPECT_GT(largest, 1e-3);
}

TEST_F(Periods, SpinupYearsThatAreMissingAreReplacedByTheEarliest) {
  const auto spinup = [&](const std::string& years) {
    const Outcome planned = fluxtile(
        words("plan", world(), folder(),
              {"--set", "period={start: 2015-01-01, end: 2017-12-31, spinup: " + years + "}"}));
    EXPECT_EQ(0, planned.code) << planned.err;
    return planned.out;
  };
  EXPECT_THAT(spinup("1"), HasSubstr("spin-up 2014\n"));
  EXPECT_THAT(spinup("2"), HasSubstr("spin-up 2014, 2014\n"));
  // The record's earliest complete years in order, then the one just before the start.
  EXPECT_THAT(spinup("4"), HasSubstr("spin-up 2014, 2015, 2016, 2014\n"));
}

}  // namespace
}  // namespace fluxtile::end_to_end
