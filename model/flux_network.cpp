// SPDX-License-Identifier: Apache-2.0
#include "model/flux_network.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/kgml_ag_c.h"
#include "model/kgml_ag_c_network.h"
#include "model/recurrent_network.h"
#include "model/recurrent_shapes.h"

namespace fluxtile {

void share_parameters(FluxNetwork& replica, const FluxNetwork& master) {
  const c10::NoGradGuard no_grad;
  std::vector<torch::Tensor> own = replica.parameters(), shared = master.parameters();
  if (own.size() != shared.size())
    throw Error(Code::internal, "networks of different architectures share no parameters");
  for (size_t i = 0; i < own.size(); ++i) {
    if (!own[i].is_alias_of(shared[i])) own[i].set_data(shared[i].detach());
    own[i].requires_grad_(shared[i].requires_grad());
  }
  replica.dropout.rate = master.dropout.rate;
}

void load_weights(FluxNetwork& network, const Package& package) {
  const c10::NoGradGuard no_grad;
  for (auto& item : network.named_parameters()) {
    const auto found = package.tensors.find(item.key());
    torch::Tensor& parameter = item.value();
    if (found == package.tensors.end() || !parameter.sizes().equals(found->second.shape))
      throw Error(Code::internal, "a checked package lacks tensor " + item.key());
    std::copy_n(found->second.data<float>(), found->second.count(), parameter.data_ptr<float>());
  }
}

std::shared_ptr<FluxNetwork> make_flux_network(const Package& package) {
  if (package.architecture == kgml_ag_c::architecture) return KgmlAgC::from_package(package);
  if (!recurrent::is_architecture(package.architecture))
    throw Error(Code::data, "architecture '" + package.architecture + "' cannot be trained here")
        .file(package.directory)
        .found(package.architecture)
        .expected("kgml-ag-c, gru or lstm")
        .hint(suggestion(package.architecture, {kgml_ag_c::architecture, "gru", "lstm"}));
  auto network = std::make_shared<RecurrentNetwork>(package.architecture,
                                                    static_cast<int64_t>(package.inputs.size()));
  load_weights(*network, package);
  network->eval();
  return network;
}

Tensors weights_of(const FluxNetwork& network) {
  Tensors tensors;
  for (const auto& item : network.named_parameters()) {
    const torch::Tensor values = item.value().detach().cpu().contiguous();
    const auto* first = values.data_ptr<float>();
    tensors[item.key()] = Tensor::of(DType::F32, values.sizes().vec(),
                                     std::vector<float>(first, first + values.numel()));
  }
  return tensors;
}

}  // namespace fluxtile
