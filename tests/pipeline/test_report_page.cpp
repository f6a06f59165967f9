// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report_page.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"

namespace fluxtile {
namespace {
using testing::HasSubstr;
using testing::Not;

/// Every part filled, with letters that HTML must not take for its own.
ReportPage example() {
  ReportPage page;
  page.title = "demo <1> & \"2\"";
  page.facts = {{"period", "2018-01-01 to 2019-12-31"}, {"grid", "EPSG:5070, 250 m"}};
  page.warnings = {"29 February <interpolated>"};
  page.maps = {{"IA", "Reco, 2018", "no-such-file.png"}};
  page.totals = {{"IA", "2018", "reco", 1234.5, 812.25, "gC m-2", 1.0027, "TgC"},
                 {"IL", "2018", "reco", 1000, std::nan(""), "gC m-2", std::nan(""), "TgC"}};
  ReportCurve curve{"IA", "reco", "ecosystem respiration", "gC m-2 d-1", 2018, 1, {}};
  for (int m = 0; m < 24; ++m) curve.values.push_back(m == 5 ? std::nan("") : m);
  page.curves = {curve};
  page.ledger = {{"IA", "resample gpp", "gC d-1", 100, 100.00000001},
                 {"IA", "mix", "gC d-1", 10, 9}};
  page.months = {{"IA",
                  "trained on <SLOPE>",
                  "gC m-2 d-1",
                  {{"training, corn", {0, 0, 0, 1, 4, 12.5, 14, 11, 5, 1, 0, std::nan("")}}}}};
  page.quality = {{"IA", "2018", 0, 900, 1000}, {"IA", "2018", 4, 100, 1000}};
  page.timings = {{"infer", 75.2}, {"merge", 3.5}};
  page.products = {{"demo_IA_reco_annual.tif", 1234567, std::string(64, 'a')}};
  return page;
}

TEST(ReportPage, HoldsEveryPartAndEscapesText) {
  const std::string html = report_page_text(example());
  EXPECT_THAT(html, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(html, HasSubstr("demo &lt;1&gt; &amp; &quot;2&quot;"));
  EXPECT_THAT(html, Not(HasSubstr("demo <1>")));
  EXPECT_THAT(html, HasSubstr("29 February &lt;interpolated&gt;"));
  for (const char* part :
       {"warnings", "maps", "totals", "months", "gpp", "quality", "ledger", "timings", "products"})
    EXPECT_THAT(html, HasSubstr("<h2 id=\"" + std::string(part) + "\"")) << part;
  EXPECT_THAT(html, HasSubstr("The picture is missing."));
  EXPECT_THAT(html, HasSubstr("1.2 MB"));
  EXPECT_THAT(html, HasSubstr("trained on &lt;SLOPE&gt;"));
  EXPECT_THAT(html, HasSubstr("<td>training, corn</td>"));
  EXPECT_THAT(html, HasSubstr(">12.5</td>"));
  EXPECT_THAT(html, HasSubstr("gC m⁻²"));
  EXPECT_THAT(html, HasSubstr("1 min 15 s"));
}

TEST(ReportPage, NeedsNothingElse) {
  const std::string html = report_page_text(example());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
}

TEST(ReportPage, LedgerSaysWhatDoesNotBalance) {
  const std::string html = report_page_text(example());
  EXPECT_THAT(html, HasSubstr("class=\"ok\">balanced"));
  EXPECT_THAT(html, HasSubstr("−10 %</td><td class=\"bad\">check"));
}

TEST(ReportPage, BannerOnlyForSyntheticModels) {
  ReportPage page = example();
  EXPECT_THAT(report_page_text(page), Not(HasSubstr("synthetic data")));
  page.synthetic_model = true;
  EXPECT_THAT(report_page_text(page), HasSubstr("Model trained on synthetic data"));
}

TEST(ReportPage, PicturesAreInline) {
  const std::string file =
      (std::filesystem::temp_directory_path() / "fluxtile-report-picture.png").string();
  ReportPage page;
  page.title = "t";
  page.maps = {{"IA", "a", file}};
  // RFC 4648, section 10.
  const std::pair<const char*, const char*> vectors[] = {
      {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    write_atomically(file, plain);
    EXPECT_THAT(report_page_text(page),
                HasSubstr("data:image/png;base64," + std::string(encoded) + "\""));
  }
  std::filesystem::remove(file);
}

TEST(ReportPage, EmptyPartsAreLeftOut) {
  ReportPage page;
  page.title = "t";
  EXPECT_THAT(report_page_text(page), Not(HasSubstr("<h2")));
}

TEST(ReportPage, TagsAreClosed) {
  // The body is well-formed XML but for void elements and the doctype.
  std::string html = report_page_text(example());
  const size_t begin = html.find("<main>"), end = html.find("</main>");
  const std::string body = html.substr(begin, end + 7 - begin);
  CPLXMLNode* root = CPLParseXMLString(body.c_str());
  EXPECT_NE(root, nullptr);
  CPLDestroyXMLNode(root);
}

}  // namespace
}  // namespace fluxtile
