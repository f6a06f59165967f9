// SPDX-License-Identifier: Apache-2.0
#include "pipeline/region_year.h"

#include <cmath>

#include "geo/product_writer.h"
#include "pipeline/products.h"

namespace fluxtile {

RegionYear::RegionYear(const RunStages& stages, const Ledger& ledger, size_t region, size_t step)
    : stages_(stages), ledger_(ledger), region_(region), step_(step), month_days_(12, 0) {
  const Plan& plan = *stages.plan;
  window_ = plan.regions.at(region).window;
  for (const auto& unit : plan.units) {
    if (unit.region == region) units_.push_back(unit);
  }
  const YearStep& year = plan.steps.at(step);
  for (int day = first_result_day(plan.start, year.year); day < year.days; ++day) {
    ++month_days_[static_cast<size_t>(from_day_of_year(year.year, day).month - 1)];
  }
}

void RegionYear::move_to(int64_t row, int64_t rows) {
  row_ = row;
  rows_ = rows;
  const CellWindow strip{window_.column, window_.row + row, window_.width, rows};
  failed_cells_.clear();
  for (size_t u = 0; u < units_.size(); ++u) {
    const CellWindow overlap = units_[u].window.intersection(strip);
    if (overlap.empty()) {
      loaded_.erase(u);
      continue;
    }
    if (loaded_.count(u) == 0) {
      auto year = ledger_.valid_tile_year(units_[u], step_);
      if (year) {
        auto tile = std::make_unique<Loaded>();
        tile->flags = Aggregate().flags(*year);
        tile->year = std::move(*year);
        loaded_.emplace(u, std::move(tile));
      } else {
        loaded_.emplace(u, nullptr);
      }
    }
    if (loaded_.at(u) == nullptr) {
      const RegionShape& shape = stages_.shapes.at(region_);
      const auto cells =
          cells_inside(stages_.plan->lattice, overlap, *shape.index, shape.to_region);
      failed_cells_.insert(failed_cells_.end(), cells.begin(), cells.end());
    }
  }
}

template <typename T, typename Fill>
std::vector<T> RegionYear::strip(T empty, Fill fill) const {
  std::vector<T> out(static_cast<size_t>(rows_ * window_.width), empty);
  const CellWindow here{window_.column, window_.row + row_, window_.width, rows_};
  for (const auto& [u, tile] : loaded_) {
    if (!tile) continue;
    const auto values = fill(*tile);
    for (size_t i = 0; i < tile->year.cells.size(); ++i) {
      const CellIndex cell = tile->year.cells[i];
      if (!here.contains(cell)) continue;
      out[static_cast<size_t>((cell.row - here.row) * window_.width + cell.column - here.column)] =
          values(i);
    }
  }
  return out;
}

const CellYear& RegionYear::cell_year(const Loaded& tile, const std::string& variable) const {
  auto found = tile.variables.find(variable);
  if (found == tile.variables.end())
    found = tile.variables.emplace(variable, Aggregate()(tile.year, variable)).first;
  return found->second;
}

std::vector<float> RegionYear::values(const std::string& variable, int month, int days) const {
  return strip<float>(kNodata, [&](const Loaded& tile) {
    const CellYear& year = cell_year(tile, variable);
    const size_t n = tile.year.cells.size();
    const double* source =
        month < 0 ? year.annual.data() : year.sums.data() + static_cast<size_t>(month) * n;
    return [source, days](size_t i) {
      const double value = days > 0 ? source[i] / days : source[i];
      return std::isfinite(value) ? static_cast<float>(value) : kNodata;
    };
  });
}

std::vector<float> RegionYear::daily(const std::string& variable, int day) const {
  return strip<float>(kNodata, [&](const Loaded& tile) {
    auto source = Aggregate().daily(tile.year, variable, static_cast<size_t>(day));
    return [source = std::move(source)](size_t i) {
      return std::isfinite(source[i]) ? static_cast<float>(source[i]) : kNodata;
    };
  });
}

std::vector<double> RegionYear::shares() const {
  return strip<double>(0.0, [&](const Loaded& tile) {
    const CellYear& year = cell_year(tile, tile.year.variables.front());
    return [&year](size_t i) { return std::isfinite(year.annual[i]) ? year.share[i] : 0.0; };
  });
}

std::vector<uint16_t> RegionYear::quality(int month) const {
  auto out = strip<uint16_t>(kQualityNodata, [&](const Loaded& tile) {
    const size_t n = tile.year.cells.size();
    return [&tile, n, month](size_t i) {
      if (month >= 0) return tile.flags[static_cast<size_t>(month) * n + i];
      uint16_t all = kQualityNodata;
      for (size_t m = 0; m < 12; ++m) {
        const uint16_t flag = tile.flags[m * n + i];
        if (flag == kQualityNodata) continue;
        all = all == kQualityNodata ? flag : static_cast<uint16_t>(all | flag);
      }
      return all;
    };
  });
  for (const CellIndex& cell : failed_cells_) {
    out[static_cast<size_t>((cell.row - window_.row - row_) * window_.width + cell.column -
                            window_.column)] = failed_tile;
  }
  return out;
}

}  // namespace fluxtile
