// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "model/delta_carbon.h"
#include "pipeline/world/crop_map.h"

namespace fluxtile::world {

/// The model grid that run.yaml names.
Lattice model_lattice(const WorldConfig& config);

/// The region whose true parameters a region has: in the square world North has Iowa's, East
/// Illinois', South Indiana's; the states have their own.
std::string region_with_parameters_of(const std::string& region);

/// Days of weather by calendar year, from first_settling_year() to the world's end.
using TruthWeather = std::map<int, std::vector<Weather::Day>>;
TruthWeather truth_weather(const World& world);

/// Cells of the model grid with what delta-carbon needs to know of them, year after year.
class TruthForcing {
 public:
  /// `cells` of one region, which names their true parameters.
  TruthForcing(const World& world, std::string region, const std::vector<CellIndex>& cells);

  /// Cells that have a truth: corn or soybeans in every year that is simulated, and soil.
  [[nodiscard]] const std::vector<CellIndex>& cells() const { return cells_; }
  /// The cells [begin, end): parameters, soil.
  [[nodiscard]] delta_carbon::ParameterSet parameters(size_t begin, size_t end) const;
  [[nodiscard]] delta_carbon::SoilColumn soil(size_t begin, size_t end) const;
  /// Weather, GPP and crop of a calendar year. `days`: the weather's days of that year.
  [[nodiscard]] delta_carbon::Forcing year(int year, const std::vector<Weather::Day>& days,
                                           size_t begin, size_t end) const;

 private:
  const World& world_;
  std::string region_;
  std::vector<CellIndex> cells_;
  std::vector<Point> centres_, geographic_;
  std::map<int, std::vector<Site>> sites_;  // by year
};

/// True fluxes of the cells of a region: sums over calendar months.
struct TruthYear {
  static constexpr std::array<const char*, 6> variables = {"ra",  "rh",  "reco",
                                                           "nee", "gpp", "yield"};
  /// [variable][month][cell], gC m-2, formed in double; positive = release, NEE negative = uptake.
  std::vector<double> sums;
};
struct Truth {
  std::vector<CellIndex> cells;
  std::map<int, TruthYear> years;
};

/// Runs delta-carbon with the true parameters on every cell of `cells` that has a truth, over the
/// years that run.yaml maps. Pools have settled since first_settling_year() of the world's inputs;
/// the years of spin-up follow. A cell's truth depends on description and place
/// alone, not on other cells, threads or `years`. Uses all cores.
Truth simulate_truth(const World& world, const TruthWeather& weather, const std::string& region,
                     const std::vector<CellIndex>& cells);

}  // namespace fluxtile::world
