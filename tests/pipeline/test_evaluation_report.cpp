// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/evaluation_report.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/markup.h"
#include "evaluation_example.h"
#include "pipeline/training/csv_text.h"
#include "pipeline/training/score_text.h"

namespace fluxtile {
namespace {
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const double kNan = std::nan("");

/// One arm, one region, two scores; one of them without a number.
EvaluationReport small_report() {
  RegionScores monthly;
  monthly.region = "";
  monthly.variable = "Reco";
  monthly.scale = Scale::monthly;
  monthly.all = {24, 0.25, 0.5, -0.125, 0.9, 0.875, 0.75};
  monthly.sites = 2;
  monthly.nse_median = 0.8;
  monthly.nse_q25 = 0.7;
  monthly.nse_q75 = 0.9;
  monthly.rmse_median = 0.5;
  monthly.rmse_q25 = 0.4;
  monthly.rmse_q75 = 0.6;
  monthly.by_site = {{"S1", {12, 0.16, 0.4, 0, 0.9, 0.9, 0.9}},
                     {"S2", {12, 0.36, 0.6, 0, 0.9, 0.7, 0.6}}};
  RegionScores annual;
  annual.region = "Iowa, \"north\"";
  annual.variable = "NEE";
  annual.scale = Scale::annual;
  annual.all = {1, kNan, kNan, kNan, kNan, kNan, kNan};
  annual.sites = 1;
  annual.nse_median = annual.nse_q25 = annual.nse_q75 = kNan;
  annual.rmse_median = annual.rmse_q25 = annual.rmse_q75 = 80;
  EvaluationReport report;
  report.title = "small";
  report.arms = {{"regional", "A model a region", {monthly, annual}}};
  PairedDifference few;
  few.first = 2;
  few.second = 1;
  few.difference = -0.5;
  few.low = -0.75;
  few.high = -0.25;
  few.sites = few.blocks = 3;
  few.years = 2;
  PairedDifference many = few;
  many.sites = many.blocks = 9;
  many.enough = true;
  report.differences = {{"pooled", "regional", "Iowa, \"north\"", "Reco", Scale::monthly, few},
                        {"pooled", "regional", "", "Reco", Scale::monthly, many}};
  report.maps = {{"regional",
                  {{"Iowa", "reco", "annual", {400, 2500, 50, -12.5, 0.9, 0.875, 0.75}},
                   {"Iowa", "nee", "monthly", {4800, 0.25, 0.5, 0.125, 0.8, 0.75, 0.7}}}}};
  return report;
}

TEST(EvaluationCsv, IsAsDocumented) {
  EXPECT_EQ(evaluation_csv(small_report()),
            "arm,region,variable,scale,pairs,sites,mse,rmse,bias,r2,nse,kge,nse_median,nse_q25,"
            "nse_q75,rmse_median,rmse_q25,rmse_q75\n"
            "regional,all,Reco,monthly,24,2,0.25,0.5,-0.125,0.9,0.875,0.75,0.8,0.7,0.9,0.5,0.4,"
            "0.6\n"
            "regional,\"Iowa, \"\"north\"\"\",NEE,annual,1,1,,,,,,,,,,80,80,80\n");
  EXPECT_EQ(differences_csv(small_report()),
            "first,second,region,variable,scale,mse_first,mse_second,relative_difference,low,high,"
            "sites,blocks,years,claimed,why_not\n"
            "pooled,regional,\"Iowa, \"\"north\"\"\",Reco,monthly,2,1,-0.5,-0.75,-0.25,3,3,2,no,3 "
            "sites\n"
            "pooled,regional,all,Reco,monthly,2,1,-0.5,-0.75,-0.25,9,9,2,yes,\n");
}

TEST(EvaluationCsv, MapsHaveALineAScore) {
  EXPECT_EQ(maps_csv(small_report()),
            "arm,region,variable,period,n,rmse,r2,nse,bias\n"
            "regional,Iowa,reco,annual,400,50,0.9,0.875,-12.5\n"
            "regional,Iowa,nee,monthly,4800,0.5,0.8,0.75,0.125\n");
}

TEST(EvaluationCsv, EveryLineHasTheFieldsOfTheHeader) {
  const EvaluationReport report = test::example_evaluation();
  size_t rows = 0, scores = 0;
  for (const ArmScores& arm : report.arms) scores += arm.scores.size();
  std::istringstream lines(evaluation_csv(report));
  for (std::string line; std::getline(lines, line); ++rows)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 17) << line;
  EXPECT_EQ(rows, scores + 1);
}

TEST(EvaluationCsv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_line({"a", "b c", "d\ne", "", "\""}), "a,b c,\"d\ne\",,\"\"\"\"\n");
  EXPECT_EQ(csv_number(kNan), "");
  EXPECT_EQ(csv_number(HUGE_VAL), "");
  EXPECT_EQ(csv_number(0.1), "0.1");
}

