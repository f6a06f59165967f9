// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "pipeline/world/random.h"

namespace fluxtile::world {

/// One day's weather in gridMET's units.
struct DayWeather {
  double tmax = 0, tmin = 0;      ///< K
  double radiation = 0;           ///< mean shortwave, W m-2
  double rh_max = 0, rh_min = 0;  ///< %
  double wind = 0;                ///< m s-1
  double rain = 0;                ///< mm
};

/// Daily weather like that of the US Midwest: seasons, spells of several days, wet and dry days,
/// gradients in space. A day's weather depends on seed, date and place only. Thread-safe.
///  - temperature: annual cosine (mean 11 degC, amplitude 14 degC at 40.4 N, -0.8 degC a degree
///    north) plus spells of 4.2 degC with a correlation of 0.72 from day to day;
///  - rain on about 3 days in 10, exponential amounts, most in summer, patchy in space;
///  - radiation: extraterrestrial (FAO-56, eq. 21) times 0.74 on clear and 0.38 on wet days;
///  - humidity from a dew point a little below the daily minimum (vapour pressure: FAO-56, eq. 11);
///  - wind log-normal about 4 m s-1.
class Weather {
 public:
  /// `longitude`, `latitude`: middle of the world, degrees.
  Weather(const Random& random, double longitude, double latitude);
  /// What does not change from day to day at a place.
  struct Place {
    double x = 0, y = 0;  ///< metres from the middle of the world
    double latitude = 0;  ///< degrees
    std::array<std::array<double, 3>, 6> pattern{};
  };
  /// What is common to the world on a day.
  struct Day {
    int64_t day = 0;      ///< days since 1970-01-01
    int day_of_year = 0;  ///< 0-based
    std::array<std::array<double, 4>, 6> series{};
  };
  [[nodiscard]] Place place(double longitude, double latitude) const;
  [[nodiscard]] Day day(int64_t day, int day_of_year) const;
  [[nodiscard]] DayWeather at(const Place& place, const Day& day) const;

 private:
  Random random_;
  Noise rain_pattern_;
  double longitude_, latitude_;
};

/// Saturation vapour pressure over water, kPa; `celsius` degC (FAO-56, eq. 11).
double saturation_vapour_pressure(double celsius);

}  // namespace fluxtile::world
