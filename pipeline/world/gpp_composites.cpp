// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/gpp_composites.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "geo/calendar.h"
#include "pipeline/world/geotiff.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/satellite_gpp.h"
#include "pipeline/world/states.h"

namespace fluxtile::world {
namespace {

constexpr double kCell = 463.312716528, kWest = -20015109.354, kNorth = 10007554.677;
constexpr int kSide = 3;  // points a side in a cell
constexpr int16_t kNodata = -9999;
constexpr double kMetresPerDegree = 111200, kCosineOfMidwest = 0.76;
constexpr int kClearBefore = 60, kClearAfter = 330;  // 0-based days without invented gaps

Placement placement_for(const World& world, const Transform& to_modis) {
  Box b{1e30, 1e30, -1e30, -1e30};
  constexpr int steps = 20;
  for (int i = 0; i <= steps; ++i) {
    for (int j = 0; j <= steps; ++j) {
      double x = world.box.x0 + (world.box.x1 - world.box.x0) * i / steps;
      double y = world.box.y0 + (world.box.y1 - world.box.y0) * j / steps;
      to_modis.forward(&x, &y, 1);
      b = {std::min(b.x0, x), std::min(b.y0, y), std::max(b.x1, x), std::max(b.y1, y)};
    }
  }
  Placement p;
  p.crs = kModisSinusoidal;
  p.cell = kCell * world.config.gpp_multiple;
  p.x0 = kWest + (std::floor((b.x0 - kWest) / p.cell) - 2) * p.cell;
  p.y0 = kNorth - (std::floor((kNorth - b.y1) / p.cell) - 2) * p.cell;
  p.width = static_cast<int>(std::ceil((b.x1 - p.x0) / kCell)) + 2;
  p.height = static_cast<int>(std::ceil((p.y0 - b.y0) / kCell)) + 2;
  return p;
}

struct Points {
  std::vector<double> x, y;  // EPSG:5070, kSide^2 points a cell
};

Points points_of(const Placement& p, const Transform& to_modis) {
  Points points;
  for (int row = 0; row < p.height; ++row) {
    for (int column = 0; column < p.width; ++column) {
      for (int k = 0; k < kSide * kSide; ++k) {
        points.x.push_back(p.x0 + (column + (k % kSide + 0.5) / kSide) * p.cell);
        points.y.push_back(p.y0 - (row + (k / kSide + 0.5) / kSide) * p.cell);
      }
    }
  }
  to_modis.inverse(points.x.data(), points.y.data(), points.x.size());
  return points;
}

// Blanks the cloudiest cells of a composite.
void add_gaps(const World& world, const Placement& p, int64_t composite,
              std::vector<int16_t>& raster) {
  const double u = world.random.uniform(Subject::cloud_cover, composite);
  const double share = std::min(0.97, world.config.gaps * 3 * u * u);  // mean of 3 u^2 is 1
  const auto hidden = static_cast<size_t>(share * static_cast<double>(raster.size()));
  if (hidden == 0) return;
  const Noise clouds(world.random, Subject::cloud_pattern, 5000.0 * world.config.gpp_multiple);
  std::vector<double> cover;
  for (int row = 0; row < p.height; ++row) {
    for (int column = 0; column < p.width; ++column)
      cover.push_back(clouds.at(column * p.cell, row * p.cell, composite));
  }
  std::vector<double> sorted = cover;
  const auto limit = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() - hidden);
  std::nth_element(sorted.begin(), limit, sorted.end());
  for (size_t i = 0; i < raster.size(); ++i) {
    if (cover[i] >= *limit) raster[i] = kNodata;
  }
}

// Cells that are drawn: in a world of states those within three cells of one, elsewhere all.
std::vector<char> drawn_cells(const World& world, const Points& points) {
  constexpr size_t per_cell = kSide * kSide;
  std::vector<char> drawn(points.x.size() / per_cell, 1);
  if (world.config.geography == Geography::square) return drawn;
  const double north = 3 * kCell * world.config.gpp_multiple / kMetresPerDegree;
  const double east = north / kCosineOfMidwest;
  tbb::parallel_for(size_t{0}, drawn.size(), [&](size_t cell) {
    const size_t middle = cell * per_cell + per_cell / 2;
    double longitude = points.x[middle], latitude = points.y[middle];
    world.geographic_to_grid.inverse(&longitude, &latitude, 1);
    const auto in_state = [&](int i, int j) {
      return !state_at(longitude + i * east, latitude + j * north).empty();
    };
    bool near = in_state(0, 0);
    for (int k = 0; k < 9 && !near; ++k) near = in_state(k % 3 - 1, k / 3 - 1);
    drawn[cell] = near ? 1 : 0;
  });
  return drawn;
}

// Mean GPP of the drawn cells in each composite of a year, [composite][cell]. The points of a cell
// share the weather of its middle.
std::vector<float> composite_means(const World& world, const Points& points,
                                   const std::vector<char>& drawn, int year) {
  constexpr size_t per_cell = kSide * kSide;
  const size_t cells = points.x.size() / per_cell;
  const int64_t first = to_days({year, 1, 1});
  std::vector<Weather::Day> days;
  for (int d = 0; d < days_in_year(year); ++d) days.push_back(world.weather.day(first + d, d));
  std::vector<float> means(kCompositesPerYear * cells);
  tbb::parallel_for(size_t{0}, cells, [&](size_t cell) {
    if (drawn[cell] == 0) return;
    std::vector<GrowingDay> growing(days.size());
    const size_t middle = cell * per_cell + per_cell / 2;
    double longitude = points.x[middle], latitude = points.y[middle];
    world.geographic_to_grid.inverse(&longitude, &latitude, 1);
    const Weather::Place place = world.weather.place(longitude, latitude);
    const GrowingClimate climate = growing_climate(place.climate);
    for (size_t d = 0; d < days.size(); ++d)
      growing[d] = growing_day(world.weather.at(place, days[d]));
    std::array<double, kCompositesPerYear> sum{};
    for (size_t i = cell * per_cell; i < (cell + 1) * per_cell; ++i) {
      const std::vector<float> gpp =
          gpp_of_year(world.landscape.at(points.x[i], points.y[i], year), climate,
                      available_water(world.soil.at(points.x[i], points.y[i])), growing);
      for (size_t d = 0; d < gpp.size(); ++d) sum[d / kCompositeDays] += double{gpp[d]};
    }
    for (size_t c = 0; c < sum.size(); ++c) {
      const size_t length = std::min<size_t>(kCompositeDays, days.size() - c * kCompositeDays);
      means[c * cells + cell] = static_cast<float>(sum[c] / static_cast<double>(per_cell * length));
    }
  });
  return means;
}

}  // namespace

