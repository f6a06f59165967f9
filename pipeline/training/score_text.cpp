// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/score_text.h"

#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>

namespace fluxtile {
namespace {

std::string printed(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// Without the sign of a number that rounds to zero.
std::string rounded(double value, int decimals) {
  const std::string text = printed(("%." + std::to_string(decimals) + "f").c_str(), value);
  return text.find_first_of("123456789") == std::string::npos && text[0] == '-' ? text.substr(1)
                                                                                : text;
}

std::string percent(double share) {
  const double value = 100 * share;
  return rounded(value, std::fabs(value) < 99.95 ? 1 : 0);
}

}  // namespace

std::string score_text(double value) {
  if (!std::isfinite(value)) return "-";
  const double size = std::fabs(value);
  if (size >= 1e7) return printed("%.2e", value);
  return rounded(value, size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

std::string relative_text(double share) {
  if (!std::isfinite(share)) return "-";
  const std::string text = percent(share);
  const bool zero = text.find_first_of("123456789") == std::string::npos;
  return (share > 0 && !zero ? "+" : "") + text + " %";
}

std::string interval_text(double value, double low, double high) {
  if (!std::isfinite(low) || !std::isfinite(high)) return relative_text(value);
  const std::string from = relative_text(low), to = relative_text(high);
  return relative_text(value) + " [" + from.substr(0, from.size() - 2) + ", " +
         to.substr(0, to.size() - 2) + "]";
}

std::string difference_text(const PairedDifference& result) {
  if (!result.enough) return "not claimed: " + why_not_claimed(result);
  return interval_text(result.difference, result.low, result.high);
}

std::string region_text(const std::string& region) { return region.empty() ? "all" : region; }

std::string unit_of(Scale scale) {
  return scale == Scale::annual || scale == Scale::between_site ? "gC m-2 yr-1" : "gC m-2 d-1";
}

std::string for_page(std::string text) {
  if (text == "-") return "–";
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == ' ' || text[i - 1] == '[';
    if (text[i] == '-' && begins && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0)
      text.replace(i, 1, "−");
  }
  return text;
}

std::string score_for_page(double value) { return for_page(score_text(value)); }

}  // namespace fluxtile
