// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/sample_cells.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "geo/calendar.h"
#include "pipeline/world/climate_inputs.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/satellite_gpp.h"

namespace fluxtile::world {
namespace {

constexpr int64_t kMostTries = 200000;

bool stays_cropland(const World& world, Point p) {
  for (int year = world.config.begin_year(); year < world.config.end_year(); ++year) {
    const int code = world.landscape.at(p.x, p.y, year).code;
    if (code != corn && code != soybeans) return false;
  }
  return true;
}

std::vector<Point> choose_points(const World& world, size_t count) {
  std::vector<Point> points;
  size_t corn_cells = 0;
  for (int64_t i = 0; points.size() < count; ++i) {
    if (i == kMostTries)
      throw Error(Code::data, "the synthetic world has too little cropland to fit its models on")
          .hint("choose a larger size_km, fewer model.sample_cells or another seed");
    const Box& box = world.box;
    const Point p = {
        box.x0 + (box.x1 - box.x0) * world.random.uniform(Subject::sample_cells, i, 0),
        box.y0 + (box.y1 - box.y0) * world.random.uniform(Subject::sample_cells, i, 1)};
    if (!stays_cropland(world, p)) continue;
    const bool is_corn = world.landscape.at(p.x, p.y, world.config.begin_year()).code == corn;
    if (is_corn ? corn_cells == count / 2 : points.size() - corn_cells == count - count / 2)
      continue;
    corn_cells += is_corn ? 1 : 0;
    points.push_back(p);
  }
  return points;
}

}  // namespace

SampleCells sample_cells(const World& world, size_t count) {
  const WorldConfig& config = world.config;
  const size_t cells = (count + 7) / 8 * 8;
  const std::vector<Point> points = choose_points(world, cells);
  SampleCells sample;
  size_t days = 0;
  for (int year = config.begin_year(); year < config.end_year(); ++year) {
    sample.year_begin.push_back(days);
    days += static_cast<size_t>(days_in_year(year));
  }
  sample.year_begin.push_back(days);
  sample.inputs = Sequence(days, 19, cells);
  sample.temperature = Sequence(days, 1, cells);

  std::vector<Weather::Place> places;
  std::vector<SoilProperties> soils;
  for (const Point& p : points) {
    double longitude = p.x, latitude = p.y;
    world.geographic_to_grid.inverse(&longitude, &latitude, 1);
    places.push_back(world.weather.place(longitude, latitude));
    soils.push_back(world.soil.at(p.x, p.y));
  }
  size_t day = 0;
  for (int year = config.begin_year(); year < config.end_year(); ++year) {
    const size_t begin = day;
    const int64_t first = to_days({year, 1, 1});
    std::vector<std::vector<GrowingDay>> growing(cells);
    std::vector<Site> sites;
    for (const Point& p : points) sites.push_back(world.landscape.at(p.x, p.y, year));
    for (int d = 0; d < days_in_year(year); ++d, ++day) {
      const Weather::Day today = world.weather.day(first + d, d);
      for (size_t c = 0; c < cells; ++c) {
        const DayWeather weather = world.weather.at(places[c], today);
        const std::array<double, 7> climate = climate_inputs(weather);
        growing[c].push_back(growing_day(weather));
        for (size_t i = 0; i < 7; ++i) sample.inputs.at(day, i)[c] = climate[i];
        sample.inputs.at(day, 7)[c] = sites[c].code;
        sample.inputs.at(day, 9)[c] = year;
        for (size_t i = 0; i < 9; ++i) sample.inputs.at(day, 10 + i)[c] = soils[c][i];
        sample.temperature.at(day)[c] = climate[1] - climate[2] / 2;
      }
    }
    for (size_t c = 0; c < cells; ++c) {
      const std::vector<double> gpp = composite_means(gpp_of_year(
          sites[c], growing_climate(places[c].climate), available_water(soils[c]), growing[c]));
      for (size_t d = 0; begin + d < day; ++d)
        sample.inputs.at(begin + d, 8)[c] = gpp[d / kCompositeDays];
    }
  }
  return sample;
}

}  // namespace fluxtile::world
