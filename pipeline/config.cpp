// SPDX-License-Identifier: Apache-2.0
#include "pipeline/config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <set>
#include <tuple>

#include "base/atomic_file.h"
#include "base/nearest_name.h"
#include "pipeline/climate_recipe.h"
#include "pipeline/config_schema.h"
#include "pipeline/config_values.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
constexpr int config_format = 1;

/// Reads one section after the other into a Config.
class Reader {
 public:
  Reader(Config& config, const std::vector<std::string>& recipes)
      : config_(config), recipes_(recipes) {}

  void read(const YamlWalker& root) {
    read_name(root.at("name"));
    read_region(root.at("region"));
    read_grid(root.at("grid"));
    read_period(root.at("period"));
    const YamlWalker inputs = root.at("inputs");
    read_gpp(inputs.at("gpp"));
    read_climate(inputs.at("climate"));
    if (const auto soil = inputs.find("soil")) read_soil(*soil);
    read_crop(inputs.at("crop"));
    read_models(root.at("models"));
    read_outputs(root.at("outputs"));
    if (const auto state = root.find("state")) {
      if (const auto keep = state->find("keep"))
        config_.keep_states = static_cast<int>(keep->whole(0, 1000));
      if (const auto keep = state->find("within_year"))
        config_.keep_within_year = static_cast<int>(keep->whole(0, 12));
    }
    if (const auto run = root.find("run")) read_run(*run);
  }

 private:
  /// Paths in the file are relative to the file, paths of --set to the current directory.
  [[nodiscard]] std::string path(const YamlWalker& value) const {
    return absolute_path(value.text(), value.node().overridden ? fs::current_path().string()
                                                               : config_.base_directory);
  }

  [[nodiscard]] std::vector<std::string> paths(const YamlWalker& value) const {
    std::vector<std::string> list;
    for (const auto& item : value.items()) list.push_back(path(item));
    if (list.empty())
      throw value.error("`" + value.path() + "` is empty").expected("a glob or a list of files");
    return list;
  }

