// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_climate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/error.h"
#include "tests/stages/drawn_inputs.h"

namespace fluxtile {
namespace {

using Kind = ClimateTermSource::Kind;
const double kNan = std::nan("");

/// Climate cells of 1 degree, target cells of a quarter degree; the first climate centre is
/// longitude -91, latitude 41.
class IngestClimateTest : public StageTest {
 protected:
  IngestClimateTest() { sources_->operations.push_back({}); }

  using Field = std::function<double(int64_t day, int row, int column)>;

  /// A file of one variable with these days, `width` x `height` climate cells.
  std::string write(const std::string& name, const std::vector<int64_t>& days, const Field& field) {
    NcDraft draft(file(name));
    std::vector<double> time, lat, lon, values;
    for (const int64_t d : days) time.push_back(static_cast<double>(d));
    for (int r = 0; r < height_; ++r) lat.push_back(41 - r);
    for (int c = 0; c < width_; ++c) lon.push_back(-91 + c);
    draft.axis("time", time, "days since 1970-01-01");
    draft.axis("lat", lat, "degrees_north");
    draft.axis("lon", lon, "degrees_east");
    draft.variable("v", NC_DOUBLE, {"time", "lat", "lon"});
    draft.number("_FillValue", NC_DOUBLE, {-9999});
    for (const int64_t d : days)
      for (int r = 0; r < height_; ++r)
        for (int c = 0; c < width_; ++c) {
          const double value = field(d, r, c);
          values.push_back(std::isnan(value) ? -9999 : value);
        }
    draft.values("v", values);
    draft.close();
    return file(name);
  }

  /// A source variable whose one file holds the days [first, end) but those in `without`.
  void variable(const std::string& name, int64_t first, int64_t end, const Field& field,
                const std::vector<int64_t>& without = {}) {
    std::vector<int64_t> days;
    ClimateSourceVariable source;
    source.name = name;
    const std::string path = file(name + ".nc");
    for (int64_t d = first; d < end; ++d) {
      if (std::find(without.begin(), without.end(), d) != without.end()) continue;
      if (source.runs.empty() || source.runs.back().first + source.runs.back().count != d)
        source.runs.push_back({path, "v", d, 0, static_cast<int64_t>(days.size())});
      ++source.runs.back().count;
      days.push_back(d);
    }
    write(name + ".nc", days, field);
    sources_->climate.variables.push_back(source);
  }
  void term(const std::string& input, Kind kind, std::vector<size_t> of,
            UnitConversion conversion = {}) {
    ClimateTermSource source;
    source.input = input;
    source.kind = kind;
    source.conversions.assign(of.size(), conversion);
    source.sources = std::move(of);
    sources_->climate.terms.push_back(source);
  }
  [[nodiscard]] ClimateTile read(std::vector<CellIndex> at, int year = 2018, int days = 0) const {
    const IngestClimate ingest({"EPSG:4326", 0.25, -91, 41}, sources_,
                               std::make_shared<LayerReader>());
    return ingest(tile_of(std::move(at)),
                  {year, false, days > 0 ? days : days_in_year(year), true});
  }
  /// Value of a term on one day at the n-th cell of the tile.
  static double at(const ClimateTile& tile, size_t day, size_t term = 0, size_t cell = 0) {
    const auto& block = *tile.block;
    const auto& w = *tile.weights;
    double sum = 0;
    for (auto k = static_cast<size_t>(w.offset[cell]); k < static_cast<size_t>(w.offset[cell + 1]);
         ++k)
      sum += static_cast<double>(w.weight[k]) *
             block.values[(day * block.cells + static_cast<size_t>(w.index[k])) *
                              block.variables.size() +
                          term];
    return sum;
  }
  static Field by_day() {
    return [](int64_t d, int, int) { return static_cast<double>(d); };
  }

