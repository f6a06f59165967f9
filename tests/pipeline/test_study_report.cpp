// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_report.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "evaluation_example.h"
#include "pipeline/training/study_summary.h"
#include "study_example.h"

namespace fluxtile {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using Claim = StudyVerdict::Claim;

/// Worlds of regional and pooled models whose relative difference is around `difference`, spread by
/// +-0.02.
void add_worlds(StudyReport& report, const std::string& kind, uint64_t worlds, double difference) {
  for (uint64_t world = 1; world <= worlds; ++world) {
    const double here = difference + (world % 2 == 0 ? 0.02 : -0.02);
    report.rows.push_back({kind, world, "pooled", "", "Reco", Scale::monthly, 4, 2, 0.5, 12});
    report.rows.push_back({kind, world, "regional", "", "Reco", Scale::monthly, 4 * (1 + here),
                           std::sqrt(4 * (1 + here)), 0.6, 12});
  }
}

StudyReport study(double null, double small, double large, double other, uint64_t worlds = 6) {
  StudyReport report;
  report.title = "s";
  add_worlds(report, "other_structure", worlds, other);
  add_worlds(report, "large_jump", worlds, large);
  add_worlds(report, "small_jump", worlds, small);
  add_worlds(report, "null", worlds, null);
  return report;
}

Claim claim_of(const StudyReport& report) {
  return study_verdict(report, "Reco", Scale::monthly).claim;
}

TEST(StudyDifferences, ByHand) {
  StudyReport report;
  report.comparisons = {{"regional", "pooled", ""}};
  const double pooled[] = {1, 2, 4}, regional[] = {0.9, 1.6, 2.8};  // -10, -20, -30 %
  for (uint64_t w = 0; w < 3; ++w) {
    report.rows.push_back({"null", w + 5, "pooled", "", "NEE", Scale::annual, pooled[w], 0, 0, 1});
    report.rows.push_back(
        {"null", w + 5, "regional", "", "NEE", Scale::annual, regional[w], 0, 0, 1});
  }
  report.rows.push_back({"null", 99, "pooled", "", "NEE", Scale::annual, 1, 0, 0, 1});  // alone
  const auto differences = study_differences(report);
  ASSERT_THAT(differences, SizeIs(1));
  const StudyDifference& d = differences[0];
  EXPECT_EQ(d.kind, "null");
  ASSERT_THAT(d.worlds, SizeIs(3));
  EXPECT_EQ(d.worlds[2].first, 7U);
  EXPECT_NEAR(d.worlds[2].second, -0.3, 1e-12);
  EXPECT_NEAR(d.mean.mean, -0.2, 1e-12);
  EXPECT_NEAR(d.mean.high, -0.2 + 4.302653 * 0.1 / std::sqrt(3.0), 1e-6);
}

TEST(StudyDifferences, AWorldThatComesTwiceCountsOnce) {
  StudyReport report = study(0, -0.2, -0.4, -0.3);
  const auto before = study_differences(report);
  report.rows.insert(report.rows.end(), report.rows.begin(), report.rows.end());
  const auto after = study_differences(report);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].mean.replicates, 6U);
    EXPECT_EQ(after[i].mean.high, before[i].mean.high);
  }
}

TEST(StudyDifferences, WorldsWithoutANumberDoNotCount) {
  StudyReport report = study(0, -0.2, -0.4, -0.3);
  report.rows[0].mse = std::nan("");
  report.rows[2].mse = 0;  // nothing to be relative to
  EXPECT_EQ(study_differences(report).back().mean.replicates, 4U);
}

TEST(StudyKinds, StandInOneOrder) {
  StudyReport report = study(0, -0.2, -0.4, -0.3);
  add_worlds(report, "drought", 1, 0);
  EXPECT_THAT(study_kinds(report),
              ElementsAre("null", "small_jump", "large_jump", "other_structure", "drought"));
  EXPECT_NE(meaning_of_kind("explained"), "");
  EXPECT_EQ(meaning_of_kind("drought"), "");
}