  void read_name(const YamlWalker& name) {
    config_.name = name.text();
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '_' || c == '-';
    };
    const bool begins = config_.name.front() != '.' && config_.name.front() != '-';
    constexpr size_t longest = 64;
    if (!begins || config_.name.size() > longest ||
        !std::all_of(config_.name.begin(), config_.name.end(), allowed)) {
      throw name.error("`name` cannot be part of a file name")
          .expected("at most " + std::to_string(longest) +
                    " letters, digits, `.`, `_` and `-`, not beginning with `.` or `-`");
    }
  }

  void read_region(const YamlWalker& where) {
    config_.region.path = path(where.at("boundaries"));
    if (const auto layer = where.find("layer")) config_.region.layer = layer->text();
    if (const auto crs = where.find("crs")) config_.region.crs = crs->text();
    config_.region.key = where.at("key").text();
    const YamlWalker select = where.at("select");
    std::set<std::string> selected;
    for (const auto& item : select.items()) {
      const std::string& name = item.text();
      if (!selected.insert(name).second) {
        throw item.error("a region is selected twice").expected("every region once");
      }
      config_.select.push_back(name);
    }
    if (config_.select.empty())
      throw select.error("no region is selected").expected("names of regions, or `all`");
  }

  void read_grid(const YamlWalker& where) {
    config_.lattice.crs = where.at("crs").text();
    const YamlWalker resolution = where.at("resolution");
    const double huge = std::numeric_limits<double>::max();
    config_.lattice.resolution = resolution.real(0, huge);
    if (config_.lattice.resolution == 0) {
      throw resolution.error("`grid.resolution` is 0")
          .expected("a number above 0, in units of grid.crs");
    }
    if (const auto origin = where.find("origin")) {
      const auto numbers = origin->items();
      if (numbers.size() != 2) {
        throw origin->error("`grid.origin` is no point")
            .found(std::to_string(numbers.size()) + " numbers")
            .expected("two numbers, [x, y]");
      }
      constexpr double far = 1e12;
      config_.lattice.origin_x = numbers[0].real(-far, far);
      config_.lattice.origin_y = numbers[1].real(-far, far);
    }
    if (const auto tile = where.find("tile")) config_.tile = tile->whole(1, 8192);
  }

  void read_period(const YamlWalker& where) {
    const YamlWalker start = where.at("start"), end = where.at("end");
    config_.start = start.parsed(parse_date);
    config_.end_latest = end.text() == "latest";
    if (!config_.end_latest) {
      config_.end = end.parsed(parse_date);
      if (config_.end < config_.start) {
        throw end.error("the period ends before it starts")
            .expected("a date not before " + to_text(config_.start) + ", or `latest`");
      }
    }
    if (const auto spinup = where.find("spinup"))
      config_.spinup = static_cast<int>(spinup->whole(0, 10000));
  }

  static void read_raster_options(const YamlWalker& where, RasterOptions& options) {
    const double huge = std::numeric_limits<double>::max();
    if (const auto scale = where.find("scale")) {
      options.packing.scale = scale->real(-huge, huge);
      if (*options.packing.scale == 0)
        throw scale->error("`" + scale->path() + "` is 0").expected("a number other than 0");
    }
    if (const auto offset = where.find("offset"))
      options.packing.offset = offset->real(-huge, huge);
    if (const auto nodata = where.find("nodata")) options.packing.nodata = stored_number(*nodata);
    if (const auto fill = where.find("fill_values")) {
      for (const auto& item : fill->items())
        options.packing.fill_values.push_back(stored_number(item));
    }
    if (const auto unit = where.find("unit")) options.unit = unit->text();
    if (const auto crs = where.find("crs")) options.crs = crs->text();
    if (const auto band = where.find("band"))
      options.band = static_cast<int>(band->whole(1, 65535));
    if (const auto variable = where.find("variable")) options.variable = variable->text();
    if (const auto source = where.find("source")) options.source = source->text();
    if (const auto calendar = where.find("calendar")) {
      calendar->choice({"map"});
      options.calendar = "map";
    }
  }

  /// A number as it stands in a raster; NaN is one.
  static double stored_number(const YamlWalker& value) {
    const auto number = number_in(value.text());
    if (number) return *number;
    throw value.error("`" + value.path() + "` is no number").expected("a number or nan");
  }

  static Resampling resampling(const YamlWalker& where) {
    const auto method = where.find("resample");
    return method ? method->parsed(parse_resampling) : Resampling::bilinear;
  }

  static std::string time_pattern(const YamlWalker& where) {
    const auto time = where.find("time");
    if (!time) return {};
    return time->at("pattern").parsed([](const std::string& pattern) {
      check_name_pattern(pattern);
      return pattern;
    });
  }

  void read_gpp(const YamlWalker& where) {
    GppConfig& gpp = config_.gpp;
    read_raster_options(where, gpp);
    gpp.files = paths(where.at("files"));
    gpp.time_pattern = time_pattern(where);
    gpp.interval = where.at("interval").parsed(parse_interval);
    if (const auto fill = where.find("fill")) gpp.linear = fill->choice({"step", "linear"}) == 1;
    gpp.resample = resampling(where);
    if (const auto gap = where.find("max_gap")) gpp.max_gap = gap->parsed(parse_days);
    if (const auto negative = where.find("negative"))
      gpp.negative_zero = negative->choice({"zero", "keep"}) == 0;
    if (const auto dormant = where.find("dormant"))
      gpp.dormant_zero = dormant->choice({"none", "zero"}) == 1;
  }

  void read_climate(const YamlWalker& where) {
    ClimateConfig& climate = config_.climate;
    read_raster_options(where, climate);
    const YamlWalker recipe = where.at("recipe");
    const bool in_place = recipe.node().kind == YamlNode::Kind::map;
    ClimateRecipe content = in_place ? recipe_in_place(recipe) : named_recipe(recipe, recipes_);
    climate.recipe = in_place ? "in place" : recipe.text();
    climate.terms = std::move(content.terms);
    climate.variables = std::move(content.variables);
    if (const auto variables = where.find("variables")) {
      for (const auto& entry : variables->items()) override_variable(entry);
    }
    const auto own_files = [](const auto& entry) { return !entry.second.files.empty(); };
    const bool all_named =
        std::all_of(climate.variables.begin(), climate.variables.end(), own_files);
    if (where.has("files") || !all_named) climate.files = paths(where.at("files"));
    climate.resample = resampling(where);
    if (const auto gap = where.find("max_gap")) climate.max_gap = gap->parsed(parse_days);
  }

  void override_variable(const YamlWalker& where) {
    auto& variables = config_.climate.variables;
    const auto found = variables.find(where.name());
    if (found == variables.end()) {
      std::vector<std::string> known;
      for (const auto& [name, variable] : variables) known.push_back(name);
      throw where.error("the recipe uses no source variable `" + where.name() + "`")
          .found("`" + where.name() + "`")
          .hint(suggestion(where.name(), known));
    }
    ClimateVariable& variable = found->second;
    if (const auto name = where.find("variable")) {
      variable.variable = name->text();
      variable.match.clear();  // the recipe's words describe the variable that is replaced
    }
    if (const auto match = where.find("match")) {
      variable.match.clear();
      for (const auto& word : match->items()) variable.match.push_back(word.text());
    }
    if (const auto files = where.find("files")) variable.files = paths(*files);
    if (const auto unit = where.find("unit")) variable.unit = unit->text();
  }

  void read_soil(const YamlWalker& where) {
    for (const auto& entry : where.items()) {
      StaticConfig& input = config_.soil[entry.name()];
      read_raster_options(entry, input);
      input.file = path(entry.at("file"));
      input.resample = resampling(entry);
    }
  }

  void read_crop(const YamlWalker& where) {
    CropConfig& crop = config_.crop;
    read_raster_options(where, crop);
    if (where.has("file") == where.has("files")) {
      throw where.error("`inputs.crop` needs either one map or a map a year")
          .found(where.has("file") ? "`file` and `files`" : "neither `file` nor `files`")
          .expected("`file`, or `files` with `time.pattern`");
    }
    crop.time_pattern = time_pattern(where);
    if (const auto file = where.find("file")) {
      crop.files = {path(*file)};
      if (where.has("time")) {
        throw where.at("time")
            .error("one crop map for all years has no date")
            .expected("`files` with `time`, or `file` alone");
      }
    } else {
      crop.files = paths(where.at("files"));
      if (crop.time_pattern.empty()) static_cast<void>(where.at("time"));
    }
    const YamlWalker map = where.at("map");
    for (const auto& entry : map.items()) {
      const auto code = whole_number_in(entry.name());
      if (!code || *code < std::numeric_limits<int>::min() ||
          *code > std::numeric_limits<int>::max()) {
        throw entry.error("a crop code is no whole number")
            .found("`" + entry.name() + "`")
            .expected("raster code: Crop_Type, for example {1: 1, 5: 5}");
      }
      if (!crop.codes.emplace(static_cast<int>(*code), static_cast<int>(entry.whole(-9999, 9999)))
               .second) {
        throw entry.error("a crop code is mapped twice").expected("every code once");
      }
    }
    if (crop.codes.empty())
      throw map.error("`inputs.crop.map` is empty").expected("at least one raster code");
    if (const auto mode = where.find("mode")) {
      crop.mode = static_cast<CropConfig::Mode>(mode->choice({"majority", "fraction", "nearest"}));
    }
    if (const auto share = where.find("min_share")) {
      crop.min_share = share->real(0, 1);
      crop.min_share_given = true;
    }
    if (const auto missing = where.find("missing_year")) {
      crop.missing_year =
          static_cast<CropConfig::Missing>(missing->choice({"error", "previous", "rotation"}));
    }
  }

  void read_models(const YamlWalker& where) {
    ModelsConfig& models = config_.models;
    models.directory = path(where.at("directory"));
    if (const auto name = where.find("default")) models.default_name = name->text();
    if (const auto regions = where.find("regions")) {
      for (const auto& entry : regions->items()) {
        auto& packages = models.regions[entry.name()];
        for (const auto& package : entry.items()) packages.push_back(package.text());
        if (packages.empty())
          throw entry.error("`" + entry.path() + "` is empty").expected("at least one package");
      }
    }
    if (models.default_name.empty() && models.regions.empty())
      static_cast<void>(where.at("default"));
    if (const auto year = where.find("year")) {
      models.year = year->text();
      if (models.year != "clamp" && models.year != "as-is") {
        const auto number = number_in(models.year);
        if (!number || !std::isfinite(*number)) {
          throw year->error("`models.year` has an unknown value")
              .expected("clamp, as-is or a number");
        }
      }
    }
    if (const auto blend = where.find("blend")) models.blend_km = blend->parsed(parse_distance_km);
  }

  void read_outputs(const YamlWalker& where) {
    config_.output_directory = path(where.at("directory"));
    const YamlWalker products = where.at("products");
    for (const auto& entry : products.items()) read_product(entry);
    if (config_.products.empty())
      throw products.error("`outputs.products` is empty").expected("at least one product");
    if (const auto zones = where.find("zones")) {
      config_.zones_file = path(zones->at("file"));
      config_.zones_key = zones->at("key").text();
    }
  }

  void read_product(const YamlWalker& where) {
    ProductConfig product;
    product.period = static_cast<Period>(where.at("period").choice({"daily", "monthly", "annual"}));
    // A day's sum and its mean are one number.
    product.statistic = product.period == Period::daily && !where.has("statistic")
                            ? Statistic::mean
                            : static_cast<Statistic>(where.at("statistic").choice({"sum", "mean"}));
    for (const auto& format : where.at("format").items()) {
      (format.choice({"geotiff", "netcdf"}) == 0 ? product.geotiff : product.netcdf) = true;
      if (product.geotiff && product.period == Period::daily) {
        throw format.error("daily products are NetCDF only")
            .expected("netcdf")
            .hint("use format: netcdf, or period: monthly");
      }
    }
    if (!product.geotiff && !product.netcdf)
      throw where.at("format").error("the product has no format").expected("geotiff or netcdf");
    for (const auto& item : where.at("variables").items()) {
      product.variables.push_back(read_variable(item, product));
    }
    if (product.variables.empty())
      throw where.at("variables")
          .error("the product has no variable")
          .expected("for example [nee]");
    config_.products.push_back(std::move(product));
  }

  std::string read_variable(const YamlWalker& item, const ProductConfig& product) {
    static const std::vector<std::string> fluxes = {"ra",  "rh",  "reco",        "nee",
                                                    "gpp", "npp", "nee_balance", "closure"};
    static const std::vector<std::string> yearly = {"yield", "residue", "dsoc"};
    std::vector<std::string> all = fluxes;
    all.insert(all.end(), yearly.begin(), yearly.end());
    item.choice(all);
    std::string name = item.text();
    const bool annual_only = std::count(yearly.begin(), yearly.end(), name) != 0;
    if (annual_only && (product.period != Period::annual || product.statistic != Statistic::sum)) {
      throw item.error("`" + name + "` is a total of the year")
          .found(std::string(to_string(product.period)) + " " + to_string(product.statistic))
          .expected("period: annual with statistic: sum");
    }
    for (const bool geotiff : {true, false}) {
      if (!(geotiff ? product.geotiff : product.netcdf)) continue;
      if (!written_.emplace(name, product.period, product.statistic, geotiff).second) {
        throw item.error("two products would be the same")
            .found("`" + name + "`, " + to_string(product.period) + " " +
                   to_string(product.statistic) + " as " + (geotiff ? "geotiff" : "netcdf") +
                   ", asked for twice")
            .expected("every variable, period, statistic and format once");
      }
    }
    return name;
  }

  void read_run(const YamlWalker& where) {
    RunConfig& run = config_.run;
    const auto word = [&where](const char* key, std::string& value,
                               const std::vector<std::string>& words) {
      if (const auto given = where.find(key)) value = words[given->choice(words)];
    };
    word("engine", run.engine, {"auto", "torch", "fused"});
    word("precision", run.precision, {"fp32", "bf16", "tf32"});
    if (const auto device = where.find("device")) {
      run.device = device->text();
      const auto number = run.device.compare(0, 5, "cuda:") == 0
                              ? whole_number_in(run.device.substr(5))
                              : std::nullopt;
      if (!number) device->choice({"auto", "cpu", "cuda", "cuda:K"});
      if (run.device == "cuda:K" || (number && (*number < 0 || *number > 1023))) {
        throw device->error("`run.device` names no device").expected("cuda:0, cuda:1, ...");
      }
    }
    if (const auto threads = where.find("threads"))
      run.threads = threads->text() == "auto" ? 0 : static_cast<int>(threads->whole(1, 4096));
    if (const auto memory = where.find("memory")) run.memory = memory->parsed(parse_size);
    if (const auto most = where.find("max_failed_tiles"))
      run.max_failed_tiles = static_cast<int>(most->whole(0, 1000000000));
    if (const auto metrics = where.find("metrics")) run.metrics = path(*metrics);
    if (const auto remote = where.find("allow_remote")) run.allow_remote = remote->boolean();
  }

  Config& config_;
  const std::vector<std::string>& recipes_;
  std::set<std::tuple<std::string, Period, Statistic, bool>> written_;
};

