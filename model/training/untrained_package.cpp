// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/kgml_ag_c.h"
#include "model/package_text.h"
#include "model/recurrent_shapes.h"
#include "model/training/random_draws.h"
#include "model/training/training.h"

namespace fluxtile {
namespace {

constexpr size_t days = SiteYears::days;
const std::string carbon_flux = "gC m-2 d-1";

/// Mean, population standard deviation and range of what is added; NaN is left out. Two passes over
/// the values would be needed without the shift by the first one.
class Moments {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    if (count_++ == 0) shift_ = low_ = high_ = value;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    sum_ += value - shift_;
    squares_ += (value - shift_) * (value - shift_);
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] double low() const { return low_; }
  [[nodiscard]] double high() const { return high_; }
  /// A variable that does not vary gets standard deviation 1: its z-score is 0.
  [[nodiscard]] Scaler scaler() const {
    const double n = static_cast<double>(count_), mean = sum_ / n;
    const double std = std::sqrt(std::max(0.0, squares_ / n - mean * mean));
    const bool constant = std <= 1e-7 * std::max(1.0, std::abs(shift_ + mean));
    return {shift_ + mean, constant ? 1.0 : std};
  }

 private:
  size_t count_ = 0;
  double shift_ = 0, sum_ = 0, squares_ = 0, low_ = 0, high_ = 0;
};

/// Site-years that scalers are formed from.
std::vector<size_t> training_rows(const SiteYears& table, const Roles& roles) {
  std::vector<size_t> rows;
  for (size_t row = 0; row < roles.size(); ++row) {
    if (roles[row] != Role::train) continue;
    const size_t size = days * table.features.size();
    const float* input = table.inputs.data() + row * size;
    if (std::all_of(input, input + size, [](float v) { return std::isfinite(v); }))
      rows.push_back(row);
  }
  if (rows.empty())
    throw Error(Code::data, "the table has no site-year to train on")
        .hint("the split leaves none, or inputs have gaps in all of them");
  return rows;
}

const std::vector<float>& label(const std::map<std::string, std::vector<float>>& labels,
                                const std::string& name, const std::string& why) {
  const auto found = labels.find(name);
  if (found != labels.end()) return found->second;
  std::string known;
  for (const auto& [other, values] : labels) known += (known.empty() ? "" : ", ") + other;
  throw Error(Code::data, "pre-training needs the label " + name + " (" + why + ")")
      .found(known.empty() ? "no labels of that kind" : known)
      .hint("pre-train on a table from `fluxtile simulate`, fine-tune on this one");
}

Scaler scaler_of(const Moments& moments, const std::string& name) {
  if (moments.empty())
    throw Error(Code::data, "pre-training needs values of the label " + name)
        .found("none in the site-years that are trained on");
  return moments.scaler();
}

/// Scaler of a daily flux with `sign` times the sign of products.
Scaler flux_scaler(const SiteYears& table, const std::vector<size_t>& rows, const std::string& name,
                   double sign) {
  const std::vector<float>& values = label(table.daily, name, "daily");
  Moments moments;
  for (const size_t row : rows)
    for (size_t day = 0; day < days; ++day)
      moments.add(sign * static_cast<double>(values[row * days + day]));
  return scaler_of(moments, name);
}

/// Carbon that a harvest leaves: ReLU(GPP - Ra - yield) of a year.
Scaler residue_scaler(const SiteYears& table, const std::vector<size_t>& rows) {
  const std::vector<float>&ra = label(table.daily, "Ra", "daily"),
        &yield = label(table.annual, "Yield", "annual");
  const size_t features = table.features.size(), gpp = table.feature("GPP");
  Moments moments;
  for (const size_t row : rows) {
    double carbon = -static_cast<double>(yield[row]);
    for (size_t day = 0; day < days; ++day)
      carbon += static_cast<double>(table.inputs[(row * days + day) * features + gpp]) -
                static_cast<double>(ra[row * days + day]);
    moments.add(std::isnan(carbon) ? carbon : std::max(0.0, carbon));
  }
  return scaler_of(moments, "Residue (of Ra and Yield in the same years)");
}

PackageInput package_input(const SiteYears& table, const std::vector<size_t>& rows,
                           const std::string& name) {
  const size_t feature = table.feature(name), features = table.features.size();
  Moments moments;
  for (const size_t row : rows)
    for (size_t day = 0; day < days; ++day)
      moments.add(static_cast<double>(table.inputs[(row * days + day) * features + feature]));
  PackageInput input;
  input.name = name;
  input.unit = table.features[feature].unit;
  input.source = table.features[feature].source;
  input.scaler = moments.scaler();
  input.min = moments.low();
  input.max = moments.high();
  return input;
}

Tensor uniform_tensor(std::vector<int64_t> shape, double reach, RandomDraws& draws) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  std::vector<float> values(count, 0.0F);
  if (reach > 0)
    for (float& value : values) value = static_cast<float>(draws.uniform(-reach, reach));
  return Tensor::of(DType::F32, std::move(shape), values);
}

