// SPDX-License-Identifier: Apache-2.0
// What the products of a run hold: placement, units, sums, flags, tables; and what the options of
// crops and models do to them.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/digest.h"
#include "raster.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

constexpr double square_km = 0.25 * 0.25;  // of a cell, in an equal-area projection

class Products : public Workplace {
 protected:
  /// Three regions, two models, one year without spin-up.
  static const fs::path& outputs() {
    static const Folder place;
    static const bool made = [] {
      run(test_world(), place.path(),
          {"--set", "period.spinup=0", "--memory", "1GB", "--threads", "2"});
      return true;
    }();
    static_cast<void>(made);
    return place.path();
  }
  static Raster annual(const fs::path& folder, const std::string& region,
                       const std::string& variable) {
    return read_raster((folder / ("test_" + region + "_" + variable + "_annual.tif")).string());
  }
  /// Annual maps of one region under other options.
  Raster variant(const std::string& region, const std::string& name, const Words& options,
                 const std::string& variable) {
    const fs::path out = folder() / name;
    if (!fs::exists(out)) {
      Words all = {"--set", "period.spinup=0", "--set", "region.select=[" + region + "]"};
      all.insert(all.end(), options.begin(), options.end());
      run(test_world(), out, all);
    }
    return annual(out, region, variable);
  }
};

TEST_F(Products, GeotiffAndNetcdfTellTheSame) {
  for (const std::string region : {"North", "East", "South"}) {
    for (const std::string variable : {"ra", "rh", "reco", "nee"}) {
      const Raster tif = annual(outputs(), region, variable);
      const fs::path file = outputs() / ("test_" + region + "_annual.nc");
      const Raster nc = read_raster("NETCDF:" + file.string() + ":" + variable);
      EXPECT_TRUE(same_crs(tif.wkt, nc.wkt)) << region;
      EXPECT_EQ(tif.transform, nc.transform);
      EXPECT_EQ(tif.columns, nc.columns);
      EXPECT_EQ(tif.rows, nc.rows);
      EXPECT_EQ(-9999, tif.nodata.front());
      EXPECT_EQ(-9999, nc.nodata.front());
      EXPECT_EQ("gC m-2", tif.units.front());
      EXPECT_EQ("g m-2", nc.units.front());
      EXPECT_EQ("2018", tif.descriptions.front());
      EXPECT_TRUE(tif.statistics.front());
      EXPECT_THAT(netcdf_attribute(file, variable, "long_name"), HasSubstr("carbon"));
      ASSERT_EQ(tif.bands.front().size(), nc.bands.front().size());
      size_t values = 0;
      for (size_t k = 0; k < tif.bands.front().size(); ++k) {
        const double a = tif.bands.front()[k], b = nc.bands.front()[k];
        EXPECT_EQ(std::isnan(a), std::isnan(b));
        if (!std::isnan(a)) {
          EXPECT_EQ(a, b);
          ++values;
        }
      }
      EXPECT_GT(values, 10U);
      EXPECT_EQ(0, std::fmod(tif.transform[0], 250)) << "edges snap to the lattice";
      EXPECT_EQ(0, std::fmod(tif.transform[3], 250));
      EXPECT_THAT(tif.tag("WARNING"), HasSubstr("synthetic"));
      EXPECT_FALSE(tif.tag("FLUXTILE_RESULT").empty());
    }
  }
}

