// SPDX-License-Identifier: Apache-2.0
#include "geo/stac_item.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace fluxtile {
namespace {

StacItem example() {
  StacItem item;
  item.id = "demo_IA";
  item.title = "demo, IA";
  item.first = {2018, 1, 1};
  item.end = {2020, 1, 1};
  item.grid.lattice = {"EPSG:5070", 250, 0, 0};
  item.grid.window = {800, -8600, 40, 30};
  item.version = "0.1.0";
  StacAsset asset;
  asset.key = "reco_annual";
  asset.href = "demo_IA_reco_annual.tif";
  asset.media_type = kMediaCog;
  asset.roles = {"data"};
  asset.bands = {{"2018", "gC m-2"}, {"2019", "gC m-2"}};
  asset.bytes = 1234;
  asset.sha256 = std::string(64, 'a');
  item.assets = {asset};
  return item;
}

TEST(StacItem, HasWhatTheSpecificationsAskFor) {
  const auto json = nlohmann::json::parse(stac_item_text(example()));
  EXPECT_EQ(json.at("type"), "Feature");
  EXPECT_EQ(json.at("stac_version"), "1.0.0");
  EXPECT_TRUE(json.at("links").is_array());
  const auto& p = json.at("properties");
  EXPECT_TRUE(p.at("datetime").is_null());
  EXPECT_EQ(p.at("start_datetime"), "2018-01-01T00:00:00Z");
  EXPECT_EQ(p.at("end_datetime"), "2019-12-31T23:59:59Z");
  EXPECT_EQ(p.at("proj:epsg"), 5070);
  EXPECT_EQ(p.at("proj:shape"), nlohmann::json::parse("[30, 40]"));
  EXPECT_EQ(p.at("proj:transform"), nlohmann::json::parse("[250, 0, 200000, 0, -250, 2150000]"));
  EXPECT_EQ(p.at("processing:software").at("fluxtile"), "0.1.0");
  const auto& asset = json.at("assets").at("reco_annual");
  EXPECT_EQ(asset.at("raster:bands").size(), 2U);
  EXPECT_EQ(asset.at("raster:bands")[1].at("unit"), "gC m-2");
  EXPECT_EQ(asset.at("file:size"), 1234);
  EXPECT_EQ(asset.at("file:checksum"), "1220" + std::string(64, 'a'));
}

TEST(StacItem, FootprintIsWhereTheGridIs) {
  const auto json = nlohmann::json::parse(stac_item_text(example()));
  const auto box = json.at("bbox").get<std::vector<double>>();
  // 200..210 km east of 96 W at 2142.5..2150 km: north-west Iowa.
  EXPECT_NEAR(box[0], -93.56, 0.02);
  EXPECT_NEAR(box[1], 42.21, 0.1);
  EXPECT_LT(box[0], box[2]);
  EXPECT_LT(box[1], box[3]);
  const auto ring = json.at("geometry").at("coordinates").at(0);
  EXPECT_EQ(ring.front(), ring.back());
  double twice_area = 0;
  for (size_t i = 0; i + 1 < ring.size(); ++i)
    twice_area += ring[i][0].get<double>() * ring[i + 1][1].get<double>() -
                  ring[i + 1][0].get<double>() * ring[i][1].get<double>();
  EXPECT_GT(twice_area, 0);  // counter-clockwise, RFC 7946
}

TEST(StacItem, SameTextEveryTime) {
  EXPECT_EQ(stac_item_text(example()), stac_item_text(example()));
}

}  // namespace
}  // namespace fluxtile
