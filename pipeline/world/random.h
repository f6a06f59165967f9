// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fluxtile::world {

/// What a random number is for. Numbers of different subjects are independent.
enum class Subject : uint64_t {
  field_split = 1,
  field_crop,
  field_vigour,
  field_shift,
  vigour_pattern,
  town,
  river,
  texture,
  organic,
  local_soil,
  acidity,
  temperature,
  humidity,
  wetness,
  rain_amount,
  rain_pattern,
  radiation,
  wind,
  diurnal_range,
  composite,
  cloud_cover,
  cloud_pattern,
  season_temperature = 25,  // subjects keep their numbers: they decide every value
  season_wetness,
  site_point,
  parameter_jump,
  satellite_bias,
  satellite_noise,
  satellite_cloud,
  tower_noise,
  tower_bias,
  tower_gap,
  regional_texture,
  regional_organic
};

/// Random numbers that depend on nothing but seed, subject and position: no state, no order of
/// calls, the same on every machine (64-bit integer mixing and exact double arithmetic). Not for
/// cryptography.
class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  /// 64 well-mixed bits for a position.
  [[nodiscard]] uint64_t bits(Subject subject, int64_t i, int64_t j = 0,
                              int64_t k = 0) const noexcept;
  /// In [0, 1).
  [[nodiscard]] double uniform(Subject subject, int64_t i, int64_t j = 0,
                               int64_t k = 0) const noexcept;
  /// Mean 0, standard deviation 1, bell-shaped and bounded by +-3.47 (sum of four uniform numbers).
  [[nodiscard]] double normal(Subject subject, int64_t i, int64_t j = 0,
                              int64_t k = 0) const noexcept;
  /// A series over days with mean 0, standard deviation 1 and correlation `persistence` from day to
  /// day: a truncated moving average, so that a day's value does not depend on where a record
  /// starts. `persistence` in [0, 0.95].
  [[nodiscard]] double series(Subject subject, int64_t day, int64_t member,
                              double persistence) const;

 private:
  uint64_t seed_;
};

/// A smooth random surface over coordinates in metres: mean 0, standard deviation 1 at every point,
/// defined everywhere, without seams.
class Noise {
 public:
  /// `length` metres: spacing of the random knots, about the size of a blob.
  Noise(const Random& random, Subject subject, double length)
      : random_(random), subject_(subject), length_(length) {}
  /// `layer` chooses one of many independent surfaces (a day, a composite).
  [[nodiscard]] double at(double x, double y, int64_t layer = 0) const;

 private:
  Random random_;
  Subject subject_;
  double length_;
};

}  // namespace fluxtile::world
