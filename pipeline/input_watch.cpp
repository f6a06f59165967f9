// SPDX-License-Identifier: Apache-2.0
#include "pipeline/input_watch.h"

#include "base/error.h"

namespace fluxtile {

std::optional<ChangedInput> changed_input(const Plan& plan) {
  for (const PlanFile& planned : plan.files) {
    const auto now = plan_file(planned.path);
    if (!now || now->size != planned.size || now->mtime_ns != planned.mtime_ns)
      return ChangedInput{planned, now};
  }
  return std::nullopt;
}

void require_unchanged_inputs(const Plan& plan) {
  const auto changed = changed_input(plan);
  if (!changed) return;
  throw Error(Code::interrupted, changed->now ? "an input changed while the run was going on"
                                              : "an input disappeared while the run was going on")
      .file(changed->planned.path)
      .found(changed->now ? std::to_string(changed->now->size) + " bytes, planned with " +
                                std::to_string(changed->planned.size)
                          : "no such file")
      .hint("run the same command again: what the change touches is computed anew");
}

}  // namespace fluxtile
