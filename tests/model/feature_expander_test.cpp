// SPDX-License-Identifier: Apache-2.0
#include "model/feature_expander.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

/// Ten days, two cells, one climate variable on two climate cells, composites from day 0, 4 and 8.
YearInputs small_inputs() {
  YearInputs inputs;
  inputs.year = 2018;
  inputs.days = 10;
  inputs.month.assign(10, 0);
  inputs.cells = 2;
  inputs.position = {0, 1};
  auto climate = std::make_shared<ClimateBlock>();
  climate->days = 10;
  climate->cells = 2;
  climate->variables = {"WIND", "RADN"};
  for (int day = 0; day < 10; ++day)
    for (const int v : {day, 100 + day, 10 * day, 200 + day})
      climate->values.push_back(static_cast<float>(v));
  inputs.climate = climate;
  auto weights = std::make_shared<SparseWeights>();
  weights->offset = {0, 2, 3};
  weights->index = {0, 1, 1};
  weights->weight = {0.75F, 0.25F, 1.0F};
  inputs.climate_weights = weights;
  inputs.gpp.composites = 3;
  inputs.gpp.values = {1, 2, 3, 4, 7, 8};
  for (int day = 0; day < 10; ++day) {
    inputs.gpp.before.push_back(day / 4);
    inputs.gpp.after.push_back(day / 4);
    inputs.gpp.weight.push_back(0);
  }
  inputs.static_names = {"TPH", "TSOC"};
  inputs.statics = {6, 20, 7, 30};
  inputs.year_feature = 2015;
  inputs.flags.assign(24, 0);
  return inputs;
}

std::vector<float> column_of(const YearInputs& inputs, int32_t cell, const std::string& feature) {
  std::vector<float> out;
  expand_features(inputs, cell, 5, {feature}, out);
  return out;
}

using Days = std::vector<float>;

TEST(FeatureExpander, WritesDaysByFeatures) {
  std::vector<float> out;
  expand_features(small_inputs(), 0, 5, {"RADN", "Crop_Type", "GPP", "Year", "TSOC", "WIND"}, out);
  ASSERT_EQ(out.size(), 60u);
  // Day 4: RADN 0.75*104 + 0.25*204, WIND 0.75*4 + 0.25*40.
  EXPECT_EQ(Days(out.begin() + 24, out.begin() + 30), (Days{129, 5, 3, 2015, 20, 13}));
}

TEST(FeatureExpander, InterpolatesCompositesByTheirWeights) {
  YearInputs inputs = small_inputs();
  for (size_t day = 0; day < 10; ++day) {
    inputs.gpp.before[day] = 0;
    inputs.gpp.after[day] = 1;
    inputs.gpp.weight[day] = static_cast<float>(day) / 8;
  }
  const Days values = column_of(inputs, 1, "GPP");
  for (size_t day = 0; day < 8; ++day)
    EXPECT_FLOAT_EQ(values[day], 2 + 2 * static_cast<float>(day) / 8);
}

TEST(FeatureExpander, AZeroWeightNeedsNoNeighbour) {
  YearInputs inputs = small_inputs();
  inputs.gpp.after.assign(10, 2);
  inputs.gpp.values[4] = std::nanf("");
  inputs.gpp.before.assign(10, 0);
  EXPECT_EQ(column_of(inputs, 0, "GPP"), Days(10, 1));
}

TEST(FeatureExpander, SegmentsReplaceTheirDaysOfTheirCell) {
  YearInputs inputs = small_inputs();
  inputs.gpp.values[2] = std::nanf("");               // cell 0, days 4 to 7
  inputs.gpp.segments = {{0, 4, 7, 3, 8, 1, 6},       // a bridge from day 3 to day 8
                         {1, -5, 1, -10, -10, 9, 0},  // a held end that began last year
                         {1, 8, 40, 8, 8, 0, 0}};     // beyond the days that are run
  EXPECT_EQ(column_of(inputs, 0, "GPP"), (Days{1, 1, 1, 1, 2, 3, 4, 5, 7, 7}));
  EXPECT_EQ(column_of(inputs, 1, "GPP"), (Days{9, 9, 2, 2, 4, 4, 4, 4, 0, 0}));
}

TEST(FeatureExpander, MissingValuesAreAnInternalError) {
  const auto code_of = [](const YearInputs& inputs, const std::string& feature) {
    try {
      (void)column_of(inputs, 0, feature);
    } catch (const Error& error) {
      return error.code();
    }
    return Code{};
  };
  YearInputs inputs = small_inputs();
  inputs.gpp.before[9] = -1;
  EXPECT_EQ(code_of(inputs, "GPP"), Code::internal);
  EXPECT_EQ(code_of(inputs, "WIND"), Code{});
  auto climate = std::make_shared<ClimateBlock>(*inputs.climate);
  climate->values[6] = std::nanf("");  // day 1, second climate cell, WIND
  inputs.climate = climate;
  EXPECT_EQ(code_of(inputs, "WIND"), Code::internal);
  EXPECT_EQ(code_of(inputs, "RADN"), Code{});
  EXPECT_EQ(code_of(inputs, "TPHH"), Code::data);
}

TEST(FeatureExpander, SizesThatDoNotFitAreRefused) {
  const auto refused = [](void (*change)(YearInputs&)) {
    YearInputs inputs = small_inputs();
    change(inputs);
    std::vector<float> out;
    try {
      expand_features(inputs, 0, 1, {"WIND", "GPP", "TPH"}, out);
    } catch (const Error& error) {
      return error.code() == Code::internal;
    }
    return false;
  };
  EXPECT_FALSE(refused([](YearInputs&) {}));
  EXPECT_TRUE(refused([](YearInputs& i) { i.month[3] = 12; }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.position.pop_back(); }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.flags.pop_back(); }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.statics.pop_back(); }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.gpp.values.pop_back(); }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.gpp.before[0] = 3; }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.gpp.weight.resize(9); }));
  EXPECT_TRUE(refused([](YearInputs& i) { i.climate_weights.reset(); }));
  EXPECT_TRUE(refused([](YearInputs& i) {
    auto weights = std::make_shared<SparseWeights>(*i.climate_weights);
    weights->index[0] = 2;
    i.climate_weights = weights;
  }));
  EXPECT_TRUE(refused([](YearInputs& i) {
    i.gpp.segments = {{1, 0, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0, 0}};
  }));
}

}  // namespace
}  // namespace fluxtile::test