TEST_F(Products, MonthsAddUpToTheYearAndRaAndRhToReco) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const fs::path monthly = outputs() / "test_East_monthly.nc";
  EXPECT_EQ(12U, netcdf_length(monthly, "time"));
  std::map<std::string, Raster> year;
  for (const std::string variable : {"ra", "rh", "reco", "nee"}) {
    year[variable] = annual(outputs(), "East", variable);
    const Raster months = read_raster("NETCDF:" + monthly.string() + ":" + variable);
    EXPECT_EQ("g m-2 d-1", months.units.front());
    ASSERT_EQ(12U, months.bands.size());
    for (size_t k = 0; k < year[variable].bands.front().size(); ++k) {
      double sum = 0;
      for (size_t m = 0; m < 12; ++m) sum += months.bands[m][k] * days[m];
      const double whole = year[variable].bands.front()[k];
      EXPECT_EQ(std::isnan(whole), std::isnan(sum));
      if (!std::isnan(whole)) {
        EXPECT_NEAR(whole, sum, 2e-3);
      }
    }
  }
  size_t uptake = 0;
  for (size_t k = 0; k < year["ra"].bands.front().size(); ++k) {
    const double reco = year["reco"].bands.front()[k];
    if (std::isnan(reco)) continue;
    EXPECT_NEAR(reco, year["ra"].bands.front()[k] + year["rh"].bands.front()[k], 1e-3);
    EXPECT_GT(reco, 0);
    uptake += year["nee"].bands.front()[k] < 0 ? 1 : 0;
  }
  EXPECT_GT(uptake, 0U) << "uptake is negative";
}

TEST_F(Products, QualityFlagsAreKnownBits) {
  constexpr int known = 1 + 2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512 + 1024;
  const Raster nee = annual(outputs(), "East", "nee");
  const Raster year = read_raster((outputs() / "test_East_quality_annual.tif").string());
  const Raster months = read_raster((outputs() / "test_East_quality_monthly_2018.tif").string());
  EXPECT_EQ(65535, year.nodata.front());
  EXPECT_EQ("2018", year.descriptions.front());
  ASSERT_EQ(12U, months.bands.size());
  EXPECT_EQ("2018-03", months.descriptions[2]);
  size_t gap_filled = 0;
  for (size_t k = 0; k < nee.bands.front().size(); ++k) {
    const double flags = year.bands.front()[k];
    ASSERT_EQ(std::isnan(nee.bands.front()[k]), std::isnan(flags)) << "cell " << k;
    if (std::isnan(flags)) continue;
    int any = 0;
    for (const auto& month : months.bands) {
      ASSERT_FALSE(std::isnan(month[k]));
      any |= static_cast<int>(month[k]);
    }
    EXPECT_EQ(any, static_cast<int>(flags)) << "the year is the OR of its months";
    EXPECT_EQ(0, any & ~known);
    EXPECT_EQ(0, any & (4 | 8 | 16 | 32 | 64)) << "a whole year of whole inputs";
    gap_filled += (any & 1) != 0 ? 1 : 0;
  }
  EXPECT_GT(gap_filled, 0U) << "a tenth of the composites' cells is hidden by clouds";
}

