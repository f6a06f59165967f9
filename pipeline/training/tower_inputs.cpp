// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "geo/crs.h"
#include "model/kgml_ag_c.h"
#include "pipeline/cell_inputs.h"
#include "pipeline/plan_sources.h"

namespace fluxtile {
namespace {

constexpr size_t kDays = SiteYears::days, kFeatures = kgml_ag_c::feature_count;
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

const char* crop_name(float type) { return type < 3 ? "corn" : "soybean"; }

std::vector<SiteYears::Feature> features_of(const TowersConfig& config) {
  std::vector<SiteYears::Feature> features;
  const auto& names = kgml_ag_c::input_names();
  const auto& units = kgml_ag_c::input_units();
  const auto given = [&](const std::string& name) {
    const auto found = config.sources.find(name);
    return found == config.sources.end() ? std::string() : found->second;
  };
  for (size_t k = 0; k < kFeatures; ++k) {
    std::string source = given(names[k]);
    if (source.empty() && k < kgml_ag_c::crop_feature) source = given("climate");
    if (source.empty() && k > kgml_ag_c::year_feature) source = given("soil");
    features.push_back({names[k], units[k], source});
  }
  features[kgml_ag_c::year_feature].source = "calendar";
  return features;
}

/// A package that says which inputs are wanted; it has no weights.
std::shared_ptr<const Package> wanted_inputs() {
  auto package = std::make_shared<Package>();
  package->name = "inputs of kgml-ag-c";
  package->architecture = kgml_ag_c::architecture;
  const auto& names = kgml_ag_c::input_names();
  for (size_t k = 0; k < kFeatures; ++k) {
    PackageInput input;
    input.name = names[k];
    input.unit = kgml_ag_c::input_units()[k];
    if (k == kgml_ag_c::crop_feature) {
      input.min = 1;
      input.max = 5;
    }
    package->inputs.push_back(input);
  }
  return package;
}

Error site_error(const TowersConfig& config, const TowerSite& site, const std::string& message) {
  return config.lines.locate(Error(Code::data, message), site.key);
}

/// Inputs of one tower's cell in all years of the plan.
TowerInputs::Site cell_of_site(const TowersConfig& config, const TowerSite& site,
                               const RunStages& stages, Point on_lattice,
                               std::vector<std::string>& warnings) {
  const CellInputs cell(stages, on_lattice);
  if (!cell.reason().empty()) {
    throw site_error(config, site, "the cell of site " + site.name + " is not modelled")
        .found(cell.reason())
        .expected("a cell inside a region of " + config.run +
                  ", with soil and a mapped crop in some year")
        .hint(
            "check latitude and longitude, region.select and inputs.crop.map; `fluxtile pixel "
            "--lonlat --at` shows what lies there");
  }
  TowerInputs::Site inputs;
  inputs.region = stages.plan->regions[cell.region()].name;
  std::string differing;
  for (size_t step = 0; step < stages.plan->steps.size(); ++step) {
    const int year = stages.plan->steps[step].year;
    CellInputs::Year of_year = cell.year(step, "");
    if (!of_year.modelled) {
      inputs.lacking += (inputs.lacking.empty() ? "" : ", ") + std::to_string(year) +
                        " (no mapped crop, or too long a gap of GPP)";
      continue;
    }
    of_year.features.resize(kDays * kFeatures);  // 31 December of a leap year is left out
    if (const auto crop = site.crop.of(year)) {
      const auto type = static_cast<float>(*crop);
      if (type != of_year.crop) {
        differing += (differing.empty() ? "" : ", ") + std::to_string(year) + " (" +
                     crop_name(of_year.crop) + " on the map)";
        for (size_t day = 0; day < kDays; ++day)
          of_year.features[day * kFeatures + kgml_ag_c::crop_feature] = type;
      }
    }
    inputs.years[year] = std::move(of_year.features);
  }
  if (!differing.empty())
    warnings.push_back("site " + site.name +
                       ": the description's crop replaces that of the crop map in " + differing);
  return inputs;
}

/// The static inputs of a site from the description, in the models' order and units.
std::vector<float> soil_of(const TowersConfig& config, const TowerSite& site) {
  std::vector<float> values;
  for (size_t k = kgml_ag_c::year_feature + 1; k < kFeatures; ++k) {
    const std::string& name = kgml_ag_c::input_names()[k];
    const auto own = site.soil.find(name);
    const GivenValue& given = own != site.soil.end() ? own->second : config.soil.at(name);
    try {
      const auto to = convert_unit(parse_unit(given.unit), parse_unit(kgml_ag_c::input_units()[k]));
      values.push_back(static_cast<float>(given.value * to.factor + to.offset));
    } catch (Error& error) {
      throw config.lines.locate(error, given.key);
    }
  }
  return values;
}

/// One input of a table, in the model's unit.
class WeatherReader {
 public:
  WeatherReader(const TowersConfig& config, const CsvTable& table, const WeatherColumn& column,
                size_t feature, const std::vector<double>& missing)
      : table_(table), missing_(missing) {
    try {
      for (const auto& name : column.columns) columns_.push_back(table.column(name));
      const Unit from = parse_unit(column.unit), to = parse_unit(kgml_ag_c::input_units()[feature]);
      to_ =
          convert_unit(is_interval_sum(from, to) ? per_day(from) : from, to, columns_.size() == 2);
    } catch (Error& error) {
      throw config.lines.locate(error, column.key);
    }
  }
  double operator()(size_t row) const {
    double value = table_.number(row, columns_[0], missing_);
    if (columns_.size() == 2) value -= table_.number(row, columns_[1], missing_);
    return value * to_.factor + to_.offset;
  }

