// SPDX-License-Identifier: Apache-2.0
#include "bench/onednn_recurrent.h"

#include <algorithm>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace fluxtile {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
constexpr memory::dim kUnits = 64;
constexpr auto f32 = memory::data_type::f32;

struct Layer {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory x, y, h, h_after, cell, cell_after;
};

/// PyTorch's [gate][unit][input] as oneDNN's [input][gate][unit]; `order`: PyTorch's gate that
/// stands at each of oneDNN's places.
std::vector<float> transposed(const Tensor& weight, const std::vector<size_t>& order) {
  const auto inputs = static_cast<size_t>(weight.shape[1]);
  const auto* from = weight.data<float>();
  std::vector<float> to;
  for (size_t i = 0; i < inputs; ++i)
    for (const size_t gate : order)
      for (size_t u = 0; u < kUnits; ++u) to.push_back(from[(gate * kUnits + u) * inputs + i]);
  return to;
}

/// oneDNN's biases: one a gate; lbr_gru has a fourth, of the recurrent part of n alone.
std::vector<float> biases(const Tensor& input, const Tensor& recurrent,
                          const std::vector<size_t>& order, bool gru) {
  std::vector<float> to;
  for (const size_t gate : order)
    for (size_t u = gate * kUnits; u < (gate + 1) * kUnits; ++u)
      to.push_back(input.data<float>()[u] + (gru && gate == 2 ? 0.0F : recurrent.data<float>()[u]));
  if (gru)
    for (size_t u = 2 * kUnits; u < 3 * kUnits; ++u) to.push_back(recurrent.data<float>()[u]);
  return to;
}

}  // namespace

