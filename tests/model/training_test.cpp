// SPDX-License-Identifier: Apache-2.0
#include "model/training/training.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/error.h"
#include "model/training/losses.h"
#include "synthetic_model.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// The last year validates, all others train.
Roles last_year_validates(const SiteYears& table) {
  SplitRule rule;
  rule.validation_years = {table.years.back()};
  return roles_of(table, rule);
}

/// Stages 1 and 2 of the published recipe with few epochs, without responses.
Schedule short_schedule(int epochs) {
  Schedule schedule = published_schedule();
  schedule.name = "short";
  schedule.stages.resize(2);
  for (Stage& stage : schedule.stages) {
    stage.epochs = stage.patience = epochs;
    stage.learning_rate = 4e-3;
    stage.batch_sites = 8;
    stage.rh_responses.clear();
  }
  return schedule;
}

/// Fine-tuning with few epochs and few response points.
Schedule short_fine_tuning(int epochs) {
  Schedule schedule = fine_tuning_schedule();
  Stage& stage = schedule.stages[0];
  stage.epochs = stage.patience = epochs;
  stage.learning_rate = 4e-3;
  stage.response_sites = 1;
  stage.response_years = 2;
  stage.response_points = 3;
  return schedule;
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    return error.what();
  }
  return "";
}

/// Mean |NEE - Reco + GPP| of a package's predictions, gC m-2 d-1.
double closure_error(const Package& package, const SiteYears& table) {
  const Predictions out = predict(package, table, 2, 2);
  double sum = 0;
  const std::vector<float>&reco = out.daily.at("Reco"), &nee = out.daily.at("NEE");
  for (size_t i = 0; i < reco.size(); ++i)
    sum += static_cast<double>(std::abs(nee[i] - reco[i] + table.inputs[i * 19 + 8]));
  return sum / static_cast<double>(reco.size());
}

TEST(Training, LearnsAndKeepsTheBestEpochOfTheLastStage) {
  const SiteYears table = test::crop_fields(1, 8, 4);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  TrainingOptions options;
  options.threads = 2;
  std::vector<EpochRecord> seen;
  options.on_epoch = [&](const EpochRecord& record) { seen.push_back(record); };
  const TrainedModel model = train(start, table, roles, short_schedule(10), options);

  ASSERT_EQ(seen.size(), 20U);
  ASSERT_EQ(model.history.size(), 20U);
  EXPECT_LT(seen[9].validation.at("Ra"), 0.6 * seen[0].validation.at("Ra"));
  EXPECT_LT(seen[19].validation.at("fluxes"), 0.4 * seen[10].validation.at("fluxes"));
  EXPECT_GT(seen[19].r2.at("NEE"), 0.6);
  double best = std::numeric_limits<double>::infinity();
  for (size_t i = 10; i < 20; ++i) {
    EXPECT_EQ(seen[i].stage, "fluxes");
    EXPECT_EQ(seen[i].epoch, static_cast<int>(i) - 10);
    EXPECT_EQ(seen[i].site_years, 8U * 3U);
    EXPECT_NEAR(seen[i].train.at("loss"),
                seen[i].train.at("fluxes") + seen[i].train.at("mass balance"), 1e-5);
    EXPECT_EQ(seen[i].best, seen[i].validation.at("loss") < best);
    best = std::min(best, seen[i].validation.at("loss"));
  }
  EXPECT_EQ(model.best_validation, best);
  EXPECT_EQ(seen[12].learning_rate, 4e-3);

  // Kept are the weights of the best epoch: trained on from them at no learning rate, validation
  // says the same.
  Schedule still = short_schedule(1);
  still.stages.erase(still.stages.begin());
  still.stages[0].learning_rate = 0;
  EXPECT_EQ(train(model.package, table, roles, still, {}).best_validation, best);
}

TEST(Training, LearningRateFallsInStepsAndPatienceEndsAStage) {
  const SiteYears table = test::crop_fields(1, 2, 2);
  const Roles roles = last_year_validates(table);
  Schedule schedule = short_schedule(20);
  schedule.stages.erase(schedule.stages.begin());
  Stage& stage = schedule.stages[0];
  stage.learning_rate = 1e-30;  // nothing changes: the first epoch stays the best
  stage.patience = 5;
  stage.step_epochs = 2;
  stage.step_factor = 0.5;
  const TrainedModel model =
      train(untrained_package("kgml-ag-c", table, roles, 1), table, roles, schedule, {});
  ASSERT_EQ(model.history.size(), 6U);
  EXPECT_EQ(model.history[1].learning_rate, 1e-30);
  EXPECT_EQ(model.history[2].learning_rate, 0.5e-30);
  EXPECT_EQ(model.history[5].learning_rate, 0.25e-30);
  EXPECT_TRUE(model.history[0].best);
  EXPECT_FALSE(model.history[5].best);
}

