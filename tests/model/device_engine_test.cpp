// SPDX-License-Identifier: Apache-2.0
#include "model/device_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/device_share.h"
#include "model/device_upload.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

DeviceEngineOptions on_cpu(size_t most_lanes, const char* precision = "fp32") {
  DeviceEngineOptions options;
  options.device = "cpu";
  options.precision = precision;
  options.most_lanes = most_lanes;
  return options;
}

struct Ran {
  MemberYear year;
  MemberState state;
};

MemberState some_state(const YearInputs& inputs, const Package& package) {
  return {
      std::vector<float>(inputs.cells * architecture_info(package.architecture).state_size, 0.1F)};
}

Ran run_year(const Engine& engine, const YearInputs& inputs, MemberState state, bool daily = true) {
  Ran ran{{}, std::move(state)};
  ran.year = engine.run(inputs, all_cells(inputs), ran.state, daily);
  return ran;
}

/// Cells enough for batches of 256 that are full, and one that is not.
std::vector<int32_t> columns(int32_t count) {
  std::vector<int32_t> all;
  for (int32_t c = 0; c < count; ++c) all.push_back(c - 20 + c / 50);
  return all;
}

YearInputs inputs_of(uint32_t seed, int year, size_t days, int32_t count) {
  YearInputs inputs = random_inputs(seed, year, days, columns(count));
  for (int32_t cell = 0; cell < count; cell += 5)
    inputs.gpp.segments.push_back({cell, 30, 50, 29, 51, 1, 4});
  inputs.flags[3] = not_modelled;
  inputs.flags[inputs.cells * 4 + 7] = gap_filled_gpp;
  return inputs;
}

void expect_close(const std::vector<float>& a, const std::vector<float>& b, double tolerance,
                  const char* what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  double scale = 1, worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::isnan(a[i]), std::isnan(b[i])) << what << " " << i;
    if (std::isnan(a[i])) continue;
    scale = std::fmax(scale, std::fabs(static_cast<double>(a[i])));
    worst = std::fmax(worst, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  EXPECT_LE(worst / scale, tolerance) << what;
}

void expect_close(const Ran& a, const Ran& b, double tolerance) {
  expect_close(a.year.daily, b.year.daily, tolerance, "daily");
  expect_close(a.year.monthly, b.year.monthly, tolerance, "monthly");
  expect_close(a.year.annual, b.year.annual, tolerance, "annual");
  expect_close(a.state.values, b.state.values, tolerance, "state");
  EXPECT_EQ(a.year.flags, b.year.flags);
}

class DeviceEngines : public testing::TestWithParam<const char*> {
 protected:
  DeviceEngines() {
    package_.inputs[1].max = 30;  // TMAX_AIR: some months
    shared_ = std::make_shared<const Package>(package_);
  }
  Package package_ = random_package_of(GetParam(), 17);
  std::shared_ptr<const Package> shared_;
};
INSTANTIATE_TEST_SUITE_P(Cpu, DeviceEngines, testing::Values("kgml-ag-c", "gru", "lstm"),
                         [](const auto& instance) {
                           return std::string(instance.param).substr(0, 4);
                         });

TEST_P(DeviceEngines, GiveWhatTheReferenceGivesOverTwoYears) {
  const auto torch = make_engine({"torch", "cpu", "fp32"}, shared_);
  const auto device = make_device_engine(on_cpu(128), shared_);
  const YearInputs first = inputs_of(3, 2020, 366, 300), second = inputs_of(4, 2021, 365, 300);
  Ran expected = run_year(*torch, first, some_state(first, package_));
  Ran found = run_year(*device, first, some_state(first, package_));
  expect_close(expected, found, 1e-5);
  expected = run_year(*torch, second, expected.state);
  found = run_year(*device, second, found.state);
  expect_close(expected, found, 1e-5);
  const auto& flags = found.year.flags;
  const auto outside = std::count_if(flags.begin(), flags.end(), [](uint16_t flag) {
    return flag != not_modelled && (flag & input_out_of_range) != 0;
  });
  EXPECT_GT(outside, 100);
  EXPECT_LT(outside, static_cast<int64_t>(flags.size()) - 100);
}

