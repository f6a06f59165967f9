// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation/simple_baselines.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "model/evaluation/site_scores.h"

namespace fluxtile {
namespace {
constexpr float kNoValue = std::numeric_limits<float>::quiet_NaN();

/// Mean of the numbers among `values`; NaN where there is none.
template <typename Values>
double mean_of_numbers(const Values& values) {
  double sum = 0, count = 0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    sum += v;
    ++count;
  }
  return sum / count;
}

std::vector<float> no_days(const SiteYears& table) {
  return std::vector<float>(table.sites.size() * table.years.size() * SiteYears::days, kNoValue);
}

/// Puts the means of months on their days.
void fill_year(const MonthlyMeans& months, int year, float* days) {
  const std::vector<int>& begin = SiteYears::month_begin(year);
  for (size_t m = 0; m < SiteYears::months; ++m)
    for (int d = begin[m]; d < begin[m + 1]; ++d) days[d] = static_cast<float>(months[m]);
}

/// Means of all crops, for crops and months that were never seen together.
MonthlyMeans over_crops(const std::map<int, MonthlyMeans>& by_crop) {
  MonthlyMeans out{};
  for (size_t m = 0; m < SiteYears::months; ++m) {
    std::vector<double> values;
    values.reserve(by_crop.size());
    for (const auto& [crop, months] : by_crop) values.push_back(months[m]);
    out[m] = mean_of_numbers(values);
  }
  return out;
}

Error no_labels(const std::string& what) {
  return Error(Code::data, "no training label for the " + what)
      .expected("a month of Reco with at least 15 days, or a monthly value, in a year for training")
      .hint("look at the labels of the table and at the years that the split keeps back");
}

/// The line's inputs of a site-year.
struct LineDrivers {
  std::array<float, SiteYears::days> gpp{}, temperature{};
};

LineDrivers drivers(const SiteYears& table, size_t site, size_t year) {
  const size_t gpp = table.feature("GPP"), high = table.feature("TMAX_AIR"),
               range = table.feature("TDIF_AIR");
  const float* input = table.input(site, year);
  LineDrivers out;
  for (size_t d = 0; d < SiteYears::days; ++d, input += table.features.size()) {
    out.gpp[d] = input[gpp];
    out.temperature[d] = input[high] - input[range] / 2;
  }
  return out;
}

double warmth(double temperature) { return std::exp(0.07 * temperature); }

/// Least squares of three unknowns by orthogonal rows (Givens rotations), which keeps twice the
/// digits of normal equations.
class ThreeUnknowns {
 public:
  void add(std::array<double, 4> row) {  // three factors and the value
    for (size_t k = 0; k < 3; ++k) {
      if (row[k] == 0) continue;
      const double length = std::hypot(upper_[k][k], row[k]);
      const double c = upper_[k][k] / length, s = row[k] / length;
      for (size_t j = k; j < 4; ++j) {
        const double a = upper_[k][j], b = row[j];
        upper_[k][j] = c * a + s * b;
        row[j] = c * b - s * a;
      }
    }
  }
  /// An unknown that the rows do not tell from the others is zero.
  [[nodiscard]] std::array<double, 3> solve() const {
    std::array<double, 3> x{};
    for (size_t k = 3; k-- > 0;) {
      double rest = upper_[k][3], size = 0;
      for (size_t j = k + 1; j < 3; ++j) rest -= upper_[k][j] * x[j];
      for (size_t i = 0; i <= k; ++i) size = std::max(size, std::fabs(upper_[i][k]));
      x[k] = std::fabs(upper_[k][k]) > 1e-12 * size ? rest / upper_[k][k] : 0;
    }
    return x;
  }

 private:
  std::array<std::array<double, 4>, 3> upper_{};
};

/// Observed and predicted monthly means of a region.
struct MonthPairs {
  std::vector<double> predicted, observed;
};

/// observed = first + second * predicted.
std::pair<double, double> bias_and_slope_of(const MonthPairs& pairs) {
  if (pairs.observed.empty()) return {0, 1};
  const double mean_p = mean_of_numbers(pairs.predicted), mean_o = mean_of_numbers(pairs.observed);
  double variance = 0, covariance = 0;
  for (size_t i = 0; i < pairs.observed.size(); ++i) {
    variance += (pairs.predicted[i] - mean_p) * (pairs.predicted[i] - mean_p);
    covariance += (pairs.predicted[i] - mean_p) * (pairs.observed[i] - mean_o);
  }
  const double slope = pairs.observed.size() >= 12 && variance > 0 ? covariance / variance : 1;
  return {mean_o - slope * mean_p, slope};
}

}  // namespace

