// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fluxtile {

/// Daily inputs and labels of sites over years: what networks are trained and scored on. A year has
/// 365 days here (31 December of a leap year is left out, as in the published training data).
///
/// Signs of labels are those of products: Ra, Rh, Reco positive = release, NEE negative = uptake,
/// gC m-2 d-1; yield and residue gC m-2 yr-1. NaN = no value. File form: docs/training-data.md.
struct SiteYears {
  static constexpr size_t days = 365, months = 12;

  struct Site {
    std::string name;
    std::string region;  ///< state or other region, "Iowa"
    std::string block;   ///< county or cluster: sites of a block are never split between roles
    double latitude = 0, longitude = 0;
    std::string source;  ///< product or tower network that the labels come from
    int fold = 0;        ///< of a cross-validation: rows of other folds know other years
  };
  struct Feature {
    std::string name, unit;
    std::string source;  ///< product: "gridMET", "SLOPE", "synthetic", "tower"
  };

  std::vector<Site> sites;
  std::vector<int> years;         ///< calendar years, ascending, without holes
  std::vector<Feature> features;  ///< model inputs, in a model's order
  std::vector<float> inputs;      ///< [site][year][day][feature], physical units
  /// Labels by variable: Ra, Rh, Reco, NEE, GPP. Only what is known is there.
  std::map<std::string, std::vector<float>> daily;    ///< [site][year][day]
  std::map<std::string, std::vector<float>> monthly;  ///< [site][year][month], means, gC m-2 d-1
  std::map<std::string, std::vector<float>> annual;   ///< [site][year]: Yield
  /// Truth without noise and gaps, where the data are synthetic; same variables as `daily`. Only
  /// scoring reads it.
  std::map<std::string, std::vector<float>> truth;  ///< [site][year][day]
  bool synthetic = false;
  std::string origin;  ///< where the table comes from, for provenance

  [[nodiscard]] size_t site_year(size_t site, size_t year) const noexcept {
    return site * years.size() + year;
  }
  /// First input of a site-year: [day][feature].
  [[nodiscard]] const float* input(size_t site, size_t year) const noexcept {
    return inputs.data() + site_year(site, year) * days * features.size();
  }
  /// Position of a feature; throws Error(data) naming the ones there are.
  [[nodiscard]] size_t feature(const std::string& name) const;
  /// The table of some sites, in the order given.
  [[nodiscard]] SiteYears subset(const std::vector<size_t>& chosen) const;
  /// Names of regions, in order of first appearance.
  [[nodiscard]] std::vector<std::string> regions() const;
  [[nodiscard]] std::vector<size_t> sites_of(const std::string& region) const;
  /// 0-based first day of each calendar month of `year`, and 365. A table leaves out 31 December of
  /// a leap year, so its 60th day is 29 February and its December has 30 days.
  static const std::vector<int>& month_begin(int year);
  static bool is_leap(int year) noexcept;

  /// Sizes of all arrays fit together and inputs are finite on all days of a year that has a label;
  /// throws Error(data) naming site, year, feature. Years without any label may lack inputs: models
  /// skip them.
  void check() const;
};

/// What a site-year may be used for.
enum class Role : uint8_t { none, train, validation, test };

/// Role of every site-year: [site][year].
using Roles = std::vector<Role>;

/// How a table is split, so that neither a site of a test block nor a test year is ever trained on.
/// Blocks are told apart by their name alone: one that spans two regions stays whole.
struct SplitRule {
  std::vector<int> validation_years, test_years;  ///< contiguous
  double test_blocks = 0;  ///< share of the blocks of each region that are test: if > 0 at least
                           ///< one, and not all where there are two
  uint64_t seed = 1;       ///< draws the blocks
};

/// - train: years that are neither test nor validation, of blocks that are not test;
/// - validation: validation years of those blocks;
/// - test: test years of test blocks; of all blocks if test_blocks is 0, all years of test blocks
/// if
///   there are no test years;
/// - none: what is test by its block or by its year alone.
/// Throws Error(data) when a role that the rule asks for gets no site-year.
Roles roles_of(const SiteYears& table, const SplitRule& rule);

}  // namespace fluxtile
