// SPDX-License-Identifier: Apache-2.0
#include "model/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/stop.h"
#include "model/device_engine.h"
#include "reference_kgml.h"
#include "reference_recurrent.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

struct Subject {
  const char *name, *engine, *architecture;
};

/// Every engine of the CPU has to pass with every architecture that it runs; `device` is the code
/// of the GPU on the CPU.
class Engines : public testing::TestWithParam<Subject> {
 protected:
  static Package package_of(uint32_t seed) {
    return random_package_of(GetParam().architecture, seed);
  }
  static std::unique_ptr<Engine> engine_of(const Package& package) {
    const auto shared = std::make_shared<const Package>(package);
    if (std::string(GetParam().engine) != "device")
      return make_engine({GetParam().engine, "cpu", "fp32"}, shared);
    DeviceEngineOptions options;
    options.device = "cpu";
    options.most_lanes = 64;
    return make_device_engine(options, shared);
  }

  const ArchitectureInfo info_ = architecture_info(GetParam().architecture);
  const size_t state_size = info_.state_size;

  [[nodiscard]] MemberState zero_state(const YearInputs& inputs) const {
    return {std::vector<float>(inputs.cells * state_size, 0.0F)};
  }
  [[nodiscard]] std::string bytes_of(const MemberYear& year, const MemberState& state, size_t cells,
                                     size_t cell) const;
};
constexpr Subject subjects[] = {
    {"torch_kgml", "torch", "kgml-ag-c"},   {"torch_gru", "torch", "gru"},
    {"torch_lstm", "torch", "lstm"},        {"fused_kgml", "fused", "kgml-ag-c"},
    {"fused_gru", "fused", "gru"},          {"fused_lstm", "fused", "lstm"},
    {"device_kgml", "device", "kgml-ag-c"}, {"device_gru", "device", "gru"},
    {"device_lstm", "device", "lstm"}};
INSTANTIATE_TEST_SUITE_P(Cpu, Engines, testing::ValuesIn(subjects),
                         [](const auto& subject) { return std::string(subject.param.name); });

/// The network in float64, whatever its architecture.
ReferenceYear reference_of(const Package& package, const std::vector<float>& x_z,
                           const std::vector<double>& state) {
  if (package.architecture == "kgml-ag-c") return reference_year(package, x_z, state);
  const RecurrentYear year = reference_recurrent(package, x_z, state);
  return {year.fluxes, {}, 0, 0, year.state};
}

/// All that a run makes of one cell, as bytes.
std::string Engines::bytes_of(const MemberYear& year, const MemberState& state, size_t cells,
                              size_t cell) const {
  std::string bytes;
  const auto add = [&](const auto& values) {
    for (size_t i = cell; i < values.size(); i += cells)
      bytes.append(reinterpret_cast<const char*>(&values[i]), sizeof values[i]);
  };
  add(year.monthly);
  add(year.annual);
  add(year.daily);
  add(year.flags);
  bytes.append(reinterpret_cast<const char*>(state.values.data() + cell * state_size),
               state_size * sizeof(float));
  return bytes;
}

std::vector<int32_t> some_columns() {
  std::vector<int32_t> columns;
  for (int32_t row = 0; row < 2; ++row)
    for (int32_t c = -70; c < 40; c += row + 1) columns.push_back(c);
  return columns;
}

