// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "geo/calendar.h"
#include "pipeline/world/random.h"
#include "pipeline/world/sites.h"

namespace fluxtile::world {
namespace {

constexpr double kFloor = 0.25;        // gC m-2 d-1, the random error of a flux of 0
constexpr double kModelled = 2.0 / 3;  // random error of Reco over that of NEE
constexpr double kLasting = 0.75;      // its correlation from day to day
constexpr double kGapDays = 6;         // spacing of the knots of the series that makes gaps

int64_t number_of(const std::string& text) {
  uint64_t h = 1469598103934665603ULL;  // FNV-1a
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<int64_t>(h >> 1);
}

// The value that a normal deviate exceeds with the chance `share`.
double normal_quantile(double share) {
  double low = -8, high = 8;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > share ? low : high) = middle;
  }
  return low;
}

// Laplace deviate of standard deviation 1.
double laplace(double uniform) {
  const double u = uniform - 0.5;
  return -std::copysign(std::log(std::max(1e-12, 1 - 2 * std::abs(u))), u) / std::sqrt(2.0);
}

}  // namespace

void keep_tower_labels(SiteYears& table, const TowerLabels& towers) {
  for (const char* name : {"Reco", "NEE"}) {
    if (table.daily.count(name) == 0)
      throw Error(Code::data, "tower labels need a table with Reco and NEE")
          .found(std::string("no ") + name);
  }
  if (!(towers.gap_share >= 0 && towers.gap_share <= 0.9))
    throw Error(Code::data, "an impossible share of gaps")
        .found(std::to_string(towers.gap_share))
        .expected("0 to 0.9");
  std::vector<float>& reco = table.daily.at("Reco");
  std::vector<float>& nee = table.daily.at("NEE");
  const Random random(towers.seed);
  const Noise gaps(random, Subject::tower_gap, kGapDays);
  const double limit = towers.gap_share > 0 ? normal_quantile(towers.gap_share) : INFINITY;
  for (size_t s = 0; s < table.sites.size(); ++s) {
    const int64_t site = number_of(table.sites[s].region + "\n" + table.sites[s].name);
    const double factor = 1 + towers.systematic_error * random.normal(Subject::tower_bias, site);
    const double partition =
        1 + 0.5 * towers.systematic_error * random.normal(Subject::tower_bias, site, 1);
    for (size_t y = 0; y < table.years.size(); ++y) {
      const int64_t first = to_days({table.years[y], 1, 1});
      for (size_t d = 0; d < SiteYears::days; ++d) {
        const size_t i = table.site_year(s, y) * SiteYears::days + d;
        const int64_t day = first + static_cast<int64_t>(d);
        if (gaps.at(static_cast<double>(day), 0, site) > limit) {
          reco[i] = nee[i] = NAN;
          continue;
        }
        const auto deviation = [&](float flux) {
          return kFloor + towers.random_error * std::abs(double{flux});
        };
        const bool noisy = towers.random_error > 0;
        const double nee_error =
            laplace(random.uniform(Subject::tower_noise, site, day)) * deviation(nee[i]);
        const double reco_error = random.series(Subject::tower_noise, day, site, kLasting) *
                                  kModelled * deviation(reco[i]);
        nee[i] = static_cast<float>(double{nee[i]} * factor + (noisy ? nee_error : 0));
        // Reco that is modelled from nights is not negative.
        reco[i] = static_cast<float>(
            std::max(0.0, double{reco[i]} * factor * partition + (noisy ? reco_error : 0)));
      }
    }
    table.sites[s].source = "synthetic tower";
  }
  table.daily = {{"NEE", std::move(nee)}, {"Reco", std::move(reco)}};
  table.monthly.clear();
  table.annual.clear();
  table.origin += ", labels as of towers, seed " + std::to_string(towers.seed);
}

}  // namespace fluxtile::world
