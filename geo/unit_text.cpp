// SPDX-License-Identifier: Apache-2.0
#include "geo/unit_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace fluxtile {
namespace {
constexpr std::array<std::array<const char*, 2>, 3> kSpecies{
    {{"CO2", "CO₂"}, {"N2O", "N₂O"}, {"CH4", "CH₄"}}};

/// An exponent in superscript digits.
std::string raised(const std::string& number) {
  static const std::array<const char*, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out;
  for (const char c : number) out += c == '-' ? "⁻" : digits[static_cast<size_t>(c - '0')];
  return out;
}
}  // namespace

std::string unit_for_people(const std::string& unit) {
  std::string out;
  for (size_t i = 0; i < unit.size(); ++i) {
    const auto is_digit = [&](size_t k) {
      return k < unit.size() && std::isdigit(static_cast<unsigned char>(unit[k])) != 0;
    };
    // Chemistry counts below the line: CO2, N2O, CH4.
    bool species = false;
    for (const auto& [name, shown] : kSpecies) {
      const std::string plain = name;
      const bool starts_word = i == 0 || std::isalpha(static_cast<unsigned char>(unit[i - 1])) == 0;
      if (!starts_word || unit.compare(i, plain.size(), plain) != 0) continue;
      out += shown;
      i += plain.size() - 1;
      species = true;
      break;
    }
    if (species) continue;
    const bool after_letter = i > 0 && std::isalpha(static_cast<unsigned char>(unit[i - 1])) != 0;
    const bool negative = unit[i] == '-' && is_digit(i + 1);
    if (!after_letter || !(negative || is_digit(i))) {
      out += unit[i];
      continue;
    }
    size_t last = i + (negative ? 1 : 0);
    while (is_digit(last)) ++last;
    out += raised(unit.substr(i, last - i));
    i = last - 1;
  }
  return out;
}

std::string number_for_people(double value) {
  if (std::isnan(value)) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", std::fabs(value));
  std::string out = text;
  if (out == "0") return out;
  // Plain notation up to a million: totals read better so.
  if (out.find('e') != std::string::npos && std::fabs(value) >= 1e4 && std::fabs(value) < 1e7) {
    std::snprintf(text, sizeof text, "%.0f", std::fabs(value));
    out = text;
  }
  // 1.2e+09 as people write it.
  if (const size_t e = out.find('e'); e != std::string::npos)
    out = out.substr(0, e) + " × 10" + raised(std::to_string(std::stoi(out.substr(e + 1))));
  // Thin spaces between the thousands from five digits on.
  size_t end = std::min(out.find('.'), out.size());
  if (end > 4 && out.find(' ') == std::string::npos)
    for (; end > 3; end -= 3) out.insert(end - 3, end - 3 > 0 ? "\u2009" : "");
  return (value < 0 ? "−" : "") + out;
}

std::string exact_number(double value) {
  std::array<char, 400> text{};
  const bool plain = value == 0 || (std::fabs(value) < 1e15 && std::fabs(value) >= 1e-6);
  const auto end =
      plain ? std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed)
            : std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

}  // namespace fluxtile
