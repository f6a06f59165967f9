// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "model/package.h"
#include "model/training/losses.h"
#include "model/training/site_years.h"

namespace fluxtile {

/// A site-year table as tensors of one device, in the order and scaling of a package, with the
/// signs of its network. Made once, read by all threads. A row is a site-year: site * years + year.
/// N rows, T = 365 days, F inputs. Masks are 1 where there is a label, else 0; labels are 0 there.
class SiteYearTensors {
 public:
  /// Throws Error(data) when the table lacks an input of the package.
  SiteYearTensors(const Package& package, const SiteYears& table, const std::string& device);

  struct Labels {
    at::Tensor value, mask;  ///< undefined where the table has none at all
    [[nodiscard]] bool any() const { return value.defined(); }
  };

  int64_t sites = 0, years = 0;
  std::vector<std::string> site_names;
  std::vector<bool> runnable;  ///< [N] all inputs of the year are finite
  std::vector<bool> leap;      ///< [N] years of 366 days: their months begin a day later
  std::vector<int> crop;       ///< [N] Crop_Type of the year; 0 where that is no input
  FluxScalers scalers;
  Scaler yield_scaler;
  at::Tensor gpp;    ///< [N,T] gC m-2 d-1; undefined where GPP is no input
  Labels fluxes;     ///< [N,T,3] Ra, Rh, NEE, z-scored
  Labels yield;      ///< [N] z-scored
  Labels reco, nee;  ///< [N,T] gC m-2 d-1, Reco > 0 = release, NEE = Reco - GPP
  /// [N,12] means of months of which there is no daily label.
  Labels monthly_reco, monthly_nee;

  /// z-scored inputs of some rows, [B,T,F] with the days stored one after the other. Rows that
  /// cannot be run hold zeros.
  [[nodiscard]] at::Tensor inputs(const std::vector<int64_t>& rows) const;
  /// Rows as an index tensor of this device.
  [[nodiscard]] at::Tensor index(const std::vector<int64_t>& rows) const;
  /// 1 or 0 for each row, float32.
  [[nodiscard]] at::Tensor flags(const std::vector<bool>& values) const;
  /// Rows of a site that can be run, in the order of the years.
  [[nodiscard]] std::vector<int64_t> runnable_rows(size_t site) const;
  [[nodiscard]] int64_t row(size_t site, size_t year) const {
    return static_cast<int64_t>(site) * years + static_cast<int64_t>(year);
  }

 private:
  at::Tensor to_device(const at::Tensor& host) const;
  std::string device_;
  at::Tensor x_z_;  ///< [N,T,F]
};

}  // namespace fluxtile
