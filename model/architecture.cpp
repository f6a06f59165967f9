// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/nearest_name.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"
#include "model/recurrent_shapes.h"

namespace fluxtile {

ArchitectureInfo architecture_info(const std::string& architecture) {
  if (architecture == kgml_ag_c::architecture)
    return {{"ra", "rh", "nee", "gpp"}, {"yield", "residue"}, kgml_ag_c::state_size};
  // The plain baselines: hidden units, and an LSTM's cells behind them.
  constexpr size_t units = recurrent::layers * recurrent::hidden_size;
  if (architecture == "gru") return {{"ra", "rh", "nee", "gpp"}, {}, units};
  if (architecture == "lstm") return {{"ra", "rh", "nee", "gpp"}, {}, 2 * units};
  throw Error(Code::data, "architecture '" + architecture + "' is not known here")
      .found(architecture)
      .expected("kgml-ag-c, gru or lstm")
      .hint(suggestion(architecture, {kgml_ag_c::architecture, "gru", "lstm"}));
}

}  // namespace fluxtile
