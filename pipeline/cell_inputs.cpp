// SPDX-License-Identifier: Apache-2.0
#include "pipeline/cell_inputs.h"

#include <cmath>

namespace fluxtile {

CellInputs::CellInputs(const RunStages& stages, Point on_lattice)
    : stages_(stages), region_(stages.plan->regions.size()) {
  const Lattice& lattice = stages.plan->lattice;
  cell_ = {
      static_cast<int64_t>(std::floor((on_lattice.x - lattice.origin_x) / lattice.resolution)),
      static_cast<int64_t>(std::floor((lattice.origin_y - on_lattice.y) / lattice.resolution))};
  const CellWindow window{cell_.column, cell_.row, 1, 1};
  for (size_t r = 0; r < stages.shapes.size() && region_ == stages.shapes.size(); ++r) {
    const RegionShape& shape = stages.shapes[r];
    if (!cells_inside(lattice, window, *shape.index, shape.to_region).empty()) region_ = r;
  }
  if (region_ == stages.shapes.size()) {
    reason_ = "outside every selected region";
    return;
  }
  tile_ = (*stages.ingest_soil)({region_, window, 1});
  if (tile_.cells.empty()) {
    reason_ = tile_.without_crop > 0 ? "no mapped crop in any year" : "a static input is missing";
  }
}

CellInputs::Year CellInputs::year(size_t step, const std::string& chain) const {
  const YearStep& when = stages_.plan->steps.at(step);
  const Package& package = stages_.package_of(region_);
  Year year;
  year.assembled = (*stages_.assemble)(tile_, (*stages_.ingest_gpp)(tile_, when),
                                       (*stages_.ingest_climate)(tile_, when), when,
                                       stages_.plan->regions[region_].members, package, chain);
  const MemberInputs& first = year.assembled.members.front();
  year.modelled = !first.cell.empty();
  if (year.modelled) {
    year.crop = first.crop.front();
    expand_features(*year.assembled.inputs, 0, year.crop, package.input_names(), year.features);
  }
  return year;
}

}  // namespace fluxtile
