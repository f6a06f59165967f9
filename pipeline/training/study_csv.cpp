// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/csv_text.h"
#include "pipeline/training/score_text.h"
#include "pipeline/training/study_report.h"

namespace fluxtile {

std::string study_csv(const StudyReport& report) {
  std::string out = "kind,world,arm,region,variable,scale,mse,rmse,nse,sites\n";
  for (const StudyRow& row : report.rows)
    out += csv_line({row.kind, std::to_string(row.world), row.arm, region_text(row.region),
                     row.variable, to_text(row.scale), csv_number(row.mse), csv_number(row.rmse),
                     csv_number(row.nse), std::to_string(row.sites)});
  return out;
}

std::string study_differences_csv(const StudyReport& report) {
  std::string out = "kind,second,first,region,variable,scale,worlds,mean,low,high,excludes_zero\n";
  for (const StudyDifference& d : study_differences(report))
    out += csv_line({d.kind, d.second, d.first, region_text(d.region), d.variable, to_text(d.scale),
                     std::to_string(d.mean.replicates), csv_number(d.mean.mean),
                     csv_number(d.mean.low), csv_number(d.mean.high),
                     d.mean.excludes_zero() ? "yes" : "no"});
  return out;
}

}  // namespace fluxtile
