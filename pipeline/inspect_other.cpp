// SPDX-License-Identifier: Apache-2.0
// Vectors, model packages and archives for `inspect`.
#include "base/error.h"
#include "geo/vector_info.h"
#include "model/package.h"
#include "pipeline/inspect_report.h"

namespace fluxtile {

Report report_vector(const std::string& path) {
  const VectorInfo info = read_vector_info(path);
  Report out, layers = Report::array(), hints = Report::array();
  out["path"] = path;
  out["kind"] = "vector";
  out["driver"] = info.driver;
  bool undeclared = false;
  for (const VectorLayer& layer : info.layers) {
    Report entry;
    entry["name"] = layer.name;
    entry["geometry"] = layer.geometry;
    entry["features"] = layer.features;
    entry["crs"] = layer.crs.empty() ? Report() : Report(layer.crs.name());
    if (layer.has_extent)
      entry["extent"] = {{"x_min", layer.extent[0]},
                         {"y_min", layer.extent[1]},
                         {"x_max", layer.extent[2]},
                         {"y_max", layer.extent[3]}};
    entry["attributes"] = Report::array();
    for (const VectorAttribute& a : layer.attributes)
      entry["attributes"].push_back(
          {{"name", a.name}, {"type", a.type}, {"unique", a.unique}, {"examples", a.examples}});
    undeclared = undeclared || (layer.geometry != "None" && layer.crs.empty());
    layers.push_back(std::move(entry));
  }
  if (undeclared) hints.push_back("no CRS: set region.crs (EPSG:4269 for US Census boundaries)");
  out["layers"] = std::move(layers);
  out["warnings"] = Report::array();
  out["hints"] = std::move(hints);
  out["config"] = suggest_region(path, out);
  return out;
}

Report report_package(const std::string& directory) {
  const auto package = load_package(directory);
  Report out, hints = Report::array();
  out["path"] = directory;
  out["kind"] = "package";
  out["name"] = package->name;
  out["architecture"] = package->architecture;
  out["region"] = package->region.empty() ? Report() : Report(package->region);
  if (!package->parent_name.empty())
    out["parent"] = {{"name", package->parent_name}, {"sha256", package->parent_sha256}};
  out["inputs"] = Report::array();
  for (const PackageInput& input : package->inputs) {
    Report entry = {{"name", input.name},
                    {"unit", input.unit},
                    {"mean", input.scaler.mean},
                    {"std", input.scaler.std}};
    if (input.min) entry["min"] = *input.min;
    if (input.max) entry["max"] = *input.max;
    if (!input.source.empty()) entry["source"] = input.source;
    out["inputs"].push_back(std::move(entry));
  }
  out["outputs"] = Report::array();
  for (const PackageOutput& output : package->outputs)
    out["outputs"].push_back({{"name", output.name},
                              {"unit", output.unit},
                              {"mean", output.scaler.mean},
                              {"std", output.scaler.std},
                              {"sign", output.sign}});
  out["weights_sha256"] = package->weights_sha256;
  out["synthetic"] = package->synthetic;
  if (!package->training.empty())
    out["training"] = Report::parse(package->training, nullptr, false);
  if (package->synthetic)
    hints.push_back("trained on synthetic data: a run needs --allow-synthetic-model");
  out["warnings"] = package->warnings;
  out["hints"] = std::move(hints);
  out["config"] = suggest_models(directory, out);
  return out;
}

Report report_archive(const std::string& path, const std::vector<std::string>& members) {
  Report out;
  out["path"] = path;
  out["kind"] = "archive";
  out["members"] = members;
  for (const std::string& member : members) {
    for (const auto& reader : {&report_raster, &report_vector}) {
      try {
        out["first"] = reader(member);
        break;
      } catch (const Error&) {
        continue;  // not of this kind: the next reader or member may do
      }
    }
    if (out.contains("first")) break;
  }
  out["warnings"] = Report::array();
  out["hints"] = Report::array({"members are read without unpacking, by their /vsi path"});
  out["config"] = "";
  return out;
}

}  // namespace fluxtile
