// SPDX-License-Identifier: Apache-2.0
#include "model/device_inputs.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstring>

#include "model/engine_checks.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr int32_t cells = 40;

/// A leap year with rows of one to five weights, composites that are held, interpolated or missing,
/// and gap segments of every kind.
YearInputs varied_inputs() {
  std::vector<int32_t> columns(cells);
  for (int32_t c = 0; c < cells; ++c) columns[static_cast<size_t>(c)] = 3 * c - 9;
  YearInputs inputs = random_inputs(8, 2020, 366, columns);
  Uniform random(9);
  auto weights = std::make_shared<SparseWeights>();
  weights->offset.push_back(0);
  for (int32_t cell = 0; cell < cells; ++cell) {
    for (int32_t k = 0; k <= cell % 5; ++k) {
      weights->index.push_back((cell + 2 * k) % 9);
      weights->weight.push_back(static_cast<float>(random(0, 0.7)));
    }
    weights->offset.push_back(static_cast<int64_t>(weights->index.size()));
  }
  inputs.climate_weights = weights;
  GppSeries& gpp = inputs.gpp;
  for (size_t day = 0; day < 366; ++day) {
    gpp.after[day] = std::min<int32_t>(gpp.before[day] + 1, 45);
    gpp.weight[day] = day % 8 == 3 ? 0.0F : static_cast<float>(day % 8) / 8;
    if (day > 200 && day < 216) gpp.after[day] = -1;
  }
  gpp.before[300] = -1;  // filled by segments, for every cell
  for (int32_t cell = 0; cell < cells; ++cell) {
    if (cell % 3 == 0) gpp.segments.push_back({cell, -5, 20, -2.5F, -2.5F, 1.25F, 9});
    if (cell % 4 == 0) gpp.segments.push_back({cell, 15, 90, 14, 91.5F, 2.1F, 7.3F});
    if (cell % 7 == 0) gpp.segments.push_back({cell, 60, 61, 3, 3, 0.1F, 5});
    gpp.segments.push_back({cell, 300, 300, 290.5F, 310.5F, 3.3F, static_cast<float>(cell)});
    if (cell % 2 == 0) gpp.segments.push_back({cell, 360, 400, 350, 420, 0.3F, 0});
  }
  return inputs;
}

/// Lanes of a batch: every cell once, out of order, the first one again at the end.
std::vector<int64_t> lanes() {
  std::vector<int64_t> order;
  for (int64_t k = 0; k < cells; ++k) order.push_back(k * 7 % cells);
  order.push_back(0);
  return order;
}

DeviceInputs::Batch expand(const YearInputs& inputs, const Package& package) {
  const FeatureExpander expander(inputs, expanded_features(package));
  DeviceUpload upload(torch::kCPU);
  const DeviceInputs device(inputs, expander, package, upload);
  const std::vector<int64_t> order = lanes();
  std::vector<float> crop;
  for (const int64_t cell : order) crop.push_back(cell % 2 == 0 ? 1 : 5);
  return device.expand(torch::tensor(order), torch::tensor(crop));
}

bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

void expect_as_expanded(const YearInputs& inputs, const Package& package) {
  const DeviceInputs::Batch batch = expand(inputs, package);
  const std::vector<int64_t> order = lanes();
  const std::vector<std::string> features = expanded_features(package);
  const size_t width = package.inputs.size();
  const size_t gpp =
      static_cast<size_t>(std::find(features.begin(), features.end(), "GPP") - features.begin());
  const InputRanges ranges = input_ranges(package);
  size_t outside_days = 0;
  EXPECT_FALSE(batch.refused.any().item<bool>());
  for (size_t lane = 0; lane < order.size(); ++lane) {
    const auto cell = static_cast<int32_t>(order[lane]);
    std::vector<float> x;
    expand_features(inputs, cell, cell % 2 == 0 ? 1 : 5, features, x);
    for (size_t day = 0; day < inputs.days; ++day) {
      const size_t at = day * order.size() + lane;
      bool outside = false;
      for (size_t f = 0; f < width; ++f) {
        const float value = x[day * features.size() + f];
        const Scaler& scaler = package.inputs[f].scaler;
        const auto z = static_cast<float>((static_cast<double>(value) - scaler.mean) / scaler.std);
        ASSERT_TRUE(same(batch.z.data_ptr<float>()[at * width + f], z))
            << cell << " " << day << " " << features[f];
        outside |= value < ranges.low[f] || value > ranges.high[f];
      }
      ASSERT_TRUE(same(batch.gpp.data_ptr<float>()[at], x[day * features.size() + gpp]));
      ASSERT_EQ(batch.outside.data_ptr<bool>()[at], outside) << cell << " " << day;
      outside_days += outside ? 1 : 0;
    }
  }
  EXPECT_GT(outside_days, 0u);
  EXPECT_LT(outside_days, order.size() * inputs.days);
}

