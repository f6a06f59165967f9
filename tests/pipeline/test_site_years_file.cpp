// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/site_years_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <netcdf.h>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include <netcdf>

#include "base/atomic_file.h"
#include "base/error.h"

namespace fluxtile {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

SiteYears small_table(size_t sites = 3, int first_year = 2001, size_t years = 2) {
  SiteYears t;
  for (size_t s = 0; s < sites; ++s) {
    t.sites.push_back({"Site " + std::to_string(s), s == 0 ? "Iowa" : "Illinois", "block",
                       41.5 + 0.1 * static_cast<double>(s), -93.25, "towers"});
  }
  t.sites[0].name = "Bondville, Ferme d'\xC3\xA9t\xC3\xA9";
  for (size_t y = 0; y < years; ++y) t.years.push_back(first_year + static_cast<int>(y));
  t.features = {
      {"RADN", "MJ m-2 d-1", "gridMET"}, {"GPP", "gC m-2 d-1", "SLOPE"}, {"TPH", "1", ""}};
  const size_t n = sites * years;
  uint32_t state = 12345;
  const auto fill = [&state](size_t size) {
    std::vector<float> values(size);
    for (float& v : values) {
      state = state * 1664525U + 1013904223U;
      v = static_cast<float>(static_cast<int32_t>(state)) * 1e-8F;
      if (state % 17 == 0) v = NAN;
    }
    return values;
  };
  t.inputs = fill(n * 365 * 3);
  for (float& v : t.inputs) v = std::isnan(v) ? -0.0F : v;
  t.daily["Reco"] = fill(n * 365);
  t.daily["NEE"] = fill(n * 365);
  t.monthly["Reco"] = fill(n * 12);
  t.annual["Yield"] = fill(n);
  t.truth["NEE"] = fill(n * 365);
  t.synthetic = true;
  t.origin = "a test";
  return t;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
void expect_same(const std::map<std::string, std::vector<float>>& a,
                 const std::map<std::string, std::vector<float>>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, values] : a) {
    ASSERT_EQ(b.count(name), 1U) << name;
    EXPECT_TRUE(same_bits(values, b.at(name))) << name;
  }
}
void expect_same(const SiteYears& a, const SiteYears& b) {
  ASSERT_EQ(a.sites.size(), b.sites.size());
  for (size_t s = 0; s < a.sites.size(); ++s) {
    EXPECT_EQ(a.sites[s].name, b.sites[s].name);
    EXPECT_EQ(a.sites[s].region, b.sites[s].region);
    EXPECT_EQ(a.sites[s].block, b.sites[s].block);
    EXPECT_EQ(a.sites[s].source, b.sites[s].source);
    EXPECT_EQ(a.sites[s].latitude, b.sites[s].latitude);
    EXPECT_EQ(a.sites[s].longitude, b.sites[s].longitude);
  }
  EXPECT_EQ(a.years, b.years);
  ASSERT_EQ(a.features.size(), b.features.size());
  for (size_t i = 0; i < a.features.size(); ++i) {
    EXPECT_EQ(a.features[i].name, b.features[i].name);
    EXPECT_EQ(a.features[i].unit, b.features[i].unit);
    EXPECT_EQ(a.features[i].source, b.features[i].source);
  }
  EXPECT_TRUE(same_bits(a.inputs, b.inputs));
  expect_same(a.daily, b.daily);
  expect_same(a.monthly, b.monthly);
  expect_same(a.annual, b.annual);
  expect_same(a.truth, b.truth);
  EXPECT_EQ(a.synthetic, b.synthetic);
  EXPECT_EQ(a.origin, b.origin);
}

class SiteYearsFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("site_years_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }

  static std::string message_of(const std::function<void()>& work, Code code = Code::data) {
    try {
      work();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      return e.what();
    }
    return "no error";
  }
  static std::string refusal(const std::string& file) {
    return message_of([&] { read_site_years(file); });
  }
  /// A good file, changed by netCDF calls that may redefine it.
  std::string changed(const std::function<void(netCDF::NcFile&)>& change) {
    const std::string file = path("changed.nc");
    write_site_years(small_table(), file);
    netCDF::NcFile nc(file, netCDF::NcFile::write);
    change(nc);
    nc.close();
    return file;
  }
  fs::path folder_;
};

TEST_F(SiteYearsFile, ComesBackBitForBit) {
  const SiteYears table = small_table();
  write_site_years(table, path("a.nc"));
  expect_same(table, read_site_years(path("a.nc")));

  SiteYears other = small_table(1, 1999, 1);
  other.synthetic = false;
  other.origin = "";
  other.truth.clear();
  other.monthly.clear();
  other.annual.clear();
  write_site_years(other, path("b.nc"));
  expect_same(other, read_site_years(path("b.nc")));
}

TEST_F(SiteYearsFile, SameTableSameBytes) {
  write_site_years(small_table(), path("a.nc"));
  write_site_years(small_table(), path("b.nc"));
  EXPECT_TRUE(read_file(path("a.nc")) == read_file(path("b.nc")));
}

