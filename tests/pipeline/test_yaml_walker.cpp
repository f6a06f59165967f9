// SPDX-License-Identifier: Apache-2.0
#include "pipeline/yaml_walker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "pipeline/climate_recipe.h"

namespace fluxtile {
namespace {

using ::testing::HasSubstr;

const YamlSchema schema({{"codes", shape_text | shape_list, "codes"},
                         {"codes.*", shape_text, "a code"},
                         {"flag", shape_text, "a flag"},
                         {"count", shape_text, "a count"},
                         {"places", shape_map, "places"},
                         {"places.*", shape_map, "a place"},
                         {"places.*.x", shape_text, "a number"}});

Error failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(Code::internal, "no error");
}

TEST(YamlTree, ScalarsStayText) {
  const YamlNode root = parse_yaml("a: 010\nb: no\nc: 1_0\nd: '~'\ne: ~\nf: 0x10\n", "f.yaml");
  EXPECT_EQ(root.find("a")->text, "010");
  EXPECT_EQ(root.find("b")->text, "no");
  EXPECT_EQ(root.find("c")->text, "1_0");
  EXPECT_EQ(root.find("d")->text, "~");
  EXPECT_EQ(root.find("e")->kind, YamlNode::Kind::null);
  EXPECT_EQ(root.find("f")->text, "0x10");
  EXPECT_EQ(root.find("g"), nullptr);
}

TEST(YamlTree, KnowsLinesAndColumns) {
  const YamlNode root = parse_yaml("a:\n  - x\n  - {b: y}\n", "f.yaml");
  const YamlNode& list = *root.find("a");
  EXPECT_EQ(list.items[0].line, 2);
  EXPECT_EQ(list.items[0].column, 5);
  EXPECT_EQ(list.items[1].entries[0].line, 3);
  EXPECT_EQ(list.items[1].entries[0].column, 6);
}

TEST(YamlTree, DuplicatesNameBothPlaces) {
  const Error error = failure([] { parse_yaml("a: {b: 1}\nc: 2\na: 3\n", "f.yaml"); });
  EXPECT_THAT(error.message(), HasSubstr("duplicate key `a` at line 3, column 1"));
  EXPECT_THAT(error.found(), HasSubstr("line 1, column 1"));
  EXPECT_EQ(error.line(), 3);
}

TEST(YamlTree, AliasesAreExpanded) {
  const YamlNode root = parse_yaml("a: &x {k: 1}\nb: *x\n", "f.yaml");
  EXPECT_EQ(root.find("b")->find("k")->text, "1");
}

TEST(YamlTree, OverridesCreateReplaceAndAppend) {
  YamlNode root = parse_yaml("a: {b: 1}\nl: [x]\n", "f.yaml");
  apply_override(root, "a.b=2");
  apply_override(root, "c.d.e=[1, {f: g}]");
  apply_override(root, "l.0=y");
  apply_override(root, "l.1=z=z");
  apply_override(root, "t=a: b");
  EXPECT_EQ(canonical_json(root),
            R"({"a":{"b":"2"},"c":{"d":{"e":["1",{"f":"g"}]}},"l":["y","z=z"],"t":{"a":"b"}})");
  EXPECT_TRUE(root.find("l")->items[1].overridden);
  EXPECT_TRUE(root.find("c")->find("d")->find("e")->items[1].find("f")->overridden);
  EXPECT_FALSE(root.find("a")->overridden);
}

TEST(YamlTree, CanonicalJsonSortsKeysAndKeepsLists) {
  EXPECT_EQ(canonical_json(parse_yaml("b: [2, 1]\na: ~\n", "f")), R"({"a":null,"b":["2","1"]})");
  EXPECT_EQ(canonical_json(parse_yaml("a: \"\xff\"\n", "f")).front(), '{');
}

class WalkerTest : public ::testing::Test {
 protected:
  YamlWalker walk(const std::string& text) {
    root_ = parse_yaml(text, "f.yaml");
    check_schema(root_, schema, "f.yaml");
    return {root_, schema, "f.yaml"};
  }
  YamlNode root_;
};

TEST_F(WalkerTest, ReadsTypes) {
  const YamlWalker at = walk("codes: [010, NO]\nflag: True\ncount: -3\n");
  EXPECT_EQ(at.at("codes").items()[0].text(), "010");
  EXPECT_EQ(at.at("codes").items()[1].text(), "NO");
  EXPECT_EQ(at.at("codes").items()[1].path(), "codes.1");
  EXPECT_TRUE(at.at("flag").boolean());
  EXPECT_EQ(at.at("count").whole(-5, 5), -3);
  EXPECT_EQ(at.at("count").real(), -3);
  EXPECT_FALSE(at.find("places").has_value());
}

TEST_F(WalkerTest, OneTextStandsForAList) {
  const auto items = walk("codes: 010\n").at("codes").items();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].text(), "010");
  EXPECT_EQ(items[0].path(), "codes");
}

