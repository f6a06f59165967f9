// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <tuple>

#include "base/error.h"
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
using fused::Gates;
using fused::kLanes;
using fused::kUnits;
using fused::Products;
using fused::RecurrentLayer;

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

MemberState zero_state(const Package& package, const YearInputs& inputs) {
  const size_t floats = architecture_info(package.architecture).state_size;
  return {std::vector<float>(inputs.cells * floats, 0.0F)};
}

std::vector<int32_t> columns(int32_t count) {
  std::vector<int32_t> all;
  for (int32_t c = 0; c < count; ++c) all.push_back(3 * c - 20);
  return all;
}

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

/// Sums of a layer's gates, [gate * 64 + unit] of one lane: of the inputs and of the hidden state.
struct GateSums {
  std::vector<double> inputs, hidden;
};
GateSums gate_sums(const Package& package, const std::string& name, const Floats& x,
                   const Floats& h, size_t lane) {
  const float* w_in = package.tensors.at(name + ".weight_ih_l1").data<float>();
  const float* w_h = package.tensors.at(name + ".weight_hh_l1").data<float>();
  const float* b_in = package.tensors.at(name + ".bias_ih_l1").data<float>();
  const float* b_h = package.tensors.at(name + ".bias_hh_l1").data<float>();
  const size_t rows = package.tensors.at(name + ".bias_ih_l1").count();
  GateSums sums;
  for (size_t row = 0; row < rows; ++row) {
    double in = double{b_in[row]}, back = double{b_h[row]};
    for (size_t k = 0; k < kUnits; ++k) {
      in += double{w_in[row * kUnits + k]} * double{x[k * kLanes + lane]};
      back += double{w_h[row * kUnits + k]} * double{h[k * kLanes + lane]};
    }
    sums.inputs.push_back(in);
    sums.hidden.push_back(back);
  }
  return sums;
}

RecurrentLayer second_layer(const Package& package, const std::string& name, Gates gates,
                            Products products = Products::fp32) {
  fused::Columns units;
  for (size_t k = 0; k < kUnits; ++k) units.push_back(k);
  return fused::pack_recurrent(package.tensors, name, 1, gates, products, units, {});
}

TEST(FusedKernels, AGruDayIsTheGruOfTheTextbook) {
  const Package package = random_package(3);
  const RecurrentLayer layer = second_layer(package, "gru_basic", Gates::gru);
  const Floats x = random_floats(kUnits * kLanes, 1, 1), h = random_floats(kUnits * kLanes, 2, 1);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    Floats after(kUnits * kLanes);
    fused::recurrent_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), after.data());
    double worst = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const GateSums sums = gate_sums(package, "gru_basic", x, h, lane);
      for (size_t unit = 0; unit < kUnits; ++unit) {
        const double r = sigmoid(sums.inputs[unit] + sums.hidden[unit]);
        const double z = sigmoid(sums.inputs[kUnits + unit] + sums.hidden[kUnits + unit]);
        const double n =
            std::tanh(sums.inputs[2 * kUnits + unit] + r * sums.hidden[2 * kUnits + unit]);
        const double expected = (1 - z) * n + z * double{h[unit * kLanes + lane]};
        worst = std::fmax(worst, std::fabs(expected - double{after[unit * kLanes + lane]}));
      }
    }
    EXPECT_LT(worst, 1e-6) << target;
  }
}

