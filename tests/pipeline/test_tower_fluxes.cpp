// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/csv_table.h"
#include "pipeline/training/fluxnet_csv.h"
#include "pipeline/training/plain_csv.h"
#include "tests/pipeline/drawn_towers.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using CsvTableTest = TowerFolder;
using FluxnetTest = TowerFolder;
using PlainTest = TowerFolder;

TEST_F(CsvTableTest, ReadsWhatSpreadsheetsWrite) {
  const CsvTable table(write("a.csv",
                             "\xEF\xBB\xBFname;value;\"note; long\"\r\n"
                             "\"x; \"\"y\"\"\"; 1.5 ;\r\n\r\nz;-9999;w\r\n"));
  EXPECT_THAT(table.names(), ElementsAre("name", "value", "note; long"));
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.text(0, 0), "x; \"y\"");
  EXPECT_EQ(table.number(0, 1, {-9999}), 1.5);
  EXPECT_TRUE(std::isnan(table.number(1, 1, {-9999})));
  EXPECT_EQ(table.number(1, 1, {}), -9999);
  EXPECT_TRUE(std::isnan(table.number(0, 2, {})));
}

TEST_F(CsvTableTest, NamesLineAndColumnOfWhatIsWrong) {
  const Error few = refusal([&] { CsvTable(write("few.csv", "a,b\n1,2\n\n3\n")); });
  EXPECT_THAT(few.message(), HasSubstr("line 4"));
  const Error twice = refusal([&] { CsvTable(write("twice.csv", "a,a\n1,2\n")); });
  EXPECT_THAT(twice.found(), HasSubstr("`a`"));
  EXPECT_EQ(refusal([&] { CsvTable(write("none.csv", "\n")); }).code(), Code::data);
  const CsvTable table(write("word.csv", "a,b\n1,2\n3,four\n"));
  const Error word = refusal([&] { (void)table.number(1, 1, {}); });
  EXPECT_THAT(word.message(), HasSubstr("line 3"));
  EXPECT_THAT(word.found(), AllOf(HasSubstr("four"), HasSubstr("`b`")));
}

TEST_F(FluxnetTest, ReadsDaysAndPartitionings) {
  const std::string file =
      write("FLX_US-Xx1_FLUXNET2015_SUBSET_DD_2004-2004_1-4.csv", fluxnet_days(2004, 2004));
  const TowerFluxes night = read_fluxnet(file, {});
  EXPECT_FALSE(night.monthly);
  EXPECT_EQ(night.values.size(), 366U);
  EXPECT_THAT(night.warnings, IsEmpty());
  const auto& value = night.values.at(to_days({2004, 7, 14}));
  const int day = day_of_year({2004, 7, 14});
  EXPECT_NEAR(value.reco, reco_of(day), 1e-8);
  EXPECT_NEAR(value.nee, reco_of(day) - gpp_of(day), 1e-8);
  EXPECT_NEAR(value.gpp, gpp_of(day), 1e-8);
  FluxnetOptions options;
  options.partitioning = "DT";
  EXPECT_NEAR(read_fluxnet(file, options).values.at(to_days({2004, 7, 14})).reco,
              reco_of(day) + 0.5, 1e-8);
  EXPECT_EQ(fluxnet_site(file), "US-Xx1");
  EXPECT_EQ(fluxnet_site("/data/US-Ne1/AMF_US-Ne1_FLUXNET_FULLSET_MM_2001.csv"), "US-Ne1");
  EXPECT_EQ(fluxnet_site("/data/tower_1.csv"), "");
}

TEST_F(FluxnetTest, LowQualityAndMissingValuesAreNoLabels) {
  std::string text = fluxnet_days(2003, 2003, [](int k) {
    return k == 0 ? 0.49 : k == 1 ? 0.5 : k == 2 ? -9999 : 1.0;
  });
  const std::string third = "\n20030104,10,";
  const size_t at = text.find(third) + third.size();
  text.replace(at, text.find(',', at) - at, "-9999");
  const TowerFluxes fluxes = read_fluxnet(write("a_US-Xx1_.csv", text), {});
  const auto& day = [&](int n) { return fluxes.values.at(to_days({2003, 1, n})); };
  EXPECT_TRUE(std::isnan(day(1).nee) && std::isnan(day(1).reco));
  EXPECT_NEAR(day(1).gpp, gpp_of(0), 1e-8) << "GPP is an input, whatever its quality";
  EXPECT_NEAR(day(2).reco, reco_of(1), 1e-8);
  EXPECT_TRUE(std::isnan(day(3).reco));
  EXPECT_TRUE(std::isnan(day(4).nee));
  EXPECT_NEAR(day(4).reco, reco_of(3), 1e-8);
  EXPECT_EQ(fluxes.below_quality, 2U);
}

