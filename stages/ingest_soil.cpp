// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_soil.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

}  // namespace

IngestSoil::IngestSoil(Lattice lattice, std::shared_ptr<const Sources> sources,
                       std::vector<RegionShape> regions, std::shared_ptr<LayerReader> reader)
    : lattice_(std::move(lattice)),
      sources_(std::move(sources)),
      regions_(std::move(regions)),
      reader_(std::move(reader)) {}

void IngestSoil::read_crops(std::vector<CellIndex>& cells, std::vector<TileCrop>& crops) const {
  const CropSource& source = sources_->crop;
  std::vector<double> codes;
  for (const auto& [code, type] : source.codes) codes.push_back(code);
  const Resampling method =
      source.mode == CropSource::Mode::nearest ? Resampling::nearest : Resampling::area;
  WeightCache weights(lattice_, cells);
  for (const CropYear& year : source.years) {
    Stop::throw_if_requested();
    TileCrop crop;
    crop.year = year.year;
    crop.substituted = year.substituted;
    const auto& w = weights.get(reader_->grid(year.layer, source.packing),
                                sources_->operations[year.operation], method);
    const std::vector<double> raster =
        w.window.empty() ? std::vector<double>()
                         : reader_->read_codes(year.layer, source.packing, w.window);
    const std::vector<double> shares = category_shares(w, raster, codes);
    const size_t n = cells.size();
    if (source.mode == CropSource::Mode::fraction) {
      // One layer a Crop_Type, in the order of the members; codes that map to the same type add up.
      std::vector<int> types;
      for (const auto& code : source.codes) {
        if (std::find(types.begin(), types.end(), code.second) == types.end())
          types.push_back(code.second);
      }
      std::sort(types.begin(), types.end());
      crop.share.assign(types.size() * n, 0.0F);
      for (size_t i = 0; i < n; ++i) {
        double total = 0;
        for (size_t k = 0; k < codes.size(); ++k) total += shares[i * codes.size() + k];
        if (total < source.min_share) continue;
        for (size_t t = 0; t < types.size(); ++t) {
          double share = 0;
          for (size_t k = 0; k < codes.size(); ++k) {
            if (source.codes[k].second == types[t]) share += shares[i * codes.size() + k];
          }
          crop.share[t * n + i] = static_cast<float>(share);
        }
      }
    } else {
      const double least = source.mode == CropSource::Mode::majority ? source.min_share : 0.0;
      crop.type.resize(n);
      for (size_t i = 0; i < n; ++i)
        crop.type[i] = majority_type(&shares[i * codes.size()], source.codes, least);
    }
    crops.push_back(std::move(crop));
  }
}

TileStatics IngestSoil::operator()(const TileUnit& unit) const {
  TileStatics tile;
  tile.unit = unit;
  const RegionShape& shape = regions_.at(unit.region);
  tile.cells = cells_inside(lattice_, unit.window, *shape.index, shape.to_region);
  tile.inside = static_cast<int64_t>(tile.cells.size());
  for (const auto& source : sources_->statics) tile.static_names.push_back(source.input);
  if (tile.cells.empty()) return tile;

  // Crops first: most cells that are not modelled are not cropland, and need no soil.
  read_crops(tile.cells, tile.crops);
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
    const auto& w = weights.get(reader_->grid(source.layer, source.packing),
                                sources_->operations[source.operation], source.resample);
    std::vector<double> values(m, std::numeric_limits<double>::quiet_NaN());
    if (!w.window.empty())
      apply_weights(w, reader_->read(source.layer, source.packing, w.window), values);
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