TEST(ScoreText, HasThreeDigits) {
  EXPECT_EQ(score_text(0.08765), "0.088");
  EXPECT_EQ(score_text(0.99961), "1.00");
  EXPECT_EQ(score_text(-1.234), "-1.23");
  EXPECT_EQ(score_text(12.34), "12.3");
  EXPECT_EQ(score_text(99.96), "100");
  EXPECT_EQ(score_text(1234.5), "1234");
  EXPECT_EQ(score_text(-0.0001), "0.000");
  EXPECT_EQ(score_text(kNan), "-");
  EXPECT_EQ(relative_text(-0.1234), "-12.3 %");
  EXPECT_EQ(relative_text(0.04), "+4.0 %");
  EXPECT_EQ(relative_text(0.0001), "0.0 %");
  EXPECT_EQ(relative_text(-0.0001), "0.0 %");
  EXPECT_EQ(relative_text(2.341), "+234 %");
  EXPECT_EQ(interval_text(-0.1, -0.2, 0.03), "-10.0 % [-20.0, +3.0]");
  EXPECT_EQ(interval_text(-0.1, kNan, kNan), "-10.0 %");
  EXPECT_EQ(for_page("-10.0 % [-20.0, +3.0] pooled-corrected"),
            "−10.0 % [−20.0, +3.0] pooled-corrected");
  EXPECT_EQ(for_page("-"), "–");
}

TEST(EvaluationTable, ShowsScoresAndSaysWhatIsNotClaimed) {
  const std::string text = evaluation_table(small_report());
  EXPECT_THAT(text, StartsWith("small\n=====\n"));
  EXPECT_THAT(text, HasSubstr("Reco, monthly (gC m-2 d-1)\n"
                              "            sites   RMSE    NSE     R2    KGE    bias\n"
                              "  regional      2  0.500  0.875  0.900  0.750  -0.125\n"));
  EXPECT_THAT(text,
              HasSubstr("regional - pooled Reco monthly Iowa, \"north\" not claimed: 3 sites"));
  EXPECT_THAT(text, HasSubstr("-50.0 % [-75.0, -25.0] 9 sites, 2 years"));
  EXPECT_THAT(text, HasSubstr("Maps against the truth, annual sums (gC m-2 yr-1)\n"));
  EXPECT_THAT(
      text, HasSubstr("  regional Iowa            400        -        -       50.0         -      "
                      "-12.5         -\n"));
  EXPECT_THAT(text, Not(HasSubstr("Synthetic")));
  const std::string long_text = evaluation_table(test::example_evaluation());
  EXPECT_THAT(long_text, HasSubstr("Synthetic data"));
  EXPECT_THAT(long_text, HasSubstr("RMSE Indiana"));
  for (const ArmScores& arm : test::example_evaluation().arms)
    EXPECT_THAT(long_text, HasSubstr("  " + arm.arm + " "));
}

TEST(EvaluationJson, HoldsEverything) {
  const EvaluationReport report = test::example_evaluation("<\"\\>");
  const auto json = nlohmann::json::parse(evaluation_json(report));
  EXPECT_EQ(json.at("fluxtile-evaluation"), 1);
  EXPECT_EQ(json.at("synthetic"), true);
  ASSERT_EQ(json.at("arms").size(), report.arms.size());
  const RegionScores& row = report.arms[3].scores[7];
  const auto& same = json.at("arms")[3].at("scores")[7];
  EXPECT_EQ(same.at("variable"), row.variable);
  EXPECT_EQ(same.at("rmse"), row.all.rmse);
  EXPECT_EQ(same.at("by_site").size(), row.by_site.size());
  EXPECT_EQ(same.at("by_site")[2].at("nse").is_null(), std::isnan(row.by_site[2].scores.nse));
  ASSERT_EQ(json.at("differences").size(), report.differences.size());
  for (size_t i = 0; i < report.differences.size(); ++i) {
    const PairedDifference& d = report.differences[i].result;
    EXPECT_EQ(json.at("differences")[i].at("claimed"), d.claimed());
    EXPECT_EQ(json.at("differences")[i].contains("why_not"), !d.enough);
  }
  EXPECT_EQ(json.at("learning_curve").size(), report.learning_curve.size());
  EXPECT_EQ(json.at("histories").at("Iowa").size(), 100U);
}