TEST_F(FluxnetTest, UnitsAsGiven) {
  const std::string file = write("a.csv", fluxnet_days(2003, 2003));
  FluxnetOptions options;
  options.unit = "umol m-2 s-1";
  const double as_carbon = 12.011 * 86400 * 1e-6;  // g mol-1, s d-1, mol umol-1
  EXPECT_NEAR(as_carbon, 1.0377504, 1e-7);
  EXPECT_NEAR(read_fluxnet(file, options).values.at(to_days({2003, 1, 1})).reco,
              reco_of(0) * as_carbon, 1e-7);
  options.unit = "m s-1";
  EXPECT_THAT(refusal([&] { read_fluxnet(file, options); }).file(), HasSubstr("a.csv"));
}

TEST_F(FluxnetTest, OtherResolutionsAreRefused) {
  const Error half = refusal([&] {
    read_fluxnet(
        write("hh.csv", "TIMESTAMP_START,TIMESTAMP_END,NEE_VUT_REF\n200301010000,200301010030,1\n"),
        {});
  });
  EXPECT_THAT(half.message(), HasSubstr("half-hourly"));
  EXPECT_THAT(half.hint(), HasSubstr("_DD_"));
  const Error week = refusal([&] {
    read_fluxnet(
        write("ww.csv", "TIMESTAMP_START,TIMESTAMP_END,NEE_VUT_REF\n20030101,20030107,1\n"), {});
  });
  EXPECT_THAT(week.message(), HasSubstr("weekly"));
  std::string days = fluxnet_days(2003, 2003);
  days.replace(days.find("20030101"), 8, "200301010030");
  EXPECT_THAT(refusal([&] { read_fluxnet(write("dd.csv", days), {}); }).message(),
              HasSubstr("time of day"));
  days = fluxnet_days(2003, 2003);
  days.replace(days.find("20030101"), 8, "2003");
  EXPECT_THAT(refusal([&] { read_fluxnet(write("yy.csv", days), {}); }).message(),
              HasSubstr("annual"));
}

TEST_F(FluxnetTest, AMissingColumnIsNamedWithItsNearest) {
  std::string text = fluxnet_days(2003, 2003);
  text.replace(text.find("RECO_NT_VUT_REF"), 15, "RECO_NT_VUT_USTAR50");
  const Error error = refusal([&] { read_fluxnet(write("a.csv", text), {}); });
  EXPECT_THAT(error.message(), HasSubstr("RECO_NT_VUT_REF"));
  EXPECT_THAT(error.hint(), HasSubstr("RECO_DT_VUT_REF"));
  EXPECT_THAT(error.file(), HasSubstr("a.csv"));
}

TEST_F(FluxnetTest, DatesTwiceImpossibleOrMixed) {
  std::string text = fluxnet_days(2003, 2003);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return write("a.csv", changed);
  };
  const Error twice = refusal([&] { read_fluxnet(with("20030103", "20030102"), {}); });
  EXPECT_THAT(twice.message(), AllOf(HasSubstr("2003-01-02"), HasSubstr("twice")));
  EXPECT_THAT(twice.message(), HasSubstr("line 4"));
  EXPECT_THAT(refusal([&] { read_fluxnet(with("20030103", "20030229"), {}); }).message(),
              HasSubstr("no such date"));
  EXPECT_THAT(refusal([&] { read_fluxnet(with("20030103", "200301"), {}); }).message(),
              HasSubstr("days and months"));
  EXPECT_THAT(refusal([&] { read_fluxnet(with("20030103", "3 Jan 2003"), {}); }).message(),
              HasSubstr("not a date"));
  EXPECT_THAT(refusal([&] { read_fluxnet(with("20030103", "2003-0103"), {}); }).message(),
              HasSubstr("not a date"));
}

