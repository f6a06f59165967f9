// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "geo/product_writer.h"
#include "pipeline/config.h"
#include "pipeline/plan.h"

namespace fluxtile {

/// One variable, period and statistic that some product asks for.
struct Layer {
  std::string variable;
  Period period = Period::annual;
  Statistic statistic = Statistic::sum;
  bool geotiff = false, netcdf = false;
  std::string name;  ///< variable, with _sum or _mean where both are asked for
  ProductVariable description;
};

/// Every layer of a configuration, in the order of its products; the same layer asked for twice is
/// one.
std::vector<Layer> product_layers(const Config& config);

/// Names and units of one variable: long name, CF standard name, sign.
ProductVariable describe(const std::string& variable, const std::string& name, Period period,
                         Statistic statistic);

/// Whether a map of it is centred on zero.
bool is_diverging(const std::string& variable);

/// The part of a year or month that lies in the results: [first, end) and its band description.
ProductStep annual_step(const Plan& plan, int year);
ProductStep monthly_step(const Plan& plan, int year, int month);
/// Whether any day of the month lies in the results.
bool month_in_results(const Plan& plan, int year, int month);

/// First day index of the year that counts for results (0 but in the first year of a period that
/// starts later).
int first_result_day(const Date& start, int year);

}  // namespace fluxtile
