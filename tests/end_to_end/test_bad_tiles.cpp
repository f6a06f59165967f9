// SPDX-License-Identifier: Apache-2.0
// A tile whose inputs cannot be read does not stop the night: it is recorded, the rest is done.
#include <gdal_priv.h>
#include <gmock/gmock.h>

#include <cmath>
#include <memory>

#include "base/atomic_file.h"
#include "raster.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

constexpr int failed_tile = 64;
const Words one_region = {"--set", "region.select=[South]", "--set",     "models.regions={}",
                          "--set", "period.spinup=0",       "--threads", "2"};
constexpr int tiles = 4;

/// Writes a GeoTIFF anew with each row compressed by itself.
void store_by_rows(const fs::path& raster) {
  GDALAllRegister();
  const fs::path other = raster.string() + ".rows";
  const std::unique_ptr<GDALDataset> from(GDALDataset::Open(raster.c_str()));
  const char* options[] = {"COMPRESS=DEFLATE", "BLOCKYSIZE=1", nullptr};
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  const std::unique_ptr<GDALDataset> to(driver->CreateCopy(
      other.c_str(), from.get(), TRUE, const_cast<char**>(options), nullptr, nullptr));
  if (!to) throw std::runtime_error("cannot write " + other.string());
  const_cast<std::unique_ptr<GDALDataset>&>(to).reset();
  fs::rename(other, raster);
}

/// Overwrites one row's compressed bytes.
void damage_row(const fs::path& raster, int row) {
  std::string offset, length;
  {
    const std::unique_ptr<GDALDataset> file(GDALDataset::Open(raster.c_str()));
    GDALRasterBand* band = file->GetRasterBand(1);
    const std::string block = "0_" + std::to_string(row);
    offset = band->GetMetadataItem(("BLOCK_OFFSET_" + block).c_str(), "TIFF");
    length = band->GetMetadataItem(("BLOCK_SIZE_" + block).c_str(), "TIFF");
  }
  std::string bytes = read_file(raster.string());
  bytes.replace(std::stoul(offset), std::stoul(length), std::stoul(length), '\xFF');
  write_atomically(raster.string(), bytes);
}

class BadTiles : public Workplace {
 protected:
  /// A world whose composite of July is stored row by row, with a finished run: made once.
  static const fs::path& finished() {
    static const Folder place;
    static const bool made = [] {
      copy_world(test_world(), place.path());
      store_by_rows(place.path() / composite());
      run(place.path(), place.path() / "out", one_region);
      return true;
    }();
    static_cast<void>(made);
    return place.path();
  }
  static fs::path composite() { return fs::path("gpp") / "gpp_2018185.tif"; }
  /// A row of the composite that some, but not all, tiles read.
  static int row() {
    static const int found = [] {
      const Raster nee = read_raster((finished() / "out" / "test_South_nee_annual.tif").string());
      const Raster gpp = read_raster((finished() / composite()).string());
      // The southern edge of the region, in the composite's sphere: y is a multiple of latitude.
      const OGRSpatialReference from(nee.wkt.c_str()), to(gpp.wkt.c_str());
      auto grid = from, sphere = to;
      grid.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
      sphere.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
      const std::unique_ptr<OGRCoordinateTransformation> transform(
          OGRCreateCoordinateTransformation(&grid, &sphere));
      double x = nee.transform[0] + 250.0 * nee.columns / 2;
      double y = nee.transform[3] - 250.0 * nee.rows;
      transform->Transform(1, &x, &y);
      return static_cast<int>((gpp.transform[3] - y) / -gpp.transform[5]);
    }();
    return found;
  }
  void SetUp() override {
    const Outcome copied =
        execute({"cp", "-a", (finished() / ".").string(), (folder() / "w").string()});
    ASSERT_EQ(0, copied.code) << copied.err;
  }
  [[nodiscard]] fs::path world() const { return folder() / "w"; }
  [[nodiscard]] fs::path out() const { return folder() / "w" / "out"; }
  [[nodiscard]] Outcome again(const Words& more = {}) const {
    Words all = one_region;
    all.insert(all.end(), more.begin(), more.end());
    return fluxtile(words("run", world(), out(), all));
  }
  void mend() const {
    fs::copy(finished() / composite(), world() / composite(), fs::copy_options::overwrite_existing);
  }
  [[nodiscard]] Json status() const {
    Words all = one_region;
    all.emplace_back("--json");
    const Outcome told = fluxtile(words("status", world(), out(), all));
    EXPECT_EQ(0, told.code) << told.err;
    return Json::parse(told.out);
  }
};

const Words forgiving = {"--set", "run.max_failed_tiles=3"};

