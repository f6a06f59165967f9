// SPDX-License-Identifier: Apache-2.0
#include "model/fused/fused_network.h"

#include <algorithm>

#include "base/error.h"
#include "model/kgml_ag_c.h"
#include "model/recurrent_shapes.h"

namespace fluxtile::fused {
namespace {

/// Positions `from` + each of `columns`.
Columns shifted(const Columns& columns, size_t from) {
  Columns all;
  for (const size_t column : columns) all.push_back(from + column);
  return all;
}

/// Positions first ... first + count - 1, then `more`.
Columns run(size_t first, size_t count, const Columns& more) {
  Columns all;
  for (size_t k = 0; k < count; ++k) all.push_back(first + k);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<float> values(const Tensors& tensors, const std::string& name) {
  const Tensor& tensor = tensors.at(name);
  return {tensor.data<float>(), tensor.data<float>() + tensor.count()};
}

FluxHead pack_head(const Tensors& tensors, const std::string& name) {
  return {values(tensors, name + ".weight"), values(tensors, name + ".bias").front()};
}

DenseStack pack_stack(const Tensors& tensors, const std::string& name) {
  DenseStack stack;
  for (size_t k = 0; k < stack.layers.size(); ++k)
    stack.layers[k] = pack_dense(tensors, name + "." + std::to_string(2 * k));
  stack.last_weights = values(tensors, name + ".6.weight");
  stack.last_bias = values(tensors, name + ".6.bias").front();
  return stack;
}

const Scaler& output_scaler(const Package& package, const std::string& name) {
  for (const PackageOutput& output : package.outputs)
    if (output.name == name) return output.scaler;
  throw Error(Code::internal, "a checked package lacks output " + name);
}

/// Inputs that are the same all year; a package's other inputs may change daily.
bool stays(const std::string& name) {
  const auto& names = kgml_ag_c::input_names();
  const auto found = std::find(names.begin(), names.end(), name);
  const auto position = static_cast<size_t>(found - names.begin());
  return found != names.end() && position >= kgml_ag_c::crop_feature &&
         position != kgml_ag_c::gpp_feature;
}

KgmlNetwork pack_kgml(const Package& package, const FusedNetwork& all, Products products) {
  const Tensors& tensors = package.tensors;
  const Columns &daily = all.daily, &constant = all.constant;
  const Columns units = run(0, kUnits, {});
  const auto pack = [&](const char* name, size_t layer, const Columns& changing,
                        const Columns& staying) {
    return pack_recurrent(tensors, name, layer, Gates::gru, products, changing, staying);
  };
  KgmlNetwork network;
  network.basic0 = pack("gru_basic", 0, daily, constant);
  network.basic1 = pack("gru_basic", 1, units, {});
  // Inputs of gru_Ra: 64 units of gru_basic, then the 19; of gru_Rh: the residue before them; of
  // gru_NEE: Ra, Rh, then the 19.
  network.ra = pack("gru_Ra", 0, run(0, kUnits, shifted(daily, kUnits)), shifted(constant, kUnits));
  network.rh0 =
      pack("gru_Rh", 0, run(1, kUnits, shifted(daily, 1 + kUnits)), shifted(constant, 1 + kUnits));
  network.pulse = gate_column(tensors, "gru_Rh", 0, Gates::gru, 0);
  network.rh1 = pack("gru_Rh", 1, units, {});
  network.nee = pack("gru_NEE", 0, run(0, 2, shifted(daily, 2)), shifted(constant, 2));
  network.ra_head = pack_head(tensors, "densor_Ra");
  network.rh_head = pack_head(tensors, "densor_Rh");
  network.nee_head = pack_head(tensors, "densor_NEE");
  network.attention = pack_stack(tensors, "attn");
  network.yield = pack_stack(tensors, "densor_yield");
  network.ra_scaler = output_scaler(package, "Ra");
  network.gpp_scaler = package.scalers.at("GPP");
  network.yield_scaler = package.scalers.at("Yield");
  network.residue_scaler = package.scalers.at("Residue");
  return network;
}

StackNetwork pack_recurrent_stack(const Package& package, const FusedNetwork& all,
                                  Products products) {
  const Gates gates = package.architecture == "lstm" ? Gates::lstm : Gates::gru;
  StackNetwork network;
  for (size_t layer = 0; layer < recurrent::layers; ++layer)
    network.layers.push_back(pack_recurrent(package.tensors, "rnn", layer, gates, products,
                                            layer == 0 ? all.daily : run(0, kUnits, {}),
                                            layer == 0 ? all.constant : Columns()));
  const std::vector<float> weights = values(package.tensors, "head.weight");
  const std::vector<float> bias = values(package.tensors, "head.bias");
  for (size_t k = 0; k < network.heads.size(); ++k) {
    const auto first = weights.begin() + static_cast<std::ptrdiff_t>(k * kUnits);
    network.heads[k] = {{first, first + static_cast<std::ptrdiff_t>(kUnits)}, bias.at(k)};
  }
  return network;
}

}  // namespace

FusedNetwork pack_network(const Package& package, Products products) {
  FusedNetwork all;
  for (size_t feature = 0; feature < package.inputs.size(); ++feature)
    (stays(package.inputs[feature].name) ? all.constant : all.daily).push_back(feature);
  for (size_t k = 0; k < all.flux_scalers.size(); ++k) {
    constexpr const char* names[] = {"Ra", "Rh", "NEE"};
    all.flux_scalers[k] = output_scaler(package, names[k]);
  }
  if (package.architecture == kgml_ag_c::architecture) {
    all.network = pack_kgml(package, all, products);
  } else if (recurrent::is_architecture(package.architecture)) {
    all.network = pack_recurrent_stack(package, all, products);
  } else {
    throw Error(Code::data, "the fused engine does not know this architecture")
        .file(package.directory)
        .found(package.architecture)
        .expected("kgml-ag-c, gru or lstm")
        .hint("use run.engine: torch");
  }
  return all;
}

}  // namespace fluxtile::fused
