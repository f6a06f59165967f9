// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geo/region.h"
#include "model/engine.h"
#include "pipeline/config.h"
#include "pipeline/verbs.h"
#include "stages/sources.h"
#include "stages/tile.h"

namespace fluxtile {

/// One region of a plan: its grid window, its tiles and whose model runs on it.
struct PlanRegion {
  std::string name;       ///< value of the key attribute
  std::string file_name;  ///< the name as part of file names (percent-encoded where need be)
  std::string outline;    ///< digest of the polygon
  CellWindow window;      ///< tight box of its cells
  int64_t cells = 0;
  std::vector<Member> members;
  std::vector<std::string> variables, annual_variables;
  size_t state_size = 0;   ///< floats a cell and member
  size_t open_size = 0;    ///< further ones of a state within a year
  std::string result_key;  ///< what of model, options, engine, grid and operations decides values
  std::vector<std::string> warnings;
};

/// An input file as the plan saw it.
struct PlanFile {
  std::string path;
  int64_t size = 0, mtime_ns = 0;
};

/// The file as it is on disk now; nullopt when there is none. Throws Error(io | interrupted) when the
/// file system does not say.
std::optional<PlanFile> plan_file(const std::string& path);

/// Coverage of one input, for people.
struct PlanCoverage {
  std::string input, first, last, note;
  int64_t files = 0, missing = 0;
};

struct PlanEstimate {
  uint64_t tile_bytes = 0;   ///< memory of the largest tile in flight
  uint64_t fixed_bytes = 0;  ///< program, caches, scratch of all threads
  int tiles_in_flight = 0;
  uint64_t result_bytes = 0, state_bytes = 0, product_bytes = 0;  ///< on disk, upper bounds
  double seconds = 0;  ///< of the networks, from a measured trial of this machine
  double pixel_years_per_second = 0;
  /// Of a precision other than fp32: package -> variable -> error of annual sums against fp32, a
  /// share of the sum of absolute daily values (engine_trial.h).
  std::map<std::string, std::map<std::string, double>> precision_errors;
};

/// Everything a run needs, resolved from configuration and headers: written once, loaded by every
/// shard.
struct Plan {
  int format = 1;
  std::string id;  ///< of the configuration and the input files as they are
  std::string name;
  Lattice lattice;
  int64_t tile = 256;
  std::string boundaries_crs;  ///< WKT
  Operation to_boundaries;     ///< grid CRS -> boundaries
  std::vector<PlanRegion> regions;
  std::vector<TileUnit> units;  ///< all regions' tiles, in order; shard I takes I, I+N, ...
  std::vector<YearStep> steps;
  std::vector<std::string> step_stamps;  ///< chain of size and mtime of the files behind each step
  Sources sources;
  std::vector<std::string> packages;  ///< directories, one an engine
  std::vector<std::string> package_names, package_digests;
  std::vector<int> crop_types;  ///< fraction mode
  std::string year_rule;
  EngineOptions engine;
  std::string engine_identity;
  uint64_t scratch = 0;           ///< bytes that a thread of the engine takes
  int keep_within_year = 0;       ///< states within the last year that are kept
  bool daily = false;             ///< tile-years store daily values
  bool synthetic_model = false;   ///< some package was trained on synthetic data
  bool synthetic_inputs = false;  ///< every input says that it is synthetic
  Date start, end;                ///< of the results
  int threads = 1;
  uint64_t memory = 0;
  std::vector<PlanFile> files;
  std::vector<PlanCoverage> coverage;
  std::vector<std::string> warnings;
  PlanEstimate estimate;
};

/// Years of a plan that have results: all but those of the spin-up.
size_t result_years(const Plan& plan);

/// A plan with what cannot be written down: polygons and packages.
struct PlannedRun {
  Plan plan;
  RegionSet regions;
  std::vector<std::shared_ptr<const Package>> packages;
};

/// Reads headers and outlines, resolves every choice, checks that everything fits together. Writes
/// nothing. Throws Error(data) with the config key and line.
PlannedRun make_plan(const Config& config, const VerbOptions& options);

/// What of a plan the inputs decide: regions, sources, and as steps the years from `first` to
/// `last` ((0, 0): all) that every input covers, the longest row of them. Needs no model package:
/// `package` says which inputs are wanted and in which units. For training; stages made of it have
/// no engine. Throws Error(data) with the config key and line.
PlannedRun plan_inputs(const Config& config, std::shared_ptr<const Package> package, int first,
                       int last);

/// Plans as JSON text and back. Throws Error(data) for a newer format.
std::string plan_to_json(const Plan& plan);
Plan plan_from_json(const std::string& text, const std::string& path);

/// What plan_verb prints for people.
std::string plan_for_people(const Plan& plan, const Config& config);

/// `.fluxtile` under the outputs.
std::string private_folder(const Config& config);

/// Who asks for a plan: a whole run writes it anew, a shard loads what the first one wrote, merge
/// and status only look. `submit` keeps a written plan as long as its results are still wanted, so
/// that what shards did before stays done; `preview` does the same and writes nothing.
enum class PlanUse { run, shard, look, submit, preview };

/// The plan of this configuration and these inputs under `.fluxtile/plans`; with `options.plan` the
/// one of that id, without planning anew. Throws Error(data) when `look` finds none, when the plan
/// of that id is not one of today's configuration and input files, or when a shard's machine cannot
/// provide the plan's engine or memory.
PlannedRun open_plan(const Config& config, const VerbOptions& options, PlanUse use);

}  // namespace fluxtile
