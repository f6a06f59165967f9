// SPDX-License-Identifier: Apache-2.0
#include <cpl_minixml.h>
#include <gmock/gmock.h>

#include "product_fixture.h"

namespace fluxtile {
namespace {

class QgisStyleTest : public ProductTest {
 protected:
  /// The renderer of a style file, parsed as XML.
  struct Parsed {
    CPLXMLNode* root;
    explicit Parsed(const std::string& path) : root(CPLParseXMLFile(path.c_str())) {}
    ~Parsed() { CPLDestroyXMLNode(root); }
    Parsed(const Parsed&) = delete;
    Parsed& operator=(const Parsed&) = delete;
    [[nodiscard]] CPLXMLNode* node(const char* where) const {
      return CPLGetXMLNode(root, (std::string("=qgis.pipe.rasterrenderer") + where).c_str());
    }
    [[nodiscard]] std::vector<double> values(const char* where, const char* element) const {
      std::vector<double> found;
      for (CPLXMLNode* n = node(where)->psChild; n != nullptr; n = n->psNext)
        if (n->eType == CXT_Element && std::string(n->pszValue) == element)
          found.push_back(std::stod(CPLGetXMLValue(n, "value", "nan")));
      return found;
    }
  };
};

TEST_F(QgisStyleTest, PseudocolourFromLowToHigh) {
  write_qml(path("p.qml"), "Reco <annual> & \"more\"", 100, 900, false);
  const Parsed style(path("p.qml"));
  ASSERT_NE(style.root, nullptr);
  ASSERT_NE(style.node(""), nullptr);
  EXPECT_STREQ(CPLGetXMLValue(style.node(""), "type", ""), "singlebandpseudocolor");
  EXPECT_STREQ(CPLGetXMLValue(style.node(""), "band", ""), "1");
  EXPECT_STREQ(CPLGetXMLValue(style.node(""), "classificationMin", ""), "100");
  EXPECT_THAT(style.values(".rastershader.colorrampshader", "item"),
              testing::ElementsAre(100, 200, 300, 400, 500, 600, 700, 800, 900));
}

TEST_F(QgisStyleTest, DivergingIsCentredOnZero) {
  write_qml(path("p.qml"), "NEE", -3, 1, true);
  const Parsed style(path("p.qml"));
  const auto values = style.values(".rastershader.colorrampshader", "item");
  ASSERT_EQ(values.size(), 9U);
  EXPECT_EQ(values.front(), -3);
  EXPECT_EQ(values[4], 0);
  EXPECT_EQ(values.back(), 3);
  const std::string text = read_file(path("p.qml"));
  EXPECT_THAT(text, testing::HasSubstr("value=\"-3\" label=\"-3\" color=\"#035b9e\""));  // blue
}

TEST_F(QgisStyleTest, ARangeWithoutWidthStillAscends) {
  for (const double value : {0.0, -2.0, std::nan("")}) {
    write_qml(path("p.qml"), "", value, value, false);
    const auto values = Parsed(path("p.qml")).values(".rastershader.colorrampshader", "item");
    EXPECT_LT(values.front(), values.back());
    EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  }
}

TEST_F(QgisStyleTest, QualityHasAnEntryForEveryBitAndOccurringCode) {
  write_quality_qml(path("q.qml"), {0, 4, 12, 65535});
  const Parsed style(path("q.qml"));
  ASSERT_NE(style.root, nullptr);
  EXPECT_STREQ(CPLGetXMLValue(style.node(""), "type", ""), "paletted");
  EXPECT_THAT(style.values(".colorPalette", "paletteEntry"),
              testing::ElementsAre(0, 1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 512, 1024, 65535));
  EXPECT_THAT(read_file(path("q.qml")), testing::HasSubstr("12 provisional + incomplete period"));
}

}  // namespace
}  // namespace fluxtile