TEST_F(Products, SummaryAgreesWithTheMaps) {
  std::istringstream table(contents(outputs()).at("test_summary.csv"));
  const auto split = [](const std::string& line) {
    Words words;
    std::istringstream cells(line);
    for (std::string word; std::getline(cells, word, ',');) words.push_back(word);
    return words;
  };
  std::string line;
  std::getline(table, line);
  const Words names = split(line);
  size_t checked = 0;
  while (std::getline(table, line)) {
    const Words words = split(line);
    std::map<std::string, std::string> row;
    for (size_t k = 0; k < std::min(names.size(), words.size()); ++k) row[names[k]] = words[k];
    if (row.at("period") != "2018" || row.at("variable") != "nee") continue;
    const Raster nee = annual(outputs(), row.at("region"), "nee");
    double sum = 0, count = 0;
    for (const double value : nee.bands.front()) {
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
    const double area = count * square_km;
    EXPECT_EQ("2018-01-01", row.at("first_day"));
    EXPECT_EQ("2018-12-31", row.at("last_day"));
    EXPECT_NEAR(area, std::stod(row.at("modelled_area_km2")), 1e-4 * area);
    EXPECT_NEAR(sum / count, std::stod(row.at("mean_gC_m-2")), 1e-3 * std::abs(sum / count));
    EXPECT_NEAR(sum * square_km, std::stod(row.at("total_MgC")), 1e-3 * std::abs(sum * square_km));
    EXPECT_GT(std::stod(row.at("area_km2")), area);
    ++checked;
  }
  EXPECT_EQ(3U, checked);
}

TEST_F(Products, RunRecordListsWhatIsThere) {
  const Json record = run_record(outputs());
  size_t listed = 0;
  for (const Json& product : record.at("products")) {
    const fs::path file = outputs() / product.at("file").get<std::string>();
    ASSERT_TRUE(fs::exists(file)) << file;
    EXPECT_EQ(fs::file_size(file), product.at("bytes").get<size_t>());
    EXPECT_EQ(sha256_file(file.string()), product.at("sha256").get<std::string>());
    ++listed;
  }
  EXPECT_EQ(listed + 1, contents(outputs()).size()) << "run.json itself is the only other file";
  EXPECT_EQ("2018-01-01", record.at("period").at("start").get<std::string>());
  EXPECT_TRUE(record.at("synthetic_model").get<bool>());
  EXPECT_EQ(0, record.at("tiles").at("failed").get<int>());
  EXPECT_GT(record.at("cells").at("modelled").get<int>(), 100);
}

TEST_F(Products, StacItemPointsToTheProducts) {
  for (const std::string region : {"North", "East", "South"}) {
    const Json item = read_json(outputs() / ("test_" + region + ".stac.json"));
    EXPECT_EQ("Feature", item.at("type").get<std::string>());
    EXPECT_EQ("2018-01-01T00:00:00Z",
              item.at("properties").at("start_datetime").get<std::string>());
    EXPECT_EQ(5070, item.at("properties").at("proj:epsg").get<int>());
    const auto& box = item.at("bbox");
    EXPECT_LT(box[0].get<double>(), box[2].get<double>());
    EXPECT_LT(std::abs(box[0].get<double>() + 91.42), 0.1);
    EXPECT_LT(std::abs(box[1].get<double>() - 40.38), 0.1);
    size_t files = 0;
    for (const auto& [key, asset] : item.at("assets").items()) {
      const std::string target = asset.at("href").get<std::string>();
      EXPECT_TRUE(fs::exists(outputs() / target)) << key << " -> " << target;
      ++files;
    }
    EXPECT_GE(files, 8U);
  }
}

TEST_F(Products, MemoryStaysUnderThePromise) {
  const Json memory = run_record(outputs()).at("memory");
  EXPECT_EQ(1000000000, memory.at("promised_bytes").get<int64_t>());
  EXPECT_LE(memory.at("peak_bytes").get<int64_t>(), memory.at("promised_bytes").get<int64_t>());
  EXPECT_GT(memory.at("peak_bytes").get<int64_t>(), 50000000);
}

TEST_F(Products, EnsembleIsTheMeanOfItsMembers) {
  const auto both = [&](const std::string& variable) {
    return variant("South", "both", {"--set", "models.regions={South: [demo-global, demo-iowa]}"},
                   variable);
  };
  for (const std::string variable : {"ra", "rh", "nee"}) {
    const Raster mean = both(variable);
    const Raster a =
        variant("South", "global", {"--set", "models.regions={South: demo-global}"}, variable);
    const Raster b =
        variant("South", "iowa", {"--set", "models.regions={South: demo-iowa}"}, variable);
    double largest = 0;
    for (size_t k = 0; k < mean.bands.front().size(); ++k) {
      const double one = a.bands.front()[k], two = b.bands.front()[k];
      ASSERT_EQ(std::isnan(one), std::isnan(mean.bands.front()[k]));
      if (std::isnan(one)) continue;
      EXPECT_NEAR((one + two) / 2, mean.bands.front()[k], 1e-4 + 1e-6 * std::abs(one));
      largest = std::max(largest, std::abs(one - two));
    }
    EXPECT_GT(largest, 1) << "the two models differ in " << variable;
  }
}

TEST_F(Products, EveryRegionHasItsModel) {
  // North has its own package; run with the shared one it is another map, South is not.
  const Raster own = annual(outputs(), "North", "nee");
  const Raster shared = variant("North", "shared", {"--set", "models.regions={}"}, "nee");
  double largest = 0;
  for (size_t k = 0; k < own.bands.front().size(); ++k) {
    if (!std::isnan(own.bands.front()[k]))
      largest = std::max(largest, std::abs(own.bands.front()[k] - shared.bands.front()[k]));
  }
  EXPECT_GT(largest, 1);
  const Raster south = annual(outputs(), "South", "nee");
  const Raster alone = variant("South", "alone", {"--set", "models.regions={}"}, "nee");
  for (size_t k = 0; k < south.bands.front().size(); ++k) {
    if (!std::isnan(south.bands.front()[k])) {
      EXPECT_EQ(south.bands.front()[k], alone.bands.front()[k]);
    }
  }
}

TEST_F(Products, EmptyMapsAreTold) {
  const Outcome done = run(test_world(), folder(),
                           {"--set", "region.select=[South]", "--set", "models.regions={}", "--set",
                            "period.spinup=0", "--set", "inputs.crop.map={99: 1}"});
  EXPECT_THAT(done.err, HasSubstr("region South: no cell is modelled"));
  EXPECT_EQ(54, run_record(folder()).at("cells").at("without_crop").get<int>());
}

TEST_F(Products, FractionMixesCropsByTheirShare) {
  const Words corn = {"--set", "inputs.crop.map={1: 1}", "--set", "inputs.crop.mode=fraction"};
  const Words soy = {"--set", "inputs.crop.map={5: 5}", "--set", "inputs.crop.mode=fraction"};
  const Words mixed = {"--set", "inputs.crop.mode=fraction"};
  const Words majority = {"--set", "inputs.crop.mode=majority", "--set",
                          "inputs.crop.min_share=0.01"};
  std::map<std::string, Raster> a, b, mix, most;
  for (const std::string variable : {"ra", "rh", "nee"}) {
    a[variable] = variant("East", "corn", corn, variable);
    b[variable] = variant("East", "soy", soy, variable);
    mix[variable] = variant("East", "mixed", mixed, variable);
    most[variable] = variant("East", "majority", majority, variable);
  }
  size_t both = 0, between = 0, one_only = 0;
  for (size_t k = 0; k < mix["ra"].bands.front().size(); ++k) {
    const auto at = [k](std::map<std::string, Raster>& maps, const std::string& variable) {
      return maps[variable].bands.front()[k];
    };
    const bool has_a = !std::isnan(at(a, "ra")), has_b = !std::isnan(at(b, "ra"));
    ASSERT_EQ(has_a || has_b, !std::isnan(at(mix, "ra"))) << "cell " << k;
    if (has_a != has_b) {
      EXPECT_NEAR(at(has_a ? a : b, "nee"), at(mix, "nee"), 1e-4);
      ++one_only;
    }
    if (!has_a || !has_b) continue;
    ++both;
    double share = -1;
    for (const std::string variable : {"ra", "rh", "nee"}) {
      const double span = at(a, variable) - at(b, variable);
      if (std::abs(span) < 5) continue;
      const double here = (at(mix, variable) - at(b, variable)) / span;
      EXPECT_GT(here, -1e-4);
      EXPECT_LT(here, 1 + 1e-4);
      if (share >= 0) {
        EXPECT_NEAR(share, here, 1e-3) << "one share for all variables";
      }
      share = here;
      between += here > 0.01 && here < 0.99 ? 1 : 0;
      if (std::abs(here - 0.5) > 1e-3 && !std::isnan(at(most, variable))) {
        EXPECT_EQ(here > 0.5 ? at(a, variable) : at(b, variable), at(most, variable))
            << "the larger share wins";
      }
    }
  }
  EXPECT_GT(both, 5U);
  EXPECT_GT(one_only, 5U);
  EXPECT_GT(between, 5U);
}

}  // namespace
}  // namespace fluxtile::end_to_end
