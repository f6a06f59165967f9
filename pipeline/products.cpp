// SPDX-License-Identifier: Apache-2.0
#include "pipeline/products.h"

#include <algorithm>
#include <map>

namespace fluxtile {
namespace {

struct VariableText {
  const char* long_name;
  const char* standard_name;
  const char* comment;
};

const VariableText& text_of(const std::string& variable) {
  static const char* release = "positive is release of carbon from the land to the atmosphere";
  static const char* uptake = "negative is uptake of carbon by the land (the sign of Reco - GPP)";
  static const std::map<std::string, VariableText> table = {
      {"ra",
       {"autotrophic respiration, carbon",
        "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_plant_respiration",
        release}},
      {"rh",
       {"heterotrophic respiration, carbon",
        "surface_upward_mass_flux_of_carbon_dioxide_expressed_as_carbon_due_to_heterotrophic_"
        "respiration",
        release}},
      {"reco", {"ecosystem respiration (Ra + Rh), carbon", "", release}},
      {"nee", {"net ecosystem exchange, carbon", "", uptake}},
      {"gpp",
       {"gross primary productivity, carbon",
        "gross_primary_productivity_of_biomass_expressed_as_carbon",
        "positive is uptake of carbon by plants"}},
      {"npp",
       {"net primary productivity (GPP - Ra), carbon",
        "net_primary_productivity_of_biomass_expressed_as_carbon",
        "positive is uptake of carbon by plants"}},
      {"nee_balance", {"net ecosystem exchange as Reco - GPP, carbon", "", uptake}},
      {"closure",
       {"NEE of its own network head minus (Reco - GPP), carbon", "",
        "zero where the carbon balance closes"}},
      {"yield", {"harvested yield, carbon", "", "carbon that leaves the field with the harvest"}},
      {"residue",
       {"crop residue left on the field, carbon", "", "GPP - Ra - yield, not below zero"}},
      {"dsoc",
       {"change of soil organic carbon (-NEE - yield), carbon", "",
        "positive is gain of the soil"}},
  };
  const auto found = table.find(variable);
  if (found == table.end())
    throw Error(Code::internal, "no description of the variable `" + variable + "`");
  return found->second;
}

/// [first, end) clipped to the period of the results; a cut end or start is said in the
/// description.
ProductStep clipped(const Plan& plan, Date first, Date end, std::string description) {
  ProductStep step{first, end, std::move(description)};
  const int64_t last = to_days(plan.end) + 1;
  if (first < plan.start) {
    step.first = plan.start;
    step.description += " (from " + to_text(plan.start) + ")";
  }
  if (to_days(end) > last) {
    step.end = from_days(last);
    step.description += " (to " + to_text(plan.end) + ")";
  }
  return step;
}

}  // namespace

ProductVariable describe(const std::string& variable, const std::string& name, Period period,
                         Statistic statistic) {
  const VariableText& text = text_of(variable);
  ProductVariable v;
  v.name = name;
  v.long_name = text.long_name;
  v.standard_name = statistic == Statistic::mean ? text.standard_name : "";
  const bool rate = statistic == Statistic::mean || period == Period::daily;
  v.geotiff_unit = rate ? "gC m-2 d-1" : "gC m-2";
  v.netcdf_unit = rate ? "g m-2 d-1" : "g m-2";
  v.cell_methods =
      statistic == Statistic::mean || period == Period::daily ? "time: mean" : "time: sum";
  v.comment = text.comment;
  return v;
}

bool is_diverging(const std::string& variable) {
  return variable == "nee" || variable == "nee_balance" || variable == "closure" ||
         variable == "dsoc";
}

std::vector<Layer> product_layers(const Config& config) {
  std::vector<Layer> layers;
  for (const auto& product : config.products) {
    for (const auto& variable : product.variables) {
      auto found = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) {
        return layer.variable == variable && layer.period == product.period &&
               layer.statistic == product.statistic;
      });
      if (found == layers.end()) {
        Layer layer;
        layer.variable = variable;
        layer.period = product.period;
        layer.statistic = product.statistic;
        found = layers.insert(layers.end(), layer);
      }
      found->geotiff = found->geotiff || product.geotiff;
      found->netcdf = found->netcdf || product.netcdf;
    }
  }
  for (auto& layer : layers) {
    const auto same = std::count_if(layers.begin(), layers.end(), [&](const Layer& other) {
      return other.variable == layer.variable && other.period == layer.period;
    });
    layer.name = layer.variable + (same > 1 ? std::string("_") + to_string(layer.statistic) : "");
    layer.description = describe(layer.variable, layer.name, layer.period, layer.statistic);
  }
  return layers;
}

ProductStep annual_step(const Plan& plan, int year) {
  return clipped(plan, {year, 1, 1}, {year + 1, 1, 1}, std::to_string(year));
}

ProductStep monthly_step(const Plan& plan, int year, int month) {
  const Date first{year, month, 1};
  const Date end = month == 12 ? Date{year + 1, 1, 1} : Date{year, month + 1, 1};
  return clipped(plan, first, end, to_text(first).substr(0, 7));
}

bool month_in_results(const Plan& plan, int year, int month) {
  const ProductStep step = monthly_step(plan, year, month);
  return step.first < step.end;
}

int first_result_day(const Date& start, int year) {
  return year == start.year ? day_of_year(start) : 0;
}

}  // namespace fluxtile
