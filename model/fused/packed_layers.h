// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/safetensors.h"

namespace fluxtile::fused {

/// Cells that are worked on together. All arrays of a block are [row][lane]: a row is a unit, a
/// gate or an input, a lane is a cell.
constexpr size_t kLanes = 32;
constexpr size_t kUnits = 64;
/// Units of a recurrent layer whose gates stand together among the packed weights.
constexpr size_t kGroupUnits = 4, kGroups = kUnits / kGroupUnits;
/// Daily input columns of a recurrent layer, and parts that they come in, at most.
constexpr size_t kMostColumns = 256, kMostParts = 4;
/// Rows of a dense layer that are worked on together.
constexpr size_t kDenseRows = 8;

/// A linear map as the kernel reads it.
struct DenseLayer {
  size_t rows = 0, columns = 0;
  std::vector<float> weights;  ///< [rows / 8][column][8]
  std::vector<float> bias;     ///< [row]
};

/// Gates of a recurrent layer, in PyTorch's order: r, z, n of a GRU; i, f, g, o of an LSTM.
enum class Gates : size_t { gru = 3, lstm = 4 };

/// How the products of a recurrent layer are formed: in float32, or from weights, inputs and states
/// rounded to bfloat16 with sums in float32.
enum class Products { fp32, bf16 };

/// A recurrent layer as the kernel reads it. Its input columns are split in those that are the same
/// all year, which `constants` turns into a start value for each cell, and those that change daily.
struct RecurrentLayer {
  Gates gates = Gates::gru;
  size_t columns = 0;           ///< daily ones
  std::vector<float> weights;   ///< [group][columns, then 64 recurrent ones][gate][unit of the
                                ///< group]; empty for bf16
  std::vector<uint32_t> pairs;  ///< bf16: the same with two columns in a number, the first in its
                                ///< lower half; an odd last daily column has a 0 beside it
  std::vector<float> bias;      ///< [group][gate][unit of the group]: input and recurrent bias, but
                                ///< the input's alone for n of a GRU
  std::vector<float> recurrent_bias;  ///< [64] of n of a GRU, inside the reset gate
  DenseLayer constants;  ///< rows in the order of `bias`, which it includes; no rows: there are no
                         ///< constant columns

  /// Rows of all gates.
  [[nodiscard]] size_t rows() const noexcept { return static_cast<size_t>(gates) * kUnits; }
};

/// Columns of a layer's weight matrix, in the order in which the kernel adds them up.
using Columns = std::vector<size_t>;

/// Packs `<name>.weight_ih_l<layer>` and its companions of a PyTorch GRU or LSTM with 64 units.
RecurrentLayer pack_recurrent(const Tensors& tensors, const std::string& name, size_t layer,
                              Gates gates, Products products, const Columns& daily,
                              const Columns& constant);
/// One column of a layer's input weights in the order of RecurrentLayer::bias.
std::vector<float> gate_column(const Tensors& tensors, const std::string& name, size_t layer,
                               Gates gates, size_t column);
/// Packs a PyTorch linear layer, whose rows are a multiple of 8.
DenseLayer pack_dense(const Tensors& tensors, const std::string& name);

/// The nearest bfloat16 number (ties to even), as the upper half of its float.
uint16_t to_bf16(float value);

}  // namespace fluxtile::fused
