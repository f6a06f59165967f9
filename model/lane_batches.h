// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fluxtile {

/// Cells of a member arranged in batches of fixed size.
///
/// A matrix product may give a cell other last bits at another position of the batch (measured with
/// OpenBLAS), never with other neighbours. So a cell of lattice position p always sits in a lane
/// that is p modulo `period`, whatever else is in the batch; lanes without a cell are padding.
/// Every lane has a queue over all cells, in cell order, which keeps batches full.
class LaneBatches {
 public:
  static constexpr int32_t padding = -1;

  /// `position`: lattice position of each entry. `lanes` is a multiple of `period`; positions that
  /// differ by a multiple of `period` are taken as equal.
  LaneBatches(const std::vector<int32_t>& position, size_t lanes, size_t period);

  [[nodiscard]] size_t count() const noexcept { return batches_.size() / lanes_; }
  /// `lanes` entries: index into `position`, or padding.
  [[nodiscard]] const int32_t* batch(size_t index) const noexcept {
    return batches_.data() + index * lanes_;
  }

 private:
  size_t lanes_;
  std::vector<int32_t> batches_;
};

}  // namespace fluxtile
