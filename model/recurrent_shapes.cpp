// SPDX-License-Identifier: Apache-2.0
#include "model/recurrent_shapes.h"

namespace fluxtile::recurrent {

bool is_architecture(const std::string& name) { return name == "gru" || name == "lstm"; }

std::map<std::string, std::vector<int64_t>> tensor_shapes(const std::string& architecture,
                                                          size_t inputs) {
  constexpr auto hidden = static_cast<int64_t>(hidden_size);
  const int64_t rows = (architecture == "lstm" ? 4 : 3) * hidden;
  std::map<std::string, std::vector<int64_t>> shapes;
  for (size_t layer = 0; layer < layers; ++layer) {
    const std::string suffix = "_l" + std::to_string(layer);
    shapes["rnn.weight_ih" + suffix] = {rows, layer == 0 ? static_cast<int64_t>(inputs) : hidden};
    shapes["rnn.weight_hh" + suffix] = {rows, hidden};
    shapes["rnn.bias_ih" + suffix] = {rows};
    shapes["rnn.bias_hh" + suffix] = {rows};
  }
  shapes["head.weight"] = {static_cast<int64_t>(flux_count), hidden};
  shapes["head.bias"] = {static_cast<int64_t>(flux_count)};
  return shapes;
}

}  // namespace fluxtile::recurrent