TEST(StudyVerdict, HoldsOnlyWhereEveryKindAgrees) {
  EXPECT_EQ(claim_of(study(0, -0.2, -0.4, -0.3)), Claim::holds);
  EXPECT_EQ(claim_of(study(0, -0.005, -0.4, -0.3)), Claim::fails);  // small jumps hold 0
  EXPECT_EQ(claim_of(study(0, -0.2, 0.4, -0.3)), Claim::fails);     // a loss is no gain
  EXPECT_EQ(claim_of(study(0, -0.2, -0.4, 0)), Claim::fails);
  EXPECT_EQ(claim_of(study(-0.1, -0.2, -0.4, -0.3)), Claim::fails);
  const StudyVerdict gain = study_verdict(study(-0.1, -0.2, -0.4, -0.3), "Reco", Scale::monthly);
  EXPECT_THAT(gain.reason, HasSubstr("null shows a gain where regions do not differ"));
  EXPECT_THAT(gain.text, HasSubstr("does not hold"));
  EXPECT_THAT(gain.text, HasSubstr("large_jump -40.0 % [-42.3, -37.7]"));
  const StudyVerdict loss = study_verdict(study(0.1, -0.2, -0.4, -0.3), "Reco", Scale::monthly);
  EXPECT_EQ(loss.claim, Claim::fails);
  EXPECT_THAT(loss.reason, HasSubstr("no false gain"));
  EXPECT_EQ(study_verdict(study(0, -0.2, -0.4, -0.3), "Reco", Scale::monthly).reason, "");
}

TEST(StudyVerdict, IsOpenWithTooFewWorlds) {
  const StudyVerdict few = study_verdict(study(0, -0.2, -0.4, -0.3, 5), "Reco", Scale::monthly);
  EXPECT_EQ(few.claim, Claim::open);
  EXPECT_THAT(few.reason, HasSubstr("null has 5 of 6 worlds"));
  StudyReport no_null = study(0, -0.2, -0.4, -0.3);
  for (StudyRow& row : no_null.rows)
    if (row.kind == "null") row.kind = "explained";
  EXPECT_EQ(claim_of(no_null), Claim::open);
  StudyReport only_null;
  add_worlds(only_null, "none", 6, 0);
  EXPECT_EQ(claim_of(only_null), Claim::open);
  EXPECT_EQ(claim_of(StudyReport{}), Claim::open);
  // The same null under its other name.
  StudyReport named = study(0, -0.2, -0.4, -0.3);
  for (StudyRow& row : named.rows)
    if (row.kind == "null") row.kind = "none";
  EXPECT_EQ(claim_of(named), Claim::holds);
}

TEST(StudyArms, RangeOverRegionsIsOfEachWorld) {
  StudyReport report;
  const double nse[2][2] = {{0.9, 0.5}, {0.6, 0.8}};  // ranges 0.4 and 0.2
  for (uint64_t w = 0; w < 2; ++w) {
    report.rows.push_back({"null", w, "a", "", "Reco", Scale::monthly, 1, 1, 0.7, 4});
    report.rows.push_back({"null", w, "a", "A", "Reco", Scale::monthly, 1, 1, nse[w][0], 2});
    report.rows.push_back({"null", w, "a", "B", "Reco", Scale::monthly, 1, 1, nse[w][1], 2});
  }
  const auto arms = study_arms(report, "null", "Reco", Scale::monthly);
  ASSERT_THAT(arms, SizeIs(1));
  EXPECT_NEAR(arms[0].nse_range.mean, 0.3, 1e-12);
  EXPECT_EQ(arms[0].rmse.replicates, 2U);
}

TEST(StudyRows, TakeOverAnArmsScores) {
  const EvaluationReport report = test::example_evaluation();
  const auto rows = study_rows("null", 3, report.arms[1]);
  ASSERT_EQ(rows.size(), report.arms[1].scores.size());
  EXPECT_EQ(rows[4].arm, "line");
  EXPECT_EQ(rows[4].world, 3U);
  EXPECT_EQ(rows[4].mse, report.arms[1].scores[4].all.mse);
  EXPECT_EQ(rows[4].scale, report.arms[1].scores[4].scale);
}

