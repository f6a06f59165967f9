// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_facts.h"

#include <sys/resource.h>

namespace fluxtile {

uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace fluxtile