 private:
  const CsvTable& table_;
  const std::vector<double>& missing_;
  std::vector<size_t> columns_;
  UnitConversion to_;
};

/// Puts one file's rows of one site into its years; years are begun where the file has days of
/// them.
void read_table(const TowersConfig& config, const WeatherTable& weather, const CsvTable& table,
                const std::string& site, std::map<int, std::vector<float>>& years, bool& found) {
  size_t stamp = 0, sites = table.names().size();
  try {
    stamp = table.column(weather.stamp);
    if (!weather.site.empty()) sites = table.column(weather.site);
  } catch (Error& error) {
    throw config.lines.locate(error, weather.key);
  }
  const auto& names = kgml_ag_c::input_names();
  std::vector<std::pair<size_t, WeatherReader>> readers;
  for (size_t k = 0; k < kFeatures; ++k) {
    const auto column = weather.inputs.find(names[k]);
    if (column != weather.inputs.end())
      readers.emplace_back(k, WeatherReader(config, table, column->second, k, weather.missing));
  }
  std::map<int64_t, size_t> seen;
  for (size_t row = 0; row < table.rows(); ++row) {
    if (sites < table.names().size() && table.text(row, sites) != site) continue;
    found = true;
    const TowerStamp when = tower_stamp(table, row, stamp);
    if (!seen.emplace(when.number, row).second)
      throw table.error(row, stamp, "a date stands twice for site " + site)
          .expected("every date once")
          .hint("if the file holds several sites, name its column of sites");
    if (when.monthly && weather.inputs.count("GPP") != weather.inputs.size())
      throw table.error(row, stamp, "the table is monthly").expected("a row a day");
    const int year =
        when.monthly ? static_cast<int>(when.number / 12) : from_days(when.number).year;
    auto& values = years.try_emplace(year, kDays * kFeatures, kNone).first->second;
    int first = 0, end = 0;
    if (when.monthly) {
      const int month = static_cast<int>(when.number % 12) + 1;
      first = day_of_year({year, month, 1});
      end = first + days_in_month(year, month);
    } else {
      first = day_of_year(from_days(when.number));
      end = first + 1;
    }
    for (const auto& [feature, read] : readers) {
      const auto value = static_cast<float>(read(row));
      for (int day = first; day < std::min(end, static_cast<int>(kDays)); ++day)
        values[static_cast<size_t>(day) * kFeatures + feature] = value;
    }
  }
}

}  // namespace

std::string path_of_site(std::string path, const std::string& site) {
  const std::string mark = "{site}";
  for (size_t at = path.find(mark); at != std::string::npos; at = path.find(mark, at + site.size()))
    path.replace(at, mark.size(), site);
  return path;
}

TowerInputs raster_inputs(const TowersConfig& config) {
  Config run = read_config(config.run, {}, recipe_directories());
  run.models.year = "as-is";
  if (run.crop.mode == CropConfig::Mode::fraction) {
    run.crop.mode = CropConfig::Mode::majority;  // a tower stands on one field
    run.crop.min_share = 0;
  }
  const RunStages stages =
      make_stages(plan_inputs(run, wanted_inputs(), config.first_year, config.last_year), run,
                  no_engines(), true);
  TowerInputs inputs;
  inputs.features = features_of(config);
  for (size_t k = 0; k < kFeatures; ++k) {
    std::string& source = inputs.features[k].source;
    if (!source.empty()) continue;
    const auto soil = run.soil.find(inputs.features[k].name);
    source = k < kgml_ag_c::crop_feature    ? run.climate.source
             : k == kgml_ag_c::crop_feature ? run.crop.source
             : k == kgml_ag_c::gpp_feature  ? run.gpp.source
             : soil != run.soil.end()       ? soil->second.source
                                            : run.climate.source;
  }
  inputs.warnings = stages.plan->warnings;
  const Transform to_lonlat(
      choose_operation(Crs::from_user_input(run.lattice.crs), Crs::from_user_input("EPSG:4326")));
  for (const TowerSite& site : config.sites) {
    Point point{site.longitude, site.latitude};
    to_lonlat.inverse(&point.x, &point.y, 1);
    inputs.sites.push_back(cell_of_site(config, site, stages, point, inputs.warnings));
  }
  return inputs;
}

TowerInputs table_inputs(const TowersConfig& config) {
  TowerInputs inputs;
  inputs.features = features_of(config);
  inputs.gpp_given = false;
  for (const WeatherTable& weather : config.weather) {
    for (const auto& [name, column] : weather.inputs) {
      for (auto& feature : inputs.features) {
        if (feature.name == name && feature.source.empty()) feature.source = weather.source;
      }
      inputs.gpp_given = inputs.gpp_given || name == "GPP";
    }
  }
  std::map<std::string, std::unique_ptr<CsvTable>> tables;  // files that several sites share
  for (const TowerSite& site : config.sites) {
    std::map<int, std::vector<float>> years;
    for (const WeatherTable& weather : config.weather) {
      std::vector<std::string> patterns;
      for (const auto& file : weather.files) patterns.push_back(path_of_site(file, site.name));
      const auto files = expand_globs(patterns);
      bool found = false;
      if (files.empty())
        throw config.lines.locate(Error(Code::data, "no file matches"), weather.key + ".files")
            .found(patterns.front())
            .hint("relative paths are relative to " + config.folder);
      for (const auto& file : files) {
        auto& table = tables[file];
        if (!table) table = std::make_unique<CsvTable>(file);
        read_table(config, weather, *table, site.name, years, found);
      }
      if (!found)
        throw config.lines
            .locate(Error(Code::data, "the weather table has no row of site " + site.name),
                    weather.key)
            .file(files.front())
            .hint("check the column `" + weather.site + "`");
    }
    const std::vector<float> soil = soil_of(config, site);
    TowerInputs::Site of_site;
    for (auto& [year, values] : years) {
      if (config.first_year != 0 && (year < config.first_year || year > config.last_year)) continue;
      const auto crop = site.crop.of(year);
      std::string why = crop ? "" : "no crop is given";
      for (size_t day = 0; day < kDays; ++day) {
        float* at = values.data() + day * kFeatures;
        at[kgml_ag_c::crop_feature] = crop ? static_cast<float>(*crop) : kNone;
        at[kgml_ag_c::year_feature] = static_cast<float>(year);
        std::copy(soil.begin(), soil.end(), at + kgml_ag_c::year_feature + 1);
        for (size_t k = 0; k < kgml_ag_c::crop_feature && why.empty(); ++k) {
          if (std::isnan(at[k]))
            why = "no " + inputs.features[k].name + " on " +
                  to_text(from_day_of_year(year, static_cast<int>(day)));
        }
      }
      if (why.empty()) {
        of_site.years[year] = std::move(values);
      } else {
        of_site.lacking +=
            (of_site.lacking.empty() ? "" : ", ") + std::to_string(year) + " (" + why + ")";
      }
    }
    inputs.sites.push_back(std::move(of_site));
  }
  return inputs;
}

}  // namespace fluxtile
