// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fluxtile::recurrent {

/// What is fixed about the plain baselines `gru` and `lstm`: see recurrent_network.h. Nothing here
/// needs torch.
constexpr size_t hidden_size = 64, layers = 2, flux_count = 3;

[[nodiscard]] bool is_architecture(const std::string& name);

/// Name and shape of every tensor, as in PyTorch's state_dict: rnn.weight_ih_l0, ...,
/// head.weight, head.bias.
std::map<std::string, std::vector<int64_t>> tensor_shapes(const std::string& architecture,
                                                          size_t inputs);

}  // namespace fluxtile::recurrent
