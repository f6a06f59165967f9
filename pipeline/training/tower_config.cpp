// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_config.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "base/atomic_file.h"
#include "base/nearest_name.h"
#include "model/kgml_ag_c.h"
#include "pipeline/config_values.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
constexpr int kFormat = 1, kFirstYear = 1900, kLastYear = 2200;

using Keys = std::vector<YamlKey>;

void add(Keys& keys, const std::string& parent, const Keys& children) {
  for (const auto& child : children)
    keys.push_back({parent + "." + child.path, child.shapes, child.meaning});
}

void add_inputs(Keys& keys) {
  keys.push_back({"inputs", shape_map, "`run`, or `weather` and `soil`"});
  add(keys, "inputs",
      {{"run", shape_text, "a run configuration whose rasters give the inputs"},
       {"weather", shape_list | shape_text, "a list of tables with daily inputs"},
       {"weather.*", shape_map, "{files: weather.csv, date: date, columns: {...}}"},
       {"weather.*.files", shape_text | shape_list, "CSV files; {site} stands for the site's name"},
       {"weather.*.files.*", shape_text, ""},
       {"weather.*.date", shape_text, "the column of days"},
       {"weather.*.month", shape_text, "the column of months (GPP only)"},
       {"weather.*.site", shape_text, "the column of sites"},
       {"weather.*.source", shape_text, "the product or station, for provenance"},
       {"weather.*.missing", shape_text | shape_list, "numbers that mean no value"},
       {"weather.*.missing.*", shape_text, ""},
       {"weather.*.columns", shape_map, "RADN: {column: srad, unit: W m-2}, ..."},
       {"weather.*.columns.*", shape_map, "{column: srad, unit: W m-2}"},
       {"weather.*.columns.*.column", shape_text, "a column"},
       {"weather.*.columns.*.difference", shape_list, "two columns, [minuend, subtrahend]"},
       {"weather.*.columns.*.difference.*", shape_text, ""},
       {"weather.*.columns.*.unit", shape_text, "what the columns hold, for example degC"},
       {"soil", shape_map, "TBKDS: {value: 1.2, unit: Mg m-3}, ..."},
       {"soil.*", shape_map, "{value: 1.2, unit: Mg m-3}"},
       {"soil.*.value", shape_text, "a number"},
       {"soil.*.unit", shape_text, "a unit"},
       {"years", shape_list, "first and last year"},
       {"years.*", shape_text, ""},
       {"source", shape_map, "products by input, {GPP: SLOPE, climate: gridMET}"},
       {"source.*", shape_text, "the name of a product"}});
}

void add_sites(Keys& keys) {
  keys.push_back({"sites", shape_list, "the towers"});
  keys.push_back({"sites.*", shape_map, "{name, region, latitude, longitude, crop}"});
  add(keys, "sites.*",
      {{"name", shape_text, "the tower's name, for example US-Ne1"},
       {"region", shape_text, "the state or other region it counts to"},
       {"block", shape_text, "a county or cluster that is never split between roles"},
       {"latitude", shape_text, "degrees north"},
       {"longitude", shape_text, "degrees east"},
       {"crop", shape_text | shape_map, "corn or soybean, or by year: {2001: corn, 2002: soybean}"},
       {"crop.*", shape_text, "corn or soybean"},
       {"fluxes", shape_text, "the tower's own file"},
       {"soil", shape_map, "soil of this site"},
       {"soil.*", shape_map, "{value: 1.2, unit: Mg m-3}"},
       {"soil.*.value", shape_text, "a number"},
       {"soil.*.unit", shape_text, "a unit"}});
}