TEST_F(BadTiles, AreRecordedTheRestIsDoneAndOnlyTheyAreRunAgain) {
  const Contents whole = products(finished() / "out");
  damage_row(world() / composite(), row());
  const Outcome failed = again(forgiving);
  ASSERT_EQ(1, failed.code) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("gpp_2018185.tif"));
  const Json record = run_record(out());
  const int bad = record.at("tiles").at("failed").get<int>();
  ASSERT_GE(bad, 1);
  ASSERT_LT(bad, tiles);
  ASSERT_EQ(static_cast<size_t>(bad), record.at("failures").size());
  for (const Json& failure : record.at("failures")) {
    // Where inputs are read: for the networks, or (open) to compare them with the stored tile-year.
    EXPECT_THAT(failure.at("stage").get<std::string>(), testing::AnyOf("ingest_gpp", "open"));
    EXPECT_THAT(failure.at("input").get<std::string>(), HasSubstr("gpp_2018185.tif"));
    EXPECT_NE("", failure.at("cause").get<std::string>());
    EXPECT_EQ(2018, failure.at("year").get<int>());
  }
  EXPECT_THAT(read_file((out() / "report.html").string()), HasSubstr("failed"));

  // The failed tiles' cells are nodata with bit 64, the others have the values they had.
  const Raster before = read_raster((finished() / "out" / "test_South_nee_annual.tif").string());
  const Raster nee = read_raster((out() / "test_South_nee_annual.tif").string());
  const Raster flags = read_raster((out() / "test_South_quality_annual.tif").string());
  size_t lost = 0, kept = 0;
  for (size_t cell = 0; cell < nee.bands.front().size(); ++cell) {
    const double flag = flags.bands.front()[cell], value = nee.bands.front()[cell];
    if (!std::isnan(flag) && (static_cast<int>(flag) & failed_tile) != 0) {
      EXPECT_EQ(failed_tile, flag);
      EXPECT_TRUE(std::isnan(value));
      ++lost;
    } else if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(before.bands.front()[cell]));
    } else {
      EXPECT_EQ(before.bands.front()[cell], value);
      ++kept;
    }
  }
  EXPECT_GT(lost, 10U);
  EXPECT_GT(kept, 10U);
  EXPECT_EQ(0, fluxtile({"verify", out().string()}).code) << "what is there belongs together";

  Json told = status();
  EXPECT_EQ(bad, told.at("failed").get<int>());
  EXPECT_EQ(tiles - bad, told.at("done").get<int>());
  EXPECT_EQ(1, told.at("failed_tiles").at(0).at("attempts").get<int>());
  EXPECT_EQ(1, told.at("last_run").at("exit_code").get<int>());

  // The next night tries them again, them alone.
  const Outcome second = again({"--set", "run.max_failed_tiles=3", "--log-level", "info"});
  EXPECT_EQ(1, second.code);
  EXPECT_THAT(second.err, HasSubstr("0 tile-years computed, " + std::to_string(tiles - bad)));
  told = status();
  EXPECT_EQ(2, told.at("failed_tiles").at(0).at("attempts").get<int>());

  mend();
  const Outcome mended = again({"--log-level", "info"});
  EXPECT_EQ(0, mended.code) << mended.err;
  // Their tile-years of before the damage are of these values, and are found to be.
  EXPECT_EQ(0, tile_years_computed(out()));
  EXPECT_EQ("", differences(whole, products(out())));
  EXPECT_EQ(0, status().at("failed").get<int>());
  EXPECT_EQ(0U, count_files(out() / ".fluxtile" / "failures", ".json"));
}

TEST_F(BadTiles, AboveTheMostThatIsAllowedTheOldProductsStay) {
  damage_row(world() / composite(), row());
  const Contents before = contents(out());
  const Outcome failed = again();  // run.max_failed_tiles is 0
  EXPECT_EQ(1, failed.code);
  EXPECT_THAT(failed.err, HasSubstr("the products are left as they were"));
  EXPECT_THAT(failed.err, HasSubstr("max_failed_tiles"));
  EXPECT_TRUE(before == contents(out())) << differences(before, contents(out()));
  EXPECT_GE(status().at("failed").get<int>(), 1);
  EXPECT_FALSE(status().at("last_run").at("products_written").get<bool>());
  EXPECT_EQ(0, fluxtile({"verify", out().string()}).code);
  mend();
  EXPECT_EQ(0, again().code);
  EXPECT_EQ("", differences(products(finished() / "out"), products(out())));
}

TEST_F(BadTiles, AnUnreadableCompositeIsAnErrorAndNeverAGap) {
  write_atomically((world() / composite()).string(), "not a raster at all");
  const Contents before = contents(out());
  const Outcome refused = again({"--set", "run.max_failed_tiles=100"});
  EXPECT_EQ(65, refused.code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("gpp_2018185.tif"));
  EXPECT_TRUE(before == contents(out()));
  // The operator still sees what the last plan came to.
  const Json told = status();
  EXPECT_THAT(told.at("note").get<std::string>(), HasSubstr("gpp_2018185.tif"));
  EXPECT_EQ(tiles, told.at("done").get<int>());
  EXPECT_EQ(65, told.at("last_run").at("exit_code").get<int>());
}

}  // namespace
}  // namespace fluxtile::end_to_end
