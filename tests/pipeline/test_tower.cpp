// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower.h"

#include "model/kgml_ag_c.h"
#include "pipeline/training/plain_csv.h"
#include "tests/pipeline/drawn_towers.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kDaily = "FLX_US-Xx1_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv";
constexpr const char* kPlain =
    "  format: csv\n  files: fluxes.csv\n  columns:\n    month: month\n"
    "    reco: {column: reco, unit: gC m-2 d-1}\n    nee: {column: nee, unit: gC m-2 d-1}\n";

class TowerTest : public TowerFolder {
 protected:
  [[nodiscard]] Towers read(const std::string& text,
                            const std::vector<std::string>& set = {}) const {
    return collect_towers(write("towers.yaml", text), set);
  }
  static float gpp(const SiteYears& table, size_t year, size_t day) {
    return table.input(0, year)[day * kgml_ag_c::feature_count + kgml_ag_c::gpp_feature];
  }
};

TEST_F(TowerTest, DailyLabelsAndGpp) {
  write("weather.csv", weather_days(2003, 2004));
  // The tenth day of 2003 is of low quality.
  write(kDaily, fluxnet_days(2003, 2004, [](int k) { return k == 9 ? 0.1 : 1.0; }));
  const Towers towers = read(description(fluxnet_fluxes()));
  EXPECT_THAT(towers.warnings, IsEmpty());
  const SiteYears& table = towers.table;
  EXPECT_THAT(table.years, ElementsAre(2003, 2004));
  ASSERT_EQ(table.sites.size(), 1U);
  EXPECT_EQ(table.sites[0].name, "US-Xx1");
  EXPECT_EQ(table.sites[0].region, "Iowa");
  EXPECT_EQ(table.sites[0].source, "FLUXNET2015 NT");
  EXPECT_FALSE(table.synthetic);
  EXPECT_TRUE(table.monthly.empty());
  const auto& reco = table.daily.at("Reco");
  ASSERT_EQ(reco.size(), 2U * 365);
  EXPECT_TRUE(std::isnan(reco[9]) && std::isnan(table.daily.at("NEE")[9]));
  for (const size_t day : {0U, 8U, 10U, 364U}) {
    EXPECT_NEAR(reco[day], reco_of(static_cast<int>(day)), 1e-5);
    EXPECT_NEAR(table.daily.at("NEE")[365 + day],
                reco_of(static_cast<int>(day)) - gpp_of(static_cast<int>(day)), 1e-5);
    EXPECT_NEAR(gpp(table, 0, day), gpp_of(static_cast<int>(day)), 1e-5);
  }
  EXPECT_NEAR(gpp(table, 0, 9), gpp_of(9), 1e-5) << "the tower's own GPP where there is no label";
  EXPECT_THAT(table.features[kgml_ag_c::gpp_feature].source, HasSubstr("Reco - NEE"));
}

TEST_F(TowerTest, GppOfATableStaysUnlessLabelsReplaceIt) {
  write("weather.csv", weather_days(2003, 2003));
  std::string days = "date,gpp\n";
  for (int day = 0; day < 365; ++day) days += to_text(from_day_of_year(2003, day)) + ",4\n";
  write("gpp.csv", days);
  write(kDaily, fluxnet_days(2003, 2003, [](int k) { return k == 200 ? 0.0 : 1.0; }));
  std::string text = description(fluxnet_fluxes());
  text.replace(text.find("  soil:\n"), 0,
               "    - {files: gpp.csv, date: date, source: SLOPE, "
               "columns: {GPP: {column: gpp, unit: gC m-2 d-1}}}\n");
  const SiteYears replaced = read(text).table;
  EXPECT_NEAR(gpp(replaced, 0, 199), gpp_of(199), 1e-5);
  EXPECT_EQ(gpp(replaced, 0, 200), 4) << "the product's value on a day without labels";
  const SiteYears kept = read(text, {"fluxes.gpp_from_labels=false"}).table;
  EXPECT_EQ(gpp(kept, 0, 199), 4);
  EXPECT_EQ(kept.features[kgml_ag_c::gpp_feature].source, "SLOPE");
}

TEST_F(TowerTest, MonthlyLabels) {
  write("weather.csv", weather_days(2003, 2004));
  std::string months = "month,reco,nee\n";
  for (int month = 1; month <= 12; ++month)
    months += "2004" + std::string(month < 10 ? "0" : "") + std::to_string(month) + "," +
              std::to_string(month) + "," + std::to_string(-month) + "\n";
  write("fluxes.csv", months);
  const Towers towers = read(description(kPlain));
  const SiteYears& table = towers.table;
  // GPP is the tower's own, so years without it have none.
  EXPECT_THAT(table.years, ElementsAre(2004));
  EXPECT_THAT(towers.warnings, Contains(AllOf(HasSubstr("2003"), HasSubstr("GPP"))));
  EXPECT_TRUE(table.daily.empty());
  EXPECT_EQ(table.monthly.at("Reco")[11], 12);
  EXPECT_EQ(table.monthly.at("NEE")[5], -6);
  EXPECT_EQ(gpp(table, 0, 40), 4) << "Reco - NEE of February";
  EXPECT_THAT(table.features[kgml_ag_c::gpp_feature].source, Not(HasSubstr("Reco - NEE")));
}