TEST(Training, FrozenTensorsStayBitForBit) {
  const SiteYears table = test::crop_fields(1, 4, 3), towers = test::tower_fields(1, 4, 3);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  const auto expect_moved = [&](const Package& after, const std::vector<std::string>& moved) {
    for (const auto& [name, tensor] : start.tensors) {
      const std::string module = name.substr(0, name.find('.'));
      const bool trains = std::find(moved.begin(), moved.end(), module) != moved.end();
      EXPECT_EQ(after.tensors.at(name).bytes != tensor.bytes, trains) << name;
    }
  };
  Schedule schedule = short_schedule(2);
  Schedule only = schedule;
  only.stages.erase(only.stages.begin() + 1);
  expect_moved(train(start, table, roles, only, {}).package,
               {"gru_basic", "gru_Ra", "densor_Ra", "attn", "densor_yield"});
  only.stages = {schedule.stages[1]};
  const std::vector<std::string> fluxes = {"gru_Ra",    "gru_Rh",    "gru_NEE",
                                           "densor_Ra", "densor_Rh", "densor_NEE"};
  expect_moved(train(start, table, roles, only, {}).package, fluxes);
  expect_moved(train(start, towers, roles, short_fine_tuning(2), {}).package, fluxes);
}

TEST(Training, LearningRateFactorsScaleTheFirstStep) {
  const SiteYears towers = test::tower_fields(1, 2, 2);
  const SiteYears table = test::crop_fields(1, 2, 2);
  const Roles roles(4, Role::train);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  Schedule schedule = without_knowledge(short_fine_tuning(1));
  const TrainedModel model = train(start, towers, roles, schedule, {});
  // Adam's first step is the learning rate in the direction of the gradient's sign.
  const auto change = [&](const std::string& name) {
    return std::abs(static_cast<double>(model.package.tensors.at(name).data<float>()[0]) -
                    static_cast<double>(start.tensors.at(name).data<float>()[0]));
  };
  EXPECT_NEAR(change("densor_NEE.bias"), 0.5 * 4e-3, 1e-6);
  EXPECT_NEAR(change("densor_Ra.bias"), 0.5 * 4e-3, 1e-6);
  EXPECT_NEAR(change("densor_Rh.bias"), 0.2 * 4e-3, 1e-6);
}

TEST(Training, ThreadsChangeNothing) {
  const SiteYears table = test::crop_fields(2, 10, 3);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  Schedule schedule = small_schedule();
  for (Stage& stage : schedule.stages) {
    stage.epochs = 2;
    stage.batch_sites = 10;
    stage.response_every = 1;
  }
  TrainingOptions one, two;
  two.threads = 2;
  const TrainedModel a = train(start, table, roles, schedule, one),
                     b = train(start, table, roles, schedule, two);
  EXPECT_EQ(a.package.digest, b.package.digest);
  EXPECT_NE(a.package.digest, start.digest);
  ASSERT_EQ(a.history.size(), 8U);
  for (size_t i = 0; i < a.history.size(); ++i) {
    EXPECT_EQ(a.history[i].train, b.history[i].train);
    EXPECT_EQ(a.history[i].validation, b.history[i].validation);
  }
  // All terms of all stages are there.
  EXPECT_EQ(a.history[1].train.count("Yield"), 1U);
  EXPECT_EQ(a.history[3].train.count("Rh ~ TSOC"), 1U);
  EXPECT_EQ(a.history[3].validation.count("Rh ~ TSOC"), 1U);
  for (const char* term : {"Yield", "yield bounds", "Yield ~ GPP", "Yield ~ Year", "Yield ~ TSOC"})
    EXPECT_EQ(a.history[5].train.count(term), 1U) << term;
  EXPECT_EQ(a.history[7].train.count("Rh ~ GPP"), 1U);

  const Package tuned =
      train(start, test::tower_fields(2, 5, 3), Roles(15, Role::train), short_fine_tuning(3), one)
          .package;
  EXPECT_EQ(tuned.digest, train(start, test::tower_fields(2, 5, 3), Roles(15, Role::train),
                                short_fine_tuning(3), two)
                              .package.digest);
}

