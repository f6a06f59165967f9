// SPDX-License-Identifier: Apache-2.0
#include "pipeline/shell_quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "pipeline/child_process.h"

namespace fluxtile {
namespace {

using testing::ElementsAreArray;

std::vector<std::string> through_bash(const std::vector<std::string>& words,
                                      const std::string& locale) {
  const auto outcome = run_child(
      {"bash", "-c", "export LC_ALL=" + locale + "; printf '%s\\0' " + shell_line(words)});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  std::vector<std::string> back;
  for (size_t begin = 0; begin < outcome.out.size();) {
    const size_t end = outcome.out.find('\0', begin);
    back.push_back(outcome.out.substr(begin, end - begin));
    begin = end + 1;
  }
  return back;
}

TEST(ShellQuote, PlainWordsStayReadable) {
  EXPECT_EQ(shell_line({"sbatch", "--array=0-7%4", "/work/run.sh", "n1,n2", "a@b:c+d"}),
            "sbatch --array=0-7%4 /work/run.sh n1,n2 a@b:c+d");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("A=b"), "'A=b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
}

TEST(ShellQuote, WordsThatShellsReadThings) {
  const std::vector<std::string> words = {
      "$HOME", "`id`",  "$(id)", "a b",  "a\nb",  "\\",     "\\n",    "'",    "''",   "\"",
      "~",     "~root", "*",     "[a]",  "{a,b}", "!x",     "#x",     "a;b",  "a|b",  "a&b",
      "<x",    ">x",    "(x)",   "\t",   "\r\n",  "A=b",    "-n",     "\xff", "\xc3", "\xe2\x82",
      "",      " ",     "if",    "\x01", "\x7f",  "$'\\x'", "a'b\"c", "\n\n", "%s%n", "=x"};
  for (const char* locale : {"C", "C.UTF-8"})
    EXPECT_THAT(through_bash(words, locale), ElementsAreArray(words)) << locale;
}

TEST(ShellQuote, AnyBytesComeOutAsTheyWentIn) {
  std::mt19937 random(20);
  const std::string dangerous = "'\"\\$`!*?[]{}()<>|&;~# \n\t=%-";
  for (int round = 0; round < 40; ++round) {
    std::vector<std::string> words;
    for (int k = 0; k < 25; ++k) {
      std::string word;
      for (size_t length = random() % 30; length > 0; --length) {
        word += random() % 2 == 0 ? dangerous[random() % dangerous.size()]
                                  : static_cast<char>(1 + random() % 255);
      }
      words.push_back(word);
    }
    ASSERT_THAT(through_bash(words, round % 2 == 0 ? "C" : "C.UTF-8"), ElementsAreArray(words));
  }
}

TEST(ShellQuote, ZeroBytesCannotBePartOfAWord) {
  EXPECT_THROW(shell_quote(std::string("a\0b", 3)), Error);
  EXPECT_THROW(run_child({"true", std::string("a\0b", 3)}), Error);
}

TEST(ChildProcess, GetsItsWordsAsTheyAre) {
  const auto outcome = run_child({"printf", "%s|", "a b", "$HOME", "'", "\n"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "a b|$HOME|'|\n|");
}

TEST(ChildProcess, TellsHowItEnded) {
  EXPECT_EQ(run_child({"bash", "-c", "exit 7"}).code, 7);
  const auto killed = run_child({"bash", "-c", "kill -KILL $$"});
  EXPECT_EQ(killed.signal, 9);
  EXPECT_EQ(killed.code, -1);
  const auto none = run_child({"/nowhere/at-all"});
  EXPECT_FALSE(none.started);
  EXPECT_EQ(none.err, "No such file or directory");
}

TEST(ChildProcess, ManyBytesOnBothStreamsDoNotBlock) {
  const auto outcome =
      run_child({"bash", "-c", "head -c 300000 /dev/zero >&2; head -c 400000 /dev/zero"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out.size(), 400000U);
  EXPECT_EQ(outcome.err.size(), 300000U);
}

TEST(ChildProcess, HasNeitherOurStdinNorTheVariablesNamed) {
  setenv("FLUXTILE_TEST_A", "1", 1);
  setenv("FLUXTILE_TEST_AB", "2", 1);
  const auto outcome = run_child(
      {"bash", "-c", "echo ${FLUXTILE_TEST_A-none} $FLUXTILE_TEST_AB; cat"}, {"FLUXTILE_TEST_A"});
  unsetenv("FLUXTILE_TEST_A");
  unsetenv("FLUXTILE_TEST_AB");
  EXPECT_EQ(outcome.out, "none 2\n");
}

}  // namespace
}  // namespace fluxtile
