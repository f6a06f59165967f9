// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"
#include "model/delta_carbon_equations.h"
#include "model/extraterrestrial.h"
#include "synthetic_field.h"

namespace fluxtile::delta_carbon {
namespace {

using testing::AllOf;
using testing::ElementsAreArray;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

using RunYear = Fluxes (*)(const ParameterSet&, const SoilColumn&, const Forcing&, State&);

double soil_mass(const SoilColumn& soil, size_t pixel) {
  return 300.0 * soil.soc[pixel] * soil.bulk_density[pixel];
}

double pools(const State& state, size_t pixel) {
  double sum = 0;
  for (const char* name :
       {"metabolic_litter", "structural_litter", "fast_soil_carbon", "slow_soil_carbon"}) {
    sum += state_value(state, name, pixel);
  }
  return sum;
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(DeltaCarbonParameters, HaveNameUnitAndTypicalValueInTheirRange) {
  std::set<std::string> names;
  for (const Parameter& each : parameters()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name << " twice";
    EXPECT_FALSE(each.unit.empty()) << each.name;
    EXPECT_FALSE(each.meaning.empty()) << each.name;
    EXPECT_LT(each.low, each.high) << each.name;
    EXPECT_THAT(each.typical, AllOf(Ge(each.low), Le(each.high))) << each.name;
  }
  EXPECT_EQ(names.size(), kParameters);
  for (const char* name :
       {"harvest_index", "grain_carbon", "root_shoot", "metabolic_litter", "residue_removal"}) {
    const Parameter& corn = parameters()[parameter(std::string("corn.") + name)];
    const Parameter& soybean = parameters()[parameter(std::string("soybean.") + name)];
    EXPECT_TRUE(corn.low != soybean.low || corn.high != soybean.high) << name;
  }
}

TEST(DeltaCarbonParameters, AMistypedNameGetsTheNearest) {
  EXPECT_EQ(parameters()[parameter("soil.slow_rate")].name, "soil.slow_rate");
  EXPECT_THAT(message_of([] { (void)parameter("corn.harvest_indx"); }),
              AllOf(HasSubstr("corn.harvest_indx"), HasSubstr("corn.harvest_index")));
}

// "2.5e-5 to 2e-4" or "95 to 150, 122", and so on: the numbers of a cell.
std::vector<double> numbers_in(const std::string& cells) {
  std::vector<double> found;
  const char* at = cells.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const double value = std::strtod(at, &end);
    if (end == at) {
      ++at;
    } else {
      found.push_back(value);
      at = end;
    }
  }
  return found;
}

TEST(DeltaCarbonParameters, ThePageListsThemAsTheyAre) {
  std::ifstream page(FLUXTILE_DELTA_CARBON_PAGE);
  ASSERT_TRUE(page.is_open());
  std::map<std::string, std::string> rows;  // by name, all after it
  for (std::string line; std::getline(page, line);) {
    const size_t end = line.rfind("| `", 0) == 0 ? line.find("` | ") : std::string::npos;
    if (end != std::string::npos) rows[line.substr(3, end - 3)] = line.substr(end + 4);
  }
  for (size_t i = 0; i < kPlotParameters + kCropParameters; ++i) {
    const Parameter& each = parameters()[i];
    const bool of_crop = i >= kPlotParameters;
    const std::string name = of_crop ? each.name.substr(each.name.find('.') + 1) : each.name;
    ASSERT_EQ(rows.count(name), 1U) << name;
    const std::string& row = rows[name];
    const size_t unit_end = row.find(" | "), meaning = row.rfind(" | ", row.size() - 3);
    EXPECT_EQ(row.substr(0, unit_end), each.unit) << name;
    EXPECT_EQ(row.substr(meaning + 3), each.meaning + " |") << name;
    std::vector<double> expected = {each.low, each.high, each.typical};
    if (of_crop) {
      const Parameter& soybean = parameters()[i + kCropParameters];
      expected.insert(expected.end(), {soybean.low, soybean.high, soybean.typical});
    }
    EXPECT_THAT(numbers_in(row.substr(unit_end, meaning - unit_end)), ElementsAreArray(expected))
        << name;
  }
}

// FAO-56, examples 8 and 20.
TEST(DeltaCarbonWeather, RadiationAndEvapotranspirationAgreeWithFao56) {
  EXPECT_NEAR(extraterrestrial_radiation(Parallel(-20), SolarDay(246)), 32.2, 0.05);
  EXPECT_EQ(extraterrestrial_radiation(Parallel(80), SolarDay(1)), 0);
  PlotDay<double> day{};
  day.tmax = 26.6;
  day.tmin = 14.8;
  day.extraterrestrial = 40.55;
  EXPECT_NEAR(hargreaves(day, 20.7), 5.0, 0.05);
}

TEST(DeltaCarbonSoil, TemperatureResponseIsOneAtTenDegreesAndWaterFallsOnBothSides) {
  PlotParameters<double> p =
      plot_parameters<double>([](size_t i) { return parameters()[i].typical; },
                              [](size_t i) { return parameters()[kPlotParameters + i].typical; });
  const PlotSoil<double> soil = plot_soil<double>(p, 1.3, 150, 600, 0.31, 0.16, 25);
  PlotState<double> s{};
  s.soil_temperature = 10;
  s.water = p.optimum_wetness * soil.saturation;
  EXPECT_NEAR(decomposition_modifier(p, soil, s), 1, 1e-12);
  s.soil_temperature = 20;  // Lloyd and Taylor: exp(308.56 (1/56.02 - 1/66.02))
  EXPECT_NEAR(decomposition_modifier(p, soil, s), 2.3032, 1e-4);
  s.soil_temperature = 10;
  s.water = 0;
  EXPECT_NEAR(decomposition_modifier(p, soil, s), p.dry_response, 1e-12);
  s.water = soil.saturation;
  EXPECT_NEAR(decomposition_modifier(p, soil, s), p.wet_response, 1e-12);
  s.soil_temperature = -60;  // beyond the pole
  EXPECT_THAT(decomposition_modifier(p, soil, s), AllOf(Ge(0.0), Le(0.01)));
}

TEST(DeltaCarbonSoil, ClayStabilisesCarbon) {
  PlotParameters<double> p =
      plot_parameters<double>([](size_t i) { return parameters()[i].typical; },
                              [](size_t i) { return parameters()[kPlotParameters + i].typical; });
  const double sandy = plot_soil<double>(p, 1.4, 900, 70, 0.15, 0.06, 100).stabilised;
  const double loam = plot_soil<double>(p, 1.3, 150, 600, 0.31, 0.16, 25).stabilised;
  const double clay = plot_soil<double>(p, 1.3, 150, 350, 0.38, 0.24, 4).stabilised;
  EXPECT_LT(sandy, loam);
  EXPECT_LT(loam, clay);
  EXPECT_NEAR(loam, p.stabilised_share, 1e-12);  // 25 % clay
}

class DeltaCarbonStructure : public testing::TestWithParam<RunYear> {};

// Any parameters in their ranges, both crops, soils from sand to clay, warm and cold.
TEST_P(DeltaCarbonStructure, CarbonAndWaterCloseAndNothingIsNegative) {
  constexpr size_t n = 240;
  const ParameterSet drawn = drawn_parameters(n, 5);
  SoilColumn soil = silt_loam(n);
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<float>(i % 12) / 11;
    soil.sand[i] = 900 - 880 * x;
    soil.silt[i] = 60 + 500 * x;
    soil.field_capacity[i] = 0.12F + 0.28F * x;
    soil.wilting_point[i] = 0.05F + 0.2F * x;
    soil.ksat[i] = 200 - 199 * x;
    soil.soc[i] = 2 + 90 * static_cast<float>(i % 7) / 6;
  }
  for (const float crop : {1.0F, 5.0F}) {
    Forcing year = synthetic_year(n, crop, 1500, 3, crop == 1.0F ? 0 : -5);
    // A cloudburst, a day of photosynthesis in winter, none in summer.
    for (size_t i = 0; i < n; ++i) {
      year.rain[150 * n + i] = 400;
      year.gpp[20 * n + i] = 30;
      year.gpp[200 * n + i] = 0;
    }
    State state = equilibrium(drawn, soil, year);
    for (int repeat = 0; repeat < 2; ++repeat) {
      const State before = state;
      const Fluxes flux = GetParam()(drawn, soil, year, state);
      for (size_t i = 0; i < n; ++i) {
        const double gpp = annual(year.gpp, n, i), rain = annual(year.rain, n, i);
        EXPECT_LT(flux.carbon_error[i], 1e-9);
        EXPECT_LT(flux.water_error[i], 1e-9);
        EXPECT_NEAR(gpp - annual(flux.ra, n, i) - annual(flux.rh, n, i) - annual(flux.yield, n, i) -
                        annual(flux.removed, n, i),
                    carbon_in(state, i) - carbon_in(before, i), 1e-6 * gpp);
        EXPECT_NEAR(rain - annual(flux.evapotranspiration, n, i) - annual(flux.drainage, n, i),
                    water_in(state, i) - water_in(before, i), 1e-6 * rain);
      }
      for (const std::vector<float>* series :
           {&flux.ra, &flux.rh, &flux.yield, &flux.removed, &flux.residue, &flux.soil_water,
            &flux.evapotranspiration, &flux.drainage, &flux.snow}) {
        EXPECT_GE(*std::min_element(series->begin(), series->end()), 0.0F);
      }
      for (size_t i = 0; i < state.values.size(); ++i) {
        const std::string& name = state_names()[i / n];
        ASSERT_TRUE(std::isfinite(state.values[i])) << name;
        if (name.find("temperature") == std::string::npos) {
          EXPECT_GE(state.values[i], 0) << name;
        }
      }
      for (size_t at = 0; at < flux.nee.size(); ++at) {
        ASSERT_NEAR(flux.reco[at], flux.ra[at] + flux.rh[at], 1e-4);
        ASSERT_NEAR(flux.nee[at], flux.reco[at] - year.gpp[at], 1e-4);
      }
    }
  }
}

// What a typical Midwest field does, in gC m-2 a year.
TEST_P(DeltaCarbonStructure, TypicalParametersGiveAMidwestField) {
  constexpr size_t n = 6;
  const ParameterSet typical = ParameterSet::typical(n);
  const SoilColumn soil = silt_loam(n);
  const std::vector<Forcing> rotation = {synthetic_year(n, 1, 1500, 11),
                                         synthetic_year(n, 5, 880, 12)};
  State state = equilibrium(typical, soil, rotation);
  const Fluxes corn = GetParam()(typical, soil, rotation[0], state);
  const Fluxes soybean = GetParam()(typical, soil, rotation[1], state);
  for (size_t i = 0; i < n; ++i) {
    const auto month = [&](const std::vector<float>& series, size_t first) {
      double sum = 0;
      for (size_t d = first; d < first + 31; ++d) sum += series[d * n + i] / 31;
      return sum;
    };
    EXPECT_THAT(annual(corn.reco, n, i), AllOf(Ge(900.0), Le(1300.0)));
    EXPECT_THAT(annual(corn.nee, n, i), AllOf(Ge(-800.0), Le(-130.0)));
    EXPECT_THAT(annual(corn.ra, n, i) / 1500, AllOf(Ge(0.4), Le(0.55)));
    EXPECT_THAT(annual(corn.rh, n, i), AllOf(Ge(300.0), Le(600.0)));
    EXPECT_THAT(annual(corn.yield, n, i), AllOf(Ge(320.0), Le(500.0)));
    EXPECT_THAT(month(corn.reco, 0), AllOf(Ge(0.2), Le(1.1)));
    EXPECT_THAT(month(corn.reco, 185), AllOf(Ge(8.0), Le(14.0)));
    EXPECT_THAT(annual(soybean.reco, n, i), AllOf(Ge(700.0), Le(1050.0)));
    EXPECT_THAT(annual(soybean.nee, n, i), AllOf(Ge(-120.0), Le(150.0)));
    EXPECT_THAT(annual(soybean.yield, n, i), AllOf(Ge(120.0), Le(200.0)));
    EXPECT_THAT(annual(corn.evapotranspiration, n, i), AllOf(Ge(400.0), Le(700.0)));
  }
}

TEST_P(DeltaCarbonStructure, PixelsDoNotSeeEachOther) {
  constexpr size_t n = 70;  // more than two blocks
  const ParameterSet drawn = drawn_parameters(n, 8);
  const SoilColumn soil = silt_loam(n);
  const Forcing year = synthetic_year(n, 5, 900, 4);
  State together = equilibrium(drawn, soil, year);
  const State start = together;
  const Fluxes all = GetParam()(drawn, soil, year, together);
  for (const size_t pixel : {size_t{0}, size_t{33}, n - 1}) {
    const Forcing own_year = one_pixel(year, pixel);
    State alone = equilibrium(one_pixel(drawn, pixel), one_pixel(soil, pixel), own_year);
    EXPECT_THAT(alone.values, ElementsAreArray(one_pixel(start, pixel).values));
    const Fluxes one = GetParam()(one_pixel(drawn, pixel), one_pixel(soil, pixel), own_year, alone);
    EXPECT_THAT(alone.values, ElementsAreArray(one_pixel(together, pixel).values));
    for (size_t d = 0; d < year.days; ++d) ASSERT_EQ(one.reco[d], all.reco[d * n + pixel]);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, DeltaCarbonStructure, testing::Values(&run, &run_other_structure),
                         [](const auto& each) {
                           return each.param == &run ? "DeltaCarbon" : "OtherStructure";
                         });

TEST(DeltaCarbonEquilibrium, PoolsMatchMeasuredCarbon) {
  constexpr size_t n = 3;
  SoilColumn soil = silt_loam(n);
  soil.soc = {17, 60, 0.8F};
  const Forcing year = synthetic_year(n, 1, 1500, 7);
  const State state = equilibrium(ParameterSet::typical(n), soil, year);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(pools(state, i), soil_mass(soil, i), 1e-9 * soil_mass(soil, i));
  }
  // Litter follows today's input, whatever the soil holds, except where there is no room for it.
  EXPECT_NEAR(state_value(state, "structural_litter", 0),
              state_value(state, "structural_litter", 1),
              0.2 * state_value(state, "structural_litter", 0));
  EXPECT_NEAR(state_value(state, "slow_soil_carbon", 2), 0.5 * soil_mass(soil, 2), 1e-9);
}

TEST(DeltaCarbonEquilibrium, StaysForAHundredYearsOrIsApproachedMonotonically) {
  constexpr size_t n = 3;
  const ParameterSet typical = ParameterSet::typical(n);
  SoilColumn soil = silt_loam(n);
  // The same weather on all three, so that only their carbon differs.
  const auto repeated = [](const Forcing& one) {
    Forcing all = synthetic_year(n, one.crop[0], 1, 1);
    for (size_t at = 0; at < all.tmax.size(); ++at) {
      all.tmax[at] = one.tmax[at / n];
      all.tmin[at] = one.tmin[at / n];
      all.rain[at] = one.rain[at / n];
      all.gpp[at] = one.gpp[at / n];
    }
    return all;
  };
  const std::vector<Forcing> rotation = {repeated(synthetic_year(1, 1, 1500, 21)),
                                         repeated(synthetic_year(1, 5, 880, 22))};
  const float balanced = equilibrium_soc(typical, soil, rotation)[0];
  soil.soc = {balanced, 2 * balanced, 0.6F * balanced};
  State state = equilibrium(typical, soil, rotation);
  const double start = pools(state, 0);
  std::array<double, n> last = {start, pools(state, 1), pools(state, 2)};
  for (int pair = 0; pair < 50; ++pair) {
    for (const Forcing& year : rotation) run(typical, soil, year, state);
    EXPECT_NEAR(pools(state, 0), start, 0.02 * start) << "year " << 2 * pair + 2;
    EXPECT_LT(pools(state, 1), last[1]) << "year " << 2 * pair + 2;
    EXPECT_GT(pools(state, 2), last[2]) << "year " << 2 * pair + 2;
    EXPECT_GT(pools(state, 1), pools(state, 0));
    EXPECT_LT(pools(state, 2), pools(state, 0));
    for (size_t i = 0; i < n; ++i) last[i] = pools(state, i);
  }
  // Slow carbon's turnover is some decades: most of the distance is gone after a century.
  EXPECT_LT(last[1] - last[0], 0.3 * start);
}

struct OneYear {
  Fluxes flux;
  State state;
  double yield = 0, removed = 0, residue = 0;
  size_t harvest_day = 0;  // 1-based, of the larger part; 0 without harvest
};

OneYear year_with(const std::string& name, double value, float crop = 1, double warmer = 0) {
  ParameterSet typical = ParameterSet::typical(1);
  if (!name.empty()) typical.at(parameter(name), 0) = static_cast<float>(value);
  const Forcing year = synthetic_year(1, crop, crop == 1.0F ? 1500 : 880, 31, warmer);
  OneYear result;
  result.state = equilibrium(ParameterSet::typical(1), silt_loam(1), year);
  result.flux = run(typical, silt_loam(1), year, result.state);
  result.yield = annual(result.flux.yield, 1, 0);
  result.removed = annual(result.flux.removed, 1, 0);
  result.residue = annual(result.flux.residue, 1, 0);
  const auto largest = std::max_element(result.flux.yield.begin(), result.flux.yield.end());
  if (*largest > 0)
    result.harvest_day = 1 + static_cast<size_t>(largest - result.flux.yield.begin());
  return result;
}

TEST(DeltaCarbonHarvest, YieldFollowsTheHarvestIndexInCarbon) {
  const double hi = 0.5, grain = 0.42, straw = 0.44;
  const OneYear year = year_with("corn.harvest_index", hi);
  const double removal = parameters()[parameter("corn.residue_removal")].typical;
  const double above = year.yield + year.removed / removal;
  EXPECT_NEAR(year.yield / above, hi * grain / (hi * grain + (1 - hi) * straw), 1e-4);
  EXPECT_GT(year_with("corn.harvest_index", 0.58).yield, 1.1 * year.yield);
  EXPECT_EQ(year_with("soybean.harvest_index", 0.3).yield, year_with("", 0).yield);
  EXPECT_NEAR(state_value(year.state, "grain", 0), 0, 1e-9);
}

TEST(DeltaCarbonHarvest, RemovedResidueLeavesTheField) {
  const OneYear kept = year_with("corn.residue_removal", 0);
  const OneYear removed = year_with("corn.residue_removal", 0.5);
  EXPECT_EQ(kept.removed, 0);
  EXPECT_EQ(removed.yield, kept.yield);
  EXPECT_NEAR(removed.removed + removed.residue, kept.residue, 1e-2);
  EXPECT_LT(carbon_in(removed.state, 0), carbon_in(kept.state, 0) - 50);
}

TEST(DeltaCarbonHarvest, ComesWithRipenessAndAtTheLatestOnItsDay) {
  const size_t ripe = year_with("", 0, 1, 2).harvest_day;
  EXPECT_THAT(ripe, AllOf(Ge(240U), Le(300U)));
  EXPECT_NEAR(static_cast<double>(year_with("corn.dry_down", 38, 1, 2).harvest_day),
              static_cast<double>(ripe + 10), 1);
  // Six degrees colder the crop never ripens.
  EXPECT_EQ(year_with("corn.latest_harvest", 300, 1, -6).harvest_day, 300U);
  EXPECT_EQ(year_with("corn.latest_harvest", 310, 1, -6).harvest_day, 310U);
  // A harvest within a day is spread over two.
  const OneYear half = year_with("corn.latest_harvest", 300.5, 1, -6);
  EXPECT_GT(half.flux.yield[299], 0);
  EXPECT_GT(half.flux.yield[300], 0);
}

TEST(DeltaCarbonWater, SnowFallsLiesAndMelts) {
  const OneYear cold = year_with("", 0, 1, -6);
  const auto& snow = cold.flux.snow;
  EXPECT_GT(*std::max_element(snow.begin(), snow.end()), 20.0F);
  for (size_t d = 150; d < 240; ++d) EXPECT_EQ(snow[d], 0) << d;
  EXPECT_LT(annual(year_with("", 0, 1, 8).flux.snow, 1, 0), 0.2 * annual(snow, 1, 0));
}

TEST(DeltaCarbonWater, HeavySoilDrainsSlowly) {
  const ParameterSet typical = ParameterSet::typical(2);
  SoilColumn soil = silt_loam(2);
  soil.ksat = {100, 0.5F};
  Forcing year = synthetic_year(2, 1, 1500, 2);
  for (size_t d = 90; d < 110; ++d) year.rain[d * 2] = year.rain[d * 2 + 1] = 30;
  State state = equilibrium(typical, soil, year);
  const Fluxes flux = run(typical, soil, year, state);
  EXPECT_GT(flux.soil_water[111 * 2 + 1], flux.soil_water[111 * 2] + 30);
}

TEST(DeltaCarbonHeterotrophic, RisesWithSoilCarbon) {
  constexpr size_t n = 4;
  SoilColumn soil = silt_loam(n);
  soil.soc = {8, 17, 34, 80};
  const Forcing one = synthetic_year(1, 1, 1500, 6);
  double last = 0;
  for (size_t i = 0; i < n; ++i) {
    const SoilColumn own = one_pixel(soil, i);
    State state = equilibrium(ParameterSet::typical(1), own, one);
    const double rh = annual(run(ParameterSet::typical(1), own, one, state).rh, 1, 0);
    EXPECT_GT(rh, last);
    last = rh;
  }
}

// Photosynthesis stops in midsummer: delta-carbon's growth respiration stops with it, the other
// structure lives on its reserve.
TEST(DeltaCarbonOtherStructure, RespiresPhotosynthateOfPastDays) {
  const ParameterSet typical = ParameterSet::typical(1);
  Forcing year = synthetic_year(1, 1, 1500, 9);
  for (size_t d = 0; d < year.days; ++d) {  // no weather in the way
    year.tmax[d] = 27;
    year.tmin[d] = 15;
    if (d >= 200) year.gpp[d] = 0;
  }
  const auto drop = [&](RunYear run_year) {
    State state = equilibrium(typical, silt_loam(1), year);
    const Fluxes flux = run_year(typical, silt_loam(1), year, state);
    return flux.ra[200] / flux.ra[199];
  };
  EXPECT_LT(drop(&run), 0.8);
  EXPECT_GT(drop(&run_other_structure), 0.9);
}

TEST(DeltaCarbonErrors, NameWhatIsWrongAndWhere) {
  const ParameterSet typical = ParameterSet::typical(2);
  const SoilColumn soil = silt_loam(2);
  const Forcing good = synthetic_year(2, 1, 1500, 1);
  State state = equilibrium(typical, soil, good);
  const auto message = [&](const Forcing& forcing) {
    return message_of([&] { (void)run(typical, soil, forcing, state); });
  };
  Forcing bad = good;
  bad.gpp[2 * 41 + 1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message(bad), AllOf(HasSubstr("GPP"), HasSubstr("day 41, pixel 1")));
  bad = good;
  bad.gpp[7] = -1;
  EXPECT_THAT(message(bad), HasSubstr("GPP is negative"));
  bad = good;
  bad.crop[1] = 3;
  EXPECT_THAT(message(bad), AllOf(HasSubstr("crop"), HasSubstr("pixel 1")));
  bad = good;
  bad.tmin.pop_back();
  EXPECT_THAT(message(bad), AllOf(HasSubstr("minimum temperature"), HasSubstr("729")));
  bad = good;
  bad.radiation.clear();
  EXPECT_EQ(message(bad), "nothing was thrown");
  EXPECT_THAT(message_of([&] { (void)run_other_structure(typical, soil, bad, state); }),
              HasSubstr("radiation"));
  State empty;
  EXPECT_THAT(message_of([&] { (void)run(typical, soil, good, empty); }), HasSubstr("state"));
  EXPECT_THAT(message_of([&] { (void)equilibrium(typical, soil, std::vector<Forcing>{}); }),
              HasSubstr("no year"));
}

}  // namespace
}  // namespace fluxtile::delta_carbon