Predictions climatology_baseline(const SiteYears& table, const Roles& roles) {
  Predictions out;
  for (const std::string& variable : scored_variables()) {
    const std::map<int, MonthlyMeans> by_crop =
        month_crop_means(table, roles, Role::train, variable, false);
    const MonthlyMeans any_crop = over_crops(by_crop);
    const double any_month = mean_of_numbers(any_crop);
    if (std::isnan(any_month)) continue;
    std::vector<float>& days = out.daily[variable] = no_days(table);
    for (size_t s = 0; s < table.sites.size(); ++s) {
      for (size_t y = 0; y < table.years.size(); ++y) {
        const auto found = by_crop.find(crop_of(table, s, y));
        MonthlyMeans months = found != by_crop.end() ? found->second : any_crop;
        for (size_t m = 0; m < SiteYears::months; ++m) {
          if (std::isnan(months[m])) months[m] = any_crop[m];
          if (std::isnan(months[m])) months[m] = any_month;
        }
        fill_year(months, table.years[y], &days[table.site_year(s, y) * SiteYears::days]);
      }
    }
  }
  if (out.daily.empty()) throw no_labels("climatology");
  return out;
}

Predictions line_baseline(const SiteYears& table, const Roles& roles) {
  ThreeUnknowns line;
  size_t rows = 0;
  for (size_t s = 0; s < table.sites.size(); ++s) {
    for (size_t y = 0; y < table.years.size(); ++y) {
      if (roles[table.site_year(s, y)] != Role::train) continue;
      const Observations observed = observations(table, "Reco", s, y, false);
      if (observed.none()) continue;
      const LineDrivers of_days = drivers(table, s, y);
      const float* counted =
          observed.daily.empty() ? of_days.temperature.data() : observed.daily.data();
      const MonthlyMeans reco = monthly_means(observed, table.years[y]),
                         gpp = monthly_means(of_days.gpp.data(), counted, table.years[y]),
                         temperature =
                             monthly_means(of_days.temperature.data(), counted, table.years[y]);
      for (size_t m = 0; m < SiteYears::months; ++m) {
        if (std::isnan(reco[m]) || std::isnan(gpp[m]) || std::isnan(temperature[m])) continue;
        line.add({1, gpp[m], warmth(temperature[m]), reco[m]});
        ++rows;
      }
    }
  }
  if (rows == 0) throw no_labels("line");
  const auto [a, b, c] = line.solve();

  Predictions out;
  std::vector<float>& reco = out.daily["Reco"] = no_days(table);
  std::vector<float>& nee = out.daily["NEE"] = no_days(table);
  for (size_t s = 0; s < table.sites.size(); ++s) {
    for (size_t y = 0; y < table.years.size(); ++y) {
      const LineDrivers of_days = drivers(table, s, y);
      const size_t first = table.site_year(s, y) * SiteYears::days;
      const std::vector<int>& month_begin = SiteYears::month_begin(table.years[y]);
      for (size_t m = 0; m < SiteYears::months; ++m) {
        const auto begin = static_cast<size_t>(month_begin[m]),
                   end = static_cast<size_t>(month_begin[m + 1]);
        double temperature = 0, sum = 0;
        for (size_t d = begin; d < end; ++d) {
          temperature += of_days.temperature[d];
          sum += warmth(of_days.temperature[d]);
        }
        const auto days = static_cast<double>(end - begin);
        const double scale = warmth(temperature / days) / (sum / days);
        for (size_t d = begin; d < end; ++d) {
          const double value = a + b * of_days.gpp[d] + c * scale * warmth(of_days.temperature[d]);
          reco[first + d] = static_cast<float>(value);
          nee[first + d] = static_cast<float>(value - of_days.gpp[d]);
        }
      }
    }
  }
  return out;
}

Predictions bias_and_slope(const SiteYears& table, const Roles& roles,
                           const Predictions& predictions) {
  Predictions out = predictions;
  for (const char* variable : {"Reco", "NEE"}) {
    const auto daily = out.daily.find(variable);
    if (daily == out.daily.end()) continue;
    std::map<std::string, MonthPairs> by_region;
    for (const ScaledValue& v :
         scaled_values(table, roles, Role::train, predictions, variable, Scale::monthly, false)) {
      MonthPairs& pairs = by_region[table.sites[v.site].region];
      pairs.predicted.push_back(v.predicted);
      pairs.observed.push_back(v.observed);
    }
    const size_t length = table.years.size() * SiteYears::days;
    for (size_t s = 0; s < table.sites.size(); ++s) {
      const auto [bias, slope] = bias_and_slope_of(by_region[table.sites[s].region]);
      for (size_t i = s * length; i < (s + 1) * length; ++i)
        daily->second[i] = static_cast<float>(bias + slope * daily->second[i]);
    }
  }
  return out;
}

}  // namespace fluxtile