TEST_F(TowerTest, ShortGapsOfGppAreBridgedLongOnesEndTheYear) {
  write("weather.csv", weather_days(2003, 2004));
  const auto file_without = [&](int first, int end) {
    std::string text = fluxnet_days(2003, 2004);
    for (int k = first; k < end; ++k) {
      const Date date = from_day_of_year(2003, k);
      char stamp[16];
      std::snprintf(stamp, sizeof stamp, "\n%04d%02d%02d", date.year, date.month, date.day);
      const size_t at = text.find(stamp);
      text.erase(at, text.find('\n', at + 1) - at);
    }
    write(kDaily, text);
  };
  file_without(180, 212);
  const SiteYears bridged = read(description(fluxnet_fluxes())).table;
  EXPECT_EQ(bridged.years.size(), 2U);
  const double a = gpp_of(179), b = gpp_of(212);
  EXPECT_NEAR(gpp(bridged, 0, 190), a + (b - a) * 11 / 33, 1e-4);
  file_without(180, 213);
  const Towers cut = read(description(fluxnet_fluxes()));
  EXPECT_THAT(cut.table.years, ElementsAre(2004));
  EXPECT_THAT(cut.warnings, Contains(HasSubstr("2003 (GPP has gaps of more than 32 days)")));
  // At the start of the record the first value is held.
  file_without(0, 20);
  const SiteYears held = read(description(fluxnet_fluxes())).table;
  EXPECT_NEAR(gpp(held, 0, 0), gpp_of(20), 1e-5);
}

TEST_F(TowerTest, ATowerWithTwoPercentOfItsDaysIsLeftOut) {
  write("weather.csv", weather_days(2003, 2004));
  write(kDaily, fluxnet_days(2003, 2004, [](int k) { return k % 50 == 0 ? 1.0 : 0.0; }));
  write("FLX_US-Xx2_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv", fluxnet_days(2003, 2004));
  const Error error = refusal([&] { (void)read(description(fluxnet_fluxes())); });
  EXPECT_THAT(error.message(), HasSubstr("enough labels"));
  EXPECT_THAT(error.found(), AllOf(HasSubstr("US-Xx1"), HasSubstr("2 % of the days")));
  std::string two = description(fluxnet_fluxes());
  two.replace(two.find("fluxes:\n"), 0,
              "  - {name: US-Xx2, region: Iowa, latitude: 42, longitude: -93, crop: corn}\n");
  const Towers towers = read(two);
  ASSERT_EQ(towers.table.sites.size(), 1U);
  EXPECT_EQ(towers.table.sites[0].name, "US-Xx2");
  EXPECT_THAT(towers.warnings, Contains(AllOf(HasSubstr("US-Xx1 is left out"), HasSubstr("2 %"))));
  EXPECT_EQ(read(two, {"fluxes.min_qc=0"}).table.sites.size(), 2U);
}

TEST_F(TowerTest, SitesWithOtherYearsHaveNoValuesThere) {
  write("weather_US-Xx1.csv", weather_days(2003, 2003));
  write("weather_US-Xx2.csv", weather_days(2004, 2004));
  write(kDaily, fluxnet_days(2003, 2003));
  write("FLX_US-Xx2_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv", fluxnet_days(2004, 2004));
  std::string text = description(fluxnet_fluxes());
  text.replace(text.find("weather.csv"), 11, "weather_{site}.csv");
  text.replace(text.find("fluxes:\n"), 0,
               "  - {name: US-Xx2, region: Iowa, latitude: 42, longitude: -93, crop: corn}\n");
  const SiteYears table = read(text).table;
  ASSERT_THAT(table.years, ElementsAre(2003, 2004));
  EXPECT_TRUE(std::isnan(table.input(0, 1)[0]));
  EXPECT_TRUE(std::isnan(table.daily.at("NEE")[365]));
  EXPECT_FALSE(std::isnan(table.input(1, 1)[0]));
  EXPECT_FALSE(std::isnan(table.daily.at("NEE")[3 * 365]));
}