/// Start values of the published network: recurrent layers U(-1/8, 1/8) = 1/sqrt(64), linear layers
/// U(-0.1, 0.1) without bias. Each tensor draws numbers of its own.
Tensors initial_tensors(const std::map<std::string, std::vector<int64_t>>& shapes, uint64_t seed) {
  Tensors tensors;
  for (const auto& [name, shape] : shapes) {
    RandomDraws draws(seed, "initial " + name);
    const bool recurrent = name.find("_l") != std::string::npos;
    const bool bias = name.size() >= 4 && name.compare(name.size() - 4, 4, "bias") == 0;
    tensors[name] = uniform_tensor(shape, recurrent ? 0.125 : bias ? 0.0 : 0.1, draws);
  }
  return tensors;
}

}  // namespace

Tensors untrained_weights(const std::string& architecture, size_t inputs, uint64_t seed) {
  return initial_tensors(architecture == kgml_ag_c::architecture
                             ? kgml_ag_c::tensor_shapes()
                             : recurrent::tensor_shapes(architecture, inputs),
                         seed);
}

Package untrained_package(const std::string& architecture, const SiteYears& table,
                          const Roles& roles, uint64_t seed) {
  const bool knowledge_guided = architecture == kgml_ag_c::architecture;
  if (!knowledge_guided && !recurrent::is_architecture(architecture))
    throw Error(Code::data, "architecture '" + architecture + "' cannot be trained here")
        .found(architecture)
        .expected("kgml-ag-c, gru or lstm")
        .hint(suggestion(architecture, {kgml_ag_c::architecture, "gru", "lstm"}));
  table.check();
  if (roles.size() != table.sites.size() * table.years.size())
    throw Error(Code::internal, "roles do not fit the site-year table");
  const std::vector<size_t> rows = training_rows(table, roles);

  Package package;
  package.architecture = architecture;
  package.name = "untrained";
  package.synthetic = table.synthetic;
  if (knowledge_guided) {
    for (const std::string& name : kgml_ag_c::input_names())
      package.inputs.push_back(package_input(table, rows, name));
  } else {
    for (const SiteYears::Feature& feature : table.features)
      package.inputs.push_back(package_input(table, rows, feature.name));
  }
  package.outputs = {
      {"Ra", carbon_flux, "negative-is-release", flux_scaler(table, rows, "Ra", -1)},
      {"Rh", carbon_flux, "negative-is-release", flux_scaler(table, rows, "Rh", -1)},
      {"NEE", carbon_flux, "negative-is-uptake", flux_scaler(table, rows, "NEE", 1)}};
  if (knowledge_guided) {
    if (package.input("GPP").unit != carbon_flux)
      throw Error(Code::data, "the unit of input GPP is fixed")
          .found(package.input("GPP").unit)
          .expected(carbon_flux);
    Moments yield;
    for (const size_t row : rows)
      yield.add(static_cast<double>(label(table.annual, "Yield", "annual")[row]));
    package.scalers = {{"GPP", package.input("GPP").scaler},
                       {"Yield", scaler_of(yield, "Yield")},
                       {"Residue", residue_scaler(table, rows)}};
  }
  package.tensors = untrained_weights(architecture, package.inputs.size(), seed);
  package.digest = package_digest(package);
  return package;
}

}  // namespace fluxtile
