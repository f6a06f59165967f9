// SPDX-License-Identifier: Apache-2.0
#include "model/gru_training.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "base/error.h"
#include "model/gru_gate_gradients.h"
#include "model/matrix_product.h"

namespace fluxtile {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows (day and site) of one product: what its arrays take fits a core's second-level cache.
constexpr int64_t block_rows = 512;

constexpr size_t most_parts = 3;

/// Days of one block for a batch.
int64_t days_of_block(int64_t days, int64_t batch) {
  return std::clamp<int64_t>(block_rows / batch, 1, days);
}

/// The inputs of some days, side by side: [rows,k], a view where there is one part.
Tensor rows_of(const variable_list& parts, int64_t first, int64_t length) {
  variable_list days;
  for (const Tensor& part : parts)
    if (part.size(2) > 0) days.push_back(part.narrow(0, first, length));
  const Tensor all = days.size() == 1 ? days[0] : at::cat(days, 2);
  return all.reshape({-1, all.size(2)});
}

/// Gate rows r, z, n as n, r, z, and back: see gru_gates_back.
Tensor new_gate_first(const Tensor& weight) {
  const int64_t units = weight.size(0) / 3;
  return at::cat({weight.narrow(0, 2 * units, units), weight.narrow(0, 0, 2 * units)});
}
Tensor new_gate_last(const Tensor& weight) {
  const int64_t units = weight.size(0) / 3;
  return at::cat({weight.narrow(0, units, 2 * units), weight.narrow(0, 0, units)});
}

class GruLayer : public torch::autograd::Function<GruLayer> {
 public:
  enum Argument : size_t { part0, part1, part2, h0, w_ih, w_hh, b_ih, b_hh, argument_count };

