// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_soil.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/stop.h"
#include "stages/weight_cache.h"

namespace fluxtile {
namespace {

template <typename T>
void keep_rows(std::vector<T>& values, const std::vector<size_t>& rows, size_t width) {
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(values.begin() + static_cast<long>(rows[i] * width), width,
                values.begin() + static_cast<long>(i * width));
  }
  values.resize(rows.size() * width);
}

/// Keeps the entries of a [layer][cell] array whose cells stay.
void keep_columns(std::vector<float>& values, const std::vector<size_t>& rows, size_t cells) {
  if (values.empty()) return;
  const size_t layers = values.size() / cells;
  std::vector<float> kept(layers * rows.size());
  for (size_t k = 0; k < layers; ++k) {
    for (size_t i = 0; i < rows.size(); ++i)
      kept[k * rows.size() + i] = values[k * cells + rows[i]];
  }
  values = std::move(kept);
}

/// The mapped codes of a majority cell: the largest share, the smaller code on a tie.
float majority_type(const double* shares, const std::vector<std::pair<int, int>>& codes,
                    double min_share) {
  double total = 0, best = 0;
  float type = std::numeric_limits<float>::quiet_NaN();
  for (size_t k = 0; k < codes.size(); ++k) {
    total += shares[k];
    if (shares[k] > best) {
      best = shares[k];
      type = static_cast<float>(codes[k].second);
    }
  }
  return total > 0 && total >= min_share ? type : std::numeric_limits<float>::quiet_NaN();
}

constexpr int64_t kCropRows = 8;

/// Where the rows end, `rows` of them from the cell `first` on.
size_t end_of_rows(const std::vector<CellIndex>& cells, size_t first, int64_t rows) {
  const int64_t end = cells[first].row + rows;
  return static_cast<size_t>(std::find_if(cells.begin() + static_cast<std::ptrdiff_t>(first),
                                          cells.end(),
                                          [&](const CellIndex& cell) { return cell.row >= end; }) -
                             cells.begin());
}

/// What the codes of a crop map mean for cells.
struct CropCodes {
  const CropSource& source;
  std::vector<double> codes;
  std::vector<int> types;  ///< Crop_Types in the order of the members; several codes may be one

  explicit CropCodes(const CropSource& crop) : source(crop) {
    for (const auto& [code, type] : source.codes) {
      codes.push_back(code);
      if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
    }
    std::sort(types.begin(), types.end());
  }

  /// Puts the shares [cell][code] of cells `first` and on, of the tile's `n`, in their place.
  void fill(const std::vector<double>& shares, size_t first, size_t n, TileCrop& crop) const {
    const size_t cells = shares.size() / codes.size();
    const double least = source.mode == CropSource::Mode::majority ? source.min_share : 0.0;
    for (size_t i = 0; i < cells; ++i) {
      const double* of_cell = &shares[i * codes.size()];
      if (source.mode != CropSource::Mode::fraction) {
        crop.type[first + i] = majority_type(of_cell, source.codes, least);
        continue;
      }
      const double total = std::accumulate(of_cell, of_cell + codes.size(), 0.0);
      if (total < source.min_share) continue;
      for (size_t t = 0; t < types.size(); ++t) {
        double share = 0;
        for (size_t k = 0; k < codes.size(); ++k) {
          if (source.codes[k].second == types[t]) share += of_cell[k];
        }
        crop.share[t * n + first + i] = static_cast<float>(share);
      }
    }
  }
};

}  // namespace

IngestSoil::IngestSoil(Lattice lattice, std::shared_ptr<const Sources> sources,
                       std::vector<RegionShape> regions, std::shared_ptr<LayerReader> reader,
                       std::shared_ptr<ComingReads> coming)
    : lattice_(std::move(lattice)),
      sources_(std::move(sources)),
      regions_(std::move(regions)),
      reader_(std::move(reader)),
      coming_(std::move(coming)) {}

std::shared_ptr<const LaterReads> IngestSoil::later(const TileUnit& unit, const SourceGrid& grid,
                                                    size_t operation, Resampling method,
                                                    bool again) const {
  if (!coming_) return nullptr;
  return coming_->after(unit, {ComingReads::statics, again}, {}, grid,
                        sources_->operations[operation], method);
}