void collect_lines(const YamlNode& node, const std::string& path, KeyLines& lines) {
  const auto below = [&path](const std::string& key) {
    return path.empty() ? key : path + "." + key;
  };
  for (const auto& entry : node.entries) {
    lines.line[below(entry.key)] = entry.value.overridden ? 0 : entry.line;
    collect_lines(entry.value, below(entry.key), lines);
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    const std::string key = below(std::to_string(i));
    lines.line[key] = node.items[i].line;
    collect_lines(node.items[i], key, lines);
  }
}

/// The format version, before anything else: a newer format may have keys unknown to us.
void check_version(const YamlNode& root, const std::string& file) {
  const YamlNode* version = root.find("fluxtile");
  if (version == nullptr || version->kind != YamlNode::Kind::scalar) return;
  const YamlWalker at = YamlWalker(root, config_schema(), file).at("fluxtile");
  if (at.whole(1, 1000000) > config_format) {
    throw at.error("the configuration is written for a newer fluxtile")
        .expected("fluxtile: " + std::to_string(config_format))
        .hint("update fluxtile");
  }
}

}  // namespace

Error KeyLines::locate(Error error, const std::string& key) const {
  if (error.file().empty()) error.file(file);
  int number = 0;
  for (std::string at = key;; at.resize(at.rfind('.'))) {
    const auto found = line.find(at);
    if (found != line.end()) {
      number = found->second;
      break;
    }
    if (at.find('.') == std::string::npos) break;
  }
  error.key(key, number);
  return error;
}

