// SPDX-License-Identifier: Apache-2.0
// A season whose crop map is not there yet.
#include <gmock/gmock.h>

#include <cmath>

#include "base/atomic_file.h"
#include "raster.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

constexpr int substituted = 1024;

class CropYears : public Workplace {
 protected:
  void SetUp() override {
    copy_world(test_world(), world());
    fs::remove(crop(2018));
  }
  [[nodiscard]] fs::path world() const { return folder() / "w"; }
  [[nodiscard]] fs::path out() const { return folder() / "out"; }
  [[nodiscard]] fs::path crop(int year) const {
    return world() / "crop" / ("crop_" + std::to_string(year) + ".tif");
  }
  static fs::path original(int year) {
    return test_world() / "crop" / ("crop_" + std::to_string(year) + ".tif");
  }
  static Words rule(const std::string& word, const Words& more = {}) {
    Words all = {"--set",
                 "region.select=[South]",
                 "--set",
                 "models.regions={}",
                 "--set",
                 "inputs.crop.missing_year=" + word,
                 "--set",
                 "outputs.products.2={variables: [yield], period: annual, statistic: sum, "
                 "format: geotiff}"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// Cells whose flags hold a bit, and cells that have flags.
  static std::pair<size_t, size_t> flagged(const fs::path& outputs, int bit) {
    const Raster flags = read_raster((outputs / "test_South_quality_annual.tif").string());
    size_t with = 0, all = 0;
    for (const double flag : flags.bands.front()) {
      if (std::isnan(flag)) continue;
      ++all;
      with += (static_cast<int>(flag) & bit) != 0 ? 1 : 0;
    }
    return {with, all};
  }
  static std::vector<double> nee(const fs::path& outputs) {
    return read_raster((outputs / "test_South_nee_annual.tif").string()).bands.front();
  }
  /// Whether two maps hold the same numbers in the same cells.
  static bool same(const std::vector<double>& a, const std::vector<double>& b) {
    bool equal = a.size() == b.size();
    for (size_t k = 0; equal && k < a.size(); ++k)
      equal = (std::isnan(a[k]) && std::isnan(b[k])) || a[k] == b[k];
    return equal;
  }
};

TEST_F(CropYears, WithoutARuleTheRunIsRefused) {
  const Outcome refused = fluxtile(words("plan", world(), out(), rule("error")));
  EXPECT_EQ(65, refused.code);
  EXPECT_THAT(refused.err, HasSubstr("no crop map for 2018"));
  EXPECT_THAT(refused.err, HasSubstr("missing_year"));
}

TEST_F(CropYears, RotationTakesTheCropOfTwoYearsBeforeAndSaysSo) {
  // What grew two years ago is what grows now: but for the flag, the maps are those of the true
  // map.
  fs::copy(original(2018), crop(2016));
  const Outcome plan = fluxtile(words("plan", world(), out(), rule("rotation")));
  EXPECT_EQ(0, plan.code) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("no crop map for 2018: that of 2016 stands in"));
  run(world(), out(), rule("rotation"));
  const auto [with, all] = flagged(out(), substituted);
  EXPECT_EQ(all, with);
  EXPECT_GT(all, 10U);
  const Json record = run_record(out());
  EXPECT_THAT(record.at("warnings").dump(), HasSubstr("no crop map for 2018"));
  const Json& quality = record.at("quality").at("South");
  EXPECT_EQ(quality.at("cell_months").get<size_t>(), 12 * all);
  EXPECT_EQ(quality.at("flags").at("1024").get<size_t>(), 12 * all);
  EXPECT_THAT(read_file((out() / "report.html").string()), HasSubstr("no crop map for 2018"));
  EXPECT_THAT(read_file((out() / "report.html").string()), HasSubstr("crop year substituted"));

  // The season's own map arrives: its year is run again, the flag is gone, and the maps are those
  // of a run that never lacked it.
  const std::vector<double> before = nee(out());
  const auto tiles = run_record(out()).at("tiles").at("planned").get<int>();
  fs::copy(original(2018), crop(2018));
  run(world(), out(), rule("rotation"));
  EXPECT_EQ(tiles, tile_years_computed(out()));
  EXPECT_EQ(0U, flagged(out(), substituted).first);
  EXPECT_TRUE(same(before, nee(out()))) << "the same crops";
  fs::remove(crop(2016));
  run(world(), folder() / "fresh", rule("error"));
  EXPECT_EQ("", differences(products(folder() / "fresh"), products(out())));
}

TEST_F(CropYears, PreviousTakesTheYearBefore) {
  run(world(), out(), rule("previous"));
  const auto [with, all] = flagged(out(), substituted);
  EXPECT_EQ(all, with);
  EXPECT_GT(all, 10U);
  // The same as a map of 2018 that holds what grew in 2017.
  fs::copy(original(2017), crop(2018));
  run(world(), folder() / "told", rule("error"));
  EXPECT_TRUE(same(nee(folder() / "told"), nee(out())));
  EXPECT_EQ(0U, flagged(folder() / "told", substituted).first);

  // Another map than the one that stood in: only the season's own year changes, spin-up stays.
  fs::copy(original(2018), crop(2018), fs::copy_options::overwrite_existing);
  run(world(), out(), rule("previous"));
  const Json last = read_json(out() / ".fluxtile" / "last-run.json");
  EXPECT_EQ("2018-01-01", last.at("summary").get<std::string>().substr(
                              last.at("summary").get<std::string>().find("2018-"), 10));
  run(world(), folder() / "fresh", rule("error"));
  EXPECT_FALSE(same(nee(folder() / "told"), nee(out())));
  EXPECT_EQ("", differences(products(folder() / "fresh"), products(out())));
}

TEST_F(CropYears, RotationGoesBackInStepsOfTwoYears) {
  const Outcome odd = fluxtile(words("plan", world(), out(), rule("rotation")));
  EXPECT_EQ(65, odd.code) << "2017 is one year before, which grows the other crop";
  EXPECT_THAT(odd.err, HasSubstr("no crop map for 2018"));
  EXPECT_THAT(odd.err, HasSubstr("two, four, ... years before"));
  fs::copy(original(2018), crop(2014));
  const Outcome plan = fluxtile(words("plan", world(), out(), rule("rotation")));
  EXPECT_EQ(0, plan.code) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("no crop map for 2018: that of 2014 stands in"));
}

TEST_F(CropYears, AMapOfTheFutureIsNoPreviousOne) {
  fs::remove(crop(2017));
  fs::copy(original(2018), crop(2019));
  const Outcome refused =
      fluxtile(words("plan", world(), out(), rule("previous", {"--set", "period.spinup=0"})));
  EXPECT_EQ(65, refused.code);
  EXPECT_THAT(refused.err, HasSubstr("no crop map for 2018"));
}

}  // namespace
}  // namespace fluxtile::end_to_end