void IngestSoil::read_crops(const TileUnit& unit, std::vector<CellIndex>& cells,
                            std::vector<TileCrop>& crops) const {
  const CropSource& source = sources_->crop;
  CropCodes codes(source);
  const size_t n = cells.size();
  for (const CropYear& year : source.years) {
    TileCrop crop;
    crop.year = year.year;
    crop.substituted = year.substituted;
    if (source.mode == CropSource::Mode::fraction)
      crop.share.assign(codes.types.size() * n, 0.0F);
    else
      crop.type.resize(n);
    crops.push_back(std::move(crop));
  }
  const Resampling method =
      source.mode == CropSource::Mode::nearest ? Resampling::nearest : Resampling::area;
  // A crop map has a hundred cells in one of the grid: a few rows at a time.
  for (size_t first = 0, end = 0; first < n; first = end) {
    end = end_of_rows(cells, first, kCropRows);
    const std::vector<CellIndex> band(cells.begin() + static_cast<std::ptrdiff_t>(first),
                                      cells.begin() + static_cast<std::ptrdiff_t>(end));
    WeightCache weights(lattice_, band);
    for (size_t k = 0; k < crops.size(); ++k) {
      Stop::throw_if_requested();
      const CropYear& year = source.years[k];
      const SourceGrid& grid = reader_->grid(year.layer, source.packing);
      const auto& w = weights.get(grid, sources_->operations[year.operation], method);
      std::vector<double> raster;
      if (!w.window.empty()) {
        const auto coming = later(unit, grid, year.operation, method, end < n);
        raster = reader_->read_codes(year.layer, source.packing, w.window, coming.get());
      }
      codes.fill(category_shares(w, raster, codes.codes), first, n, crops[k]);
    }
  }
}

TileStatics IngestSoil::operator()(const TileUnit& unit) const {
  const ComingReads::Reading reading(coming_.get(), unit, ComingReads::statics);
  TileStatics tile;
  tile.unit = unit;
  const RegionShape& shape = regions_.at(unit.region);
  tile.cells = cells_inside(lattice_, unit.window, *shape.index, shape.to_region);
  tile.inside = static_cast<int64_t>(tile.cells.size());
  for (const auto& source : sources_->statics) tile.static_names.push_back(source.input);
  if (tile.cells.empty()) return tile;

  // Crops first: most cells that are not modelled are not cropland, and need no soil.
  read_crops(unit, tile.cells, tile.crops);
  std::vector<size_t> kept;
  const size_t n = tile.cells.size();
  for (size_t i = 0; i < n; ++i) {
    const bool cropped =
        std::any_of(tile.crops.begin(), tile.crops.end(), [&](const TileCrop& crop) {
          if (!crop.type.empty()) return !std::isnan(crop.type[i]);
          for (size_t k = i; k < crop.share.size(); k += n) {
            if (crop.share[k] > 0) return true;
          }
          return false;
        });
    if (cropped) kept.push_back(i);
  }
  tile.without_crop = static_cast<int64_t>(n - kept.size());
  keep_rows(tile.cells, kept, 1);
  for (auto& crop : tile.crops) {
    keep_columns(crop.type, kept, n);
    keep_columns(crop.share, kept, n);
  }
  if (tile.cells.empty()) return tile;

  const size_t m = tile.cells.size(), layers = sources_->statics.size();
  tile.statics.resize(m * layers);
  WeightCache weights(lattice_, tile.cells);
  for (size_t k = 0; k < layers; ++k) {
    Stop::throw_if_requested();
    const StaticSource& source = sources_->statics[k];
    const SourceGrid& grid = reader_->grid(source.layer, source.packing);
    const auto& w = weights.get(grid, sources_->operations[source.operation], source.resample);
    std::vector<double> values(m, std::numeric_limits<double>::quiet_NaN());
    if (!w.window.empty())
      apply_weights(
          w,
          reader_->read(source.layer, source.packing, w.window,
                        later(unit, grid, source.operation, source.resample, false).get()),
          values);
    for (size_t i = 0; i < m; ++i) {
      tile.statics[i * layers + k] =
          static_cast<float>(values[i] * source.conversion.factor + source.conversion.offset);
    }
  }
  kept.clear();
  for (size_t i = 0; i < m; ++i) {
    bool whole = true;
    for (size_t k = 0; k < layers; ++k)
      whole = whole && std::isfinite(tile.statics[i * layers + k]);
    if (whole) kept.push_back(i);
  }
  tile.without_static = static_cast<int64_t>(m - kept.size());
  keep_rows(tile.cells, kept, 1);
  keep_rows(tile.statics, kept, layers);
  for (auto& crop : tile.crops) {
    keep_columns(crop.type, kept, m);
    keep_columns(crop.share, kept, m);
  }
  return tile;
}

}  // namespace fluxtile