TEST_P(Engines, MatchesTheReferenceInPhysicalUnits) {
  const Package package = package_of(21);
  const auto engine = engine_of(package);
  const YearInputs inputs = random_inputs(22, 2020, 366, {-1, 130});
  const MemberInputs member = all_cells(inputs);
  MemberState state = zero_state(inputs);
  std::vector<std::vector<double>> expected_state(2, std::vector<double>(state_size, 0.0));
  for (int turn = 0; turn < 2; ++turn) {  // the second year starts from the first one's state
    const MemberYear year = engine->run(inputs, member, state, true);
    for (size_t cell = 0; cell < 2; ++cell) {
      const auto index = static_cast<int32_t>(cell);
      const ReferenceYear reference = reference_of(
          package, z_scores(inputs, index, member.crop[cell], package), expected_state[cell]);
      expected_state[cell] = reference.state;
      std::vector<float> x;
      expand_features(inputs, index, member.crop[cell], package.input_names(), x);
      double sums[4][12] = {};
      for (size_t day = 0; day < 366; ++day) {
        double expected[4];
        for (size_t v = 0; v < 3; ++v) {
          const Scaler& s = package.outputs[v].scaler;
          expected[v] = (reference.fluxes[day][v] * s.std + s.mean) * (v == 2 ? 1 : -1);
        }
        expected[3] = static_cast<double>(x[day * 19 + 8]);
        for (size_t v = 0; v < 4; ++v) {
          ASSERT_NEAR(year.daily[(v * 366 + day) * 2 + cell], expected[v], 3e-5) << v << " " << day;
          sums[v][inputs.month[day]] += expected[v];
        }
      }
      for (size_t v = 0; v < 4; ++v)
        for (size_t month = 0; month < 12; ++month)
          EXPECT_NEAR(year.monthly[(v * 12 + month) * 2 + cell], sums[v][month], 1e-3);
      ASSERT_EQ(year.annual.size(), 2 * info_.annual_variables.size());
      if (!year.annual.empty()) {
        EXPECT_NEAR(year.annual[cell], reference.yield_z * 145 + 300, 3e-3);
        EXPECT_NEAR(year.annual[2 + cell], reference.residue, 2e-2);
      }
      for (size_t i = 0; i < state_size; ++i)
        ASSERT_NEAR(state.values[cell * state_size + i], reference.state[i], 1e-5);
    }
  }
}

TEST_P(Engines, MonthlySumsAreTheDailyValuesInOrder) {
  const auto engine = engine_of(package_of(21));
  const YearInputs inputs = random_inputs(23, 2019, 200, {5, 6, 7});
  MemberState state = zero_state(inputs);
  const MemberYear year = engine->run(inputs, all_cells(inputs), state, true);
  for (size_t v = 0; v < 4; ++v)
    for (size_t month = 0; month < 12; ++month)
      for (size_t cell = 0; cell < 3; ++cell) {
        double sum = 0;
        for (size_t day = 0; day < 200; ++day)
          if (inputs.month[day] == month) sum += year.daily[(v * 200 + day) * 3 + cell];
        const float monthly = year.monthly[(v * 12 + month) * 3 + cell];
        if (month > inputs.month.back())
          EXPECT_TRUE(std::isnan(monthly));
        else
          EXPECT_EQ(monthly, static_cast<float>(sum));
      }
  MemberState again = zero_state(inputs);
  EXPECT_TRUE(engine->run(inputs, all_cells(inputs), again, false).daily.empty());
}

TEST_P(Engines, DaysBeforeTheResultsMoveTheStateButCountNowhere) {
  Package package = package_of(21);
  package.inputs[1].max = -1000;  // TMAX_AIR is out of range every day
  const auto engine = engine_of(package);
  YearInputs inputs = random_inputs(23, 2019, 120, {5, 6});
  MemberState whole_state = zero_state(inputs), late_state = whole_state;
  const MemberYear whole = engine->run(inputs, all_cells(inputs), whole_state, true);
  inputs.first_result_day = 40;  // 10 February
  const MemberYear late = engine->run(inputs, all_cells(inputs), late_state, true);
  EXPECT_EQ(whole_state.values, late_state.values);
  for (size_t cell = 0; cell < 2; ++cell) {
    EXPECT_EQ(late.flags[cell], 0);
    EXPECT_EQ(late.flags[2 + cell] & input_out_of_range, input_out_of_range);
    for (size_t v = 0; v < 4; ++v) {
      const auto monthly = [&](const MemberYear& year, size_t month) {
        return year.monthly[(v * 12 + month) * 2 + cell];
      };
      double february = 0;
      for (size_t day = 40; day < 59; ++day) february += whole.daily[(v * 120 + day) * 2 + cell];
      EXPECT_TRUE(std::isnan(monthly(late, 0)));
      EXPECT_EQ(monthly(late, 1), static_cast<float>(february));
      EXPECT_EQ(monthly(late, 2), monthly(whole, 2));
    }
  }
}

