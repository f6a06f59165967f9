// SPDX-License-Identifier: Apache-2.0
// The main job on measured input: three fields near Mead, Nebraska. What reaches the network is
// compared with the tables that the rasters were made from.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "raster.h"
#include "tests/shared/needs_folder.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<Row> read_table(const fs::path& file) {
  std::ifstream stream(file);
  const auto split = [](const std::string& line) {
    std::vector<std::string> words;
    std::istringstream cells(line);
    for (std::string word; std::getline(cells, word, ',');) words.push_back(word);
    return words;
  };
  std::string line;
  std::getline(stream, line);
  const auto names = split(line);
  std::vector<Row> rows;
  while (std::getline(stream, line)) {
    const auto words = split(line);
    Row row;
    for (size_t k = 0; k < names.size() && k < words.size(); ++k) row[names[k]] = words[k];
    rows.push_back(std::move(row));
  }
  return rows;
}

double number(const Row& row, const std::string& name) { return std::stod(row.at(name)); }

class Mead : public test::NeedsFolders<Workplace, test::kRealData, test::kGolden> {
 protected:
  void given() override {
    const fs::path data = given_folder(0), golden = given_folder(1);
    world_ = folder() / "mead-ne";
    fs::copy(data / "mead-ne", world_, fs::copy_options::recursive);
    fs::create_directory(world_ / "models");
    fs::copy(golden / "kgml" / "package", world_ / "models" / "global",
             fs::copy_options::recursive);
  }
  fs::path world_;
};

TEST_F(Mead, ThreeFieldsTwoYears) {
  const fs::path out = folder() / "out";
  const Outcome done = run(world_, out);
  EXPECT_EQ(0, fluxtile({"verify", out.string()}).code);
  for (const std::string site : {"US-Ne1", "US-Ne2", "US-Ne3"}) {
    for (const std::string variable : {"ra", "rh", "reco", "nee"}) {
      const Raster map =
          read_raster((out / ("mead-2003_" + site + "_" + variable + "_annual.tif")).string());
      EXPECT_THAT(map.descriptions, testing::ElementsAre("2003", "2004"));
      size_t values = 0;
      for (const auto& band : map.bands) {
        for (const double value : band) values += std::isnan(value) ? 0 : 1;
      }
      EXPECT_GT(values, 20U) << site << " " << variable;
    }
    EXPECT_EQ(2U, netcdf_length(out / ("mead-2003_" + site + "_annual.nc"), "time"));
    EXPECT_EQ(24U, netcdf_length(out / ("mead-2003_" + site + "_monthly.nc"), "time"));
  }
  const Json record = run_record(out);
  EXPECT_EQ(3U, record.at("regions").size());
  EXPECT_FALSE(record.at("synthetic_model").get<bool>());
}

TEST_F(Mead, InputsEqualTheTables) {
  std::map<std::string, Row> weather, fluxes;
  for (const Row& row : read_table(world_ / "daily_weather.csv")) weather[row.at("date")] = row;
  for (const Row& row : read_table(world_ / "fluxes_monthly.csv"))
    fluxes[row.at("site") + row.at("month")] = row;
  std::map<std::string, double> soil;
  for (const Row& row : read_table(world_ / "soil.csv"))
    soil[row.at("name")] = number(row, "value");
  ASSERT_EQ(9U, soil.size());
  const std::map<std::string, std::string> sites = {{"US-Ne1", "-96.4766,41.1651"},
                                                    {"US-Ne2", "-96.4701,41.1649"},
                                                    {"US-Ne3", "-96.4397,41.1797"}};
  for (const auto& [site, place] : sites) {
    const Outcome asked =
        fluxtile(words("pixel", world_, folder() / "out", {"--json", "--lonlat", "--at", place}));
    ASSERT_EQ(0, asked.code) << asked.err;
    const Json cell = Json::parse(asked.out).at(0);
    ASSERT_EQ(site, cell.at("region").get<std::string>());
    ASSERT_EQ("", cell.at("reason").get<std::string>());
    std::map<std::string, size_t> position;
    for (size_t k = 0; k < cell.at("inputs").size(); ++k)
      position[cell.at("inputs").at(k).at("name").get<std::string>()] = k;
    ASSERT_EQ(731U, cell.at("days").size()) << "2003 and the leap year 2004";
    for (const Json& day : cell.at("days")) {
      const std::string date = day.at("date").get<std::string>();
      const auto value = [&](const std::string& name) {
        return day.at("inputs").at(position.at(name)).get<double>();
      };
      const Row& sky = weather.at(date);
      const double tmax = number(sky, "tmax_degC"), vapmax = number(sky, "vapmax_kPa");
      // The table has four digits; the grid and the pipeline hold float32.
      constexpr double rounding = 0.6e-4;
      ASSERT_NEAR(tmax, value("TMAX_AIR"), rounding) << site << date;
      ASSERT_NEAR(tmax - number(sky, "tmin_degC"), value("TDIF_AIR"), 2 * rounding) << site << date;
      ASSERT_NEAR(number(sky, "srad_W_m-2") * 0.0864, value("RADN"), 1e-5) << site << date;
      ASSERT_NEAR(vapmax, value("HMAX_AIR"), rounding) << site << date;
      ASSERT_NEAR(vapmax - number(sky, "vapmin_kPa"), value("HDIF_AIR"), 2 * rounding)
          << site << date;
      ASSERT_NEAR(number(sky, "wind_m_s-1") * 86.4, value("WIND"), rounding * 86.4) << site << date;
      ASSERT_NEAR(number(sky, "precip_mm_d-1"), value("PRECN"), rounding) << site << date;
      const Row& month = fluxes.at(site + date.substr(0, 4) + date.substr(5, 2));
      ASSERT_NEAR(std::max(0.0, number(month, "gpp_gC_m-2_d-1")), value("GPP"), 0.00051)
          << site << date;
      ASSERT_EQ(number(month, "crop"), value("Crop_Type")) << site << date;
      ASSERT_EQ(std::stod(date.substr(0, 4)), value("Year"));
      for (const auto& [name, wanted] : soil)
        ASSERT_NEAR(wanted, value(name), 1.1e-5 * std::max(1.0, std::abs(wanted))) << site << name;
    }
  }
}

}  // namespace
}  // namespace fluxtile::end_to_end
