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
  /// Of the day that was formed last, by lane: GPP in physical units; 1 where any feature lies
  /// outside the package's range, else 0.
  [[nodiscard]] const float* gpp() const { return gpp_.data(); }
  [[nodiscard]] const float* outside() const { return outside_.data(); }

 private:
  struct Range {
    float low = 0, high = 0;
  };
  void climate_of(size_t day);
  void gpp_of(size_t day);
  void score_feature(size_t feature, const float* physical, float* z, float* outside,
                     size_t day) const;

  const YearInputs& inputs_;
  const FeatureExpander& expander_;
  const Package& package_;
  const std::vector<size_t>&daily_, &constant_;
  std::vector<Range> ranges_;
  std::vector<size_t> climate_row_;  ///< row of each climate variable among the daily features
  size_t gpp_row_ = 0;               ///< row of GPP; their number where the network has no GPP
  std::array<size_t, kLanes> cells_{};
  /// A lane's row of climate weights: climate cells and their weights.
  struct WeightRow {
    const int32_t* index = nullptr;
    const float* weight = nullptr;
    size_t count = 0;
  };
  std::array<WeightRow, kLanes> weights_{};
  /// Segments of the lanes that have some: the next one that may hold, and the end.
  struct LaneSegments {
    size_t lane = 0;
    const GppSegment *next = nullptr, *end = nullptr;
  };
  std::vector<LaneSegments> segments_;
  Floats physical_;                     ///< [daily][lane]
  Floats gpp_;                          ///< [lane]
  Floats constant_outside_, outside_;   ///< [lane]
  std::vector<double> climate_values_;  ///< of one lane
};

}  // namespace fluxtile::fused
