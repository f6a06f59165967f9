// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/input_keys.h"
#include "pipeline/plan.h"
#include "pipeline/timeline.h"
#include "stages/assemble.h"
#include "stages/coming_reads.h"
#include "stages/infer.h"
#include "stages/ingest_climate.h"
#include "stages/ingest_gpp.h"
#include "stages/ingest_soil.h"
#include "stages/write_tile.h"

namespace fluxtile {

class RunWatch;

/// The stages of one run, built from its plan: run, merge and pixel share them.
struct RunStages {
  std::shared_ptr<const Plan> plan;
  RegionSet regions;
  std::vector<std::shared_ptr<const Package>> packages;
  std::vector<RegionShape> shapes;
  std::shared_ptr<LayerReader> reader;
  std::shared_ptr<ComingReads> coming;  ///< what the ingest stages foresee
  std::unique_ptr<IngestSoil> ingest_soil;
  std::unique_ptr<IngestGpp> ingest_gpp;
  std::unique_ptr<IngestClimate> ingest_climate;
  std::unique_ptr<Assemble> assemble;
  std::unique_ptr<Infer> infer;  ///< null without engines
  std::unique_ptr<WriteTile> write;
  std::shared_ptr<const InputKeys> keys;
  std::shared_ptr<Timeline> timeline;  ///< what the threads do is noted here; null: nowhere
  RunWatch* watch = nullptr;           ///< is told how far the run is; null: nobody

  [[nodiscard]] const Package& package_of(size_t region) const;
  /// Hidden states of zero for every member of a region.
  [[nodiscard]] TileState zero_state(size_t region, size_t cells) const;
};

/// Makes the engine of a package of the run.
using EngineFactory = std::function<std::shared_ptr<const Engine>(
    const EngineOptions& options, std::shared_ptr<const Package> package)>;
/// The networks, as run.engine wants them.
EngineFactory network_engines();
/// None: merge reads what networks made before.
inline EngineFactory no_engines() { return nullptr; }

/// `engines`: what infer runs; measurements and tests pass their own. `daily`: daily values even if
/// the plan stores none (pixel). Throws Error(data) when the outlines are not those of the plan.
RunStages make_stages(PlannedRun run, const Config& config, const EngineFactory& engines,
                      bool daily);

}  // namespace fluxtile