void add_fluxes(Keys& keys) {
  keys.push_back({"fluxes", shape_map, "format and files"});
  add(keys, "fluxes",
      {{"format", shape_text, "fluxnet2015 or csv"},
       {"files", shape_text | shape_list, "files or globs; {site} stands for the site's name"},
       {"files.*", shape_text, ""},
       {"partitioning", shape_text, "nt or dt"},
       {"threshold", shape_text, "vut or cut"},
       {"min_qc", shape_text, "a share from 0 to 1"},
       {"unit", shape_text, "a unit, for example gC m-2 d-1"},
       {"source", shape_text, "the network or data set, for provenance"},
       {"gpp_from_labels", shape_text, "true or false"},
       {"missing", shape_text | shape_list, "numbers that mean no value"},
       {"missing.*", shape_text, ""},
       {"columns", shape_map, "which columns of a plain CSV hold what"},
       {"columns.site", shape_text, "the column of sites"},
       {"columns.date", shape_text, "the column of days"},
       {"columns.month", shape_text, "the column of months"},
       {"columns.qc", shape_text, "the column of the quality, for all fluxes"}});
  for (const std::string flux : {"columns.reco", "columns.nee", "columns.gpp"}) {
    add(keys, "fluxes",
        {{flux, shape_map, "{column: reco, unit: gC m-2 d-1}"},
         {flux + ".column", shape_text, "a column"},
         {flux + ".unit", shape_text, "a unit, for example umol m-2 s-1"},
         {flux + ".qc", shape_text, "the column of its quality"},
         {flux + ".min_qc", shape_text, "a number"},
         {flux + ".sign", shape_text, "which sign is uptake or release"}});
  }
}

std::vector<std::string> slice(size_t first, size_t last) {
  const auto& names = kgml_ag_c::input_names();
  return {names.begin() + static_cast<long>(first), names.begin() + static_cast<long>(last)};
}

/// Reads one part after the other into a TowersConfig.
class Reader {
 public:
  Reader(TowersConfig& config, std::string own_folder)
      : config_(config), own_folder_(std::move(own_folder)) {}

  void read(const YamlWalker& root) {
    config_.folder = own_folder_;
    if (const auto folder = root.find("folder"))
      config_.folder = absolute_path(folder->text(), base(*folder, own_folder_));
    const YamlWalker sites = root.at("sites");
    for (const auto& entry : sites.items()) read_site(entry);
    if (config_.sites.empty()) throw sites.error("there is no site").expected("at least one tower");
    read_inputs(root.at("inputs"));
    read_fluxes(root.at("fluxes"));
  }

 private:
  static std::string base(const YamlWalker& value, const std::string& folder) {
    return value.node().overridden ? fs::current_path().string() : folder;
  }
  [[nodiscard]] std::string path(const YamlWalker& value) const {
    return absolute_path(value.text(), base(value, config_.folder));
  }
  [[nodiscard]] std::vector<std::string> paths(const YamlWalker& value) const {
    std::vector<std::string> list;
    for (const auto& item : value.items()) list.push_back(path(item));
    if (list.empty()) throw value.error("`" + value.path() + "` is empty").expected("a file");
    return list;
  }
  /// Notes where a key stands, for messages that come later.
  const std::string& note(const YamlWalker& value) {
    config_.lines.line[value.path()] = value.node().overridden ? 0 : value.line();
    return value.path();
  }

