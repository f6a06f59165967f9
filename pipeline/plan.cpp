// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/file_name.h"
#include "base/nearest_name.h"
#include "base/safe_text.h"
#include "base/system_fault.h"
#include "pipeline/gpp_product.h"
#include "pipeline/input_watch.h"
#include "pipeline/plan_sources.h"
#include "pipeline/result_key.h"
#include "pipeline/tile_memory.h"
#include "pipeline/tile_order.h"
#include "stages/aggregate.h"

namespace fluxtile {
namespace {

/// Loads every package once and says which engines a region's members use.
class PackageShelf {
 public:
  PackageShelf(const Config& config, Plan& plan,
               std::vector<std::shared_ptr<const Package>>& packages)
      : config_(config), plan_(plan), packages_(packages) {}

  size_t load(const std::string& name, const std::string& key) {
    const std::string directory = config_.models.directory + "/" + name;
    const auto found = std::find(plan_.packages.begin(), plan_.packages.end(), directory);
    if (found != plan_.packages.end()) return static_cast<size_t>(found - plan_.packages.begin());
    std::shared_ptr<const Package> package;
    try {
      package = load_package(directory);
    } catch (Error& error) {
      if (error.key().empty()) throw config_.lines.locate(error, key);
      throw;
    }
    plan_.packages.push_back(directory);
    plan_.package_names.push_back(package->name);
    plan_.package_digests.push_back(package->digest);
    plan_.synthetic_model = plan_.synthetic_model || package->synthetic;
    for (const auto& warning : package->warnings)
      plan_.warnings.push_back(directory + ": " + warning);
    for (const auto& file : {directory + "/model.yaml", directory + "/weights.safetensors"}) {
      if (const auto listed = plan_file(file)) plan_.files.push_back(*listed);
    }
    packages_.push_back(package);
    require_same_inputs(*packages_.front(), *package);
    return packages_.size() - 1;
  }

 private:
  static void require_same_inputs(const Package& first, const Package& other) {
    for (size_t k = 0; k < std::min(first.inputs.size(), other.inputs.size()); ++k) {
      const auto &a = first.inputs[k], &b = other.inputs[k];
      if (a.name == b.name && a.unit == b.unit) continue;
      throw Error(Code::data, "two packages of one run want different inputs")
          .file(other.directory + "/model.yaml")
          .found(b.name + " in " + b.unit)
          .expected(a.name + " in " + a.unit + ", as in " + first.directory);
    }
  }

