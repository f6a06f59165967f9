// SPDX-License-Identifier: Apache-2.0
// Weather, soil and fields over three states.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "geo/calendar.h"
#include "pipeline/world/soil.h"
#include "pipeline/world/states.h"
#include "pipeline/world/weather.h"

namespace fluxtile::world {
namespace {

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / n;
    mb += b[i] / n;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

// Daily series of a place over some years.
struct Record {
  std::vector<double> temperature, clearness, wet;  // anomaly K; W m-2; mm^(1/3)
  double annual_rain = 0, mean = 0;
};
Record record(const Weather& weather, double longitude, double latitude, int years) {
  Record r;
  const Weather::Place place = weather.place(longitude, latitude);
  for (int year = 2001; year < 2001 + years; ++year) {
    for (int d = 0; d < days_in_year(year); ++d) {
      const DayWeather w = weather.at(place, weather.day(to_days({year, 1, 1}) + d, d));
      const double mean = (w.tmax + w.tmin) / 2 - 273.15;
      r.temperature.push_back(mean - place.climate.temperature(d));
      if (d >= 150 && d < 240) r.clearness.push_back(w.radiation);
      r.wet.push_back(std::cbrt(w.rain));
      r.annual_rain += w.rain / years;
      r.mean += mean / (365.25 * years);
    }
  }
  return r;
}

TEST(MidwestWeather, IsCorrelatedOverSomeHundredKilometres) {
  const Weather weather(Random(11), {-97, 37, -81, 44});
  constexpr double km = 1 / (111.2 * 0.7615);  // degrees of longitude at 40.4 N
  double t50 = 0, t300 = 0, t900 = 0, w50 = 0, w300 = 0, w900 = 0, r300 = 0;
  constexpr int pairs = 4, years = 3;
  for (int i = 0; i < pairs; ++i) {
    const double longitude = -95.5 + 0.37 * i, latitude = 39.8 + 0.4 * i;
    const Record here = record(weather, longitude, latitude, years);
    const Record a = record(weather, longitude + 50 * km, latitude, years);
    const Record b = record(weather, longitude + 300 * km, latitude, years);
    const Record c = record(weather, longitude + 900 * km, latitude, years);
    t50 += correlation(here.temperature, a.temperature) / pairs;
    t300 += correlation(here.temperature, b.temperature) / pairs;
    t900 += correlation(here.temperature, c.temperature) / pairs;
    w50 += correlation(here.wet, a.wet) / pairs;
    w300 += correlation(here.wet, b.wet) / pairs;
    w900 += correlation(here.wet, c.wet) / pairs;
    r300 += correlation(here.clearness, b.clearness) / pairs;
  }
  EXPECT_GT(t50, 0.93);
  EXPECT_NEAR(t300, 0.78, 0.10);
  EXPECT_LT(t900, 0.35);
  EXPECT_GT(w50, 0.70);
  EXPECT_NEAR(w300, 0.25, 0.13);
  EXPECT_LT(std::abs(w900), 0.15);
  EXPECT_GT(r300, 0.1);
}

TEST(MidwestWeather, LastsForDays) {
  const Weather weather(Random(12), midwest_box());
  const Record r = record(weather, -89, 40, 6);
  const std::vector<double>& t = r.temperature;
  EXPECT_NEAR(correlation({t.begin(), t.end() - 1}, {t.begin() + 1, t.end()}), 0.74, 0.08);
}

TEST(MidwestWeather, IsColderAndDrierToTheNorthWest) {
  const Weather weather(Random(13), midwest_box());
  const Record north_west = record(weather, -96, 43.3, 8),
               south_east = record(weather, -86, 38.2, 8), middle = record(weather, -89.5, 40.4, 8);
  EXPECT_NEAR(north_west.mean, 8.2, 1.0);
  EXPECT_NEAR(middle.mean, 11, 1.0);
  EXPECT_NEAR(south_east.mean, 13.1, 1.0);
  EXPECT_NEAR(north_west.annual_rain, 720, 120);
  EXPECT_NEAR(middle.annual_rain, 960, 150);
  EXPECT_NEAR(south_east.annual_rain, 1190, 180);
}

TEST(MidwestWeather, HotSummersAreDryAndYearsDiffer) {
  const Weather weather(Random(14), midwest_box());
  std::vector<double> heat, rain;
  for (const double longitude : {-94.0, -86.5}) {
    const Weather::Place place = weather.place(longitude, 40.5);
    for (int year = 1990; year < 2020; ++year) {
      double t = 0, p = 0;
      for (int d = 151; d < 243; ++d) {
        const DayWeather w = weather.at(place, weather.day(to_days({year, 1, 1}) + d, d));
        t += ((w.tmax + w.tmin) / 2 - 273.15) / 92;
        p += w.rain;
      }
      heat.push_back(t);
      rain.push_back(p);
    }
  }
  double mean = 0, square = 0;
  for (const double t : heat) {
    mean += t / static_cast<double>(heat.size());
    square += t * t / static_cast<double>(heat.size());
  }
  EXPECT_NEAR(std::sqrt(square - mean * mean), 1.2, 0.5);
  EXPECT_LT(correlation(heat, rain), -0.15);
}

TEST(MidwestWeather, ChangesSmoothlyFromPlaceToPlace) {
  const Weather weather(Random(15), midwest_box());
  std::vector<Weather::Day> days;
  for (int i = 0; i < 40; ++i) days.push_back(weather.day(13000 + 9 * i, (9 * i) % 365));
  // Enough places and days for the edges of some areas of rain.
  for (int i = 0; i < 600; ++i) {
    const double longitude = -96 + 0.018 * i, latitude = 37.5 + 0.0097 * i;
    const Weather::Place a = weather.place(longitude, latitude);
    const Weather::Place b = weather.place(longitude + 0.001, latitude);  // 85 m
    for (const Weather::Day& day : days) {
      const DayWeather u = weather.at(a, day), v = weather.at(b, day);
      ASSERT_NEAR(u.tmax, v.tmax, 0.1);
      ASSERT_NEAR(u.tmin, v.tmin, 0.1);
      ASSERT_NEAR(u.radiation, v.radiation, 2);
      ASSERT_NEAR(u.rain, v.rain, 0.05 * (1 + u.rain));
      ASSERT_NEAR(u.rh_min, v.rh_min, 0.7);
      ASSERT_NEAR(u.wind, v.wind, 0.1);
    }
  }
}

TEST(MidwestWeather, DependsOnSeedDateAndPlaceAlone) {
  const Weather small(Random(16), {-90, 40, -89, 41}), large(Random(16), midwest_box()),
      other(Random(17), midwest_box());
  for (int d = 100; d < 130; ++d) {
    const DayWeather a = small.at(small.place(-89.4, 40.3), small.day(d, d));
    const DayWeather b = large.at(large.place(-89.4, 40.3), large.day(d, d));
    const DayWeather c = other.at(other.place(-89.4, 40.3), other.day(d, d));
    EXPECT_EQ(a.tmax, b.tmax);
    EXPECT_EQ(a.rain, b.rain);
    EXPECT_EQ(a.wind, b.wind);
    EXPECT_NE(a.tmax, c.tmax);
  }
  EXPECT_THROW(static_cast<void>(small.place(-88, 40.5)), Error);
}

TEST(MidwestSoil, HasTheCarbonOfMidwestFieldsAndMoreToTheNorth) {
  const Soil soil{Random(18)};
  int usual = 0, all = 0;
  double north = 0, south = 0;
  for (double x = 0; x < 1000000; x += 21000) {
    for (double y = 1600000; y < 2300000; y += 19000) {
      const double carbon = soil.at(x, y)[6];
      ++all;
      usual += carbon > 8 && carbon < 35 ? 1 : 0;
      if (y > 2150000) north += carbon;
      if (y < 1750000) south += carbon;
    }
  }
  EXPECT_GT(usual, 0.88 * all);
  EXPECT_GT(north, 1.15 * south);  // strips of the same width
}

}  // namespace
}  // namespace fluxtile::world
