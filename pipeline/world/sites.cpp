// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/sites.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/nearest_name.h"
#include "geo/calendar.h"
#include "geo/crs.h"
#include "geo/lattice.h"
#include "model/delta_carbon.h"
#include "model/kgml_ag_c.h"
#include "pipeline/world/climate_inputs.h"
#include "pipeline/world/gpp.h"
#include "pipeline/world/satellite_gpp.h"
#include "pipeline/world/true_model.h"
#include "pipeline/world/true_parameters.h"

namespace fluxtile::world {
namespace {

constexpr double kStep = 1609.344;  // metres between the fields that are tried for cropland
constexpr size_t kInputs = kgml_ag_c::feature_count;
constexpr std::array<const char*, kInputs> kUnits = {
    "MJ m-2 d-1", "degC",       "degC",    "kPa",    "kPa",      "km d-1", "mm d-1",
    "1",          "gC m-2 d-1", "1",       "Mg m-3", "g kg-1",   "g kg-1", "m3 m-3",
    "m3 m-3",     "mm h-1",     "gC kg-1", "1",      "cmol kg-1"};

const std::vector<std::pair<std::string, Heterogeneity>>& kinds() {
  static const std::vector<std::pair<std::string, Heterogeneity>> all = {
      {"none", Heterogeneity::none},
      {"explained", Heterogeneity::explained},
      {"small_jump", Heterogeneity::small_jump},
      {"large_jump", Heterogeneity::large_jump},
      {"other_structure", Heterogeneity::other_structure}};
  return all;
}

bool is_cropland(const Site& site) { return site.code == corn || site.code == soybeans; }

// The cropland nearest to a point, on rings of ever more fields about it.
Point nearest_cropland(const Fields& fields, Point point) {
  for (int ring = 0; ring < 40; ++ring) {
    for (int j = -ring; j <= ring; ++j) {
      for (int i = -ring; i <= ring; ++i) {
        if (std::max(std::abs(i), std::abs(j)) != ring) continue;
        const Point field = {point.x + i * kStep, point.y + j * kStep};
        // What is cropland in one year is so in all.
        if (is_cropland(fields.at(field.x, field.y, 2001))) return field;
      }
    }
  }
  throw Error(Code::internal, "no cropland within 60 km of a site");
}

// What all sites share.
struct Surroundings {
  Random random;
  Fields fields;
  Soil soil;
  TrueParameters parameters;
  SatelliteGpp satellite;
  Weather weather;
  std::vector<std::vector<Weather::Day>> days;  // by year, the years before the first included
};

GeographicBox box_of(const std::vector<SitePoint>& points) {
  GeographicBox box{180, 90, -180, -90};
  for (const SitePoint& p : points) {
    box = {std::min(box.west, p.longitude), std::min(box.south, p.latitude),
           std::max(box.east, p.longitude), std::max(box.north, p.latitude)};
  }
  return box;
}

std::vector<std::vector<Weather::Day>> days_of(const Weather& weather, int begin, int end) {
  std::vector<std::vector<Weather::Day>> years(static_cast<size_t>(end - begin));
  tbb::parallel_for(begin, end, [&](int year) {
    std::vector<Weather::Day>& days = years[static_cast<size_t>(year - begin)];
    const int64_t first = to_days({year, 1, 1});
    for (int d = 0; d < days_in_year(year); ++d) days.push_back(weather.day(first + d, d));
  });
  return years;
}

// One calendar year of a site.
struct YearOfSite {
  std::vector<std::array<double, 7>> climate;  // the first seven inputs, by day
  delta_carbon::Forcing forcing;               // of one pixel, true GPP
};

YearOfSite year_of(const Surroundings& world, const Weather::Place& place, Point field,
                   const SoilProperties& soil, const std::vector<Weather::Day>& days, int year) {
  YearOfSite result;
  delta_carbon::Forcing& forcing = result.forcing;
  forcing.days = days.size();
  forcing.pixels = 1;
  std::vector<GrowingDay> growing;
  growing.reserve(days.size());
  for (const Weather::Day& day : days) {
    const DayWeather weather = world.weather.at(place, day);
    growing.push_back(growing_day(weather));
    result.climate.push_back(climate_inputs(weather));
    forcing.tmax.push_back(static_cast<float>(weather.tmax - 273.15));
    forcing.tmin.push_back(static_cast<float>(weather.tmin - 273.15));
    forcing.radiation.push_back(static_cast<float>(result.climate.back()[0]));
    forcing.rain.push_back(static_cast<float>(weather.rain));
  }
  const Site site = world.fields.at(field.x, field.y, year);
  forcing.crop = {static_cast<float>(site.code)};
  forcing.gpp = gpp_of_year(site, growing_climate(place.climate), available_water(soil), growing);
  return result;
}

// Daily GPP as the satellite's product would give it, after filling.
std::vector<float> seen_by_satellite(const SatelliteGpp& satellite,
                                     const std::vector<YearOfSite>& years, Point field,
                                     int first_year) {
  std::vector<float> composites;
  std::vector<int> days;
  for (size_t y = 0; y < years.size(); ++y) {
    const std::vector<double> means = composite_means(years[y].forcing.gpp);
    for (size_t c = 0; c < means.size(); ++c)
      composites.push_back(satellite.observed(
          means[c], field.x, field.y, first_year + static_cast<int>(y), static_cast<int>(c)));
    days.push_back(static_cast<int>(years[y].forcing.days));
  }
  return fill_composites(composites, days);
}

void check(const SiteWorld& world) {
  if (world.points.empty())
    throw Error(Code::data, "a world without sites").found("0 sites").expected("at least one");
  if (world.years < 1 || world.years > 200)
    throw Error(Code::data, "an impossible number of years")
        .found(std::to_string(world.years))
        .expected("1 to 200");
  if (world.gpp != "truth" && world.gpp != "satellite")
    throw Error(Code::data, "unknown GPP for a synthetic world")
        .found(world.gpp)
        .expected("truth or satellite");
}

SiteYears empty_table(const SiteWorld& world, bool satellite) {
  SiteYears table;
  for (const SitePoint& p : world.points)
    table.sites.push_back({p.name, p.region, p.block, p.latitude, p.longitude, "synthetic"});
  for (int y = 0; y < world.years; ++y) table.years.push_back(world.first_year + y);
  for (size_t i = 0; i < kInputs; ++i) {
    const bool from_space = satellite && i == kgml_ag_c::gpp_feature;
    table.features.push_back(
        {kgml_ag_c::input_names()[i], kUnits[i], from_space ? "synthetic satellite" : "synthetic"});
  }
  const size_t site_years = table.sites.size() * table.years.size();
  table.inputs.resize(site_years * SiteYears::days * kInputs);
  for (const char* variable : {"Ra", "Rh", "Reco", "NEE", "GPP"})
    table.daily[variable].resize(site_years * SiteYears::days);
  table.annual["Yield"].resize(site_years);
  table.synthetic = true;
  table.origin =
      fmt::format("synthetic world, seed {}, parameters {}, GPP {}, {} sites, {}-{}", world.seed,
                  to_text(world.heterogeneity), satellite ? "satellite" : "truth",
                  world.points.size(), world.first_year, world.first_year + world.years - 1);
  return table;
}

// Runs one site and fills its part of the table.
void simulate_site(const SiteWorld& world, const Surroundings& around, bool satellite, size_t site,
                   Point point, SiteYears& table) {
  const SitePoint& where = world.points[site];
  const Point field = nearest_cropland(around.fields, point);
  const SoilProperties soil = around.soil.at(field.x, field.y);
  const Weather::Place place = around.weather.place(where.longitude, where.latitude);
  const int first = first_settling_year(world.first_year);
  std::vector<YearOfSite> years;
  for (size_t y = 0; y < around.days.size(); ++y)
    years.push_back(
        year_of(around, place, field, soil, around.days[y], first + static_cast<int>(y)));

  const delta_carbon::ParameterSet parameters =
      parameter_set(around.parameters, {{where.region, place.climate, soil}});
  const delta_carbon::SoilColumn column = soil_column({soil}, {where.latitude});
  const TrueModel model{world.heterogeneity, parameters, column};
  const int before = world.first_year - first;
  std::vector<delta_carbon::Forcing> settling;
  for (int y = 0; y < before; ++y) settling.push_back(years[static_cast<size_t>(y)].forcing);
  delta_carbon::State state = model.settled(settling);
  years.erase(years.begin(), years.begin() + before);

  const std::vector<float> seen =
      satellite ? seen_by_satellite(around.satellite, years, field, world.first_year)
                : std::vector<float>{};
  size_t first_day = 0;  // of the year, in `seen`
  for (size_t y = 0; y < years.size(); ++y) {
    const delta_carbon::Forcing& forcing = years[y].forcing;
    const delta_carbon::Fluxes fluxes = model.run(forcing, state);
    const size_t site_year = table.site_year(site, y), at = site_year * SiteYears::days;
    const std::array<std::pair<const char*, const std::vector<float>*>, 5> daily = {
        {{"Ra", &fluxes.ra},
         {"Rh", &fluxes.rh},
         {"Reco", &fluxes.reco},
         {"NEE", &fluxes.nee},
         {"GPP", &forcing.gpp}}};
    for (const auto& [name, values] : daily)
      std::copy_n(values->begin(), SiteYears::days,
                  table.daily.at(name).begin() + static_cast<std::ptrdiff_t>(at));
    double yield = 0;
    for (const float grain : fluxes.yield) yield += double{grain};
    table.annual.at("Yield")[site_year] = static_cast<float>(yield);
    float* row = table.inputs.data() + at * kInputs;
    for (size_t d = 0; d < SiteYears::days; ++d, row += kInputs) {
      for (size_t i = 0; i < 7; ++i) row[i] = static_cast<float>(years[y].climate[d][i]);
      row[kgml_ag_c::crop_feature] = forcing.crop[0];
      row[kgml_ag_c::gpp_feature] = satellite ? seen[first_day + d] : forcing.gpp[d];
      row[kgml_ag_c::year_feature] = static_cast<float>(table.years[y]);
      for (size_t i = 0; i < soil.size(); ++i) row[10 + i] = static_cast<float>(soil[i]);
    }
    first_day += forcing.days;
  }
}

}  // namespace

Heterogeneity parse_heterogeneity(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kinds()) {
    if (name == text) return kind;
    names.push_back(name);
  }
  throw Error(Code::data, "unknown kind of heterogeneity")
      .found(text)
      .expected("none, explained, small_jump, large_jump or other_structure")
      .hint(suggestion(text, names));
}

