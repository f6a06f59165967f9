// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/device_inputs.h"
#include "model/device_upload.h"
#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile {

/// Forms on a device what of a batch's year goes back to the host.
class DeviceResults {
 public:
  DeviceResults(const YearInputs& inputs, const Package& package, DeviceUpload& upload);

  /// All on the device. Months without a day that counts hold 0.
  struct Batch {
    at::Tensor monthly;      ///< [variable][12][lane] float32: sums, formed in float64 day by day
    at::Tensor outside;      ///< [12][lane] bool: input_out_of_range
    at::Tensor negative;     ///< [12][lane] bool: negative_respiration
    at::Tensor daily;        ///< [variable][day][lane] float32, if asked for
    at::Tensor refused_day;  ///< [lane] int64: first day without a finite flux, or -1
  };
  /// `fluxes` [day][lane][Ra, Rh, NEE] as the network gave them. Thread-safe.
  [[nodiscard]] Batch of(const at::Tensor& fluxes, const DeviceInputs::Batch& inputs,
                         bool daily) const;

  /// Bytes that of() holds on the device, a lane, at most.
  static size_t lane_bytes(size_t days);

 private:
  [[nodiscard]] at::Tensor any_in_month(const at::Tensor& days) const;

  at::Tensor mean_, std_;  ///< [flux] float64
  /// One tensor [12] int64 for the n-th day that counts of each month; `days` where it has none.
  std::vector<at::Tensor> nth_day_;
};

}  // namespace fluxtile
