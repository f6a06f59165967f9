// SPDX-License-Identifier: Apache-2.0
#include "pipeline/tile_memory.h"

#include <algorithm>
#include <cmath>

#include "geo/netcdf_source.h"
#include "stages/layer_reader.h"

namespace fluxtile {
namespace {

// A program linked with torch starts at 156 MB; PROJ, GDAL and NetCDF add what opening their files
// takes, and NetCDF keeps up to 64 MiB of decompressed chunks.
constexpr uint64_t kProgram = (260ULL + 64ULL) << 20;
// Of each thread, beside the engine's: open datasets, windows that are being read.
constexpr uint64_t kReading = 16ULL << 20;
constexpr uint64_t kFewestBlocks = 2ULL << 20;  // bytes of decoded ones
constexpr double kDegreeMetres = 111319.49;

/// Size of a number of a GDAL type: Byte, Int16, UInt16, Int32, ..., Float64.
uint64_t bytes_of(const std::string& type) {
  const auto digits = type.find_first_of("0123456789");
  return digits == std::string::npos ? 1 : std::stoull(type.substr(digits)) / 8;
}

}  // namespace

TileMemory::TileMemory(const Plan& plan, const Config& config) : plan_(plan), config_(config) {
  for (const auto& step : plan.steps) {
    const int64_t first = to_days({step.year, 1, 1}) - plan.sources.gpp.max_gap - 33;
    const int64_t end = first + 366 + 2 * (plan.sources.gpp.max_gap + 33);
    const auto& all = plan.sources.gpp.composites;
    composites_ = std::max<int64_t>(
        composites_, std::count_if(all.begin(), all.end(), [&](const CompositeRef& c) {
          return c.end > first && c.first < end;
        }));
  }
  const auto& read = plan.sources.gpp.composites;
  if (!read.empty() && read.front().layer.variable.empty()) {
    const RasterInfo raster = read_raster_info(read.front().layer.path);
    const int64_t width = std::max(raster.block_width, 1),
                  height = std::max(raster.block_height, 1);
    // Of thin strips, as many as make up a square.
    const int64_t blocks = std::max<int64_t>(1, width / height);
    block_bytes_ = static_cast<uint64_t>(composites_ * blocks * width * height) *
                   bytes_of(raster.bands.front().type);
  }
  block_bytes_ = std::max(block_bytes_, kFewestBlocks);
  const ClimateRun& run = plan.sources.climate.variables.front().runs.front();
  const NetcdfInfo info = read_netcdf_info(run.path);
  const SourceGrid& grid = find_variable(info, run.variable).grid;
  const auto step = [](const std::vector<double>& axis) {
    return axis.size() < 2
               ? 1.0
               : std::fabs(axis.back() - axis.front()) / static_cast<double>(axis.size() - 1);
  };
  const Crs crs = Crs::from_user_input(plan.lattice.crs);
  const double side_m = static_cast<double>(plan.tile) * plan.lattice.resolution *
                        crs.unit_factor() * (crs.geographic() ? kDegreeMetres : 1.0);
  const double metres =
      grid.crs.geographic() || grid.crs.empty() ? kDegreeMetres : grid.crs.unit_factor();
  // A degree of longitude shrinks with latitude and tiles stand askew on the climate grid: twice
  // the cells a side is ample.
  const double nx = 2 * side_m / (step(grid.x_axis) * metres) + 4,
               ny = 2 * side_m / (step(grid.y_axis) * metres) + 4;
  climate_cells_ = static_cast<int64_t>(std::min(nx, static_cast<double>(grid.width)) *
                                        std::min(ny, static_cast<double>(grid.height)));
}

uint64_t TileMemory::fixed_bytes() const {
  return kProgram + gdal_cache_bytes(plan_.memory) +
         (plan_.scratch + kReading) * static_cast<uint64_t>(plan_.threads);
}

uint64_t TileMemory::budget() const {
  return plan_.memory > fixed_bytes() ? plan_.memory - fixed_bytes() : 0;
}

uint64_t TileMemory::wanted() const {
  uint64_t unit = 0;
  const int64_t cells = plan_.engine.device == "cpu" ? unit_cells : plan_.tile * plan_.tile;
  for (const auto& region : plan_.regions) unit = std::max(unit, tile_bytes(cells, region));
  return std::min(budget(), unit * static_cast<uint64_t>(2 + plan_.threads / 8));
}

std::vector<int64_t> TileMemory::unit_rows(const std::vector<int64_t>& cells_of_rows,
                                           int64_t fits) const {
  constexpr int64_t fewest = 32;
  const bool on_device = plan_.engine.device != "cpu";
  std::vector<int64_t> rows;
  int64_t in_strip = 0, cells = 0;
  for (const int64_t more : cells_of_rows) {
    const bool enough = !on_device && in_strip >= fewest && cells + more > unit_cells;
    if (in_strip > 0 && (enough || in_strip >= fits)) {
      rows.push_back(in_strip);
      in_strip = cells = 0;
    }
    ++in_strip;
    cells += more;
  }
  if (in_strip > 0) rows.push_back(in_strip);
  return rows;
}

uint64_t TileMemory::tile_bytes(int64_t cells, const PlanRegion& region) const {
  const auto n = static_cast<uint64_t>(cells), m = static_cast<uint64_t>(region.members.size());
  const uint64_t open = region.state_size + region.open_size;
  const uint64_t state = n * m * 4 *
                         (region.state_size * 2 +  // also as it was stored, when resumed
                          open * static_cast<uint64_t>(plan_.keep_within_year) +
                          (plan_.keep_within_year > 0 ? open : 0));  // to go on from
  const uint64_t years = plan_.steps.size() > 1 ? 2 : 1;             // one is read ahead
  // Also as an earlier night left them.
  const uint64_t copies = plan_.keep_within_year > 0 ? years + 2 : years;
  const uint64_t gpp = n * static_cast<uint64_t>(composites_) * 4 * copies +
                       n * 96;  // values, one layer in double, segments
  const uint64_t weights = n * (4 * (8 + 4) + 8) * 3;
  const uint64_t statics =
      n * static_cast<uint64_t>(plan_.sources.statics.size() + plan_.steps.size()) * 4 + n * 32;
  const uint64_t daily = plan_.daily ? n * m * 4 * 366 * 4 : 0;
  const uint64_t results = (n * m * (4 * 12 * 4 + 2 * 4 + 12 * 2 + 4) + daily) * 2;
  const uint64_t climate =
      static_cast<uint64_t>(climate_cells_) * 368 *
      (plan_.sources.climate.terms.size() * 4 * years + plan_.sources.climate.variables.size() * 8);
  return state + gpp + weights + statics + results + climate;
}

int64_t TileMemory::largest_side(const PlanRegion& region) const {
  const uint64_t available = budget();
  for (int64_t rows = plan_.tile; rows > 0; rows = rows <= 32 ? 0 : (rows - 1) / 32 * 32) {
    if (tile_bytes(plan_.tile * rows, region) <= available) return rows;
  }
  // GDAL's cache grows with the promise: look for the promise that holds itself.
  const uint64_t rest = fixed_bytes() - gdal_cache_bytes(plan_.memory) +
                        tile_bytes(plan_.tile * std::min<int64_t>(32, plan_.tile), region);
  uint64_t need = rest;
  while (need < rest + gdal_cache_bytes(need)) need = rest + gdal_cache_bytes(need);
  throw config_.lines
      .locate(Error(Code::data, "run.memory is too small for one strip of a tile"), "run.memory")
      .found(std::to_string(plan_.memory >> 20) + " MiB")
      .expected("at least " + std::to_string((need >> 20) + 1) + " MiB with " +
                std::to_string(plan_.threads) + " threads and tiles of " +
                std::to_string(plan_.tile) + " cells")
      .hint("raise run.memory, or lower run.threads or grid.tile");
}

PlanEstimate TileMemory::estimate() const {
  PlanEstimate estimate;
  estimate.fixed_bytes = fixed_bytes();
  uint64_t cell_members = 0, state_floats = 0;
  // Beside the states within the last year lies what was read for it: cells, soil, crops,
  // composites.
  const uint64_t inputs = plan_.keep_within_year > 0
                              ? 4 + plan_.sources.statics.size() + plan_.sources.crop.years.size() +
                                    static_cast<uint64_t>(composites_)
                              : 0;
  for (const auto& unit : plan_.units) {
    const PlanRegion& region = plan_.regions[unit.region];
    const uint64_t runs = static_cast<uint64_t>(unit.cells) * region.members.size();
    estimate.tile_bytes = std::max(estimate.tile_bytes, tile_bytes(unit.cells, region));
    cell_members += runs;
    state_floats += static_cast<uint64_t>(unit.cells) * inputs;
    state_floats += runs * (region.state_size * static_cast<uint64_t>(config_.keep_states) +
                            (region.state_size + region.open_size) *
                                static_cast<uint64_t>(plan_.keep_within_year));
  }
  const uint64_t years = result_years(plan_);
  const uint64_t fits =
      estimate.tile_bytes == 0 ? 1 : std::max<uint64_t>(1, wanted() / estimate.tile_bytes);
  estimate.tiles_in_flight =
      static_cast<int>(std::min<uint64_t>(fits, std::max<uint64_t>(1, plan_.units.size())));
  estimate.result_bytes =
      cell_members * years * (4 * 12 * 4 + 2 * 4 + 12 * 2 + 4 + (plan_.daily ? 4 * 366 * 4 : 0)) +
      cell_members * years * 16;
  estimate.state_bytes = state_floats * 4;
  for (const auto& region : plan_.regions) {
    for (const auto& product : config_.products) {
      const uint64_t steps = product.period == Period::annual
                                 ? years
                                 : years * (product.period == Period::monthly ? 12 : 366);
      estimate.product_bytes +=
          static_cast<uint64_t>(region.window.cells()) * product.variables.size() * steps * 4 *
          static_cast<uint64_t>((product.geotiff ? 1 : 0) + (product.netcdf ? 1 : 0));
    }
  }
  return estimate;
}

}  // namespace fluxtile
