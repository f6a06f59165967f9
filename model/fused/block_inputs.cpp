// SPDX-License-Identifier: Apache-2.0
#include "model/fused/block_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/engine_checks.h"
#include "model/fused/kernels.h"

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

/// Climate variables of kgml-ag-c and what is trained beside it.
constexpr size_t kUsualVariables = 7;

/// sums[variable] = sum over k of weight[k] * value of climate cell index[k], in float64 and in the
/// order of k. `kCount`: the number of variables where it is known when this is compiled, else 0.
template <size_t kCount>
void sum_variables(const int32_t* index, const float* weight, size_t count, const float* values,
                   size_t variables, double* sums) {
  const size_t all = kCount > 0 ? kCount : variables;
  double own[kCount > 0 ? kCount : 1];
  double* to = kCount > 0 ? own : sums;
  std::fill_n(to, all, 0.0);
  for (size_t k = 0; k < count; ++k) {
    const double share = double{weight[k]};
    const float* of_cell = values + static_cast<size_t>(index[k]) * all;
    for (size_t v = 0; v < all; ++v) to[v] += share * double{of_cell[v]};
  }
  if (kCount > 0) std::copy_n(to, all, sums);
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
      gpp_(kLanes),
      constant_outside_(kLanes),
      outside_(kLanes),
      climate_values_(inputs.climate ? inputs.climate->variables.size() : 0) {
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
  std::fill(constant_outside_.begin(), constant_outside_.end(), 0.0F);
  segments_.clear();
  Floats values(constant_.size() * kLanes);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const size_t from = lane < count ? lane : 0;
    const size_t cell = cells_[lane] = static_cast<size_t>(cells[from]);
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
    for (const size_t feature : expander_.crop_features()) set(feature, crops[from]);
    for (const size_t feature : expander_.year_features()) set(feature, inputs_.year_feature);
    if (!climate_row_.empty()) {
      const SparseWeights& weights = *inputs_.climate_weights;
      const auto first = static_cast<size_t>(weights.offset[cell]);
      weights_[lane] = {weights.index.data() + first, weights.weight.data() + first,
                        static_cast<size_t>(weights.offset[cell + 1]) - first};
    }
    const auto before = [](const GppSegment& segment, int32_t wanted) {
      return segment.cell < wanted;
    };
    const GppSegment *all = inputs_.gpp.segments.data(), *end = all + inputs_.gpp.segments.size();
    const GppSegment* own = std::lower_bound(all, end, cells[from], before);
    const GppSegment* others = std::lower_bound(own, end, cells[from] + 1, before);
    if (own != others) segments_.push_back({lane, own, others});
  }
  for (size_t row = 0; row < constant_.size(); ++row)
    score_feature(constant_[row], values.data() + row * kLanes, z + row * kLanes,
                  constant_outside_.data(), 0);
}

/// The weighted sums that climate_value() forms, of all variables of a climate cell at once: they
/// lie side by side.
void BlockInputs::climate_of(size_t day) {
  const auto& links = expander_.climate_links();
  if (links.empty()) return;
  const ClimateBlock& climate = *inputs_.climate;
  const size_t variables = climate.variables.size();
  const float* today = climate.values.data() + day * climate.cells * variables;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const WeightRow& row = weights_[lane];
    if (row.count == 0) throw expander_.missing(links.front().feature, day);
    if (variables == kUsualVariables) {
      sum_variables<kUsualVariables>(row.index, row.weight, row.count, today, variables,
                                     climate_values_.data());
    } else {
      sum_variables<0>(row.index, row.weight, row.count, today, variables, climate_values_.data());
    }
    for (size_t k = 0; k < links.size(); ++k)
      physical_[climate_row_[k] * kLanes + lane] =
          static_cast<float>(climate_values_[links[k].source]);
  }
}

void BlockInputs::gpp_of(size_t day) {
  const GppSeries& gpp = inputs_.gpp;
  const int32_t before = gpp.before[day], after = gpp.after[day];
  const double weight = double{gpp.weight[day]};
  const auto composite = [&](int32_t number) {
    return gpp.values.data() + static_cast<size_t>(number) * inputs_.cells;
  };
  if (before < 0) {
    std::fill(gpp_.begin(), gpp_.end(), std::numeric_limits<float>::quiet_NaN());
  } else if (after < 0 || after == before || weight == 0) {
    const float* values = composite(before);
    for (size_t lane = 0; lane < kLanes; ++lane) gpp_[lane] = values[cells_[lane]];
  } else {
    const float *first = composite(before), *second = composite(after);
    for (size_t lane = 0; lane < kLanes; ++lane)
      gpp_[lane] = static_cast<float>((1.0 - weight) * double{first[cells_[lane]]} +
                                      weight * double{second[cells_[lane]]});
  }
  const auto today = static_cast<int32_t>(day);
  for (LaneSegments& segments : segments_) {
    while (segments.next != segments.end && segments.next->last < today) ++segments.next;
    if (segments.next != segments.end && segments.next->first <= today)
      gpp_[segments.lane] = segment_gpp(*segments.next, today);
  }
  for (const float value : gpp_)
    if (std::isnan(value)) throw expander_.missing(expander_.gpp_features()[0], day);
  if (gpp_row_ < daily_.size())
    std::copy_n(gpp_.begin(), kLanes,
                physical_.begin() + static_cast<std::ptrdiff_t>(gpp_row_ * kLanes));
}

void BlockInputs::score_feature(size_t feature, const float* physical, float* z, float* outside,
                                size_t day) const {
  const Scaler& scaler = package_.inputs[feature].scaler;
  const Range range = ranges_[feature];
  if (score({scaler.mean, scaler.std}, range.low, range.high, physical, z, outside)) return;
  const auto& links = expander_.climate_links();
  const bool climate = std::any_of(links.begin(), links.end(),
                                   [&](const auto& link) { return link.feature == feature; });
  for (size_t lane = 0; lane < kLanes; ++lane) {
    if (std::isfinite(z[lane])) continue;
    if (climate && std::isnan(physical[lane])) throw expander_.missing(feature, day);
    throw no_finite_score(package_, feature, physical[lane], day, inputs_.year);
  }
}

void BlockInputs::day(size_t day, float* z) {
  climate_of(day);
  gpp_of(day);
  outside_ = constant_outside_;
  for (size_t row = 0; row < daily_.size(); ++row)
    score_feature(daily_[row], physical_.data() + row * kLanes, z + row * kLanes, outside_.data(),
                  day);
}

}  // namespace fluxtile::fused