TEST_F(FluxnetTest, RowsInAnyOrderAreTakenByTheirDates) {
  std::string text = fluxnet_days(2003, 2003);
  const size_t a = text.find("\n20030105") + 1, b = text.find("\n20030106") + 1,
               c = text.find("\n20030107") + 1;
  text = text.substr(0, a) + text.substr(b, c - b) + text.substr(a, b - a) + text.substr(c);
  const TowerFluxes fluxes = read_fluxnet(write("a.csv", text), {});
  EXPECT_NEAR(fluxes.values.at(to_days({2003, 1, 5})).reco, reco_of(4), 1e-8);
  EXPECT_NEAR(fluxes.values.at(to_days({2003, 1, 6})).reco, reco_of(5), 1e-8);
  EXPECT_THAT(fluxes.warnings, ElementsAre(AllOf(HasSubstr("order"), HasSubstr("2003-01-05"))));
}

TEST_F(FluxnetTest, AQualityThatIsNoShareIsRefused) {
  const std::string file = write("a.csv", fluxnet_days(2003, 2003, [](int) { return 2.0; }));
  EXPECT_THAT(refusal([&] { read_fluxnet(file, {}); }).message(), HasSubstr("no share"));
}

TEST_F(FluxnetTest, SuspectSignsAreToldOf) {
  const auto always = [](int) { return 1.0; };
  const TowerFluxes turned = read_fluxnet(write("a.csv", fluxnet_days(2003, 2003, always, -1)), {});
  EXPECT_THAT(turned.warnings, ElementsAre(HasSubstr("other sign")));
  FluxnetOptions grams;
  grams.unit = "mgC m-2 s-1";  // 86.4 gC m-2 d-1
  EXPECT_THAT(read_fluxnet(write("b.csv", fluxnet_days(2003, 2003)), grams).warnings,
              ElementsAre(HasSubstr("beyond any crop")));
}

PlainColumns plain() {
  PlainColumns columns;
  columns.stamp = "when";
  columns.reco = {"reco", "gC m-2 d-1", "", 0.5, false};
  columns.nee = {"nee", "gC m-2 d-1", "", 0.5, false};
  columns.missing = {-9999};
  return columns;
}

TEST_F(PlainTest, MonthsSitesQualityAndUnits) {
  PlainColumns columns = plain();
  columns.site = "tower";
  columns.reco.qc = "qc_reco";
  columns.nee.qc = "qc_nee";
  columns.nee.min_qc = 0.8;
  columns.nee.unit = "umol CO2 m-2 s-1";
  columns.gpp = {"gpp", "kgC m-2 d-1", "", 0.5, false};
  const auto towers = read_plain_fluxes(write("a.csv",
                                              "tower,when,reco,nee,gpp,qc_reco,qc_nee\n"
                                              "A,2003-06,4,-2,0.006,0.6,0.9\n"
                                              "A,200307,5,-3,0.008,0.4,0.7\n"
                                              "B,2003-06,1,-9999,0.001,1,1\n"),
                                        columns);
  ASSERT_EQ(towers.size(), 2U);
  const auto& a = towers.at("A");
  EXPECT_TRUE(a.monthly);
  const auto& june = a.values.at(month_number(2003, 6));
  EXPECT_NEAR(june.reco, 4, 1e-12);
  EXPECT_NEAR(june.nee, -2 * 1.0377504, 1e-9);
  EXPECT_NEAR(june.gpp, 6, 1e-9);
  const auto& july = a.values.at(month_number(2003, 7));
  EXPECT_TRUE(std::isnan(july.reco) && std::isnan(july.nee));
  EXPECT_NEAR(july.gpp, 8, 1e-9);
  EXPECT_EQ(a.below_quality, 1U);
  EXPECT_TRUE(std::isnan(towers.at("B").values.at(month_number(2003, 6)).nee));
}

