// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/nearest_name.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {

ArchitectureInfo architecture_info(const std::string& architecture) {
  if (architecture == kgml_ag_c::architecture)
    return {{"ra", "rh", "nee", "gpp"}, {"yield", "residue"}, kgml_ag_c::state_size};
  throw Error(Code::data, "architecture '" + architecture + "' is not known here")
      .found(architecture)
      .expected(kgml_ag_c::architecture)
      .hint(suggestion(architecture, {kgml_ag_c::architecture}));
}

}  // namespace fluxtile
