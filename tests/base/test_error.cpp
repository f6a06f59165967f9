// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <new>
#include <string>
#include <system_error>

#include "base/system_fault.h"

namespace fluxtile {
namespace {

TEST(Error, MessageHoldsEverythingThatWasGiven) {
  const Error error = Error(Code::data, "no such band")
                          .file("a.tif")
                          .key("inputs.gpp.band", 12)
                          .tile("IA/3_-4")
                          .stage("ingest_gpp")
                          .found("7")
                          .expected("1 to 3")
                          .hint("count the bands");
  EXPECT_STREQ(error.what(),
               "no such band\n"
               "  at:       file a.tif, key inputs.gpp.band (line 12), tile IA/3_-4, stage "
               "ingest_gpp\n"
               "  found:    7\n"
               "  expected: 1 to 3\n"
               "  hint:     count the bands");
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_EQ(error.line(), 12);
}

TEST(Error, PartsThatWereNotGivenLeaveNoTrace) {
  EXPECT_STREQ(Error(Code::io, "disk full").what(), "disk full");
  EXPECT_STREQ(Error(Code::data, "bad").key("region").what(), "bad\n  at:       key region");
}

TEST(Error, CodesAreTheExitCodes) {
  EXPECT_EQ(static_cast<int>(Code::tiles_failed), 1);
  EXPECT_EQ(static_cast<int>(Code::usage), 64);
  EXPECT_EQ(static_cast<int>(Code::data), 65);
  EXPECT_EQ(static_cast<int>(Code::internal), 70);
  EXPECT_EQ(static_cast<int>(Code::cannot_create), 73);
  EXPECT_EQ(static_cast<int>(Code::io), 74);
  EXPECT_EQ(static_cast<int>(Code::interrupted), 75);
}

TEST(Error, CanBeCompletedOnItsWayUp) {
  try {
    try {
      throw Error(Code::data, "unreadable");
    } catch (Error& error) {
      throw error.file("b.tif");
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.file(), "b.tif");
    EXPECT_EQ(error.message(), "unreadable");
  }
}

TEST(Attempt, GivesTheValueOrTheError) {
  const auto good = attempt([] { return 7; });
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good.value(), 7);
  const auto bad = attempt([]() -> int { throw Error(Code::io, "gone").tile("x"); });
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), Code::io);
  EXPECT_EQ(bad.error().tile(), "x");
}

TEST(Attempt, OutOfMemoryIsAPassingFaultAndTheRestABug) {
  EXPECT_EQ(attempt([]() -> int { throw std::bad_alloc(); }).error().code(), Code::interrupted);
  EXPECT_EQ(attempt([]() -> int { throw std::runtime_error("x"); }).error().code(), Code::internal);
  EXPECT_EQ(attempt([]() -> int { throw 3; }).error().code(), Code::internal);
}

TEST(Attempt, FaultsOfTheMachineAreNoBugs) {
  const auto file = attempt([] { return std::filesystem::file_size("/no/such/file"); });
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), Code::io);
  EXPECT_EQ(file.error().file(), "/no/such/file");
  const auto thread = attempt(
      []() -> int { throw std::system_error(EAGAIN, std::generic_category(), "no thread"); });
  EXPECT_EQ(thread.error().code(), Code::interrupted);
  EXPECT_NE(thread.error().hint().find("ulimit -u"), std::string::npos);
}

TEST(SystemFault, TellsPassingFaultsFromOthers) {
  EXPECT_EQ(system_fault(Code::io, "cannot write", "x", ENOSPC).code(), Code::io);
  EXPECT_EQ(system_fault(Code::io, "cannot write", "x", EMFILE).code(), Code::interrupted);
  for (const int lost : {ENOTCONN, ESHUTDOWN, EHOSTDOWN, ECONNRESET}) {
    const Error error = system_fault(Code::io, "cannot write", "x", lost);
    EXPECT_EQ(error.code(), Code::interrupted) << lost;
    EXPECT_NE(error.hint().find("network file system"), std::string::npos) << lost;
  }
  EXPECT_NE(system_fault(Code::io, "cannot write", "/tmp/x", ENOSPC).found().find("free"),
            std::string::npos);
  EXPECT_FALSE(file_descriptors_used_up());
}

}  // namespace
}  // namespace fluxtile
