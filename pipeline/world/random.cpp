// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/random.h"

#include <cmath>

namespace fluxtile::world {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection whose output bits all
// depend on all input bits.
uint64_t mix(uint64_t z) noexcept {
  z += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

constexpr int kSeriesDays = 60;  // 0.95^60 = 0.05: what is cut off hardly shows

}  // namespace

uint64_t Random::bits(Subject subject, int64_t i, int64_t j, int64_t k) const noexcept {
  uint64_t z = mix(seed_);
  z = mix(z ^ static_cast<uint64_t>(subject));
  z = mix(z ^ static_cast<uint64_t>(i));
  z = mix(z ^ static_cast<uint64_t>(j));
  return mix(z ^ static_cast<uint64_t>(k));
}

double Random::uniform(Subject subject, int64_t i, int64_t j, int64_t k) const noexcept {
  return static_cast<double>(bits(subject, i, j, k) >> 11) * 0x1p-53;
}

double Random::normal(Subject subject, int64_t i, int64_t j, int64_t k) const noexcept {
  const uint64_t b = bits(subject, i, j, k);
  double sum = 0;
  for (int part = 0; part < 4; ++part) {
    sum += static_cast<double>((b >> (16 * part)) & 0xFFFFU) + 0.5;
  }
  return (sum / 65536.0 - 2.0) * std::sqrt(3.0);
}

double Random::series(Subject subject, int64_t day, int64_t member, double persistence) const {
  double weight = 1, sum = 0, power = 0;
  for (int back = 0; back < kSeriesDays; ++back) {
    sum += weight * normal(subject, day - back, member);
    power += weight * weight;
    weight *= persistence;
    if (weight < 1e-4) break;
  }
  return sum / std::sqrt(power);
}

double Noise::at(double x, double y, int64_t layer) const {
  const double u = x / length_, v = y / length_;
  const auto i0 = static_cast<int64_t>(std::floor(u)), j0 = static_cast<int64_t>(std::floor(v));
  double sum = 0, power = 0;
  for (int64_t j = j0 - 1; j <= j0 + 2; ++j) {
    for (int64_t i = i0 - 1; i <= i0 + 2; ++i) {
      const double du = u - static_cast<double>(i), dv = v - static_cast<double>(j);
      const double near = 1 - (du * du + dv * dv) / 4;
      if (near <= 0) continue;
      const double weight = near * near * near;
      sum += weight * random_.normal(subject_, i, j, layer);
      power += weight * weight;
    }
  }
  return sum / std::sqrt(power);
}

}  // namespace fluxtile::world
