// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxtile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> methods = {"nearest", "bilinear", "cubic", "area"};

TEST(NearestNames, FindsTyposIgnoringCase) {
  EXPECT_THAT(nearest_names("bilinaer", methods), ElementsAre("bilinear"));
  EXPECT_THAT(nearest_names("AREA", methods), ElementsAre("area"));
  EXPECT_THAT(nearest_names("zzzzzz", methods), IsEmpty());
}

TEST(NearestNames, BestComesFirstAndTheListIsShort) {
  const std::vector<std::string> names = {"scales", "scale", "scalar", "stale", "shale"};
  const auto near = nearest_names("scale", names);
  ASSERT_EQ(near.size(), 3U);
  EXPECT_EQ(near[0], "scale");
  EXPECT_EQ(nearest_names("scale", names, 1).size(), 1U);
}

TEST(NearestNames, APartOfANameCounts) {
  EXPECT_THAT(nearest_names("resolution", {"grid.resolution_in_metres"}),
              ElementsAre("grid.resolution_in_metres"));
}

TEST(Suggestion, AsksOrListsWhatIsKnown) {
  EXPECT_EQ(suggestion("bilinaer", methods), "did you mean bilinear?");
  EXPECT_EQ(suggestion("cubik", {"cubic", "cubi"}), "did you mean cubic or cubi?");
  EXPECT_THAT(suggestion("zzzzzz", methods), HasSubstr("known: nearest, bilinear, cubic or area"));
  EXPECT_EQ(suggestion("x", {}), "");
}

}  // namespace
}  // namespace fluxtile
