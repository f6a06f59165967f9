// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/stop.h"
#include "model/training/checkpoint.h"
#include "model/training/training.h"
#include "synthetic_model.h"
#include "synthetic_site_years.h"

namespace fluxtile {
namespace {

/// A short training with all kinds of state: two stages, responses, sampling of sites.
struct Work {
  SiteYears table = test::crop_fields(9, 5, 2);
  Roles roles;
  Package start;
  Schedule schedule;

  Work() {
    SplitRule rule;
    rule.validation_years = {2002};
    roles = roles_of(table, rule);
    start = untrained_package("kgml-ag-c", table, roles, 1);
    schedule = small_schedule();
    schedule.stages = {schedule.stages[0], schedule.stages[3]};
    for (Stage& stage : schedule.stages) {
      stage.epochs = stage.patience = 3;
      stage.sample_sites = 0.6;
      stage.response_every = 1;
      stage.response_sites = 1;
    }
  }
  TrainedModel run(const std::string& checkpoint,
                   std::function<void(const EpochRecord&)> on_epoch = {}) const {
    TrainingOptions options;
    options.checkpoint = checkpoint;
    options.on_epoch = std::move(on_epoch);
    return train(start, table, roles, schedule, options);
  }
};

void expect_same(const TrainedModel& found, const TrainedModel& expected) {
  for (const auto& [name, tensor] : expected.package.tensors)
    EXPECT_EQ(found.package.tensors.at(name).bytes, tensor.bytes) << name;
  EXPECT_EQ(found.best_validation, expected.best_validation);
  ASSERT_EQ(found.history.size(), expected.history.size());
  for (size_t i = 0; i < expected.history.size(); ++i) {
    EXPECT_EQ(found.history[i].train, expected.history[i].train);
    EXPECT_EQ(found.history[i].validation, expected.history[i].validation);
    EXPECT_EQ(found.history[i].best, expected.history[i].best);
    EXPECT_EQ(found.history[i].epoch, expected.history[i].epoch);
  }
}

TEST(TrainingResume, GoesOnAfterAnyEpochWithTheSameBytes) {
  const Work work;
  const TrainedModel whole = work.run("");
  ASSERT_EQ(whole.history.size(), 6U);
  for (size_t stop = 1; stop <= 6; ++stop) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("state.safetensors");
    size_t seen = 0;
    EXPECT_THROW(work.run(path,
                          [&](const EpochRecord&) {
                            if (++seen == stop) throw std::runtime_error("power cut");
                          }),
                 std::runtime_error);
    size_t more = 0;
    expect_same(work.run(path, [&](const EpochRecord&) { ++more; }), whole);
    EXPECT_EQ(more, 6 - stop);
    // Finished work is not done again.
    more = 0;
    expect_same(work.run(path, [&](const EpochRecord&) { ++more; }), whole);
    EXPECT_EQ(more, 0U);
  }
}

TEST(TrainingResume, AStopLeavesTheCheckpointOfTheLastEpoch) {
  const Work work;
  const TrainedModel whole = work.run("");
  const test::TemporaryFolder folder;
  const std::string path = folder.path("state.safetensors");
  size_t seen = 0;
  try {
    work.run(path, [&](const EpochRecord&) {
      if (++seen == 2) Stop::request(SIGTERM);
    });
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
  Stop::clear();
  EXPECT_EQ(seen, 2U);
  expect_same(work.run(path), whole);
}

TEST(TrainingResume, AnotherWorksCheckpointIsNotContinued) {
  Work work;
  const test::TemporaryFolder folder;
  const std::string path = folder.path("state.safetensors");
  work.schedule.stages.resize(1);
  work.schedule.stages[0].epochs = 1;
  (void)work.run(path);
  std::vector<std::function<void(Work&)>> changes = {
      [](Work& w) { w.schedule.seed = 5; }, [](Work& w) { w.table.daily["Ra"][3] += 0.5F; },
      [](Work& w) { w.table.inputs[7] += 0.5F; }, [](Work& w) { w.roles[1] = Role::train; },
      [](Work& w) { w.start = untrained_package("kgml-ag-c", w.table, w.roles, 2); }};
  for (const auto& change : changes) {
    Work other = work;
    change(other);
    (void)work.run(path);
    size_t epochs = 0;
    const TrainedModel resumed = other.run(path, [&](const EpochRecord&) { ++epochs; });
    EXPECT_EQ(epochs, 1U);
    expect_same(resumed, other.run(""));
  }
}

/// What the killed process runs: `FLUXTILE_TEST_CHECKPOINT`, one byte to `FLUXTILE_TEST_PIPE` after
/// each epoch.
TEST(TrainingResume, DISABLED_TrainsUntilKilled) {
  const char *path = getenv("FLUXTILE_TEST_CHECKPOINT"), *pipe = getenv("FLUXTILE_TEST_PIPE");
  if (!path || !pipe) GTEST_SKIP() << "started by SurvivesAKill only";
  const int out = std::stoi(pipe);
  (void)Work().run(path, [out](const EpochRecord&) {
    if (write(out, "e", 1) != 1) throw std::runtime_error("pipe");
  });
}

TEST(TrainingResume, SurvivesAKill) {
  const Work work;
  const TrainedModel whole = work.run("");
  for (const size_t epochs : {1U, 4U}) {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("state.safetensors");
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string out = std::to_string(ends[1]);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      setenv("FLUXTILE_TEST_CHECKPOINT", path.c_str(), 1);
      setenv("FLUXTILE_TEST_PIPE", out.c_str(), 1);
      execl("/proc/self/exe", "training", "--gtest_also_run_disabled_tests",
            "--gtest_filter=TrainingResume.DISABLED_TrainsUntilKilled", nullptr);
      _exit(127);
    }
    close(ends[1]);
    size_t seen = 0;
    for (char byte = 0; seen < epochs && read(ends[0], &byte, 1) == 1;) ++seen;
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    close(ends[0]);
    ASSERT_EQ(seen, epochs);
    EXPECT_TRUE(WIFSIGNALED(status));
    size_t more = 0;
    expect_same(work.run(path, [&](const EpochRecord&) { ++more; }), whole);
    EXPECT_LE(more, 6 - epochs);
    EXPECT_GE(more, 5 - epochs);  // one more may have been stored before the signal came
  }
}

Checkpoint some_checkpoint() {
  Checkpoint checkpoint;
  checkpoint.key = "abc";
  checkpoint.stage = 2;
  checkpoint.epoch = 7;
  checkpoint.best_validation = 1.0 / 3;
  checkpoint.best_epoch = 5;
  checkpoint.weights["a.weight"] = Tensor::of(DType::F32, {2}, std::vector<float>{1, 2});
  checkpoint.best["a.weight"] = Tensor::of(DType::F32, {2}, std::vector<float>{3, 4});
  checkpoint.optimiser["steps"] = Tensor::of(DType::I64, {1}, std::vector<int64_t>{9});
  EpochRecord record;
  record.stage = "fluxes";
  record.epoch = 6;
  record.epochs = 80;
  record.learning_rate = 1e-3 * 0.6;
  record.train = {{"loss", 0.1 + 0.2}};
  record.validation = {{"loss", 1e-300}};
  record.r2 = {{"Ra", std::numeric_limits<double>::quiet_NaN()}, {"Rh", -0.25}};
  record.best = true;
  record.seconds = 1.5;
  record.site_years = 123;
  checkpoint.history = {record};
  return checkpoint;
}

TEST(TrainingCheckpoint, RoundTrip) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("state.safetensors");
  EXPECT_FALSE(load_checkpoint(path, "abc"));
  const Checkpoint stored = some_checkpoint();
  save_checkpoint(stored, path);
  EXPECT_FALSE(load_checkpoint(path, "abd"));
  const std::optional<Checkpoint> read = load_checkpoint(path, "abc");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stage, 2U);
  EXPECT_EQ(read->epoch, 7);
  EXPECT_FALSE(read->finished);
  EXPECT_EQ(read->best_validation, 1.0 / 3);
  EXPECT_EQ(read->best_epoch, 5);
  EXPECT_EQ(read->weights.at("a.weight").bytes, stored.weights.at("a.weight").bytes);
  EXPECT_EQ(read->best.at("a.weight").bytes, stored.best.at("a.weight").bytes);
  EXPECT_EQ(read->optimiser.at("steps").data<int64_t>()[0], 9);
  ASSERT_EQ(read->history.size(), 1U);
  const EpochRecord& record = read->history[0];
  EXPECT_EQ(record.stage, "fluxes");
  EXPECT_EQ(record.learning_rate, 1e-3 * 0.6);
  EXPECT_EQ(record.train, stored.history[0].train);
  EXPECT_EQ(record.validation.at("loss"), 1e-300);
  EXPECT_TRUE(std::isnan(record.r2.at("Ra")));
  EXPECT_EQ(record.site_years, 123U);
}

TEST(TrainingCheckpoint, DamageIsRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("state.safetensors");
  save_checkpoint(some_checkpoint(), path);
  const std::string good = read_file(path);
  std::string bad = good;
  bad[bad.size() - 3] = static_cast<char>(bad[bad.size() - 3] ^ 1);
  write_atomically(path, bad);
  EXPECT_THROW(load_checkpoint(path, "abc"), Error);
  write_atomically(path, good.substr(0, good.size() / 2));
  EXPECT_THROW(load_checkpoint(path, "abc"), Error);
  write_atomically(path, "");
  EXPECT_THROW(load_checkpoint(path, "abc"), Error);
}

}  // namespace
}  // namespace fluxtile
