// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/truth.h"

#include <tbb/parallel_for.h>

#include <algorithm>

#include "geo/calendar.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/true_model.h"
#include "pipeline/world/true_parameters.h"

namespace fluxtile::world {
namespace {

// Cells that delta-carbon steps through together.
constexpr size_t kLanes = 64;

int first_simulated_year(const WorldConfig& config) {
  return first_settling_year(config.begin_year());
}

std::vector<Weather::Day> days_of(const Weather& weather, int year) {
  std::vector<Weather::Day> days;
  const int64_t first = to_days({year, 1, 1});
  for (int d = 0; d < days_in_year(year); ++d) days.push_back(weather.day(first + d, d));
  return days;
}

/// Adds the days of a year's fluxes to the sums of cells [begin, end) of `cells`.
void add_year(const delta_carbon::Fluxes& fluxes, const delta_carbon::Forcing& forcing, int year,
              size_t begin, size_t cells, std::vector<double>& sums) {
  const std::array<const std::vector<float>*, TruthYear::variables.size()> daily = {
      &fluxes.ra, &fluxes.rh, &fluxes.reco, &fluxes.nee, &forcing.gpp, &fluxes.yield};
  for (size_t d = 0; d < forcing.days; ++d) {
    const auto month = static_cast<size_t>(from_day_of_year(year, static_cast<int>(d)).month - 1);
    for (size_t v = 0; v < daily.size(); ++v) {
      double* sum = sums.data() + (v * 12 + month) * cells + begin;
      const float* value = daily[v]->data() + d * forcing.pixels;
      for (size_t i = 0; i < forcing.pixels; ++i) sum[i] += double{value[i]};
    }
  }
}

}  // namespace

std::string region_with_parameters_of(const std::string& region) {
  if (region == "North") return "Iowa";
  if (region == "East") return "Illinois";
  if (region == "South") return "Indiana";
  return region;
}

Lattice model_lattice(const WorldConfig& config) { return {"EPSG:5070", config.resolution, 0, 0}; }

TruthForcing::TruthForcing(const World& world, std::string region,
                           const std::vector<CellIndex>& cells)
    : world_(world), region_(std::move(region)) {
  const Lattice lattice = model_lattice(world.config);
  const CropOfCells crops(world, lattice, cells);
  std::map<int, std::vector<std::optional<Site>>> sites;
  for (int year = first_simulated_year(world.config); year < world.config.end_year(); ++year)
    sites[year] = crops.in(year);
  for (size_t i = 0; i < cells.size(); ++i) {
    const Point centre = lattice.centre(cells[i]);
    const bool cropped = std::all_of(sites.begin(), sites.end(),
                                     [i](const auto& year) { return year.second[i].has_value(); });
    if (!cropped || world.landscape.without_soil(centre.x, centre.y)) continue;
    cells_.push_back(cells[i]);
    centres_.push_back(centre);
    Point place = centre;
    world.geographic_to_grid.inverse(&place.x, &place.y, 1);
    geographic_.push_back(place);
    for (const auto& [year, all] : sites) sites_[year].push_back(*all[i]);
  }
}

delta_carbon::ParameterSet TruthForcing::parameters(size_t begin, size_t end) const {
  std::vector<ParameterPlace> places;
  for (size_t i = begin; i < end; ++i) {
    places.push_back({region_with_parameters_of(region_),
                      climate_at(geographic_[i].x, geographic_[i].y),
                      world_.soil.at(centres_[i].x, centres_[i].y)});
  }
  return parameter_set(TrueParameters(world_.random, world_.config.heterogeneity), places);
}

delta_carbon::SoilColumn TruthForcing::soil(size_t begin, size_t end) const {
  std::vector<SoilProperties> soils;
  std::vector<double> latitudes;
  for (size_t i = begin; i < end; ++i) {
    soils.push_back(world_.soil.at(centres_[i].x, centres_[i].y));
    latitudes.push_back(geographic_[i].y);
  }
  return soil_column(soils, latitudes);
}

delta_carbon::Forcing TruthForcing::year(int year, const std::vector<Weather::Day>& days,
                                         size_t begin, size_t end) const {
  delta_carbon::Forcing forcing;
  const size_t n = end - begin;
  forcing.days = days.size();
  forcing.pixels = n;
  for (auto* series :
       {&forcing.tmax, &forcing.tmin, &forcing.radiation, &forcing.rain, &forcing.gpp})
    series->resize(forcing.days * n);
  const std::vector<Site>& sites = sites_.at(year);
  for (size_t i = 0; i < n; ++i) {
    const Point place = geographic_[begin + i], centre = centres_[begin + i];
    const Weather::Place at = world_.weather.place(place.x, place.y);
    std::vector<GrowingDay> growing;
    growing.reserve(days.size());
    for (size_t d = 0; d < days.size(); ++d) {
      const DayWeather weather = world_.weather.at(at, days[d]);
      forcing.tmax[d * n + i] = static_cast<float>(weather.tmax - 273.15);
      forcing.tmin[d * n + i] = static_cast<float>(weather.tmin - 273.15);
      forcing.radiation[d * n + i] = static_cast<float>(weather.radiation * 0.0864);
      forcing.rain[d * n + i] = static_cast<float>(weather.rain);
      growing.push_back(growing_day(weather));
    }
    const Site& site = sites[begin + i];
    const std::vector<float> daily =
        gpp_of_year(site, growing_climate(at.climate),
                    available_water(world_.soil.at(centre.x, centre.y)), growing);
    for (size_t d = 0; d < days.size(); ++d) forcing.gpp[d * n + i] = daily[d];
    forcing.crop.push_back(static_cast<float>(site.code));
  }
  return forcing;
}

TruthWeather truth_weather(const World& world) {
  const int first = first_simulated_year(world.config);
  const auto years = static_cast<size_t>(world.config.end_year() - first);
  std::vector<std::vector<Weather::Day>> days(years);
  tbb::parallel_for(size_t{0}, years, [&](size_t y) {
    days[y] = days_of(world.weather, first + static_cast<int>(y));
  });
  TruthWeather weather;
  for (size_t y = 0; y < years; ++y) weather[first + static_cast<int>(y)] = std::move(days[y]);
  return weather;
}

Truth simulate_truth(const World& world, const TruthWeather& weather, const std::string& region,
                     const std::vector<CellIndex>& cells) {
  const WorldConfig& config = world.config;
  const TruthForcing cell_forcing(world, region, cells);
  Truth truth;
  truth.cells = cell_forcing.cells();
  const size_t n = truth.cells.size();
  for (int year = config.first_year; year < config.end_year(); ++year)
    truth.years[year].sums.assign(TruthYear::variables.size() * 12 * n, 0.0);

  const auto simulate = [&](size_t chunk) {
    const size_t begin = chunk * kLanes, end = std::min(n, begin + kLanes);
    const auto parameters = cell_forcing.parameters(begin, end);
    const auto soil = cell_forcing.soil(begin, end);
    std::vector<delta_carbon::Forcing> settling;
    int year = first_simulated_year(config);
    for (; year < config.begin_year(); ++year)
      settling.push_back(cell_forcing.year(year, weather.at(year), begin, end));
    const TrueModel model{config.heterogeneity, parameters, soil};
    delta_carbon::State state = model.settled(settling);
    for (; year < config.end_year(); ++year) {
      const auto forcing = cell_forcing.year(year, weather.at(year), begin, end);
      const delta_carbon::Fluxes fluxes = model.run(forcing, state);
      if (year < config.first_year) continue;
      add_year(fluxes, forcing, year, begin, n, truth.years.at(year).sums);
    }
  };
  tbb::parallel_for(size_t{0}, (n + kLanes - 1) / kLanes, simulate);
  return truth;
}

}  // namespace fluxtile::world