TEST(EvaluationJson, WhatIsNoNumberIsNull) {
  EvaluationReport report = small_report();
  report.title = "\xff not UTF-8";
  const auto json = nlohmann::json::parse(evaluation_json(report));
  EXPECT_TRUE(json.at("arms")[0].at("scores")[1].at("mse").is_null());
  EXPECT_EQ(json.at("arms")[0].at("scores")[1].at("region"), "Iowa, \"north\"");
  EXPECT_EQ(json.at("maps")[0].at("rmse"), 50);
  EXPECT_EQ(json.at("maps")[1].at("period"), "monthly");
}

TEST(EvaluationPage, HoldsEveryPartAndArm) {
  const EvaluationReport report = test::example_evaluation();
  const std::string html = evaluation_page(report);
  EXPECT_THAT(html, StartsWith("<!DOCTYPE html>"));
  for (const char* part : {"warnings", "scores", "differences", "regions", "sites", "learning",
                           "maps", "robustness", "losses", "all-scores"})
    EXPECT_THAT(html, HasSubstr("<h2 id=\"" + std::string(part) + "\"")) << part;
  for (const ArmScores& arm : report.arms) {
    EXPECT_THAT(html, HasSubstr("<tr><td>" + arm.arm + "<small>" + markup_escaped(arm.meaning)))
        << arm.arm;
    EXPECT_THAT(html, HasSubstr("class=\"name right\">" + arm.arm + "<")) << arm.arm;
  }
  for (const char* region : {"Illinois", "Iowa", "Indiana"})
    EXPECT_THAT(html, HasSubstr("</i>" + std::string(region) + "</li>"));
  EXPECT_THAT(html, HasSubstr("Synthetic data"));
  EXPECT_THAT(html, HasSubstr("gC m⁻² d⁻¹"));
}

TEST(EvaluationPage, SaysPlainlyWhatIsNotClaimed) {
  const EvaluationReport report = test::example_evaluation();
  const std::string html = evaluation_page(report);
  EXPECT_THAT(html, HasSubstr("not claimed: 3 sites"));
  // The finding of a difference whose interval holds zero.
  bool undecided = false;
  for (const ArmDifference& d : report.differences)
    undecided = undecided || (d.region.empty() && d.scale == Scale::monthly && d.result.enough &&
                              !d.result.claimed());
  ASSERT_TRUE(undecided);
  EXPECT_THAT(html, HasSubstr("no difference can be told"));
  const std::string few = evaluation_page([] {
    EvaluationReport r = small_report();
    r.differences[0].region = "";
    return r;
  }());
  EXPECT_THAT(few, HasSubstr("<li>Reco, regional against pooled: not claimed: 3 sites.</li>"));
  EXPECT_THAT(few, HasSubstr("<li>Reco, regional against pooled: MSE −50.0 % [−75.0, −25.0], "
                             "regional is better (9 sites).</li>"));
  // Without a claim there is no interval in the plot: a ring alone.
  EvaluationReport ring = small_report();
  ring.differences.pop_back();
  const std::string plain = evaluation_page(ring);
  EXPECT_THAT(plain, HasSubstr("class=\"ring"));
  EXPECT_THAT(plain, Not(HasSubstr("class=\"whisker")));
}

TEST(EvaluationPage, EscapesNamesAndNeedsNothingElse) {
  const std::string html = evaluation_page(test::example_evaluation("<script>&\"'"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("Illinois&lt;script&gt;&amp;&quot;&#39;"));
  EXPECT_THAT(html, HasSubstr("global&lt;script&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(EvaluationPage, TagsAreClosed) {
  for (const EvaluationReport& report :
       {test::example_evaluation("<&>"), small_report(), EvaluationReport{}}) {
    const std::string html = evaluation_page(report);
    const size_t begin = html.find("<main>"), end = html.find("</main>");
    CPLXMLNode* root = CPLParseXMLString(html.substr(begin, end + 7 - begin).c_str());
    EXPECT_NE(root, nullptr);
    CPLDestroyXMLNode(root);
  }
}

TEST(EvaluationPage, EmptyPartsAreLeftOut) {
  EvaluationReport report;
  report.title = "t";
  EXPECT_THAT(evaluation_page(report), Not(HasSubstr("<h2")));
  EXPECT_THAT(evaluation_page(report), Not(HasSubstr("Synthetic")));
}

TEST(EvaluationPage, BestValuesAreThoseOfTheBestArm) {
  EvaluationReport report = small_report();
  report.differences.clear();
  report.arms.push_back(report.arms[0]);
  report.arms[1].arm = "pooled";
  report.arms[1].scores[0].all.rmse = 0.6;  // worse
  report.arms[1].scores[0].all.nse = 0.95;  // better
  const std::string html = evaluation_page(report);
  EXPECT_THAT(html, HasSubstr("<td class=\"n part best\">0.500</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n part\">0.600</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n best\">0.950</td>"));
}

}  // namespace
}  // namespace fluxtile
