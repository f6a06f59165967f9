// SPDX-License-Identifier: Apache-2.0
#include "pipeline/summary.h"

#include <cstdio>

#include "base/safe_text.h"

namespace fluxtile {
namespace {

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

std::string summary_csv(const std::vector<SummaryRow>& rows) {
  std::string text =
      "region,zone,period,first_day,last_day,variable,area_km2,modelled_area_km2,"
      "mean_gC_m-2,total_MgC,fluxtile_result\n";
  for (const auto& row : rows) {
    text += csv_field(row.region) + "," + csv_field(row.zone) + "," + row.period + "," +
            to_text(row.first) + "," + to_text(from_days(to_days(row.end) - 1)) + "," +
            row.variable + "," + number(row.area_m2 / 1e6) + "," + number(row.modelled_m2 / 1e6) +
            "," + (row.modelled_m2 > 0 ? number(row.mean()) : "") + "," +
            (row.modelled_m2 > 0 ? number(row.total_g / 1e6) : "") + "," + row.result + "\n";
  }
  return text;
}

}  // namespace fluxtile
