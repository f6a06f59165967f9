// SPDX-License-Identifier: Apache-2.0
#pragma once

// Made-up towers' files in a folder of their own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "geo/calendar.h"

namespace fluxtile {

class TowerFolder : public testing::Test {
 protected:
  TowerFolder() {
    std::string name = (std::filesystem::path(testing::TempDir()) / "fluxtile-tower-XXXXXX");
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~TowerFolder() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return path(name);
  }

  /// What `work` throws.
  static Error refusal(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "not refused";
    return Error(Code::internal, "not refused");
  }

  /// True fluxes of a made-up field on a day: Reco, GPP.
  static double reco_of(int day) { return 2 + 1.5 * std::sin(0.0172 * (day - 100)); }
  static double gpp_of(int day) {
    const double wave = std::sin(0.0172 * (day - 110));
    return wave > 0 ? 9 * wave : 0.0;
  }
  static std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
  }

  /// A daily FLUXNET2015 file of whole years; `qc(days since the first)` is the quality.
  static std::string fluxnet_days(
      int first_year, int last_year, const std::function<double(int)>& qc = [](int) { return 1.0; },
      double sign = 1) {
    std::string text =
        "TIMESTAMP,TA_F,NEE_VUT_REF,NEE_VUT_REF_QC,RECO_NT_VUT_REF,GPP_NT_VUT_REF,"
        "RECO_DT_VUT_REF,GPP_DT_VUT_REF\n";
    int k = 0;
    for (int year = first_year; year <= last_year; ++year) {
      for (int day = 0; day < days_in_year(year); ++day, ++k) {
        const Date date = from_day_of_year(year, day);
        char stamp[16];
        std::snprintf(stamp, sizeof stamp, "%04d%02d%02d", date.year, date.month, date.day);
        const double reco = reco_of(day), gpp = gpp_of(day);
        text += std::string(stamp) + ",10," + number(sign * (reco - gpp)) + "," + number(qc(k)) +
                "," + number(reco) + "," + number(gpp) + "," + number(reco + 0.5) + "," +
                number(gpp + 0.5) + "\n";
      }
    }
    return text;
  }

  /// Daily weather of whole years with all that tables have to give but GPP.
  static std::string weather_days(int first_year, int last_year) {
    std::string text = "date,tmax,tmin,srad,vmax,vmin,wind,rain\n";
    for (int year = first_year; year <= last_year; ++year) {
      for (int day = 0; day < days_in_year(year); ++day) {
        const double warm = 10 + 12 * std::sin(0.0172 * (day - 100));
        text += to_text(from_day_of_year(year, day)) + "," + number(warm + 6) + "," +
                number(warm - 5) + "," + number(200 + day * 0.1) + ",1.5,0.9,4," +
                number(day % 5 == 0 ? 6 : 0) + "\n";
      }
    }
    return text;
  }

  /// A description with weather from `weather.csv`, one site, and the fluxes given.
  static std::string description(const std::string& fluxes, const std::string& crop = "corn",
                                 const std::string& name = "US-Xx1") {
    return "fluxtile-towers: 1\n"
           "inputs:\n"
           "  weather:\n"
           "    - files: weather.csv\n"
           "      date: date\n"
           "      source: station\n"
           "      columns:\n"
           "        RADN: {column: srad, unit: W m-2}\n"
           "        TMAX_AIR: {column: tmax, unit: degC}\n"
           "        TDIF_AIR: {difference: [tmax, tmin], unit: K}\n"
           "        HMAX_AIR: {column: vmax, unit: hPa}\n"
           "        HDIF_AIR: {difference: [vmax, vmin], unit: kPa}\n"
           "        WIND: {column: wind, unit: m s-1}\n"
           "        PRECN: {column: rain, unit: mm}\n"
           "  soil:\n"
           "    TBKDS: {value: 1.3, unit: g cm-3}\n"
           "    TSAND: {value: 20, unit: \"%\"}\n"
           "    TSILT: {value: 500, unit: g kg-1}\n"
           "    TFC: {value: 0.3, unit: m3 m-3}\n"
           "    TWP: {value: 0.15, unit: m3 m-3}\n"
           "    TKSat: {value: 10, unit: um s-1}\n"
           "    TSOC: {value: 18, unit: gC kg-1}\n"
           "    TPH: {value: 6.2, unit: \"1\"}\n"
           "    TCEC: {value: 20, unit: cmol kg-1}\n"
           "sites:\n"
           "  - {name: " +
           name + ", region: Iowa, latitude: 42, longitude: -93.5, crop: " + crop +
           "}\n"
           "fluxes:\n" +
           fluxes;
  }
  static std::string fluxnet_fluxes(const std::string& more = "") {
    return "  format: fluxnet2015\n  files: FLX_*_DD_*.csv\n" + more;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace fluxtile
