// SPDX-License-Identifier: Apache-2.0
#include "stages/kept_states.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fluxtile {
namespace {

using Days = std::vector<size_t>;

constexpr size_t most_kept = 7;  ///< as state.within_year is by default

TEST(KeptStates, DaysOfARun) {
  EXPECT_EQ(state_days(239, 7), (Days{150, 165, 180, 195, 210, 225, 239}));
  EXPECT_EQ(state_days(240, 7), (Days{150, 165, 180, 195, 210, 225, 240}));
  EXPECT_EQ(state_days(241, 7), (Days{165, 180, 195, 210, 225, 240, 241}));
  EXPECT_EQ(state_days(240, 4), (Days{180, 210, 225, 240}));
  EXPECT_EQ(state_days(240, 2), (Days{180, 240}));
  EXPECT_EQ(state_days(240, 12), (Days{75, 90, 105, 120, 135, 150, 165, 180, 195, 210, 225, 240}));
  EXPECT_EQ(state_days(59, 7), (Days{15, 30, 45, 59}));
  EXPECT_EQ(state_days(16, 7), (Days{15, 16}));
  EXPECT_EQ(state_days(15, 7), (Days{15}));
  EXPECT_EQ(state_days(200, 0), Days());
  EXPECT_EQ(state_days(0, 7), Days());
}

TEST(KeptStates, NoneIsLaterThanOctober26) {
  EXPECT_EQ(state_days(365, 1), (Days{298}));
  EXPECT_EQ(state_days(365, 2), (Days{285, 298}));
  EXPECT_EQ(state_days(352, 2), (Days{285, 298}));
  EXPECT_EQ(state_days(339, 3), (Days{270, 285, 298}));
  EXPECT_EQ(state_days(298, 2), (Days{225, 298}));
}

/// Tile folders after nights that each brought one day: what is stored, and what each night adds.
std::vector<StateDay> after_nights(int nights) {
  std::vector<StateDay> stored;
  size_t step = 3, day = 0;
  int year = 2018;
  for (int night = 0; night < nights; ++night) {
    if (++day > 365) {
      day = 1;
      ++year;
      ++step;
    }
    if (day <= 298) stored.push_back({step, year, day});
    const auto stay = states_that_stay(stored, most_kept);
    std::vector<StateDay> left;
    for (size_t k = 0; k < stored.size(); ++k)
      if (stay[k]) left.push_back(stored[k]);
    stored = left;
  }
  return stored;
}

TEST(KeptStates, ARevisionOf60DaysFindsOneHoweverManyNightsHavePassed) {
  for (int nights = 100; nights < 290; ++nights) {
    const auto stored = after_nights(nights);
    ASSERT_LE(stored.size(), most_kept);
    EXPECT_EQ(stored.back().day, static_cast<size_t>(nights));
    const auto before = std::count_if(stored.begin(), stored.end(), [&](const StateDay& state) {
      return state.day + 60 <= static_cast<size_t>(nights) &&
             state.day + 75 > static_cast<size_t>(nights);
    });
    EXPECT_GE(before, 1) << nights;
  }
}

TEST(KeptStates, TheNewYearStillHasOctober) {
  // In January and February a revision of 60 days reaches into the year before, whose state of 26
  // October is the only one from which its end can be run.
  for (int nights = 365 + 1; nights < 365 + 59; ++nights) {
    const auto stored = after_nights(nights);
    const auto october = std::find_if(stored.begin(), stored.end(), [](const StateDay& state) {
      return state.year == 2018 && state.day == 298;
    });
    EXPECT_NE(october, stored.end()) << nights;
  }
}

/// Nights that each bring a day, of which some come with a revision of the last 60 days.
class Nights {
 public:
  /// Days that are run and states that are written.
  struct Cost {
    size_t days = 0, states = 0;
  };
  Cost night(size_t end, bool revised) {
    const size_t changed = revised && end > 60 ? end - 60 : stored_.empty() ? 0 : end - 1;
    size_t from = 0;
    for (const StateDay& state : stored_)
      if (state.day <= changed) from = state.day;
    std::vector<StateDay> left;
    for (const StateDay& state : stored_)
      if (state.day <= from) left.push_back(state);
    Cost cost{end - from, 0};
    for (const size_t day : state_days(end, most_kept)) {
      if (day <= from) continue;
      left.push_back({0, 2018, day});
      ++cost.states;
    }
    const auto stay = states_that_stay(left, most_kept);
    stored_.clear();
    for (size_t k = 0; k < left.size(); ++k)
      if (stay[k]) stored_.push_back(left[k]);
    return cost;
  }

  [[nodiscard]] const std::vector<StateDay>& stored() const { return stored_; }

 private:
  std::vector<StateDay> stored_;
};

TEST(KeptStates, ARevisionOfWhatOneRunHasMappedRuns74DaysAtMost) {
  for (size_t end = 61; end <= 365; ++end) {
    Nights nights;
    nights.night(end, false);
    const auto cost = nights.night(end, true);
    EXPECT_LE(cost.days, 74U) << end;
    EXPECT_LE(cost.states, 5U) << end;
  }
}

TEST(KeptStates, ARevisionEveryNightOrNowAndThenRuns74DaysAtMost) {
  for (const size_t every : {1, 2, 3, 7, 10, 11, 15, 16, 19, 30, 59, 75, 100}) {
    Nights nights;
    for (size_t end = 1; end <= 365; ++end) {
      const bool revised = end % every == 0;
      const auto cost = nights.night(end, revised);
      EXPECT_LE(cost.days, revised ? 74U : end <= 298 ? 1U : 67U) << end << ", every " << every;
      EXPECT_LE(cost.states, revised ? 5U : 1U) << end << ", every " << every;
    }
  }
}

TEST(KeptStates, WeeksOfRevisionsThenWeeksWithoutThenOne) {
  for (size_t until = 100; until <= 240; ++until) {
    for (const size_t pause : {5, 11, 14, 15, 31, 45, 59}) {
      Nights nights;
      for (size_t end = until - 20; end <= until; ++end) nights.night(end, true);
      for (size_t end = until + 1; end < until + pause; ++end) nights.night(end, false);
      EXPECT_LE(nights.night(until + pause, true).days, 74U) << until << " and " << pause;
    }
  }
}

TEST(KeptStates, OneMoreIsThereForWhatReachesALittleFurtherBack) {
  // A late composite changes what days before it were filled with.
  for (const size_t every : {1, 2, 7, 20, 400}) {
    Nights nights;
    for (size_t end = 1; end <= 298; ++end) {
      nights.night(end, end % every == 0);
      const auto before = std::count_if(
          nights.stored().begin(), nights.stored().end(),
          [&](const StateDay& state) { return state.day + 70 <= end && state.day + 100 >= end; });
      EXPECT_TRUE(before >= 1 || end <= 100) << end << ", every " << every;
    }
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
