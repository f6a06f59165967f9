// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/weather.h"

#include <algorithm>
#include <cmath>

namespace fluxtile::world {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kMetresPerDegree = 111200;

// A spell is a series common to the world and, with weight sqrt(1 - common^2), smooth surfaces that
// grow and decay with the same persistence.
struct Spell {
  Subject subject;
  double persistence, common;
};
enum SpellIndex : size_t { wetness, temperature, diurnal, radiation, humidity, wind };
constexpr std::array<Spell, 6> kSpells = {{{Subject::wetness, 0.4, 0.9},
                                           {Subject::temperature, 0.72, 0.96},
                                           {Subject::diurnal_range, 0.4, 0.9},
                                           {Subject::radiation, 0.3, 0.85},
                                           {Subject::humidity, 0.5, 0.9},
                                           {Subject::wind, 0.4, 0.9}}};

double value_of(SpellIndex index, const Weather::Place& place, const Weather::Day& day) {
  double local = 0;
  for (size_t i = 0; i < place.pattern[index].size(); ++i) {
    local += day.series[index][i + 1] * place.pattern[index][i];
  }
  const double common = kSpells[index].common;
  return common * day.series[index][0] + std::sqrt((1 - common * common) / 3) * local;
}

double yearly(double day_of_year, double peak_day) {
  return std::cos(2 * kPi * (day_of_year - peak_day) / 365.25);
}

// Daily mean radiation at the top of the atmosphere, W m-2 (FAO-56, eqs. 21 and 23 to 25).
double extraterrestrial(double latitude, double day_of_year) {
  const double phi = latitude * kPi / 180;
  const double angle = 2 * kPi * (day_of_year + 1) / 365;
  const double distance = 1 + 0.033 * std::cos(angle);
  const double declination = 0.409 * std::sin(angle - 1.39);
  const double sunset = std::acos(std::clamp(-std::tan(phi) * std::tan(declination), -1.0, 1.0));
  return 1367 / kPi * distance *
         (sunset * std::sin(phi) * std::sin(declination) +
          std::cos(phi) * std::cos(declination) * std::sin(sunset));
}

}  // namespace

double saturation_vapour_pressure(double celsius) {
  return 0.6108 * std::exp(17.27 * celsius / (celsius + 237.3));
}

Weather::Weather(const Random& random, double longitude, double latitude)
    : random_(random),
      rain_pattern_(random, Subject::rain_pattern, 12000),
      longitude_(longitude),
      latitude_(latitude) {}

Weather::Place Weather::place(double longitude, double latitude) const {
  Place place;
  place.x = (longitude - longitude_) * kMetresPerDegree * std::cos(latitude_ * kPi / 180);
  place.y = (latitude - latitude_) * kMetresPerDegree;
  place.latitude = latitude;
  for (size_t s = 0; s < kSpells.size(); ++s) {
    const Noise surface(random_, kSpells[s].subject, 60000);
    for (size_t i = 0; i < 3; ++i) {
      place.pattern[s][i] = surface.at(place.x, place.y, -1 - static_cast<int64_t>(i));
    }
  }
  return place;
}

Weather::Day Weather::day(int64_t day, int day_of_year) const {
  Day result;
  result.day = day;
  result.day_of_year = day_of_year;
  for (size_t s = 0; s < kSpells.size(); ++s) {
    for (size_t i = 0; i < 4; ++i) {
      result.series[s][i] =
          random_.series(kSpells[s].subject, day, static_cast<int64_t>(i), kSpells[s].persistence);
    }
  }
  return result;
}

DayWeather Weather::at(const Place& place, const Day& day) const {
  const double doy = day.day_of_year;
  const double wetness_value = value_of(wetness, place, day);
  const bool wet = wetness_value > 0.5;
  const double mean = 11.0 - 14.0 * yearly(doy, 19) - 0.8 * (place.latitude - 40.4) +
                      4.2 * value_of(temperature, place, day);
  const double range = std::clamp(
      11.5 - 1.8 * yearly(doy, 10) - (wet ? 4.0 : 0.0) + 1.8 * value_of(diurnal, place, day), 2.5,
      24.0);

  DayWeather weather;
  weather.tmax = mean + range / 2 + 273.15;
  weather.tmin = mean - range / 2 + 273.15;

  const double clearness =
      std::clamp((wet ? 0.38 : 0.70) + 0.09 * value_of(radiation, place, day), 0.12, 0.80);
  weather.radiation = extraterrestrial(place.latitude, doy) * clearness;

  const double tmin = mean - range / 2, tmax = mean + range / 2;
  const double dew =
      std::min(tmin + 1.0, tmin - 2.2 + (wet ? 1.8 : 0.0) + 1.4 * value_of(humidity, place, day));
  const double vapour = saturation_vapour_pressure(dew);
  weather.rh_max = std::clamp(100 * vapour / saturation_vapour_pressure(tmin), 5.0, 100.0);
  weather.rh_min = std::clamp(100 * vapour / saturation_vapour_pressure(tmax), 3.0, weather.rh_max);

  weather.wind = std::clamp(
      std::exp(1.36 + 0.12 * yearly(doy, 75) + 0.33 * value_of(wind, place, day)), 0.4, 16.0);

  if (wet) {
    const double common = -std::log(1 - random_.uniform(Subject::rain_amount, day.day));
    const double season = 8.5 * (1 - 0.35 * yearly(doy, 15));
    const double patch = std::exp(0.5 * rain_pattern_.at(place.x, place.y, day.day) - 0.125);
    weather.rain =
        std::min(180.0, season * common * patch * std::min(1.5, 0.4 + (wetness_value - 0.5)));
  }
  return weather;
}

}  // namespace fluxtile::world
