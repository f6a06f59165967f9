// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/plan.h"

namespace fluxtile {

/// What says that an input is read as it was read before: its file's name, size and time, where in
/// it the values lie, and whatever of the plan decides them beside the result key.
class InputKeys {
 public:
  explicit InputKeys(const Plan& plan);

  [[nodiscard]] std::string of_composite(const CompositeRef& composite) const;
  /// Of a tile's cells, soil and crops.
  [[nodiscard]] const std::string& of_statics(const TileUnit& unit) const {
    return statics_.at(unit.region);
  }

 private:
  [[nodiscard]] std::string of_layer(const LayerRef& layer, size_t operation) const;
  [[nodiscard]] std::string of_file(const std::string& path) const;

  const Plan& plan_;
  std::map<std::string, const PlanFile*> files_;
  std::vector<std::string> statics_;  ///< one a region
};

}  // namespace fluxtile
