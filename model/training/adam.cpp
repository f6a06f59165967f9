// SPDX-License-Identifier: Apache-2.0
#include "model/training/adam.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

Tensor stored(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().cpu().contiguous();
  const float* first = host.data_ptr<float>();
  return Tensor::of(DType::F32, host.sizes().vec(),
                    std::vector<float>(first, first + host.numel()));
}

void read_back(const Tensors& state, const std::string& name, at::Tensor& into) {
  const auto found = state.find(name);
  if (found == state.end() || found->second.type != DType::F32 ||
      !into.sizes().equals(found->second.shape))
    throw Error(Code::data, "the state of the optimiser does not fit the network")
        .key(name)
        .hint("delete the checkpoint to train from the start");
  const at::Tensor host = torch::empty(into.sizes());
  std::copy_n(found->second.data<float>(), found->second.count(), host.data_ptr<float>());
  into.copy_(host);
}

}  // namespace

Adam::Adam(std::vector<Parameter> parameters)
    : parameters_(std::move(parameters)), steps_(parameters_.size(), 0) {
  for (const Parameter& parameter : parameters_) {
    first_.push_back(torch::zeros_like(parameter.value.detach()));
    second_.push_back(torch::zeros_like(parameter.value.detach()));
  }
}

double Adam::gradient_norm() const {
  double squares = 0;
  for (const Parameter& parameter : parameters_)
    if (parameter.value.grad().defined())
      squares += parameter.value.grad().to(torch::kDouble).square().sum().item<double>();
  return std::sqrt(squares);
}

void Adam::step(double learning_rate, double gradient_factor) {
  const torch::NoGradGuard no_gradient;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].value.grad().defined()) continue;
    const at::Tensor gradient = gradient_factor == 1
                                    ? parameters_[i].value.grad()
                                    : parameters_[i].value.grad() * gradient_factor;
    const auto t = static_cast<double>(++steps_[i]);
    first_[i].mul_(beta1).add_(gradient, 1 - beta1);
    second_[i].mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const at::Tensor denominator =
        second_[i].sqrt().div_(std::sqrt(1 - std::pow(beta2, t))).add_(epsilon);
    parameters_[i].value.addcdiv_(
        first_[i], denominator, -learning_rate * parameters_[i].factor / (1 - std::pow(beta1, t)));
  }
}

Tensors Adam::state() const {
  Tensors state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    state["m." + parameters_[i].name] = stored(first_[i]);
    state["v." + parameters_[i].name] = stored(second_[i]);
  }
  state["steps"] = Tensor::of(DType::I64, {static_cast<int64_t>(steps_.size())}, steps_);
  return state;
}

void Adam::restore(const Tensors& state) {
  const auto found = state.find("steps");
  if (found == state.end() || found->second.type != DType::I64 ||
      found->second.count() != steps_.size())
    throw Error(Code::data, "the state of the optimiser does not fit the network")
        .key("steps")
        .hint("delete the checkpoint to train from the start");
  std::copy_n(found->second.data<int64_t>(), steps_.size(), steps_.begin());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    read_back(state, "m." + parameters_[i].name, first_[i]);
    read_back(state, "v." + parameters_[i].name, second_[i]);
  }
}

}  // namespace fluxtile