TEST_P(DeviceEngines, BatchesOfAnySizeGiveTheSame) {
  const YearInputs inputs = inputs_of(5, 2019, 120, 300);
  const Ran expected =
      run_year(*make_device_engine(on_cpu(64), shared_), inputs, some_state(inputs, package_));
  for (const size_t lanes : {size_t{128}, size_t{256}, size_t{512}}) {
    const auto engine = make_device_engine(on_cpu(lanes), shared_);
    expect_close(expected, run_year(*engine, inputs, some_state(inputs, package_)), 1e-5);
    EXPECT_TRUE(run_year(*engine, inputs, some_state(inputs, package_), false).year.daily.empty());
  }
}

TEST_P(DeviceEngines, WhatDoesNotFitIsTakenInHalvesFromThenOn) {
  const YearInputs inputs = inputs_of(5, 2019, 120, 300);
  const Ran expected =
      run_year(*make_device_engine(on_cpu(64), shared_), inputs, some_state(inputs, package_));
  DeviceEngineOptions small = on_cpu(256);
  small.lanes_that_fit = 64;
  const auto engine = make_device_engine(small, shared_);
  const size_t at_first = engine->scratch_bytes(365);
  for (int turn = 0; turn < 2; ++turn)
    expect_close(expected, run_year(*engine, inputs, some_state(inputs, package_)), 1e-5);
  // 64 lanes where there were 256, beside the piece that inputs pass through.
  EXPECT_EQ((at_first - DeviceUpload::piece_bytes) / 4,
            engine->scratch_bytes(365) - DeviceUpload::piece_bytes);
}

TEST_P(DeviceEngines, TooSmallADeviceInterruptsTheRun) {
  DeviceEngineOptions none = on_cpu(256);
  none.lanes_that_fit = 63;
  const auto engine = make_device_engine(none, shared_);
  const YearInputs inputs = inputs_of(5, 2019, 20, 300);
  try {
    (void)run_year(*engine, inputs, some_state(inputs, package_));
    ADD_FAILURE() << "ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
    EXPECT_THAT(error.message(), testing::HasSubstr("out of memory"));
  }
}

TEST_P(DeviceEngines, RunsOfSeveralThreadsShareTheDevice) {
  const auto engine = make_device_engine(on_cpu(64), shared_);
  const YearInputs inputs = inputs_of(5, 2019, 40, 300);
  const Ran expected = run_year(*engine, inputs, some_state(inputs, package_));
  std::vector<Ran> ran(8);
  tbb::parallel_for(size_t{0}, ran.size(), [&](size_t k) {
    ran[k] = run_year(*engine, inputs, some_state(inputs, package_));
  });
  for (const Ran& one : ran) expect_close(expected, one, 1e-5);
}

TEST_P(DeviceEngines, Bf16IsNearFp32AndNotTheSame) {
  const YearInputs inputs = inputs_of(6, 2019, 150, 70);
  const Ran expected =
      run_year(*make_device_engine(on_cpu(128), shared_), inputs, some_state(inputs, package_));
  const Ran found = run_year(*make_device_engine(on_cpu(128, "bf16"), shared_), inputs,
                             some_state(inputs, package_));
  EXPECT_NE(expected.year.monthly, found.year.monthly);
  expect_close(expected.year.daily, found.year.daily, 0.02, "daily");
  expect_close(expected.year.monthly, found.year.monthly, 0.01, "monthly");
  expect_close(expected.state.values, found.state.values, 0.02, "state");
}

TEST(DeviceShare, GivesTwoTurnsAndSizesThatArePowersOfTwo) {
  DeviceShare share(c10::kCPU);
  std::optional<DeviceShare::Turn> first = share.try_turn(), second = share.try_turn();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(share.try_turn());
  first.reset();
  EXPECT_TRUE(share.try_turn());

  EXPECT_EQ(share.lanes(1000, 5000), 4096u);
  share.shrink(4096, 1000);
  EXPECT_EQ(share.lanes(1000, 5000), 2048u);
  EXPECT_EQ(share.lanes(3000, 5000), 512u);
  share.shrink(64, 1);
  EXPECT_EQ(share.lanes(1000, 5000), 64u);
}

}  // namespace
}  // namespace fluxtile::test
