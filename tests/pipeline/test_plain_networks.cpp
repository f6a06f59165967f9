// SPDX-License-Identifier: Apache-2.0
// Maps with the plain networks: one region with a GRU, the others with an LSTM.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "pipeline/verbs.h"
#include "synthetic_model.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

class PlainNetworksTest : public SmallWorld {
 protected:
  PlainNetworksTest() {
    for (const auto& [architecture, seed] : {std::pair("gru", 5U), std::pair("lstm", 6U)}) {
      Package package = test::random_package_of(architecture, seed);
      package.name = architecture;
      package.synthetic = true;
      save_package(package, world("plain/" + std::string(architecture)).string());
    }
  }
  std::string run(const std::string& folder, std::vector<std::string> set) const {
    set.insert(set.end(),
               {"models.directory=" + world("plain").string(), "models.default=lstm",
                "models.regions={North: gru}", "outputs.directory=" + out(folder).string()});
    std::ostringstream said;
    EXPECT_EQ(run_verb(config(set), {}, said), 0);
    return read(out(folder) / "test_summary.csv");
  }
  const std::vector<std::string> nee_ = {
      "outputs.products=[{variables: [nee, reco, gpp], period: annual, statistic: sum, format: "
      "geotiff}]"};
};

TEST_F(PlainNetworksTest, MapWithBothEngines) {
  for (const char* engine : {"fused", "torch"}) {
    std::vector<std::string> set = nee_;
    set.push_back("run.engine=" + std::string(engine));
    const std::string table = run(engine, set);
    for (const char* region : {"North,", "East,", "South,"}) EXPECT_THAT(table, HasSubstr(region));
    EXPECT_TRUE(fs::exists(out(engine) / "test_North_nee_annual.tif"));
  }
}

TEST_F(PlainNetworksTest, TileAndThreadsChangeNothing) {
  std::vector<std::string> set = nee_;
  const std::string table = run("one", set);
  set.insert(set.end(), {"grid.tile=5", "run.threads=2"});
  EXPECT_EQ(run("two", set), table);
  EXPECT_EQ(read(out("one") / "test_North_nee_annual.tif"),
            read(out("two") / "test_North_nee_annual.tif"));
}

TEST_F(PlainNetworksTest, KnowNoYield) {
  const Error error = refusal({"models.directory=" + world("plain").string(), "models.default=lstm",
                               "models.regions={North: gru}",
                               "outputs.products=[{variables: [yield], period: annual, statistic: "
                               "sum, format: geotiff}]"});
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_THAT(error.what(), HasSubstr("yield"));
}

}  // namespace
}  // namespace fluxtile
