// SPDX-License-Identifier: Apache-2.0
#include "model/recurrent_training.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "base/error.h"
#include "model/gru_gate_gradients.h"
#include "model/lstm_gate_gradients.h"
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

/// What one day needs of the arrays of a layer; see the kernels for shapes.
struct ForwardDay {
  const float *input, *recurrent, *bias, *before;
  float *after, *cell, *saved;
  size_t lanes, units;
};
struct BackwardDay {
  const float *saved, *before, *after_gradient;
  float *carry, *cell_carry, *gradient, *sums;
  size_t lanes, units;
};

/// A day's gradients are [gates of W_i, and of W_h, which may overlap][unit], four in all.
constexpr int64_t gradient_gates = 4;

struct GruCell {
  static constexpr bool has_cell = false;
  static constexpr int64_t gates = 3, saved = 4;
  static constexpr int64_t first_recurrent_gate = 1;  ///< of n, r, z, q
  static constexpr float carry_kept = 1;              ///< a part of the state passes the gates
  static void forward(const ForwardDay& day) {
    gru_gates_kept(day.input, day.recurrent, day.bias, day.before, day.after, day.saved, day.lanes,
                   day.units);
  }
  static void backward(const BackwardDay& day) {
    gru_gates_back(day.saved, day.before, day.after_gradient, day.carry, day.gradient, day.sums,
                   day.lanes, day.units);
  }
  /// Rows r, z, n of a weight in the order of the gradients, n, r, z, and back.
  static Tensor in_gradient_order(const Tensor& weight) {
    const int64_t units = weight.size(0) / gates;
    return at::cat({weight.narrow(0, 2 * units, units), weight.narrow(0, 0, 2 * units)});
  }
  static Tensor in_weight_order(const Tensor& gradient) {
    const int64_t units = gradient.size(0) / gates;
    return at::cat({gradient.narrow(0, units, 2 * units), gradient.narrow(0, 0, units)});
  }
};

struct LstmCell {
  static constexpr bool has_cell = true;
  static constexpr int64_t gates = 4, saved = 5;
  static constexpr int64_t first_recurrent_gate = 0;
  static constexpr float carry_kept = 0;
  static void forward(const ForwardDay& day) {
    lstm_gates_kept(day.input, day.recurrent, day.bias, day.cell, day.after, day.saved, day.lanes,
                    day.units);
  }
  static void backward(const BackwardDay& day) {
    lstm_gates_back(day.saved, day.after_gradient, day.carry, day.cell_carry, day.gradient,
                    day.sums, day.lanes, day.units);
  }
  static Tensor in_gradient_order(const Tensor& weight) { return weight.contiguous(); }
  static Tensor in_weight_order(const Tensor& gradient) { return gradient.clone(); }
};

template <typename Cell>
class RecurrentLayer : public torch::autograd::Function<RecurrentLayer<Cell>> {
 public:
  enum Argument : size_t { part0, part1, part2, h0, c0, w_ih, w_hh, b_ih, b_hh, argument_count };

  static variable_list forward(AutogradContext* context, const Tensor& first_part,
                               const Tensor& second_part, const Tensor& third_part,
                               const Tensor& h_before, const Tensor& cell_before,
                               const Tensor& weight_ih, const Tensor& weight_hh,
                               const Tensor& bias_ih, const Tensor& bias_hh) {
    const int64_t days = first_part.size(0), batch = first_part.size(1), units = weight_hh.size(1);
    const Tensor saved = at::empty({days, batch, Cell::saved * units}, first_part.options());
    const variable_list results =
        run({first_part, second_part, third_part}, h_before, cell_before,
            {weight_ih, weight_hh, bias_ih, bias_hh}, saved, batch * Cell::saved * units);
    context->set_materialize_grads(false);
    context->save_for_backward({first_part, second_part, third_part, h_before, cell_before,
                                weight_ih, weight_hh, bias_ih, bias_hh, results[0], saved});
    return results;
  }