TEST_F(PlainTest, SignsMayBeTurned) {
  PlainColumns columns = plain();
  columns.nee.turned = true;
  const auto towers =
      read_plain_fluxes(write("a.csv", "when,reco,nee\n2003-06-01,4,2\n2003-06-02,4,1\n"), columns);
  EXPECT_NEAR(towers.at("").values.at(to_days({2003, 6, 1})).nee, -2, 1e-12);
}

TEST_F(PlainTest, ANameThatSpeaksOfAnotherUnitIsRefused) {
  PlainColumns columns = plain();
  columns.nee.name = "NEE_umol_m2_s";
  const Error error = refusal([&] {
    read_plain_fluxes(write("a.csv", "when,reco,NEE_umol_m2_s\n2003-06-01,4,2\n"), columns);
  });
  EXPECT_THAT(error.message(), HasSubstr("NEE_umol_m2_s"));
  EXPECT_THAT(error.expected(), HasSubstr("umol m-2 s-1"));
}

TEST_F(PlainTest, HalfHoursAreRefused) {
  for (const char* stamp : {"2003-06-01 00:30", "2003-06-01T00:30", "200306010030"}) {
    const Error error = refusal([&] {
      read_plain_fluxes(write("a.csv", "when,reco,nee\n" + std::string(stamp) + ",4,2\n"), plain());
    });
    EXPECT_THAT(error.message(), HasSubstr("time of day")) << stamp;
    EXPECT_THAT(error.hint(), HasSubstr("half-hourly"));
  }
}

TEST_F(PlainTest, SeveralTowersWithoutAColumnOfSitesCollide) {
  const Error error = refusal([&] {
    read_plain_fluxes(write("a.csv", "s,when,reco,nee\nA,2003-06-01,4,2\nB,2003-06-01,4,2\n"),
                      plain());
  });
  EXPECT_THAT(error.message(), HasSubstr("twice"));
  EXPECT_THAT(error.hint(), HasSubstr("column of sites"));
}

using RealTowerFiles = test::NeedsFolder<test::kRealData, FluxnetTest>;

TEST_F(RealTowerFiles, DailyAndMonthly) {
  const TowerFluxes daily = read_fluxnet(
      given_folder() + "/us-ar1-tower/FLX_US-AR1_FLUXNET2015_SUBSET_DD_2009-2012_1-3.csv", {});
  EXPECT_FALSE(daily.monthly);
  EXPECT_EQ(daily.values.size(), 1461U);
  EXPECT_THAT(daily.warnings, IsEmpty());
  size_t labels = 0;
  for (const auto& [day, value] : daily.values) labels += std::isnan(value.nee) ? 0 : 1;
  EXPECT_EQ(labels + daily.below_quality, 1461U);
  EXPECT_GT(labels, 1000U);
  const TowerFluxes monthly = read_fluxnet(
      given_folder() +
          "/fluxnet2015-monthly-crop/FLX_US-Ne1_FLUXNET2015_SUBSET_MM_2001-2013_1-4.csv",
      {});
  EXPECT_TRUE(monthly.monthly);
  EXPECT_EQ(monthly.values.begin()->first, month_number(2001, 1));
  // The same field in the plain table that was made of it: gC m-2 d-1.
  PlainColumns columns;
  columns.stamp = "month";
  columns.site = "site";
  columns.reco = {"reco_gC_m-2_d-1", "gC m-2 d-1", "nee_qc", 0.5, false};
  columns.nee = {"nee_gC_m-2_d-1", "gC m-2 d-1", "nee_qc", 0.5, false};
  columns.missing = {-9999};
  const auto plain_towers =
      read_plain_fluxes(given_folder() + "/mead-ne/fluxes_monthly.csv", columns);
  EXPECT_EQ(plain_towers.size(), 3U);
  size_t both = 0;
  for (const auto& [month, value] : plain_towers.at("US-Ne1").values) {
    const auto& other = monthly.values.at(month);
    EXPECT_EQ(std::isnan(value.nee), std::isnan(other.nee)) << month;
    if (std::isnan(value.nee)) continue;
    EXPECT_NEAR(value.nee, other.nee, 1e-4);
    EXPECT_NEAR(value.reco, other.reco, 1e-4);
    ++both;
  }
  EXPECT_GT(both, 36U);
}

}  // namespace
}  // namespace fluxtile