TEST(FusedKernels, AnLstmDayIsTheLstmOfTheTextbook) {
  const Package package = random_package_of("lstm", 3);
  const RecurrentLayer layer = second_layer(package, "rnn", Gates::lstm);
  const Floats x = random_floats(kUnits * kLanes, 1, 1), h = random_floats(kUnits * kLanes, 2, 1);
  const Floats c = random_floats(kUnits * kLanes, 3, 5);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    Floats after(kUnits * kLanes), cells = c;
    fused::recurrent_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), after.data(),
                         cells.data());
    double worst = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const GateSums sums = gate_sums(package, "rnn", x, h, lane);
      for (size_t unit = 0; unit < kUnits; ++unit) {
        const auto gate = [&](size_t k) {
          return sums.inputs[k * kUnits + unit] + sums.hidden[k * kUnits + unit];
        };
        const size_t at = unit * kLanes + lane;
        const double cell =
            sigmoid(gate(1)) * double{c[at]} + sigmoid(gate(0)) * std::tanh(gate(2));
        worst = std::fmax(worst, std::fabs(cell - double{cells[at]}) / 5);
        worst = std::fmax(worst, std::fabs(sigmoid(gate(3)) * std::tanh(cell) - double{after[at]}));
      }
    }
    EXPECT_LT(worst, 1e-6) << target;
  }
}

TEST(FusedKernels, GatesAreFlatWhereTheyShouldBe) {
  // Saturated gates of a GRU: the state stays (z = 1), or takes n = +-1 (z = 0).
  RecurrentLayer layer = second_layer(random_package(3), "gru_basic", Gates::gru);
  std::fill(layer.weights.begin(), layer.weights.end(), 0.0F);
  const Floats x(kUnits * kLanes, 1), h = random_floats(kUnits * kLanes, 2, 1);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    for (const float size : {1e3F, 1e30F}) {
      for (const float z : {size, -size}) {
        for (size_t k = 0; k < layer.bias.size(); ++k) layer.bias[k] = k % 12 < 8 ? z : -size;
        Floats after(kUnits * kLanes);
        fused::recurrent_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), after.data());
        for (size_t k = 0; k < after.size(); ++k)
          ASSERT_NEAR(after[k], z > 0 ? h[k] : -1, 1e-6) << target << " " << z;
      }
    }
  }
}

TEST(FusedKernels, AnLstmWithFlatGatesKeepsOrReplacesItsCells) {
  RecurrentLayer layer = second_layer(random_package_of("lstm", 3), "rnn", Gates::lstm);
  std::fill(layer.weights.begin(), layer.weights.end(), 0.0F);
  const Floats x(kUnits * kLanes, 1), h(kUnits * kLanes),
      c = random_floats(kUnits * kLanes, 2, 300);
  for (const std::string& target : fused::kernel_targets()) {
    const Target used(target);
    for (const float size : {1e3F, 1e30F}) {
      for (const bool keep : {true, false}) {
        // i, f, g, o: closed, open, any, open; or open, closed, -1, open.
        const float gates[] = {keep ? -size : size, keep ? size : -size, -size, size};
        for (size_t k = 0; k < layer.bias.size(); ++k) layer.bias[k] = gates[k % 16 / 4];
        Floats after(kUnits * kLanes), cells = c;
        fused::recurrent_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), after.data(),
                             cells.data());
        for (size_t k = 0; k < after.size(); ++k) {
          ASSERT_NEAR(cells[k], keep ? c[k] : -1, 1e-4) << target << " " << size;
          ASSERT_NEAR(after[k], std::tanh(cells[k]), 1e-6) << target << " " << size;
        }
      }
    }
  }
}

/// bfloat16 by division instead of bits: 8 significant bits, ties to even.
float nearest_bf16(float value) {
  int exponent = 0;
  const double mantissa = std::frexp(double{value}, &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8));
}

TEST(FusedKernels, Bf16RoundsToTheNearest) {
  for (const float value : random_floats(2000, 9, 100)) {
    const uint32_t bits = uint32_t{fused::to_bf16(value)} << 16;
    float back = 0;
    std::memcpy(&back, &bits, sizeof back);
    EXPECT_EQ(back, nearest_bf16(value));
  }
}

