// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fluxtile::kgml_ag_c {

/// What is fixed about the architecture `kgml-ag-c`, a knowledge-guided GRU network for the carbon
/// of crop land (Liu et al. 2024, Nat. Commun. 15:357). Nothing here needs torch; the network
/// itself is in kgml_ag_c_network.h.
constexpr const char* architecture = "kgml-ag-c";

constexpr size_t feature_count = 19;
constexpr size_t hidden_size = 64;
constexpr size_t flux_count = 3;  ///< Ra, Rh, NEE

/// Position of some inputs in the order of input_names().
constexpr size_t crop_feature = 7, gpp_feature = 8, year_feature = 9;

/// Hidden state of a cell: gru_basic layer 0 and 1, gru_Ra, gru_Rh layer 0 and 1, gru_NEE, each of
/// hidden_size floats.
constexpr size_t state_layers = 6;
constexpr size_t state_size = state_layers * hidden_size;
/// What a cell needs beside it in the middle of a year: the attention's sum and weighted units, and
/// the year's carbon as the two halves of a double.
constexpr size_t open_size = 1 + hidden_size + 2;

/// 0-based days of the year on which gru_Rh receives the year's residue; 0 on all others.
constexpr size_t first_pulse_day = 298, pulse_days = 2;

/// The 19 inputs, in order.
const std::vector<std::string>& input_names();

/// Their units, in the same order.
const std::vector<std::string>& input_units();

/// Name and shape of every tensor, as in PyTorch's state_dict.
const std::map<std::string, std::vector<int64_t>>& tensor_shapes();

}  // namespace fluxtile::kgml_ag_c