TEST_F(TowerTest, FilesAndSitesThatDoNotMeet) {
  write("weather.csv", weather_days(2003, 2003));
  write("FLX_US-Yy1_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv", fluxnet_days(2003, 2003));
  Error error = refusal([&] { (void)read(description(fluxnet_fluxes())); });
  EXPECT_THAT(error.message(), HasSubstr("no file has the name of site US-Xx1"));
  EXPECT_THAT(error.found(), HasSubstr("US-Yy1"));
  std::string own = description(fluxnet_fluxes());
  own.replace(own.find("crop: corn"), 10,
              "crop: corn, fluxes: FLX_US-Yy1_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv");
  error = refusal([&] { (void)read(own); });
  EXPECT_THAT(error.message(), HasSubstr("another tower"));
  write(kDaily, fluxnet_days(2003, 2003));
  write("FLX_US-Xx1_FLUXNET2015_FULLSET_DD_2003-2004_1-4.csv", fluxnet_days(2003, 2003));
  error = refusal([&] { (void)read(description(fluxnet_fluxes())); });
  EXPECT_THAT(error.message(), HasSubstr("two files of site US-Xx1"));
  write("fluxes.csv", "where,month,reco,nee\nA,200301,1,1\n");
  error = refusal([&] { (void)read(description(kPlain), {"fluxes.columns.site=where"}); });
  EXPECT_THAT(error.message(), HasSubstr("no row is of site US-Xx1"));
  EXPECT_THAT(error.found(), HasSubstr("A"));
  std::string two = description(kPlain);
  two.replace(two.find("fluxes:\n"), 0,
              "  - {name: US-Xx2, region: Iowa, latitude: 42, longitude: -93, crop: corn}\n");
  write("fluxes.csv", "month,reco,nee\n200301,1,1\n");
  error = refusal([&] { (void)read(two); });
  EXPECT_THAT(error.message(), HasSubstr("one file for two sites"));
}

using RealTowers = test::NeedsFolder<test::kRealData, TowerTest>;

TEST_F(RealTowers, SwitchgrassIsRefused) {
  write("weather.csv", weather_days(2009, 2012));
  const std::string files =
      "  format: fluxnet2015\n  files: " + given_folder() + "/us-ar1-tower/FLX_*_DD_*.csv\n";
  const Error error = refusal([&] { (void)read(description(files, "switchgrass", "US-AR1")); });
  EXPECT_THAT(error.message(), HasSubstr("switchgrass"));
  EXPECT_THAT(error.expected(), HasSubstr("corn (1) or soybean (5)"));
  // The file itself is readable: with a crop that the models know it gives labels.
  const Towers towers = read(description(files, "corn", "US-AR1"));
  EXPECT_THAT(towers.table.years, ElementsAre(2009, 2010, 2011, 2012));
}

TEST_F(RealTowers, TheFieldsAtMead) {
  const Towers towers = collect_towers(FLUXTILE_SOURCE_DIR "/configs/train/mead-ne-towers.yaml",
                                       {"folder=" + given_folder() + "/mead-ne"});
  EXPECT_THAT(towers.warnings, IsEmpty());
  const SiteYears& table = towers.table;
  ASSERT_EQ(table.sites.size(), 3U);
  EXPECT_EQ(table.sites[2].name, "US-Ne3");
  EXPECT_THAT(table.years, ElementsAre(2001, 2002, 2003, 2004, 2005, 2006));
  const auto fields = read_plain_fluxes(
      given_folder() + "/mead-ne/fluxes_monthly.csv",
      {"month", "site", {}, {}, {"gpp_gC_m-2_d-1", "gC m-2 d-1", "", 0.5, false}, {-9999}});
  size_t labels = 0;
  for (size_t site = 0; site < 3; ++site) {
    for (size_t year = 0; year < 6; ++year) {
      const float* inputs = table.input(site, year);
      const bool soy = site > 0 && table.years[year] % 2 == 0;
      EXPECT_EQ(inputs[kgml_ag_c::crop_feature], soy ? 5 : 1);
      for (size_t month = 0; month < 12; ++month) {
        const size_t at = table.site_year(site, year) * 12 + month;
        const float reco = table.monthly.at("Reco")[at];
        if (std::isnan(reco)) continue;
        ++labels;
        EXPECT_LT(year, 4U);
        // The rasters hold the field's own monthly GPP in steps of 0.001; below zero is zero.
        const auto& own = fields.at(table.sites[site].name).values;
        const double gpp = own.at(month_number(table.years[year], static_cast<int>(month) + 1)).gpp;
        const auto day = static_cast<size_t>(SiteYears::month_begin(2001)[month] + 10);
        EXPECT_NEAR(inputs[day * kgml_ag_c::feature_count + kgml_ag_c::gpp_feature],
                    std::max(0.0, gpp), 0.0006);
      }
    }
  }
  EXPECT_GT(labels, 100U);
  EXPECT_LT(labels, 144U);
}

}  // namespace
}  // namespace fluxtile
