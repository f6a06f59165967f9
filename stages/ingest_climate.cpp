// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_climate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/stop.h"
#include "geo/calendar.h"

namespace fluxtile {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Days that no file has get the linear interpolation of the days around them, cell by cell; ends
/// are held. `bridged`: day indices, ascending, of `values` [day][cell].
void bridge_days(std::vector<double>& values, const std::vector<int64_t>& bridged, int64_t days,
                 size_t cells) {
  const auto is_bridged = [&](int64_t day) {
    return std::binary_search(bridged.begin(), bridged.end(), day);
  };
  for (const int64_t day : bridged) {
    int64_t before = day - 1, after = day + 1;
    while (before >= 0 && is_bridged(before)) --before;
    while (after < days && is_bridged(after)) ++after;
    if (before < 0) before = after;
    if (after >= days) after = before;
    if (before < 0 || before >= days) continue;
    const double w = after == before
                         ? 0.0
                         : static_cast<double>(day - before) / static_cast<double>(after - before);
    for (size_t c = 0; c < cells; ++c) {
      const double a = values[static_cast<size_t>(before) * cells + c],
                   b = values[static_cast<size_t>(after) * cells + c];
      values[static_cast<size_t>(day) * cells + c] = a + (b - a) * w;
    }
  }
}

double converted(double value, const UnitConversion& conversion) {
  return value * conversion.factor + conversion.offset;
}

/// One model input on one climate cell and day; `v` are its sources after conversion.
double form_term(ClimateTermSource::Kind kind, const double* v) {
  switch (kind) {
    case ClimateTermSource::Kind::variable:
      return v[0];
    case ClimateTermSource::Kind::difference:
      return v[0] - v[1];
    case ClimateTermSource::Kind::vapour_pressure_max:
    case ClimateTermSource::Kind::vapour_pressure_difference: {
      // Sources: maximum and minimum temperature (degC), maximum and minimum relative humidity (%).
      const double e1 = saturation_vapour_pressure(v[1]) * v[2] / 100.0;
      const double e2 = saturation_vapour_pressure(v[0]) * v[3] / 100.0;
      return kind == ClimateTermSource::Kind::vapour_pressure_max ? std::max(e1, e2)
                                                                  : std::fabs(e1 - e2);
    }
  }
  return kNan;
}

/// The resampling rows without the climate cells that lack a value, renormalised.
SparseWeights valid_weights(const ResampleWeights& weights, const std::vector<bool>& valid) {
  SparseWeights sparse;
  sparse.offset.reserve(weights.size() + 1);
  sparse.offset.push_back(0);
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto first = static_cast<size_t>(weights.offset[i]),
               last = static_cast<size_t>(weights.offset[i + 1]);
    double total = 0;
    for (size_t k = first; k < last; ++k) {
      if (valid[static_cast<size_t>(weights.index[k])]) total += weights.weight[k];
    }
    if (total > 0) {
      for (size_t k = first; k < last; ++k) {
        if (!valid[static_cast<size_t>(weights.index[k])] || weights.weight[k] == 0) continue;
        sparse.index.push_back(weights.index[k]);
        sparse.weight.push_back(static_cast<float>(weights.weight[k] / total));
      }
    }
    sparse.offset.push_back(static_cast<int64_t>(sparse.index.size()));
  }
  return sparse;
}

}  // namespace

double saturation_vapour_pressure(double celsius) {
  return 0.6108 * std::exp(17.27 * celsius / (celsius + 237.3));
}

IngestClimate::IngestClimate(Lattice lattice, std::shared_ptr<const Sources> sources,
                             std::shared_ptr<LayerReader> reader)
    : lattice_(std::move(lattice)), sources_(std::move(sources)), reader_(std::move(reader)) {}

std::vector<double> IngestClimate::read_variable(const ClimateSourceVariable& variable,
                                                 int64_t start, int64_t days,
                                                 const SourceWindow& window) const {
  const size_t cells = window.cells();
  std::vector<double> values(static_cast<size_t>(days) * cells, kNan);
  for (const ClimateRun& run : variable.runs) {
    const int64_t first = std::max(start, run.first),
                  last = std::min(start + days, run.first + run.count);
    if (first >= last) continue;
    Stop::throw_if_requested();
    const auto info = reader_->netcdf(run.path);
    const auto packed = repacked(find_variable(*info, run.variable), sources_->climate.packing);
    const auto block =
        read_netcdf_block(*info, packed, static_cast<size_t>(run.step + first - run.first),
                          static_cast<size_t>(last - first), window);
    std::copy(block.begin(), block.end(),
              values.begin() + static_cast<long>(static_cast<size_t>(first - start) * cells));
  }
  return values;
}

ClimateTile IngestClimate::operator()(const TileStatics& tile, const YearStep& step) const {
  const ClimateSource& source = sources_->climate;
  const ClimateRun& any = source.variables.front().runs.front();
  const SourceGrid& grid = reader_->grid({any.path, 1, any.variable, 0}, {});
  const ResampleWeights weights =
      make_weights(lattice_, tile.cells, grid, Transform(sources_->operations[source.operation]),
                   source.resample);

  auto block = std::make_shared<ClimateBlock>();
  const size_t cells = weights.window.cells(), terms = source.terms.size();
  block->days = static_cast<size_t>(step.days);
  block->cells = cells;
  for (const auto& term : source.terms) block->variables.push_back(term.input);
  if (cells == 0) {
    auto none = std::make_shared<SparseWeights>();
    none->offset.assign(tile.cells.size() + 1, 0);
    return {block, none};
  }

  // Days more on each side, so that bridged days around 1 January or 31 December have neighbours.
  const int64_t margin = source.max_gap + 1;
  const int64_t start = to_days({step.year, 1, 1}) - margin, days = step.days + 2 * margin;
  // Days that a variable lacks: those the plan forgave, and those of the margin that lie outside
  // the record; then the year's own end is held.
  std::vector<std::vector<double>> raw;
  for (const auto& variable : source.variables) {
    raw.push_back(read_variable(variable, start, days, weights.window));
    std::vector<int64_t> missing;
    for (int64_t k = 0; k < days; ++k) {
      const int64_t day = start + k;
      const bool own = k >= margin && k < days - margin;
      if (own && !std::binary_search(source.bridged_days.begin(), source.bridged_days.end(), day))
        continue;
      const bool covered = std::any_of(
          variable.runs.begin(), variable.runs.end(),
          [&](const ClimateRun& run) { return day >= run.first && day < run.first + run.count; });
      if (!covered) missing.push_back(k);
    }
    bridge_days(raw.back(), missing, days, cells);
  }

  block->values.assign(block->days * cells * terms, std::numeric_limits<float>::quiet_NaN());
  std::vector<bool> valid(cells, true);
  double v[4];
  const auto before = static_cast<size_t>(margin);
  for (size_t day = 0; day < block->days; ++day) {
    for (size_t c = 0; c < cells; ++c) {
      for (size_t t = 0; t < terms; ++t) {
        const ClimateTermSource& term = source.terms[t];
        for (size_t s = 0; s < term.sources.size(); ++s) {
          v[s] = converted(raw[term.sources[s]][(day + before) * cells + c], term.conversions[s]);
        }
        const auto value = static_cast<float>(converted(form_term(term.kind, v), term.result));
        block->values[(day * cells + c) * terms + t] = value;
        if (!std::isfinite(value)) valid[c] = false;
      }
    }
  }
  return {block, std::make_shared<const SparseWeights>(valid_weights(weights, valid))};
}

}  // namespace fluxtile
