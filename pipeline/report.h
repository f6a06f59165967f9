// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/graph.h"
#include "pipeline/merge.h"

namespace fluxtile {

/// Writes report.html beside the products: pictures, totals, monthly curves, quality counts,
/// warnings, provenance. One file, opens offline.
void write_report(const RunStages& stages, const Config& config, const MergeCheck& check,
                  const Merged& merged, const RunTally& tally, double seconds);

}  // namespace fluxtile