TEST_F(WalkerTest, FreeNamesKeepTheirDots) {
  const auto places = walk("places: {St. Paul: {x: 2}}\n").at("places").items();
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].name(), "St. Paul");
  EXPECT_EQ(places[0].at("x").path(), "places.St. Paul.x");
  EXPECT_EQ(places[0].at("x").real(0, 10), 2);
}

TEST_F(WalkerTest, MissingKeysOfFreeNamesAreExplained) {
  const YamlWalker at = walk("places:\n  a: {}\n");
  const Error error = failure([&at] { static_cast<void>(at.at("places").at("a").at("x")); });
  EXPECT_EQ(error.key(), "places.a.x");
  EXPECT_EQ(error.line(), 2);
  EXPECT_THAT(error.expected(), HasSubstr("a number"));
}

TEST_F(WalkerTest, NumbersAreDecimalAndWhole) {
  EXPECT_EQ(walk("count: 010").at("count").whole(0, 100), 10);
  for (const char* bad : {"0x10", "1 2", "12abc", "1e2", "1.0", "--1", "+1", "''"}) {
    const YamlWalker at = walk("count: " + std::string(bad));
    EXPECT_THROW(static_cast<void>(at.at("count").whole(0, 100)), Error) << bad;
  }
  EXPECT_EQ(walk("count: +1.5e1").at("count").real(), 15);
  for (const char* bad : {"0x10", "1,5", "1.5 m", "+-1", "e3", "nan"}) {
    const YamlWalker at = walk("count: " + std::string(bad));
    EXPECT_THROW(static_cast<void>(at.at("count").real(0, 100)), Error) << bad;
  }
}

TEST_F(WalkerTest, ErrorsOfParsersGetTheirPlace) {
  const YamlWalker at = walk("flag: 1\ncount: x\n");
  const Error error = failure([&at] {
    at.at("count").parsed([](const std::string& t) -> int { throw Error(Code::data, "bad " + t); });
  });
  EXPECT_EQ(error.message(), "bad x");
  EXPECT_EQ(error.file(), "f.yaml");
  EXPECT_EQ(error.key(), "count");
  EXPECT_EQ(error.line(), 2);
  EXPECT_EQ(error.found(), "`x`");
}

TEST_F(WalkerTest, StarIsNoKey) {
  EXPECT_THAT(failure([this] { walk("'*': 1\n"); }).message(), HasSubstr("unknown key `*`"));
}

TEST(ContainsWord, WholeWordsOnly) {
  EXPECT_TRUE(contains_word("tmmx_2018.nc", "tmmx"));
  EXPECT_TRUE(contains_word("daily TMMX", "tmmx"));
  EXPECT_TRUE(contains_word("precip_pr", "pr"));
  EXPECT_FALSE(contains_word("precipitation_amount", "pr"));
  EXPECT_FALSE(contains_word("tmmx2_2018.nc", "tmmx"));
  EXPECT_FALSE(contains_word("vs", ""));
}

}  // namespace
}  // namespace fluxtile