TEST(StudyCsv, IsAsDocumented) {
  StudyReport report;
  report.comparisons = {{"regional", "pooled", ""}};
  report.rows = {{"null", 7, "pooled", "", "Reco", Scale::annual, 0.25, 0.5, 0.75, 4},
                 {"null", 7, "regional", "", "Reco", Scale::annual, 0.125, 0.25, std::nan(""), 4}};
  EXPECT_EQ(study_csv(report),
            "kind,world,arm,region,variable,scale,mse,rmse,nse,sites\n"
            "null,7,pooled,all,Reco,annual,0.25,0.5,0.75,4\n"
            "null,7,regional,all,Reco,annual,0.125,0.25,,4\n");
  EXPECT_EQ(study_differences_csv(report),
            "kind,second,first,region,variable,scale,worlds,mean,low,high,excludes_zero\n"
            "null,regional,pooled,all,Reco,annual,1,-0.5,,,no\n");
}

TEST(StudyJson, HoldsEverything) {
  const StudyReport report = test::example_study(0, "<\"\\>");
  const auto json = nlohmann::json::parse(study_json(report));
  EXPECT_EQ(json.at("rows").size(), report.rows.size());
  const auto differences = study_differences(report);
  ASSERT_EQ(json.at("differences").size(), differences.size());
  EXPECT_EQ(json.at("differences")[9].at("mean"), differences[9].mean.mean);
  EXPECT_EQ(json.at("differences")[9].at("worlds").size(), 7U);
  EXPECT_EQ(json.at("verdicts").size(), 6U);
  EXPECT_EQ(json.at("learning_curve").size(), report.learning_curve.size());
}

TEST(StudyMarkdown, HasTablesWithEqualColumns) {
  const std::string text = study_markdown(test::example_study(0, "|<b>"));
  EXPECT_THAT(text, HasSubstr("### Verdict"));
  EXPECT_THAT(text, HasSubstr("| regional - pooled | "));
  EXPECT_THAT(text, HasSubstr(", n = 7 |"));
  EXPECT_THAT(text, HasSubstr("### Learning curve"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  std::istringstream lines(text);
  size_t columns = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] != '|') {
      columns = 0;
      continue;
    }
    size_t bars = 0;
    for (size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    if (columns == 0) columns = bars;
    EXPECT_EQ(bars, columns) << line;
  }
}

TEST(StudyPage, HoldsEveryPart) {
  const StudyReport report = test::example_study();
  const std::string html = study_page(report);
  EXPECT_THAT(html, StartsWith("<!DOCTYPE html>"));
  for (const char* part :
       {"warnings", "verdict", "comparisons", "regions", "scores", "learning", "worlds"})
    EXPECT_THAT(html, HasSubstr("<h2 id=\"" + std::string(part) + "\"")) << part;
  for (const StudyComparison& c : report.comparisons)
    EXPECT_THAT(html, HasSubstr("<h3>" + c.second + " − " + c.first + ", Reco</h3>"));
  for (const std::string& kind : study_kinds(report))
    EXPECT_THAT(html, HasSubstr("class=\"name right\">" + kind + "<"));
  // Every world's own value and the mean of all.
  for (int world = 1; world <= 7; ++world)
    EXPECT_THAT(html, HasSubstr("<title>world " + std::to_string(world) + ": "));
  EXPECT_THAT(html, HasSubstr("<title>mean of 7 worlds: "));
}

TEST(StudyPage, SaysWhereTheClaimDoesNotHold) {
  EXPECT_THAT(study_page(study(0, -0.2, -0.4, -0.3)), HasSubstr("<td class=\"best\">holds</td>"));
  EXPECT_THAT(study_page(study(-0.1, -0.2, -0.4, -0.3)),
              HasSubstr("<td class=\"bad\">does not hold<small>null shows a gain"));
  EXPECT_THAT(study_page(study(0, -0.2, -0.4, -0.3, 2)), HasSubstr(">open<small>"));
}

TEST(StudyPage, EscapesNamesAndNeedsNothingElse) {
  for (const StudyReport& report :
       {test::example_study(0, "<script>&\"'"), study(0, -0.2, -0.4, -0.3, 1), StudyReport{}}) {
    const std::string html = study_page(report);
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("http")));
    EXPECT_THAT(html, Not(HasSubstr("url(")));
    EXPECT_THAT(html, Not(HasSubstr("nan")));
    const size_t begin = html.find("<main>"), end = html.find("</main>");
    CPLXMLNode* root = CPLParseXMLString(html.substr(begin, end + 7 - begin).c_str());
    EXPECT_NE(root, nullptr);
    CPLDestroyXMLNode(root);
  }
}

}  // namespace
}  // namespace fluxtile