TEST(FusedKernels, Bf16IsFp32OfRoundedNumbers) {
  // Weights, inputs and states rounded beforehand: what is left is the order of the sums.
  for (const auto& [architecture, name, gates] :
       {std::make_tuple("kgml-ag-c", "gru_basic", Gates::gru),
        std::make_tuple("lstm", "rnn", Gates::lstm)}) {
    Package package = random_package_of(architecture, 5);
    const RecurrentLayer pairs = second_layer(package, name, gates, Products::bf16);
    RecurrentLayer layer = second_layer(package, name, gates);
    for (float& weight : layer.weights) weight = nearest_bf16(weight);
    Floats x = random_floats(kUnits * kLanes, 1, 1), h = random_floats(kUnits * kLanes, 2, 1);
    for (Floats* values : {&x, &h})
      for (float& value : *values) value = nearest_bf16(value);
    for (const std::string& target : fused::kernel_targets()) {
      const Target used(target);
      Floats expected(kUnits * kLanes), after(kUnits * kLanes);
      Floats cells(kUnits * kLanes, 0.5F), expected_cells = cells;
      fused::recurrent_day(layer, nullptr, {{x.data(), kUnits}}, h.data(), expected.data(),
                           expected_cells.data());
      fused::recurrent_day(pairs, nullptr, {{x.data(), kUnits}}, h.data(), after.data(),
                           cells.data());
      for (size_t k = 0; k < after.size(); ++k) {
        ASSERT_NEAR(after[k], expected[k], 2e-6) << target;
        ASSERT_NEAR(cells[k], expected_cells[k], 2e-6) << target;
      }
    }
  }
}

using EngineCase = std::tuple<const char*, const char*>;  // architecture, precision

class FusedArchitecture : public ::testing::TestWithParam<EngineCase> {
 protected:
  [[nodiscard]] Package package(uint32_t seed) const {
    return random_package_of(std::get<0>(GetParam()), seed);
  }
  [[nodiscard]] bool bf16() const { return std::string(std::get<1>(GetParam())) == "bf16"; }
  [[nodiscard]] std::unique_ptr<Engine> engine(const Package& package) const {
    return make_engine({"fused", "cpu", std::get<1>(GetParam())},
                       std::make_shared<const Package>(package));
  }
};

TEST_P(FusedArchitecture, AgreesWithTorch) {
  const Package package = this->package(41);
  const YearInputs inputs = random_inputs(42, 2020, 366, columns(75));
  const MemberInputs member = all_cells(inputs);
  const auto shared = std::make_shared<const Package>(package);
  const auto torch_engine = make_engine({"torch", "cpu", "fp32"}, shared);
  const auto fused_engine = engine(package);
  Ran torch{{}, zero_state(package, inputs)}, fused = torch;
  for (int year = 0; year < 2; ++year) {  // the second from each one's own state
    torch.year = torch_engine->run(inputs, member, torch.state, true);
    fused.year = fused_engine->run(inputs, member, fused.state, true);
  }
  const double tolerance = bf16() ? 0.03 : 1e-5;
  const auto expect_close = [&](const std::vector<float>& a, const std::vector<float>& b,
                                const char* what) {
    ASSERT_EQ(a.size(), b.size());
    double scale = 1, worst = 0;
    for (const float value : a) scale = std::fmax(scale, std::fabs(double{value}));
    for (size_t i = 0; i < a.size(); ++i)
      worst = std::fmax(worst, std::fabs(double{a[i]} - double{b[i]}));
    EXPECT_LT(worst / scale, tolerance) << what;
    if (bf16() && !a.empty()) {
      EXPECT_GT(worst, 0) << what << ": bf16 is not fp32";
    }
  };
  expect_close(torch.year.daily, fused.year.daily, "daily");
  expect_close(torch.year.monthly, fused.year.monthly, "monthly");
  expect_close(torch.year.annual, fused.year.annual, "annual");
  expect_close(torch.state.values, fused.state.values, "state");
  if (!bf16()) {
    EXPECT_EQ(torch.year.flags, fused.year.flags);
  }
}

