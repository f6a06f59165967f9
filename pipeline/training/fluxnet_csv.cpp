// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/fluxnet_csv.h"

#include <cmath>
#include <filesystem>
#include <regex>

namespace fluxtile {
namespace {

const std::vector<double>& missing() {
  static const std::vector<double> numbers = {-9999};
  return numbers;
}

void refuse_other_resolutions(const CsvTable& table) {
  if (table.has("TIMESTAMP") || !table.has("TIMESTAMP_START")) return;
  const size_t digits =
      table.rows() == 0 ? 12 : table.text(0, table.column("TIMESTAMP_START")).size();
  throw Error(Code::data, digits == 8 ? "the file is weekly" : "the file is half-hourly or hourly")
      .file(table.path())
      .found("columns TIMESTAMP_START and TIMESTAMP_END")
      .expected("a daily (DD) or monthly (MM) file with one column TIMESTAMP")
      .hint("take the file with _DD_ or _MM_ in its name from the same download");
}

}  // namespace

TowerFluxes read_fluxnet(const std::string& path, const FluxnetOptions& options) {
  const CsvTable table(path);
  refuse_other_resolutions(table);
  const std::string variant = options.threshold + "_REF";
  const size_t stamp = table.column("TIMESTAMP");
  const std::string nee_name = "NEE_" + variant;
  const size_t nee = table.column(nee_name), qc = table.column(nee_name + "_QC");
  const size_t reco = table.column("RECO_" + options.partitioning + "_" + variant);
  const size_t gpp = table.column("GPP_" + options.partitioning + "_" + variant);
  const UnitConversion to = flux_conversion(nee_name, options.unit, path);

  TowerFluxes fluxes;
  fluxes.file = path;
  TowerRows rows(table, stamp);
  for (size_t row = 0; row < table.rows(); ++row) {
    TowerFluxes::Value& value = rows.add(row, fluxes);
    value.gpp = table.number(row, gpp, missing()) * to.factor + to.offset;
    const double quality = table.number(row, qc, missing());
    if (quality < 0 || quality > 1) {
      throw table.error(row, qc, "the quality is no share")
          .expected("0 to 1, the share of measured and well filled half-hours (DD and MM files)");
    }
    if (std::isnan(quality) || quality < options.min_qc) {
      ++fluxes.below_quality;
      continue;
    }
    value.reco = table.number(row, reco, missing()) * to.factor + to.offset;
    value.nee = table.number(row, nee, missing()) * to.factor + to.offset;
  }
  check_plausible(fluxes);
  return fluxes;
}

std::string fluxnet_site(const std::string& path) {
  static const std::regex pattern(R"((?:^|_)([A-Z]{2}-[A-Za-z0-9]{3})(?:_|$))");
  const std::string name = std::filesystem::path(path).stem().string();
  std::smatch match;
  return std::regex_search(name, match, pattern) ? match[1].str() : std::string();
}

}  // namespace fluxtile