  const Config& config_;
  Plan& plan_;
  std::vector<std::shared_ptr<const Package>>& packages_;
};

std::vector<Member> members_of(const Config& config, const std::string& region,
                               const std::vector<int>& crop_types, PackageShelf& shelf) {
  std::vector<std::string> names;
  std::string key = "models.regions." + region;
  const auto found = config.models.regions.find(region);
  if (found != config.models.regions.end()) {
    names = found->second;
  } else if (!config.models.default_name.empty()) {
    names = {config.models.default_name};
    key = "models.default";
  } else {
    throw config.lines.locate(Error(Code::data, "no model for region " + region), "models.regions")
        .hint("name one under models.regions, or set models.default");
  }
  std::vector<Member> members;
  for (const auto& name : names) {
    const size_t engine = shelf.load(name, key);
    const double weight = 1.0 / static_cast<double>(names.size());
    if (crop_types.empty()) members.push_back({name, engine, -1, weight});
    for (const int type : crop_types) members.push_back({name, engine, type, weight});
  }
  return members;
}

/// Bytes that a thread takes while networks run. A CPU's engine tells itself; one on a device
/// stages its inputs in pieces.
uint64_t scratch_of(const Plan& plan, const std::vector<std::shared_ptr<const Package>>& packages) {
  constexpr uint64_t staging = 256ULL << 20;
  if (plan.engine.device != "cpu") return staging / static_cast<uint64_t>(plan.threads);
  uint64_t most = 0;
  for (const auto& package : packages)
    most = std::max<uint64_t>(most, make_engine(plan.engine, package)->scratch_bytes(366));
  return most;
}

/// Whether the blocks of the composites, of which most is read, reach from one side to the other.
bool blocks_span_rows(const Plan& plan) {
  const auto& composites = plan.sources.gpp.composites;
  if (composites.empty() || !composites.front().layer.variable.empty()) return false;
  const RasterInfo info = read_raster_info(composites.front().layer.path);
  return info.block_width >= info.grid.width && info.grid.width > 512;
}

/// Tiles of the region, cut into strips of TileMemory::unit_cells at most, or of as few rows as fit
/// the memory.
void add_units(Plan& plan, size_t r, const RegionIndex& index, const Transform& to_region,
               const TileMemory& memory) {
  PlanRegion& region = plan.regions[r];
  constexpr double most_tiles = 1e7;
  constexpr int64_t kCountedRows = 32;
  const auto side = static_cast<double>(plan.tile);
  const double tiles_across = static_cast<double>(region.window.width) / side + 1,
               tiles_down = static_cast<double>(region.window.height) / side + 1;
  if (tiles_across * tiles_down > most_tiles)
    throw Error(Code::data, "region " + region.name + " has too many tiles")
        .key("grid.tile")
        .found(std::to_string(region.window.width) + " x " + std::to_string(region.window.height) +
               " cells in tiles of " + std::to_string(plan.tile))
        .expected("at most 10 million tiles a region")
        .hint("raise grid.tile, or choose a coarser grid.resolution");
  const int64_t fits = memory.largest_side(region);
  const auto tiles = ordered_tiles(tiles_of(region.window, plan.tile), blocks_span_rows(plan));
  for (const TileIndex& tile : tiles) {
    const CellWindow whole = tile_window(tile, plan.tile).intersection(region.window);
    std::vector<int64_t> cells_of_rows(static_cast<size_t>(whole.height));
    for (int64_t row = 0; row < whole.height; row += kCountedRows) {
      const CellWindow part{whole.column, whole.row + row, whole.width,
                            std::min(kCountedRows, whole.height - row)};
      for (const CellIndex& cell : cells_inside(plan.lattice, part, index, to_region))
        ++cells_of_rows[static_cast<size_t>(cell.row - whole.row)];
    }
    size_t row = 0;
    for (const int64_t rows : memory.unit_rows(cells_of_rows, fits)) {
      const CellWindow window{whole.column, whole.row + static_cast<int64_t>(row), whole.width,
                              rows};
      int64_t cells = 0;
      for (int64_t k = 0; k < rows; ++k) cells += cells_of_rows[row++];
      if (cells == 0) continue;
      plan.units.push_back({r, window, cells});
      region.cells += cells;
    }
  }
}

void check_products(const Config& config, const Plan& plan) {
  for (size_t p = 0; p < config.products.size(); ++p) {
    const ProductConfig& product = config.products[p];
    const std::string key = "outputs.products." + std::to_string(p) + ".variables";
    for (const auto& variable : product.variables) {
      for (const auto& region : plan.regions) {
        if (can_give(region.variables, region.annual_variables, variable)) continue;
        std::vector<std::string> known = region.variables;
        known.insert(known.end(), region.annual_variables.begin(), region.annual_variables.end());
        for (const auto& derived : derived_variables()) {
          if (can_give(region.variables, region.annual_variables, derived))
            known.push_back(derived);
        }
        throw config.lines
            .locate(Error(Code::data, "the model of region " + region.name + " does not give `" +
                                          variable + "`"),
                    key)
            .hint(suggestion(variable, known));
      }
    }
  }
}

void check_synthetic(const Config& config, const VerbOptions& options, const Plan& plan) {
  if (!plan.synthetic_model || plan.synthetic_inputs || options.allow_synthetic_model) return;
  throw config.lines
      .locate(Error(Code::data, "a model of this run was trained on synthetic data"),
              "models.default")
      .found("training.synthetic: true, on inputs that are not synthetic themselves")
      .hint(
          "use a package trained on observations, or pass --allow-synthetic-model; every product "
          "will say so");
}

int thread_count(const Config& config) {
  if (config.run.threads > 0) return config.run.threads;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : static_cast<int>(cores);
}

/// What a plan is a plan of: the configuration and the input files as they are on disk now. How it
/// is run (threads, memory, engine) and what is made of the results (outputs) may change without
/// making another plan.
std::string plan_id(const Config& config, const Plan& plan) {
  auto canonical = nlohmann::json::parse(config.canonical);
  for (const char* section : {"run", "outputs", "state"}) canonical.erase(section);
  Digest digest;
  digest.add_text(canonical.dump()).add_value(plan.daily);
  for (const auto& file : plan.files) {
    digest.add_text(file.path).add_value(file.size).add_value(file.mtime_ns);
  }
  for (const auto& package : plan.package_digests) digest.add_text(package);
  return digest.hex();
}

/// Grid, outlines and options that need neither package nor input file.
void begin_plan(const Config& config, PlannedRun& run) {
  Plan& plan = run.plan;
  plan.name = config.name;
  plan.lattice = config.lattice;
  plan.tile = config.tile;
  plan.year_rule = config.models.year;
  plan.threads = thread_count(config);
  plan.memory = config.run.memory;
  try {
    static_cast<void>(Crs::from_user_input(config.lattice.crs));
  } catch (Error& error) {
    throw config.lines.locate(error, "grid.crs");
  }
  try {
    run.regions = read_regions(config.region, config.select);
  } catch (Error& error) {
    throw config.lines.locate(error, error.key().empty() ? "region.boundaries" : error.key());
  }
}

/// Names come from data and go into file names, reports, tables and logs.
void require_usable_name(const PlanRegion& region, const Config& config) {
  constexpr size_t longest = 120;
  if (!is_plain_text(region.name))
    throw config.lines
        .locate(Error(Code::data, "a region's name holds control characters or is no UTF-8"),
                "region.key")
        .found(visible_text(region.name))
        .hint("choose another attribute for region.key, or mend the boundaries");
  if (region.file_name.size() > longest)
    throw config.lines
        .locate(Error(Code::data, "a region's name is too long for the names of files"),
                "region.key")
        .found(region.file_name)
        .expected("at most " + std::to_string(longest) +
                  " letters and digits; every other byte counts as three")
        .hint("choose another attribute for region.key, for example a code");
}

PlanRegion plan_region(const Region& shape, const Config& config, Plan& plan) {
  PlanRegion region;
  region.name = shape.name;
  region.file_name = file_name_of(shape.name);
  require_usable_name(region, config);
  region.outline = shape.digest();
  region.warnings = shape.warnings;
  for (const auto& warning : shape.warnings)
    plan.warnings.push_back("region " + shape.name + ": " + warning);
  return region;
}

void relate_to_boundaries(const Config& config, PlannedRun& run) {
  const Crs grid = Crs::from_user_input(config.lattice.crs);
  run.plan.boundaries_crs = run.regions.crs.wkt();
  run.plan.to_boundaries = choose_operation(grid, run.regions.crs);
  require_accuracy(run.plan.to_boundaries, config.lattice.resolution * grid.unit_factor() *
                                               (grid.geographic() ? 111319.49 : 1.0));
}

}  // namespace

PlannedRun plan_inputs(const Config& config, std::shared_ptr<const Package> package, int first,
                       int last) {
  PlannedRun run;
  begin_plan(config, run);
  for (const Region& shape : run.regions.regions) {
    PlanRegion region = plan_region(shape, config, run.plan);
    region.members = {{package->name, 0, -1, 1.0}};
    run.plan.regions.push_back(std::move(region));
  }
  run.packages = {std::move(package)};
  SourceResolver(config, *run.packages.front(), run.plan).resolve_record(first, last);
  relate_to_boundaries(config, run);
  return run;
}

PlannedRun make_plan(const Config& config, const VerbOptions& options) {
  PlannedRun run;
  Plan& plan = run.plan;
  if (config.models.blend_km > 0) {
    throw config.lines
        .locate(Error(Code::data,
                      "blending of neighbouring regions' models is not part of this version"),
                "models.blend")
        .hint("set `blend: 0 km`");
  }
  if (config.crop.mode == CropConfig::Mode::fraction) {
    std::set<int> types;
    for (const auto& [code, type] : config.crop.codes) types.insert(type);
    plan.crop_types.assign(types.begin(), types.end());
  }
  for (const auto& product : config.products)
    plan.daily = plan.daily || product.period == Period::daily;

  begin_plan(config, run);
  PackageShelf shelf(config, plan, run.packages);
  for (const Region& shape : run.regions.regions) {
    PlanRegion region = plan_region(shape, config, plan);
    region.members = members_of(config, shape.name, plan.crop_types, shelf);
    const auto info = architecture_info(run.packages[region.members.front().engine]->architecture);
    region.variables = info.variables;
    region.annual_variables = info.annual_variables;
    region.state_size = info.state_size;
    region.open_size = info.open_size;
    plan.regions.push_back(std::move(region));
  }
  for (const auto& [name, packages] : config.models.regions) {
    const bool selected =
        std::any_of(plan.regions.begin(), plan.regions.end(),
                    [&, &n = name](const PlanRegion& region) { return region.name == n; });
    if (!selected) plan.warnings.push_back("models.regions." + name + " is not a selected region");
  }
  check_products(config, plan);

  SourceResolver(config, *run.packages.front(), plan).resolve();
  check_synthetic(config, options, plan);
  for (auto& warning : gpp_product_warnings(config, run.packages))
    plan.warnings.push_back(std::move(warning));

  EngineOptions wanted{config.run.engine, config.run.device, config.run.precision};
  try {
    plan.engine = resolve_engine(wanted);
    // A year that is closed can only be revised at its end.
    if (plan.engine.engine == "fused")
      plan.keep_within_year = std::min(config.keep_within_year,
                                       plan.steps.back().complete ? 1 : config.keep_within_year);
  } catch (Error& error) {
    throw config.lines.locate(error, error.key().empty() ? "run.engine" : error.key());
  }
  plan.engine_identity = engine_identity(plan.engine);

  relate_to_boundaries(config, run);
  const Transform to_region(plan.to_boundaries);
  plan.scratch = scratch_of(plan, run.packages);
  const TileMemory memory(plan, config);
  for (size_t r = 0; r < plan.regions.size(); ++r) {
    const RegionIndex index(run.regions.regions[r]);
    try {
      plan.regions[r].window =
          region_window(plan.lattice, run.regions.regions[r], index, to_region);
    } catch (Error& error) {
      throw config.lines.locate(error, "grid.resolution");
    }
    if (plan.regions[r].window.empty()) {
      throw config.lines
          .locate(Error(Code::data, "no cell centre lies in region " + plan.regions[r].name),
                  "grid.resolution")
          .hint("choose a finer grid.resolution");
    }
    plan.regions[r].result_key = result_key(plan, r);
    try {
      add_units(plan, r, index, to_region, memory);
    } catch (Error& error) {
      if (error.key().empty()) throw;
      throw config.lines.locate(error, error.key());
    }
  }
  plan.estimate = memory.estimate();
  plan.id = plan_id(config, plan);
  return run;
}

std::optional<PlanFile> plan_file(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    const int error = errno;
    if (error != EIO && error != EACCES && !is_passing_fault(error)) return std::nullopt;
    Error e = system_fault(Code::io, "cannot look at the file", path, error);
    throw error == EACCES ? e.hint("check the permissions of its folder") : e;
  }
  constexpr int64_t nanoseconds = 1000000000;
  return PlanFile{path, static_cast<int64_t>(info.st_size),
                  static_cast<int64_t>(info.st_mtim.tv_sec) * nanoseconds + info.st_mtim.tv_nsec};
}

