// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_stages.h"

#include <algorithm>

namespace fluxtile {

const Package& RunStages::package_of(size_t region) const {
  return *packages.at(plan->regions.at(region).members.front().engine);
}

TileState RunStages::zero_state(size_t region, size_t cells) const {
  const size_t floats = architecture_info(package_of(region).architecture).state_size;
  TileState state;
  state.members.resize(plan->regions.at(region).members.size());
  for (auto& member : state.members) member.values.assign(cells * floats, 0.0F);
  return state;
}

EngineFactory network_engines() {
  return [](const EngineOptions& options, std::shared_ptr<const Package> package) {
    return std::shared_ptr<const Engine>(make_engine(options, std::move(package)));
  };
}

RunStages make_stages(PlannedRun run, const Config& config, const EngineFactory& engines,
                      bool daily) {
  RunStages stages;
  stages.plan = std::make_shared<const Plan>(std::move(run.plan));
  stages.regions = std::move(run.regions);
  stages.packages = std::move(run.packages);
  const Plan& plan = *stages.plan;
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    const Region& shape = stages.regions.regions.at(r);
    if (shape.digest() != plan.regions[r].outline) {
      throw Error(Code::data,
                  "the outline of region " + shape.name + " has changed since the plan was made")
          .file(config.region.path)
          .hint("run again without --shard, so that a new plan is written");
    }
    stages.shapes.push_back(
        {std::make_shared<const RegionIndex>(shape), Transform(plan.to_boundaries)});
  }
  stages.keys = std::make_shared<const InputKeys>(plan);
  stages.reader = std::make_shared<LayerReader>();
  // The sources live inside the plan; the stages share its ownership.
  const std::shared_ptr<const Sources> sources(stages.plan, &stages.plan->sources);
  stages.coming = std::make_shared<ComingReads>(plan.lattice, plan.steps);
  stages.ingest_soil = std::make_unique<IngestSoil>(plan.lattice, sources, stages.shapes,
                                                    stages.reader, stages.coming);
  stages.ingest_gpp =
      std::make_unique<IngestGpp>(plan.lattice, sources, stages.reader, stages.coming);
  stages.ingest_climate = std::make_unique<IngestClimate>(plan.lattice, sources, stages.reader);
  Assemble::Options options;
  options.crop_types = plan.crop_types;
  options.year_rule = plan.year_rule;
  options.start = plan.start;
  options.run_first_year = plan.steps.front().year;
  for (const auto& step : plan.steps)
    options.run_first_year = std::min(options.run_first_year, step.year);
  stages.assemble = std::make_unique<Assemble>(sources, options);
  if (engines) {
    std::vector<std::shared_ptr<const Engine>> made;
    for (const auto& package : stages.packages) made.push_back(engines(plan.engine, package));
    stages.infer = std::make_unique<Infer>(std::move(made), daily || plan.daily);
  }
  stages.write =
      std::make_unique<WriteTile>(private_folder(config) + "/tiles",
                                  WriteTile::Keep{config.keep_states, config.keep_within_year});
  return stages;
}

}  // namespace fluxtile
