// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include "base/error.h"
#include "geo/calendar.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/regions.h"
#include "pipeline/world/soil.h"
#include "pipeline/world/weather.h"
#include "pipeline/world/world_config.h"

namespace fluxtile::world {
namespace {

using testing::HasSubstr;

constexpr GeographicBox kBox{-97, 36, -84, 44};

struct Moments {
  double mean = 0, deviation = 0;
};
template <typename Draw>
Moments moments(int n, const Draw& draw) {
  double sum = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    const double v = draw(i);
    sum += v;
    square += v * v;
  }
  return {sum / n, std::sqrt(square / n - sum / n * sum / n)};
}

TEST(Random, DependsOnSeedSubjectAndPositionOnly) {
  const Random a(1), b(2);
  EXPECT_EQ(a.bits(Subject::field_crop, 3, 4), Random(1).bits(Subject::field_crop, 3, 4));
  EXPECT_NE(a.bits(Subject::field_crop, 3, 4), b.bits(Subject::field_crop, 3, 4));
  EXPECT_NE(a.bits(Subject::field_crop, 3, 4), a.bits(Subject::field_split, 3, 4));
  EXPECT_NE(a.bits(Subject::field_crop, 3, 4), a.bits(Subject::field_crop, 4, 3));
  EXPECT_NE(a.bits(Subject::field_crop, -3, 4), a.bits(Subject::field_crop, 3, -4));
}

TEST(Random, NormalAndSeriesHaveMeanZeroAndDeviationOne) {
  const Random random(5);
  const Moments normal = moments(40000, [&](int i) { return random.normal(Subject::texture, i); });
  EXPECT_NEAR(normal.mean, 0, 0.02);
  EXPECT_NEAR(normal.deviation, 1, 0.02);
  const Moments series =
      moments(40000, [&](int i) { return random.series(Subject::wind, i, 0, 0.7); });
  EXPECT_NEAR(series.mean, 0, 0.06);
  EXPECT_NEAR(series.deviation, 1, 0.03);
}

TEST(Random, SeriesKeepsItsPersistence) {
  const Random random(5);
  double product = 0;
  const int n = 40000;
  for (int i = 0; i < n; ++i)
    product +=
        random.series(Subject::wind, i, 0, 0.7) * random.series(Subject::wind, i + 1, 0, 0.7);
  EXPECT_NEAR(product / n, 0.7, 0.03);
}

TEST(Noise, IsSmoothAndHasDeviationOneEverywhere) {
  const Noise noise(Random(9), Subject::texture, 1000);
  const Moments far = moments(20000, [&](int i) { return noise.at(5137.0 * i, -7411.0 * i); });
  EXPECT_NEAR(far.mean, 0, 0.03);
  EXPECT_NEAR(far.deviation, 1, 0.03);
  for (int i = 0; i < 1000; ++i)
    EXPECT_NEAR(noise.at(100.0 * i, 50), noise.at(100.0 * i + 1, 50), 0.02) << i;
}

TEST(Weather, LooksLikeTheMidwest) {
  const Weather weather(Random(20), kBox);
  const Weather::Place place = weather.place(-91.4, 40.4);
  double july = 0, january = 0, rain = 0;
  int wet = 0;
  for (int year = 2001; year < 2011; ++year) {
    for (int d = 0; d < days_in_year(year); ++d) {
      const DayWeather w = weather.at(place, weather.day(to_days({year, 1, 1}) + d, d));
      ASSERT_GT(w.tmax, w.tmin);
      ASSERT_GE(w.rh_max, w.rh_min);
      ASSERT_LE(w.rh_max, 100);
      ASSERT_GT(w.radiation, 5);
      ASSERT_LT(w.radiation, 400);
      ASSERT_GE(w.rain, 0);
      if (d < 31) january += (w.tmax + w.tmin) / 2 - 273.15;
      if (d >= 181 && d < 212) july += (w.tmax + w.tmin) / 2 - 273.15;
      rain += w.rain;
      wet += w.rain > 0 ? 1 : 0;
    }
  }
  EXPECT_NEAR(july / 310, 24.5, 2.5);
  EXPECT_NEAR(january / 310, -3, 2.5);
  EXPECT_NEAR(rain / 10, 920, 250);
  EXPECT_NEAR(wet / 3652.0, 0.31, 0.06);
}

TEST(Weather, DiffersLessNearbyThanFarAway) {
  const Weather weather(Random(20), kBox);
  const Weather::Place here = weather.place(-91.4, 40.4), near = weather.place(-91.35, 40.4),
                       far = weather.place(-89.0, 42.0);
  double near_sum = 0, far_sum = 0;
  for (int d = 0; d < 365; ++d) {
    const Weather::Day day = weather.day(17532 + d, d);
    const double t = weather.at(here, day).tmax;
    near_sum += std::abs(weather.at(near, day).tmax - t);
    far_sum += std::abs(weather.at(far, day).tmax - t);
  }
  EXPECT_GT(near_sum, 0);
  EXPECT_LT(near_sum, 0.3 * far_sum);
}

// Daily GPP of a year at a place, and its sum.
std::vector<float> year_of(const Site& site, const Weather& weather, const Weather::Place& place,
                           int year, double water = 160) {
  std::vector<GrowingDay> days;
  for (int d = 0; d < days_in_year(year); ++d)
    days.push_back(growing_day(weather.at(place, weather.day(to_days({year, 1, 1}) + d, d))));
  return gpp_of_year(site, growing_climate(place.climate), water, days);
}
double sum_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(Gpp, FollowsTheSeasonOfTheCrop) {
  const Weather weather(Random(20), kBox);
  const Weather::Place place = weather.place(-91.4, 40.4);
  const std::vector<float> field = year_of({corn, 1.0, 0.0}, weather, place, 2018);
  const std::vector<float> late = year_of({corn, 1.0, 10.0}, weather, place, 2018);
  const std::vector<float> beans = year_of({soybeans, 1.0, 0.0}, weather, place, 2018);
  EXPECT_EQ(field[20], 0);
  EXPECT_EQ(field[350], 0);
  EXPECT_GT(sum_of({field.begin() + 140, field.begin() + 180}),
            1.2 * sum_of({late.begin() + 140, late.begin() + 180}));
  EXPECT_GT(sum_of(field), 1.3 * sum_of(beans));
  EXPECT_EQ(sum_of(year_of({open_water, 1.0, 0.0}, weather, place, 2018)), 0);
}

// Eddy-covariance budgets of Midwest fields: corn 1300 to 1700, soybeans 800 to 1100 gC m-2 a year,
// with daily peaks about 20 and 13.
TEST(Gpp, AnnualSumsAndPeaksAreThoseOfMidwestFields) {
  const Weather weather(Random(3), kBox);
  double corn_mean = 0, bean_mean = 0;
  for (const auto& [longitude, latitude] : std::vector<std::pair<double, double>>{
           {-95.5, 43.0}, {-93, 42}, {-89, 40}, {-89, 37.8}, {-86, 41.3}, {-86, 38.5}}) {
    const Weather::Place place = weather.place(longitude, latitude);
    double corn_sum = 0, bean_sum = 0, corn_peak = 0, bean_peak = 0;
    for (int year = 2001; year < 2011; ++year) {
      const std::vector<float> c = year_of({corn, 1.0, 0.0}, weather, place, year);
      const std::vector<float> b = year_of({soybeans, 1.0, 0.0}, weather, place, year);
      corn_sum += sum_of(c) / 10;
      bean_sum += sum_of(b) / 10;
      corn_peak += double{*std::max_element(c.begin(), c.end())} / 10;
      bean_peak += double{*std::max_element(b.begin(), b.end())} / 10;
    }
    EXPECT_NEAR(corn_sum, 1450, 250) << longitude << ", " << latitude;
    EXPECT_NEAR(bean_sum, 900, 150) << longitude << ", " << latitude;
    EXPECT_NEAR(corn_peak, 20.5, 2);
    EXPECT_NEAR(bean_peak, 13.5, 1.5);
    corn_mean += corn_sum / 6;
    bean_mean += bean_sum / 6;
  }
  EXPECT_GT(corn_mean, 1300);
  EXPECT_LT(corn_mean, 1700);
  EXPECT_GT(bean_mean, 800);
  EXPECT_LT(bean_mean, 1100);
}

TEST(Gpp, FollowsTheWeather) {
  const Weather weather(Random(3), kBox);
  const Weather::Place place = weather.place(-89, 40);
  std::vector<GrowingDay> days;
  for (int d = 0; d < 365; ++d)
    days.push_back(growing_day(weather.at(place, weather.day(to_days({2009, 1, 1}) + d, d))));
  const GrowingClimate climate = growing_climate(place.climate);
  const Site field{corn, 1.0, 0.0};
  const double normal = sum_of(gpp_of_year(field, climate, 160, days));
  std::vector<GrowingDay> dry = days, dull = days, parched = days;
  for (GrowingDay& day : dry) day.rain *= 0.3F;
  for (GrowingDay& day : dull) day.light *= 0.7F;
  for (GrowingDay& day : parched) day.vapour_deficit += 1.5F;
  EXPECT_LT(sum_of(gpp_of_year(field, climate, 160, dry)), 0.85 * normal);
  EXPECT_LT(sum_of(gpp_of_year(field, climate, 160, dull)), 0.95 * normal);
  EXPECT_LT(sum_of(gpp_of_year(field, climate, 160, parched)), 0.9 * normal);
  EXPECT_GT(sum_of(gpp_of_year(field, climate, 400, dry)),
            sum_of(gpp_of_year(field, climate, 100, dry)));
}

TEST(Soil, IsPhysicallyPossible) {
  const Soil soil{Random(20)};
  for (int i = 0; i < 5000; ++i) {
    const SoilProperties s = soil.at(731.0 * i, -577.0 * i);
    const double density = s[0], sand = s[1], silt = s[2], field_capacity = s[3], wilting = s[4];
    ASSERT_GT(density, 0.9);
    ASSERT_LT(density, 1.8);
    ASSERT_LT(sand + silt, 940);  // what is left is clay
    ASSERT_GT(silt, 0);
    ASSERT_GT(wilting, 0.02);
    ASSERT_GT(field_capacity, wilting + 0.03);
    ASSERT_LT(field_capacity, 0.55);
    ASSERT_GT(s[5], 0);
    ASSERT_GT(s[6], 2);
    ASSERT_LT(s[6], 90);
  }
}

TEST(Landscape, FieldsRotateBetweenCornAndSoybeans) {
  const Landscape land(Random(20), 390000, 1930000, 10000);
  int cropped = 0, rotated = 0, cells = 0;
  std::set<int> codes;
  for (double y = 1920000; y < 1940000; y += 250) {
    for (double x = 380000; x < 400000; x += 250) {
      const int first = land.at(x, y, 2017).code, second = land.at(x, y, 2018).code;
      codes.insert(first);
      ++cells;
      if (first != corn && first != soybeans) continue;
      ++cropped;
      rotated += first != second ? 1 : 0;
      if (first == soybeans) {
        EXPECT_EQ(second, corn);
      }
    }
  }
  EXPECT_GT(cropped, cells / 2);
  EXPECT_GT(rotated, cropped / 2);
  EXPECT_THAT(codes,
              testing::UnorderedElementsAre(corn, soybeans, open_water, developed, forest, grass));
}

TEST(Regions, ShareTheirBordersToTheLastBit) {
  const std::vector<NamedRegion> regions = make_regions(WorldConfig{});
  ASSERT_EQ(regions.size(), 3U);
  std::map<std::pair<double, double>, std::set<std::string>> owners;
  for (const NamedRegion& region : regions) {
    for (const RingSet& rings : region.polygons) {
      for (const Ring& ring : rings) {
        EXPECT_EQ(ring.front().x, ring.back().x);
        EXPECT_EQ(ring.front().y, ring.back().y);
        for (const Point& p : ring) owners[{p.x, p.y}].insert(region.name);
      }
    }
  }
  int by_three = 0, north_east = 0, south_east = 0, north_south = 0;
  for (const auto& [point, names] : owners) {
    by_three += names.size() == 3 ? 1 : 0;
    north_east += names.count("North") + names.count("East") == 2 ? 1 : 0;
    south_east += names.count("South") + names.count("East") == 2 ? 1 : 0;
    north_south += names.count("North") + names.count("South") == 2 ? 1 : 0;
  }
  EXPECT_EQ(by_three, 1);
  EXPECT_EQ(north_east, 12 + 4);  // the meandering line and the exclave
  EXPECT_EQ(south_east, 10);
  EXPECT_EQ(north_south, 2);
}

class WorldConfigFile : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    path_ = testing::TempDir() + "world_config_test.yaml";
    std::ofstream(path_) << text;
    return path_;
  }
  std::string message_of(const std::string& text, const std::vector<std::string>& set = {}) {
    try {
      read_world_config(write(text), set);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
  std::string path_;
};

TEST_F(WorldConfigFile, ReadsValuesAndOverrides) {
  const WorldConfig c = read_world_config(
      write("fluxtile-world: 1\nname: a\ncentre: {latitude: 41}\ngpp: {gaps: 0.2}\n"),
      {"gpp.gaps=0.3", "seed=12"});
  EXPECT_EQ(c.name, "a");
  EXPECT_EQ(c.latitude, 41);
  EXPECT_EQ(c.longitude, WorldConfig{}.longitude);
  EXPECT_EQ(c.gaps, 0.3);
  EXPECT_EQ(c.seed, 12U);
}

TEST_F(WorldConfigFile, WritesWhatItReads) {
  WorldConfig c;
  c.name = "again";
  c.gaps = 0.25;
  c.size_km = 7.5;
  const WorldConfig d = read_world_config(write(to_yaml(c)), {});
  EXPECT_EQ(to_yaml(c), to_yaml(d));
  EXPECT_EQ(d.size_km, 7.5);
}

TEST_F(WorldConfigFile, ReadsTrainingDataAndScales) {
  const WorldConfig c = read_world_config(
      write("fluxtile-world: 1\ngeography: midwest\nheterogeneity: other_structure\n"
            "output: ../there\n"
            "sites: {file: p/points.csv, years: 3, heterogeneity: none}\n"
            "towers: {per_region: 2, reference: 5, random_error: 0.3}\n"
            "crop: {cell: 500, mode: majority}\nclimate: {stride: 4}\n"),
      {"seed=12"});
  EXPECT_EQ(c.geography, Geography::midwest);
  EXPECT_EQ(c.output,
            (std::filesystem::path(path_).parent_path().parent_path() / "there").string());
  EXPECT_EQ(c.sites.file, (std::filesystem::path(path_).parent_path() / "p/points.csv").string());
  EXPECT_EQ(c.sites.heterogeneity, Heterogeneity::none);
  EXPECT_EQ(c.towers.reference, 5U);
  EXPECT_EQ(c.towers.labels.random_error, 0.3);
  EXPECT_EQ(c.towers.labels.seed, 12U);
  EXPECT_EQ(c.crop_mode, CropMode::majority);
  const WorldConfig again = read_world_config(write(to_yaml(c)), {});
  EXPECT_EQ(to_yaml(again), to_yaml(c));
  EXPECT_EQ(again.towers.per_region, 2U);
  EXPECT_EQ(again.climate_stride, 4);
}

TEST_F(WorldConfigFile, RefusesImpossibleTrainingDataAndModels) {
  EXPECT_THAT(message_of("fluxtile-world: 1\ngeography: midwest\nsize_km: 5\n"),
              HasSubstr("no `size_km`"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nheterogeneity: small_jumps\n"),
              HasSubstr("small_jump"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nsites: {years: 3}\n"), HasSubstr("no points"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nsites: {count: 9, file: a.csv}\n"), HasSubstr("both"));
  EXPECT_THAT(message_of("fluxtile-world: 1\ntowers: {years: 3}\n"), HasSubstr("per_region"));
  EXPECT_THAT(message_of("fluxtile-world: 1\n"
                         "models: {directory: m, default: a, regions: {Nord: b}}\n"),
              HasSubstr("North"));
}

TEST_F(WorldConfigFile, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(message_of("fluxtile-world: 1\nsead: 2\n"), HasSubstr("seed"));
  EXPECT_THAT(message_of("fluxtile-world: 1\ngpp: {gap: 2}\n"), HasSubstr("mean gaps?"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nseed: 2\nseed: 3\n"), HasSubstr("duplicate"));
  EXPECT_THAT(message_of("fluxtile-world: 1\ngpp: {gaps: 2}\n"), HasSubstr("0.9"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nseed: 1.5\n"), HasSubstr("whole"));
  EXPECT_THAT(message_of("fluxtile-world: 1\nseed: 12abc\n"), HasSubstr("12abc"));
  EXPECT_THAT(message_of("fluxtile-world: 2\n"), HasSubstr("fluxtile-world"));
  EXPECT_THAT(message_of("fluxtile: 1\n"), HasSubstr("unknown key"));
  EXPECT_THAT(message_of("fluxtile-world: 1\n", {"gpp.gips=1"}), HasSubstr("mean gaps?"));
  EXPECT_THAT(message_of("[1, 2]\n"), HasSubstr("a list"));
}

}  // namespace
}  // namespace fluxtile::world
