// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "model/device_upload.h"
#include "model/feature_expander.h"
#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile {

/// A tile-year's compact inputs on a device, where a batch's daily inputs are formed from them.
///
/// Every operation is the one that FeatureExpander does, in its order: sums over weights and
/// composites in float64, one weight after the other, rounded once. On the CPU the values are those
/// of FeatureExpander bit for bit; on CUDA too, as far as its float64 arithmetic is IEEE's.
class DeviceInputs {
 public:
  /// Uploads. `expander` is one of expanded_features(package) on `inputs`, which it has checked;
  /// nothing is kept of the three. Call upload.finish() before another stream expands.
  DeviceInputs(const YearInputs& inputs, const FeatureExpander& expander, const Package& package,
               DeviceUpload& upload);

  /// Inputs of a batch on the device; lanes are its cells.
  struct Batch {
    at::Tensor z;        ///< [day][lane][input] float32 z-scores, contiguous
    at::Tensor gpp;      ///< [day][lane] float32, gC m-2 d-1
    at::Tensor outside;  ///< [day][lane] bool: some input is out of its range
    at::Tensor refused;  ///< [lane] bool: a value is missing or has no finite score
  };
  /// `cell` [lane] int64, `crop` [lane] float32, on the device. Thread-safe.
  [[nodiscard]] Batch expand(const at::Tensor& cell, const at::Tensor& crop) const;

  /// Bytes that expand() holds on the device beside the compact inputs, a lane, at most.
  static size_t lane_bytes(size_t features, size_t days);

 private:
  void upload_climate(const YearInputs& inputs, DeviceUpload& upload);
  void upload_gpp(const YearInputs& inputs, DeviceUpload& upload);
  void upload_segments(const YearInputs& inputs, DeviceUpload& upload);

  /// The cells of a batch with the climate cells and weights of their rows: one tensor [lane] for
  /// each place in a row.
  struct Rows {
    std::vector<at::Tensor> index, weight, has;  ///< int64, float64 [1,lane,1], bool [1,lane,1]
  };
  [[nodiscard]] Rows rows_of(const at::Tensor& cell) const;
  /// [day][lane][link] float32 of `days` days from `first`; NaN = missing.
  [[nodiscard]] at::Tensor climate(const Rows& rows, int64_t first, int64_t days) const;
  /// [day][lane] float32 of the year; NaN = missing.
  [[nodiscard]] at::Tensor gpp(const at::Tensor& cell) const;
  [[nodiscard]] at::Tensor with_segments(at::Tensor values, const at::Tensor& cell) const;

  int64_t days_, width_, features_;  ///< inputs of the network, and what is expanded
  std::vector<FeatureExpander::Link> climate_links_, static_links_;
  std::vector<size_t> gpp_features_, crop_features_, year_features_;
  at::Tensor year_;                    ///< [1]
  at::Tensor mean_, std_;              ///< [input] float64
  at::Tensor low_, high_;              ///< [input] float32
  at::Tensor climate_;                 ///< [day][climate cell][link]
  at::Tensor row_begin_, row_length_;  ///< [cell] int64
  at::Tensor row_index_, row_weight_;  ///< int32, float32
  int64_t longest_row_ = 0;
  at::Tensor composites_;                                 ///< [composite][cell]
  at::Tensor before_, after_;                             ///< [day] int64
  at::Tensor after_weight_, before_weight_;               ///< [day][1] float64
  at::Tensor one_composite_, no_composite_;               ///< [day][1] bool
  at::Tensor segment_begin_, segment_count_;              ///< [cell] int64
  at::Tensor segment_first_, segment_last_;               ///< int64
  at::Tensor from_day_, to_day_, from_value_, to_value_;  ///< float32
  int64_t most_segments_ = 0;
  at::Tensor day_number_;  ///< [day][1] int64
  at::Tensor statics_;     ///< [cell][static]
};

}  // namespace fluxtile
