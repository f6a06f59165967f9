// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/package.h"

namespace fluxtile {

/// Adam (Kingma & Ba 2015) with beta 0.9 and 0.999 and epsilon 1e-8, whose state is stored and read
/// back exactly. Parameters are float32, each with a factor on the learning rate.
class Adam {
 public:
  struct Parameter {
    std::string name;
    at::Tensor value;
    double factor = 1;
  };
  explicit Adam(std::vector<Parameter> parameters);

  /// Norm of all gradients together, float64 sums.
  [[nodiscard]] double gradient_norm() const;
  /// One step from the gradients that lie in the parameters, each times `gradient_factor`; a
  /// parameter without a gradient stays as it is.
  void step(double learning_rate, double gradient_factor = 1);

  /// Moments as `m.NAME` and `v.NAME`, and the number of steps of each parameter, `steps`.
  [[nodiscard]] Tensors state() const;
  /// Throws Error(data) for a state of other parameters.
  void restore(const Tensors& state);

 private:
  std::vector<Parameter> parameters_;
  std::vector<at::Tensor> first_, second_;
  std::vector<int64_t> steps_;
};

}  // namespace fluxtile
