// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/weather.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fluxtile::world {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kMetresPerDegree = 111200;
constexpr double kLongitude = -90, kLatitude = 40.4;  // where x and y are 0

// A smooth surface for every day: knots `spacing` apart. The first six are the spells; a share
// `common` of a spell's standard deviation comes from its surface, the rest from patterns of 60 km
// that grow and decay with the same persistence.
struct Surface {
  Subject subject;
  double spacing;  // metres
  double persistence;
  double common;
};
enum SurfaceIndex : size_t {
  wetness,
  temperature,
  diurnal,
  radiation,
  humidity,
  wind,
  rain_amount,
  season_temperature,
  season_wetness
};
constexpr std::array<Surface, Weather::surfaces> kSurfaces = {
    {{Subject::wetness, 260000, 0.4, 0.9},
     {Subject::temperature, 400000, 0.72, 0.96},
     {Subject::diurnal_range, 250000, 0.4, 0.9},
     {Subject::radiation, 260000, 0.3, 0.85},
     {Subject::humidity, 300000, 0.5, 0.9},
     {Subject::wind, 300000, 0.4, 0.9},
     {Subject::rain_amount, 150000, 0, 1},
     {Subject::season_temperature, 600000, 0, 1},
     {Subject::season_wetness, 450000, 0, 1}}};
constexpr double kPatternLength = 60000;
constexpr double kSeasonDays = 60;  // spacing of the knots in time of the seasonal surfaces

double yearly(double day_of_year, double peak_day) {
  return std::cos(2 * kPi * (day_of_year - peak_day) / 365.25);
}

// The weight of a knot at a squared distance of `square` spacings: that of Noise.
double knot_weight(double square) {
  const double near = 1 - square / 4;
  return near <= 0 ? 0 : near * near * near;
}

// A value that changes over months: knots in time, weighted as Noise does in space.
double slow(const Random& random, Subject subject, int64_t day, int64_t knot) {
  const double t = static_cast<double>(day) / kSeasonDays;
  const auto first = static_cast<int64_t>(std::floor(t));
  double sum = 0, power = 0;
  for (int64_t i = first - 1; i <= first + 2; ++i) {
    const double distance = t - static_cast<double>(i);
    const double weight = knot_weight(distance * distance);
    if (weight == 0) continue;
    sum += weight * random.normal(subject, i, knot);
    power += weight * weight;
  }
  return sum / std::sqrt(power);
}

