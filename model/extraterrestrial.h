// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// Solar radiation at the top of the atmosphere over a day, MJ m-2 (FAO-56, equations 21 to 25).
/// Latitude in degrees north; 1 January is day 1.
double extraterrestrial_radiation(double latitude, double day_of_year);

}  // namespace fluxtile