  int width_ = 3, height_ = 3;
  std::shared_ptr<Sources> sources_ = std::make_shared<Sources>();
};

TEST_F(IngestClimateTest, EveryDayOfTheYearFromItsOwnStep) {
  variable("tmmx", day(2017, 12, 1), day(2021, 2, 1), by_day());
  term("TMAX_AIR", Kind::variable, {0}, {1, -273.15});
  for (const int year : {2018, 2020}) {
    const ClimateTile tile = read({{2, 2}}, year);
    ASSERT_EQ(tile.block->days, static_cast<size_t>(days_in_year(year)));
    EXPECT_EQ(tile.block->variables, std::vector<std::string>{"TMAX_AIR"});
    for (size_t d = 0; d < tile.block->days; ++d)
      EXPECT_NEAR(at(tile, d),
                  static_cast<double>(day(year, 1, 1) + static_cast<int64_t>(d)) - 273.15, 2e-3)
          << d;
  }
}

TEST_F(IngestClimateTest, InterpolatesBetweenCellCentres) {
  variable("v", day(2018, 1, 1), day(2019, 1, 1),
           [](int64_t, int r, int c) { return 10.0 * r + c; });
  term("RADN", Kind::variable, {0});
  // Cell (1, 2): centre 0.375 degrees right of and 0.625 below the first climate centre.
  const ClimateTile tile = read({{1, 2}, {0, 0}});
  EXPECT_NEAR(at(tile, 0, 0, 0), 6.25 + 0.375, 1e-5);
  EXPECT_NEAR(at(tile, 364, 0, 1), 1.25 + 0.125, 1e-5);
}

TEST_F(IngestClimateTest, DerivedVariablesAreFormedOnTheClimateGrid) {
  const auto tmax = [](int64_t, int r, int c) { return 20.0 + 5 * r + 3 * c; };
  const auto tmin = [](int64_t, int r, int c) { return 10.0 - 2 * r + c; };
  const auto rmax = [](int64_t, int r, int) { return 90.0 - 5 * r; };
  const auto rmin = [](int64_t, int, int c) { return 30.0 + 10 * c; };
  variable("tmmx", day(2018, 1, 1), day(2019, 1, 1), tmax);
  variable("tmmn", day(2018, 1, 1), day(2019, 1, 1), tmin);
  variable("rmax", day(2018, 1, 1), day(2019, 1, 1), rmax);
  variable("rmin", day(2018, 1, 1), day(2019, 1, 1), rmin);
  term("TDIF_AIR", Kind::difference, {0, 1});
  term("HMAX_AIR", Kind::vapour_pressure_max, {0, 1, 2, 3});
  term("HDIF_AIR", Kind::vapour_pressure_difference, {0, 1, 2, 3});
  const ClimateTile tile = read({{1, 1}}, 2018, 5);  // 0.375 right, 0.375 below
  const auto es = [](double t) { return 0.6108 * std::exp(17.27 * t / (t + 237.3)); };
  double high = 0, difference = 0;
  for (const int r : {0, 1})
    for (const int c : {0, 1}) {
      const double w = (r == 0 ? 0.625 : 0.375) * (c == 0 ? 0.625 : 0.375);
      const double e1 = es(tmin(0, r, c)) * rmax(0, r, c) / 100;
      const double e2 = es(tmax(0, r, c)) * rmin(0, r, c) / 100;
      high += w * std::max(e1, e2);
      difference += w * std::fabs(e1 - e2);
    }
  EXPECT_NEAR(at(tile, 3, 0), 10 + 0.375 * 7 + 0.375 * 2, 1e-5);
  EXPECT_NEAR(at(tile, 3, 1), high, 1e-6);
  EXPECT_NEAR(at(tile, 3, 2), difference, 1e-6);
}

TEST_F(IngestClimateTest, SaturationVapourPressureOfFao56) {
  EXPECT_NEAR(saturation_vapour_pressure(0), 0.6108, 1e-12);
  EXPECT_NEAR(saturation_vapour_pressure(20), 2.338, 5e-4);  // FAO-56, table 2.3
  EXPECT_NEAR(saturation_vapour_pressure(35), 5.624, 2e-3);
}

TEST_F(IngestClimateTest, TheResultOfATermIsConvertedToo) {
  variable("a", day(2018, 1, 1), day(2019, 1, 1), [](int64_t, int, int) { return 2.0; });
  term("RADN", Kind::variable, {0}, {0.0864, 0});
  sources_->climate.terms.back().result = {10, 1};
  EXPECT_NEAR(at(read({{0, 0}}), 10), 2 * 0.0864 * 10 + 1, 1e-6);
}

TEST_F(IngestClimateTest, ALeapDayThatNoFileHasIsTheMeanOfItsNeighbours) {
  const int64_t leap = day(2020, 2, 29);
  variable("v", day(2019, 12, 1), day(2021, 2, 1),
           [](int64_t d, int, int) { return static_cast<double>(d % 100) * (d % 2 == 0 ? 3 : 1); },
           {leap});
  term("RADN", Kind::variable, {0});
  sources_->climate.bridged_days = {leap};
  const ClimateTile tile = read({{1, 1}}, 2020);
  EXPECT_NEAR(at(tile, 59), (at(tile, 58) + at(tile, 60)) / 2, 1e-5);
  EXPECT_NE(at(tile, 58), at(tile, 60));
}

TEST_F(IngestClimateTest, AMissing31DecemberIsBridgedAcrossTheNewYear) {
  const int64_t last = day(2020, 12, 31);
  variable("v", day(2020, 1, 1), day(2022, 1, 1),
           [&](int64_t d, int, int) { return d < last ? 4.0 : 10.0; }, {last});
  term("RADN", Kind::variable, {0});
  sources_->climate.bridged_days = {last};
  EXPECT_NEAR(at(read({{1, 1}}, 2020), 365), 7, 1e-5);
  EXPECT_NEAR(at(read({{1, 1}}, 2020), 364), 4, 1e-5);
  EXPECT_NEAR(at(read({{1, 1}}, 2021), 0), 10, 1e-5);
}

TEST_F(IngestClimateTest, ALongerGapAcrossTheNewYearIsOneLineSeenFromBothYears) {
  const int64_t first = day(2018, 12, 30);
  const std::vector<int64_t> without = {first, first + 1, first + 2, first + 3};
  variable("v", day(2018, 1, 1), day(2020, 1, 1), by_day(), without);
  term("RADN", Kind::variable, {0});
  sources_->climate.bridged_days = without;
  sources_->climate.max_gap = 4;
  const ClimateTile before = read({{1, 1}}, 2018), after = read({{1, 1}}, 2019);
  for (const int d : {362, 363, 364})
    EXPECT_NEAR(at(before, static_cast<size_t>(d)), static_cast<double>(day(2018, 1, 1)) + d, 2e-3)
        << d;
  for (const int d : {0, 1, 2})
    EXPECT_NEAR(at(after, static_cast<size_t>(d)), static_cast<double>(day(2019, 1, 1)) + d, 2e-3)
        << d;
}

TEST_F(IngestClimateTest, TheEndOfTheRecordIsHeld) {
  const int64_t last = day(2020, 12, 31);
  variable("v", day(2020, 1, 1), last, by_day());
  term("RADN", Kind::variable, {0});
  sources_->climate.bridged_days = {last};
  EXPECT_NEAR(at(read({{1, 1}}, 2020), 365), static_cast<double>(last - 1), 2e-3);
}

TEST_F(IngestClimateTest, AVariableThatHasTheDayKeepsItsOwnValue) {
  const int64_t leap = day(2020, 2, 29);
  variable("rain", day(2020, 1, 1), day(2021, 1, 1),
           [&](int64_t d, int, int) { return d == leap ? 50.0 : 0.0; });
  variable("radiation", day(2020, 1, 1), day(2021, 1, 1), by_day(), {leap});
  term("PRECN", Kind::variable, {0});
  term("RADN", Kind::variable, {1});
  sources_->climate.bridged_days = {leap};
  const ClimateTile tile = read({{1, 1}}, 2020);
  EXPECT_NEAR(at(tile, 59, 0), 50, 1e-5);
  EXPECT_NEAR(at(tile, 59, 1), static_cast<double>(leap), 2e-3);
}

TEST_F(IngestClimateTest, LaterFilesWinWhereTheyOverlap) {
  variable("v", day(2018, 1, 1), day(2019, 1, 1), [](int64_t, int, int) { return 1.0; });
  std::vector<int64_t> days;
  for (int64_t d = day(2018, 6, 1); d < day(2018, 7, 1); ++d) days.push_back(d);
  const std::string path = write("later.nc", days, [](int64_t, int, int) { return 2.0; });
  sources_->climate.variables[0].runs.push_back({path, "v", days.front(), 30, 0});
  term("RADN", Kind::variable, {0});
  const ClimateTile tile = read({{1, 1}});
  EXPECT_EQ(at(tile, 150), 1);
  EXPECT_EQ(at(tile, 151), 2);
  EXPECT_EQ(at(tile, 180), 2);
  EXPECT_EQ(at(tile, 181), 1);
}

TEST_F(IngestClimateTest, ClimateCellsWithoutValuesDropOutAndTheRestIsRenormalised) {
  variable("v", day(2018, 1, 1), day(2019, 1, 1),
           [](int64_t, int r, int c) { return r == 0 && c == 0 ? kNan : 10.0 * r + c; });
  term("RADN", Kind::variable, {0});
  const ClimateTile tile = read({{1, 1}, {5, 5}});
  const double a = 0.375 * 0.625, b = 0.625 * 0.375, c = 0.375 * 0.375;
  EXPECT_NEAR(at(tile, 7), (a * 1 + b * 10 + c * 11) / (a + b + c), 1e-5);
  float sum = 0;
  for (auto k = tile.weights->offset[0]; k < tile.weights->offset[1]; ++k)
    sum += tile.weights->weight[static_cast<size_t>(k)];
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(tile.weights->offset[1] - tile.weights->offset[0], 3);
}

TEST_F(IngestClimateTest, CellsWithoutAnyClimateHaveEmptyRows) {
  variable("v", day(2018, 1, 1), day(2019, 1, 1),
           [](int64_t, int, int c) { return c < 2 ? kNan : 5.0; });
  term("RADN", Kind::variable, {0});
  const ClimateTile tile = read({{1, 1}, {6, 1}, {400, 0}});
  EXPECT_EQ(tile.weights->offset[0], tile.weights->offset[1]);
  EXPECT_LT(tile.weights->offset[1], tile.weights->offset[2]);
  EXPECT_EQ(tile.weights->offset[2], tile.weights->offset[3]);
  const ClimateTile outside = read({{400, 0}, {401, 0}});
  EXPECT_EQ(outside.block->cells, 0U);
  EXPECT_EQ(outside.weights->offset, (std::vector<int64_t>{0, 0, 0}));
}

TEST_F(IngestClimateTest, ACellDoesNotKnowItsTile) {
  width_ = height_ = 6;
  variable("v", day(2018, 1, 1), day(2019, 1, 1), [](int64_t d, int r, int c) {
    return r == 2 && c == 3 ? kNan : std::sin(static_cast<double>(d)) * 7 + 10.0 * r + c * c;
  });
  term("RADN", Kind::variable, {0});
  const auto all = cells(20, 20);
  const ClimateTile whole = read(all);
  for (size_t i = 0; i < all.size(); i += 23) {
    const ClimateTile alone = read({all[i]});
    for (const size_t d : {0, 100, 364}) {
      const double a = at(whole, d, 0, i), b = at(alone, d);
      EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0) << i << " day " << d;
    }
  }
}

TEST_F(IngestClimateTest, PackingOfTheConfigurationReplacesTheFiles) {
  variable("v", day(2018, 1, 1), day(2019, 1, 1), [](int64_t, int r, int) { return r; });
  term("RADN", Kind::variable, {0});
  sources_->climate.packing.scale = 0.1;
  sources_->climate.packing.offset = 7;
  sources_->climate.packing.nodata = 1.0;  // the second row
  EXPECT_NEAR(at(read({{1, 1}}), 5), 7, 1e-6);
}

TEST_F(IngestClimateTest, AYearThatIsCutReadsItsDaysAlone) {
  variable("v", day(2018, 1, 1), day(2018, 3, 1), by_day());
  term("RADN", Kind::variable, {0});
  const ClimateTile tile = read({{1, 1}}, 2018, 59);
  EXPECT_EQ(tile.block->days, 59U);
  EXPECT_NEAR(at(tile, 58), static_cast<double>(day(2018, 2, 28)), 2e-3);
}

}  // namespace
}  // namespace fluxtile
