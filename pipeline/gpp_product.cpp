// SPDX-License-Identifier: Apache-2.0
#include "pipeline/gpp_product.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace fluxtile {
namespace {

std::string folded(const std::string& name) {
  std::string text;
  for (const char c : name) text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The GPP product a package was trained on; empty for one without such an input or name.
std::string trained_on(const Package& package) {
  for (const auto& input : package.inputs) {
    if (input.name == "GPP") return input.source;
  }
  return {};
}

/// Engines of a region's members, each once.
std::set<size_t> engines_of(const Plan& plan, size_t region) {
  std::set<size_t> engines;
  for (const auto& member : plan.regions[region].members) engines.insert(member.engine);
  return engines;
}

std::string line_of(const std::string& label, const MonthlyGpp& months) {
  std::string text = fmt::format("  {:<24}", label);
  for (const double value : months)
    text += std::isfinite(value) ? fmt::format(" {:6.2f}", value) : "      -";
  return text;
}

}  // namespace

std::map<std::string, MonthlyGpp> trained_gpp(const Package& package) {
  std::map<std::string, MonthlyGpp> by_crop;
  const auto training = nlohmann::json::parse(package.training, nullptr, false);
  if (!training.is_object() || !training.contains("gpp_monthly_means")) return by_crop;
  const auto& means = training.at("gpp_monthly_means");
  if (!means.is_object()) return by_crop;
  for (const auto& [crop, months] : means.items()) {
    const bool whole = months.is_array() && months.size() == 12 &&
                       std::all_of(months.begin(), months.end(),
                                   [](const auto& value) { return value.is_number(); });
    if (!whole) continue;
    for (size_t month = 0; month < 12; ++month) by_crop[crop][month] = months[month];
  }
  return by_crop;
}

bool other_gpp_product(const Config& config, const Package& package) {
  const std::string trained = folded(trained_on(package)), mapped = folded(config.gpp.source);
  if (trained.empty() || mapped.empty()) return !trained_gpp(package).empty();
  return trained != mapped;
}

std::vector<std::string> gpp_product_warnings(
    const Config& config, const std::vector<std::shared_ptr<const Package>>& packages) {
  std::vector<std::string> warnings;
  for (const auto& package : packages) {
    if (!other_gpp_product(config, *package)) continue;
    const std::string trained = trained_on(*package);
    std::string text;
    if (folded(trained).empty() || folded(config.gpp.source).empty()) {
      text = fmt::format(
          "nothing tells whether inputs.gpp is the product that model {} was trained on ({}): set "
          "inputs.gpp.source",
          package->name, trained.empty() ? "its name is not recorded" : "`" + trained + "`");
    } else {
      text = fmt::format(
          "inputs.gpp is `{}`, but model {} was trained on `{}`: what differs between the products "
          "goes into the fluxes",
          config.gpp.source, package->name, trained);
    }
    if (!trained_gpp(*package).empty()) text += "; the report puts monthly means side by side";
    warnings.push_back(std::move(text));
  }
  return warnings;
}

bool wants_gpp_comparison(const Config& config, const Plan& plan,
                          const std::vector<std::shared_ptr<const Package>>& packages,
                          size_t region) {
  const auto& stored = plan.regions[region].variables;
  if (std::find(stored.begin(), stored.end(), "gpp") == stored.end()) return false;
  const auto engines = engines_of(plan, region);
  return std::any_of(engines.begin(), engines.end(), [&](size_t engine) {
    return other_gpp_product(config, *packages[engine]) && !trained_gpp(*packages[engine]).empty();
  });
}

std::vector<GppComparison> compare_gpp(const Config& config, const Plan& plan,
                                       const std::vector<std::shared_ptr<const Package>>& packages,
                                       const std::map<std::string, MonthlyGpp>& mapped) {
  std::vector<GppComparison> comparisons;
  for (size_t region = 0; region < plan.regions.size(); ++region) {
    const auto means = mapped.find(plan.regions[region].name);
    if (means == mapped.end()) continue;
    for (const size_t engine : engines_of(plan, region)) {
      const Package& package = *packages[engine];
      auto training = trained_gpp(package);
      if (training.empty() || !other_gpp_product(config, package)) continue;
      comparisons.push_back({plan.regions[region].name, package.name, trained_on(package),
                             config.gpp.source, std::move(training), means->second});
    }
  }
  return comparisons;
}

std::vector<std::string> gpp_comparison_lines(const GppComparison& comparison) {
  const auto named = [](const std::string& product) {
    return product.empty() ? std::string("unknown product") : product;
  };
  std::vector<std::string> lines = {
      fmt::format("region {}: monthly mean GPP of this run and of model {}'s training, gC m-2 d-1",
                  comparison.region, comparison.package),
      fmt::format("  {:<24}    Jan    Feb    Mar    Apr    May    Jun    Jul    Aug    Sep    Oct"
                  "    Nov    Dec",
                  "")};
  for (const auto& [crop, months] : comparison.training)
    lines.push_back(line_of("training, " + crop, months));
  lines.push_back(line_of("this run", comparison.mapped));
  lines.push_back(fmt::format("  training: {}; this run: {}", named(comparison.trained_on),
                              named(comparison.mapped_with)));
  return lines;
}

}  // namespace fluxtile
