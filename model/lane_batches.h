// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fluxtile {

/// Cells of a member arranged in batches of fixed size.
///
/// A matrix product may give a cell other last bits at another position of the batch (measured with
/// OpenBLAS), never with other neighbours. So a cell of global column c always sits at a position
/// that is c modulo `period`, whatever else is in the batch; positions without a cell are padding.
/// Every position has a queue over all cells, in cell order, which keeps batches full.
class LaneBatches {
 public:
  static constexpr int32_t padding = -1;

  /// `column`: global column of each entry. `lanes` is a multiple of `period`; positions that
  /// differ by a multiple of `period` are taken as equal.
  LaneBatches(const std::vector<int32_t>& column, size_t lanes, size_t period);

  [[nodiscard]] size_t count() const noexcept { return batches_.size() / lanes_; }
  /// `lanes` entries: position in `column`, or padding.
  [[nodiscard]] const int32_t* batch(size_t index) const noexcept {
    return batches_.data() + index * lanes_;
  }

 private:
  size_t lanes_;
  std::vector<int32_t> batches_;
};

}  // namespace fluxtile
