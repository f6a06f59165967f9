// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "model/kgml_ag_c.h"
#include "model/training/site_years.h"

namespace fluxtile::testing {

/// A small table: `sites` sites in turn in regions A, B, C and in blocks of their own, with a plain
/// summer in GPP, labels that follow from it, corn and soybean by turns.
inline SiteYears drawn_site_years(size_t sites, int first_year, size_t years) {
  SiteYears table;
  table.synthetic = true;
  table.origin = "drawn for a test";
  for (size_t s = 0; s < sites; ++s) {
    const char region = static_cast<char>('A' + s % 3);
    table.sites.push_back({"site-" + std::to_string(s), std::string(1, region),
                           "block-" + std::to_string(s), 41.0 + 0.1 * static_cast<double>(s), -93.0,
                           "drawn"});
  }
  for (size_t y = 0; y < years; ++y) table.years.push_back(first_year + static_cast<int>(y));
  for (const std::string& name : kgml_ag_c::input_names())
    table.features.push_back({name, name == "GPP" ? "gC m-2 d-1" : "1", "drawn"});
  const size_t features = table.features.size();
  for (size_t s = 0; s < sites; ++s) {
    for (size_t y = 0; y < years; ++y) {
      const float crop = (s + y) % 2 == 0 ? 1.0F : 5.0F;
      double sum = 0;
      for (size_t d = 0; d < SiteYears::days; ++d) {
        const auto season = static_cast<float>(
            std::max(0.0, std::sin(3.14159265 * (static_cast<double>(d) - 100) / 180)));
        const float gpp = d < 100 || d > 280 ? 0.0F : (crop == 1.0F ? 15.0F : 10.0F) * season;
        for (size_t f = 0; f < features; ++f)
          table.inputs.push_back(
              static_cast<float>(10 * std::sin(0.017 * static_cast<double>(d + 7 * f + 11 * s))) +
              static_cast<float>(y));
        float* row = table.inputs.data() + table.inputs.size() - features;
        row[kgml_ag_c::crop_feature] = crop;
        row[kgml_ag_c::gpp_feature] = gpp;
        row[kgml_ag_c::year_feature] = static_cast<float>(table.years[y]);
        const float ra = 0.45F * gpp + 0.1F;
        const float rh = 0.8F + 0.05F * row[1] + 0.1F * static_cast<float>(s % 3);
        table.daily["Ra"].push_back(ra);
        table.daily["Rh"].push_back(rh);
        table.daily["Reco"].push_back(ra + rh);
        table.daily["NEE"].push_back(ra + rh - gpp);
        sum += static_cast<double>(gpp);
      }
      table.annual["Yield"].push_back(static_cast<float>(0.3 * sum));
    }
  }
  return table;
}

}  // namespace fluxtile::testing
