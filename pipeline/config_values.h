// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fluxtile {

/// A decimal number that fills the whole text ("0.01", "-9999", "1e-3", "nan"); no locale, no
/// octal.
std::optional<double> number_in(const std::string& text);
/// A decimal whole number that fills the whole text; "010" is ten.
std::optional<int64_t> whole_number_in(const std::string& text);

/// "90s", "10m", "12h", "30d", "2w", or plain seconds -> seconds; nullopt for anything else.
std::optional<int64_t> seconds_in(const std::string& text);

/// "5 km", "500 m" -> kilometres, not negative. Throws Error(data).
double parse_distance_km(const std::string& text);

/// `path` made absolute against `base` and without "." and ".."; GDAL's virtual paths (/vsi...) and
/// addresses (scheme://) are left as they are.
std::string absolute_path(const std::string& path, const std::string& base);

}  // namespace fluxtile