TEST_F(SiteYearsFile, DescribesItself) {
  write_site_years(small_table(), path("a.nc"));
  const netCDF::NcFile nc(path("a.nc"), netCDF::NcFile::read);
  const auto text = [](const netCDF::NcAtt& attribute) {
    std::string value;
    attribute.getValues(value);
    return value;
  };
  EXPECT_EQ(text(nc.getAtt("fluxtile_synthetic")), "yes");
  EXPECT_EQ(text(nc.getAtt("origin")), "a test");
  EXPECT_EQ(text(nc.getVar("NEE").getAtt("units")), "gC m-2 d-1");
  EXPECT_EQ(text(nc.getVar("NEE").getAtt("sign")), "negative = uptake by the land");
  EXPECT_EQ(text(nc.getVar("Reco").getAtt("sign")), "positive = release to the air");
  EXPECT_EQ(text(nc.getVar("annual_Yield").getAtt("units")), "gC m-2");
  EXPECT_EQ(nc.getVar("inputs").getDim(3).getName(), "feature");
  EXPECT_EQ(nc.getDim("day").getSize(), 365U);
}

TEST_F(SiteYearsFile, RefusesOtherFiles) {
  EXPECT_THAT(refusal(path("absent.nc")), HasSubstr("absent.nc"));
  EXPECT_THAT(refusal(folder_.string()), HasSubstr("no such"));
  write_atomically(path("text.nc"), "site,year,day\n");
  EXPECT_THAT(refusal(path("text.nc")), HasSubstr("text.nc"));
  {
    netCDF::NcFile nc(path("foreign.nc"), netCDF::NcFile::replace, netCDF::NcFile::nc4);
    nc.addVar("tas", netCDF::ncFloat, nc.addDim("time", 3));
  }
  EXPECT_THAT(refusal(path("foreign.nc")), HasSubstr("something else"));
}

TEST_F(SiteYearsFile, RefusesWhatDoesNotFollowTheSchema) {
  using netCDF::NcFile;
  EXPECT_THAT(
      refusal(changed([](NcFile& nc) { nc.putAtt("fluxtile_site_years", netCDF::ncInt, 2); })),
      HasSubstr("version"));
  EXPECT_THAT(refusal(changed([](NcFile& nc) { nc.putAtt("fluxtile_synthetic", "maybe"); })),
              HasSubstr("maybe"));
  EXPECT_THAT(
      refusal(changed([](NcFile& nc) { nc.getVar("Reco").putAtt("units", "umol m-2 s-1"); })),
      testing::AllOf(HasSubstr("Reco"), HasSubstr("umol"), HasSubstr("gC m-2 d-1")));
  EXPECT_THAT(refusal(changed([](NcFile& nc) { nc.getVar("inputs").rename("input"); })),
              testing::AnyOf(HasSubstr("inputs"), HasSubstr("input")));
  EXPECT_THAT(refusal(changed([](NcFile& nc) { nc.getVar("latitude").rename("lat"); })),
              HasSubstr("latitude"));
  EXPECT_THAT(refusal(changed([](NcFile& nc) { nc.getDim("feature").rename("input"); })),
              HasSubstr("feature"));
  EXPECT_THAT(
      refusal(changed([](NcFile& nc) { nc.addVar("Ra", netCDF::ncFloat, nc.getDim("day")); })),
      testing::AllOf(HasSubstr("Ra"), HasSubstr("(site, year, day)")));
  EXPECT_THAT(refusal(changed([](NcFile& nc) {
                nc.addVar("Ra", netCDF::ncDouble,
                          std::vector<netCDF::NcDim>{nc.getDim("site"), nc.getDim("year"),
                                                     nc.getDim("day")})
                    .putAtt("units", "gC m-2 d-1");
              })),
              testing::AllOf(HasSubstr("Ra"), HasSubstr("double")));
  EXPECT_THAT(refusal(changed([](NcFile& nc) {
                const std::vector<int> years = {2001, 2003};
                nc.getVar("year").putVar(years.data());
              })),
              HasSubstr("2003 after 2001"));
  EXPECT_THAT(refusal(changed([](NcFile& nc) {
                const std::vector<double> latitude = {41, NAN, 40};
                nc.getVar("latitude").putVar(latitude.data());
              })),
              HasSubstr("Site 1"));
}

TEST_F(SiteYearsFile, NoticesDamage) {
  const SiteYears table = small_table(8, 2001, 4);
  write_site_years(table, path("whole.nc"));
  const std::string whole = read_file(path("whole.nc"));
  int refused = 0;
  for (size_t part = 1; part < 10; ++part) {
    write_atomically(path("cut.nc"), whole.substr(0, whole.size() * part / 10));
    EXPECT_THAT(refusal(path("cut.nc")), HasSubstr("cut.nc"));
  }
  // Most bytes of the file are values; a changed one never goes unseen.
  for (size_t i = 0; i < 40; ++i) {
    std::string bytes = whole;
    const size_t at = whole.size() / 3 + i * (whole.size() / 2) / 40;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write_atomically(path("damaged.nc"), bytes);
    try {
      expect_same(table, read_site_years(path("damaged.nc")));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data);
      ++refused;
    }
  }
  EXPECT_GT(refused, 30);
}

