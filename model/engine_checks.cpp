// SPDX-License-Identifier: Apache-2.0
#include "model/engine_checks.h"

namespace fluxtile {

Error no_finite_score(const Package& package, size_t input, float found, size_t day, int year) {
  const std::string& name = package.inputs[input].name;
  return Error(Code::data, "input " + name + " has no finite z-score")
      .file(package.directory)
      .key(name)
      .found(std::to_string(found) + " on day " + std::to_string(day + 1) + " of " +
             std::to_string(year))
      .hint("compare the input's unit with the package's mean and std");
}

Error no_finite_flux(const Package& package, size_t day, int year) {
  return Error(Code::data, "the network gave no finite value on day " + std::to_string(day + 1) +
                               " of " + std::to_string(year))
      .file(package.directory)
      .hint("look at the inputs of this tile with `fluxtile pixel`");
}

}  // namespace fluxtile