TEST_P(Engines, RefusesValuesThatOverflow) {
  const YearInputs inputs = random_inputs(23, 2019, 20, {5});
  for (const bool input : {true, false}) {
    Package package = package_of(21);
    (input ? package.inputs[0].scaler.std : package.outputs[1].scaler.std) = input ? 1e-300 : 1e300;
    MemberState state = zero_state(inputs);
    try {
      (void)engine_of(package)->run(inputs, all_cells(inputs), state, false);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_THAT(error.message(), testing::HasSubstr(input ? "RADN" : "no finite value"));
    }
  }
}

TEST_P(Engines, ACellsBytesDependOnNothingButTheCell) {
  const auto engine = engine_of(package_of(31));
  const YearInputs inputs = random_inputs(32, 2019, 310, some_columns());
  const MemberInputs member = all_cells(inputs);
  MemberState state = zero_state(inputs);
  const MemberYear together = engine->run(inputs, member, state, true);

  // Alone.
  for (const int32_t cell : {0, 1, 40, 69, 70, 109, 110, 150}) {
    const YearInputs alone = subset(inputs, {cell});
    MemberState own = zero_state(alone);
    const MemberYear year = engine->run(alone, all_cells(alone), own, true);
    EXPECT_TRUE(bytes_of(year, own, 1, 0) ==
                bytes_of(together, state, inputs.cells, static_cast<size_t>(cell)))
        << "cell " << cell << " alone";
  }
  // Shuffled and thinned, on one thread.
  std::vector<int32_t> order(inputs.cells);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  order.resize(order.size() * 2 / 3);
  const YearInputs shuffled = subset(inputs, order);
  MemberState own = zero_state(shuffled);
  MemberYear year;
  tbb::task_arena(1).execute([&] { year = engine->run(shuffled, all_cells(shuffled), own, true); });
  for (size_t i = 0; i < order.size(); ++i)
    ASSERT_TRUE(bytes_of(year, own, order.size(), i) ==
                bytes_of(together, state, inputs.cells, static_cast<size_t>(order[i])))
        << "cell " << order[i] << " at place " << i;
}

TEST_P(Engines, LeavesOutWhatIsNotModelled) {
  const auto engine = engine_of(package_of(41));
  YearInputs inputs = random_inputs(42, 2019, 365, {1, 2, 3, 4});
  for (size_t month = 0; month < 12; ++month) inputs.flags[month * 4 + 1] = not_modelled;
  inputs.flags[5 * 4 + 2] = gap_filled_gpp;
  MemberInputs member;
  member.cell = {0, 1, 2};  // cell 3 belongs to another member
  member.crop = {1, 1, 5};
  MemberState state = zero_state(inputs);
  for (float& value : state.values) value = 0.5F;
  const MemberYear year = engine->run(inputs, member, state, false);
  for (const size_t cell : {size_t{1}, size_t{3}}) {
    for (size_t i = cell; i < year.monthly.size(); i += 4) EXPECT_TRUE(std::isnan(year.monthly[i]));
    for (size_t i = cell; i < year.annual.size(); i += 4) EXPECT_TRUE(std::isnan(year.annual[i]));
    for (size_t i = cell; i < year.flags.size(); i += 4) EXPECT_EQ(year.flags[i], not_modelled);
    for (size_t i = 0; i < state_size; ++i) EXPECT_EQ(state.values[cell * state_size + i], 0.5F);
  }
  EXPECT_EQ(year.flags[5 * 4 + 2] & gap_filled_gpp, gap_filled_gpp);
  EXPECT_EQ(year.flags[6 * 4 + 2] & gap_filled_gpp, 0);
  EXPECT_NE(state.values[0], 0.5F);
}

