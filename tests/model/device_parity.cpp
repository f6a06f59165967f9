// SPDX-License-Identifier: Apache-2.0
// A GPU beside the CPU: the same tile-year through the engine `torch` on both, for every
// architecture and precision. Prints errors; fails where a product of fp32 or tf32 is off by more
// than 1e-3, and where the inputs that the GPU forms are not those of the CPU bit for bit.
//   device_parity [--device cuda:0] [PACKAGE ...]
// PACKAGE: model packages to compare besides the random ones. Without a GPU it ends with 77, which
// CTest counts as skipped; --device cpu runs the GPU's code on the CPU.
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "base/error.h"
#include "model/cuda_driver.h"
#include "model/device_engine.h"
#include "model/device_inputs.h"
#include "model/engine_checks.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr int skipped = 77;
constexpr double allowed = 1e-3;

YearInputs tile_year(int year) {
  std::vector<int32_t> column;
  for (int32_t row = 0; row < 5; ++row)
    for (int32_t c = 0; c < 60; ++c) column.push_back(c + 39 * row);
  YearInputs inputs = random_inputs(7, year, year % 4 == 0 ? 366 : 365, column);
  for (int32_t cell = 0; cell < 300; cell += 3)
    inputs.gpp.segments.push_back({cell, 100, 150, 99, 151, 2, 9});
  for (size_t day = 0; day < inputs.days; ++day) {
    inputs.gpp.after[day] = std::min<int32_t>(inputs.gpp.before[day] + 1, 45);
    inputs.gpp.weight[day] = static_cast<float>(day % 8) / 8;
  }
  return inputs;
}

struct Ran {
  MemberYear year;
  MemberState state;
};

/// Two years, one after the other; the second one's results.
Ran run(const Engine& engine, const Package& package) {
  Ran ran;
  for (const int year : {2020, 2021}) {
    const YearInputs inputs = tile_year(year);
    ran.state.values.resize(inputs.cells * architecture_info(package.architecture).state_size);
    ran.year = engine.run(inputs, all_cells(inputs), ran.state, true);
  }
  return ran;
}

/// Errors of variable v in the worst cell: of the year's sum over the year's sum of absolute daily
/// values; of a month's sum over a twelfth of that; of a day over the largest absolute value of all
/// days and cells.
struct Errors {
  double year = 0, month = 0, day = 0;
};
Errors errors_of(const Ran& expected, const Ran& found, size_t v) {
  const size_t cells = expected.year.flags.size() / 12;
  const size_t days = expected.year.daily.size() / cells / 4;
  const auto at = [](const std::vector<float>& values, size_t i) {
    return static_cast<double>(values[i]);
  };
  Errors errors;
  double largest = 0;
  for (size_t cell = 0; cell < cells; ++cell) {
    double sum = 0;
    for (size_t day = 0; day < days; ++day) {
      const size_t i = (v * days + day) * cells + cell;
      sum += std::fabs(at(expected.year.daily, i));
      largest = std::fmax(largest, std::fabs(at(expected.year.daily, i)));
      errors.day =
          std::fmax(errors.day, std::fabs(at(expected.year.daily, i) - at(found.year.daily, i)));
    }
    double year = 0;
    for (size_t month = 0; month < 12; ++month) {
      const size_t i = (v * 12 + month) * cells + cell;
      const double error = at(found.year.monthly, i) - at(expected.year.monthly, i);
      errors.month = std::fmax(errors.month, std::fabs(error) / sum * 12);
      year += error;
    }
    errors.year = std::fmax(errors.year, std::fabs(year) / sum);
  }
  errors.day /= largest;
  return errors;
}

bool compare(const std::string& label, const Package& package, const std::string& device) {
  const auto shared = std::make_shared<const Package>(package);
  const Ran expected = run(*make_engine({"torch", "cpu", "fp32"}, shared), package);
  bool good = true;
  for (const char* precision : {"fp32", "tf32", "bf16"}) {
    DeviceEngineOptions options;
    options.device = device;
    options.precision = precision;
    if (device == "cpu") options.most_lanes = 512;
    const Ran found = run(*make_device_engine(options, shared), package);
    const bool bound = std::string(precision) != "bf16";
    std::printf("%-28s %s", label.c_str(), precision);
    for (const size_t v : {year_variable::ra, year_variable::rh, year_variable::nee}) {
      const Errors errors = errors_of(expected, found, v);
      std::printf("   %.1e %.1e %.1e", errors.year, errors.month, errors.day);
      if (bound && !(errors.month <= allowed)) good = false;
    }
    std::printf("\n");
  }
  return good;
}

/// The inputs that the device forms beside those that the CPU forms.
bool same_inputs(const std::string& device) {
  const YearInputs inputs = tile_year(2020);
  const Package package = random_package(1);
  const FeatureExpander expander(inputs, expanded_features(package));
  const c10::InferenceMode inference;
  const torch::Tensor cell = torch::arange(300), crop = torch::full({300}, 5.0F);
  torch::Tensor z[2];
  const torch::Device devices[] = {torch::kCPU, torch::Device(device)};
  for (size_t k = 0; k < 2; ++k) {
    DeviceUpload upload(devices[k]);
    const DeviceInputs there(inputs, expander, package, upload);
    z[k] = there.expand(cell.to(devices[k]), crop.to(devices[k])).z.cpu();
  }
  const int64_t other = z[0].view(torch::kInt).ne(z[1].view(torch::kInt)).sum().item<int64_t>();
  std::printf("inputs: %lld of %lld values differ in some bit\n", static_cast<long long>(other),
              static_cast<long long>(z[0].numel()));
  return other == 0;
}

int check(const std::string& device, const std::vector<std::string>& packages) {
  bool good = same_inputs(device);
  std::printf(
      "errors of Ra, of Rh and of NEE: a year's sum over its sum of absolute daily values, a "
      "month's "
      "sum over a\ntwelfth of that, a day over the largest value; the worst cell\n");
  for (const char* architecture : {"kgml-ag-c", "gru", "lstm"})
    good = compare(architecture, random_package_of(architecture, 3), device) && good;
  for (const std::string& path : packages)
    good = compare(path.substr(path.rfind('/') + 1), *load_package(path), device) && good;
  std::printf(good ? "within %g\n" : "NOT within %g\n", allowed);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace fluxtile::test

int main(int argc, char** argv) {
  std::string device = "cuda:0";
  std::vector<std::string> packages;
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "--device" && i + 1 < argc)
      device = argv[++i];
    else
      packages.emplace_back(argv[i]);
  if (device != "cpu" && !torch::cuda::is_available()) {
    std::printf("skipped: parity of the GPU, since this machine or this LibTorch has none\n");
    return fluxtile::test::skipped;
  }
  std::printf("device: %s\n", device == "cpu" ? "cpu" : fluxtile::cuda_device_name(0).c_str());
  try {
    return fluxtile::test::check(device, packages);
  } catch (const fluxtile::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
