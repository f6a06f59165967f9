// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/plain_csv.h"

#include <cmath>

namespace fluxtile {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kNoColumn = std::numeric_limits<size_t>::max();

/// Reads one flux column; NaN where there is none or its quality is too low.
class FluxReader {
 public:
  FluxReader(const CsvTable& table, const FluxColumn& column, const std::vector<double>& missing)
      : table_(table), column_(column), missing_(missing) {
    if (column.name.empty()) return;
    value_ = table.column(column.name);
    if (!column.qc.empty()) quality_ = table.column(column.qc);
    to_ = flux_conversion(column.name, column.unit, table.path());
  }

  double operator()(size_t row) {
    if (value_ == kNoColumn) return kNone;
    if (quality_ != kNoColumn) {
      const double quality = table_.number(row, quality_, missing_);
      if (std::isnan(quality) || quality < column_.min_qc) {
        rejected_ = true;
        return kNone;
      }
    }
    const double value = table_.number(row, value_, missing_) * to_.factor + to_.offset;
    return column_.turned ? -value : value;
  }

  /// Whether the quality of the row that was read last was too low.
  bool take_rejected() {
    const bool was = rejected_;
    rejected_ = false;
    return was;
  }

 private:
  const CsvTable& table_;
  const FluxColumn& column_;
  const std::vector<double>& missing_;
  size_t value_ = kNoColumn, quality_ = kNoColumn;
  UnitConversion to_;
  bool rejected_ = false;
};

}  // namespace

std::map<std::string, TowerFluxes> read_plain_fluxes(const std::string& path,
                                                     const PlainColumns& columns) {
  const CsvTable table(path);
  const size_t stamp = table.column(columns.stamp);
  const size_t site = columns.site.empty() ? kNoColumn : table.column(columns.site);
  FluxReader reco(table, columns.reco, columns.missing), nee(table, columns.nee, columns.missing),
      gpp(table, columns.gpp, columns.missing);
  std::map<std::string, TowerFluxes> towers;
  std::map<std::string, TowerRows> rows;
  for (size_t row = 0; row < table.rows(); ++row) {
    const std::string name = site == kNoColumn ? std::string() : table.text(row, site);
    TowerFluxes& fluxes = towers[name];
    fluxes.file = path;
    auto& value = rows.try_emplace(name, table, stamp).first->second.add(row, fluxes);
    value.reco = reco(row);
    value.nee = nee(row);
    value.gpp = gpp(row);
    const bool low_reco = reco.take_rejected(), low_nee = nee.take_rejected();
    gpp.take_rejected();
    fluxes.below_quality += low_reco || low_nee ? 1 : 0;
  }
  for (auto& [name, fluxes] : towers) {
    check_plausible(fluxes);
    if (name.empty()) continue;
    for (auto& warning : fluxes.warnings) warning += " (" + name + ")";
  }
  return towers;
}

}  // namespace fluxtile
