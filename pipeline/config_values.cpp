// SPDX-License-Identifier: Apache-2.0
#include "pipeline/config_values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "pipeline/config.h"

namespace fluxtile {
namespace {

/// "4 GB" -> {"4", "GB"}; blanks between and around them drop out.
std::pair<std::string, std::string> number_and_unit(const std::string& text) {
  size_t end = 0;
  while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) != 0 ||
                               text[end] == '.' || text[end] == '-' || text[end] == '+'))
    ++end;
  size_t unit = end;
  while (unit < text.size() && text[unit] == ' ') ++unit;
  size_t stop = text.size();
  while (stop > unit && text[stop - 1] == ' ') --stop;
  return {text.substr(0, end), text.substr(unit, stop - unit)};
}

}  // namespace

std::optional<double> number_in(const std::string& text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::nan("");
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  if (begin != end && *begin == '-' && begin != text.data()) return std::nullopt;
  double value = 0;
  const auto [stop, status] = std::from_chars(begin, end, value);
  if (status != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<int64_t> whole_number_in(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc{} || stop != end) return std::nullopt;
  return value;
}

uint64_t parse_size(const std::string& text) {
  static const std::vector<std::pair<std::string, double>> units = {
      {"B", 1},     {"k", 1e3},      {"kB", 1e3},     {"K", 1e3},      {"KB", 1e3},
      {"M", 1e6},   {"MB", 1e6},     {"G", 1e9},      {"GB", 1e9},     {"T", 1e12},
      {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  const auto [digits, unit] = number_and_unit(text);
  const auto number = number_in(digits);
  for (const auto& [name, factor] : units) {
    if (name != unit || !number) continue;
    const double bytes = *number * factor;
    if (bytes >= 1 && bytes < 0x1p62) return static_cast<uint64_t>(bytes);
  }
  throw Error(Code::data, "not a size of memory")
      .found("`" + text + "`")
      .expected("a number and a unit: 512MB, 4GB (= 4e9 bytes) or 4GiB (= 4 * 2^30 bytes)");
}

std::optional<int64_t> seconds_in(const std::string& text) {
  static const std::map<char, int64_t> units = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
  if (text.empty()) return std::nullopt;
  const auto unit = units.find(text.back());
  const auto count = whole_number_in(unit == units.end() ? text : text.substr(0, text.size() - 1));
  constexpr int64_t most = 1000000000;
  if (!count || *count < 0 || *count > most) return std::nullopt;
  return unit == units.end() ? *count : *count * unit->second;
}

double parse_distance_km(const std::string& text) {
  const auto [digits, unit] = number_and_unit(text);
  const auto number = number_in(digits);
  if (number && *number >= 0 && std::isfinite(*number)) {
    if (unit == "km") return *number;
    if (unit == "m") return *number / 1000;
  }
  throw Error(Code::data, "not a distance")
      .found("`" + text + "`")
      .expected("a number that is not negative and a unit, for example `10 km` or `500 m`");
}

std::string absolute_path(const std::string& path, const std::string& base) {
  if (path.compare(0, 4, "/vsi") == 0 || path.find("://") != std::string::npos) return path;
  std::string whole = (std::filesystem::path(base) / path).lexically_normal().string();
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

size_t gdal_cache_bytes(uint64_t memory) {
  constexpr uint64_t most = 32ULL << 20;
  return static_cast<size_t>(std::min(memory / 16, most));
}

}  // namespace fluxtile