struct OneDnnRecurrent::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  memory::dim batch, days, chunk, inputs;
  bool gru;
  /// The layers for whole chunks and for the last, shorter one, which share the state.
  std::vector<Layer> whole, rest;

  memory packed(const std::vector<float>& values, const memory::dims& shape, Tag tag,
                const memory::desc& wanted) {
    memory plain({shape, f32, tag}, engine);
    std::copy(values.begin(), values.end(), static_cast<float*>(plain.get_data_handle()));
    memory to(wanted, engine);
    dnnl::reorder(plain, to).execute(stream, plain, to);
    stream.wait();
    return to;
  }

  template <typename Primitive, typename Descriptor>
  void finish(Layer& layer, const Descriptor& descriptor, const Package& package,
              const std::string& end, memory::dim in, size_t place) {
    const typename Primitive::primitive_desc made(descriptor, engine);
    const std::vector<size_t> order =
        gru ? std::vector<size_t>{1, 0, 2} : std::vector<size_t>{0, 1, 2, 3};
    const auto gates = static_cast<memory::dim>(order.size());
    const auto tensor = [&](const std::string& name) -> const Tensor& {
      return package.tensors.at("rnn." + name + end);
    };
    const memory weights = packed(transposed(tensor("weight_ih"), order), {1, 1, in, gates, kUnits},
                                  Tag::ldigo, made.weights_layer_desc());
    const memory recurrent =
        packed(transposed(tensor("weight_hh"), order), {1, 1, kUnits, gates, kUnits}, Tag::ldigo,
               made.weights_iter_desc());
    const memory bias = packed(biases(tensor("bias_ih"), tensor("bias_hh"), order, gru),
                               {1, 1, gates + (gru ? 1 : 0), kUnits}, Tag::ldgo, made.bias_desc());
    // The caller's arrays are the ends of the chain.
    if (place == 0) layer.x = memory(made.src_layer_desc(), engine, nullptr);
    layer.y = place == 0 ? memory(made.dst_layer_desc(), engine)
                         : memory(made.dst_layer_desc(), engine, nullptr);
    layer.primitive = Primitive(made);
    layer.arguments = {{DNNL_ARG_SRC_LAYER, layer.x},
                       {DNNL_ARG_SRC_ITER, layer.h},
                       {DNNL_ARG_WEIGHTS_LAYER, weights},
                       {DNNL_ARG_WEIGHTS_ITER, recurrent},
                       {DNNL_ARG_BIAS, bias},
                       {DNNL_ARG_DST_LAYER, layer.y},
                       {DNNL_ARG_DST_ITER, layer.h_after}};
    if (!gru) {
      layer.arguments[DNNL_ARG_SRC_ITER_C] = layer.cell;
      layer.arguments[DNNL_ARG_DST_ITER_C] = layer.cell_after;
    }
  }

  std::vector<Layer> layers(const Package& package, memory::dim run_days) {
    std::vector<Layer> made(2);
    const memory::desc state({1, 1, batch, kUnits}, f32, Tag::ldnc);
    for (size_t l = 0; l < made.size(); ++l) {
      Layer& layer = made[l];
      const memory::dim in = l == 0 ? inputs : kUnits;
      const bool shared = !whole.empty();
      layer.h = shared ? whole[l].h : memory(state, engine);
      layer.h_after = shared ? whole[l].h_after : memory(state, engine);
      layer.cell = shared ? whole[l].cell : memory(state, engine);
      layer.cell_after = shared ? whole[l].cell_after : memory(state, engine);
      if (l > 0) layer.x = made[l - 1].y;
      const memory::desc x =
          l == 0 ? memory::desc({run_days, batch, in}, f32, Tag::tnc) : made[l - 1].y.get_desc();
      // The last layer's outputs leave oneDNN as plain [day][cell][unit].
      const memory::desc y({run_days, batch, kUnits}, f32, l == 0 ? Tag::any : Tag::tnc);
      const auto any = [&](memory::dim rows, memory::dim gates) {
        return memory::desc({1, 1, rows, gates, kUnits}, f32, Tag::any);
      };
      const auto kind = dnnl::prop_kind::forward_inference;
      const auto direction = dnnl::rnn_direction::unidirectional_left2right;
      const std::string end = "_l" + std::to_string(l);
      if (gru) {
        const memory::desc bias({1, 1, 4, kUnits}, f32, Tag::ldgo);
        finish<dnnl::lbr_gru_forward>(
            layer,
            dnnl::lbr_gru_forward::desc(kind, direction, x, state, any(in, 3), any(kUnits, 3), bias,
                                        y, state),
            package, end, in, l);
      } else {
        const memory::desc bias({1, 1, 4, kUnits}, f32, Tag::ldgo);
        finish<dnnl::lstm_forward>(
            layer,
            dnnl::lstm_forward::desc(kind, direction, x, state, state, any(in, 4), any(kUnits, 4),
                                     bias, y, state, state),
            package, end, in, l);
      }
    }
    return made;
  }

  void execute(std::vector<Layer>& chunk_layers, const float* x, float* units) {
    for (size_t l = 0; l < chunk_layers.size(); ++l) {
      Layer& layer = chunk_layers[l];
      if (l == 0) layer.x.set_data_handle(const_cast<float*>(x));
      if (l + 1 == chunk_layers.size()) layer.y.set_data_handle(units);
      layer.primitive.execute(stream, layer.arguments);
      stream.wait();
      const size_t bytes = layer.h.get_desc().get_size();
      std::copy_n(static_cast<const char*>(layer.h_after.get_data_handle()), bytes,
                  static_cast<char*>(layer.h.get_data_handle()));
      if (!gru)
        std::copy_n(static_cast<const char*>(layer.cell_after.get_data_handle()), bytes,
                    static_cast<char*>(layer.cell.get_data_handle()));
    }
  }
};

OneDnnRecurrent::OneDnnRecurrent(const Package& package, size_t batch, size_t days, size_t chunk)
    : impl_(std::make_unique<Impl>()) {
  impl_->batch = static_cast<memory::dim>(batch);
  impl_->days = static_cast<memory::dim>(days);
  impl_->chunk = static_cast<memory::dim>(chunk);
  impl_->inputs = static_cast<memory::dim>(package.inputs.size());
  impl_->gru = package.architecture == "gru";
  impl_->whole = impl_->layers(package, impl_->chunk);
  if (const memory::dim rest = impl_->days % impl_->chunk)
    impl_->rest = impl_->layers(package, rest);
}

OneDnnRecurrent::~OneDnnRecurrent() = default;

void OneDnnRecurrent::run(const float* x, float* units) {
  for (Layer& layer : impl_->whole)
    for (memory* state : {&layer.h, &layer.cell})
      std::fill_n(static_cast<float*>(state->get_data_handle()), impl_->batch * kUnits, 0.0F);
  for (memory::dim day = 0; day < impl_->days; day += impl_->chunk) {
    const bool full = day + impl_->chunk <= impl_->days;
    impl_->execute(full ? impl_->whole : impl_->rest, x + day * impl_->batch * impl_->inputs,
                   units + day * impl_->batch * kUnits);
  }
}

}  // namespace fluxtile
