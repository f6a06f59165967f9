// SPDX-License-Identifier: Apache-2.0
#include "model/fused/packed_layers.h"

#include <cstring>

#include "base/error.h"

namespace fluxtile::fused {
namespace {

const Tensor& tensor(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(Code::internal, "a checked package lacks " + name);
  return found->second;
}

/// Row of PyTorch's [gate * 64 + unit] at position `row` of group `group`.
size_t gate_row(size_t group, size_t row) {
  return row / kGroupUnits * kUnits + group * kGroupUnits + row % kGroupUnits;
}

/// [row][column] -> [row / 8][column][8].
DenseLayer packed_dense(const std::vector<std::vector<float>>& rows, std::vector<float> bias) {
  DenseLayer layer;
  layer.rows = rows.size();
  layer.columns = rows.front().size();
  layer.bias = std::move(bias);
  for (size_t first = 0; first < layer.rows; first += kDenseRows)
    for (size_t column = 0; column < layer.columns; ++column)
      for (size_t row = first; row < first + kDenseRows; ++row)
        layer.weights.push_back(rows[row][column]);
  return layer;
}

}  // namespace

RecurrentLayer pack_recurrent(const Tensors& tensors, const std::string& name, size_t layer,
                              Gates gates, Products products, const Columns& daily,
                              const Columns& constant) {
  const std::string suffix = "_l" + std::to_string(layer);
  const Tensor& to_gates = tensor(tensors, name + ".weight_ih" + suffix);
  const float* input = to_gates.data<float>();
  const float* recurrent = tensor(tensors, name + ".weight_hh" + suffix).data<float>();
  const float* input_bias = tensor(tensors, name + ".bias_ih" + suffix).data<float>();
  const float* recurrent_bias = tensor(tensors, name + ".bias_hh" + suffix).data<float>();
  const auto inputs = static_cast<size_t>(to_gates.shape.at(1));
  const size_t rows = static_cast<size_t>(gates) * kGroupUnits;  // of a group

  if (daily.size() > kMostColumns)
    throw Error(Code::data, "the fused engine takes layers of at most " +
                                std::to_string(kMostColumns) + " daily inputs")
        .found(name + suffix + " with " + std::to_string(daily.size()));
  RecurrentLayer packed;
  packed.gates = gates;
  packed.columns = daily.size();
  std::vector<std::vector<float>> start_rows;
  for (size_t group = 0; group < kGroups; ++group) {
    const auto daily_weight = [&](size_t k, size_t row) {
      return k < daily.size() ? input[gate_row(group, row) * inputs + daily[k]] : 0.0F;
    };
    const auto recurrent_weight = [&](size_t unit, size_t row) {
      return recurrent[gate_row(group, row) * kUnits + unit];
    };
    const auto pack = [&](size_t columns, const auto& weight) {
      for (size_t k = 0; k < columns; k += products == Products::bf16 ? 2 : 1) {
        for (size_t row = 0; row < rows; ++row) {
          if (products == Products::fp32) {
            packed.weights.push_back(weight(k, row));
          } else {
            packed.pairs.push_back(uint32_t{to_bf16(weight(k, row))} |
                                   uint32_t{to_bf16(weight(k + 1, row))} << 16);
          }
        }
      }
    };
    pack(daily.size(), daily_weight);
    pack(kUnits, recurrent_weight);
    for (size_t row = 0; row < rows; ++row) {
      const size_t gate = gate_row(group, row);
      const bool inside_reset = gates == Gates::gru && gate >= 2 * kUnits;
      packed.bias.push_back(input_bias[gate] + (inside_reset ? 0 : recurrent_bias[gate]));
      start_rows.emplace_back();
      for (const size_t column : constant)
        start_rows.back().push_back(input[gate * inputs + column]);
    }
  }
  if (gates == Gates::gru)
    packed.recurrent_bias.assign(recurrent_bias + 2 * kUnits, recurrent_bias + 3 * kUnits);
  if (!constant.empty()) packed.constants = packed_dense(start_rows, packed.bias);
  return packed;
}

std::vector<float> gate_column(const Tensors& tensors, const std::string& name, size_t layer,
                               Gates gates, size_t column) {
  const Tensor& to_gates = tensor(tensors, name + ".weight_ih_l" + std::to_string(layer));
  const auto inputs = static_cast<size_t>(to_gates.shape.at(1));
  std::vector<float> weights;
  for (size_t group = 0; group < kGroups; ++group)
    for (size_t row = 0; row < static_cast<size_t>(gates) * kGroupUnits; ++row)
      weights.push_back(to_gates.data<float>()[gate_row(group, row) * inputs + column]);
  return weights;
}

DenseLayer pack_dense(const Tensors& tensors, const std::string& name) {
  const Tensor& weight = tensor(tensors, name + ".weight");
  const auto rows = static_cast<size_t>(weight.shape.at(0));
  const auto columns = static_cast<size_t>(weight.shape.at(1));
  const float* values = weight.data<float>();
  const float* bias = tensor(tensors, name + ".bias").data<float>();
  std::vector<std::vector<float>> all;
  for (size_t row = 0; row < rows; ++row)
    all.emplace_back(values + row * columns, values + (row + 1) * columns);
  return packed_dense(all, {bias, bias + rows});
}

uint16_t to_bf16(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace fluxtile::fused
