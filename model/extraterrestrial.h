// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// The sun seen from a latitude (degrees north) and on a day (1 January is day 1), with what a
/// caller of many pixels and days computes once.
class Parallel {
 public:
  explicit Parallel(double latitude = 0);

 private:
  friend double extraterrestrial_radiation(const Parallel&, const class SolarDay&);
  double sine_, cosine_, tangent_;
};
class SolarDay {
 public:
  explicit SolarDay(double day_of_year = 1);

 private:
  friend double extraterrestrial_radiation(const Parallel&, const SolarDay&);
  double strength_, sine_, cosine_, tangent_;
};

/// Solar radiation at the top of the atmosphere over a day, MJ m-2 (FAO-56, equations 21 to 25).
double extraterrestrial_radiation(const Parallel& parallel, const SolarDay& day);

}  // namespace fluxtile
