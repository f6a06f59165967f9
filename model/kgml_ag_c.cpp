// SPDX-License-Identifier: Apache-2.0
#include "model/kgml_ag_c.h"

namespace fluxtile::kgml_ag_c {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

void add_gru(Shapes& shapes, const std::string& name, int64_t inputs, int layers) {
  constexpr auto hidden = static_cast<int64_t>(hidden_size);
  for (int layer = 0; layer < layers; ++layer) {
    const std::string suffix = "_l" + std::to_string(layer);
    shapes[name + ".weight_ih" + suffix] = {3 * hidden, layer == 0 ? inputs : hidden};
    shapes[name + ".weight_hh" + suffix] = {3 * hidden, hidden};
    shapes[name + ".bias_ih" + suffix] = {3 * hidden};
    shapes[name + ".bias_hh" + suffix] = {3 * hidden};
  }
}

void add_linear(Shapes& shapes, const std::string& name, int64_t inputs, int64_t outputs) {
  shapes[name + ".weight"] = {outputs, inputs};
  shapes[name + ".bias"] = {outputs};
}

}  // namespace

const std::vector<std::string>& input_names() {
  static const std::vector<std::string> names = {
      "RADN",      "TMAX_AIR", "TDIF_AIR", "HMAX_AIR", "HDIF_AIR", "WIND",  "PRECN",
      "Crop_Type", "GPP",      "Year",     "TBKDS",    "TSAND",    "TSILT", "TFC",
      "TWP",       "TKSat",    "TSOC",     "TPH",      "TCEC"};
  return names;
}

const std::vector<std::string>& input_units() {
  static const std::vector<std::string> units = {
      "MJ m-2 d-1", "degC",       "degC",    "kPa",    "kPa",      "km d-1", "mm d-1",
      "1",          "gC m-2 d-1", "1",       "Mg m-3", "g kg-1",   "g kg-1", "m3 m-3",
      "m3 m-3",     "mm h-1",     "gC kg-1", "1",      "cmol kg-1"};
  return units;
}

const Shapes& tensor_shapes() {
  static const Shapes shapes = [] {
    constexpr auto hidden = static_cast<int64_t>(hidden_size);
    constexpr auto features = static_cast<int64_t>(feature_count);
    Shapes all;
    add_gru(all, "gru_basic", features, 2);
    add_gru(all, "gru_Ra", hidden + features, 1);
    add_gru(all, "gru_Rh", 1 + hidden + features, 2);
    add_gru(all, "gru_NEE", 2 + features, 1);
    for (const char* head : {"densor_Ra", "densor_Rh", "densor_NEE"})
      add_linear(all, head, hidden, 1);
    for (const std::string stack : {"attn", "densor_yield"}) {
      add_linear(all, stack + ".0", hidden, 64);
      add_linear(all, stack + ".2", 64, 64);
      add_linear(all, stack + ".4", 64, 32);
      add_linear(all, stack + ".6", 32, 1);
    }
    return all;
  }();
  return shapes;
}

}  // namespace fluxtile::kgml_ag_c