  /// A crop by name or Crop_Type. What the models have no code for is refused.
  static int crop_type(const YamlWalker& value) {
    std::string word = value.text();
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* corn : {"1", "corn", "maize"}) {
      if (word == corn) return 1;
    }
    for (const char* soybean : {"5", "soybean", "soybeans", "soy"}) {
      if (word == soybean) return 5;
    }
    throw value.error("the models know no crop `" + value.text() + "`")
        .expected("corn (1) or soybean (5)")
        .hint(
            "a tower over another crop or over grass cannot train a model of these two crops; "
            "leave the site out");
  }

  void read_crop(const YamlWalker& where, CropOfYears& crop) {
    note(where);
    if (where.node().kind != YamlNode::Kind::map) {
      crop.always = crop_type(where);
      return;
    }
    for (const auto& entry : where.items()) {
      const int type = crop_type(entry);
      if (entry.name() == "odd") {
        crop.odd = type;
      } else if (entry.name() == "even") {
        crop.even = type;
      } else {
        const auto year = whole_number_in(entry.name());
        if (!year || *year < kFirstYear || *year > kLastYear)
          throw entry.error("`" + entry.name() + "` is no year")
              .expected("a year, or `odd` and `even`");
        crop.years[static_cast<int>(*year)] = type;
      }
    }
  }

  void read_soil(const YamlWalker& where, std::map<std::string, GivenValue>& soil) {
    for (const auto& entry : where.items()) {
      const auto& known = soil_inputs();
      if (std::count(known.begin(), known.end(), entry.name()) == 0)
        throw entry.error("the models have no soil input `" + entry.name() + "`")
            .hint(suggestion(entry.name(), known));
      constexpr double far = 1e9;
      soil[entry.name()] = {entry.at("value").real(-far, far), entry.at("unit").text(),
                            note(entry)};
    }
  }

  void read_site(const YamlWalker& where) {
    TowerSite site;
    site.key = note(where);
    site.name = where.at("name").text();
    for (const auto& other : config_.sites) {
      if (other.name == site.name)
        throw where.at("name").error("a site stands twice").expected("every site once");
    }
    if (const auto region = where.find("region")) site.region = region->text();
    site.block = site.name;
    if (const auto block = where.find("block")) site.block = block->text();
    site.latitude = where.at("latitude").real(-90, 90);
    site.longitude = where.at("longitude").real(-180, 180);
    if (const auto crop = where.find("crop")) read_crop(*crop, site.crop);
    if (const auto fluxes = where.find("fluxes")) {
      note(*fluxes);
      site.fluxes = path(*fluxes);
    }
    if (const auto soil = where.find("soil")) read_soil(*soil, site.soil);
    config_.sites.push_back(std::move(site));
  }

  static std::vector<double> missing(const YamlWalker& where) {
    const auto given = where.find("missing");
    if (!given) return {-9999};
    std::vector<double> numbers;
    constexpr double far = 1e12;
    for (const auto& item : given->items()) numbers.push_back(item.real(-far, far));
    return numbers;
  }

  void read_weather(const YamlWalker& where, std::set<std::string>& given) {
    WeatherTable table;
    table.key = note(where);
    table.files = paths(where.at("files"));
    if (where.has("date") == where.has("month"))
      throw where.error("a table has either a column of days or one of months")
          .found(where.has("date") ? "`date` and `month`" : "neither")
          .expected("`date`, or `month` for a table with monthly GPP");
    const bool monthly = where.has("month");
    table.stamp = where.at(monthly ? "month" : "date").text();
    if (const auto site = where.find("site")) table.site = site->text();
    if (const auto source = where.find("source")) table.source = source->text();
    table.missing = missing(where);
    std::vector<std::string> known = weather_inputs();
    known.emplace_back("GPP");
    for (const auto& entry : where.at("columns").items()) {
      if (std::count(known.begin(), known.end(), entry.name()) == 0)
        throw entry.error("`" + entry.name() + "` is no daily input")
            .hint(suggestion(entry.name(), known));
      if (monthly && entry.name() != "GPP")
        throw entry.error("`" + entry.name() + "` is needed for every day")
            .found("a table with months")
            .expected("a table with days; only GPP may be monthly");
      if (!given.insert(entry.name()).second)
        throw entry.error("two tables give `" + entry.name() + "`").expected("every input once");
      WeatherColumn column;
      column.key = note(entry);
      if (entry.has("column") == entry.has("difference"))
        throw entry.error("an input is a column or a difference of two")
            .expected("{column: tmax, unit: degC} or {difference: [tmax, tmin], unit: degC}");
      if (const auto name = entry.find("column")) column.columns = {name->text()};
      if (const auto pair = entry.find("difference")) {
        for (const auto& item : pair->items()) column.columns.push_back(item.text());
        if (column.columns.size() != 2)
          throw pair->error("a difference needs two columns").expected("[minuend, subtrahend]");
      }
      column.unit = entry.at("unit").text();
      table.inputs[entry.name()] = std::move(column);
    }
    config_.weather.push_back(std::move(table));
  }

  /// The daily files of FLUXNET2015 hold means only, and half of the weather is extremes.
  static Error no_extremes(const YamlWalker& weather) {
    return weather
        .error("the daily files of FLUXNET2015 do not hold the daily extremes that the models need")
        .expected("TMAX_AIR, TDIF_AIR, HMAX_AIR and HDIF_AIR besides RADN, WIND and PRECN")
        .hint(
            "take the inputs from a run configuration's rasters (`run: run.yaml`), or give tables "
            "with daily maximum and minimum of temperature and vapour pressure");
  }

  void read_inputs(const YamlWalker& where) {
    note(where);
    if (where.has("run") == where.has("weather"))
      throw where.error("inputs come from a run configuration or from tables")
          .found(where.has("run") ? "`run` and `weather`" : "neither `run` nor `weather`")
          .expected("`run: run.yaml`, or `weather` and `soil`");
    if (const auto years = where.find("years")) {
      const auto both = years->items();
      if (both.size() != 2)
        throw years->error("`inputs.years` is no range").expected("two years, [2001, 2006]");
      config_.first_year = static_cast<int>(both[0].whole(kFirstYear, kLastYear));
      config_.last_year = static_cast<int>(both[1].whole(config_.first_year, kLastYear));
    }
    if (const auto source = where.find("source")) {
      std::vector<std::string> known = kgml_ag_c::input_names();
      known.insert(known.end(), {"climate", "soil"});
      for (const auto& entry : source->items()) {
        if (std::count(known.begin(), known.end(), entry.name()) == 0)
          throw entry.error("`" + entry.name() + "` is no input")
              .hint(suggestion(entry.name(), known));
        config_.sources[entry.name()] = entry.text();
      }
    }
    if (const auto run = where.find("run")) {
      note(*run);
      config_.run = path(*run);
      if (const auto soil = where.find("soil"))
        throw soil->error("soil comes from the run configuration's rasters here")
            .hint("leave `inputs.soil` out, or give `inputs.weather` in place of `inputs.run`");
      return;
    }
    const YamlWalker weather = where.at("weather");
    if (weather.node().kind != YamlNode::Kind::list) {
      std::string word = weather.text();
      for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (word.compare(0, 7, "fluxnet") == 0) throw no_extremes(weather);
      throw weather.error("`inputs.weather` is no list of tables")
          .expected("- {files: weather.csv, date: date, columns: {...}}");
    }
    std::set<std::string> given;
    for (const auto& entry : weather.items()) read_weather(entry, given);
    std::string lacking;
    for (const auto& name : weather_inputs()) {
      if (given.count(name) == 0) lacking += (lacking.empty() ? "" : ", ") + name;
    }
    if (!lacking.empty())
      throw weather.error("the tables do not give all daily inputs")
          .found("nothing for " + lacking)
          .expected("a column, or a difference of two, for each")
          .hint(
              "FLUXNET2015 gives RADN (SW_IN_F), WIND (WS_F) and PRECN (P_F) but no daily "
              "extremes: take these from another table, or all from rasters (`run: run.yaml`)");
    if (const auto soil = where.find("soil")) read_soil(*soil, config_.soil);
    for (const auto& site : config_.sites) {
      for (const auto& name : soil_inputs()) {
        if (site.soil.count(name) == 0 && config_.soil.count(name) == 0)
          throw config_.lines
              .locate(Error(Code::data,
                            "nothing gives the soil input `" + name + "` for site " + site.name),
                      "inputs")
              .expected("inputs.soil." + name +
                        ": {value: ..., unit: ...}, or the same under the "
                        "site's own `soil`");
      }
      if (site.crop.empty())
        throw config_.lines
            .locate(Error(Code::data, "nothing tells the crop of site " + site.name), site.key)
            .expected("crop: corn, crop: soybean or crop: {2001: corn, 2002: soybean}");
    }
  }

  /// `signs`: the word for the sign that labels have, and the one for the other.
  static void read_flux(const YamlWalker& columns, const char* key,
                        const std::vector<std::string>& signs, const std::string& qc, double min_qc,
                        FluxColumn& flux) {
    flux.qc = qc;
    flux.min_qc = min_qc;
    const auto where = columns.find(key);
    if (!where) return;
    flux.name = where->at("column").text();
    flux.unit = where->at("unit").text();
    constexpr double far = 1e9;
    if (const auto own = where->find("qc")) flux.qc = own->text();
    if (const auto least = where->find("min_qc")) flux.min_qc = least->real(-far, far);
    if (const auto sign = where->find("sign")) flux.turned = sign->choice(signs) == 1;
  }

  void read_fluxes(const YamlWalker& where) {
    note(where);
    FluxFiles& fluxes = config_.fluxes;
    const YamlWalker format = where.at("format");
    fluxes.fluxnet = format.choice({"fluxnet2015", "csv"}) == 0;
    if (const auto files = where.find("files")) {
      note(*files);
      fluxes.files = paths(*files);
    } else {
      for (const auto& site : config_.sites) {
        if (site.fluxes.empty()) static_cast<void>(where.at("files"));
      }
    }
    if (const auto source = where.find("source")) fluxes.source = source->text();
    if (const auto replace = where.find("gpp_from_labels"))
      fluxes.gpp_from_labels = replace->boolean();
    const auto refuse = [&](const char* key, const std::string& format_name) {
      if (const auto other = where.find(key))
        throw other->error("`" + other->path() + "` is for format: " + format_name);
    };
    constexpr double far = 1e9;
    double min_qc = 0.5;
    if (const auto least = where.find("min_qc"))
      min_qc = fluxes.fluxnet ? least->real(0, 1) : least->real(-far, far);
    if (fluxes.fluxnet) {
      refuse("columns", "csv");
      refuse("missing", "csv");
      fluxes.options.min_qc = min_qc;
      if (const auto way = where.find("partitioning"))
        fluxes.options.partitioning = way->choice({"nt", "dt"}) == 0 ? "NT" : "DT";
      if (const auto threshold = where.find("threshold"))
        fluxes.options.threshold = threshold->choice({"vut", "cut"}) == 0 ? "VUT" : "CUT";
      if (const auto unit = where.find("unit")) fluxes.options.unit = unit->text();
      if (fluxes.source.empty()) fluxes.source = "FLUXNET2015 " + fluxes.options.partitioning;
      return;
    }
    for (const char* key : {"partitioning", "threshold", "unit"}) refuse(key, "fluxnet2015");
    const YamlWalker columns = where.at("columns");
    note(columns);
    PlainColumns& plain = fluxes.columns;
    if (columns.has("date") == columns.has("month"))
      throw columns.error("a file has either a column of days or one of months")
          .found(columns.has("date") ? "`date` and `month`" : "neither")
          .expected("`date: COLUMN` or `month: COLUMN`");
    plain.stamp = columns.at(columns.has("date") ? "date" : "month").text();
    if (const auto site = columns.find("site")) plain.site = site->text();
    std::string qc;
    if (const auto column = columns.find("qc")) qc = column->text();
    read_flux(columns, "reco", {"positive-is-release", "negative-is-release"}, qc, min_qc,
              plain.reco);
    read_flux(columns, "nee", {"negative-is-uptake", "positive-is-uptake"}, qc, min_qc, plain.nee);
    read_flux(columns, "gpp", {"positive-is-uptake", "negative-is-uptake"}, "", min_qc, plain.gpp);
    if (plain.reco.name.empty() && plain.nee.name.empty())
      throw columns.error("there is nothing to learn from")
          .expected("`nee` and `reco`, at least one of them");
    plain.missing = missing(where);
  }

  TowersConfig& config_;
  std::string own_folder_;
};

}  // namespace

