// SPDX-License-Identifier: Apache-2.0
#include "model/bf16_layers.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <tuple>

namespace fluxtile {
namespace {

using at::Tensor;

/// Days whose input products are formed at once.
constexpr int64_t block_days = 32;

/// a [m,k] times b [k,n] with bfloat16 factors, as float32. What CPUs' libraries do with bfloat16
/// sums differs; there the rounded factors are multiplied in float32.
Tensor product(const Tensor& a, const Tensor& b_bf16) {
  const Tensor rounded = a.to(at::kBFloat16);
  if (a.is_cuda()) return at::mm(rounded, b_bf16).to(at::kFloat);
  return at::mm(rounded.to(at::kFloat), b_bf16.to(at::kFloat)).to(at::kBFloat16).to(at::kFloat);
}

/// h' of the torch GRU from the gates' products without biases, [B,3 units] in the order r, z, n.
Tensor gru_cell(const Tensor& input, const Tensor& recurrent, const Tensor& h, const Tensor& b_ih,
                const Tensor& b_hh) {
  if (h.is_cuda()) return std::get<0>(at::_thnn_fused_gru_cell(input, recurrent, h, b_ih, b_hh));
  const int64_t units = h.size(1);
  const Tensor x = input + b_ih, r = recurrent + b_hh;
  const Tensor gates = (x.narrow(1, 0, 2 * units) + r.narrow(1, 0, 2 * units)).sigmoid_();
  const Tensor n =
      (x.narrow(1, 2 * units, units) + gates.narrow(1, 0, units) * r.narrow(1, 2 * units, units))
          .tanh_();
  return n + gates.narrow(1, units, units) * (h - n);
}

/// h' and cell' of the torch LSTM, [B,4 units] in the order i, f, g, o.
std::pair<Tensor, Tensor> lstm_cell(const Tensor& input, const Tensor& recurrent,
                                    const Tensor& cell, const Tensor& b_ih, const Tensor& b_hh) {
  if (cell.is_cuda()) {
    const auto [h, next, workspace] = at::_thnn_fused_lstm_cell(input, recurrent, cell, b_ih, b_hh);
    return {h, next};
  }
  const int64_t units = cell.size(1);
  const Tensor sum = input + b_ih + (recurrent + b_hh);
  const auto gate = [&](int64_t k) { return sum.narrow(1, k * units, units); };
  const Tensor next = gate(1).sigmoid() * cell + gate(0).sigmoid() * gate(2).tanh();
  return {gate(3).sigmoid() * next.tanh(), next};
}

/// Goes through the days; `step(day, products of the inputs, products of the state)` does one.
template <typename Step>
void over_days(const std::vector<Tensor>& inputs, const std::vector<Tensor>& weights,
               const Tensor& h, Step step) {
  const int64_t days = inputs[0].size(0), batch = inputs[0].size(1);
  const Tensor to_gates = weights[0].t().to(at::kBFloat16).contiguous(),
               back_to_gates = weights[1].t().to(at::kBFloat16).contiguous();
  Tensor state = h;
  for (int64_t first = 0; first < days; first += block_days) {
    const int64_t length = std::min(block_days, days - first);
    std::vector<Tensor> parts;
    for (const Tensor& input : inputs)
      parts.push_back(input.narrow(0, first, length).to(at::kBFloat16));
    const Tensor x = at::cat(parts, 2);
    const Tensor block = product(x.reshape({length * batch, x.size(2)}), to_gates);
    for (int64_t day = 0; day < length; ++day)
      state = step(first + day, block.narrow(0, day * batch, batch), product(state, back_to_gates));
  }
}

}  // namespace

std::pair<Tensor, Tensor> run_bf16_gru_layer(const std::vector<Tensor>& inputs, const Tensor& h,
                                             const std::vector<Tensor>& weights) {
  const Tensor out = at::empty({inputs[0].size(0), h.size(0), h.size(1)}, h.options());
  Tensor last = h.contiguous();
  over_days(inputs, weights, last, [&](int64_t day, const Tensor& input, const Tensor& recurrent) {
    last = gru_cell(input, recurrent, last, weights[2], weights[3]);
    out.select(0, day).copy_(last);
    return last;
  });
  return {out, last};
}

Bf16LstmYear run_bf16_lstm_layer(const std::vector<Tensor>& inputs, const Tensor& h,
                                 const Tensor& cell, const std::vector<Tensor>& weights) {
  const Tensor out = at::empty({inputs[0].size(0), h.size(0), h.size(1)}, h.options());
  Tensor last = h.contiguous(), last_cell = cell.contiguous();
  over_days(inputs, weights, last, [&](int64_t day, const Tensor& input, const Tensor& recurrent) {
    std::tie(last, last_cell) = lstm_cell(input, recurrent, last_cell, weights[2], weights[3]);
    out.select(0, day).copy_(last);
    return last;
  });
  return {out, last, last_cell};
}

}  // namespace fluxtile
