// SPDX-License-Identifier: Apache-2.0
// Configuration lines for what `inspect` found.
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "base/error.h"
#include "geo/unit.h"
#include "pipeline/inspect_report.h"

namespace fluxtile {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool one_of(const std::string& word, const std::vector<const char*>& words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

/// A YAML scalar: quoted where it must be.
std::string yaml(const std::string& text) {
  const bool plain =
      !text.empty() && text.find_first_of(":#{}[],&*!|>'\"%@` ") == std::string::npos &&
      !(std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '-' || text[0] == '?');
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// A source variable of climate: by which names it goes.
struct Known {
  const char* key;
  std::vector<const char*> names;
  std::vector<const char*> standard_names;
};

const std::vector<Known>& known_variables() {
  static const std::vector<Known> list = {
      {"tmax", {"tmax", "tmmx", "tasmax", "tx", "mx2t", "t2m_max"}, {}},
      {"tmin", {"tmin", "tmmn", "tasmin", "tn", "mn2t", "t2m_min"}, {}},
      {"srad",
       {"srad", "rsds", "ssrd", "dswrf", "swdown", "fsds", "swin"},
       {"surface_downwelling_shortwave_flux_in_air"}},
      {"wind", {"wind", "vs", "sfcwind", "ws", "wind_speed"}, {"wind_speed"}},
      {"precip",
       {"pr", "prcp", "precip", "ppt", "precipitation", "rain"},
       {"precipitation_flux", "lwe_precipitation_rate", "precipitation_amount",
        "lwe_thickness_of_precipitation_amount"}},
      {"vapmax", {"vapmax"}, {}},
      {"vapmin", {"vapmin"}, {}},
  };
  return list;
}

/// Name in the file of a known variable; "" if it is not there or not unambiguous.
std::string find_variable(const Report& variables, const std::string& key) {
  for (const Known& known : known_variables()) {
    if (key != known.key) continue;
    for (const auto& v : variables) {
      if (v.contains("unusable")) continue;
      const std::string name = v["name"];
      if (one_of(lower(name), known.names) || one_of(lower(v.value("long_name", "")), known.names))
        return name;
    }
    std::string found;
    for (const auto& v : variables) {
      if (v.contains("unusable") || !one_of(v.value("standard_name", ""), known.standard_names))
        continue;
      if (!found.empty()) return "";
      found = v["name"];
    }
    return found;
  }
  return "";
}

/// How a variable's own unit leads to `unit`: not at all, by conversion, or as a sum over the day.
enum class Bridge { none, conversion, daily_sum };

Bridge bridge(const Report& variables, const std::string& name, const std::string& unit) {
  for (const auto& v : variables) {
    if (v["name"] != name) continue;
    try {
      const Unit from = parse_unit(v["unit"]), to = parse_unit(unit);
      if (is_interval_sum(from, to)) return Bridge::daily_sum;
      convert_unit(from, to);
      return Bridge::conversion;
    } catch (const Error&) {
      return Bridge::none;
    }
  }
  return Bridge::none;
}

/// Files of gridMET are called after their variable: tmmx_2018.nc.
bool is_gridmet(const std::string& path, const Report& variables) {
  const std::string stem = std::filesystem::path(path).stem().string();
  const size_t bar = stem.find('_');
  if (bar == std::string::npos || bar + 1 >= stem.size() ||
      std::isdigit(static_cast<unsigned char>(stem[bar + 1])) == 0)
    return false;
  return one_of(stem.substr(0, bar), {"tmmx", "tmmn", "rmax", "rmin", "srad", "vs", "pr"}) &&
         variables.size() == 1;
}

std::string suggest_gpp_of_netcdf(const std::string& path, const Report& report) {
  for (const auto& v : report["variables"]) {
    const std::string name = v["name"];
    if (v.contains("unusable") ||
        (!contains(lower(name), "gpp") &&
         !contains(v.value("standard_name", ""), "gross_primary_productivity")))
      continue;
    std::string interval = "8d";
    if (v.contains("time")) {
      const std::string step = report["time_axes"][v["time"].get<size_t>()].value("step", "");
      if (step == "1 day") interval = "1d";
      if (step == "16 days") interval = "16d";
      if (step == "month") interval = "month";
    }
    std::string line = "inputs:\n  gpp: {files: " + yaml(path) + ", variable: " + yaml(name) +
                       ", interval: " + interval;
    const std::string unit = v["unit"];
    if (unit.empty() || unit_trouble(unit)) line += ", unit: gC m-2 d-1";
    return line + ", resample: bilinear}\n";
  }
  return "";
}

bool plausible(const std::string& path, const std::string& pattern, std::optional<Date>& date) {
  date = date_from_name(path, pattern);
  return date && date->year >= 1900 && date->year <= 2200;
}

}  // namespace

std::string suggest_climate(const std::string& path, const Report& report) {
  const Report& variables = report["variables"];
  const std::string gpp = suggest_gpp_of_netcdf(path, report);
  if (!gpp.empty()) return gpp;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (is_gridmet(path, variables))
    return "inputs:\n  climate: {files: " + yaml((folder.empty() ? "" : folder + "/") + "*.nc") +
           ", recipe: gridmet, resample: bilinear}\n";
  std::string terms;
  bool daily = false;
  for (const auto& axis : report["time_axes"]) daily = daily || axis.value("step", "") == "1 day";
  const auto add = [&](const char* input, const char* key, const char* unit) {
    const std::string name = find_variable(variables, key);
    const Bridge way = name.empty() ? Bridge::none : bridge(variables, name, unit);
    if (way == Bridge::none || (way == Bridge::daily_sum && !daily)) return;
    terms +=
        "      " + std::string(input) + ": {variable: " + yaml(name) + ", unit: " + unit + "}\n";
  };
  const auto add_difference = [&](const char* input, const char* high, const char* low,
                                  const char* unit) {
    const std::string a = find_variable(variables, high), b = find_variable(variables, low);
    if (a.empty() || b.empty() || a == b || bridge(variables, a, unit) != Bridge::conversion)
      return;
    terms += "      " + std::string(input) + ": {difference: [" + yaml(a) + ", " + yaml(b) +
             "], unit: " + unit + "}\n";
  };
  add("TMAX_AIR", "tmax", "degC");
  add_difference("TDIF_AIR", "tmax", "tmin", "K");
  add("HMAX_AIR", "vapmax", "kPa");
  add_difference("HDIF_AIR", "vapmax", "vapmin", "kPa");
  add("RADN", "srad", "MJ m-2 d-1");
  add("WIND", "wind", "km d-1");
  add("PRECN", "precip", "mm d-1");
  if (terms.empty()) return "";
  return "inputs:\n  climate:\n    files: " + yaml(path) + "\n    recipe:\n" + terms +
         "    resample: bilinear\n";
}

std::pair<std::string, std::optional<Date>> suggest_pattern(const std::string& path) {
  const std::string name = std::filesystem::path(path).stem().string();
  struct Form {
    std::vector<size_t> runs;  ///< lengths of digit runs, one character between them
    std::vector<const char*> codes;
  };
  static const std::array<Form, 7> forms = {{{{8}, {"%Y%m%d"}},
                                             {{7}, {"%Y%j"}},
                                             {{4, 2, 2}, {"%Y", "%m", "%d"}},
                                             {{4, 3}, {"%Y", "%j"}},
                                             {{6}, {"%Y%m"}},
                                             {{4, 2}, {"%Y", "%m"}},
                                             {{4}, {"%Y"}}}};
  const auto digit = [&](size_t i) {
    return i < name.size() && std::isdigit(static_cast<unsigned char>(name[i])) != 0;
  };
  for (const Form& form : forms) {
    for (size_t start = 0; start < name.size(); ++start) {
      if (!digit(start) || (start > 0 && digit(start - 1))) continue;
      std::string pattern;
      for (const char c : name.substr(0, start)) pattern += c == '%' ? "%%" : std::string(1, c);
      size_t at = start;
      bool fits = true;
      for (size_t r = 0; r < form.runs.size() && fits; ++r) {
        if (r > 0) pattern += name[at++];
        size_t length = 0;
        while (digit(at + length)) ++length;
        fits = length == form.runs[r] && (r + 1 == form.runs.size() || at + length < name.size());
        pattern += form.codes[r];
        at += length;
      }
      std::optional<Date> date;
      if (fits && plausible(path, pattern, date)) return {pattern, date};
    }
  }
  return {"", std::nullopt};
}

std::string suggest_raster(const std::string& path, const Report& report) {
  const std::filesystem::path file(path);
  const std::string stem = file.stem().string(), folded = lower(stem);
  const bool named = report.contains("file_date");
  const std::string pattern = named ? report["file_date"]["pattern"].get<std::string>() : "";
  const bool gpp =
      contains(folded, "gpp") || folded.rfind("mod17a2", 0) == 0 || folded.rfind("myd17a2", 0) == 0;
  const std::string unit =
      report["bands"].empty() ? "" : report["bands"][0]["unit"].get<std::string>();
  if (gpp) {
    std::string files = path;
    if (named) {
      // Everything from the date on varies between the files of a series.
      const size_t percent = pattern.find('%');
      files = (file.parent_path() / (stem.substr(0, percent) + "*" + file.extension().string()))
                  .string();
    }
    std::string line = "inputs:\n  gpp:\n    files: " + yaml(files) + "\n";
    if (named) line += "    time: {pattern: " + yaml(pattern) + "}\n";
    line += "    interval: " +
            std::string(pattern.size() >= 4 && contains(pattern, "%Y%m") && !contains(pattern, "%d")
                            ? "month"
                            : "8d") +
            "\n";
    if (unit.empty() || unit_trouble(unit)) line += "    unit: gC m-2 d-1\n";
    return line + "    resample: bilinear\n";
  }
  if (contains(folded, "crop") || contains(folded, "cdl"))
    return "inputs:\n  crop: {file: " + yaml(path) +
           ", map: {1: 1, 5: 5}, mode: majority, min_share: 0.5}\n";
  for (const char* soil : {"TBKDS", "TSAND", "TSILT", "TFC", "TWP", "TKSat", "TSOC", "TPH", "TCEC"})
    if (contains(folded, lower(soil)))
      return "inputs:\n  soil:\n    " + std::string(soil) + ": {file: " + yaml(path) +
             (unit.empty() ? ", unit: ..." : "") + "}\n";
  return "";
}

std::string suggest_region(const std::string& path, const Report& report) {
  // The shortest unique text attribute: codes come before names.
  std::string key, example;
  size_t best = std::string::npos;
  bool declared = true;
  for (const auto& layer : report["layers"]) {
    if (!contains(layer["geometry"].get<std::string>(), "Polygon") &&
        !contains(layer["geometry"].get<std::string>(), "Unknown"))
      continue;
    for (const auto& a : layer["attributes"]) {
      if (!a["unique"].get<bool>() || a["examples"].empty()) continue;
      const std::string value = a["examples"][0];
      const bool text = a["type"] == "String";
      const size_t rank = value.size() + (text ? 0 : 100);
      if (rank >= best) continue;
      best = rank;
      key = a["name"];
      example = value;
      declared = !layer["crs"].is_null();
    }
  }
  if (key.empty()) return "";
  return "region:\n  boundaries: " + yaml(path) + "\n" +
         (declared ? "" : "  crs: EPSG:4269   # the file declares none\n") + "  key: " + yaml(key) +
         "\n  select: [" + yaml(example) + "]\n";
}

std::string suggest_models(const std::string& directory, const Report& report) {
  std::filesystem::path path(directory);
  if (path.filename().empty()) path = path.parent_path();
  const std::string parent = path.parent_path().empty() ? "." : path.parent_path().string();
  const std::string folder = path.filename().string();
  std::string line = "models: {directory: " + yaml(parent);
  if (report["region"].is_null())
    line += ", default: " + yaml(folder);
  else
    line += ", regions: {" + yaml(report["region"].get<std::string>()) + ": " + yaml(folder) + "}";
  return line + "}\n";
}

}  // namespace fluxtile