  /// The layer's outputs, the state after the last day and an LSTM's cell. What the gates keep of a
  /// day goes to `saved`, `saved_stride` floats behind that of the day before.
  static variable_list run(const variable_list& parts, const Tensor& h_before,
                           const Tensor& cell_before, const std::vector<Tensor>& weights,
                           const Tensor& saved, int64_t saved_stride) {
    const int64_t days = parts[0].size(0), batch = parts[0].size(1), units = weights[1].size(1),
                  width = Cell::gates * units, per_block = days_of_block(days, batch);
    const auto options = parts[0].options();
    const Tensor to_gates = weights[0].t().contiguous(),
                 back_to_gates = weights[1].t().contiguous();
    const Tensor bias = weights[3].contiguous(), start = h_before.contiguous();
    const Tensor cell = cell_before.clone(at::MemoryFormat::Contiguous);
    const Tensor out = at::empty({days, batch, units}, options);
    const Tensor gates = at::empty({per_block * batch, width}, options);
    const Tensor recurrent = at::empty({batch, width}, options);
    auto* const out_values = out.data_ptr<float>();
    auto* const saved_values = saved.data_ptr<float>();
    auto* const gate_values = gates.data_ptr<float>();
    auto* const recurrent_values = recurrent.data_ptr<float>();
    const float* before = start.data_ptr<float>();
    for (int64_t first = 0; first < days; first += per_block) {
      const int64_t length = std::min(per_block, days - first);
      Tensor block = gates.narrow(0, 0, length * batch);
      at::addmm_out(block, weights[2], rows_of(parts, first, length), to_gates);
      for (int64_t day = 0; day < length; ++day) {
        multiply({before, units}, {back_to_gates.data_ptr<float>(), width}, recurrent_values, width,
                 batch, width, units, 0);
        float* const today = out_values + (first + day) * batch * units;
        Cell::forward({gate_values + day * batch * width, recurrent_values, bias.data_ptr<float>(),
                       before, today, cell.data_ptr<float>(),
                       saved_values + (first + day) * saved_stride, static_cast<size_t>(batch),
                       static_cast<size_t>(units)});
        before = today;
      }
    }
    variable_list results = {out, out.select(0, days - 1).clone()};
    if (Cell::has_cell) results.push_back(cell);
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradient) {
    const variable_list kept = context->get_saved_variables();
    const Tensor &out = kept[argument_count], &saved = kept[argument_count + 1];
    const variable_list parts(kept.begin(), kept.begin() + most_parts);
    const int64_t days = out.size(0), batch = out.size(1), units = out.size(2),
                  width = Cell::gates * units, first_recurrent = Cell::first_recurrent_gate * units,
                  per_block = days_of_block(days, batch);
    const auto options = out.options();
    const auto needs = [&](size_t argument) { return context->needs_input_grad(argument); };

    variable_list result(argument_count);
    const Tensor weight_ih = Cell::in_gradient_order(kept[w_ih]),
                 weight_hh = kept[w_hh].contiguous();
    Tensor weights_of_part[most_parts];
    int64_t column = 0;
    for (size_t p = 0; p < most_parts; ++p) {
      const int64_t columns = parts[p].size(2);
      if (columns > 0 && needs(p)) {
        result[p] = at::empty({days * batch, columns}, options);
        weights_of_part[p] = weight_ih.narrow(1, column, columns).contiguous();
      }
      column += columns;
    }
    if (needs(w_ih)) result[w_ih] = at::zeros_like(weight_ih);
    if (needs(w_hh)) result[w_hh] = at::zeros_like(weight_hh);

    const auto or_zero = [&](size_t index) {
      return index < gradient.size() && gradient[index].defined()
                 ? gradient[index].clone(at::MemoryFormat::Contiguous)
                 : at::zeros({batch, units}, options);
    };
    const Tensor carry = or_zero(1), cell_carry = or_zero(2);
    const Tensor out_gradient = gradient[0].defined() ? gradient[0].contiguous() : Tensor();
    const Tensor start = kept[h0].contiguous();
    const Tensor gates = at::empty({per_block * batch, gradient_gates * units}, options);
    const Tensor sums = at::zeros({gradient_gates * units}, options);
    const auto* const out_values = out.data_ptr<float>();
    const auto* const saved_values = saved.data_ptr<float>();
    const auto* const own =
        out_gradient.defined() ? out_gradient.template data_ptr<float>() : nullptr;
    auto* const carry_values = carry.data_ptr<float>();
    auto* const gate_values = gates.data_ptr<float>();
    for (int64_t first = (days - 1) / per_block * per_block; first >= 0; first -= per_block) {
      const int64_t length = std::min(per_block, days - first), rows = length * batch;
      for (int64_t day = first + length - 1; day >= first; --day) {
        float* const today = gate_values + (day - first) * batch * gradient_gates * units;
        Cell::backward({saved_values + day * batch * Cell::saved * units,
                        day > 0 ? out_values + (day - 1) * batch * units : start.data_ptr<float>(),
                        own ? own + day * batch * units : nullptr, carry_values,
                        cell_carry.data_ptr<float>(), today, sums.data_ptr<float>(),
                        static_cast<size_t>(batch), static_cast<size_t>(units)});
        multiply({today + first_recurrent, gradient_gates * units},
                 {weight_hh.data_ptr<float>(), units}, carry_values, units, batch, units, width,
                 Cell::carry_kept);
      }
      const Tensor block = gates.narrow(0, 0, rows), to_input = block.narrow(1, 0, width),
                   to_recurrent = block.narrow(1, first_recurrent, width);
      for (size_t p = 0; p < most_parts; ++p)
        if (result[p].defined()) {
          Tensor part = result[p].narrow(0, first * batch, rows);
          at::mm_out(part, to_input, weights_of_part[p]);
        }
      if (result[w_ih].defined()) result[w_ih].addmm_(to_input.t(), rows_of(parts, first, length));
      if (result[w_hh].defined()) add_recurrent(result[w_hh], to_recurrent, out, start, first);
    }
    for (size_t p = 0; p < most_parts; ++p)
      if (result[p].defined()) result[p] = result[p].view(parts[p].sizes());
    if (result[w_ih].defined()) result[w_ih] = Cell::in_weight_order(result[w_ih]);
    if (needs(h0)) result[h0] = carry;
    if (Cell::has_cell && needs(c0)) result[c0] = cell_carry;
    if (needs(b_ih)) result[b_ih] = Cell::in_weight_order(sums.narrow(0, 0, width));
    if (needs(b_hh)) result[b_hh] = sums.narrow(0, first_recurrent, width).clone();
    return result;
  }

