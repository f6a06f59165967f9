// SPDX-License-Identifier: Apache-2.0
#include "synthetic_model.h"

#include <stdlib.h>

#include <cmath>
#include <filesystem>

#include "model/kgml_ag_c.h"
#include "model/recurrent_shapes.h"

namespace fluxtile::test {
namespace {

struct Range {
  const char* name;
  const char* unit;
  double mean, std;
};

constexpr Range ranges[] = {
    {"RADN", "MJ m-2 d-1", 15, 7},   {"TMAX_AIR", "degC", 17, 12},  {"TDIF_AIR", "degC", 10, 4},
    {"HMAX_AIR", "kPa", 1.4, 0.9},   {"HDIF_AIR", "kPa", 0.4, 0.3}, {"WIND", "km d-1", 373, 144},
    {"PRECN", "mm d-1", 2.8, 7.2},   {"Crop_Type", "1", 3, 2},      {"GPP", "gC m-2 d-1", 2.9, 5.8},
    {"Year", "year", 2009.5, 5.2},   {"TBKDS", "Mg m-3", 1.4, 0.1}, {"TSAND", "g kg-1", 166, 180},
    {"TSILT", "g kg-1", 591, 161},   {"TFC", "m3 m-3", 0.3, 0.04},  {"TWP", "m3 m-3", 0.17, 0.05},
    {"TKSat", "mm h-1", 31, 38},     {"TSOC", "gC kg-1", 17, 20},   {"TPH", "1", 6.2, 0.5},
    {"TCEC", "cmol kg-1", 20.2, 8.9}};

constexpr size_t first_static = 10;

size_t days_of(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
}

Tensors random_tensors(const std::map<std::string, std::vector<int64_t>>& shapes, Uniform& random) {
  Tensors tensors;
  for (const auto& [name, shape] : shapes) {
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    // Larger than torch's own start values, so that gates leave their linear range.
    const double reach = name.rfind("gru", 0) == 0 ? 0.25 : 0.3;
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random(-reach, reach));
    tensors[name] = Tensor::of(DType::F32, shape, values);
  }
  return tensors;
}

}  // namespace

Package random_package(uint32_t seed, double yield_mean) {
  Uniform random(seed);
  Package package;
  package.architecture = "kgml-ag-c";
  package.name = "random";
  for (const Range& r : ranges) {
    PackageInput input;
    input.name = r.name;
    input.unit = r.unit;
    input.scaler = {r.mean, r.std};
    package.inputs.push_back(input);
  }
  package.outputs = {{"Ra", "gC m-2 d-1", "negative-is-release", {-1.36, 2.58}},
                     {"Rh", "gC m-2 d-1", "negative-is-release", {-0.97, 0.86}},
                     {"NEE", "gC m-2 d-1", "negative-is-uptake", {-0.52, 2.99}}};
  package.scalers = {{"GPP", {2.9, 5.8}}, {"Yield", {yield_mean, 145}}, {"Residue", {250, 140}}};
  package.tensors = random_tensors(kgml_ag_c::tensor_shapes(), random);
  return package;
}

Package random_package_of(const std::string& architecture, uint32_t seed) {
  Package package = random_package(seed);
  if (architecture == package.architecture) return package;
  Uniform random(seed);
  package.architecture = architecture;
  package.scalers.clear();
  package.tensors =
      random_tensors(recurrent::tensor_shapes(architecture, package.inputs.size()), random);
  return package;
}