std::optional<int> CropOfYears::of(int year) const {
  const auto found = years.find(year);
  if (found != years.end()) return found->second;
  const auto& parity = year % 2 == 0 ? even : odd;
  return parity ? parity : always;
}

const std::vector<std::string>& weather_inputs() {
  static const std::vector<std::string> names = slice(0, kgml_ag_c::crop_feature);
  return names;
}

const std::vector<std::string>& soil_inputs() {
  static const std::vector<std::string> names =
      slice(kgml_ag_c::year_feature + 1, kgml_ag_c::feature_count);
  return names;
}

const YamlSchema& towers_schema() {
  static const YamlSchema schema = [] {
    Keys keys = {{"fluxtile-towers", shape_text, "the version of the format, 1"},
                 {"folder", shape_text, "the folder that paths are relative to"}};
    add_inputs(keys);
    add_sites(keys);
    add_fluxes(keys);
    return YamlSchema(std::move(keys));
  }();
  return schema;
}

TowersConfig read_towers_config(const std::string& path,
                                const std::vector<std::string>& overrides) {
  TowersConfig config;
  config.path = fs::absolute(path).lexically_normal().string();
  config.lines.file = path;
  YamlNode root = read_yaml(path);
  for (const auto& assignment : overrides) apply_override(root, assignment);
  check_schema(root, towers_schema(), path);
  const YamlWalker walker(root, towers_schema(), path);
  const YamlWalker version = walker.at("fluxtile-towers");
  if (version.whole(1, 1000000) > kFormat)
    throw version.error("the description is written for a newer fluxtile")
        .expected("fluxtile-towers: " + std::to_string(kFormat))
        .hint("update fluxtile");
  Reader(config, fs::path(config.path).parent_path().string()).read(walker);
  return config;
}

}  // namespace fluxtile
