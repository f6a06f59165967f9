// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/csv_text.h"
#include "pipeline/training/evaluation_report.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {

std::string evaluation_csv(const EvaluationReport& report) {
  std::string out =
      "arm,region,variable,scale,pairs,sites,mse,rmse,bias,r2,nse,kge,nse_median,nse_q25,nse_q75,"
      "rmse_median,rmse_q25,rmse_q75\n";
  for (const ArmScores& arm : report.arms) {
    for (const RegionScores& row : arm.scores) {
      out += csv_line({arm.arm, region_text(row.region), row.variable, to_text(row.scale),
                       std::to_string(row.all.pairs), std::to_string(row.sites),
                       csv_number(row.all.mse), csv_number(row.all.rmse), csv_number(row.all.bias),
                       csv_number(row.all.r2), csv_number(row.all.nse), csv_number(row.all.kge),
                       csv_number(row.nse_median), csv_number(row.nse_q25), csv_number(row.nse_q75),
                       csv_number(row.rmse_median), csv_number(row.rmse_q25),
                       csv_number(row.rmse_q75)});
    }
  }
  return out;
}

std::string differences_csv(const EvaluationReport& report) {
  std::string out =
      "first,second,region,variable,scale,mse_first,mse_second,relative_difference,low,high,sites,"
      "blocks,years,claimed,why_not\n";
  for (const ArmDifference& d : report.differences) {
    const PairedDifference& r = d.result;
    out += csv_line({d.first, d.second, region_text(d.region), d.variable, to_text(d.scale),
                     csv_number(r.first), csv_number(r.second), csv_number(r.difference),
                     csv_number(r.low), csv_number(r.high), std::to_string(r.sites),
                     std::to_string(r.blocks), std::to_string(r.years), r.claimed() ? "yes" : "no",
                     why_not_claimed(r)});
  }
  return out;
}

std::string maps_csv(const EvaluationReport& report) {
  std::string out = "arm,region,variable,period,n,rmse,r2,nse,bias\n";
  for (const ArmMapScores& arm : report.maps) {
    for (const MapScore& row : arm.rows)
      out +=
          csv_line({arm.arm, row.region, row.variable, row.period, std::to_string(row.scores.pairs),
                    csv_number(row.scores.rmse), csv_number(row.scores.r2),
                    csv_number(row.scores.nse), csv_number(row.scores.bias)});
  }
  return out;
}

}  // namespace fluxtile