 private:
  /// Adds a block's part to the derivative to W_h: the states before its days are the outputs one
  /// day earlier.
  static void add_recurrent(Tensor& total, const Tensor& gradient, const Tensor& out,
                            const Tensor& start, int64_t first) {
    const int64_t batch = out.size(1), units = out.size(2), rows = gradient.size(0);
    const Tensor states = out.view({-1, units});
    if (first > 0) {
      total.addmm_(gradient.t(), states.narrow(0, (first - 1) * batch, rows));
      return;
    }
    total.addmm_(gradient.narrow(0, 0, batch).t(), start);
    if (rows > batch)
      total.addmm_(gradient.narrow(0, batch, rows - batch).t(), states.narrow(0, 0, rows - batch));
  }
};

template <typename Cell>
variable_list train_layer(const std::vector<Tensor>& inputs, const Tensor& h, const Tensor& cell,
                          const std::vector<Tensor>& weights) {
  if (inputs.empty() || weights.size() != 4)
    throw Error(Code::internal, "a recurrent layer needs inputs and four weights");
  variable_list parts = inputs;
  if (parts.size() > most_parts) parts = {at::cat(inputs, 2)};
  while (parts.size() < most_parts)
    parts.push_back(at::empty({inputs[0].size(0), inputs[0].size(1), 0}, inputs[0].options()));
  const auto needs_gradient = [](const variable_list& tensors) {
    return std::any_of(tensors.begin(), tensors.end(),
                       [](const Tensor& tensor) { return tensor.requires_grad(); });
  };
  if (!c10::GradMode::is_enabled() ||
      !(needs_gradient(parts) || needs_gradient({h, cell}) || needs_gradient(weights))) {
    const c10::NoGradGuard no_grad;
    const Tensor one_day =
        at::empty({inputs[0].size(1), Cell::saved * weights[1].size(1)}, inputs[0].options());
    return RecurrentLayer<Cell>::run(parts, h, cell, weights, one_day, 0);
  }
  return RecurrentLayer<Cell>::apply(parts[0], parts[1], parts[2], h, cell, weights[0], weights[1],
                                     weights[2], weights[3]);
}

}  // namespace

std::pair<Tensor, Tensor> train_gru_layer(const std::vector<Tensor>& inputs, const Tensor& h,
                                          const std::vector<Tensor>& weights) {
  variable_list result =
      train_layer<GruCell>(inputs, h, at::empty({0}, h.options().requires_grad(false)), weights);
  return {result[0], result[1]};
}

LstmYear train_lstm_layer(const std::vector<Tensor>& inputs, const Tensor& h, const Tensor& cell,
                          const std::vector<Tensor>& weights) {
  variable_list result = train_layer<LstmCell>(inputs, h, cell, weights);
  return {result[0], result[1], result[2]};
}

}  // namespace fluxtile
