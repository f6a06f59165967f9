// SPDX-License-Identifier: Apache-2.0
// Towers' files and site-year tables for `inspect`.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "geo/netcdf_source.h"
#include "pipeline/inspect_report.h"
#include "pipeline/training/fluxnet_csv.h"
#include "pipeline/training/site_years_file.h"

namespace fluxtile {
namespace {

/// The partitionings and thresholds whose columns a table has, as "NT_VUT".
std::vector<std::pair<std::string, std::string>> variants_of(const CsvTable& table) {
  std::vector<std::pair<std::string, std::string>> variants;
  for (const char* threshold : {"VUT", "CUT"}) {
    const std::string reference = std::string(threshold) + "_REF";
    for (const char* way : {"NT", "DT"}) {
      if (table.has("NEE_" + reference) && table.has("NEE_" + reference + "_QC") &&
          table.has(std::string("RECO_") + way + "_" + reference) &&
          table.has(std::string("GPP_") + way + "_" + reference))
        variants.emplace_back(way, threshold);
    }
  }
  return variants;
}

std::string stamp_text(const TowerFluxes& fluxes, int64_t number) {
  if (!fluxes.monthly) return to_text(from_days(number));
  return to_text({static_cast<int>(number / 12), static_cast<int>(number % 12) + 1, 1})
      .substr(0, 7);
}

/// How many values of a variable are numbers.
size_t known(const std::vector<float>& values) {
  size_t count = 0;
  for (const float value : values) count += std::isfinite(value) ? 1 : 0;
  return count;
}

}  // namespace

bool is_tower_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  constexpr size_t longest = 1 << 16;
  line.resize(longest);
  file.read(line.data(), longest);
  line.resize(static_cast<size_t>(file.gcount()));
  line.resize(std::min(line.find('\n'), line.size()));
  const size_t stamp = line.find("TIMESTAMP"), nee = line.find("NEE_");
  return stamp != std::string::npos && nee != std::string::npos &&
         line.find("_REF", nee) != std::string::npos;
}

Report report_tower(const std::string& path) {
  const auto variants = variants_of(CsvTable(path));
  FluxnetOptions options;
  if (!variants.empty()) {
    options.partitioning = variants.front().first;
    options.threshold = variants.front().second;
  }
  const TowerFluxes fluxes = read_fluxnet(path, options);
  size_t labels = 0;
  for (const auto& [stamp, value] : fluxes.values)
    labels += std::isnan(value.nee) || std::isnan(value.reco) ? 0 : 1;
  Report out;
  out["path"] = path;
  out["kind"] = "tower";
  const std::string site = fluxnet_site(path);
  out["site"] = site.empty() ? Report() : Report(site);
  out["step"] = fluxes.monthly ? "month" : "day";
  out["rows"] = fluxes.values.size();
  if (!fluxes.values.empty()) {
    out["first_row"] = stamp_text(fluxes, fluxes.values.begin()->first);
    out["last_row"] = stamp_text(fluxes, fluxes.values.rbegin()->first);
  }
  out["labels"] = labels;
  out["min_qc"] = options.min_qc;
  out["partitionings"] = Report::array();
  for (const auto& [way, threshold] : variants)
    out["partitionings"].push_back(way + " " + threshold);
  out["warnings"] = fluxes.warnings;
  out["hints"] = {"a crop and daily inputs belong to it: docs/towers.md"};
  out["config"] = "fluxes: {format: fluxnet2015, files: " + path + ", min_qc: 0.5}\n";
  return out;
}

bool is_site_years(const std::string& path) {
  const auto info = attempt([&] { return read_netcdf_info(path); });
  return info.ok() && info.value().attributes.count("fluxtile_site_years") > 0;
}

Report report_site_years(const std::string& path) {
  const SiteYears table = read_site_years(path);
  Report out;
  out["path"] = path;
  out["kind"] = "site-years";
  out["sites"] = table.sites.size();
  out["regions"] = Report::object();
  for (const auto& region : table.regions()) out["regions"][region] = table.sites_of(region).size();
  out["years"] = {table.years.front(), table.years.back()};
  out["features"] = Report::array();
  for (const auto& feature : table.features)
    out["features"].push_back(
        {{"name", feature.name}, {"unit", feature.unit}, {"source", feature.source}});
  out["labels"] = Report::object();
  for (const auto& [name, values] : table.daily) out["labels"]["daily " + name] = known(values);
  for (const auto& [name, values] : table.monthly) out["labels"]["monthly " + name] = known(values);
  for (const auto& [name, values] : table.annual) out["labels"]["annual " + name] = known(values);
  out["truth"] = !table.truth.empty();
  out["synthetic"] = table.synthetic;
  out["origin"] = table.origin;
  out["warnings"] = Report::array();
  out["hints"] = Report::array();
  out["config"] = "";
  return out;
}

}  // namespace fluxtile