std::string private_folder(const Config& config) { return config.output_directory + "/.fluxtile"; }

namespace {

std::string plan_path(const Config& config, const std::string& id) {
  return private_folder(config) + "/plans/" + id + ".json";
}

bool is_there(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

void require_engine(const Plan& plan, const std::string& here, const std::string& path) {
  if (here == plan.engine_identity) return;
  throw Error(Code::data, "this machine cannot provide the plan's engine")
      .file(path)
      .found(here)
      .expected(plan.engine_identity)
      .hint("run all shards on the same kind of node (Slurm: --constraint)");
}

/// What engine this machine gives when asked for the plan's.
std::string engine_here(const Plan& plan) {
  try {
    return engine_identity(plan.engine);
  } catch (const Error& error) {
    return error.message();
  }
}

/// The plan was cut for the memory of the machine that wrote it.
void require_memory(const Config& config, const Plan& plan) {
  const TileMemory memory(plan, config);
  uint64_t most = 0;
  for (const auto& unit : plan.units)
    most = std::max(most, memory.tile_bytes(unit.cells, plan.regions[unit.region]));
  if (most <= memory.budget()) return;
  throw config.lines
      .locate(Error(Code::data, "run.memory is too small for a tile of the plan"), "run.memory")
      .found(std::to_string(plan.memory >> 20) + " MiB")
      .expected("at least " + std::to_string(((memory.fixed_bytes() + most) >> 20) + 1) +
                " MiB with " + std::to_string(plan.threads) + " threads")
      .hint(
          "give shards more memory or fewer threads (Slurm: --mem, --cpus-per-task), or plan with "
          "less: --memory");
}

/// Loads a plan by its id: no header of an input is read, so that a thousand shards cost their file
/// system a thousand times a few calls of stat.
PlannedRun load_plan(const Config& config, const VerbOptions& options, PlanUse use) {
  const std::string path = plan_path(config, options.plan);
  if (!is_file_name(options.plan) || !is_there(path)) {
    throw Error(Code::data, "there is no plan " + options.plan)
        .file(config.path)
        .expected(path)
        .hint("`fluxtile submit` writes it; give the same --set and outputs.directory");
  }
  PlannedRun run;
  run.plan = plan_from_json(read_file(path), path);
  Plan& plan = run.plan;
  if (const auto changed = changed_input(plan)) {
    throw Error(Code::data, changed->now ? "an input has changed since the plan was written"
                                         : "an input of the plan is gone")
        .file(changed->planned.path)
        .hint("submit again: what is still right is kept");
  }
  for (size_t k = 0; k < plan.packages.size(); ++k) {
    run.packages.push_back(load_package(plan.packages[k]));
    if (run.packages.back()->digest != plan.package_digests.at(k)) {
      throw Error(Code::data, "a model package has changed since the plan was written")
          .file(plan.packages[k])
          .hint("submit again");
    }
  }
  if (plan.id != options.plan || plan_id(config, plan) != plan.id) {
    throw Error(Code::data, "the plan is not one of this configuration")
        .file(config.path)
        .found("another configuration than that of plan " + options.plan)
        .hint("submit again; a changed configuration makes another plan");
  }
  run.regions = read_regions(config.region, config.select);
  check_products(config, plan);
  check_synthetic(config, options, plan);
  plan.threads = thread_count(config);
  plan.memory = config.run.memory;
  if (use == PlanUse::shard) {
    require_engine(plan, engine_here(plan), path);
    require_memory(config, plan);
  }
  return run;
}

/// Whether two plans of one id make the same results of the same tiles' cells.
bool same_results(const Plan& a, const Plan& b) {
  return a.engine_identity == b.engine_identity &&
         std::equal(a.regions.begin(), a.regions.end(), b.regions.begin(), b.regions.end(),
                    [](const PlanRegion& one, const PlanRegion& other) {
                      return one.result_key == other.result_key && one.outline == other.outline;
                    });
}

}  // namespace

size_t result_years(const Plan& plan) {
  return static_cast<size_t>(std::count_if(plan.steps.begin(), plan.steps.end(),
                                           [](const YearStep& step) { return !step.spinup; }));
}

PlannedRun open_plan(const Config& config, const VerbOptions& options, PlanUse use) {
  if (!options.plan.empty()) return load_plan(config, options, use);
  // Planning is cheap (headers) and its id is a function of configuration and files, so the id is
  // found by planning.
  PlannedRun run = make_plan(config, options);
  const std::string path = plan_path(config, run.plan.id);
  if (use == PlanUse::run) {
    const std::string text = plan_to_json(run.plan);
    if (!is_there(path) || read_file(path) != text) write_atomically(path, text);
    return run;
  }
  if (!is_there(path)) {
    if (use == PlanUse::look) {
      throw Error(Code::data, "there is no run of this configuration on these inputs")
          .file(config.path)
          .expected(path)
          .hint("run `fluxtile run` first; a changed configuration or input makes another plan");
    }
    if (use == PlanUse::preview) return run;
    write_once(path, plan_to_json(run.plan));
  }
  // What was written first counts, so that every shard cuts the same tiles.
  Plan written = plan_from_json(read_file(path), path);
  if (written.id != run.plan.id) {
    throw Error(Code::data, "this file holds another plan than its name says")
        .file(path)
        .found(written.id)
        .hint("remove it; the next run writes it anew");
  }
  const bool submits = use == PlanUse::submit || use == PlanUse::preview;
  if (submits && !same_results(written, run.plan)) {
    if (use == PlanUse::submit) write_atomically(path, plan_to_json(run.plan));
    return run;
  }
  if (use == PlanUse::shard) require_engine(written, run.plan.engine_identity, path);
  written.threads = run.plan.threads;
  written.memory = run.plan.memory;
  run.plan = std::move(written);
  if (use == PlanUse::shard) require_memory(config, run.plan);
  return run;
}

}  // namespace fluxtile
