// SPDX-License-Identifier: Apache-2.0
#include "stages/ingest_gpp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/stop.h"
#include "geo/calendar.h"

namespace fluxtile {

IngestGpp::IngestGpp(Lattice lattice, std::shared_ptr<const Sources> sources,
                     std::shared_ptr<LayerReader> reader, std::shared_ptr<ComingReads> coming)
    : lattice_(std::move(lattice)),
      sources_(std::move(sources)),
      reader_(std::move(reader)),
      coming_(std::move(coming)) {
  if (!coming_) return;
  passes_.resize(sources_->gpp.composites.size());
  for (const YearStep& step : coming_->steps()) {
    const auto [first, last] = composites_of(step);
    const ComingReads::Pass pass = coming_->pass_of(step);
    for (size_t k = first; k < last; ++k) {
      ComingReads::Passes& passes = passes_[k];
      if (passes.last == ComingReads::statics) passes.first = pass;
      passes.last = pass;
    }
  }
}

std::pair<size_t, size_t> IngestGpp::composites_of(const YearStep& step) const {
  const auto& composites = sources_->gpp.composites;
  const int64_t start = to_days({step.year, 1, 1}), end = start + days_in_year(step.year);
  // A composite is of use when a gap of max_gap days still reaches it; one more on each side
  // carries `linear`. A year that waits for composites is held from the end of the record.
  const int64_t margin = sources_->gpp.max_gap + 1;
  const int64_t reached = std::min(start, composites.empty() ? start : composites.back().end);
  size_t first = 0, last = composites.size();
  while (first < last && composites[first].end <= reached - margin) ++first;
  while (last > first && composites[last - 1].first >= end + margin) --last;
  if (first > 0) --first;
  if (last < composites.size()) ++last;
  return {first, last};
}

int64_t IngestGpp::read(size_t number, const TileUnit& unit, const YearStep& step,
                        WeightCache& weights, float* out) const {
  const GppSource& source = sources_->gpp;
  const CompositeRef& composite = source.composites[number];
  const SourceGrid& grid = reader_->grid(composite.layer, source.packing);
  const Operation& operation = sources_->operations[composite.operation];
  const ResampleWeights& w = weights.get(grid, operation, source.resample);
  if (w.window.empty()) return 0;
  const auto later = coming_ ? coming_->after(unit, {coming_->pass_of(step), false},
                                              passes_[number], grid, operation, source.resample)
                             : nullptr;
  std::vector<double> values;
  apply_weights(w, reader_->read(composite.layer, source.packing, w.window, later.get()), values);
  // A sum over the interval becomes a rate over the days the composite really stands for.
  const double per_day =
      source.interval_sum ? static_cast<double>(composite.end - composite.first) : 1.0;
  int64_t below_zero = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double value = (values[i] * source.conversion.factor + source.conversion.offset) / per_day;
    if (value < 0) {
      ++below_zero;
      if (source.negative_zero) value = 0;
    }
    out[i] = static_cast<float>(value);
  }
  return below_zero;
}

GppBlock IngestGpp::operator()(const TileStatics& tile, const YearStep& step,
                               const KnownComposite& known) const {
  const GppSource& source = sources_->gpp;
  const int64_t start = to_days({step.year, 1, 1}), end = start + days_in_year(step.year);
  const auto [first, last] = composites_of(step);
  const size_t n = tile.cells.size();

  GppBlock block;
  block.starts_record = first == 0;
  block.ends_record = last == source.composites.size();
  block.values.assign((last - first) * n, std::numeric_limits<float>::quiet_NaN());
  const ComingReads::Reading reading(coming_.get(), tile.unit,
                                     coming_ ? coming_->pass_of(step) : ComingReads::statics);
  WeightCache weights(lattice_, tile.cells);
  for (size_t k = first; k < last; ++k) {
    Stop::throw_if_requested();
    const CompositeRef& composite = source.composites[k];
    block.spans.push_back({static_cast<int32_t>(composite.first - start),
                           static_cast<int32_t>(composite.end - start)});
    float* out = block.values.data() + (k - first) * n;
    int64_t below_zero = 0;
    if (!known || !known(composite, out, below_zero))
      below_zero = read(k, tile.unit, step, weights, out);
    block.below_zero.push_back(below_zero);
    if (composite.first >= start && composite.end <= end) block.negative += below_zero;
  }
  return block;
}

}  // namespace fluxtile
