// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "model/engine.h"
#include "model/feature_expander.h"
#include "model/fused/aligned.h"
#include "model/fused/block_inputs.h"
#include "model/fused/fused_network.h"
#include "model/fused/kernels.h"
#include "model/kgml_ag_c.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

using fused::Floats;
using fused::kLanes;
using fused::kUnits;

/// Uses an instruction set as long as it lives.
class Target {
 public:
  explicit Target(const std::string& name) { fused::use_kernel_target(name); }
  ~Target() { fused::use_kernel_target(""); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
};

Floats random_floats(size_t count, unsigned seed, float size) {
  std::mt19937 random(seed);
  Floats values(count);
  for (float& value : values)
    value = (static_cast<float>(random() % 20001) / 10000.0F - 1.0F) * size;
  return values;
}

std::string bytes_of(const MemberYear& year, const MemberState& state) {
  std::string bytes;
  const auto add = [&](const auto& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  };
  add(year.monthly);
  add(year.annual);
  add(year.daily);
  add(year.flags);
  add(state.values);
  return bytes;
}

struct Ran {
  MemberYear year;
  MemberState state;
};

Ran run_year(const char* engine, const Package& package, const YearInputs& inputs,
             MemberState state) {
  const auto made = make_engine({engine, "cpu", "fp32"}, std::make_shared<const Package>(package));
  Ran ran{{}, std::move(state)};
  ran.year = made->run(inputs, all_cells(inputs), ran.state, true);
  return ran;
}

MemberState zero_state(const YearInputs& inputs) {
  return {std::vector<float>(inputs.cells * kgml_ag_c::state_size, 0.0F)};
}

std::vector<int32_t> columns(int32_t count) {
  std::vector<int32_t> all;
  for (int32_t c = 0; c < count; ++c) all.push_back(3 * c - 20);
  return all;
}

TEST(FusedKernels, AGruDayIsTheGruOfTheTextbook) {
  const Package package = random_package(3);
  const fused::FusedNetwork network = fused::pack_network(package);
  const float* w_in = package.tensors.at("gru_basic.weight_ih_l1").data<float>();
  const float* w_h = package.tensors.at("gru_basic.weight_hh_l1").data<float>();
  const float* b_in = package.tensors.at("gru_basic.bias_ih_l1").data<float>();
  const float* b_h = package.tensors.at("gru_basic.bias_hh_l1").data<float>();
  const Floats x = random_floats(kUnits * kLanes, 1, 1), h = random_floats(kUnits * kLanes, 2, 1);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    Floats after(kUnits * kLanes);
    fused::gru_day(network.basic1, nullptr, {{x.data(), kUnits}}, h.data(), after.data());
    double worst = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      for (size_t unit = 0; unit < kUnits; ++unit) {
        double in[3], back[3];
        for (size_t gate = 0; gate < 3; ++gate) {
          const size_t row = gate * kUnits + unit;
          in[gate] = double{b_in[row]};
          back[gate] = double{b_h[row]};
          for (size_t k = 0; k < kUnits; ++k) {
            in[gate] += double{w_in[row * kUnits + k]} * double{x[k * kLanes + lane]};
            back[gate] += double{w_h[row * kUnits + k]} * double{h[k * kLanes + lane]};
          }
        }
        const auto sigmoid = [](double a) { return 1 / (1 + std::exp(-a)); };
        const double r = sigmoid(in[0] + back[0]), z = sigmoid(in[1] + back[1]);
        const double n = std::tanh(in[2] + r * back[2]);
        const double expected = (1 - z) * n + z * double{h[unit * kLanes + lane]};
        worst = std::fmax(worst, std::fabs(expected - double{after[unit * kLanes + lane]}));
      }
    }
    EXPECT_LT(worst, 1e-6) << target;
  }
}

TEST(FusedKernels, GatesAreFlatWhereTheyShouldBe) {
  // Saturated gates: the state stays (z = 1), or takes n = +-1 (z = 0).
  const Package package = random_package(3);
  fused::GruLayer layer = fused::pack_network(package).basic1;
  std::fill(layer.weights.begin(), layer.weights.end(), 0.0F);
  const Floats x(kUnits * kLanes, 1), h = random_floats(kUnits * kLanes, 2, 1);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    for (const float size : {1e3F, 1e30F}) {
      for (const float z : {size, -size}) {
        for (size_t k = 0; k < layer.bias.size(); ++k) layer.bias[k] = k % 12 < 8 ? z : -size;
        Floats after(kUnits * kLanes);
        fused::gru_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), after.data());
        for (size_t k = 0; k < after.size(); ++k)
          ASSERT_NEAR(after[k], z > 0 ? h[k] : -1, 1e-6) << target << " " << z;
      }
    }
  }
}