TEST_P(FusedArchitecture, InstructionSetsWithFusedMultiplyAddGiveTheSameBytes) {
  const Package package = this->package(51);
  const YearInputs inputs = random_inputs(52, 2019, 320, columns(40));
  std::string first;
  size_t compared = 0;
  for (const bool instruction : {true, false}) {
    fused::use_bf16_instruction(instruction);
    for (const std::string& target : fused::kernel_targets()) {
      const Target used(target);
      if (!fused::kernel_target_fuses()) continue;
      MemberState state = zero_state(package, inputs);
      const MemberYear year = engine(package)->run(inputs, all_cells(inputs), state, true);
      const std::string bytes = bytes_of(year, state);
      if (first.empty()) first = bytes;
      EXPECT_TRUE(bytes == first) << target << (instruction ? "" : ", without the instruction");
      ++compared;
    }
  }
  fused::use_bf16_instruction(true);
  RecordProperty("instruction sets compared", static_cast<int>(compared));
}

TEST_P(FusedArchitecture, ACellDependsNeitherOnItsNeighboursNorOnItsPlace) {
  const Package package = this->package(71);
  const YearInputs inputs = random_inputs(72, 2019, 310, columns(50));
  const auto engine = this->engine(package);
  MemberState state = zero_state(package, inputs);
  const MemberYear all = engine->run(inputs, all_cells(inputs), state, false);
  for (const int32_t cell : {0, 31, 33, 49}) {
    const YearInputs one = subset(inputs, {cell});
    MemberInputs member = all_cells(one);
    member.crop[0] = all_cells(inputs).crop[static_cast<size_t>(cell)];
    MemberState own = zero_state(package, one);
    const MemberYear alone = engine->run(one, member, own, false);
    for (size_t row = 0; row < alone.monthly.size(); ++row) {
      const float among = all.monthly[row * inputs.cells + static_cast<size_t>(cell)];
      ASSERT_EQ(0, std::memcmp(&alone.monthly[row], &among, sizeof among)) << cell << " " << row;
    }
    for (size_t k = 0; k < own.values.size(); ++k)
      ASSERT_EQ(own.values[k], state.values[static_cast<size_t>(cell) * own.values.size() + k]);
  }
}

TEST_P(FusedArchitecture, AYearThatIsTakenUpGivesTheSameBytes) {
  const Package package = this->package(81);
  const YearInputs inputs = random_inputs(82, 2020, 366, columns(40));
  const MemberInputs member = all_cells(inputs);
  const auto engine = this->engine(package);
  const size_t last = std::min<size_t>(engine->last_beginning(), 366);
  YearSpan keeping;
  for (const size_t day : {0, 31, 45, 298, 330, 366})
    if (day <= last) keeping.keep.push_back(day);
  MemberState state = zero_state(package, inputs);
  const MemberYear whole = engine->run_span(inputs, member, state, true, keeping);
  ASSERT_EQ(keeping.kept.size(), keeping.keep.size());
  const auto same = [](float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; };
  for (const OpenYear& open : keeping.kept) {
    SCOPED_TRACE(open.day);
    YearSpan rest;
    rest.from = &open;
    MemberState end = zero_state(package, inputs);
    const MemberYear year = engine->run_span(inputs, member, end, true, rest);
    EXPECT_EQ(end.values, state.values);
    EXPECT_EQ(year.annual, whole.annual);
    const size_t month = open.day < 366 ? inputs.month[open.day] : 12;
    for (size_t row = 0; row < year.monthly.size() / inputs.cells; ++row) {
      for (size_t cell = 0; cell < inputs.cells; ++cell) {
        const size_t at = row * inputs.cells + cell;
        if (row % 12 < month) {
          ASSERT_TRUE(std::isnan(year.monthly[at]));
        } else {
          ASSERT_TRUE(same(year.monthly[at], whole.monthly[at])) << row << " " << cell;
        }
      }
    }
    for (size_t at = month * inputs.cells; at < year.flags.size(); ++at)
      ASSERT_EQ(year.flags[at], whole.flags[at]);
    for (size_t at = 0; at < year.daily.size(); ++at)
      ASSERT_TRUE(at / inputs.cells % inputs.days < open.day
                      ? std::isnan(year.daily[at])
                      : same(year.daily[at], whole.daily[at]));
  }
}

