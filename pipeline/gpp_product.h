// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/plan.h"

namespace fluxtile {

/// Mean GPP of the twelve months, gC m-2 d-1; NaN = none.
using MonthlyGpp = std::array<double, 12>;

/// The monthly means of GPP that a package was trained with, by crop: `training.gpp_monthly_means`,
/// for example {corn: [12 numbers], soybean: [12 numbers]}. Empty where the package has none; a
/// list of another length is passed over.
std::map<std::string, MonthlyGpp> trained_gpp(const Package& package);

/// Whether a map is made with another GPP product than the package was trained on, or may be: both
/// names are known and differ (case and blanks at the ends aside), or one is unknown and the
/// package has monthly means to compare with.
bool other_gpp_product(const Config& config, const Package& package);

/// What plan and run warn of, one line a package.
std::vector<std::string> gpp_product_warnings(
    const Config& config, const std::vector<std::shared_ptr<const Package>>& packages);

/// Training's monthly mean GPP beside that of a mapped region.
struct GppComparison {
  std::string region, package;
  std::string trained_on, mapped_with;         ///< names of the products; empty: not known
  std::map<std::string, MonthlyGpp> training;  ///< by crop
  MonthlyGpp mapped{};  ///< area-weighted mean of the modelled cells over the run's years
};

/// One comparison for every region and package that other_gpp_product() tells of and that has
/// monthly means. `mapped`: by region.
std::vector<GppComparison> compare_gpp(const Config& config, const Plan& plan,
                                       const std::vector<std::shared_ptr<const Package>>& packages,
                                       const std::map<std::string, MonthlyGpp>& mapped);

/// Whether compare_gpp() will want the monthly means of a region.
bool wants_gpp_comparison(const Config& config, const Plan& plan,
                          const std::vector<std::shared_ptr<const Package>>& packages,
                          size_t region);

/// A comparison as lines of a log: months side by side, a line a crop and one for the map.
std::vector<std::string> gpp_comparison_lines(const GppComparison& comparison);

}  // namespace fluxtile
