// SPDX-License-Identifier: Apache-2.0
#include "model/fused/fused_network.h"

#include "base/error.h"
#include "model/kgml_ag_c.h"

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

}  // namespace

FusedNetwork pack_network(const Package& package) {
  const Tensors& tensors = package.tensors;
  FusedNetwork network;
  for (size_t feature = 0; feature < kgml_ag_c::feature_count; ++feature) {
    const bool climate = feature < kgml_ag_c::crop_feature;
    (climate || feature == kgml_ag_c::gpp_feature ? network.daily : network.constant)
        .push_back(feature);
  }
  const Columns &daily = network.daily, &constant = network.constant;
  const Columns units = run(0, kUnits, {});
  network.basic0 = pack_gru(tensors, "gru_basic", 0, daily, constant);
  network.basic1 = pack_gru(tensors, "gru_basic", 1, units, {});
  // Inputs of gru_Ra: 64 units of gru_basic, then the 19; of gru_Rh: the residue before them; of
  // gru_NEE: Ra, Rh, then the 19.
  network.ra = pack_gru(tensors, "gru_Ra", 0, run(0, kUnits, shifted(daily, kUnits)),
                        shifted(constant, kUnits));
  network.rh0 = pack_gru(tensors, "gru_Rh", 0, run(1, kUnits, shifted(daily, 1 + kUnits)),
                         shifted(constant, 1 + kUnits));
  network.pulse = gru_column(tensors, "gru_Rh", 0, 0);
  network.rh1 = pack_gru(tensors, "gru_Rh", 1, units, {});
  network.nee = pack_gru(tensors, "gru_NEE", 0, run(0, 2, shifted(daily, 2)), shifted(constant, 2));
  network.ra_head = pack_head(tensors, "densor_Ra");
  network.rh_head = pack_head(tensors, "densor_Rh");
  network.nee_head = pack_head(tensors, "densor_NEE");
  network.attention = pack_stack(tensors, "attn");
  network.yield = pack_stack(tensors, "densor_yield");
  network.ra_scaler = output_scaler(package, "Ra");
  network.rh_scaler = output_scaler(package, "Rh");
  network.nee_scaler = output_scaler(package, "NEE");
  network.gpp_scaler = package.scalers.at("GPP");
  network.yield_scaler = package.scalers.at("Yield");
  network.residue_scaler = package.scalers.at("Residue");
  return network;
}

}  // namespace fluxtile::fused