YearInputs random_inputs(uint32_t seed, int year, size_t days, const std::vector<int32_t>& column) {
  Uniform random(seed);
  YearInputs inputs;
  inputs.year = year;
  inputs.days = days;
  inputs.complete = days == days_of(year);
  const size_t length[] = {31, days_of(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (uint8_t month = 0; month < 12; ++month)
    for (size_t d = 0; d < length[month] && inputs.month.size() < days; ++d)
      inputs.month.push_back(month);
  inputs.cells = column.size();
  inputs.position = column;
  inputs.year_feature = static_cast<float>(year);

  auto climate = std::make_shared<ClimateBlock>();
  climate->days = days;
  climate->cells = 9;
  for (size_t v = 0; v < 7; ++v) climate->variables.emplace_back(ranges[v].name);
  for (size_t i = 0; i < days * 9; ++i)
    for (size_t v = 0; v < 7; ++v)
      climate->values.push_back(static_cast<float>(
          random(ranges[v].mean - 1.5 * ranges[v].std, ranges[v].mean + 1.5 * ranges[v].std)));
  inputs.climate = climate;

  auto weights = std::make_shared<SparseWeights>();
  weights->offset.push_back(0);
  for (size_t cell = 0; cell < inputs.cells; ++cell) {
    const double x = random(0, 1), y = random(0, 1);
    const auto corner = static_cast<int32_t>(random(0, 2)) * 3 + static_cast<int32_t>(random(0, 2));
    for (const int32_t step : {0, 1, 3, 4}) {
      weights->index.push_back(corner + step);
      weights->weight.push_back(
          static_cast<float>((step % 3 == 1 ? x : 1 - x) * (step >= 3 ? y : 1 - y)));
    }
    weights->offset.push_back(static_cast<int64_t>(weights->index.size()));
  }
  inputs.climate_weights = weights;

  inputs.gpp.composites = (days + 7) / 8;
  for (size_t composite = 0; composite < inputs.gpp.composites; ++composite) {
    const double season =
        std::max(0.0, std::sin((static_cast<double>(composite) - 12) / 24 * 3.14159));
    for (size_t cell = 0; cell < inputs.cells; ++cell)
      inputs.gpp.values.push_back(static_cast<float>(season * random(4, 14)));
  }
  for (size_t day = 0; day < days; ++day) {
    const auto composite = static_cast<int32_t>(day / 8);
    inputs.gpp.before.push_back(composite);
    inputs.gpp.after.push_back(composite);
    inputs.gpp.weight.push_back(0);
  }
  for (size_t s = first_static; s < std::size(ranges); ++s)
    inputs.static_names.emplace_back(ranges[s].name);
  for (size_t cell = 0; cell < inputs.cells; ++cell)
    for (size_t s = first_static; s < std::size(ranges); ++s)
      inputs.statics.push_back(static_cast<float>(
          random(ranges[s].mean - ranges[s].std, ranges[s].mean + ranges[s].std)));
  inputs.flags.assign(12 * inputs.cells, 0);
  return inputs;
}

MemberInputs all_cells(const YearInputs& inputs) {
  MemberInputs member;
  for (size_t cell = 0; cell < inputs.cells; ++cell) {
    member.cell.push_back(static_cast<int32_t>(cell));
    member.crop.push_back(inputs.position[cell] % 2 == 0 ? 1.0F : 5.0F);
  }
  return member;
}

YearInputs subset(const YearInputs& inputs, const std::vector<int32_t>& cells) {
  YearInputs out = inputs;
  out.cells = cells.size();
  out.position.clear();
  out.statics.clear();
  auto weights = std::make_shared<SparseWeights>();
  weights->offset.push_back(0);
  const size_t statics = inputs.static_names.size();
  for (const int32_t cell : cells) {
    const auto c = static_cast<size_t>(cell);
    out.position.push_back(inputs.position[c]);
    for (size_t s = 0; s < statics; ++s) out.statics.push_back(inputs.statics[c * statics + s]);
    for (auto k = static_cast<size_t>(inputs.climate_weights->offset[c]);
         k < static_cast<size_t>(inputs.climate_weights->offset[c + 1]); ++k) {
      weights->index.push_back(inputs.climate_weights->index[k]);
      weights->weight.push_back(inputs.climate_weights->weight[k]);
    }
    weights->offset.push_back(static_cast<int64_t>(weights->index.size()));
  }
  out.climate_weights = weights;
  const auto pick = [&](const auto& from, size_t rows) {
    auto to = from;
    to.clear();
    for (size_t row = 0; row < rows; ++row)
      for (const int32_t cell : cells)
        to.push_back(from[row * inputs.cells + static_cast<size_t>(cell)]);
    return to;
  };
  out.gpp.values = pick(inputs.gpp.values, inputs.gpp.composites);
  out.flags = pick(inputs.flags, 12);
  return out;
}

std::vector<float> z_scores(const YearInputs& inputs, int32_t cell, float crop,
                            const Package& package) {
  std::vector<float> x;
  expand_features(inputs, cell, crop, package.input_names(), x);
  for (size_t i = 0; i < x.size(); ++i) {
    const Scaler& scaler = package.inputs[i % package.inputs.size()].scaler;
    x[i] = static_cast<float>((x[i] - scaler.mean) / scaler.std);
  }
  return x;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fluxtile-model-XXXXXX").string();
  path_ = mkdtemp(name.data()) ? name : "";
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}
std::string TemporaryFolder::path(const std::string& name) const {
  return name.empty() ? path_ : path_ + "/" + name;
}

}  // namespace fluxtile::test
