// SPDX-License-Identifier: Apache-2.0
#include "pipeline/input_watch.h"

#include "base/error.h"

namespace fluxtile {

void require_unchanged_inputs(const Plan& plan) {
  for (const PlanFile& planned : plan.files) {
    const auto now = plan_file(planned.path);
    if (now && now->size == planned.size && now->mtime_ns == planned.mtime_ns) continue;
    throw Error(Code::interrupted, now ? "an input changed while the run was going on"
                                       : "an input disappeared while the run was going on")
        .file(planned.path)
        .found(now ? std::to_string(now->size) + " bytes, planned with " +
                         std::to_string(planned.size)
                   : "no such file")
        .hint("run the same command again: what the change touches is computed anew");
  }
}

}  // namespace fluxtile