TEST(Training, SeedDecidesDropoutAndOrder) {
  const SiteYears table = test::crop_fields(2, 3, 2);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  Schedule schedule = short_schedule(2), other = schedule;
  other.seed = 2;
  const std::string digest = train(start, table, roles, schedule, {}).package.digest;
  EXPECT_EQ(digest, train(start, table, roles, schedule, {}).package.digest);
  EXPECT_NE(digest, train(start, table, roles, other, {}).package.digest);
}

TEST(Training, LabelsOfValidationAndTestChangeNoGradient) {
  const SiteYears table = test::crop_fields(4, 8, 4);
  SplitRule rule;
  rule.validation_years = {2003};
  rule.test_years = {2004};
  rule.test_blocks = 0.3;
  const Roles roles = roles_of(table, rule);
  SiteYears other = table;
  for (size_t row = 0; row < roles.size(); ++row) {
    if (roles[row] == Role::train) continue;
    const float noise = roles[row] == Role::validation ? 0.5F : 50.0F;
    for (auto& [name, values] : other.daily)
      for (size_t day = 0; day < 365; ++day) values[row * 365 + day] += noise;
    other.annual["Yield"][row] += noise;
  }
  Schedule schedule = short_schedule(1);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  EXPECT_EQ(start.digest, untrained_package("kgml-ag-c", other, roles, 1).digest);
  const TrainedModel a = train(start, table, roles, schedule, {}),
                     b = train(start, other, roles, schedule, {});
  EXPECT_EQ(a.package.digest, b.package.digest);
  EXPECT_EQ(a.history[1].train, b.history[1].train);
  EXPECT_NE(a.history[1].validation, b.history[1].validation);

  // Test labels are not even looked at.
  SiteYears test_only = table;
  for (size_t row = 0; row < roles.size(); ++row)
    if (roles[row] == Role::test || roles[row] == Role::none)
      for (auto& [name, values] : test_only.daily)
        for (size_t day = 0; day < 365; ++day) values[row * 365 + day] = -77;
  const TrainedModel c = train(start, test_only, roles, schedule, {});
  EXPECT_EQ(a.history[1].validation, c.history[1].validation);
  EXPECT_EQ(a.package.digest, c.package.digest);
}

TEST(Training, MassBalanceTeachesWhatLabelsDoNot) {
  SiteYears table = test::crop_fields(6, 4, 3);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  table.daily.erase("NEE");  // known from GPP, Ra and Rh alone
  Schedule schedule = short_schedule(8);
  schedule.stages.erase(schedule.stages.begin());
  Stage& stage = schedule.stages[0];
  stage.batch_sites = 2;
  stage.mass_balance = 0;
  const double without = closure_error(train(start, table, roles, schedule, {}).package, table);
  stage.mass_balance = 1;
  const double with = closure_error(train(start, table, roles, schedule, {}).package, table);
  EXPECT_LT(with, 0.5 * without) << "without " << without;
}

TEST(Training, ResponseStepsMakeRhRiseWithSoilCarbon) {
  // In this table Rh falls where soil carbon rises: labels alone teach the wrong response.
  SiteYears table = test::crop_fields(6, 8, 3);
  for (size_t row = 0; row < 24; ++row)
    for (size_t day = 0; day < 365; ++day) {
      float& carbon = table.inputs[(row * 365 + day) * 19 + 16];
      carbon = 48 - carbon;
    }
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  Schedule schedule = short_schedule(8);
  schedule.stages.erase(schedule.stages.begin());
  Stage& stage = schedule.stages[0];
  stage.response_points = 4;
  stage.response_sites = 2;
  stage.response_years = 2;
  stage.rh_responses = {"TSOC"};
  stage.response_from_epoch = 100;
  const double without =
      train(start, table, roles, schedule, {}).history.back().validation.at("Rh ~ TSOC");
  stage.response_from_epoch = 1;
  const TrainedModel model = train(start, table, roles, schedule, {});
  EXPECT_GT(without, 0.05);
  EXPECT_LT(model.history.back().validation.at("Rh ~ TSOC"), 0.5 * without);
  EXPECT_EQ(model.history[0].train.count("Rh ~ TSOC"), 0U);
  EXPECT_EQ(model.history[1].train.count("Rh ~ TSOC"), 1U);
  // It counts in the loss that selects the best epoch.
  const auto& last = model.history.back().validation;
  EXPECT_NEAR(last.at("loss"), last.at("fluxes") + last.at("mass balance") + last.at("Rh ~ TSOC"),
              1e-5);
}

