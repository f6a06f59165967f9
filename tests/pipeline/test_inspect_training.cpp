// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <sstream>

#include "pipeline/training/site_years_file.h"
#include "pipeline/verbs.h"
#include "tests/pipeline/drawn_towers.h"

namespace fluxtile {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class InspectTraining : public TowerFolder {
 protected:
  static std::string inspected(const std::string& path, bool json) {
    std::ostringstream out;
    EXPECT_EQ(inspect_verb({path}, json, out), 0);
    return out.str();
  }
};

TEST_F(InspectTraining, ATowersFile) {
  const std::string file =
      write("FLX_US-Xx1_FLUXNET2015_SUBSET_DD_2003-2004_1-4.csv",
            fluxnet_days(2003, 2004, [](int k) { return k < 100 ? 0.2 : 1.0; }));
  EXPECT_THAT(inspected(file, false),
              AllOf(HasSubstr("US-Xx1"), HasSubstr("731 days, 2003-01-01 to 2004-12-31"),
                    HasSubstr("631 with Reco and NEE of quality 0.5"), HasSubstr("NT VUT, DT VUT"),
                    HasSubstr("format: fluxnet2015")));
  const auto report = nlohmann::json::parse(inspected(file, true)).at("paths").at(0);
  EXPECT_EQ(report.at("kind"), "tower");
  EXPECT_EQ(report.at("labels"), 631);
  const std::string half = write("FLX_US-Xx1_FLUXNET2015_SUBSET_HH_2003-2004_1-4.csv",
                                 "TIMESTAMP_START,TIMESTAMP_END,NEE_VUT_REF\n"
                                 "200301010000,200301010030,1\n");
  EXPECT_THAT(refusal([&] { inspected(half, false); }).message(), HasSubstr("half-hourly"));
}

TEST_F(InspectTraining, ATableOfSiteYears) {
  SiteYears table;
  table.sites = {{"A", "Iowa", "b1", 42, -93, "drawn"}, {"B", "Illinois", "b2", 40, -89, "drawn"}};
  table.years = {2003};
  table.features = {{"GPP", "gC m-2 d-1", "SLOPE"}};
  table.inputs.assign(2 * SiteYears::days, 1.0F);
  auto& nee = table.daily["NEE"];
  nee.assign(2 * SiteYears::days, std::nanf(""));
  nee[3] = nee[400] = 1;
  table.origin = "drawn by hand";
  write_site_years(table, path("sites.nc"));
  EXPECT_THAT(inspected(path("sites.nc"), false),
              AllOf(HasSubstr("site-years"), HasSubstr("Iowa: 1 site"), HasSubstr("2003 to 2003"),
                    HasSubstr("GPP: gC m-2 d-1, SLOPE"), HasSubstr("daily NEE: 2 values"),
                    HasSubstr("drawn by hand")));
  EXPECT_EQ(nlohmann::json::parse(inspected(path("sites.nc"), true)).at("paths").at(0).at("sites"),
            2);
}

}  // namespace
}  // namespace fluxtile
