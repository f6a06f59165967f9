// SPDX-License-Identifier: Apache-2.0
// One program a target: FLUXTILE_FUZZ_TARGET is its function.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fluxtile::fuzz::FLUXTILE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
