// SPDX-License-Identifier: Apache-2.0
#include "model/training/schedule.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "base/error.h"

namespace fluxtile {
namespace {

TEST(Schedule, PublishedStepsAreThoseOfThePaper) {
  const Schedule schedule = published_schedule();
  ASSERT_EQ(schedule.stages.size(), 4U);
  const Stage &first = schedule.stages[0], &second = schedule.stages[1],
              &third = schedule.stages[2], &last = schedule.stages[3];
  EXPECT_EQ(first.epochs, 1000);
  EXPECT_EQ(first.patience, 100);
  EXPECT_EQ(first.step_epochs, 100);
  EXPECT_EQ(first.step_factor, 0.5);
  EXPECT_EQ(first.self_paced.growth, 1.02);
  EXPECT_EQ(second.epochs, 80);
  EXPECT_EQ(second.patience, 10);
  EXPECT_EQ(second.rh_responses, std::vector<std::string>{"TSOC"});
  EXPECT_EQ(third.batch_sites, 21);
  EXPECT_EQ(third.trains[0], (std::pair<std::string, double>{"gru_basic", 0.2}));
  EXPECT_EQ(last.step_epochs, 10);
  EXPECT_EQ(last.rh_responses, (std::vector<std::string>{"TSOC", "GPP"}));
  // Step 1 and the flux steps share no parameters but those of Ra.
  std::set<std::string> of_first;
  for (const auto& [module, factor] : first.trains) of_first.insert(module);
  EXPECT_EQ(of_first.count("gru_Rh"), 0U);
  for (const auto& [module, factor] : second.trains) EXPECT_NE(module, "gru_basic");
}

TEST(Schedule, FineTuningFreezesWhatThePaperFreezes) {
  for (const bool published : {false, true}) {
    const Schedule schedule = fine_tuning_schedule(published);
    ASSERT_EQ(schedule.stages.size(), 1U);
    const Stage& stage = schedule.stages[0];
    EXPECT_TRUE(stage.whole_record);
    EXPECT_EQ(stage.batch_sites, 0);
    EXPECT_EQ(stage.epochs, 120);
    EXPECT_EQ(stage.patience, 30);
    EXPECT_EQ(stage.keep_responses.size(), 19U);
    EXPECT_EQ(stage.response_features, published ? 0 : 1);
    EXPECT_EQ(stage.response_years == 18, published);
    for (const auto& [module, factor] : stage.trains) {
      EXPECT_NE(module, "gru_basic");
      EXPECT_NE(module, "attn");
      EXPECT_NE(module, "densor_yield");
      EXPECT_EQ(factor, module.find("Rh") != std::string::npos ? 0.2 : 0.5);
    }
  }
}

TEST(Schedule, IsFoundByName) {
  for (const char* name : {"published", "midwest", "small"})
    EXPECT_EQ(schedule_of(name).name, name);
  try {
    schedule_of("midwets");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_THAT(error.what(), testing::HasSubstr("midwest"));
  }
}

TEST(Schedule, WithoutKnowledgeLeavesLabelsAlone) {
  for (const Schedule& full : {midwest_schedule(), fine_tuning_schedule()}) {
    const Schedule plain = without_knowledge(full);
    EXPECT_NE(plain.name, full.name);
    for (size_t i = 0; i < plain.stages.size(); ++i) {
      const Stage &stage = plain.stages[i], &before = full.stages[i];
      EXPECT_EQ(stage.mass_balance, 0);
      EXPECT_EQ(stage.yield_bounds, 0);
      EXPECT_EQ(stage.self_paced.threshold, 0);
      EXPECT_TRUE(stage.rh_responses.empty());
      EXPECT_TRUE(stage.yield_responses.empty());
      EXPECT_TRUE(stage.keep_responses.empty());
      EXPECT_EQ(stage.epochs, before.epochs);
      EXPECT_EQ(stage.trains, before.trains);
      EXPECT_EQ(stage.learning_rate, before.learning_rate);
    }
  }
}

TEST(Schedule, DigestChangesWithEverythingThatDecides) {
  const Schedule base = midwest_schedule();
  std::set<std::string> digests = {digest_of(base)};
  EXPECT_EQ(digests.count(digest_of(midwest_schedule())), 1U);
  const std::vector<std::function<void(Schedule&)>> changes = {
      [](Schedule& s) { s.seed = 2; },
      [](Schedule& s) { s.dropout = 0; },
      [](Schedule& s) { s.spinup_years = 1; },
      [](Schedule& s) { s.stages.pop_back(); },
      [](Schedule& s) { s.stages[1].objective = Objective::county_yield; },
      [](Schedule& s) { s.stages[1].trains.pop_back(); },
      [](Schedule& s) { s.stages[1].trains[0].second = 0.3; },
      [](Schedule& s) { s.stages[1].learning_rate *= 2; },
      [](Schedule& s) { s.stages[1].step_epochs += 1; },
      [](Schedule& s) { s.stages[1].step_factor *= 2; },
      [](Schedule& s) { s.stages[1].epochs += 1; },
      [](Schedule& s) { s.stages[1].patience += 1; },
      [](Schedule& s) { s.stages[1].clip_norm += 1; },
      [](Schedule& s) { s.stages[1].batch_sites += 1; },
      [](Schedule& s) { s.stages[1].sample_sites = 0.5; },
      [](Schedule& s) { s.stages[1].whole_record = true; },
      [](Schedule& s) { s.stages[1].self_paced.threshold = 3; },
      [](Schedule& s) { s.stages[1].self_paced.growth = 3; },
      [](Schedule& s) { s.stages[1].self_paced.until_epoch = 3; },
      [](Schedule& s) { s.stages[1].mass_balance = 3; },
      [](Schedule& s) { s.stages[1].yield_bounds = 3; },
      [](Schedule& s) { s.stages[1].rh_responses = {"GPP"}; },
      [](Schedule& s) { s.stages[1].yield_responses = {"GPP"}; },
      [](Schedule& s) { s.stages[1].keep_responses = {"GPP"}; },
      [](Schedule& s) { s.stages[1].response_features = 7; },
      [](Schedule& s) { s.stages[1].response_points += 1; },
      [](Schedule& s) { s.stages[1].response_sites += 1; },
      [](Schedule& s) { s.stages[1].response_years += 1; },
      [](Schedule& s) { s.stages[1].response_every += 1; },
      [](Schedule& s) { s.stages[1].response_from_epoch += 1; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    Schedule changed = base;
    changes[i](changed);
    EXPECT_TRUE(digests.insert(digest_of(changed)).second) << "change " << i;
  }
}

}  // namespace
}  // namespace fluxtile
