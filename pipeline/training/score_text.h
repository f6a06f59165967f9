// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "model/evaluation/scores.h"

namespace fluxtile {

/// How scores are written for people; ASCII, "-" where there is no number.

/// Three significant digits, three decimals at most: "0.087", "1.23", "45.1", "812".
std::string score_text(double value);
/// A relative difference with its sign: "-12.3 %", "+4.0 %", "0.0 %".
std::string relative_text(double share);
/// "-12.3 % [-19.0, -4.1]".
std::string interval_text(double value, double low, double high);
/// The difference with its interval, or "not claimed: 3 sites" where none may be claimed.
std::string difference_text(const PairedDifference& result);
/// The region's name; "all" for "".
std::string region_text(const std::string& region);
/// Unit of RMSE and bias: "gC m-2 d-1", or "gC m-2 yr-1" for annual sums and sites' means of them.
std::string unit_of(Scale scale);
/// The same text with a real minus sign before numbers and a dash for no number, for pages.
std::string for_page(std::string text);
/// score_text() for pages.
std::string score_for_page(double value);

}  // namespace fluxtile