TEST_P(FusedArchitecture, AYearIsKeptWhereItsDaysEnd) {
  // Days arrive: a run over the first 200 leaves the year open, a later one goes on.
  const Package package = this->package(91);
  const YearInputs inputs = random_inputs(92, 2019, 365, columns(5));
  YearInputs until = inputs;
  until.days = 200;
  until.complete = false;
  until.month.resize(200);
  until.gpp.before.resize(200);
  until.gpp.after.resize(200);
  until.gpp.weight.resize(200);
  const MemberInputs member = all_cells(inputs);
  const auto engine = this->engine(package);
  MemberState first = zero_state(package, inputs), second = first, expected = first;
  YearSpan keeping;
  keeping.keep = {200};
  (void)engine->run_span(until, member, first, false, keeping);
  YearSpan rest;
  rest.from = &keeping.kept.at(0);
  const MemberYear later = engine->run_span(inputs, member, second, false, rest);
  const MemberYear whole = engine->run(inputs, member, expected, false);
  EXPECT_EQ(second.values, expected.values);
  const size_t july = 6 * inputs.cells;  // the month that was cut
  for (size_t row = 0; row < whole.monthly.size(); row += 12 * inputs.cells)
    for (size_t at = row + july; at < row + 12 * inputs.cells; ++at)
      ASSERT_EQ(later.monthly[at], whole.monthly[at]) << at;
  for (size_t at = july; at < whole.flags.size(); ++at) ASSERT_EQ(later.flags[at], whole.flags[at]);
}

TEST_P(FusedArchitecture, RefusesASpanThatDoesNotFit) {
  const Package package = this->package(95);
  const YearInputs inputs = random_inputs(96, 2019, 365, columns(2));
  const auto engine = this->engine(package);
  MemberState state = zero_state(package, inputs);
  const auto run = [&](YearSpan span) {
    (void)engine->run_span(inputs, all_cells(inputs), state, false, span);
  };
  EXPECT_THROW(run({nullptr, {366}, {}}), Error);
  EXPECT_THROW(run({nullptr, {60, 31}, {}}), Error);
  const OpenYear short_one{10, std::vector<float>(7)};
  EXPECT_THROW(run({&short_one, {}, {}}), Error);
}

INSTANTIATE_TEST_SUITE_P(Architectures, FusedArchitecture,
                         ::testing::Combine(::testing::Values("kgml-ag-c", "gru", "lstm"),
                                            ::testing::Values("fp32", "bf16")),
                         [](const auto& tested) {
                           std::string name = std::string(std::get<0>(tested.param)) + "_" +
                                              std::get<1>(tested.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FusedEngine, BlocksTakeTheInputsThatExpanderGives) {
  const Package package = random_package(61);
  const YearInputs inputs = random_inputs(62, 2019, 365, columns(20));
  const FeatureExpander expander(inputs, package.input_names());
  const fused::FusedNetwork network = fused::pack_network(package, Products::fp32);
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
        ASSERT_EQ(z[row * kLanes + lane], score(lane < 20 ? lane : 0, day, network.daily[row]))
            << day << " " << lane << " " << network.daily[row];
      for (size_t row = 0; row < network.constant.size() && day == 0; ++row)
        ASSERT_EQ(constants[row * kLanes + lane],
                  score(lane < 20 ? lane : 0, 0, network.constant[row]));
    }
  }
}

}  // namespace
}  // namespace fluxtile::test
