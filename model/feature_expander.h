// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/year_inputs.h"

namespace fluxtile {

/// Turns the compact inputs of a tile-year into daily features, a cell at a time. Where each
/// feature comes from is looked up once, in the constructor; expand() is const and thread-safe.
class FeatureExpander {
 public:
  /// `inputs` must outlive the expander. Throws Error(internal) for inputs whose sizes do not fit
  /// together, Error(data) for a feature that nothing supplies.
  FeatureExpander(const YearInputs& inputs, const std::vector<std::string>& features);

  /// Writes [day][feature] of `cell` to `out` (days * features floats), in physical units. Sums run
  /// in the order of the weights, in float64, and are rounded once. Throws Error(internal) if a
  /// value is missing (NaN): ingestion must have left such a cell out.
  void expand(int32_t cell, float crop, float* out) const;

  [[nodiscard]] size_t feature_count() const noexcept { return features_.size(); }

 private:
  void check_sizes() const;
  void fill_climate(int32_t cell, float* out) const;
  void fill_gpp(int32_t cell, float* out, size_t feature) const;
  void fill_constant(float* out, size_t feature, float value) const;

  /// A feature and the climate variable or static input it is.
  struct Link {
    size_t feature = 0, source = 0;
  };

  const YearInputs& inputs_;
  std::vector<std::string> features_;
  std::vector<Link> climate_, statics_;
  std::vector<size_t> gpp_, crop_, year_;
};

}  // namespace fluxtile
