// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/ridge.h"

#include <cmath>
#include <numeric>

#include "base/error.h"

namespace fluxtile::world {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double rounded(double value) { return static_cast<double>(static_cast<float>(value)); }

// Solves a x = b in place for a symmetric positive definite a (row-major, n x n).
void solve_cholesky(std::vector<double>& a, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        if (!(sum > 0)) throw Error(Code::internal, "the normal equations are singular");
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}

}  // namespace

LinearHead fit_ridge(const std::vector<std::vector<double>>& features,
                     const std::vector<double>& target, double penalty) {
  const size_t n = features.size(), samples = target.size();
  std::vector<double> means(n);
  std::vector<std::vector<double>> centred = features;
  for (size_t i = 0; i < n; ++i) {
    means[i] = mean_of(features[i]);
    for (double& value : centred[i]) value -= means[i];
  }
  const double target_mean = mean_of(target);
  const auto scale = static_cast<double>(samples);
  std::vector<double> matrix(n * n), right(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double dot =
          std::inner_product(centred[i].begin(), centred[i].end(), centred[j].begin(), 0.0);
      matrix[i * n + j] = matrix[j * n + i] = dot / scale;
    }
    matrix[i * n + i] += penalty;
    for (size_t s = 0; s < samples; ++s) right[i] += centred[i][s] * (target[s] - target_mean);
    right[i] /= scale;
  }
  solve_cholesky(matrix, right);
  LinearHead head;
  double bias = target_mean;
  for (size_t i = 0; i < n; ++i) {
    head.weight.push_back(rounded(right[i]));
    bias -= head.weight.back() * means[i];
  }
  head.bias = rounded(bias);
  return head;
}

double explained(const std::vector<double>& value, const std::vector<double>& target) {
  const double mean = mean_of(target);
  double rest = 0, variance = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    rest += (value[i] - target[i]) * (value[i] - target[i]);
    variance += (target[i] - mean) * (target[i] - mean);
  }
  return 1 - rest / variance;
}

}  // namespace fluxtile::world
