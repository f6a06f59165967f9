// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/training/fluxnet_csv.h"
#include "pipeline/training/plain_csv.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile {

/// Crop_Type of a tower's field by calendar year.
struct CropOfYears {
  std::optional<int> always, odd, even;
  std::map<int, int> years;
  /// The crop of a year, or nothing where the description does not tell.
  [[nodiscard]] std::optional<int> of(int year) const;
  [[nodiscard]] bool empty() const { return !always && !odd && !even && years.empty(); }
};

/// A value with its unit, as the description gives it.
struct GivenValue {
  double value = 0;
  std::string unit, key;
};

struct TowerSite {
  std::string name, region, block, key;
  double latitude = 0, longitude = 0;
  CropOfYears crop;
  std::string fluxes;                      ///< the site's own file; empty: found among FluxFiles
  std::map<std::string, GivenValue> soil;  ///< by input; replaces inputs.soil
};

/// How one daily input is formed from a table's columns.
struct WeatherColumn {
  std::vector<std::string> columns;  ///< one, or minuend and subtrahend
  std::string unit, key;
};

/// A table with daily inputs; GPP may also be monthly.
struct WeatherTable {
  std::vector<std::string> files;  ///< absolute; `{site}` stands for the site's name
  std::string stamp, site, source, key;
  std::vector<double> missing;
  std::map<std::string, WeatherColumn> inputs;  ///< by input
};

/// Where labels come from.
struct FluxFiles {
  bool fluxnet = false;
  std::vector<std::string> files;  ///< absolute; globs and `{site}` not yet expanded
  FluxnetOptions options;          ///< format: fluxnet2015
  PlainColumns columns;            ///< format: csv
  std::string source;
  std::optional<bool> gpp_from_labels;
};

/// A checked description of towers (docs/towers.md). Paths are absolute.
struct TowersConfig {
  std::string path, folder;
  KeyLines lines;
  std::string run;                    ///< run configuration whose rasters give the inputs; or
  std::vector<WeatherTable> weather;  ///< tables that give them
  std::map<std::string, GivenValue> soil;
  std::map<std::string, std::string> sources;  ///< product by input, or for `climate` and `soil`
  int first_year = 0, last_year = 0;           ///< 0: all
  std::vector<TowerSite> sites;
  FluxFiles fluxes;
};

/// Reads and checks a description of towers; `overrides` as of --set. Throws Error(data) with file,
/// key, line, found, expected, hint. A crop that the models do not know is refused here.
TowersConfig read_towers_config(const std::string& path, const std::vector<std::string>& overrides);

/// Every key of a description of towers. docs/towers.md describes each of them.
const YamlSchema& towers_schema();

/// Inputs that come from weather tables: RADN, TMAX_AIR, ..., PRECN.
const std::vector<std::string>& weather_inputs();
/// Inputs that do not change with time: TBKDS, ..., TCEC.
const std::vector<std::string>& soil_inputs();

}  // namespace fluxtile
