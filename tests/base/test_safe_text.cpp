// SPDX-License-Identifier: Apache-2.0
#include "base/safe_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file_name.h"
#include "base/limited_file.h"
#include "base/yaml_limits.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

TEST(FileNameOf, KeepsNamesApartAndInTheFolder) {
  EXPECT_EQ(file_name_of("IA"), "IA");
  EXPECT_EQ(file_name_of("../../etc"), "%2E.%2F..%2Fetc");
  EXPECT_EQ(file_name_of("/abs"), "%2Fabs");
  EXPECT_EQ(file_name_of("."), "%2E");
  EXPECT_EQ(file_name_of(".."), "%2E.");
  EXPECT_EQ(file_name_of(""), "%00");
  EXPECT_EQ(file_name_of(std::string("a\0b\n", 4)), "a%00b%0A");
  EXPECT_EQ(file_name_of("C\xC3\xB4te"), "C%C3%B4te");
  EXPECT_NE(file_name_of("a b"), file_name_of("a%20b"));
  EXPECT_NE(file_name_of("A/B"), file_name_of("A%2FB"));
}

TEST(IsFileName, RefusesWhatLeadsElsewhere) {
  EXPECT_TRUE(is_file_name("iowa_IA_nee_annual.tif"));
  EXPECT_TRUE(is_file_name("..x"));
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("../x"), std::string("a\0b", 3), std::string(256, 'a')})
    EXPECT_FALSE(is_file_name(name)) << name;
}

TEST(PlainText, HoldsNoControlAndIsUtf8) {
  for (const char* text : {"", "IA", "C\xC3\xB4te-d'Or", "\xE4\xBA\xAC", "a b", "<b>\"&"})
    EXPECT_TRUE(is_plain_text(text)) << text;
  for (const char* text : {"a\nb", "\x1b[2J", "\x7f", "\xC2\x9B", "\xE2\x80\xAE", "\xff", "\xC3",
                           "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"})
    EXPECT_FALSE(is_plain_text(text)) << visible_text(text);
}

TEST(VisibleText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(visible_text("C\xC3\xB4te\nx"), "C\xC3\xB4te\nx");
  EXPECT_EQ(visible_text("\x1b[2J\r"), "\\x1B[2J\\x0D");
  EXPECT_EQ(visible_text("\xE2\x80\xAEx"), "\\xE2\\x80\\xAEx");
  EXPECT_EQ(visible_text("a\xff"), "a\\xFF");
}

TEST(LogLines, OneMessageLooksLikeOne) {
  EXPECT_EQ(log_lines("one\n  at: x"), "one\n  at: x");
  EXPECT_EQ(log_lines("bad\n12:00:00 info all is well\n"), "bad\n  12:00:00 info all is well\n  ");
}

TEST(CsvField, IsOneFieldAndNoFormula) {
  EXPECT_EQ(csv_field("Iowa"), "Iowa");
  EXPECT_EQ(csv_field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
  EXPECT_EQ(csv_field("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
  EXPECT_EQ(csv_field("@SUM(1,2)"), "\"'@SUM(1,2)\"");
  EXPECT_EQ(csv_field("+x"), "'+x");
  EXPECT_EQ(csv_field("-1.5e-3"), "-1.5e-3");  // a number stays one
  EXPECT_EQ(csv_field("-1+cmd"), "'-1+cmd");
  EXPECT_EQ(csv_field("\t5"), "'\t5");  // found by fuzzing
}

TEST(ReadFileUpTo, StopsAtWhatNeverEnds) {
  try {
    read_file_up_to("/dev/zero", 1000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_THAT(error.expected(), HasSubstr("1000"));
  }
  EXPECT_EQ(read_file_up_to("/dev/null", 0), "");
}

std::string refusal(const std::string& yaml) {
  try {
    check_yaml_limits(yaml, "f.yaml");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), "f.yaml");
    return error.message() + ": " + error.found();
  }
}

TEST(YamlLimits, OrdinaryTextPasses) {
  EXPECT_EQ(refusal("a: [1, 2]\nb: &x {c: d}\ne: *x\nf: [*x, *x]\n"), "");
  EXPECT_EQ(refusal(""), "");
}

TEST(YamlLimits, AliasesThatGrowAreRefused) {
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) laughs += (k > 0 ? ", " : "") + before;
    laughs += "]\n";
  }
  EXPECT_THAT(refusal(laughs), HasSubstr("more values"));
  // Few values, much text.
  std::string text = "a: &a " + std::string(60000, 'x') + "\nb: [";
  for (int k = 0; k < 400; ++k) text += "*a, ";
  EXPECT_THAT(refusal(text + "1]\n"), HasSubstr("more text"));
  EXPECT_THAT(refusal("a: &a {b: *a}\n"), HasSubstr("alias inside"));
}

TEST(YamlLimits, DepthAndLengthAreRefused) {
  EXPECT_EQ(refusal(std::string(50, '[') + std::string(50, ']')), "");
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("61 levels"));
  EXPECT_THAT(refusal("a: " + std::string(70000, 'x')), HasSubstr("70000 bytes"));
  EXPECT_THAT(refusal(std::string(3 << 20, '#')), HasSubstr("too long"));
}

}  // namespace
}  // namespace fluxtile
