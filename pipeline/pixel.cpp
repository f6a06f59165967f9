// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "base/atomic_file.h"
#include "base/safe_text.h"
#include "pipeline/cell_inputs.h"
#include "pipeline/products.h"
#include "pipeline/run_stages.h"
#include "pipeline/verbs.h"
#include "stages/aggregate.h"

namespace fluxtile {
namespace {

/// One day of one cell: what went into the network and what came out.
struct PixelDay {
  Date date;
  std::vector<float> inputs;  // physical, in the package's order
  std::vector<double> z;
  std::vector<double> outputs;  // daily variables of the architecture
  uint16_t flags = 0;
};

/// One cell that was asked for.
struct PixelCell {
  Point asked;
  std::string region;
  CellIndex cell;
  std::string reason;  // why there are no days
  std::vector<std::string> inputs, units, sources, outputs;
  std::vector<PixelDay> days;
  std::vector<std::pair<int, std::vector<std::pair<std::string, double>>>>
      years;  // annual sums by year
};

/// Where each input's numbers come from, as text.
std::vector<std::string> sources_of(const Plan& plan, const std::vector<std::string>& inputs) {
  std::vector<std::string> texts;
  for (const auto& name : inputs) {
    std::string text = name == "GPP"         ? "inputs.gpp"
                       : name == "Crop_Type" ? "inputs.crop"
                                             : "calendar";
    for (const auto& term : plan.sources.climate.terms) {
      if (term.input != name) continue;
      text = "climate:";
      for (const size_t source : term.sources)
        text += " " + plan.sources.climate.variables[source].name;
    }
    for (const auto& source : plan.sources.statics) {
      if (source.input == name) text = source.layer.path;
    }
    texts.push_back(text);
  }
  return texts;
}

/// Runs the stages of the main job on a tile of one cell.
PixelCell run_pixel(const RunStages& stages, Point asked, Point on_lattice) {
  const Plan& plan = *stages.plan;
  PixelCell pixel;
  pixel.asked = asked;
  const CellInputs inputs(stages, on_lattice);
  pixel.cell = inputs.cell();
  pixel.reason = inputs.reason();
  const size_t region = inputs.region();
  if (region == plan.regions.size()) return pixel;
  pixel.region = plan.regions[region].name;
  const Package& package = stages.package_of(region);
  pixel.inputs = package.input_names();
  for (const auto& input : package.inputs) pixel.units.push_back(input.unit);
  pixel.sources = sources_of(plan, pixel.inputs);
  pixel.outputs = plan.regions[region].variables;
  if (!pixel.reason.empty()) return pixel;

  const TileStatics& tile = inputs.tile();
  const auto& members = plan.regions[region].members;
  TileState state = stages.zero_state(region, 1);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const YearStep& step = plan.steps[s];
    const CellInputs::Year cell_year = inputs.year(s, state.chain);
    const AssembledYear& year = cell_year.assembled;
    TileYear result;
    result.step = step;
    result.cells = tile.cells;
    result.variables = plan.regions[region].variables;
    result.annual_variables = plan.regions[region].annual_variables;
    result.month_days.assign(12, 0);
    for (size_t day = year.inputs->first_result_day; day < year.inputs->days; ++day) {
      ++result.month_days[year.inputs->month[day]];
    }
    result.members = (*stages.infer)(year, members, state);
    result.daily = true;
    if (step.spinup) continue;
    const Aggregate aggregate;
    const auto flags = aggregate.flags(result);
    const std::vector<float>& features = cell_year.features;
    std::vector<std::vector<double>> outputs;
    for (int day = first_result_day(plan.start, step.year); day < step.days; ++day) {
      PixelDay row;
      row.date = from_day_of_year(step.year, day);
      row.flags = flags[year.inputs->month[static_cast<size_t>(day)]];
      for (size_t k = 0; k < pixel.inputs.size(); ++k) {
        const float value = cell_year.modelled
                                ? features[static_cast<size_t>(day) * pixel.inputs.size() + k]
                                : std::numeric_limits<float>::quiet_NaN();
        row.inputs.push_back(value);
        const Scaler& scaler = package.inputs[k].scaler;
        row.z.push_back((static_cast<double>(value) - scaler.mean) / scaler.std);
      }
      for (const auto& variable : pixel.outputs) {
        row.outputs.push_back(aggregate.daily(result, variable, static_cast<size_t>(day)).front());
      }
      pixel.days.push_back(std::move(row));
    }
    std::vector<std::pair<std::string, double>> sums;
    for (const char* variable : {"gpp", "ra", "rh", "reco", "nee", "yield", "residue"}) {
      if (can_give(result.variables, result.annual_variables, variable)) {
        sums.emplace_back(variable, aggregate(result, variable).annual.front());
      }
    }
    pixel.years.emplace_back(step.year, std::move(sums));
  }
  return pixel;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "";
  char text[32];
  std::snprintf(text, sizeof text, "%.7g", value);
  return text;
}

std::string as_csv(const std::vector<PixelCell>& pixels) {
  std::ostringstream csv;
  bool header = false;
  for (const auto& pixel : pixels) {
    if (!header && !pixel.inputs.empty()) {
      csv << "x,y,region,column,row,date";
      for (size_t k = 0; k < pixel.inputs.size(); ++k)
        csv << "," << csv_field(pixel.inputs[k] + " (" + pixel.units[k] + ")");
      for (const auto& name : pixel.inputs) csv << "," << csv_field("z_" + name);
      for (const auto& name : pixel.outputs) csv << "," << csv_field(name + " (gC m-2 d-1)");
      csv << ",flags\n";
      header = true;
    }
    for (const auto& day : pixel.days) {
      csv << number(pixel.asked.x) << "," << number(pixel.asked.y) << "," << csv_field(pixel.region)
          << "," << pixel.cell.column << "," << pixel.cell.row << "," << to_text(day.date);
      for (const float value : day.inputs) csv << "," << number(value);
      for (const double value : day.z) csv << "," << number(value);
      for (const double value : day.outputs) csv << "," << number(value);
      csv << "," << day.flags << "\n";
    }
  }
  return csv.str();
}

nlohmann::ordered_json as_json(const PixelCell& pixel) {
  nlohmann::ordered_json json = {{"x", pixel.asked.x},     {"y", pixel.asked.y},
                                 {"region", pixel.region}, {"column", pixel.cell.column},
                                 {"row", pixel.cell.row},  {"reason", pixel.reason}};
  nlohmann::ordered_json inputs = nlohmann::ordered_json::array();
  for (size_t k = 0; k < pixel.inputs.size(); ++k) {
    inputs.push_back(
        {{"name", pixel.inputs[k]}, {"unit", pixel.units[k]}, {"source", pixel.sources[k]}});
  }
  json["inputs"] = inputs;
  json["outputs"] = pixel.outputs;
  nlohmann::ordered_json days = nlohmann::ordered_json::array();
  for (const auto& day : pixel.days) {
    days.push_back({{"date", to_text(day.date)},
                    {"inputs", day.inputs},
                    {"z", day.z},
                    {"outputs", day.outputs},
                    {"flags", day.flags}});
  }
  json["days"] = days;
  for (const auto& [year, sums] : pixel.years) {
    for (const auto& [variable, value] : sums)
      json["annual"][std::to_string(year)][variable] = value;
  }
  return json;
}

void as_table(const PixelCell& pixel, std::ostream& out) {
  out << "point " << number(pixel.asked.x) << " " << number(pixel.asked.y) << ": region "
      << (pixel.region.empty() ? "-" : pixel.region) << ", cell column " << pixel.cell.column
      << " row " << pixel.cell.row << "\n";
  if (!pixel.reason.empty()) {
    out << "  not modelled: " << pixel.reason << "\n";
    return;
  }
  for (size_t k = 0; k < pixel.inputs.size(); ++k) {
    out << "  input " << pixel.inputs[k] << " (" << pixel.units[k] << ") from " << pixel.sources[k]
        << "\n";
  }
  for (const auto& [year, sums] : pixel.years) {
    out << "  " << year << ":";
    for (const auto& [variable, value] : sums) out << "  " << variable << " " << number(value);
    out << "  gC m-2\n";
  }
  out << "  date      ";
  const auto head = [&](const std::string& name) {
    char text[16];
    std::snprintf(text, sizeof text, " %9.9s", name.c_str());
    out << text;
  };
  for (const auto& name : pixel.inputs) head(name);
  for (const auto& name : pixel.outputs) head(name);
  head("flags");
  out << "\n";
  for (const auto& day : pixel.days) {
    out << "  " << to_text(day.date);
    for (const float value : day.inputs)
      head(number(std::round(static_cast<double>(value) * 1e4) / 1e4));
    for (const double value : day.outputs) head(number(std::round(value * 1e4) / 1e4));
    head(std::to_string(day.flags));
    out << "\n";
  }
}

}  // namespace

int pixel_verb(const Config& config, const VerbOptions& options, const PixelOptions& pixel,
               std::ostream& out) {
  const RunStages stages = make_stages(make_plan(config, options), config, network_engines(), true);
  const Plan& plan = *stages.plan;
  std::vector<PixelCell> cells;
  const Crs grid = Crs::from_user_input(plan.lattice.crs);
  const Transform to_lonlat(choose_operation(grid, Crs::from_user_input("EPSG:4326")));
  for (const Point& point : pixel.points) {
    Point on_lattice = point;
    if (pixel.lonlat) to_lonlat.inverse(&on_lattice.x, &on_lattice.y, 1);
    cells.push_back(run_pixel(stages, point, on_lattice));
  }
  if (!pixel.output.empty()) {
    write_atomically(pixel.output, as_csv(cells));
  } else if (options.json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const auto& cell : cells) json.push_back(as_json(cell));
    out << json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else {
    for (const auto& cell : cells) as_table(cell, out);
  }
  return 0;
}

}  // namespace fluxtile