// 0 below `low`, 1 above `high`, smooth between.
double ramp(double value, double low, double high) {
  const double t = std::clamp((value - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

int64_t knot_number(int64_t column, int64_t row) { return column * 100003 + row; }

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

double x_of(double longitude) {
  return (longitude - kLongitude) * kMetresPerDegree * std::cos(kLatitude * kPi / 180);
}
double y_of(double latitude) { return (latitude - kLatitude) * kMetresPerDegree; }

int64_t first_knot(double coordinate, double spacing) {
  return static_cast<int64_t>(std::floor(coordinate / spacing)) - 1;
}

}  // namespace

double saturation_vapour_pressure(double celsius) {
  return 0.6108 * std::exp(17.27 * celsius / (celsius + 237.3));
}

double Climate::temperature(double day_of_year) const {
  return mean - amplitude * yearly(day_of_year, 19);
}

Climate climate_at(double longitude, double latitude) {
  // Gradients hold within ten degrees of the middle and level off beyond.
  const double east = 10 * std::tanh((longitude - kLongitude) / 10);
  const double north = latitude - kLatitude;
  Climate climate;
  climate.mean = 11.0 - 0.95 * north;
  climate.amplitude = 14.0 - 0.12 * east + 0.15 * 10 * std::tanh(north / 10);
  climate.wetness = 0.032 * east - 0.045 * 10 * std::tanh(north / 10);
  return climate;
}

Weather::Weather(const Random& random, const GeographicBox& box)
    : random_(random), rain_pattern_(random, Subject::rain_pattern, 12000), box_(box) {
  for (size_t s = 0; s < surfaces; ++s) {
    const double spacing = kSurfaces[s].spacing;
    Window& window = windows_[s];
    window.column = first_knot(x_of(box.west), spacing);
    window.row = first_knot(y_of(box.south), spacing);
    window.width = static_cast<size_t>(first_knot(x_of(box.east), spacing) + 4 - window.column);
    window.height = static_cast<size_t>(first_knot(y_of(box.north), spacing) + 4 - window.row);
  }
}

Weather::Place Weather::place(double longitude, double latitude) const {
  if (longitude < box_.west || longitude > box_.east || latitude < box_.south ||
      latitude > box_.north) {
    throw Error(Code::internal, "weather is asked for outside of the world")
        .found(fmt::format("{} E, {} N", longitude, latitude))
        .expected(
            fmt::format("{} to {} E, {} to {} N", box_.west, box_.east, box_.south, box_.north));
  }
  Place place;
  place.x = x_of(longitude);
  place.y = y_of(latitude);
  place.latitude = latitude;
  place.climate = climate_at(longitude, latitude);
  for (size_t s = 0; s < surfaces; ++s) {
    const double u = place.x / kSurfaces[s].spacing, v = place.y / kSurfaces[s].spacing;
    const int64_t column = first_knot(place.x, kSurfaces[s].spacing);
    const int64_t row = first_knot(place.y, kSurfaces[s].spacing);
    Knots& knots = place.knots[s];
    knots.first = static_cast<size_t>(row - windows_[s].row) * windows_[s].width +
                  static_cast<size_t>(column - windows_[s].column);
    std::array<double, 16> weight{};
    double power = 0;
    for (int64_t j = 0; j < 4; ++j) {
      for (int64_t i = 0; i < 4; ++i) {
        const double du = u - static_cast<double>(column + i);
        const double dv = v - static_cast<double>(row + j);
        const double w = knot_weight(du * du + dv * dv);
        weight[static_cast<size_t>(4 * j + i)] = w;
        power += w * w;
      }
    }
    for (size_t k = 0; k < 16; ++k)
      knots.weight[k] = static_cast<float>(weight[k] / std::sqrt(power));
  }
  for (size_t s = 0; s < spells; ++s) {
    const Noise pattern(random_, kSurfaces[s].subject, kPatternLength);
    for (size_t i = 0; i < 3; ++i)
      place.pattern[s][i] = pattern.at(place.x, place.y, -1 - static_cast<int64_t>(i));
  }
  return place;
}

Weather::Day Weather::day(int64_t day, int day_of_year) const {
  Day result;
  result.day = day;
  result.day_of_year = day_of_year;
  for (size_t s = 0; s < surfaces; ++s) {
    const Surface& kind = kSurfaces[s];
    const Window& window = windows_[s];
    result.knots[s].reserve(window.width * window.height);
    for (size_t j = 0; j < window.height; ++j) {
      for (size_t i = 0; i < window.width; ++i) {
        const int64_t knot = knot_number(window.column + static_cast<int64_t>(i),
                                         window.row + static_cast<int64_t>(j));
        double value = 0;
        if (s >= season_temperature) {
          value = slow(random_, kind.subject, day, knot);
        } else if (s == rain_amount) {
          value = random_.normal(kind.subject, day, knot);
        } else {
          value = random_.series(kind.subject, day, knot, kind.persistence);
        }
        result.knots[s].push_back(static_cast<float>(value));
      }
    }
  }
  for (size_t s = 0; s < spells; ++s) {
    for (size_t i = 0; i < 3; ++i) {
      // Members beyond every knot number.
      const int64_t member = (int64_t{1} << 40) + static_cast<int64_t>(i);
      result.series[s][i] =
          random_.series(kSurfaces[s].subject, day, member, kSurfaces[s].persistence);
    }
  }
  return result;
}

double Weather::surface(size_t index, const Place& place, const Day& day) const {
  const Knots& knots = place.knots[index];
  const float* value = day.knots[index].data() + knots.first;
  const size_t width = windows_[index].width;
  double sum = 0;
  for (size_t j = 0; j < 4; ++j) {
    for (size_t i = 0; i < 4; ++i)
      sum += double{knots.weight[4 * j + i]} * double{value[j * width + i]};
  }
  return sum;
}

double Weather::spell(size_t index, const Place& place, const Day& day) const {
  double local = 0;
  for (size_t i = 0; i < 3; ++i) local += day.series[index][i] * place.pattern[index][i];
  const double common = kSurfaces[index].common;
  return common * surface(index, place, day) + std::sqrt((1 - common * common) / 3) * local;
}

DayWeather Weather::at(const Place& place, const Day& day) const {
  const double doy = day.day_of_year;
  const Climate& climate = place.climate;
  const double warm = surface(season_temperature, place, day);
  const double summer = 0.5 - 0.5 * yearly(doy, 19);  // 0 in January, 1 in July
  // Hot summers are dry ones.
  const double moist = 0.25 * surface(season_wetness, place, day) - 0.24 * summer * warm;
  const double wetness_value = (spell(wetness, place, day) + moist) / std::sqrt(1 + 0.0625 + 0.02);
  const double limit = 0.5 - 0.45 * climate.wetness;
  const double cloud = ramp(wetness_value, limit - 0.25, limit + 0.25);
  const double mean = climate.temperature(doy) + 4.0 * spell(temperature, place, day) + 1.1 * warm;
  const double range = std::clamp(
      11.5 - 1.8 * yearly(doy, 10) - 4.0 * cloud + 1.8 * spell(diurnal, place, day), 2.5, 24.0);

  DayWeather weather;
  weather.tmax = mean + range / 2 + 273.15;
  weather.tmin = mean - range / 2 + 273.15;

  const double clearness =
      std::clamp(0.70 - 0.32 * cloud + 0.09 * spell(radiation, place, day), 0.12, 0.80);
  weather.radiation = extraterrestrial(place.latitude, doy) * clearness;

  const double tmin = mean - range / 2, tmax = mean + range / 2;
  // Air is drier where and when rain is rare.
  const double dew =
      std::min(tmin + 1.0, tmin - 2.2 + 1.8 * cloud + 1.4 * spell(humidity, place, day) +
                               1.5 * climate.wetness + 0.8 * moist);
  const double vapour = saturation_vapour_pressure(dew);
  weather.rh_max = std::clamp(100 * vapour / saturation_vapour_pressure(tmin), 5.0, 100.0);
  // By afternoon plants and soil have moistened the air; wind carries some of that away.
  const double rise =
      0.42 * range - 1.0 * spell(wind, place, day) + 0.6 * spell(radiation, place, day);
  const double afternoon = saturation_vapour_pressure(std::min(tmax, dew + std::max(0.0, rise)));
  weather.rh_min =
      std::clamp(100 * afternoon / saturation_vapour_pressure(tmax), 3.0, weather.rh_max);

  weather.wind = std::clamp(
      std::exp(1.36 + 0.12 * yearly(doy, 75) + 0.33 * spell(wind, place, day)), 0.4, 16.0);

  const double excess = wetness_value - limit;
  if (excess > 0) {
    // An exponential amount from a normal deviate that is smooth in space.
    const double z = surface(rain_amount, place, day);
    const double amount = -std::log(0.5 * std::erfc(std::clamp(z, -4.0, 4.0) / std::sqrt(2.0)));
    const double season = 9.2 * (1 - 0.35 * yearly(doy, 15)) * std::exp(0.5 * climate.wetness);
    const double patch = std::exp(0.5 * rain_pattern_.at(place.x, place.y, day.day) - 0.125);
    weather.rain = std::min(
        180.0, season * amount * patch * std::min(1.5, 0.4 + excess) * ramp(excess, 0, 0.2));
  }
  return weather;
}

}  // namespace fluxtile::world
