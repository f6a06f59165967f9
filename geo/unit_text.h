// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// A unit as people print it: "gC m-2 d-1" becomes "gC m⁻² d⁻¹" (UTF-8).
std::string unit_for_people(const std::string& unit);

/// A number with at least four significant digits, a real minus sign and thin spaces between
/// thousands: "−1.25", "0.003", "101 235", "1.2 × 10⁹".
std::string number_for_people(double value);

/// The shortest plain decimal that reads back as the same number: "200000", "0.25". For files that
/// programs read.
std::string exact_number(double value);

}  // namespace fluxtile
