// SPDX-License-Identifier: Apache-2.0
#include "model/feature_expander.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/nearest_name.h"

namespace fluxtile {
namespace {

void require(bool fits, const char* what) {
  if (!fits) throw Error(Code::internal, std::string("inputs of a tile-year do not fit: ") + what);
}

/// Position of `name` in `names`, or names.size().
size_t position(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

float segment_gpp(const GppSegment& segment, int32_t day) {
  if (segment.from_day == segment.to_day) return segment.from_value;
  const double share = (static_cast<double>(day) - segment.from_day) /
                       (static_cast<double>(segment.to_day) - segment.from_day);
  const double from = segment.from_value;
  return static_cast<float>(from + (segment.to_value - from) * share);
}

float composite_gpp(const YearInputs& inputs, size_t cell, size_t day) {
  const GppSeries& gpp = inputs.gpp;
  const auto composite = [&](int32_t number) {
    return gpp.values[static_cast<size_t>(number) * inputs.cells + cell];
  };
  const int32_t before = gpp.before[day], after = gpp.after[day];
  const float weight = gpp.weight[day];
  if (before < 0) return std::nanf("");
  if (after < 0 || after == before || weight == 0) return composite(before);
  return static_cast<float>((1.0 - weight) * composite(before) +
                            static_cast<double>(weight) * composite(after));
}

double climate_value(const YearInputs& inputs, size_t cell, size_t day, size_t variable) {
  const ClimateBlock& climate = *inputs.climate;
  const SparseWeights& weights = *inputs.climate_weights;
  const size_t variables = climate.variables.size();
  const float* today = climate.values.data() + day * climate.cells * variables;
  const auto begin = static_cast<size_t>(weights.offset[cell]);
  const auto end = static_cast<size_t>(weights.offset[cell + 1]);
  if (begin == end) return std::nan("");
  double sum = 0;
  for (size_t k = begin; k < end; ++k)
    sum += static_cast<double>(weights.weight[k]) *
           today[static_cast<size_t>(weights.index[k]) * variables + variable];
  return sum;
}

FeatureExpander::FeatureExpander(const YearInputs& inputs, const std::vector<std::string>& features)
    : inputs_(inputs), features_(features) {
  static const std::vector<std::string> no_climate;
  const auto& climate = inputs.climate ? inputs.climate->variables : no_climate;
  for (size_t feature = 0; feature < features.size(); ++feature) {
    const std::string& name = features[feature];
    if (name == "GPP") {
      gpp_.push_back(feature);
    } else if (name == "Crop_Type") {
      crop_.push_back(feature);
    } else if (name == "Year") {
      year_.push_back(feature);
    } else if (const size_t found = position(climate, name); found < climate.size()) {
      climate_.push_back({feature, found});
    } else if (const size_t fixed = position(inputs.static_names, name);
               fixed < inputs.static_names.size()) {
      statics_.push_back({feature, fixed});
    } else {
      std::vector<std::string> known = {"GPP", "Crop_Type", "Year"};
      known.insert(known.end(), climate.begin(), climate.end());
      known.insert(known.end(), inputs.static_names.begin(), inputs.static_names.end());
      throw Error(Code::data, "no input supplies the model's feature '" + name + "'")
          .key(name)
          .hint(suggestion(name, known));
    }
  }
  check_sizes();
}

void FeatureExpander::check_sizes() const {
  const YearInputs& in = inputs_;
  require(in.days >= 1 && in.days <= 366, "days outside 1 to 366");
  require(in.month.size() == in.days, "a month for each day");
  require(std::all_of(in.month.begin(), in.month.end(), [](uint8_t m) { return m < 12; }),
          "months");
  require(in.position.size() == in.cells, "a position for each cell");
  require(in.flags.size() == 12 * in.cells, "12 flags a cell");
  require(in.statics.size() == in.static_names.size() * in.cells, "statics of each cell");
  if (!climate_.empty()) {
    const ClimateBlock& climate = *in.climate;
    require(climate.days >= in.days, "climate of each day");
    require(climate.values.size() == climate.days * climate.cells * climate.variables.size(),
            "climate values");
    require(in.climate_weights != nullptr, "climate weights");
    const SparseWeights& weights = *in.climate_weights;
    require(weights.offset.size() == in.cells + 1 && weights.index.size() == weights.weight.size(),
            "rows of climate weights");
    require(weights.offset.front() >= 0 &&
                std::is_sorted(weights.offset.begin(), weights.offset.end()) &&
                static_cast<size_t>(weights.offset.back()) <= weights.index.size(),
            "offsets of climate weights");
    require(
        std::all_of(weights.index.begin(), weights.index.end(),
                    [&](int32_t i) { return i >= 0 && static_cast<size_t>(i) < climate.cells; }),
        "climate cells of the weights");
  }
  if (!gpp_.empty()) {
    const GppSeries& gpp = in.gpp;
    require(gpp.values.size() == gpp.composites * in.cells, "GPP of each composite and cell");
    require(
        gpp.before.size() >= in.days && gpp.after.size() >= in.days && gpp.weight.size() >= in.days,
        "composites of each day");
    const auto known = [&](int32_t composite) {
      return composite < 0 || static_cast<size_t>(composite) < gpp.composites;
    };
    require(std::all_of(gpp.before.begin(), gpp.before.end(), known) &&
                std::all_of(gpp.after.begin(), gpp.after.end(), known),
            "composite numbers");
    require(
        std::is_sorted(gpp.segments.begin(), gpp.segments.end(),
                       [](const GppSegment& a, const GppSegment& b) { return a.cell < b.cell; }),
        "GPP segments in cell order");
  }
}

void FeatureExpander::expand(int32_t cell, float crop, float* out) const {
  require(cell >= 0 && static_cast<size_t>(cell) < inputs_.cells, "cell number");
  if (!climate_.empty()) fill_climate(cell, out);
  for (const size_t feature : gpp_) fill_gpp(cell, out, feature);
  const float* statics =
      inputs_.statics.data() + static_cast<size_t>(cell) * inputs_.static_names.size();
  for (const Link& link : statics_) fill_constant(out, link.feature, statics[link.source]);
  for (const size_t feature : crop_) fill_constant(out, feature, crop);
  for (const size_t feature : year_) fill_constant(out, feature, inputs_.year_feature);
}

Error FeatureExpander::missing(size_t feature, size_t day) const {
  return Error(Code::internal, "no " + features_[feature] + " on day " + std::to_string(day + 1) +
                                   " of " + std::to_string(inputs_.year) +
                                   " for a cell that is modelled");
}

void FeatureExpander::fill_climate(int32_t cell, float* out) const {
  for (size_t day = 0; day < inputs_.days; ++day, out += features_.size()) {
    for (const Link& link : climate_) {
      const double value = climate_value(inputs_, static_cast<size_t>(cell), day, link.source);
      if (std::isnan(value)) throw missing(link.feature, day);
      out[link.feature] = static_cast<float>(value);
    }
  }
}

void FeatureExpander::fill_gpp(int32_t cell, float* out, size_t feature) const {
  const GppSeries& gpp = inputs_.gpp;
  const size_t stride = features_.size();
  float* value = out + feature;
  for (size_t day = 0; day < inputs_.days; ++day)
    value[day * stride] = composite_gpp(inputs_, static_cast<size_t>(cell), day);
  auto segment = std::lower_bound(
      gpp.segments.begin(), gpp.segments.end(), cell,
      [](const GppSegment& candidate, int32_t wanted) { return candidate.cell < wanted; });
  for (; segment != gpp.segments.end() && segment->cell == cell; ++segment) {
    const int32_t last = std::min<int32_t>(segment->last, static_cast<int32_t>(inputs_.days) - 1);
    for (int32_t day = std::max<int32_t>(segment->first, 0); day <= last; ++day)
      value[static_cast<size_t>(day) * stride] = segment_gpp(*segment, day);
  }
  for (size_t day = 0; day < inputs_.days; ++day)
    if (std::isnan(value[day * stride])) throw missing(feature, day);
}

void FeatureExpander::fill_constant(float* out, size_t feature, float value) const {
  for (size_t day = 0; day < inputs_.days; ++day) out[day * features_.size() + feature] = value;
}

void expand_features(const YearInputs& inputs, int32_t cell, float crop,
                     const std::vector<std::string>& features, std::vector<float>& out) {
  const FeatureExpander expander(inputs, features);
  out.resize(inputs.days * features.size());
  expander.expand(cell, crop, out.data());
}

}  // namespace fluxtile
