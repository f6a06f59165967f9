// SPDX-License-Identifier: Apache-2.0
#include "model/device_inputs.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>

#include "model/engine_checks.h"

namespace fluxtile {
namespace {

/// Days that are expanded at once: their float64 sums stay small beside the network's arrays.
constexpr int64_t block_days = 64;

int64_t extent(size_t n) { return static_cast<int64_t>(n); }

}  // namespace

DeviceInputs::DeviceInputs(const YearInputs& inputs, const FeatureExpander& expander,
                           const Package& package, DeviceUpload& upload)
    : days_(extent(inputs.days)),
      width_(extent(package.inputs.size())),
      features_(extent(expander.feature_count())),
      climate_links_(expander.climate_links()),
      static_links_(expander.static_links()),
      gpp_features_(expander.gpp_features()),
      crop_features_(expander.crop_features()),
      year_features_(expander.year_features()) {
  std::vector<double> mean, std;
  for (const PackageInput& input : package.inputs) {
    mean.push_back(input.scaler.mean);
    std.push_back(input.scaler.std);
  }
  mean_ = upload(mean);
  std_ = upload(std);
  const InputRanges ranges = input_ranges(package);
  low_ = upload(ranges.low);
  high_ = upload(ranges.high);
  year_ = upload(&inputs.year_feature, {1});
  day_number_ = torch::arange(days_, torch::TensorOptions(torch::kLong).device(upload.device()))
                    .view({days_, 1});
  statics_ =
      upload(inputs.statics.data(), {extent(inputs.cells), extent(inputs.static_names.size())});
  if (!climate_links_.empty()) upload_climate(inputs, upload);
  upload_gpp(inputs, upload);
  upload_segments(inputs, upload);
}

void DeviceInputs::upload_climate(const YearInputs& inputs, DeviceUpload& upload) {
  const ClimateBlock& climate = *inputs.climate;
  const SparseWeights& weights = *inputs.climate_weights;
  std::vector<int64_t> variable, length;
  for (const FeatureExpander::Link& link : climate_links_) variable.push_back(extent(link.source));
  climate_ = upload(climate.values.data(),
                    {days_, extent(climate.cells), extent(climate.variables.size())})
                 .index_select(2, upload(variable));
  for (size_t cell = 0; cell < inputs.cells; ++cell)
    length.push_back(weights.offset[cell + 1] - weights.offset[cell]);
  longest_row_ = length.empty() ? 0 : *std::max_element(length.begin(), length.end());
  row_begin_ = upload(weights.offset.data(), {extent(inputs.cells)});
  row_length_ = upload(length);
  row_index_ = upload(weights.index);
  row_weight_ = upload(weights.weight);
}

void DeviceInputs::upload_gpp(const YearInputs& inputs, DeviceUpload& upload) {
  const GppSeries& gpp = inputs.gpp;
  composites_ = upload(gpp.values.data(), {extent(gpp.composites), extent(inputs.cells)});
  std::vector<int64_t> before, after;
  std::vector<double> after_weight;
  std::vector<int32_t> one, none;
  for (size_t day = 0; day < inputs.days; ++day) {
    const int32_t b = gpp.before[day], a = gpp.after[day];
    before.push_back(std::max(b, 0));
    after.push_back(std::max(a, 0));
    after_weight.push_back(static_cast<double>(gpp.weight[day]));
    one.push_back(a < 0 || a == b || gpp.weight[day] == 0 ? 1 : 0);
    none.push_back(b < 0 ? 1 : 0);
  }
  before_ = upload(before);
  after_ = upload(after);
  after_weight_ = upload(after_weight.data(), {days_, 1});
  before_weight_ = 1.0 - after_weight_;
  one_composite_ = upload(one.data(), {days_, 1}).to(torch::kBool);
  no_composite_ = upload(none.data(), {days_, 1}).to(torch::kBool);
}

void DeviceInputs::upload_segments(const YearInputs& inputs, DeviceUpload& upload) {
  std::vector<int64_t> begin(inputs.cells, 0), count(inputs.cells, 0), first, last;
  std::vector<float> from_day, to_day, from_value, to_value;
  for (const GppSegment& segment : inputs.gpp.segments) {
    const auto cell = static_cast<size_t>(segment.cell);
    if (cell >= inputs.cells) continue;
    if (count[cell]++ == 0) begin[cell] = extent(first.size());
    most_segments_ = std::max(most_segments_, count[cell]);
    first.push_back(segment.first);
    last.push_back(segment.last);
    from_day.push_back(segment.from_day);
    to_day.push_back(segment.to_day);
    from_value.push_back(segment.from_value);
    to_value.push_back(segment.to_value);
  }
  if (most_segments_ == 0) return;
  segment_begin_ = upload(begin);
  segment_count_ = upload(count);
  segment_first_ = upload(first);
  segment_last_ = upload(last);
  from_day_ = upload(from_day);
  to_day_ = upload(to_day);
  from_value_ = upload(from_value);
  to_value_ = upload(to_value);
}

DeviceInputs::Rows DeviceInputs::rows_of(const at::Tensor& cell) const {
  Rows rows;
  if (climate_links_.empty() || longest_row_ == 0) return rows;
  const at::Tensor begin = row_begin_.index_select(0, cell),
                   length = row_length_.index_select(0, cell);
  const int64_t last = row_index_.size(0) - 1, lanes = cell.size(0);
  for (int64_t k = 0; k < longest_row_; ++k) {
    const at::Tensor place = (begin + k).clamp_max(last);
    rows.index.push_back(row_index_.index_select(0, place).to(torch::kLong));
    rows.weight.push_back(
        row_weight_.index_select(0, place).to(torch::kDouble).view({1, lanes, 1}));
    rows.has.push_back(length.gt(k).view({1, lanes, 1}));
  }
  return rows;
}

at::Tensor DeviceInputs::climate(const Rows& rows, int64_t first, int64_t days) const {
  const at::Tensor today = climate_.narrow(0, first, days);
  at::Tensor sum;
  for (size_t k = 0; k < rows.index.size(); ++k) {
    const at::Tensor part =
        today.index_select(1, rows.index[k]).to(torch::kDouble).mul_(rows.weight[k]);
    // The first weight is added to zero, which turns -0 into 0, as it is on the host.
    sum = k == 0 ? torch::where(
                       rows.has[k], part.add(0.0),
                       torch::full({1}, std::numeric_limits<double>::quiet_NaN(), part.options()))
                 : torch::where(rows.has[k], sum + part, sum);
  }
  return sum.to(torch::kFloat);
}

at::Tensor DeviceInputs::gpp(const at::Tensor& cell) const {
  at::Tensor values;
  if (composites_.size(0) > 0) {
    const at::Tensor own = composites_.index_select(1, cell);
    const at::Tensor before = own.index_select(0, before_), after = own.index_select(0, after_);
    const at::Tensor between =
        (before_weight_ * before.to(torch::kDouble) + after_weight_ * after.to(torch::kDouble))
            .to(torch::kFloat);
    values = torch::where(one_composite_, before, between);
    values.masked_fill_(no_composite_, std::numeric_limits<double>::quiet_NaN());
  } else {
    values = torch::full({days_, cell.size(0)}, std::numeric_limits<double>::quiet_NaN(),
                         composites_.options());
  }
  return with_segments(values, cell);
}

at::Tensor DeviceInputs::with_segments(at::Tensor values, const at::Tensor& cell) const {
  if (most_segments_ == 0) return values;
  const at::Tensor begin = segment_begin_.index_select(0, cell),
                   count = segment_count_.index_select(0, cell);
  const int64_t last_place = segment_first_.size(0) - 1;
  const at::Tensor day = day_number_.to(torch::kDouble);
  for (int64_t k = 0; k < most_segments_; ++k) {
    const at::Tensor place = (begin + k).clamp_max(last_place);
    const auto of = [&](const at::Tensor& member) { return member.index_select(0, place); };
    const at::Tensor on = day_number_.ge(of(segment_first_))
                              .logical_and_(day_number_.le(of(segment_last_)))
                              .logical_and_(count.gt(k));
    const at::Tensor from_day = of(from_day_).to(torch::kDouble),
                     to_day = of(to_day_).to(torch::kDouble),
                     from = of(from_value_).to(torch::kDouble),
                     to = of(to_value_).to(torch::kDouble);
    const at::Tensor share = (day - from_day) / (to_day - from_day);
    const at::Tensor held = torch::where(to_day.eq(from_day), from, from + (to - from) * share);
    values = torch::where(on, held.to(torch::kFloat), values);
  }
  return values;
}

DeviceInputs::Batch DeviceInputs::expand(const at::Tensor& cell, const at::Tensor& crop) const {
  const int64_t lanes = cell.size(0);
  const Rows rows = rows_of(cell);
  const at::Tensor statics = statics_.index_select(0, cell);
  Batch batch;
  batch.gpp = gpp(cell);
  batch.z = torch::empty({days_, lanes, width_}, crop.options());
  batch.outside = torch::empty({days_, lanes}, crop.options().dtype(torch::kBool));
  batch.refused = batch.gpp.isnan().any(0);
  for (int64_t first = 0; first < days_; first += block_days) {
    const int64_t days = std::min(block_days, days_ - first);
    std::vector<at::Tensor> columns(static_cast<size_t>(features_));
    if (!climate_links_.empty()) {
      const at::Tensor values =
          longest_row_ > 0 ? climate(rows, first, days)
                           : torch::full({days, lanes, extent(climate_links_.size())},
                                         std::numeric_limits<double>::quiet_NaN(), crop.options());
      for (size_t k = 0; k < climate_links_.size(); ++k)
        columns[climate_links_[k].feature] = values.select(2, extent(k));
    }
    for (const size_t f : gpp_features_) columns[f] = batch.gpp.narrow(0, first, days);
    for (const FeatureExpander::Link& link : static_links_)
      columns[link.feature] = statics.select(1, extent(link.source)).expand({days, lanes});
    for (const size_t f : crop_features_) columns[f] = crop.expand({days, lanes});
    for (const size_t f : year_features_) columns[f] = year_.expand({days, lanes});
    columns.resize(static_cast<size_t>(width_));  // GPP that the network does not take
    const at::Tensor physical = torch::stack(columns, 2);
    batch.outside.narrow(0, first, days)
        .copy_(physical.lt(low_).logical_or_(physical.gt(high_)).any(2));
    const at::Tensor z = physical.to(torch::kDouble).sub_(mean_).div_(std_).to(torch::kFloat);
    batch.refused.logical_or_(z.isfinite().logical_not_().any(2).any(0));
    batch.z.narrow(0, first, days).copy_(z);
  }
  return batch;
}

size_t DeviceInputs::lane_bytes(size_t features, size_t days) {
  constexpr size_t block = block_days;
  // z and GPP, with GPP's parts in float64 while it is made; a block of days in both precisions.
  return days * (4 * features + 4 + 8 * 4) + block * features * (4 + 8 + 3 * 8);
}

}  // namespace fluxtile
