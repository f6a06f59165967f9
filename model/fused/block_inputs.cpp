// SPDX-License-Identifier: Apache-2.0
#include "model/fused/block_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/engine_checks.h"

namespace fluxtile::fused {
namespace {

/// Row of a feature in a list of features.
size_t row_of(const std::vector<size_t>& features, size_t feature) {
  const auto found = std::find(features.begin(), features.end(), feature);
  if (found == features.end())
    throw Error(Code::internal,
                "a feature of the model changes daily where the fused engine takes "
                "it for constant")
        .found("feature " + std::to_string(feature));
  return static_cast<size_t>(found - features.begin());
}

}  // namespace

BlockInputs::BlockInputs(const YearInputs& inputs, const FeatureExpander& expander,
                         const Package& package, const std::vector<size_t>& daily,
                         const std::vector<size_t>& constant)
    : inputs_(inputs),
      expander_(expander),
      package_(package),
      daily_(daily),
      constant_(constant),
      physical_(daily.size() * kLanes),
      gpp_(kLanes) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const PackageInput& input : package.inputs)
    ranges_.push_back({input.min ? static_cast<float>(*input.min) : -infinity,
                       input.max ? static_cast<float>(*input.max) : infinity});
  for (const auto& link : expander.climate_links())
    climate_row_.push_back(row_of(daily, link.feature));
  const size_t gpp = expander.gpp_features().at(0);
  gpp_row_ = gpp < package.inputs.size() ? row_of(daily, gpp) : daily.size();
}

void BlockInputs::begin(const int32_t* cells, const float* crops, size_t count, float* z) {
  count_ = count;
  std::copy_n(cells, count, cells_.begin());
  constant_outside_.fill(false);
  std::fill_n(z, constant_.size() * kLanes, 0.0F);
  Floats values(constant_.size() * kLanes, 0.0F);
  for (size_t lane = 0; lane < count; ++lane) {
    const auto cell = static_cast<size_t>(cells[lane]);
    const float* statics = inputs_.statics.data() + cell * inputs_.static_names.size();
    const auto set = [&](size_t feature, float value) {
      const auto row = std::find(constant_.begin(), constant_.end(), feature);
      if (row != constant_.end()) {
        values[static_cast<size_t>(row - constant_.begin()) * kLanes + lane] = value;
      } else {  // an input that could change daily and does not
        physical_[row_of(daily_, feature) * kLanes + lane] = value;
      }
    };
    for (const auto& link : expander_.static_links()) set(link.feature, statics[link.source]);
    for (const size_t feature : expander_.crop_features()) set(feature, crops[lane]);
    for (const size_t feature : expander_.year_features()) set(feature, inputs_.year_feature);
    const std::vector<GppSegment>& segments = inputs_.gpp.segments;
    const auto before = [](const GppSegment& segment, int32_t wanted) {
      return segment.cell < wanted;
    };
    segment_[lane] = std::lower_bound(segments.begin(), segments.end(), cells[lane], before);
    segment_end_[lane] = std::lower_bound(segment_[lane], segments.end(), cells[lane] + 1, before);
  }
  for (size_t row = 0; row < constant_.size(); ++row)
    scale(constant_[row], values.data() + row * kLanes, z + row * kLanes, constant_outside_, 0);
}

/// Climate cells of neighbouring cells are the same or neighbours: variables lie side by side.
void BlockInputs::climate_of(size_t day) {
  const auto& links = expander_.climate_links();
  for (size_t k = 0; k < links.size(); ++k) {
    float* row = physical_.data() + climate_row_[k] * kLanes;
    for (size_t lane = 0; lane < count_; ++lane) {
      const double value =
          climate_value(inputs_, static_cast<size_t>(cells_[lane]), day, links[k].source);
      if (std::isnan(value)) throw expander_.missing(links[k].feature, day);
      row[lane] = static_cast<float>(value);
    }
  }
}

void BlockInputs::gpp_of(size_t day) {
  const auto today = static_cast<int32_t>(day);
  for (size_t lane = 0; lane < count_; ++lane) {
    float value = composite_gpp(inputs_, static_cast<size_t>(cells_[lane]), day);
    auto& segment = segment_[lane];
    while (segment != segment_end_[lane] && segment->last < today) ++segment;
    if (segment != segment_end_[lane] && segment->first <= today)
      value = segment_gpp(*segment, today);
    if (std::isnan(value)) throw expander_.missing(expander_.gpp_features()[0], day);
    gpp_[lane] = value;
  }
  if (gpp_row_ < daily_.size())
    std::copy_n(gpp_.begin(), kLanes,
                physical_.begin() + static_cast<std::ptrdiff_t>(gpp_row_ * kLanes));
}

void BlockInputs::scale(size_t feature, const float* physical, float* z,
                        std::array<bool, kLanes>& outside, size_t day) const {
  const Scaler& scaler = package_.inputs[feature].scaler;
  const Range range = ranges_[feature];
  bool finite = true;
  for (size_t lane = 0; lane < count_; ++lane) {
    z[lane] = static_cast<float>((double{physical[lane]} - scaler.mean) / scaler.std);
    outside[lane] = outside[lane] || physical[lane] < range.low || physical[lane] > range.high;
    finite = finite && std::isfinite(z[lane]);
  }
  if (finite) return;
  for (size_t lane = 0; lane < count_; ++lane)
    if (!std::isfinite(z[lane]))
      throw no_finite_score(package_, feature, physical[lane], day, inputs_.year);
}

void BlockInputs::day(size_t day, float* z) {
  climate_of(day);
  gpp_of(day);
  outside_ = constant_outside_;
  for (size_t row = 0; row < daily_.size(); ++row)
    scale(daily_[row], physical_.data() + row * kLanes, z + row * kLanes, outside_, day);
}

}  // namespace fluxtile::fused