  static variable_list forward(AutogradContext* context, const Tensor& first_part,
                               const Tensor& second_part, const Tensor& third_part,
                               const Tensor& before_all, const Tensor& weight_ih,
                               const Tensor& weight_hh, const Tensor& bias_ih,
                               const Tensor& bias_hh) {
    const variable_list parts = {first_part, second_part, third_part};
    const int64_t days = first_part.size(0), batch = first_part.size(1), units = weight_hh.size(1),
                  per_block = days_of_block(days, batch);
    const Tensor to_gates = weight_ih.t().contiguous(), back_to_gates = weight_hh.t().contiguous();
    const Tensor bias = bias_hh.contiguous();
    Tensor out = at::empty({days, batch, units}, first_part.options());
    Tensor saved = at::empty({days, batch, 4 * units}, first_part.options());
    Tensor gates = at::empty({per_block * batch, 3 * units}, first_part.options());
    Tensor recurrent = at::empty({batch, 3 * units}, first_part.options());
    const Tensor start = before_all.contiguous();
    float* const out_values = out.data_ptr<float>();
    float* const saved_values = saved.data_ptr<float>();
    float* const gate_values = gates.data_ptr<float>();
    float* const recurrent_values = recurrent.data_ptr<float>();
    const float* before = start.data_ptr<float>();
    for (int64_t first = 0; first < days; first += per_block) {
      const int64_t length = std::min(per_block, days - first);
      Tensor block = gates.narrow(0, 0, length * batch);
      at::addmm_out(block, bias_ih, rows_of(parts, first, length), to_gates);
      for (int64_t day = 0; day < length; ++day) {
        float* const today = out_values + (first + day) * batch * units;
        multiply({before, units}, {back_to_gates.data_ptr<float>(), 3 * units}, recurrent_values,
                 3 * units, batch, 3 * units, units, 0);
        gru_gates_kept(gate_values + day * batch * 3 * units, recurrent_values,
                       bias.data_ptr<float>(), before, today,
                       saved_values + (first + day) * batch * 4 * units, static_cast<size_t>(batch),
                       static_cast<size_t>(units));
        before = today;
      }
    }
    context->set_materialize_grads(false);
    context->save_for_backward({first_part, second_part, third_part, before_all, weight_ih,
                                weight_hh, bias_ih, bias_hh, out, saved});
    return {out, out.select(0, days - 1).clone()};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradient) {
    const variable_list kept = context->get_saved_variables();
    const Tensor &out = kept[argument_count], &saved = kept[argument_count + 1];
    const variable_list parts(kept.begin(), kept.begin() + most_parts);
    const int64_t days = out.size(0), batch = out.size(1), units = out.size(2),
                  per_block = days_of_block(days, batch);
    const auto options = out.options();
    const auto needs = [&](size_t argument) { return context->needs_input_grad(argument); };

    variable_list result(argument_count);
    const Tensor weight_ih = new_gate_first(kept[w_ih]), weight_hh = kept[w_hh].contiguous();
    Tensor weights_of_part[most_parts];
    int64_t column = 0;
    for (size_t p = 0; p < most_parts; ++p) {
      const int64_t width = parts[p].size(2);
      if (width > 0 && needs(p)) {
        result[p] = at::empty({days * batch, width}, options);
        weights_of_part[p] = weight_ih.narrow(1, column, width).contiguous();
      }
      column += width;
    }
    if (needs(w_ih)) result[w_ih] = at::zeros_like(weight_ih);
    if (needs(w_hh)) result[w_hh] = at::zeros_like(weight_hh);

    const Tensor out_gradient = gradient[0].defined() ? gradient[0].contiguous() : Tensor();
    Tensor carry = gradient[1].defined() ? gradient[1].clone(at::MemoryFormat::Contiguous)
                                         : at::zeros({batch, units}, options);
    const Tensor before_all = kept[h0].contiguous();
    Tensor gates = at::empty({per_block * batch, 4 * units}, options);
    Tensor sums = at::zeros({4 * units}, options);
    const float* const out_values = out.data_ptr<float>();
    const float* const saved_values = saved.data_ptr<float>();
    const float* const start_values = before_all.data_ptr<float>();
    const float* const out_gradients =
        out_gradient.defined() ? out_gradient.data_ptr<float>() : nullptr;
    float* const carry_values = carry.data_ptr<float>();
    float* const gate_values = gates.data_ptr<float>();
    const int64_t blocks = (days + per_block - 1) / per_block;
    for (int64_t b = blocks - 1; b >= 0; --b) {
      const int64_t first = b * per_block, length = std::min(per_block, days - first);
      for (int64_t day = first + length - 1; day >= first; --day) {
        float* const today = gate_values + (day - first) * batch * 4 * units;
        gru_gates_back(saved_values + day * batch * 4 * units,
                       day > 0 ? out_values + (day - 1) * batch * units : start_values,
                       out_gradients ? out_gradients + day * batch * units : nullptr, carry_values,
                       today, sums.data_ptr<float>(), static_cast<size_t>(batch),
                       static_cast<size_t>(units));
        multiply({today + units, 4 * units}, {weight_hh.data_ptr<float>(), units}, carry_values,
                 units, batch, units, 3 * units, 1);
      }
      const int64_t rows = length * batch;
      const Tensor to_input = gates.narrow(0, 0, rows).narrow(1, 0, 3 * units),
                   to_recurrent = gates.narrow(0, 0, rows).narrow(1, units, 3 * units);
      for (size_t p = 0; p < most_parts; ++p)
        if (result[p].defined()) {
          Tensor part = result[p].narrow(0, first * batch, rows);
          at::mm_out(part, to_input, weights_of_part[p]);
        }
      if (result[w_ih].defined()) result[w_ih].addmm_(to_input.t(), rows_of(parts, first, length));
      if (result[w_hh].defined()) {
        // The states before each day: the outputs, one day earlier.
        if (first == 0) {
          result[w_hh].addmm_(to_recurrent.narrow(0, 0, batch).t(), before_all);
          if (rows > batch)
            result[w_hh].addmm_(to_recurrent.narrow(0, batch, rows - batch).t(),
                                out.narrow(0, 0, length - 1).view({rows - batch, units}));
        } else {
          result[w_hh].addmm_(to_recurrent.t(),
                              out.narrow(0, first - 1, length).view({rows, units}));
        }
      }
    }
    for (size_t p = 0; p < most_parts; ++p)
      if (result[p].defined()) result[p] = result[p].view(parts[p].sizes());
    if (result[w_ih].defined()) result[w_ih] = new_gate_last(result[w_ih]);
    if (needs(h0)) result[h0] = carry;
    if (needs(b_ih)) result[b_ih] = new_gate_last(sums.narrow(0, 0, 3 * units));
    if (needs(b_hh)) result[b_hh] = sums.narrow(0, units, 3 * units).clone();
    return result;
  }
};

}  // namespace

std::pair<Tensor, Tensor> train_gru_layer(const std::vector<Tensor>& inputs, const Tensor& h,
                                          const std::vector<Tensor>& weights) {
  if (inputs.empty() || weights.size() != 4)
    throw Error(Code::internal, "a GRU layer needs inputs and four weights");
  variable_list parts = inputs;
  if (parts.size() > most_parts) parts = {at::cat(inputs, 2)};
  while (parts.size() < most_parts)
    parts.push_back(at::empty({inputs[0].size(0), inputs[0].size(1), 0}, inputs[0].options()));
  variable_list result = GruLayer::apply(parts[0], parts[1], parts[2], h, weights[0], weights[1],
                                         weights[2], weights[3]);
  return {result[0], result[1]};
}

}  // namespace fluxtile
