// SPDX-License-Identifier: Apache-2.0
#include "model/device_results.h"

#include <torch/types.h>

#include "model/engine_checks.h"

namespace fluxtile {

DeviceResults::DeviceResults(const YearInputs& inputs, const Package& package,
                             DeviceUpload& upload) {
  std::vector<double> mean, std;
  for (const size_t flux : {year_variable::ra, year_variable::rh, year_variable::nee}) {
    mean.push_back(package.outputs[flux].scaler.mean);
    std.push_back(package.outputs[flux].scaler.std);
  }
  mean_ = upload(mean);
  std_ = upload(std);
  const auto none = static_cast<int64_t>(inputs.days);
  size_t counted[months_a_year] = {};
  std::vector<std::vector<int64_t>> nth;
  for (size_t day = inputs.first_result_day; day < inputs.days; ++day) {
    const size_t month = inputs.month[day], n = counted[month]++;
    if (n == nth.size()) nth.emplace_back(months_a_year, none);
    nth[n][month] = static_cast<int64_t>(day);
  }
  for (const std::vector<int64_t>& days : nth) nth_day_.push_back(upload(days));
}

at::Tensor DeviceResults::any_in_month(const at::Tensor& days) const {
  at::Tensor any =
      torch::zeros({static_cast<int64_t>(months_a_year), days.size(1)}, days.options());
  const at::Tensor padded = torch::cat({days, any.narrow(0, 0, 1)});
  for (const at::Tensor& day : nth_day_) any.logical_or_(padded.index_select(0, day));
  return any;
}

DeviceResults::Batch DeviceResults::of(const at::Tensor& fluxes, const DeviceInputs::Batch& inputs,
                                       bool daily) const {
  Batch batch;
  const at::Tensor network = fluxes.to(torch::kDouble).mul_(std_).add_(mean_);
  // Ra and Rh change their sign; 0 - x, since -x would make -0 of 0.
  const at::Tensor physical =
      torch::cat({0.0 - network.narrow(2, 0, 2), network.narrow(2, 2, 1)}, 2).to(torch::kFloat);
  const at::Tensor broken = physical.isfinite().logical_not_().any(2);
  const at::Tensor first = broken.to(torch::kInt).argmax(0);
  batch.refused_day = torch::where(broken.any(0), first, torch::full({1}, -1, first.options()));
  batch.negative = any_in_month(physical.narrow(2, 0, 2).lt(0).any(2));
  batch.outside = any_in_month(inputs.outside);

  const at::Tensor nothing = torch::zeros({1, fluxes.size(1), 1}, inputs.gpp.options());
  const at::Tensor values =  // [day][lane][variable], and a day of zeros
      torch::cat({torch::cat({physical, inputs.gpp.unsqueeze(2)}, 2),
                  nothing.expand({1, fluxes.size(1), static_cast<int64_t>(year_variable::count)})});
  const at::Tensor sums =
      torch::zeros({static_cast<int64_t>(months_a_year), fluxes.size(1), values.size(2)},
                   values.options().dtype(torch::kDouble));
  for (const at::Tensor& day : nth_day_) sums.add_(values.index_select(0, day));
  batch.monthly = sums.to(torch::kFloat).permute({2, 0, 1}).contiguous();
  if (daily) batch.daily = values.narrow(0, 0, fluxes.size(0)).permute({2, 0, 1}).contiguous();
  return batch;
}

size_t DeviceResults::lane_bytes(size_t days) {
  // Fluxes, their values in float64 twice and in float32, with GPP, and the days that go down.
  return days * (3 * 4 + 2 * 3 * 8 + 3 * 4 + 3 * 4 * 4) + 12 * 4 * (8 + 4);
}

}  // namespace fluxtile