// Files of other programs, and those that were changed on purpose, have no digest.
TEST_F(SiteYearsFile, DigestGuardsTheValues) {
  const auto set_value = [](netCDF::NcFile& nc) {
    nc.getVar("NEE").putVar(std::vector<size_t>{1, 0, 7}, 12.5F);
  };
  EXPECT_THAT(refusal(changed(set_value)), HasSubstr("fluxtile_digest"));
  const std::string file = changed([&](netCDF::NcFile& nc) {
    set_value(nc);
    nc_del_att(nc.getId(), NC_GLOBAL, "fluxtile_digest");
  });
  const SiteYears table = read_site_years(file);
  EXPECT_EQ(table.daily.at("NEE")[table.site_year(1, 0) * 365 + 7], 12.5F);
  EXPECT_NE(digest_of(table), digest_of(small_table()));
}

TEST_F(SiteYearsFile, WritingFailsWithAClearMessage) {
  SiteYears bad = small_table();
  bad.daily["Reco"].pop_back();
  EXPECT_THAT(message_of([&] { write_site_years(bad, path("x.nc")); }), HasSubstr("Reco"));
  EXPECT_FALSE(fs::exists(path("x.nc")));
  EXPECT_THROW(write_site_years(SiteYears{}, path("x.nc")), Error);
  write_atomically(path("file"), "x");
  EXPECT_THAT(message_of([&] { write_site_years(small_table(), path("file") + "/x.nc"); },
                         Code::cannot_create),
              HasSubstr("file"));
}

TEST(JoinSiteYears, PutsSitesAndYearsTogether) {
  SiteYears a = small_table(2, 2001, 2), b = small_table(3, 2004, 1);
  for (auto& site : b.sites) site.name += " b";
  b.daily.erase("NEE");
  b.features[1].source = "tower";
  b.synthetic = false;
  b.origin = "towers";
  const SiteYears all = join_site_years({a, b});
  ASSERT_EQ(all.sites.size(), 5U);
  EXPECT_EQ(all.years, (std::vector<int>{2001, 2002, 2003, 2004}));
  EXPECT_EQ(all.features[1].source, "SLOPE, tower");
  EXPECT_EQ(all.features[0].source, "gridMET");
  EXPECT_TRUE(all.synthetic);
  EXPECT_EQ(all.origin, "a test, towers");
  const auto value = [](const SiteYears& t, const char* name, size_t s, size_t y, size_t d) {
    return t.daily.at(name)[t.site_year(s, y) * 365 + d];
  };
  for (size_t d = 0; d < 365; ++d) {
    const auto same = [](float x, float y) { return std::isnan(x) ? std::isnan(y) : x == y; };
    EXPECT_TRUE(same(value(all, "Reco", 1, 1, d), value(a, "Reco", 1, 1, d)));
    EXPECT_TRUE(same(value(all, "Reco", 4, 3, d), value(b, "Reco", 2, 0, d)));
    EXPECT_TRUE(std::isnan(value(all, "Reco", 4, 0, d)));
    EXPECT_TRUE(std::isnan(value(all, "Reco", 0, 2, d)));
    EXPECT_TRUE(std::isnan(value(all, "NEE", 4, 3, d)));
    EXPECT_EQ(all.input(4, 3)[d * 3], b.input(2, 0)[d * 3]);
    EXPECT_TRUE(std::isnan(all.input(0, 3)[d * 3]));
  }
  EXPECT_EQ(all.annual.at("Yield").size(), 20U);
  EXPECT_EQ(all.monthly.at("Reco").size(), 20U * 12);
  EXPECT_EQ(all.truth.at("NEE").size(), 20U * 365);
}

TEST(JoinSiteYears, RefusesWhatDoesNotFit) {
  const auto message = [](const std::vector<SiteYears>& tables) {
    try {
      join_site_years(tables);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  const SiteYears a = small_table();
  SiteYears other = small_table();
  for (auto& site : other.sites) site.name += " b";
  EXPECT_EQ(message({a, other}), "no error");
  EXPECT_THAT(message({}), HasSubstr("no table"));
  EXPECT_THAT(message({a, a}), HasSubstr("twice"));
  SiteYears unit = other;
  unit.features[0].unit = "W m-2";
  EXPECT_THAT(message({a, unit}), testing::AllOf(HasSubstr("W m-2"), HasSubstr("MJ m-2 d-1")));
  SiteYears fewer = other;
  fewer.features.pop_back();
  EXPECT_THAT(message({a, fewer}), HasSubstr("2 in"));
}

}  // namespace
}  // namespace fluxtile
