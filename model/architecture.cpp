// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/nearest_name.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"
#include "model/recurrent_shapes.h"

namespace fluxtile {

ArchitectureInfo architecture_info(const std::string& architecture) {
  const std::vector<std::string> variables = {"ra", "rh", "nee", "gpp"};
  // Sums in float64 of the month that has begun, and its flags.
  const size_t month = 2 * variables.size() + 1;
  if (architecture == kgml_ag_c::architecture)
    return {variables, {"yield", "residue"}, kgml_ag_c::state_size, kgml_ag_c::open_size + month};
  // The plain baselines: hidden units, and an LSTM's cells behind them.
  constexpr size_t units = recurrent::layers * recurrent::hidden_size;
  if (architecture == "gru") return {variables, {}, units, month};
  if (architecture == "lstm") return {variables, {}, 2 * units, month};
  throw Error(Code::data, "architecture '" + architecture + "' is not known here")
      .found(architecture)
      .expected("kgml-ag-c, gru or lstm")
      .hint(suggestion(architecture, {kgml_ag_c::architecture, "gru", "lstm"}));
}

}  // namespace fluxtile
