// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include "model/delta_carbon.h"

namespace fluxtile::delta_carbon {

/// What the differentiable form reads, float64: [day, pixel], [pixel] for soil and crop.
struct ProcessInputs {
  torch::Tensor tmax, tmin, rain, gpp;     ///< as in Forcing
  torch::Tensor extraterrestrial;          ///< radiation above the atmosphere, MJ m-2 d-1
  torch::Tensor crop;                      ///< 1 = corn, 5 = soybean
  torch::Tensor bulk_density, sand, silt;  ///< as in SoilColumn
  torch::Tensor field_capacity, wilting_point, ksat;
};
/// The same checks as run(). Throws Error(data).
ProcessInputs process_inputs(const SoilColumn& soil, const Forcing& forcing);

/// Daily results, [day, pixel], float64; meaning and units as in Fluxes.
struct ProcessFluxes {
  torch::Tensor ra, rh, reco, nee, yield, removed, residue;
  torch::Tensor soil_water, evapotranspiration, drainage, snow;
};

/// Parameters, and states, of run() as float64 tensors [parameter, pixel] and [state, pixel].
torch::Tensor to_tensor(const ParameterSet& parameters);
torch::Tensor to_tensor(const State& state);

/// Parameters inside their ranges from any numbers: low + sigmoid(raw) (high - low). [parameter,
/// pixel] in and out, in raw's device and type.
torch::Tensor parameters_in_range(const torch::Tensor& raw);

/// run() on tensors: the same equations, source for source, so that gradients of every result reach
/// `parameters`, GPP and `state`. `state` becomes the state after the last day, with its graph;
/// detach it to cut the graph between years. Works on the device of its inputs, with or without
/// gradients.
ProcessFluxes run_process(const torch::Tensor& parameters, const ProcessInputs& inputs,
                          torch::Tensor& state);

}  // namespace fluxtile::delta_carbon
