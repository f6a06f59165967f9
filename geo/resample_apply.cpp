// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "base/error.h"
#include "geo/resample.h"

namespace fluxtile {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void require_window(const ResampleWeights& weights, const std::vector<double>& values) {
  if (values.size() != weights.window.cells())
    throw Error(Code::internal, "resampling: the layer does not fill the source window")
        .found(std::to_string(values.size()) + " values")
        .expected(std::to_string(weights.window.cells()));
}

/// Weighted mean of the valid ones among `n` entries, in order; NaN when there is none.
struct Mean {
  double sum = 0, weight = 0;
  void add(double w, double v) {
    if (std::isnan(v) || w == 0) return;
    sum += w * v;
    weight += w;
  }
  [[nodiscard]] double value() const { return weight > 0 ? sum / weight : nan; }
};

}  // namespace

void apply_weights(const ResampleWeights& weights, const std::vector<double>& values,
                   std::vector<double>& out, std::vector<double>* coverage) {
  require_window(weights, values);
  const size_t n = weights.size();
  out.assign(n, nan);
  if (coverage != nullptr) coverage->assign(n, 0);
  for (size_t i = 0; i < n; ++i) {
    const auto begin = static_cast<size_t>(weights.offset[i]);
    const auto end = static_cast<size_t>(weights.offset[i + 1]);
    const auto value = [&](size_t k) { return values[static_cast<size_t>(weights.index[k])]; };
    Mean mean;
    if (weights.method == Resampling::cubic && end - begin == 16) {
      bool whole = true;
      for (size_t k = begin; k < end && whole; ++k) whole = !std::isnan(value(k));
      if (whole) {
        for (size_t k = begin; k < end; ++k) mean.add(weights.weight[k], value(k));
      } else {
        // The four in the middle of the 4 x 4 block, bilinear.
        const double tx = weights.fraction_x[i], ty = weights.fraction_y[i];
        mean.add((1 - tx) * (1 - ty), value(begin + 5));
        mean.add(tx * (1 - ty), value(begin + 6));
        mean.add((1 - tx) * ty, value(begin + 9));
        mean.add(tx * ty, value(begin + 10));
      }
    } else {
      for (size_t k = begin; k < end; ++k) mean.add(weights.weight[k], value(k));
    }
    out[i] = mean.value();
    if (coverage != nullptr) (*coverage)[i] = mean.weight;
  }
}

std::vector<double> category_shares(const ResampleWeights& weights,
                                    const std::vector<double>& values,
                                    const std::vector<double>& categories) {
  require_window(weights, values);
  if (weights.method != Resampling::area && weights.method != Resampling::nearest)
    throw Error(Code::internal, "category shares need area or nearest weights");
  const size_t n = weights.size(), kinds = categories.size();
  std::vector<double> shares(n * kinds, 0.0);
  for (size_t i = 0; i < n; ++i) {
    double* row = shares.data() + i * kinds;
    for (auto k = static_cast<size_t>(weights.offset[i]);
         k < static_cast<size_t>(weights.offset[i + 1]); ++k) {
      const double value = values[static_cast<size_t>(weights.index[k])];
      for (size_t c = 0; c < kinds; ++c)
        if (categories[c] == value) row[c] += weights.weight[k];
    }
  }
  return shares;
}

}  // namespace fluxtile