Package package_with_ranges(const std::string& architecture) {
  Package package = random_package_of(architecture, 3);
  package.inputs[1].max = 20;    // TMAX_AIR
  package.inputs[8].min = 0.05;  // GPP
  return package;
}

TEST(DeviceInputs, AreThoseOfTheExpanderBitForBit) {
  expect_as_expanded(varied_inputs(), package_with_ranges("kgml-ag-c"));
}

TEST(DeviceInputs, FollowAPackagesOwnOrderAndMayLeaveOutGpp) {
  Package package = package_with_ranges("gru");
  std::swap(package.inputs[0], package.inputs[12]);
  package.inputs.erase(package.inputs.begin() + 8);
  expect_as_expanded(varied_inputs(), package);
  package.inputs = {package.inputs[1]};  // climate alone
  expect_as_expanded(varied_inputs(), package);
}

TEST(DeviceInputs, NeedNeitherSegmentsNorInterpolation) {
  YearInputs inputs = random_inputs(5, 2019, 200, std::vector<int32_t>(cells, 4));
  expect_as_expanded(inputs, package_with_ranges("kgml-ag-c"));
}

std::vector<int32_t> refused_cells(const YearInputs& inputs, const Package& package) {
  const torch::Tensor refused = expand(inputs, package).refused;
  const std::vector<int64_t> order = lanes();
  std::vector<int32_t> found;
  for (size_t lane = 0; lane < order.size(); ++lane)
    if (refused.data_ptr<bool>()[lane]) found.push_back(static_cast<int32_t>(order[lane]));
  std::sort(found.begin(), found.end());
  return found;
}

using Cells = std::vector<int32_t>;

TEST(DeviceInputs, RefuseTheCellsThatMissAValue) {
  const Package package = random_package(3);
  const YearInputs whole = varied_inputs();
  EXPECT_EQ(refused_cells(whole, package), Cells());

  YearInputs inputs = whole;  // cell 6 without weights
  auto weights = std::make_shared<SparseWeights>(*whole.climate_weights);
  const auto removed = weights->offset[7] - weights->offset[6];
  weights->index.erase(weights->index.begin() + weights->offset[6],
                       weights->index.begin() + weights->offset[7]);
  weights->weight.erase(weights->weight.begin() + weights->offset[6],
                        weights->weight.begin() + weights->offset[7]);
  for (size_t cell = 7; cell < weights->offset.size(); ++cell) weights->offset[cell] -= removed;
  inputs.climate_weights = weights;
  EXPECT_EQ(refused_cells(inputs, package), Cells({6}));

  inputs = whole;  // no weights at all
  auto none = std::make_shared<SparseWeights>();
  none->offset.assign(cells + 1, 0);
  inputs.climate_weights = none;
  EXPECT_EQ(refused_cells(inputs, package).size(), lanes().size());

  inputs = whole;  // a day of one climate cell: those with a weight on it
  auto climate = std::make_shared<ClimateBlock>(*whole.climate);
  climate->values[(100 * 9 + 4) * 7 + 2] = std::nanf("");
  inputs.climate = climate;
  Cells users;
  for (int32_t cell = 0; cell < cells; ++cell)
    for (auto k = whole.climate_weights->offset[static_cast<size_t>(cell)];
         k < whole.climate_weights->offset[static_cast<size_t>(cell) + 1]; ++k)
      if (whole.climate_weights->index[static_cast<size_t>(k)] == 4) users.push_back(cell);
  EXPECT_EQ(refused_cells(inputs, package), users);

  inputs = whole;  // composites that only interpolation needs
  for (size_t day = 0; day < 366; ++day)
    if (day % 8 == 3) inputs.gpp.after[day] = 45;
  inputs.gpp.values[45 * cells + 2] = std::nanf("");
  for (size_t day = 340; day < 366; ++day) {
    inputs.gpp.before[day] = 10;
    inputs.gpp.after[day] = 10;
  }
  EXPECT_EQ(refused_cells(inputs, package), Cells());
  inputs.gpp.after[350] = 45;
  inputs.gpp.weight[350] = 0.5F;
  EXPECT_EQ(refused_cells(inputs, package), Cells({2}));

  inputs = whole;  // a day without composite and without segment
  inputs.gpp.before[250] = -1;
  EXPECT_EQ(refused_cells(inputs, package).size(), lanes().size());
}

TEST(DeviceInputs, RefuseScoresThatOverflow) {
  Package package = random_package(3);
  package.inputs[0].scaler.std = 1e-300;
  EXPECT_EQ(refused_cells(varied_inputs(), package).size(), lanes().size());
}

}  // namespace
}  // namespace fluxtile::test
