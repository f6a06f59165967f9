// SPDX-License-Identifier: Apache-2.0
#include "stages/kept_states.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fluxtile {
namespace {

using Days = std::vector<size_t>;

TEST(KeptStates, DaysThatStayByRule) {
  EXPECT_EQ(state_days(232, 5), (Days{160, 180, 200, 220, 232}));
  EXPECT_EQ(state_days(220, 5), (Days{140, 160, 180, 200, 220}));
  EXPECT_EQ(state_days(15, 5), (Days{15}));
  EXPECT_EQ(state_days(365, 1), (Days{298}));
  EXPECT_EQ(state_days(352, 3), (Days{260, 280, 298}));
  EXPECT_EQ(state_days(298, 2), (Days{280, 298}));
  EXPECT_EQ(state_days(200, 0), Days());
}

/// Tile folders after nights that each brought one day: what is stored, and what each night adds.
std::vector<StateDay> after_nights(int nights, size_t most, size_t first_day) {
  std::vector<StateDay> stored;
  size_t step = 3, day = first_day;
  int year = 2018;
  for (int night = 0; night < nights; ++night) {
    if (++day > 365) {
      day = 1;
      ++year;
      ++step;
    }
    if (day <= 298) stored.push_back({step, year, day});
    const auto stay = states_that_stay(stored, most);
    std::vector<StateDay> left;
    for (size_t k = 0; k < stored.size(); ++k)
      if (stay[k]) left.push_back(stored[k]);
    stored = left;
  }
  return stored;
}

TEST(KeptStates, ARevisionOf60DaysFindsOneHoweverManyNightsHavePassed) {
  for (int nights = 100; nights < 290; ++nights) {
    const auto stored = after_nights(nights, 5, 0);
    ASSERT_LE(stored.size(), 5U);
    EXPECT_EQ(stored.back().day, static_cast<size_t>(nights));
    const auto before = std::count_if(stored.begin(), stored.end(), [&](const StateDay& state) {
      return state.day + 60 <= static_cast<size_t>(nights) &&
             state.day + 80 > static_cast<size_t>(nights);
    });
    EXPECT_GE(before, 1) << nights;
  }
}

TEST(KeptStates, TheNewYearStillHasOctober) {
  // In January and February a revision of 60 days reaches into the year before, whose state of 26
  // October is the only one from which its end can be run.
  for (int nights = 365 + 1; nights < 365 + 59; ++nights) {
    const auto stored = after_nights(nights, 5, 0);
    const auto october = std::find_if(stored.begin(), stored.end(), [](const StateDay& state) {
      return state.year == 2018 && state.day == 298;
    });
    EXPECT_NE(october, stored.end()) << nights;
  }
}

TEST(KeptStates, FewerThanAllowedAllStay) {
  const std::vector<StateDay> states = {{3, 2018, 31}, {3, 2018, 59}, {3, 2018, 61}};
  EXPECT_EQ(states_that_stay(states, 5), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(states_that_stay(states, 2), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(states_that_stay(states, 0), (std::vector<bool>{false, false, false}));
  EXPECT_TRUE(states_that_stay({}, 5).empty());
}

}  // namespace
}  // namespace fluxtile
