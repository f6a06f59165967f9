// SPDX-License-Identifier: Apache-2.0
#include "pipeline/svg_chart.h"

#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include <cmath>

namespace fluxtile {
namespace {
using testing::HasSubstr;

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(SvgChart, AGapBreaksTheCurve) {
  const std::string svg = monthly_chart("reco", "gC m-2", 2018, 1, {1, 2, std::nan(""), 3, 4});
  const size_t begin = svg.find("<path class=\"curve\" d=\"") + 23;
  const std::string path = svg.substr(begin, svg.find('"', begin) - begin);
  EXPECT_EQ(count(path, "M"), 2);
  EXPECT_EQ(count(path, "L"), 2);
  EXPECT_EQ(count(svg, "<circle"), 4);
  EXPECT_THAT(svg, HasSubstr("Apr 2018: 3 gC m⁻²"));
}

TEST(SvgChart, YearsAreNamedOverLongPeriods) {
  const std::string svg = monthly_chart("gpp", "gC m-2", 2001, 1, std::vector<double>(240, 1.0));
  EXPECT_THAT(svg, HasSubstr(">2001<"));
  EXPECT_THAT(svg, testing::Not(HasSubstr(">2002<")));
  EXPECT_THAT(svg, HasSubstr(">2003<"));
}

TEST(SvgChart, IsWellFormedWhateverTheValues) {
  for (const auto& values : std::vector<std::vector<double>>{
           {}, {0}, {-1e-9}, {std::nan("")}, {1e12, -1e12}, {HUGE_VAL, 1}}) {
    const std::string svg = monthly_chart("<a> & \"b\"", "1", 2018, 12, values);
    CPLXMLNode* root = CPLParseXMLString(svg.c_str());
    EXPECT_NE(root, nullptr) << svg;
    CPLDestroyXMLNode(root);
    EXPECT_THAT(svg, testing::Not(HasSubstr("nan")));
    EXPECT_THAT(svg, testing::Not(HasSubstr("inf")));
  }
}

TEST(SvgChart, BarsAreAsLongAsTheirValues) {
  const std::string svg = bar_chart("b", {{"one", "1", "", 1}, {"half", "0.5", "#123456", 0.5}});
  EXPECT_THAT(svg, HasSubstr("width=\"220.0\""));
  EXPECT_THAT(svg, HasSubstr("width=\"110.0\""));
  EXPECT_THAT(svg, HasSubstr("fill:#123456"));
}

}  // namespace
}  // namespace fluxtile
