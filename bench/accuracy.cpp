// SPDX-License-Identifier: Apache-2.0
// How exact the engines are: daily fluxes of a package's network against the same network in
// float64 and against the engine `torch`.
//   accuracy [--precision fp32|bf16] [--cells N] [--json] [PACKAGE | kgml-ag-c | gru | lstm]...
// A name of an architecture stands for a package with random weights. Without one: kgml-ag-c.
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "network_accuracy.h"
#include "season_inputs.h"
#include "synthetic_model.h"

namespace fluxtile {
namespace {

using nlohmann::json;

json as_json(const test::Distance& distance) {
  return {{"max", distance.max},
          {"rms", distance.rms},
          {"mean", distance.mean},
          {"annual", distance.annual}};
}

/// One row a flux.
json rows_of(const Package& package, size_t cells, const std::string& precision) {
  const YearInputs inputs = test::season_inputs(package, 5, cells);
  const test::NetworkYear exact = test::reference_network(package, inputs);
  const test::NetworkYear torch = test::engine_network(package, inputs, {"torch", "cpu", "fp32"});
  const test::NetworkYear fused =
      test::engine_network(package, inputs, {"fused", "cpu", precision});
  json rows = json::array();
  for (size_t flux = 0; flux < package.outputs.size(); ++flux) {
    const test::Distance own = test::distance(package, flux, fused, exact);
    const test::Distance others = test::distance(package, flux, torch, exact);
    rows.push_back({{"package", package.name},
                    {"architecture", package.architecture},
                    {"precision", precision},
                    {"cells", cells},
                    {"flux", package.outputs[flux].name},
                    {"fused", as_json(own)},
                    {"torch", as_json(others)},
                    {"fused_against_torch", as_json(test::distance(package, flux, fused, torch))}});
  }
  return rows;
}

void print(const json& row) {
  const auto number = [&](const char* pair, const char* name) {
    return row[pair][name].get<double>();
  };
  const auto ratio = [&](const char* name) {
    return number("fused", name) / number("torch", name);
  };
  std::printf("%-16s %-5s %9.2e %9.2e %9.2e %9.2e %9.2e %9.2e %7.2f %7.2f %7.2f %12.2e %12.2e\n",
              row["package"].get<std::string>().c_str(), row["flux"].get<std::string>().c_str(),
              number("fused", "mean"), number("fused", "rms"), number("fused", "max"),
              number("torch", "mean"), number("torch", "rms"), number("torch", "max"),
              ratio("mean"), ratio("rms"), ratio("max"), number("fused_against_torch", "max"),
              number("fused_against_torch", "annual"));
}

int run(int count, char** words) {
  size_t cells = 64;
  bool as_lines = false;
  std::string precision = "fp32";
  std::vector<std::string> packages;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--json")
      as_lines = true;
    else if (word == "--cells" && i + 1 < count)
      cells = std::stoul(words[++i]);
    else if (word == "--precision" && i + 1 < count)
      precision = words[++i];
    else
      packages.push_back(word);
  }
  if (packages.empty()) packages = {"kgml-ag-c"};
  if (!as_lines)
    std::printf(
        "%-16s %-5s %29s %29s %23s %25s\n%-16s %-5s %9s %9s %9s %9s %9s %9s %7s %7s %7s %12s "
        "%12s\n",
        "", "", "fused", "torch", "ratio", "fused - torch", "package", "flux", "mean", "rms", "max",
        "mean", "rms", "max", "mean", "rms", "max", "max of z", "annual sums");
  json all = json::array();
  for (const std::string& name : packages) {
    const bool random = name == "kgml-ag-c" || name == "gru" || name == "lstm";
    Package package = random ? test::random_package_of(name, 1) : *load_package(name);
    if (random) package.name = "random " + name;
    for (const json& row : rows_of(package, cells, precision)) {
      if (!as_lines) print(row);
      all.push_back(row);
    }
  }
  if (as_lines) std::cout << all << '\n';
  return 0;
}

}  // namespace
}  // namespace fluxtile

int main(int count, char** words) {
  try {
    return fluxtile::run(count, words);
  } catch (const std::exception& error) {
    std::cerr << "accuracy: " << error.what() << '\n';
    return 1;
  }
}