std::string to_text(Heterogeneity kind) {
  for (const auto& [name, each] : kinds()) {
    if (each == kind) return name;
  }
  throw Error(Code::internal, "a kind of heterogeneity without a name");
}

SiteYears simulate_sites(const SiteWorld& world) {
  check(world);
  const Random random(world.seed);
  const bool satellite =
      world.gpp == "satellite" || world.heterogeneity == Heterogeneity::other_structure;
  Surroundings around{random,
                      Fields(random),
                      Soil(random),
                      TrueParameters(random, world.heterogeneity),
                      SatelliteGpp(random),
                      Weather(random, box_of(world.points)),
                      {}};
  around.days = days_of(around.weather, first_settling_year(world.first_year),
                        world.first_year + world.years);

  const Transform to_grid(
      choose_operation(Crs::from_user_input("EPSG:4269"), Crs::from_user_input("EPSG:5070")));
  std::vector<double> x, y;
  for (const SitePoint& p : world.points) {
    x.push_back(p.longitude);
    y.push_back(p.latitude);
  }
  to_grid.forward(x.data(), y.data(), x.size());

  SiteYears table = empty_table(world, satellite);
  tbb::parallel_for(size_t{0}, world.points.size(), [&](size_t site) {
    simulate_site(world, around, satellite, site, {x[site], y[site]}, table);
  });
  table.truth = table.daily;
  return table;
}

}  // namespace fluxtile::world
