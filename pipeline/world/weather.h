// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

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

/// A box in degrees.
struct GeographicBox {
  double west = 0, south = 0, east = 0, north = 0;
};

/// What is normal for the season at a place; smooth functions of longitude and latitude. Colder and
/// drier to the north-west, wetter to the south-east, hotter summers and colder winters to the
/// west.
struct Climate {
  double mean = 11;       ///< annual mean temperature, degC
  double amplitude = 14;  ///< of the annual cosine, K
  double wetness = 0;     ///< logarithm of annual rain against that at 90 W, 40.4 N
  /// Mean temperature of a day of the normal year, degC. `day_of_year`: 0-based.
  [[nodiscard]] double temperature(double day_of_year) const;
};
Climate climate_at(double longitude, double latitude);

/// Daily weather like that of the US Midwest: seasons, spells of several days, wet and dry days,
/// gradients in space, hot dry summers and cool wet ones. A day's weather depends on seed, date and
/// place only, and changes smoothly from place to place. Thread-safe.
///  - temperature: annual cosine (mean 11 degC, amplitude 14 degC at 40.4 N) plus spells of 4.2
///  degC
///    with a correlation of 0.72 from day to day, plus anomalies of about 1.1 degC that last for
///    months;
///  - rain on about 3 days in 10, exponential amounts, most in summer, patchy in space; fewer rainy
///    days in hot summers;
///  - radiation: extraterrestrial (FAO-56, eq. 21) times 0.70 on clear and 0.38 on wet days;
///  - humidity from a dew point a little below the daily minimum in the morning and about 5 K
///  higher
///    in the afternoon (vapour pressure: FAO-56, eq. 11);
///  - wind log-normal about 4 m s-1.
/// Spells are smooth surfaces whose correlation falls to 1/e at 420 km (rainy days) to 650 km
/// (temperature); 4 to 28 % of their variance lies in patterns of 60 km.
class Weather {
 public:
  /// `box`: where places may lie. It changes no value.
  Weather(const Random& random, const GeographicBox& box);

  static constexpr size_t spells = 6, surfaces = 9;
  /// The knots of a surface about a place: 4 x 4, from `first` on, and their weights.
  struct Knots {
    size_t first = 0;  ///< in Day::knots
    std::array<float, 16> weight{};
  };
  /// What does not change from day to day at a place.
  struct Place {
    double x = 0, y = 0;  ///< metres from 90 W, 40.4 N
    double latitude = 0;  ///< degrees
    Climate climate;
    std::array<Knots, surfaces> knots{};
    std::array<std::array<double, 3>, spells> pattern{};
  };
  /// What is common to all places on a day.
  struct Day {
    int64_t day = 0;      ///< days since 1970-01-01
    int day_of_year = 0;  ///< 0-based
    std::array<std::vector<float>, surfaces> knots;
    std::array<std::array<double, 3>, spells> series{};
  };
  /// Throws Error(internal) for a place outside the box.
  [[nodiscard]] Place place(double longitude, double latitude) const;
  /// Costs as much as some hundred calls of at(): make it once a day, for all places.
  [[nodiscard]] Day day(int64_t day, int day_of_year) const;
  [[nodiscard]] DayWeather at(const Place& place, const Day& day) const;

 private:
  /// Knots of one surface that places in the box can touch.
  struct Window {
    int64_t column = 0, row = 0;
    size_t width = 0, height = 0;
  };
  [[nodiscard]] double surface(size_t index, const Place& place, const Day& day) const;
  [[nodiscard]] double spell(size_t index, const Place& place, const Day& day) const;

  Random random_;
  Noise rain_pattern_;
  GeographicBox box_;
  std::array<Window, surfaces> windows_{};
};

/// Saturation vapour pressure over water, kPa; `celsius` degC (FAO-56, eq. 11).
double saturation_vapour_pressure(double celsius);

}  // namespace fluxtile::world
