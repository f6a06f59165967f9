// SPDX-License-Identifier: Apache-2.0
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <set>

#include "pipeline/engine_trial.h"
#include "pipeline/plan.h"

namespace fluxtile {
namespace {

std::string size_text(uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (value < 1 << 20) return fmt::format("{:.1f} kB", value / 1e3);
  if (value < 1 << 30) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.2f} GB", value / 1e9);
}

std::string time_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string years_text(const Plan& plan, bool spinup) {
  std::string text;
  for (const auto& step : plan.steps) {
    if (step.spinup != spinup) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(step.year);
    if (!step.complete) text += fmt::format(" ({} days)", step.days);
  }
  return text.empty() ? "none" : text;
}

}  // namespace

std::string plan_for_people(const Plan& plan, const Config& config) {
  std::string text;
  const auto line = [&](const std::string& label, const std::string& value) {
    text += fmt::format("{:<12} {}\n", label, value);
  };
  line("plan", plan.id);
  line("results", fmt::format("{} to {}, years {}; spin-up {}", to_text(plan.start),
                              to_text(plan.end), years_text(plan, false), years_text(plan, true)));
  line("grid", fmt::format("{}, cells of {:g}, tiles of {}", plan.lattice.crs,
                           plan.lattice.resolution, plan.tile));
  for (const auto& region : plan.regions) {
    std::set<std::string> models;
    for (const auto& member : region.members) models.insert(member.package);
    std::string names;
    for (const auto& name : models) names += (names.empty() ? "" : ", ") + name;
    const auto tiles =
        std::count_if(plan.units.begin(), plan.units.end(),
                      [&](const TileUnit& unit) { return &plan.regions[unit.region] == &region; });
    line("region",
         fmt::format("{}: {} x {} cells, {} inside, {} tiles, model {}", region.name,
                     region.window.width, region.window.height, region.cells, tiles, names));
  }
  for (const auto& cover : plan.coverage) {
    static const std::map<std::string, std::string> counted = {
        {"gpp", "composites"}, {"climate", "variables"}, {"soil", "maps"}, {"crop", "maps"}};
    const std::string span =
        cover.first.empty() ? "" : fmt::format(", {} to {}", cover.first, cover.last);
    line("input", fmt::format("{}: {} {}{}{}", cover.input, cover.files, counted.at(cover.input),
                              span, cover.note.empty() ? "" : "; " + cover.note));
  }
  line("boundaries",
       fmt::format("{} (accuracy {:g} m)", plan.to_boundaries.name, plan.to_boundaries.accuracy_m));
  for (const auto& operation : plan.sources.operations) {
    line("operation", fmt::format("{} (accuracy {:g} m)", operation.name, operation.accuracy_m));
    if (!operation.pipeline.empty()) line("", operation.pipeline);
  }
  line("engine", fmt::format("{}, {} threads", plan.engine_identity, plan.threads));
  line("memory", fmt::format("{} promised; {} fixed + {} a tile, {} tiles at once",
                             size_text(plan.memory), size_text(plan.estimate.fixed_bytes),
                             size_text(plan.estimate.tile_bytes), plan.estimate.tiles_in_flight));
  line("disk",
       fmt::format(
           "at most {} of tile-years, {} of states (the last {} of years and {} within the last "
           "year), {} of products in {}",
           size_text(plan.estimate.result_bytes), size_text(plan.estimate.state_bytes),
           config.keep_states, plan.keep_within_year, size_text(plan.estimate.product_bytes),
           config.output_directory));
  if (plan.estimate.seconds > 0) {
    line(
        "time",
        fmt::format("at most {} for the networks ({:.0f} pixel-years a second in a trial just now)",
                    time_text(plan.estimate.seconds), plan.estimate.pixel_years_per_second));
  }
  for (const auto& [package, errors] : plan.estimate.precision_errors) {
    std::string shares;
    for (const auto& [variable, error] : errors)
      shares += fmt::format("{}{} {:.2g} %", shares.empty() ? "" : ", ", variable, 100 * error);
    line("precision",
         fmt::format("{} with {}: annual sums differ from fp32 by up to {} of the sum of absolute "
                     "daily values, in a trial on made-up cells",
                     plan.engine.precision, package, shares));
  }
  if (plan.synthetic_model)
    line("note", "model trained on synthetic data: every product will say so");
  for (const auto& warning : plan.warnings) line("warning", warning);
  return text;
}

int plan_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  PlannedRun run = make_plan(config, options);
  Plan& plan = run.plan;
  plan.estimate.pixel_years_per_second =
      pixel_years_per_second(plan.engine, run.packages.front(), plan.threads);
  if (plan.engine.precision != "fp32") {
    for (size_t k = 0; k < run.packages.size(); ++k)
      plan.estimate.precision_errors[plan.package_names[k]] =
          annual_sum_errors(plan.engine, run.packages[k]);
  }
  double pixel_years = 0;
  for (const auto& unit : plan.units) {
    pixel_years += static_cast<double>(unit.cells) *
                   static_cast<double>(plan.regions[unit.region].members.size());
  }
  pixel_years *= static_cast<double>(plan.steps.size());
  if (plan.estimate.pixel_years_per_second > 0)
    plan.estimate.seconds = pixel_years / plan.estimate.pixel_years_per_second;
  out << (options.json ? plan_to_json(plan) : plan_for_people(plan, config));
  return 0;
}

}  // namespace fluxtile
