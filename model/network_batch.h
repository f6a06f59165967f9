// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "model/flux_network.h"

namespace fluxtile {

/// What a network makes of one batch of cells in a calendar year, on its device.
struct BatchYear {
  torch::Tensor fluxes;          ///< [day][lane][Ra, Rh, NEE], z-scored
  torch::Tensor yield, residue;  ///< [lane], see FluxNetwork::YearOutput; undefined where none
  torch::Tensor state;           ///< [lane][state_size], contiguous
};

/// Runs a batch. `x_z` [day][lane][input] z-scored, contiguous; `state` [lane][state_size] in the
/// order of the host: the network's state tensors one after the other, layer by layer, unit by unit
/// (an LSTM: h of both layers, then their cells). Both lie on the network's device. Thread-safe for
/// a network in evaluation mode.
BatchYear run_batch(FluxNetwork& network, const torch::Tensor& x_z, const torch::Tensor& state);

/// A cell's bits must not depend on its neighbours: runs one cell in every other lane, first with
/// nothing beside it and then with random neighbours, and throws Error(data) if they change it.
/// Returns the distance at which lanes are alike: `period` where lanes that far apart give the same
/// bits, else `lanes`.
size_t tested_period(FluxNetwork& network, const torch::Device& device, size_t inputs,
                     size_t state_size, size_t lanes, size_t period);

/// The smallest of the sizes `lanes`, lanes / 2, ... not below `period` down to which a batch gives
/// its cells the same bits.
size_t tested_smallest(FluxNetwork& network, const torch::Device& device, size_t inputs,
                       size_t state_size, size_t lanes, size_t period);

}  // namespace fluxtile
