// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "model/evaluation/scores.h"

namespace fluxtile {
namespace {
constexpr double kPi = 3.14159265358979323846;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
}  // namespace

double student_t_share(double t, int degrees) {
  // Finite series for whole degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4) of
  // the share between -t and t.
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double sine = std::sin(angle), cosine = std::cos(angle);
  double term = degrees % 2 == 1 ? cosine : 1, sum = 0;
  for (int k = degrees % 2 == 1 ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  const double between = degrees % 2 == 1 ? 2 / kPi * (angle + sine * sum) : sine * sum;
  return 0.5 + 0.5 * between;
}

double student_t_quantile(double share, int degrees) {
  if (!(share > 0 && share < 1) || degrees < 1) return kNone;
  if (share == 0.5) return 0;
  if (share < 0.5) return -student_t_quantile(1 - share, degrees);
  double low = 0, high = 1;
  while (student_t_share(high, degrees) < share && high < 1e15) high *= 2;
  for (int k = 0; k < 200 && low < high; ++k) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (student_t_share(middle, degrees) < share ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

ReplicateMean mean_of_replicates(const std::vector<double>& values) {
  ReplicateMean out;
  double sum = 0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    sum += v;
    ++out.replicates;
  }
  const auto n = static_cast<double>(out.replicates);
  out.mean = out.replicates > 0 ? sum / n : kNone;
  out.low = out.high = kNone;
  if (out.replicates < 2) return out;
  double squares = 0;
  for (const double v : values)
    if (!std::isnan(v)) squares += (v - out.mean) * (v - out.mean);
  const double half = student_t_quantile(0.975, static_cast<int>(out.replicates) - 1) *
                      std::sqrt(squares / (n - 1) / n);
  out.low = out.mean - half;
  out.high = out.mean + half;
  return out;
}

}  // namespace fluxtile
