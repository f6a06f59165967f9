// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "model/safetensors.h"

namespace fluxtile::fused {

/// Cells that are worked on together. All arrays of a block are [row][lane]: a row is a unit, a
/// gate or an input, a lane is a cell.
constexpr size_t kLanes = 32;
constexpr size_t kUnits = 64;
/// Rows of a GRU that are worked on together: four units with the gates r, z and n of each.
constexpr size_t kGroupUnits = 4, kGroupRows = 3 * kGroupUnits;
constexpr size_t kGates = 3 * kUnits;
/// Rows of a dense layer that are worked on together.
constexpr size_t kDenseRows = 8;

/// A linear map as the kernel reads it.
struct DenseLayer {
  size_t rows = 0, columns = 0;
  std::vector<float> weights;  ///< [rows / 8][column][8]
  std::vector<float> bias;     ///< [row]
};

/// A GRU layer as the kernel reads it. Its input columns are split in those that are the same all
/// year, which `constants` turns into a start value for each cell, and those that change daily.
struct GruLayer {
  size_t columns = 0;          ///< daily ones
  std::vector<float> weights;  ///< [16 groups][columns, then 64 recurrent ones][12]: r, z, n of 4
                               ///< units each
  std::vector<float> bias;     ///< [16 groups][12]: input and recurrent bias of r and z, input bias
                               ///< of n
  std::vector<float> recurrent_bias;  ///< [64] of n, inside the reset gate
  DenseLayer constants;  ///< 192 rows in the order of `bias`, which it includes; no rows: there are
                         ///< no constant columns
};

/// Columns of a layer's weight matrix, in the order in which the kernel adds them up.
using Columns = std::vector<size_t>;

/// Packs `<name>.weight_ih_l<layer>` and its companions of a PyTorch GRU with 64 units.
GruLayer pack_gru(const Tensors& tensors, const std::string& name, size_t layer,
                  const Columns& daily, const Columns& constant);
/// One column of a GRU's input weights in the order of GruLayer::bias: [192].
std::vector<float> gru_column(const Tensors& tensors, const std::string& name, size_t layer,
                              size_t column);
/// Packs a PyTorch linear layer, whose rows are a multiple of 8.
DenseLayer pack_dense(const Tensors& tensors, const std::string& name);

}  // namespace fluxtile::fused
