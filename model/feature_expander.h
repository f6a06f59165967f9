// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/year_inputs.h"

namespace fluxtile {

/// GPP of a cell that its composites tell for a day; NaN where there is none.
float composite_gpp(const YearInputs& inputs, size_t cell, size_t day);
/// GPP that a segment holds for a day.
float segment_gpp(const GppSegment& segment, int32_t day);
/// A climate variable of a cell on a day: the weighted sum over the climate grid's cells, in the
/// order of the weights and in float64. NaN where there is no value.
double climate_value(const YearInputs& inputs, size_t cell, size_t day, size_t variable);

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

  /// A feature and the climate variable or static input it is.
  struct Link {
    size_t feature = 0, source = 0;
  };
  [[nodiscard]] const std::vector<Link>& climate_links() const noexcept { return climate_; }
  [[nodiscard]] const std::vector<Link>& static_links() const noexcept { return statics_; }
  /// Positions of GPP, Crop_Type and Year.
  [[nodiscard]] const std::vector<size_t>& gpp_features() const noexcept { return gpp_; }
  [[nodiscard]] const std::vector<size_t>& crop_features() const noexcept { return crop_; }
  [[nodiscard]] const std::vector<size_t>& year_features() const noexcept { return year_; }
  /// The error of a modelled cell for which an input has no value.
  [[nodiscard]] Error missing(size_t feature, size_t day) const;

 private:
  void check_sizes() const;
  void fill_climate(int32_t cell, float* out) const;
  void fill_gpp(int32_t cell, float* out, size_t feature) const;
  void fill_constant(float* out, size_t feature, float value) const;

  const YearInputs& inputs_;
  std::vector<std::string> features_;
  std::vector<Link> climate_, statics_;
  std::vector<size_t> gpp_, crop_, year_;
};

}  // namespace fluxtile