TEST(Training, FineTuningFitsDailyAndMonthlyTowers) {
  const SiteYears fields = test::crop_fields(7, 4, 4);
  const Roles roles = last_year_validates(fields);
  const Package start = untrained_package("kgml-ag-c", fields, roles, 1);
  Schedule schedule = short_fine_tuning(12);
  schedule.stages[0].response_from_epoch = 10;
  for (const bool monthly : {false, true}) {
    SiteYears towers = test::tower_fields(7, 4, 4);
    if (monthly) {
      for (const char* name : {"Reco", "NEE"}) {
        std::vector<float>& months = towers.monthly[name];
        const std::vector<int>& begin = SiteYears::month_begin(2001);
        for (size_t row = 0; row < 16; ++row)
          for (size_t month = 0; month < 12; ++month) {
            float sum = 0;
            for (int day = begin[month]; day < begin[month + 1]; ++day)
              sum += fields.daily.at(name)[row * 365 + static_cast<size_t>(day)];
            months.push_back(sum / static_cast<float>(begin[month + 1] - begin[month]));
          }
      }
      towers.daily.clear();
    }
    TrainingOptions options;
    options.threads = 2;
    const TrainedModel model = train(start, towers, roles, schedule, options);
    const EpochRecord &first = model.history.front(), &last = model.history.back();
    EXPECT_LT(last.validation.at("loss"), 0.5 * first.validation.at("loss")) << monthly;
    EXPECT_GT(last.r2.at("Reco"), first.r2.at("Reco"));
    EXPECT_GT(last.r2.at("NEE"), first.r2.at("NEE"));
    // Responses are due in every second epoch.
    size_t kept = 0;
    for (const auto& [name, value] : model.history[10].train)
      kept += name.rfind("keep ", 0) == 0 ? 1U : 0U;
    EXPECT_EQ(kept, 1U);
    EXPECT_EQ(first.site_years, 4U * 3U);
    EXPECT_GT(model.history[10].site_years, first.site_years);
    EXPECT_EQ(last.site_years, first.site_years);
  }
}

TEST(Training, PublishedFineTuningStepsOnceForEachOfNineteenFeatures) {
  const SiteYears fields = test::crop_fields(7, 1, 2);
  const Roles roles(2, Role::train);
  const Package start = untrained_package("kgml-ag-c", fields, roles, 1);
  Schedule schedule = fine_tuning_schedule(true);
  schedule.stages[0].epochs = 2;
  TrainingOptions options;
  options.threads = 2;
  const TrainedModel model = train(start, test::tower_fields(7, 1, 2), roles, schedule, options);
  const auto kept = [](const EpochRecord& record) {
    size_t count = 0;
    for (const auto& [name, value] : record.train) count += name.rfind("keep ", 0) == 0 ? 1U : 0U;
    return count;
  };
  EXPECT_EQ(kept(model.history[0]), 0U);
  EXPECT_EQ(kept(model.history[1]), 19U);
  size_t points = 0;
  for (const ResponseRange& range : response_ranges()) points += range.points(3).size();
  EXPECT_EQ(model.history[1].site_years, 2 + points * (2 + 2));
}

TEST(Training, YearsWithGapsInTheInputsAreSkipped) {
  SiteYears towers = test::tower_fields(7, 3, 4);
  // Site 1 has no inputs in 2002, and neither labels.
  const size_t row = towers.site_year(1, 1);
  towers.inputs[(row * 365 + 100) * 19 + 3] = nan;
  for (auto& [name, values] : towers.daily)
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(row * 365), 365, nan);
  const SiteYears fields = test::crop_fields(7, 3, 4);
  const Roles roles = last_year_validates(fields);
  const Package start = untrained_package("kgml-ag-c", fields, roles, 1);
  const TrainedModel model = train(start, towers, roles, short_fine_tuning(2), {});
  EXPECT_TRUE(std::isfinite(model.best_validation));
  // The value in the gap is not read.
  towers.inputs[(row * 365 + 200) * 19 + 3] = 1e6F;
  EXPECT_EQ(train(start, towers, roles, short_fine_tuning(2), {}).package.digest,
            model.package.digest);
}

