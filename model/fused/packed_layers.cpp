// SPDX-License-Identifier: Apache-2.0
#include "model/fused/packed_layers.h"

#include "base/error.h"

namespace fluxtile::fused {
namespace {

const Tensor& tensor(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(Code::internal, "a checked package lacks " + name);
  return found->second;
}

/// Row of PyTorch's [3 * 64] gates (r, z, n) at position `row` of group `group`.
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

GruLayer pack_gru(const Tensors& tensors, const std::string& name, size_t layer,
                  const Columns& daily, const Columns& constant) {
  const std::string suffix = "_l" + std::to_string(layer);
  const Tensor& to_gates = tensor(tensors, name + ".weight_ih" + suffix);
  const float* input = to_gates.data<float>();
  const float* recurrent = tensor(tensors, name + ".weight_hh" + suffix).data<float>();
  const float* input_bias = tensor(tensors, name + ".bias_ih" + suffix).data<float>();
  const float* recurrent_bias = tensor(tensors, name + ".bias_hh" + suffix).data<float>();
  const auto inputs = static_cast<size_t>(to_gates.shape.at(1));

  GruLayer packed;
  packed.columns = daily.size();
  for (size_t group = 0; group < kUnits / kGroupUnits; ++group) {
    for (const size_t column : daily)
      for (size_t row = 0; row < kGroupRows; ++row)
        packed.weights.push_back(input[gate_row(group, row) * inputs + column]);
    for (size_t unit = 0; unit < kUnits; ++unit)
      for (size_t row = 0; row < kGroupRows; ++row)
        packed.weights.push_back(recurrent[gate_row(group, row) * kUnits + unit]);
    for (size_t row = 0; row < kGroupRows; ++row) {
      const size_t gate = gate_row(group, row);
      const bool inside_reset = gate >= 2 * kUnits;
      packed.bias.push_back(input_bias[gate] + (inside_reset ? 0 : recurrent_bias[gate]));
    }
  }
  packed.recurrent_bias.assign(recurrent_bias + 2 * kUnits, recurrent_bias + 3 * kUnits);
  if (!constant.empty()) {
    std::vector<std::vector<float>> rows;
    for (size_t group = 0; group < kUnits / kGroupUnits; ++group) {
      for (size_t row = 0; row < kGroupRows; ++row) {
        rows.emplace_back();
        for (const size_t column : constant)
          rows.back().push_back(input[gate_row(group, row) * inputs + column]);
      }
    }
    packed.constants = packed_dense(rows, packed.bias);
  }
  return packed;
}

std::vector<float> gru_column(const Tensors& tensors, const std::string& name, size_t layer,
                              size_t column) {
  const Tensor& to_gates = tensor(tensors, name + ".weight_ih_l" + std::to_string(layer));
  const auto inputs = static_cast<size_t>(to_gates.shape.at(1));
  std::vector<float> weights;
  for (size_t group = 0; group < kUnits / kGroupUnits; ++group)
    for (size_t row = 0; row < kGroupRows; ++row)
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

}  // namespace fluxtile::fused
