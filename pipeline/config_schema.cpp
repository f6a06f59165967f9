// SPDX-License-Identifier: Apache-2.0
#include "pipeline/config_schema.h"

namespace fluxtile {
namespace {

using Keys = std::vector<YamlKey>;

void add(Keys& keys, const std::string& parent, const Keys& children) {
  for (const auto& child : children) {
    keys.push_back({parent + "." + child.path, child.shapes, child.meaning});
  }
}

/// One input of the model formed from source variables.
void add_term(Keys& keys, const std::string& parent) {
  keys.push_back({parent, shape_map, "{variable: name, unit: target unit}"});
  add(keys, parent,
      {{"variable", shape_text, "a source variable"},
       {"difference", shape_list, "two source variables, [minuend, subtrahend]"},
       {"vapour_pressure_max", shape_list, "[Tmax, Tmin, RHmax, RHmin]"},
       {"vapour_pressure_difference", shape_list, "[Tmax, Tmin, RHmax, RHmin]"},
       {"unit", shape_text, "the target unit, for example `MJ m-2 d-1`"}});
  for (const char* list : {"difference", "vapour_pressure_max", "vapour_pressure_difference"}) {
    keys.push_back({parent + "." + list + ".*", shape_text, "a source variable"});
  }
}

/// What every raster input may say in place of its files.
void add_packing(Keys& keys, const std::string& parent) {
  add(keys, parent,
      {{"scale", shape_text, "a number"},
       {"offset", shape_text, "a number"},
       {"nodata", shape_text, "a stored number"},
       {"fill_values", shape_list, "stored numbers that also mean nodata"},
       {"crs", shape_text, "a CRS"},
       {"source", shape_text, "the name of the product, for example SLOPE"}});
}

void add_layer(Keys& keys, const std::string& parent) {
  add(keys, parent,
      {{"band", shape_text, "the number of a band, from 1"},
       {"variable", shape_text, "a NetCDF variable or HDF subdataset"}});
}

void add_region(Keys& keys) {
  keys.push_back({"region", shape_map, "boundaries, key and select"});
  add(keys, "region",
      {{"boundaries", shape_text, "a vector file with the outlines of the regions"},
       {"layer", shape_text, "a layer of the vector file"},
       {"crs", shape_text, "a CRS, for example EPSG:4269"},
       {"key", shape_text, "the attribute that names a region"},
       {"select", shape_text | shape_list, "names of regions, [IA, IL], or `all`"}});
}

void add_grid_and_period(Keys& keys) {
  keys.push_back({"grid", shape_map, "crs and resolution"});
  add(keys, "grid",
      {{"crs", shape_text, "the CRS of the products, for example EPSG:5070"},
       {"resolution", shape_text, "the side of a cell in units of the CRS, for example 250"},
       {"origin", shape_list, "two numbers, [x, y]"},
       {"tile", shape_text, "cells a side, for example 256"}});
  keys.push_back({"period", shape_map, "start and end"});
  add(keys, "period",
      {{"start", shape_text, "a date, for example 2018-01-01"},
       {"end", shape_text, "a date, for example 2018-12-31, or `latest`"},
       {"spinup", shape_text, "a number of years"}});
}

void add_gpp(Keys& keys) {
  const std::string gpp = "inputs.gpp";
  keys.push_back({gpp, shape_map, "files and interval of the GPP rasters"});
  add(keys, gpp,
      {{"files", shape_text | shape_list, "a glob or a list of files"},
       {"time", shape_map, "{pattern: \"gpp_%Y%j\"}"},
       {"time.pattern", shape_text, "how a file name tells the date, for example gpp_%Y%j"},
       {"interval", shape_text, "what one raster stands for: 1d, 8d, 16d or month"},
       {"fill", shape_text, "step or linear"},
       {"unit", shape_text, "a unit, for example gC m-2 d-1"},
       {"calendar", shape_text, "map"},
       {"resample", shape_text, "nearest, bilinear, cubic or area"},
       {"max_gap", shape_text, "days, for example 32d"},
       {"negative", shape_text, "zero or keep"},
       {"dormant", shape_text, "none or zero"}});
  add_packing(keys, gpp);
  add_layer(keys, gpp);
}

void add_climate(Keys& keys) {
  const std::string climate = "inputs.climate";
  keys.push_back({climate, shape_map, "files and recipe of the climate grids"});
  add(keys, climate,
      {{"files", shape_text | shape_list, "a glob or a list of files"},
       {"recipe", shape_text | shape_map, "the name of a recipe, or a recipe in place"},
       {"variables", shape_map, "source variables by the names the recipe gives them"},
       {"calendar", shape_text, "map"},
       {"resample", shape_text, "nearest, bilinear, cubic or area"},
       {"max_gap", shape_text, "days, for example 3d"}});
  add_packing(keys, climate);
  add_term(keys, climate + ".recipe.*");
  const std::string variable = climate + ".variables.*";
  keys.push_back({variable, shape_map, "{variable: tasmax, files: ..., unit: K}"});
  add(keys, variable,
      {{"variable", shape_text, "the name inside the files"},
       {"files", shape_text | shape_list, "a glob or a list of files"},
       {"unit", shape_text, "the unit the file holds if it does not say"},
       {"match", shape_text | shape_list, "words of the file name, long_name or standard_name"}});
}

void add_soil_and_crop(Keys& keys) {
  keys.push_back({"inputs.soil", shape_map, "static inputs by the names the models give them"});
  keys.push_back({"inputs.soil.*", shape_map, "{file: soil.tif, unit: Mg m-3}"});
  add(keys, "inputs.soil.*",
      {{"file", shape_text, "a raster file"},
       {"unit", shape_text, "a unit, for example Mg m-3"},
       {"resample", shape_text, "nearest, bilinear, cubic or area"}});
  add_packing(keys, "inputs.soil.*");
  add_layer(keys, "inputs.soil.*");
  const std::string crop = "inputs.crop";
  keys.push_back({crop, shape_map, "file (or files and time) and map"});
  add(keys, crop,
      {{"file", shape_text, "a raster file"},
       {"files", shape_text | shape_list, "a glob or a list of files, one a year"},
       {"time", shape_map, "{pattern: \"crop_%Y\"}"},
       {"time.pattern", shape_text, "how a file name tells the year, for example crop_%Y"},
       {"map", shape_map, "raster code: Crop_Type, for example {1: 1, 5: 5}"},
       {"map.*", shape_text, "a Crop_Type, a whole number"},
       {"mode", shape_text, "majority, fraction or nearest"},
       {"min_share", shape_text, "a share from 0 to 1"},
       {"missing_year", shape_text, "error, previous or rotation"}});
  add_packing(keys, crop);
  add_layer(keys, crop);
}

void add_models_and_outputs(Keys& keys) {
  keys.push_back({"models", shape_map, "directory and default"});
  add(keys, "models",
      {{"directory", shape_text, "the folder of the model packages"},
       {"default", shape_text, "the package for regions that `regions` does not name"},
       {"regions", shape_map, "region: package, for example {IA: iowa}"},
       {"regions.*", shape_text | shape_list, "a package or a list of packages"},
       {"year", shape_text, "clamp, as-is or a number"},
       {"blend", shape_text, "a width, for example 10 km"}});
  keys.push_back({"outputs", shape_map, "directory and products"});
  add(keys, "outputs",
      {{"directory", shape_text, "the folder of the products"},
       {"products", shape_list, "a list of products"},
       {"products.*", shape_map,
        "{variables: [nee], period: annual, statistic: sum, format: geotiff}"},
       {"products.*.variables", shape_text | shape_list,
        "variables, for example [ra, rh, reco, nee]"},
       {"products.*.period", shape_text, "daily, monthly or annual"},
       {"products.*.statistic", shape_text, "sum or mean"},
       {"products.*.format", shape_text | shape_list, "geotiff, netcdf or both in a list"},
       {"zones", shape_map, "{file: counties.geojson, key: GEOID}"},
       {"zones.file", shape_text, "a vector file with the outlines of the zones"},
       {"zones.key", shape_text, "the attribute that names a zone"}});
}

void add_state_and_run(Keys& keys) {
  keys.push_back({"state", shape_map, "{keep: 2, within_year: 7}"});
  keys.push_back({"state.keep", shape_text, "a number of states"});
  keys.push_back({"state.within_year", shape_text, "a number of states, at most 12"});
  keys.push_back({"run", shape_map, "how the run uses the machine"});
  add(keys, "run",
      {{"engine", shape_text, "auto, torch or fused"},
       {"device", shape_text, "auto, cpu, cuda or cuda:K"},
       {"precision", shape_text, "fp32, bf16 or tf32"},
       {"threads", shape_text, "auto or a number of threads"},
       {"memory", shape_text, "a size, for example 4GB"},
       {"max_failed_tiles", shape_text, "a number of tiles"},
       {"metrics", shape_text, "a file for node_exporter's textfile collector"},
       {"allow_remote", shape_text, "true or false"}});
}

/// Lists whose elements are plain text or numbers.
void add_plain_elements(Keys& keys) {
  for (size_t i = 0, n = keys.size(); i < n; ++i) {
    const std::string element = keys[i].path + ".*";
    if ((keys[i].shapes & shape_list) == 0) continue;
    bool declared = false;
    for (const auto& key : keys) declared = declared || key.path == element;
    if (!declared) keys.push_back({element, shape_text, ""});
  }
}

}  // namespace

const YamlSchema& config_schema() {
  static const YamlSchema schema = [] {
    Keys keys = {{"fluxtile", shape_text, "the version of the format, 1"},
                 {"name", shape_text, "a short name for the run; products begin with it"}};
    add_region(keys);
    add_grid_and_period(keys);
    keys.push_back({"inputs", shape_map, "gpp, climate, soil and crop"});
    add_gpp(keys);
    add_climate(keys);
    add_soil_and_crop(keys);
    add_models_and_outputs(keys);
    add_state_and_run(keys);
    add_plain_elements(keys);
    return YamlSchema(std::move(keys));
  }();
  return schema;
}

const YamlSchema& recipe_schema() {
  static const YamlSchema schema = [] {
    Keys keys = {
        {"fluxtile-recipe", shape_text, "the version of the format, 1"},
        {"description", shape_text, "what data the recipe is for"},
        {"variables", shape_map, "source variables and how to find them"},
        {"variables.*", shape_map, "{match: [tmmx], unit: K}"},
        {"variables.*.variable", shape_text, "the name inside the files"},
        {"variables.*.match", shape_text | shape_list,
         "words of the file name, long_name or standard_name"},
        {"variables.*.unit", shape_text, "the unit the file holds if it does not say"},
        {"inputs", shape_map, "inputs of the models and how they are formed"},
    };
    add_term(keys, "inputs.*");
    add_plain_elements(keys);
    return YamlSchema(std::move(keys));
  }();
  return schema;
}

}  // namespace fluxtile