TEST(FusedEngine, AgreesWithTorch) {
  const Package package = random_package(41);
  const YearInputs inputs = random_inputs(42, 2020, 366, columns(75));
  Ran torch = run_year("torch", package, inputs, zero_state(inputs));
  Ran fused = run_year("fused", package, inputs, zero_state(inputs));
  torch = run_year("torch", package, inputs, torch.state);  // a second year from each one's own
  fused = run_year("fused", package, inputs, fused.state);
  const auto expect_close = [](const std::vector<float>& a, const std::vector<float>& b,
                               double tolerance, const char* what) {
    ASSERT_EQ(a.size(), b.size());
    double scale = 1, worst = 0;
    for (const float value : a) scale = std::fmax(scale, std::fabs(double{value}));
    for (size_t i = 0; i < a.size(); ++i)
      worst = std::fmax(worst, std::fabs(double{a[i]} - double{b[i]}));
    EXPECT_LT(worst / scale, tolerance) << what;
  };
  expect_close(torch.year.daily, fused.year.daily, 1e-5, "daily");
  expect_close(torch.year.monthly, fused.year.monthly, 1e-5, "monthly");
  expect_close(torch.year.annual, fused.year.annual, 1e-5, "annual");
  expect_close(torch.state.values, fused.state.values, 1e-5, "state");
  EXPECT_EQ(torch.year.flags, fused.year.flags);
}

TEST(FusedEngine, InstructionSetsWithFusedMultiplyAddGiveTheSameBytes) {
  const Package package = random_package(51);
  const YearInputs inputs = random_inputs(52, 2019, 320, columns(40));
  std::string first;
  size_t compared = 0;
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    if (!fused::kernel_target_fuses()) continue;
    const Ran ran = run_year("fused", package, inputs, zero_state(inputs));
    const std::string bytes = bytes_of(ran.year, ran.state);
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << target;
    ++compared;
  }
  RecordProperty("instruction sets compared", static_cast<int>(compared));
}

TEST(FusedEngine, BlocksTakeTheInputsThatExpanderGives) {
  const Package package = random_package(61);
  const YearInputs inputs = random_inputs(62, 2019, 365, columns(20));
  const FeatureExpander expander(inputs, package.input_names());
  const fused::FusedNetwork network = fused::pack_network(package);
  fused::BlockInputs block(inputs, expander, package, network.daily, network.constant);
  std::vector<int32_t> cells;
  for (int32_t cell = 0; cell < 20; ++cell) cells.push_back(cell);
  const std::vector<float> crops(20, 5);
  Floats constants(network.constant.size() * kLanes), z(network.daily.size() * kLanes);
  block.begin(cells.data(), crops.data(), cells.size(), constants.data());
  std::vector<std::vector<float>> expected(20);
  for (int32_t cell = 0; cell < 20; ++cell)
    expand_features(inputs, cell, 5, package.input_names(), expected[static_cast<size_t>(cell)]);
  const auto score = [&](size_t lane, size_t day, size_t feature) {
    const Scaler& scaler = package.inputs[feature].scaler;
    const double value = double{expected[lane][day * kgml_ag_c::feature_count + feature]};
    return static_cast<float>((value - scaler.mean) / scaler.std);
  };
  for (size_t day = 0; day < inputs.days; ++day) {
    block.day(day, z.data());
    for (size_t lane = 0; lane < kLanes; ++lane) {
      for (size_t row = 0; row < network.daily.size(); ++row)
        ASSERT_EQ(z[row * kLanes + lane], lane < 20 ? score(lane, day, network.daily[row]) : 0.0F)
            << day << " " << lane << " " << network.daily[row];
      for (size_t row = 0; row < network.constant.size() && day == 0; ++row)
        ASSERT_EQ(constants[row * kLanes + lane],
                  lane < 20 ? score(lane, 0, network.constant[row]) : 0.0F);
    }
  }
}

}  // namespace
}  // namespace fluxtile::test