TEST(Training, PlainRecurrentNetworksTrainTheSameWay) {
  const SiteYears table = test::crop_fields(1, 4, 3);
  const Roles roles = last_year_validates(table);
  for (const char* architecture : {"gru", "lstm"}) {
    const Package start = untrained_package(architecture, table, roles, 1);
    const TrainedModel model = train(start, table, roles, without_knowledge(short_schedule(4)), {});
    ASSERT_EQ(model.history.size(), 8U);
    EXPECT_EQ(model.history[0].train.count("Yield"), 0U);
    EXPECT_LT(model.history[7].validation.at("fluxes"), model.history[4].validation.at("fluxes"));
    for (const auto& [name, tensor] : start.tensors)
      EXPECT_NE(model.package.tensors.at(name).bytes, tensor.bytes) << name;
    EXPECT_TRUE(
        std::isfinite(train(start, test::tower_fields(1, 4, 3), roles, short_fine_tuning(2), {})
                          .best_validation));
  }
}

TEST(Training, OneYearAloneIsItsOwnSpinUp) {
  const SiteYears table = test::crop_fields(1, 2, 1);
  const Roles roles(2, Role::train);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  const TrainedModel model = train(start, table, roles, short_schedule(2), {});
  ASSERT_EQ(model.history.size(), 4U);
  // Without validation the training loss decides.
  EXPECT_EQ(model.history[3].validation.at("loss"), model.history[3].train.at("loss"));
}

TEST(Training, StagesWithoutLabelsAreLeftOut) {
  SiteYears table = test::crop_fields(1, 2, 2);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  table.annual.clear();
  Schedule schedule = small_schedule();
  for (Stage& stage : schedule.stages) stage.epochs = 1;
  const TrainedModel model = train(start, table, roles, schedule, {});
  ASSERT_EQ(model.history.size(), 3U);
  EXPECT_EQ(model.history[0].train.count("Yield"), 0U);
  EXPECT_EQ(model.history[2].stage, "fluxes again");
  table.daily.clear();
  EXPECT_THAT(message_of([&] { train(start, table, roles, schedule, {}); }),
              HasSubstr("nothing could be trained"));
}

TEST(Training, ALossThatIsNoNumberNamesStageEpochBatchAndSites) {
  SiteYears table = test::crop_fields(1, 3, 2);
  const Roles roles = last_year_validates(table);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  table.daily["NEE"][table.site_year(2, 0) * 365 + 5] = 3e38F;
  Schedule schedule = short_schedule(2);
  schedule.stages[1].batch_sites = 1;
  const std::string text = message_of([&] { train(start, table, roles, schedule, {}); });
  EXPECT_THAT(text, HasSubstr("fluxes"));
  EXPECT_THAT(text, HasSubstr("epoch 0"));
  EXPECT_THAT(text, HasSubstr("batch "));
  EXPECT_THAT(text, HasSubstr("sites site 2"));
  EXPECT_THAT(text, testing::Not(HasSubstr("site 1")));
}

TEST(Training, RefusesDevicesModulesAndObjectivesThatDoNotExist) {
  const SiteYears table = test::crop_fields(1, 1, 1);
  const Roles roles(1, Role::train);
  const Package start = untrained_package("kgml-ag-c", table, roles, 1);
  TrainingOptions options;
  options.device = "tpu";
  EXPECT_THAT(message_of([&] { train(start, table, roles, short_schedule(1), options); }),
              HasSubstr("tpu"));
  Schedule schedule = short_schedule(1);
  schedule.stages[0].trains[0].first = "gru_basis";
  EXPECT_THAT(message_of([&] { train(start, table, roles, schedule, {}); }),
              HasSubstr("gru_basic"));
  schedule = short_schedule(1);
  schedule.stages[1].whole_record = true;
  EXPECT_THAT(message_of([&] { train(start, table, roles, schedule, {}); }),
              HasSubstr("whole_record"));
}

}  // namespace
}  // namespace fluxtile
