// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/feature_expander.h"
#include "model/fused/aligned.h"
#include "model/fused/packed_layers.h"
#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile::fused {

/// Forms the daily features of a block from a tile-year's compact inputs, a day at a time, with the
/// values that FeatureExpander gives: climate from its own grid by sparse weights, GPP from
/// composites and segments. Nothing is [day x feature x cell]. One object a thread.
class BlockInputs {
 public:
  /// `expander`: of the same inputs and of expanded_features(package). `daily`, `constant`:
  /// positions of features. All must outlive the object. Throws Error(internal) when a feature
  /// changes daily that stands among the constant ones; a daily one may stay the same.
  BlockInputs(const YearInputs& inputs, const FeatureExpander& expander, const Package& package,
              const std::vector<size_t>& daily, const std::vector<size_t>& constant);

  /// Takes up to kLanes cells; other lanes count for nothing. Writes the z-scores of the constant
  /// features to `z` [constant][lane].
  void begin(const int32_t* cells, const float* crops, size_t count, float* z);
  /// Writes the z-scores of the daily features of a day to `z` [daily][lane]; days come in
  /// order. Throws Error as FeatureExpander::expand() does, and Error(data) for a
  /// z-score that is not finite.
  void day(size_t day, float* z);
  /// Of the day that was formed last, by lane: GPP in physical units; whether any feature lies
  /// outside the package's range.
  [[nodiscard]] const float* gpp() const { return gpp_.data(); }
  [[nodiscard]] const std::array<bool, kLanes>& outside() const { return outside_; }

 private:
  struct Range {
    float low = 0, high = 0;
  };
  void climate_of(size_t day);
  void gpp_of(size_t day);
  void scale(size_t feature, const float* physical, float* z, std::array<bool, kLanes>& outside,
             size_t day) const;

  const YearInputs& inputs_;
  const FeatureExpander& expander_;
  const Package& package_;
  const std::vector<size_t>&daily_, &constant_;
  std::vector<Range> ranges_;
  std::vector<size_t> climate_row_;  ///< row of each climate variable among the daily features
  size_t gpp_row_ = 0;               ///< row of GPP; their number where the network has no GPP
  size_t count_ = 0;
  std::array<int32_t, kLanes> cells_{};
  std::array<bool, kLanes> constant_outside_{}, outside_{};
  /// Segments of each lane's cell: the next one that may hold, and the end.
  std::array<std::vector<GppSegment>::const_iterator, kLanes> segment_, segment_end_;
  Floats physical_;  ///< [daily][lane]
  Floats gpp_;       ///< [lane]
};

}  // namespace fluxtile::fused