TEST_P(Engines, NothingToRunGivesNothing) {
  const auto engine = engine_of(package_of(41));
  const YearInputs inputs = random_inputs(42, 2019, 30, {1, 2});
  MemberState state = zero_state(inputs);
  const MemberYear year = engine->run(inputs, {}, state, true);
  EXPECT_THAT(year.flags, testing::Each(not_modelled));
  EXPECT_EQ(year.daily.size(), 4u * 30u * 2u);
}

TEST_P(Engines, FlagsInputsOutOfRangeAndNegativeRespiration) {
  Package package = package_of(51);
  package.outputs[0].scaler.mean = 0;  // Ra of both signs
  package.inputs[1].max = 20.0;        // TMAX_AIR
  package.inputs[16].min = -1e9;       // TSOC of cell 1 is set below it
  YearInputs inputs = random_inputs(52, 2019, 365, {1, 2});
  auto climate = std::make_shared<ClimateBlock>(*inputs.climate);
  for (size_t i = 0; i < climate->values.size(); ++i)
    if (i % 7 == 1) climate->values[i] = i / (7 * 9) == 40 ? 20.5F : 20.0F;  // 10 February
  inputs.climate = climate;
  inputs.statics[9 + 6] = -2e9F;
  const MemberInputs member = all_cells(inputs);
  MemberState state = zero_state(inputs);
  const MemberYear year = engine_of(package)->run(inputs, member, state, true);
  bool some_negative = false;
  for (size_t month = 0; month < 12; ++month) {
    EXPECT_EQ(year.flags[month * 2] & input_out_of_range, month == 1 ? input_out_of_range : 0)
        << month;
    EXPECT_EQ(year.flags[month * 2 + 1] & input_out_of_range, input_out_of_range) << month;
    bool negative = false;
    for (size_t day = 0; day < 365; ++day)
      if (inputs.month[day] == month)
        negative |= year.daily[day * 2] < 0 || year.daily[(365 + day) * 2] < 0;
    EXPECT_EQ(year.flags[month * 2] & negative_respiration, negative ? negative_respiration : 0);
    some_negative |= negative;
  }
  EXPECT_TRUE(some_negative);  // random weights: else this test shows nothing
}

TEST_P(Engines, RefusesWrongShapesAndMissingClimate) {
  const auto engine = engine_of(package_of(61));
  const YearInputs inputs = random_inputs(62, 2019, 30, {1, 2});
  const MemberInputs member = all_cells(inputs);
  const auto code_of = [&](const YearInputs& in, const MemberInputs& who, MemberState state) {
    try {
      (void)engine->run(in, who, state, false);
    } catch (const Error& error) {
      return error.code();
    }
    return Code{};
  };
  MemberState state = zero_state(inputs);
  EXPECT_EQ(code_of(inputs, member, state), Code{});
  MemberState small = state;
  small.values.pop_back();
  EXPECT_EQ(code_of(inputs, member, small), Code::internal);
  MemberInputs stray = member;
  stray.cell[1] = 2;
  EXPECT_EQ(code_of(inputs, stray, state), Code::internal);
  stray.cell = {1, 0};
  EXPECT_EQ(code_of(inputs, stray, state), Code::internal);
  YearInputs hole = inputs;
  auto climate = std::make_shared<ClimateBlock>(*inputs.climate);
  climate->values[100] = std::nanf("");
  for (size_t i = 0; i < climate->values.size(); i += 7) climate->values[i] = std::nanf("");
  hole.climate = climate;
  EXPECT_EQ(code_of(hole, member, state), Code::internal);
  YearInputs short_month = inputs;
  short_month.month.pop_back();
  EXPECT_EQ(code_of(short_month, member, state), Code::internal);
}

