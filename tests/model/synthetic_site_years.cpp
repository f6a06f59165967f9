// SPDX-License-Identifier: Apache-2.0
#include "synthetic_site_years.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/kgml_ag_c.h"
#include "synthetic_model.h"

namespace fluxtile::test {

SiteYears crop_fields(uint32_t seed, size_t sites, size_t years, size_t regions) {
  constexpr double pi = 3.14159265358979;
  Uniform random(seed);
  SiteYears table;
  const char* units[] = {"MJ m-2 d-1", "degC",    "degC",   "kPa",        "kPa",
                         "km d-1",     "mm d-1",  "1",      "gC m-2 d-1", "year",
                         "Mg m-3",     "g kg-1",  "g kg-1", "m3 m-3",     "m3 m-3",
                         "mm h-1",     "gC kg-1", "1",      "cmol kg-1"};
  const std::vector<std::string>& names = kgml_ag_c::input_names();
  for (size_t f = 0; f < names.size(); ++f)
    table.features.push_back({names[f], units[f], "synthetic"});
  for (size_t y = 0; y < years; ++y) table.years.push_back(2001 + static_cast<int>(y));
  for (size_t s = 0; s < sites; ++s) {
    SiteYears::Site site;
    const size_t region = s % regions;
    site.name = "site " + std::to_string(s);
    site.region = std::string(1, static_cast<char>('A' + region));
    site.block = site.region + std::to_string(s / regions / 2);
    site.latitude = random(38, 43);
    site.longitude = random(-95, -85);
    site.source = "synthetic";
    table.sites.push_back(site);
  }
  const size_t rows = sites * years, days = SiteYears::days;
  for (const char* name : {"Ra", "Rh", "Reco", "NEE"}) table.daily[name].resize(rows * days);
  table.annual["Yield"].resize(rows);
  table.inputs.reserve(rows * days * names.size());
  table.synthetic = true;
  table.origin = "synthetic_site_years.cpp";

  for (size_t s = 0; s < sites; ++s) {
    const double soc = random(8, 40), sand = random(50, 400), warmth = random(-3, 3);
    double statics[9];
    for (double& value : statics) value = random(-1, 1);
    for (size_t y = 0; y < years; ++y) {
      const size_t row = table.site_year(s, y);
      const bool corn = (s + y) % 2 == 0;
      double noise = 0, annual_gpp = 0;
      for (size_t day = 0; day < days; ++day) {
        const double season = std::sin((static_cast<double>(day) - 105) / 365 * 2 * pi);
        noise = 0.7 * noise + random(-2, 2);
        const double tmax = 15 + warmth + 14 * season + noise, range = random(6, 14);
        const double mean_t = tmax - range / 2;
        const double phase = (static_cast<double>(day) - (corn ? 195 : 210)) / (corn ? 40 : 32);
        const double gpp = (corn ? 20 : 13) * std::exp(-phase * phase) * random(0.7, 1.1);
        const double vapour = 0.6108 * std::exp(17.27 * mean_t / (mean_t + 237.3));
        const double x[] = {12 + 8 * season + random(-3, 3),
                            tmax,
                            range,
                            vapour,
                            random(0, 0.6),
                            random(150, 600),
                            random(0, 1) < 0.3 ? random(0, 20) : 0.0,
                            corn ? 1.0 : 5.0,
                            gpp,
                            static_cast<double>(table.years[y]),
                            1.4 + 0.1 * statics[0],
                            sand,
                            600 + 100 * statics[1],
                            0.3 + 0.04 * statics[2],
                            0.16 + 0.04 * statics[3],
                            30 + 20 * statics[4],
                            soc,
                            6.2 + 0.4 * statics[5],
                            20 + 8 * statics[6]};
        for (const double value : x) table.inputs.push_back(static_cast<float>(value));
        const double ra = 0.42 * gpp + 0.1;
        const double rh = 0.5 * (0.5 + soc / 30) * std::exp(0.06 * (mean_t - 10));
        const size_t i = row * days + day;
        table.daily["Ra"][i] = static_cast<float>(ra);
        table.daily["Rh"][i] = static_cast<float>(rh);
        table.daily["Reco"][i] = static_cast<float>(ra + rh);
        table.daily["NEE"][i] = static_cast<float>(ra + rh - gpp);
        annual_gpp += gpp;
      }
      table.annual["Yield"][row] = static_cast<float>((corn ? 0.3 : 0.2) * annual_gpp);
    }
  }
  return table;
}

SiteYears tower_fields(uint32_t seed, size_t sites, size_t years, double gaps) {
  SiteYears table = crop_fields(seed, sites, years);
  Uniform random(seed + 1);
  for (size_t i = 0; i < table.daily["Reco"].size(); ++i)
    if (random(0, 1) < gaps)
      table.daily["Reco"][i] = table.daily["NEE"][i] = std::numeric_limits<float>::quiet_NaN();
  table.daily.erase("Ra");
  table.daily.erase("Rh");
  table.annual.clear();
  return table;
}

}  // namespace fluxtile::test