void write_gpp_composites(const World& world, const std::string& folder) {
  const Transform to_modis(
      choose_operation(Crs::from_user_input("EPSG:5070"), Crs::from_user_input(kModisSinusoidal)));
  const Placement placement = placement_for(world, to_modis);
  const Points points = points_of(placement, to_modis);
  const size_t per_cell = kSide * kSide, cells = points.x.size() / per_cell;
  const std::vector<char> drawn = drawn_cells(world, points);
  const Noise smooth(world.random, Subject::composite, 8000);
  const SatelliteGpp seen(world.random);
  const bool satellite = world.config.gpp_error == GppError::satellite ||
                         world.config.heterogeneity == Heterogeneity::other_structure;

  GeoTiffOptions options;
  options.nodata = kNodata;
  options.scale = 0.01;
  options.unit = "gC m-2 d-1";
  for (int year = world.config.begin_year(); year < world.config.end_year(); ++year) {
    const std::vector<float> means = composite_means(world, points, drawn, year);
    for (size_t c = 0; c < kCompositesPerYear; ++c) {
      const int first_day = static_cast<int>(c) * kCompositeDays;
      const int64_t composite = int64_t{year} * kCompositesPerYear + static_cast<int64_t>(c);
      std::vector<int16_t> raster(cells, kNodata);
      tbb::parallel_for(size_t{0}, cells, [&](size_t cell) {
        if (drawn[cell] == 0) return;
        const size_t middle = cell * per_cell + per_cell / 2;
        const double x = points.x[middle], y = points.y[middle];
        const double mean = double{means[c * cells + cell]};
        const double shown = satellite
                                 ? double{seen.observed(mean, x, y, year, static_cast<int>(c))}
                                 : mean * (1 + 0.05 * smooth.at(x, y, composite));
        if (!std::isnan(shown))
          raster[cell] = static_cast<int16_t>(std::lround(shown / *options.scale));
      });
      if (!satellite && first_day >= kClearBefore && first_day < kClearAfter)
        add_gaps(world, placement, composite, raster);
      const Date date = from_day_of_year(year, first_day);
      options.tags = {{"SOURCE", "synthetic, not observations"},
                      {"TIFFTAG_DATETIME",
                       fmt::format("{}:{:02}:{:02} 00:00:00", date.year, date.month, date.day)}};
      write_geotiff(fmt::format("{}/gpp_{}{:03}.tif", folder, year, first_day + 1), placement,
                    raster, options);
    }
  }
}

}  // namespace fluxtile::world