const char* to_string(Period period) noexcept {
  return period == Period::daily ? "daily" : period == Period::monthly ? "monthly" : "annual";
}

const char* to_string(Statistic statistic) noexcept {
  return statistic == Statistic::sum ? "sum" : "mean";
}

Config read_config(const std::string& path, const std::vector<std::string>& overrides,
                   const std::vector<std::string>& recipe_directories) {
  Config config;
  config.path = fs::absolute(path).lexically_normal().string();
  config.base_directory = fs::path(config.path).parent_path().string();
  config.lines.file = path;
  YamlNode root = read_yaml(path);
  for (const auto& assignment : overrides) {
    try {
      apply_override(root, assignment);
    } catch (const Error& error) {
      if (error.code() == Code::usage) throw;
      throw Error(error).file(path);
    }
  }
  check_version(root, path);
  check_schema(root, config_schema(), path);
  const YamlWalker walker(root, config_schema(), path);
  static_cast<void>(walker.at("fluxtile"));
  collect_lines(root, "", config.lines);
  Reader(config, recipe_directories).read(walker);
  config.canonical = canonical_json(root);
  return config;
}

std::vector<std::string> recipe_directories() {
  std::vector<std::string> directories;
  if (const char* data = std::getenv("FLUXTILE_DATA"); data != nullptr && *data != '\0')
    directories.push_back((fs::path(data) / "recipes").string());
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  if (!unknown) {
    directories.push_back(
        (program.parent_path() / "../share/fluxtile/recipes").lexically_normal().string());
  }
#ifdef FLUXTILE_SOURCE_RECIPES
  directories.emplace_back(FLUXTILE_SOURCE_RECIPES);
#endif
  return directories;
}

}  // namespace fluxtile
