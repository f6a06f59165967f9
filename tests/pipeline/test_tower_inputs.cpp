// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_inputs.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "model/kgml_ag_c.h"
#include "pipeline/verbs.h"
#include "tests/pipeline/drawn_towers.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kFeatures = kgml_ag_c::feature_count;

size_t feature(const std::string& name) {
  const auto& names = kgml_ag_c::input_names();
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

/// What `work` throws.
Error what_is_thrown(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "not refused";
  return Error(Code::internal, "not refused");
}

class TableInputsTest : public TowerFolder {
 protected:
  [[nodiscard]] TowerInputs read(const std::string& text) const {
    return table_inputs(read_towers_config(write("towers.yaml", text), {}));
  }
};

TEST_F(TableInputsTest, InputsInTheModelsUnits) {
  write("weather.csv", weather_days(2003, 2004));
  const TowerInputs inputs = read(description(fluxnet_fluxes(), "{2003: corn, 2004: soybean}"));
  ASSERT_EQ(inputs.sites.size(), 1U);
  const auto& years = inputs.sites[0].years;
  ASSERT_EQ(years.size(), 2U);
  const auto at = [&](int year, int day, const char* name) {
    return years.at(year)[static_cast<size_t>(day) * kFeatures + feature(name)];
  };
  ASSERT_EQ(years.at(2004).size(), 365 * kFeatures);
  const double warm = 10 + 12 * std::sin(0.0172 * (50 - 100));
  EXPECT_NEAR(at(2003, 50, "RADN"), 205 * 0.0864, 1e-4);
  EXPECT_NEAR(at(2003, 50, "TMAX_AIR"), warm + 6, 1e-4);
  EXPECT_NEAR(at(2003, 50, "TDIF_AIR"), 11, 1e-4);
  EXPECT_NEAR(at(2003, 50, "HMAX_AIR"), 0.15, 1e-6);
  EXPECT_NEAR(at(2003, 50, "HDIF_AIR"), 0.6, 1e-6);
  EXPECT_NEAR(at(2003, 50, "WIND"), 4 * 86.4, 1e-3);
  EXPECT_NEAR(at(2003, 50, "PRECN"), 6, 1e-6);
  EXPECT_EQ(at(2003, 50, "Crop_Type"), 1);
  EXPECT_EQ(at(2004, 364, "Crop_Type"), 5);
  EXPECT_EQ(at(2004, 364, "Year"), 2004);
  EXPECT_NEAR(at(2003, 0, "TBKDS"), 1.3, 1e-6);
  EXPECT_NEAR(at(2003, 0, "TSAND"), 200, 1e-3);
  EXPECT_NEAR(at(2003, 0, "TKSat"), 36, 1e-3);
  EXPECT_TRUE(std::isnan(at(2003, 0, "GPP")));
  EXPECT_FALSE(inputs.gpp_given);
  EXPECT_EQ(inputs.features[0].source, "station");
  EXPECT_EQ(inputs.features[feature("WIND")].unit, "km d-1");
}

TEST_F(TableInputsTest, MonthlyGppHoldsOverTheMonth) {
  write("weather.csv", weather_days(2004, 2004));
  write("gpp.csv", "site,month,gpp\nUS-Xx1,2004-02,3\nUS-Xx1,2004-12,1\nOther,2004-02,9\n");
  std::string text = description(fluxnet_fluxes());
  text.replace(text.find("  soil:\n"), 0,
               "    - {files: gpp.csv, month: month, site: site, source: SLOPE, "
               "columns: {GPP: {column: gpp, unit: gC m-2 d-1}}}\n");
  const TowerInputs inputs = read(text);
  EXPECT_TRUE(inputs.gpp_given);
  EXPECT_EQ(inputs.features[feature("GPP")].source, "SLOPE");
  const auto& values = inputs.sites[0].years.at(2004);
  const auto gpp = [&](int day) {
    return values[static_cast<size_t>(day) * kFeatures + feature("GPP")];
  };
  EXPECT_TRUE(std::isnan(gpp(30)));
  EXPECT_EQ(gpp(31), 3);
  EXPECT_EQ(gpp(59), 3) << "29 February";
  EXPECT_TRUE(std::isnan(gpp(60)));
  EXPECT_EQ(gpp(364), 1);
}

TEST_F(TableInputsTest, AYearWithAMissingDayIsNotUsed) {
  std::string days = weather_days(2003, 2004);
  const size_t at = days.find("\n2003-06-10");
  days.erase(at, days.find('\n', at + 1) - at);
  write("weather.csv", days);
  const TowerInputs inputs = read(description(fluxnet_fluxes()));
  EXPECT_EQ(inputs.sites[0].years.size(), 1U);
  EXPECT_EQ(inputs.sites[0].years.count(2004), 1U);
  EXPECT_THAT(inputs.sites[0].lacking, AllOf(HasSubstr("2003"), HasSubstr("2003-06-10")));
}

TEST_F(TableInputsTest, WrongTablesAreRefusedWithTheirKey) {
  write("weather.csv", weather_days(2003, 2003));
  std::string text = description(fluxnet_fluxes());
  text.replace(text.find("{column: srad"), 13, "{column: sradd");
  Error error = refusal([&] { (void)read(text); });
  EXPECT_THAT(error.key(), HasSubstr("columns.RADN"));
  EXPECT_THAT(error.hint(), HasSubstr("srad"));
  text = description(fluxnet_fluxes());
  text.replace(text.find("unit: m s-1"), 11, "unit: kPa");
  error = refusal([&] { (void)read(text); });
  EXPECT_THAT(error.key(), HasSubstr("columns.WIND"));
  std::string twice = weather_days(2003, 2003);
  twice.replace(twice.find("2003-01-02"), 10, "2003-01-01");
  write("weather.csv", twice);
  error = refusal([&] { (void)read(description(fluxnet_fluxes())); });
  EXPECT_THAT(error.message(), HasSubstr("twice"));
  std::filesystem::remove(path("weather.csv"));
  error = refusal([&] { (void)read(description(fluxnet_fluxes())); });
  EXPECT_THAT(error.message(), HasSubstr("no file"));
}

class RasterInputsTest : public SmallWorld {
 protected:
  /// Longitude and latitude of the centre of some cell that is modelled in both years.
  struct Place {
    Point lonlat;
    nlohmann::json pixel;
  };
  [[nodiscard]] const Place& modelled_place() const {
    static const Place place = find_place();  // every test's world is the same
    return place;
  }
  [[nodiscard]] Place find_place() const {
    const Config run = config();
    const auto planned = plan();
    for (const auto& unit : planned.plan.units) {
      const double res = run.lattice.resolution;
      for (int k = 0; k < 8; ++k) {
        Point point{
            run.lattice.origin_x + (static_cast<double>(unit.window.column + k) + 0.5) * res,
            run.lattice.origin_y - (static_cast<double>(unit.window.row + 1) + 0.5) * res};
        std::ostringstream out;
        VerbOptions options;
        options.json = true;
        options.progress = ProgressMode::off;
        (void)pixel_verb(run, options, {{point}, false, ""}, out);
        const auto json = nlohmann::json::parse(out.str()).at(0);
        if (!json.at("reason").get<std::string>().empty() || json.at("days").empty()) continue;
        if (json.at("days")[0].at("inputs")[0].is_null()) continue;
        const Transform to_lonlat(choose_operation(Crs::from_user_input(run.lattice.crs),
                                                   Crs::from_user_input("EPSG:4326")));
        to_lonlat.forward(&point.x, &point.y, 1);
        return {point, json};
      }
    }
    ADD_FAILURE() << "no modelled cell";
    return {};
  }
  [[nodiscard]] TowersConfig towers(Point lonlat, const std::string& crop = "",
                                    const std::string& more = "") const {
    write(world("towers.yaml"),
          "fluxtile-towers: 1\ninputs: {run: run.yaml" + more +
              "}\nsites:\n  - {name: T, latitude: " + std::to_string(lonlat.y) + ", longitude: " +
              std::to_string(lonlat.x) + crop + "}\nfluxes: {format: fluxnet2015, files: a.csv}\n");
    return read_towers_config(world("towers.yaml").string(), {});
  }
};

TEST_F(RasterInputsTest, AreThoseThatPixelShows) {
  const Place& place = modelled_place();
  // No model is there while training: the packages are what training makes.
  fs::remove_all(world("models"));
  const TowerInputs inputs = raster_inputs(towers(place.lonlat));
  ASSERT_EQ(inputs.sites.size(), 1U);
  EXPECT_THAT(inputs.sites[0].lacking, IsEmpty());
  // All years that inputs cover, not the run's period (2018 after a year of spin-up).
  ASSERT_EQ(inputs.sites[0].years.size(), 2U);
  EXPECT_EQ(inputs.sites[0].years.begin()->first, 2017);
  EXPECT_EQ(inputs.sites[0].region, place.pixel.at("region").get<std::string>());
  const auto& values = inputs.sites[0].years.at(2018);
  ASSERT_EQ(place.pixel.at("days").size(), 365U);
  double gpp = 0;
  for (size_t day = 0; day < 365; ++day) {
    const auto shown = place.pixel.at("days")[day].at("inputs").get<std::vector<float>>();
    ASSERT_EQ(shown.size(), kFeatures);
    for (size_t k = 0; k < kFeatures; ++k) {
      // A map clamps the year to what its package was trained on (models.year).
      if (k == kgml_ag_c::year_feature) {
        EXPECT_EQ(values[day * kFeatures + k], 2018.0F);
        continue;
      }
      EXPECT_EQ(values[day * kFeatures + k], shown[k]) << kgml_ag_c::input_names()[k] << day;
    }
    gpp += shown[feature("GPP")];
  }
  EXPECT_GT(gpp, 100);
}

TEST_F(RasterInputsTest, TheCropOfTheDescriptionGoesFirst) {
  const Place& place = modelled_place();
  const float on_map = place.pixel.at("days")[0].at("inputs")[feature("Crop_Type")];
  const bool corn = on_map == 1;
  const TowerInputs same =
      raster_inputs(towers(place.lonlat, corn ? ", crop: {2018: corn}" : ", crop: {2018: soy}"));
  const TowerInputs other =
      raster_inputs(towers(place.lonlat, corn ? ", crop: {2018: soy}" : ", crop: {2018: corn}"));
  EXPECT_EQ(same.sites[0].years.at(2018)[feature("Crop_Type")], on_map);
  EXPECT_EQ(other.sites[0].years.at(2018)[364 * kFeatures + feature("Crop_Type")], corn ? 5 : 1);
  ASSERT_EQ(other.warnings.size(), same.warnings.size() + 1);
  EXPECT_THAT(other.warnings.back(), AllOf(HasSubstr("2018"), HasSubstr("on the map")));
}

TEST_F(RasterInputsTest, TheLongestRowOfYearsThatInputsCoverIsUsed) {
  const Place& place = modelled_place();
  fs::remove_all(world());
  fs::copy(simulate("four_years", {"period.years=3"}), world(), fs::copy_options::recursive);
  EXPECT_EQ(raster_inputs(towers(place.lonlat)).sites[0].years.size(), 4U);
  remove_composites(2019, 0, 366);
  const auto inputs = raster_inputs(towers(place.lonlat));
  ASSERT_EQ(inputs.sites[0].years.size(), 2U);
  EXPECT_EQ(inputs.sites[0].years.begin()->first, 2017);
}

TEST_F(RasterInputsTest, YearsAndSourcesAsAsked) {
  const Place& place = modelled_place();
  replace(world("run.yaml"), "  climate:\n", "  climate:\n    source: station\n");
  const TowerInputs inputs = raster_inputs(
      towers(place.lonlat, "", ", years: [2018, 2020], source: {GPP: SLOPE, soil: gSSURGO}"));
  EXPECT_EQ(inputs.sites[0].years.size(), 1U);
  EXPECT_EQ(inputs.features[feature("GPP")].source, "SLOPE");
  EXPECT_EQ(inputs.features[feature("RADN")].source, "station");
  EXPECT_EQ(inputs.features[feature("TSOC")].source, "gSSURGO");
}

TEST_F(RasterInputsTest, ATowerOutsideTheRegionsIsRefused) {
  const Error error = what_is_thrown([&] { raster_inputs(towers({10, 50})); });
  EXPECT_THAT(error.message(), HasSubstr("site T"));
  EXPECT_THAT(error.found(), HasSubstr("outside"));
  EXPECT_EQ(error.key(), "sites.0");
}

TEST_F(RasterInputsTest, NoYearThatAllInputsCover) {
  const Place& place = modelled_place();
  const Error error =
      what_is_thrown([&] { raster_inputs(towers(place.lonlat, "", ", years: [1999, 2001]")); });
  EXPECT_THAT(error.message(), HasSubstr("no calendar year"));
  EXPECT_THAT(error.expected(), HasSubstr("1999 to 2001"));
}

}  // namespace
}  // namespace fluxtile
