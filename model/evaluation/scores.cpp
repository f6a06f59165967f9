// SPDX-License-Identifier: Apache-2.0
#include "model/evaluation/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fluxtile {
namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
}

Scores scores(const std::vector<double>& predicted, const std::vector<double>& observed) {
  Scores out;
  double sum_p = 0, sum_o = 0, sum_error = 0, squared_error = 0;
  double low_o = HUGE_VAL, high_o = -HUGE_VAL, low_p = HUGE_VAL, high_p = -HUGE_VAL;
  const auto both = [&](size_t i) { return !std::isnan(predicted[i]) && !std::isnan(observed[i]); };
  const size_t count = std::min(predicted.size(), observed.size());
  for (size_t i = 0; i < count; ++i) {
    if (!both(i)) continue;
    ++out.pairs;
    const double error = predicted[i] - observed[i];
    sum_p += predicted[i];
    sum_o += observed[i];
    sum_error += error;
    squared_error += error * error;
    low_o = std::min(low_o, observed[i]);
    high_o = std::max(high_o, observed[i]);
    low_p = std::min(low_p, predicted[i]);
    high_p = std::max(high_p, predicted[i]);
  }
  out.mse = out.rmse = out.bias = out.r2 = out.nse = out.kge = kNone;
  if (out.pairs < 2) return out;
  const auto n = static_cast<double>(out.pairs);
  const double mean_p = sum_p / n, mean_o = sum_o / n;
  double var_p = 0, var_o = 0, covariance = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!both(i)) continue;
    var_p += (predicted[i] - mean_p) * (predicted[i] - mean_p);
    var_o += (observed[i] - mean_o) * (observed[i] - mean_o);
    covariance += (predicted[i] - mean_p) * (observed[i] - mean_o);
  }
  var_p /= n;
  var_o /= n;
  covariance /= n;
  out.mse = squared_error / n;
  out.rmse = std::sqrt(out.mse);
  out.bias = sum_error / n;
  // Equal values have no variance, whatever rounding of their mean says.
  const bool o_varies = low_o < high_o && var_o > 0, p_varies = low_p < high_p && var_p > 0;
  if (o_varies) out.nse = 1 - out.mse / var_o;
  if (o_varies && p_varies) {
    const double r = covariance / std::sqrt(var_p * var_o);
    out.r2 = r * r;
    if (mean_o != 0) {
      const double alpha = std::sqrt(var_p / var_o), beta = mean_p / mean_o;
      out.kge =
          1 - std::sqrt((r - 1) * (r - 1) + (alpha - 1) * (alpha - 1) + (beta - 1) * (beta - 1));
    }
  }
  return out;
}

double quantile(std::vector<double> values, double share) {
  values.erase(std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); }),
               values.end());
  if (values.empty()) return kNone;
  std::sort(values.begin(), values.end());
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  const double part = at - static_cast<double>(below);
  return part == 0 ? values[below] : values[below] + part * (values[above] - values[below]);
}

const std::vector<Scale>& all_scales() {
  static const std::vector<Scale> scales{Scale::daily, Scale::monthly, Scale::annual,
                                         Scale::anomaly, Scale::between_site};
  return scales;
}

std::string to_text(Scale scale) {
  switch (scale) {
    case Scale::daily:
      return "daily";
    case Scale::monthly:
      return "monthly";
    case Scale::annual:
      return "annual";
    case Scale::anomaly:
      return "anomaly";
    case Scale::between_site:
      return "between-site";
  }
  return "";
}

}  // namespace fluxtile