TEST_P(Engines, GivesGppToANetworkThatDoesNotTakeIt) {
  Package package = package_of(61);
  if (package.architecture == "kgml-ag-c") return;  // has its 19 inputs
  const YearInputs inputs = random_inputs(62, 2019, 120, {1, 2});
  MemberState state = zero_state(inputs);
  const MemberYear with = engine_of(package)->run(inputs, all_cells(inputs), state, true);
  // The first layer without the column of GPP, and the other inputs in another order.
  const Tensor& whole = package.tensors.at("rnn.weight_ih_l0");
  const auto* weights = whole.data<float>();
  std::vector<size_t> order = {18, 3, 0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  std::vector<float> values;
  for (int64_t row = 0; row < whole.shape[0]; ++row)
    for (const size_t input : order)
      values.push_back(weights[static_cast<size_t>(row) * 19 + input]);
  const std::vector<PackageInput> all = package.inputs;
  package.inputs.clear();
  for (const size_t input : order) package.inputs.push_back(all[input]);
  package.tensors["rnn.weight_ih_l0"] = Tensor::of(DType::F32, {whole.shape[0], 18}, values);
  const auto engine = engine_of(package);
  state = zero_state(inputs);
  const MemberYear without = engine->run(inputs, all_cells(inputs), state, true);
  for (size_t cell = 0; cell < 2; ++cell) {
    const auto index = static_cast<int32_t>(cell);
    const ReferenceYear reference =
        reference_of(package, z_scores(inputs, index, all_cells(inputs).crop[cell], package),
                     std::vector<double>(state_size, 0.0));
    for (size_t day = 0; day < 120; ++day) {
      EXPECT_EQ(without.daily[(3 * 120 + day) * 2 + cell], with.daily[(3 * 120 + day) * 2 + cell]);
      const Scaler& s = package.outputs[2].scaler;
      ASSERT_NEAR(without.daily[(2 * 120 + day) * 2 + cell],
                  reference.fluxes[day][2] * s.std + s.mean, 3e-5);
    }
  }
  for (size_t month = 0; month < 4; ++month)
    EXPECT_EQ(without.monthly[(3 * 12 + month) * 2], with.monthly[(3 * 12 + month) * 2]);
}

TEST_P(Engines, StopsBetweenBatches) {
  const auto engine = engine_of(package_of(61));
  const YearInputs inputs = random_inputs(62, 2019, 30, {1, 2});
  MemberState state = zero_state(inputs);
  Stop::request(15);
  try {
    (void)engine->run(inputs, all_cells(inputs), state, false);
    ADD_FAILURE() << "ran on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
  Stop::clear();
}

TEST(EngineOptionsTest, ResolvesAndRefusesOptions) {
  EngineOptions resolved = resolve_engine({"auto", "cpu", "fp32"});
  EXPECT_EQ(resolved.engine, "fused");
  EXPECT_EQ(resolved.device, "cpu");
  EXPECT_THAT(engine_identity(resolved), testing::StartsWith("fused/1 cpu fp32"));
  EXPECT_EQ(resolve_engine({"fused", "auto", "fp32"}).device, "cpu");
  resolved = resolve_engine({"torch", "cpu", "fp32"});
  EXPECT_EQ(resolved.engine, "torch");
  EXPECT_THAT(engine_identity(resolved), testing::StartsWith("torch/"));
  EXPECT_THAT(engine_identity(resolved), testing::HasSubstr(" cpu fp32 "));
  for (const EngineOptions& wrong :
       {EngineOptions{"jax", "cpu", "fp32"}, EngineOptions{"torch", "tpu", "fp32"},
        EngineOptions{"torch", "cuda:", "fp32"}, EngineOptions{"torch", "cuda:999", "fp32"},
        EngineOptions{"fused", "cuda", "fp32"}, EngineOptions{"fused", "cpu", "tf32"},
        EngineOptions{"torch", "cpu", "bf16"}, EngineOptions{"torch", "cpu", "tf32"}}) {
    try {
      (void)resolve_engine(wrong);
      ADD_FAILURE() << wrong.engine << " " << wrong.device << " " << wrong.precision;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_THAT(error.key(), testing::StartsWith("run."));
    }
  }
  EXPECT_THROW((void)architecture_info("mlp"), Error);
}

}  // namespace
}  // namespace fluxtile::test
