// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan_sources.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "base/digest.h"
#include "base/nearest_name.h"
#include "base/system_fault.h"
#include "pipeline/climate_recipe.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

bool is_netcdf(const std::string& path) {
  const std::string extension = fs::path(path).extension().string();
  return extension == ".nc" || extension == ".nc4" || extension == ".cdf" || extension == ".nc3" ||
         extension == ".h5" || extension == ".he5" || extension == ".hdf5";
}

/// Metadata that says "made up": files of `fluxtile simulate` carry it.
bool says_synthetic(const std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : metadata) {
    if ((key == "FLUXTILE_SYNTHETIC" || key == "fluxtile_synthetic") &&
        (value == "YES" || value == "yes"))
      return true;
  }
  return false;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// A file's unit as a rate: a daily amount ("mm") of a daily file is that amount a day.
UnitConversion daily_conversion(const Unit& from, const Unit& to) {
  return convert_unit(is_interval_sum(from, to) ? per_day(from) : from, to);
}

std::string day_text(int64_t day) { return to_text(from_days(day)); }

/// A folder that glob() could not read, which it passes over without a word.
struct UnreadFolder {
  std::string path;
  int system_error = 0;
};
thread_local UnreadFolder unread_folder;

int note_unread_folder(const char* path, int system_error) {
  if (system_error != ENOENT && system_error != ENOTDIR && unread_folder.system_error == 0)
    unread_folder = {path, system_error};
  return 0;
}

}  // namespace

std::vector<std::string> expand_globs(const std::vector<std::string>& patterns) {
  std::set<std::string> files;
  unread_folder = {};
  for (const auto& pattern : patterns) {
    glob_t found{};
    if (glob(pattern.c_str(), GLOB_TILDE | GLOB_BRACE, note_unread_folder, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) files.insert(found.gl_pathv[i]);
    }
    globfree(&found);
  }
  // Files that are there but were not seen would be a gap in the data.
  if (unread_folder.system_error != 0) {
    const bool denied = unread_folder.system_error == EACCES;
    Error error = system_fault(denied ? Code::data : Code::io, "cannot read the folder",
                               unread_folder.path, unread_folder.system_error);
    throw denied ? error.hint("check its permissions") : error;
  }
  return {files.begin(), files.end()};
}

SourceResolver::SourceResolver(const Config& config, const Package& package, Plan& plan)
    : config_(config),
      package_(package),
      plan_(plan),
      grid_crs_(Crs::from_user_input(config.lattice.crs)) {
  cell_m_ = config.lattice.resolution * grid_crs_.unit_factor() *
            (grid_crs_.geographic() ? 111319.49 : 1.0);
}

Error SourceResolver::fail(const std::string& message, const std::string& key) const {
  return config_.lines.locate(Error(Code::data, message), key);
}

std::vector<std::string> SourceResolver::expand(const std::vector<std::string>& globs,
                                                const std::string& key) const {
  auto files = expand_globs(globs);
  if (files.empty()) {
    throw fail("no file matches", key)
        .found(join(globs))
        .hint("relative paths are relative to the configuration file, " + config_.base_directory);
  }
  return files;
}

void SourceResolver::add_file(const std::string& path) {
  if (!known_files_.insert(path).second) return;
  // A subdataset or archive member has no status of its own; its container is listed by the caller.
  if (const auto file = plan_file(path)) plan_.files.push_back(*file);
}

size_t SourceResolver::operation_to(const Crs& crs, const std::string& path,
                                    const std::string& key) {
  if (crs.empty()) {
    throw fail("the file declares no coordinate reference system", key)
        .file(path)
        .hint("add `crs: EPSG:...` to this input");
  }
  const auto found = std::find(operation_keys_.begin(), operation_keys_.end(), crs.wkt());
  if (found != operation_keys_.end()) return static_cast<size_t>(found - operation_keys_.begin());
  try {
    const Operation operation = choose_operation(grid_crs_, crs);
    require_accuracy(operation, cell_m_);
    plan_.sources.operations.push_back(operation);
  } catch (Error& error) {
    throw config_.lines.locate(error, key);
  }
  operation_keys_.push_back(crs.wkt());
  return operation_keys_.size() - 1;
}

// ---- GPP

void SourceResolver::gpp_conversion(const std::string& file_unit, const std::string& path) {
  const std::string text = config_.gpp.unit.empty() ? file_unit : config_.gpp.unit;
  if (text.empty()) {
    throw fail("nothing says in which unit GPP is", "inputs.gpp.unit")
        .file(path)
        .expected("a unit in the file, or inputs.gpp.unit")
        .hint("e.g. `unit: gC m-2 d-1`; a unit without time (kgC m-2) is a sum over the interval");
  }
  GppSource& gpp = plan_.sources.gpp;
  if (gpp.unit == text) return;
  if (!gpp.unit.empty()) {
    throw fail("the GPP files are not all in one unit", "inputs.gpp.unit")
        .file(path)
        .found(text)
        .expected(gpp.unit + ", as in the files before")
        .hint("say which one holds: `unit: ...` under inputs.gpp replaces what the files say");
  }
  try {
    const Unit from = parse_unit(text), to = parse_unit(package_.input("GPP").unit);
    gpp.interval_sum = is_interval_sum(from, to);
    gpp.conversion = convert_unit(gpp.interval_sum ? per_day(from) : from, to);
  } catch (Error& error) {
    throw config_.lines.locate(error, "inputs.gpp.unit").file(path);
  }
  gpp.unit = text;
}

void SourceResolver::resolve_gpp_netcdf(const std::string& path, std::vector<CompositeRef>& found) {
  const auto info = reader_.netcdf(path);
  synthetic_.push_back(says_synthetic(info->attributes));
  std::string name = config_.gpp.variable;
  if (name.empty()) {
    std::vector<std::string> candidates;
    for (const auto& variable : info->variables) {
      if (variable.time_dimension >= 0) candidates.push_back(variable.name);
    }
    if (candidates.size() != 1) {
      throw fail("the file does not hold exactly one gridded variable with time", "inputs.gpp")
          .file(path)
          .found(candidates.empty() ? "none" : join(candidates))
          .hint("name it: `variable: ...` under inputs.gpp");
    }
    name = candidates.front();
  }
  const NetcdfVariable& variable = find_variable(*info, name);
  const auto dates =
      to_real_dates(variable.times, variable.calendar, config_.gpp.calendar == "map");
  const Crs crs = variable.grid.crs.empty() && !config_.gpp.crs.empty()
                      ? Crs::from_user_input(config_.gpp.crs)
                      : variable.grid.crs;
  const size_t operation = operation_to(crs, path, "inputs.gpp.files");
  gpp_conversion(variable.units, path);
  for (size_t k = 0; k < dates.size(); ++k) {
    if (!dates[k]) continue;
    CompositeRef composite;
    composite.layer = {path, 1, name, static_cast<int64_t>(k)};
    composite.first = to_days(*dates[k]);
    composite.operation = operation;
    found.push_back(composite);
  }
}

void SourceResolver::resolve_gpp_raster(const std::string& path, std::vector<CompositeRef>& found) {
  const GppConfig& gpp = config_.gpp;
  auto info = reader_.raster(path, gpp.packing);
  std::string opened = path;
  if (!gpp.variable.empty() && !info->subdatasets.empty()) {
    opened = subdataset_path(path, gpp.variable);
    info = reader_.raster(opened, gpp.packing);
  }
  if (info->bands.empty()) {
    throw fail("the file holds no band of its own", "inputs.gpp.files")
        .file(path)
        .found(info->subdatasets.empty() ? "no bands" : "subdatasets: " + join(info->subdatasets))
        .hint("name one: `variable: ...` under inputs.gpp");
  }
  synthetic_.push_back(says_synthetic(info->metadata));
  const Crs crs =
      info->grid.crs.empty() && !gpp.crs.empty() ? Crs::from_user_input(gpp.crs) : info->grid.crs;
  const size_t operation = operation_to(crs, path, "inputs.gpp.files");
  const auto add = [&](int band, Date date) {
    CompositeRef composite;
    composite.layer = {opened, band, "", 0};
    composite.first = to_days(date);
    composite.operation = operation;
    found.push_back(composite);
  };
  const int band = gpp.band > 0 ? gpp.band : 1;
  if (band > static_cast<int>(info->bands.size())) {
    throw fail("the file has no such band", "inputs.gpp.band")
        .file(path)
        .found(std::to_string(info->bands.size()) + " bands")
        .expected("band " + std::to_string(band));
  }
  gpp_conversion(info->bands[static_cast<size_t>(band - 1)].unit, path);
  if (!gpp.time_pattern.empty()) {
    const auto date = date_from_name(path, gpp.time_pattern);
    if (!date) {
      throw fail("the file fits inputs.gpp.files but not the date pattern",
                 "inputs.gpp.time.pattern")
          .file(path)
          .found(fs::path(path).filename().string())
          .expected(gpp.time_pattern)
          .hint(
              "narrow the glob, or mend the pattern: %Y year, %j day of year, %m month, %d day, * "
              "anything");
    }
    add(band, *date);
    return;
  }
  // No pattern: every band says its own date, or the file has one in TIFFTAG_DATETIME.
  for (const auto& b : info->bands) {
    std::optional<Date> date;
    for (const std::string& text :
         {b.description, b.metadata.count("DATE") ? b.metadata.at("DATE") : std::string()}) {
      const auto parsed = attempt([&] { return parse_date(text.substr(0, 10)); });
      if (parsed.ok()) date = parsed.value();
    }
    const auto stamp = info->metadata.find("TIFFTAG_DATETIME");
    if (!date && info->bands.size() == 1 && stamp != info->metadata.end() &&
        stamp->second.size() >= 10) {
      std::string text = stamp->second.substr(0, 10);
      std::replace(text.begin(), text.end(), ':', '-');
      const auto parsed = attempt([&] { return parse_date(text); });
      if (parsed.ok()) date = parsed.value();
    }
    if (!date) {
      throw fail("nothing says for which date band " + std::to_string(b.band) + " stands",
                 "inputs.gpp.time")
          .file(path)
          .found("description `" + b.description + "`")
          .expected(
              "a band description like 2018-06-02, TIFFTAG_DATETIME, or a pattern for the file "
              "name")
          .hint("add `time: {pattern: \"gpp_%Y%j\"}` under inputs.gpp");
    }
    add(b.band, *date);
  }
}

void SourceResolver::drop_duplicates(std::vector<CompositeRef>& found) const {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CompositeRef> kept;
  for (const auto& composite : found) {
    if (kept.empty() || kept.back().first != composite.first) {
      kept.push_back(composite);
      continue;
    }
    const LayerRef &a = kept.back().layer, &b = composite.layer;
    if (a.path == b.path || sha256_file(a.path) != sha256_file(b.path)) {
      throw fail("two composites stand for " + day_text(composite.first) + " and differ",
                 "inputs.gpp.files")
          .file(b.path)
          .found(a.path + " for the same date")
          .hint("keep one; tiles of a mosaic can be joined by a VRT (gdalbuildvrt)");
    }
  }
  found = std::move(kept);
}

void SourceResolver::resolve_gpp() {
  const GppConfig& config = config_.gpp;
  GppSource& gpp = plan_.sources.gpp;
  gpp.packing = config.packing;
  gpp.linear = config.linear;
  gpp.resample = config.resample;
  gpp.max_gap = config.max_gap;
  gpp.negative_zero = config.negative_zero;
  gpp.dormant_zero = config.dormant_zero;
  std::vector<CompositeRef> found;
  for (const auto& path : expand(config.files, "inputs.gpp.files")) {
    add_file(path);
    if (is_netcdf(path)) {
      resolve_gpp_netcdf(path, found);
    } else {
      resolve_gpp_raster(path, found);
    }
  }
  drop_duplicates(found);
  std::vector<int64_t> starts;
  for (const auto& composite : found) starts.push_back(composite.first);
  const auto spans = composite_spans(starts, config.interval);
  for (size_t k = 0; k < found.size(); ++k) {
    found[k].first = spans[k].first;
    found[k].end = spans[k].end;
  }
  gpp.composites = std::move(found);
  PlanCoverage cover{
      "gpp", day_text(gpp.composites.front().first), day_text(gpp.composites.back().end - 1), "", 0,
      0};
  cover.files = static_cast<int64_t>(gpp.composites.size());
  for (size_t k = 1; k < gpp.composites.size(); ++k) {
    cover.missing += gpp.composites[k].first - gpp.composites[k - 1].end;
  }
  if (cover.missing > 0)
    cover.note = std::to_string(cover.missing) + " days inside the record have no composite";
  plan_.coverage.push_back(cover);
}

// ---- climate

void SourceResolver::resolve_climate_variable(const std::string& name, ClimateSourceVariable& out,
                                              std::string& unit) {
  const ClimateVariable& wanted = config_.climate.variables.at(name);
  const std::string key = "inputs.climate.variables." + name;
  const auto files = expand(wanted.files.empty() ? config_.climate.files : wanted.files,
                            wanted.files.empty() ? "inputs.climate.files" : key + ".files");
  out.name = name;
  std::set<std::string> seen;
  for (const auto& path : files) {
    const auto info = reader_.netcdf(path);
    for (const auto& variable : info->variables) {
      seen.insert(variable.name);
      if (!wanted.variable.empty() && variable.name != wanted.variable) continue;
      const std::string description = fs::path(path).stem().string() + " " + variable.name + " " +
                                      variable.long_name + " " + variable.standard_name;
      if (!std::all_of(wanted.match.begin(), wanted.match.end(),
                       [&](const std::string& word) { return contains_word(description, word); }))
        continue;
      if (variable.time_dimension < 0) {
        throw fail("the climate variable `" + variable.name + "` has no time axis", key).file(path);
      }
      add_file(path);
      synthetic_.push_back(says_synthetic(info->attributes));
      const auto dates =
          to_real_dates(variable.times, variable.calendar, config_.climate.calendar == "map");
      for (size_t k = 0; k < dates.size(); ++k) {
        if (!dates[k]) continue;
        const int64_t day = to_days(*dates[k]);
        const bool follows =
            !out.runs.empty() && out.runs.back().path == path &&
            out.runs.back().first + out.runs.back().count == day &&
            out.runs.back().step + out.runs.back().count == static_cast<int64_t>(k);
        if (follows) {
          ++out.runs.back().count;
          continue;
        }
        if (!out.runs.empty() && out.runs.back().path == path &&
            day < out.runs.back().first + out.runs.back().count) {
          throw fail("the climate file is not daily", key)
              .file(path)
              .found("more than one step on " + day_text(day) + " (`" + variable.name + "`)")
              .expected("one step a day")
              .hint("form daily values first, e.g. cdo daymax, daymin, daymean, daysum");
        }
        out.runs.push_back({path, variable.name, day, 1, static_cast<int64_t>(k)});
      }
      if (variable.calendar == Calendar::noleap && !dates.empty() && dates.front() &&
          dates.back()) {
        for (int year = dates.front()->year; year <= dates.back()->year; ++year) {
          if (is_leap(year)) noleap_gaps_.insert(to_days({year, 2, 29}));
        }
      }
      const std::string own = variable.units.empty() ? wanted.unit : variable.units;
      if (unit.empty()) unit = own;
      if (own != unit) {
        throw fail("the files of `" + name + "` are not all in one unit", key)
            .file(path)
            .found(own)
            .expected(unit);
      }
      const Crs crs = variable.grid.crs.empty() && !config_.climate.crs.empty()
                          ? Crs::from_user_input(config_.climate.crs)
                          : variable.grid.crs;
      plan_.sources.climate.operation = operation_to(crs, path, "inputs.climate.files");
    }
  }
  if (out.runs.empty()) {
    const std::string label = wanted.variable.empty() ? join(wanted.match) : wanted.variable;
    throw fail("no climate file holds the variable `" + name + "`", key)
        .found("variables " + join({seen.begin(), seen.end()}))
        .expected("`" + label + "` as a variable, or in file name, long_name or standard_name")
        .hint(suggestion(label, {seen.begin(), seen.end()}));
  }
  if (unit.empty()) {
    throw fail("nothing says in which unit `" + name + "` is", key)
        .file(out.runs.front().path)
        .hint("add `climate: {variables: {" + name + ": {unit: ...}}}`");
  }
  std::stable_sort(out.runs.begin(), out.runs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

void SourceResolver::resolve_terms(const std::vector<std::string>& units) {
  const auto& variables = plan_.sources.climate.variables;
  for (const auto& input : package_.inputs) {
    const auto found = config_.climate.terms.find(input.name);
    if (found == config_.climate.terms.end()) continue;
    const ClimateTerm& term = found->second;
    const std::string key = "inputs.climate.recipe." + input.name;
    ClimateTermSource source;
    source.input = input.name;
    source.kind = static_cast<ClimateTermSource::Kind>(term.kind);
    try {
      const Unit target = parse_unit(term.unit);
      const bool vapour = term.kind == ClimateTerm::Kind::vapour_pressure_max ||
                          term.kind == ClimateTerm::Kind::vapour_pressure_difference;
      for (size_t s = 0; s < term.sources.size(); ++s) {
        const auto variable = std::find_if(variables.begin(), variables.end(), [&](const auto& v) {
          return v.name == term.sources[s];
        });
        const auto index = static_cast<size_t>(variable - variables.begin());
        source.sources.push_back(index);
        const Unit from = parse_unit(units[index]);
        source.conversions.push_back(vapour ? convert_unit(from, parse_unit(s < 2 ? "degC" : "%"))
                                            : daily_conversion(from, target));
      }
      const bool difference = term.kind == ClimateTerm::Kind::difference;
      source.result =
          convert_unit(vapour ? parse_unit("kPa") : target, parse_unit(input.unit), difference);
    } catch (Error& error) {
      throw config_.lines.locate(error, key);
    }
    plan_.sources.climate.terms.push_back(source);
  }
}

void SourceResolver::resolve_climate() {
  ClimateSource& climate = plan_.sources.climate;
  climate.packing = config_.climate.packing;
  climate.resample = config_.climate.resample;
  climate.max_gap = config_.climate.max_gap.value_or(0);
  std::set<std::string> needed;
  for (const auto& [input, term] : config_.climate.terms)
    needed.insert(term.sources.begin(), term.sources.end());
  std::vector<std::string> units;
  for (const auto& name : needed) {
    ClimateSourceVariable variable;
    std::string unit;
    resolve_climate_variable(name, variable, unit);
    climate.variables.push_back(std::move(variable));
    units.push_back(unit);
  }
  resolve_terms(units);

  // One grid for all: derived variables are formed on it.
  const auto grid_of = [&](const ClimateRun& run) -> const SourceGrid& {
    return find_variable(*reader_.netcdf(run.path), run.variable).grid;
  };
  const SourceGrid& first = grid_of(climate.variables.front().runs.front());
  for (const auto& variable : climate.variables) {
    for (const auto& run : variable.runs) {
      const SourceGrid& grid = grid_of(run);
      bool same = grid.width == first.width && grid.height == first.height &&
                  (grid.crs.empty() ? first.crs.empty() : grid.crs.same_as(first.crs));
      const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
        if (a.size() != b.size() || a.size() < 2) return a.size() == b.size();
        const double cell = std::fabs(a.back() - a.front()) / static_cast<double>(a.size() - 1);
        return std::fabs(a.front() - b.front()) < 0.01 * cell &&
               std::fabs(a.back() - b.back()) < 0.01 * cell;
      };
      same = same && near(grid.x_axis, first.x_axis) && near(grid.y_axis, first.y_axis);
      if (!same) {
        throw fail("the climate variables do not share one grid", "inputs.climate.files")
            .file(run.path)
            .found(std::to_string(grid.width) + " x " + std::to_string(grid.height) +
                   " cells, placed elsewhere")
            .expected("the grid of " + climate.variables.front().runs.front().path)
            .hint("bring them onto one grid first, e.g. with cdo remapbil");
      }
    }
  }
  climate_first_ = INT64_MIN;
  climate_end_ = INT64_MAX;
  for (const auto& variable : climate.variables) {
    int64_t end = INT64_MIN;
    for (const auto& run : variable.runs) end = std::max(end, run.first + run.count);
    climate_first_ = std::max(climate_first_, variable.runs.front().first);
    climate_end_ = std::min(climate_end_, end);
  }
  plan_.coverage.push_back({"climate", day_text(climate_first_), day_text(climate_end_ - 1), "",
                            static_cast<int64_t>(climate.variables.size()), 0});
}

std::vector<int64_t> SourceResolver::missing_climate(int64_t first, int64_t end,
                                                     std::set<int64_t>* bridged) const {
  std::set<int64_t> missing;
  for (const auto& variable : plan_.sources.climate.variables) {
    std::vector<bool> there(static_cast<size_t>(std::max<int64_t>(0, end - first)), false);
    for (const auto& run : variable.runs) {
      const int64_t a = std::max(first, run.first), b = std::min(end, run.first + run.count);
      for (int64_t day = a; day < b; ++day) there[static_cast<size_t>(day - first)] = true;
    }
    for (size_t k = 0; k < there.size(); ++k) {
      if (!there[k]) missing.insert(first + static_cast<int64_t>(k));
    }
  }
  std::vector<int64_t> unforgiven;
  for (auto it = missing.begin(); it != missing.end();) {
    auto run_end = it;
    int64_t length = 0;
    while (run_end != missing.end() && *run_end == *it + length) {
      ++run_end;
      ++length;
    }
    const Date date = from_days(*it);
    const bool calendar =
        length == 1 &&
        (noleap_gaps_.count(*it) > 0 || (is_leap(date.year) && date.month == 12 && date.day == 31));
    const bool inside = *it > climate_first_ && *it + length < climate_end_ + 1;
    if (calendar || (inside && length <= plan_.sources.climate.max_gap)) {
      if (bridged != nullptr) bridged->insert(it, run_end);
    } else {
      unforgiven.insert(unforgiven.end(), it, run_end);
    }
    it = run_end;
  }
  return unforgiven;
}

// ---- soil and crops

SourceResolver::FixedLayer SourceResolver::fixed_layer(const std::string& path,
                                                       const RasterOptions& options,
                                                       const std::string& key) {
  add_file(path);
  FixedLayer fixed;
  Crs crs;
  if (is_netcdf(path)) {
    const auto info = reader_.netcdf(path);
    synthetic_.push_back(says_synthetic(info->attributes));
    if (options.variable.empty() && info->variables.size() != 1) {
      throw fail("the file does not hold exactly one gridded variable", key)
          .file(path)
          .hint("name it: `variable: ...`");
    }
    const auto& variable = find_variable(
        *info, options.variable.empty() ? info->variables.front().name : options.variable);
    fixed.layer = {path, 1, variable.name, 0};
    fixed.unit = variable.units;
    crs = variable.grid.crs;
  } else {
    const std::string opened =
        options.variable.empty() ? path : subdataset_path(path, options.variable);
    const auto info = reader_.raster(opened, options.packing);
    synthetic_.push_back(says_synthetic(info->metadata));
    fixed.layer = {opened, std::max(1, options.band), "", 0};
    if (fixed.layer.band > static_cast<int>(info->bands.size())) {
      throw fail("the file has no such band", key)
          .file(path)
          .found(std::to_string(info->bands.size()) + " bands")
          .expected("band " + std::to_string(fixed.layer.band));
    }
    fixed.unit = info->bands[static_cast<size_t>(fixed.layer.band - 1)].unit;
    crs = info->grid.crs;
  }
  if (crs.empty() && !options.crs.empty()) crs = Crs::from_user_input(options.crs);
  fixed.operation = operation_to(crs, path, key);
  return fixed;
}

void SourceResolver::resolve_statics() {
  const std::set<std::string> special = {"GPP", "Crop_Type", "Year"};
  std::set<std::string> used;
  for (const auto& input : package_.inputs) {
    if (special.count(input.name) > 0 || config_.climate.terms.count(input.name) > 0) continue;
    const std::string key = "inputs.soil." + input.name;
    const auto found = config_.soil.find(input.name);
    if (found == config_.soil.end()) {
      std::vector<std::string> given;
      for (const auto& [name, config] : config_.soil) given.push_back(name);
      throw fail("the model needs the input `" + input.name + "`, which nothing provides",
                 "inputs.soil")
          .found("soil inputs " + join(given))
          .expected("`" + input.name + "` (" + input.unit +
                    ") under inputs.soil or in the climate recipe");
    }
    used.insert(input.name);
    const StaticConfig& config = found->second;
    const std::string path = expand({config.file}, key + ".file").front();
    const FixedLayer fixed = fixed_layer(path, config, key);
    StaticSource source;
    source.input = input.name;
    source.layer = fixed.layer;
    source.operation = fixed.operation;
    source.packing = config.packing;
    source.resample = config.resample;
    const std::string unit = config.unit.empty() ? fixed.unit : config.unit;
    if (unit.empty()) {
      throw fail("nothing says in which unit `" + input.name + "` is", key)
          .file(path)
          .expected("a unit in the file, or `unit:` here")
          .hint("the model wants " + input.unit);
    }
    try {
      source.conversion = convert_unit(parse_unit(unit), parse_unit(input.unit));
    } catch (Error& error) {
      throw config_.lines.locate(error, key).file(path);
    }
    plan_.sources.statics.push_back(source);
  }
  for (const auto& [name, config] : config_.soil) {
    if (used.count(name) == 0)
      plan_.warnings.push_back("inputs.soil." + name +
                               " is not an input of the models and is not read");
  }
}

void SourceResolver::resolve_crop_files() {
  const CropConfig& config = config_.crop;
  CropSource& crop = plan_.sources.crop;
  crop.packing = config.packing;
  crop.codes.assign(config.codes.begin(), config.codes.end());
  crop.mode = static_cast<CropSource::Mode>(static_cast<int>(config.mode));
  crop.min_share =
      config.mode == CropConfig::Mode::majority || config.min_share_given ? config.min_share : 0.0;
  const char* key = config.time_pattern.empty() ? "inputs.crop.file" : "inputs.crop.files";
  const auto files = expand(config.files, key);
  if (config.time_pattern.empty() && files.size() > 1) {
    throw fail("several crop maps but nothing that says of which year they are",
               "inputs.crop.files")
        .found(std::to_string(files.size()) + " files")
        .hint("add `time: {pattern: \"crop_%Y\"}`");
  }
  for (const auto& path : files) {
    int year = 0;
    if (!config.time_pattern.empty()) {
      const auto date = date_from_name(path, config.time_pattern);
      if (!date) {
        throw fail("the file fits inputs.crop.files but not the date pattern",
                   "inputs.crop.time.pattern")
            .file(path)
            .expected(config.time_pattern);
      }
      year = date->year;
    }
    const FixedLayer fixed = fixed_layer(path, config, key);
    if (!crop_by_year_.emplace(year, CropYear{year, fixed.layer, false, fixed.operation}).second) {
      throw fail("two crop maps for " + std::to_string(year), "inputs.crop.files").file(path);
    }
  }
  for (const auto& [code, type] : crop.codes) {
    const PackageInput& input = package_.input("Crop_Type");
    if ((input.min && type < *input.min) || (input.max && type > *input.max)) {
      throw fail("the models do not know this crop", "inputs.crop.map")
          .found("Crop_Type " + std::to_string(type))
          .expected("between " + std::to_string(*input.min) + " and " + std::to_string(*input.max));
    }
  }
}

const CropYear* SourceResolver::crop_map_of(int year) const {
  auto found = crop_by_year_.find(crop_by_year_.count(0) > 0 ? 0 : year);
  if (found == crop_by_year_.end() && config_.crop.missing_year == CropConfig::Missing::previous) {
    found = crop_by_year_.lower_bound(year);
    found = found == crop_by_year_.begin() ? crop_by_year_.end() : std::prev(found);
  } else if (config_.crop.missing_year == CropConfig::Missing::rotation) {
    for (int back = year - 2; found == crop_by_year_.end() && back >= crop_by_year_.begin()->first;
         back -= 2) {
      found = crop_by_year_.find(back);
    }
  }
  return found == crop_by_year_.end() ? nullptr : &found->second;
}

void SourceResolver::resolve_crop_years() {
  std::set<int> years;
  for (const auto& step : plan_.steps) years.insert(step.year);
  for (const int year : years) {
    const CropYear* map = crop_map_of(year);
    if (map == nullptr) {
      const bool rotation = config_.crop.missing_year == CropConfig::Missing::rotation;
      throw fail("there is no crop map for " + std::to_string(year), "inputs.crop.files")
          .found("years " + std::to_string(crop_by_year_.begin()->first) + " to " +
                 std::to_string(crop_by_year_.rbegin()->first))
          .hint(rotation
                    ? "`rotation` looks two, four, ... years before; add a map of such a year, "
                      "or set inputs.crop.missing_year to previous"
                    : "add the map, or set inputs.crop.missing_year to previous or rotation");
    }
    CropYear crop = *map;
    crop.year = year;
    crop.substituted = map->year != 0 && map->year != year;
    if (crop.substituted) {
      plan_.warnings.push_back("no crop map for " + std::to_string(year) + ": that of " +
                               std::to_string(map->year) + " stands in (flagged)");
    }
    plan_.sources.crop.years.push_back(crop);
  }
}

// ---- the years

bool SourceResolver::complete_year(int year) const {
  const int64_t first = to_days({year, 1, 1}), end = to_days({year + 1, 1, 1});
  if (!missing_climate(first, end, nullptr).empty()) return false;
  if (crop_map_of(year) == nullptr) return false;
  int64_t covered = first;
  for (const auto& composite : plan_.sources.gpp.composites) {
    if (composite.end <= first || composite.first >= end) continue;
    if (composite.first - covered > plan_.sources.gpp.max_gap) return false;
    covered = std::max(covered, composite.end);
  }
  return covered > first && end - covered <= plan_.sources.gpp.max_gap;
}

std::vector<int> SourceResolver::complete_years() const {
  std::vector<int> years;
  const int last = from_days(climate_end_ - 1).year;
  for (int year = from_days(climate_first_).year; year <= last; ++year) {
    if (complete_year(year)) years.push_back(year);
  }
  return years;
}

void SourceResolver::resolve_steps() {
  plan_.start = config_.start;
  plan_.end = config_.end_latest ? from_days(climate_end_ - 1) : config_.end;
  if (plan_.end < plan_.start) {
    throw fail("the period ends before it starts", "period.end")
        .found(to_text(plan_.end))
        .expected("not before " + to_text(plan_.start));
  }
  const int64_t first = to_days({plan_.start.year, 1, 1}), end = to_days(plan_.end) + 1;
  std::set<int64_t> bridged;
  const auto missing = missing_climate(first, end, &bridged);
  if (!missing.empty()) {
    const auto lacks_first = [&](const ClimateSourceVariable& variable) {
      return std::none_of(variable.runs.begin(), variable.runs.end(), [&](const ClimateRun& run) {
        return run.first <= missing.front() && missing.front() < run.first + run.count;
      });
    };
    std::vector<std::string> names;
    for (const auto& variable : plan_.sources.climate.variables) {
      if (lacks_first(variable)) names.push_back(variable.name);
    }
    throw fail("climate does not cover the period", "inputs.climate.files")
        .found(std::to_string(missing.size()) + " days missing, the first " +
               day_text(missing.front()) + " of " + join(names))
        .expected("every day from " + day_text(first) + " to " + day_text(end - 1) +
                  " (a period that starts later in a year reads inputs from its 1 January)")
        .hint(
            "set `period.end: latest`, add the files, or allow short gaps with "
            "inputs.climate.max_gap");
  }
  const auto& composites = plan_.sources.gpp.composites;
  const bool any = std::any_of(composites.begin(), composites.end(),
                               [&](const auto& c) { return c.end > first && c.first < end; });
  if (!any) {
    throw fail("no GPP composite lies in the period", "inputs.gpp.files")
        .found(plan_.coverage.front().first + " to " + plan_.coverage.front().last)
        .expected(day_text(first) + " to " + day_text(end - 1));
  }
  if (composites.back().end < end) {
    plan_.warnings.push_back("GPP ends on " + day_text(composites.back().end - 1) + ": " +
                             std::to_string(end - composites.back().end) +
                             " days are held and flagged provisional");
  }

  // Spin-up: the years just before, else the record's earliest complete years in order.
  std::vector<int> complete;
  if (config_.spinup > 0) complete = complete_years();
  if (config_.spinup > 0 && complete.empty()) {
    throw fail("spin-up needs at least one calendar year that all inputs cover", "period.spinup")
        .found("none between " + std::to_string(from_days(climate_first_).year) + " and " +
               std::to_string(from_days(climate_end_ - 1).year))
        .hint("set `spinup: 0`, or add inputs for a whole year");
  }
  size_t substitute = 0;
  for (int k = config_.spinup; k > 0; --k) {
    int year = plan_.start.year - k;
    if (std::find(complete.begin(), complete.end(), year) == complete.end()) {
      year = complete[substitute++ % complete.size()];
    }
    plan_.steps.push_back({year, true, days_in_year(year), true});
    missing_climate(to_days({year, 1, 1}), to_days({year + 1, 1, 1}), &bridged);
  }
  for (int year = plan_.start.year; year <= plan_.end.year; ++year) {
    const int days = year == plan_.end.year ? day_of_year(plan_.end) + 1 : days_in_year(year);
    plan_.steps.push_back({year, false, days, days == days_in_year(year)});
  }
  plan_.sources.climate.bridged_days.assign(bridged.begin(), bridged.end());
  if (!bridged.empty()) {
    plan_.warnings.push_back(std::to_string(bridged.size()) +
                             " climate days that no file has are interpolated from their "
                             "neighbours, the first " +
                             day_text(*bridged.begin()));
  }
}

void SourceResolver::stamp_steps() {
  std::map<std::string, PlanFile> by_path;
  for (const auto& file : plan_.files) by_path[file.path] = file;
  const auto add = [&](Digest& digest, const std::string& path) {
    const auto found = by_path.find(path);
    digest.add_text(path);
    if (found != by_path.end())
      digest.add_value(found->second.size).add_value(found->second.mtime_ns);
  };
  std::string stamp;
  {
    Digest digest;
    add(digest, config_.region.path);
    for (const auto& source : plan_.sources.statics) add(digest, source.layer.path);
    for (const auto& crop : plan_.sources.crop.years) add(digest, crop.layer.path);
    stamp = digest.hex();
  }
  const int64_t margin = plan_.sources.gpp.max_gap + 32;
  // Climate of the years beside matters only where a day at the year's edge is formed from it: else
  // each night's new days would make the year before look changed.
  const auto& bridged = plan_.sources.climate.bridged_days;
  const int64_t reach = plan_.sources.climate.max_gap + 1;
  const auto any_bridged = [&](int64_t from, int64_t to) {
    const auto day = std::lower_bound(bridged.begin(), bridged.end(), from);
    return day != bridged.end() && *day < to;
  };
  const int64_t record_end = plan_.sources.gpp.composites.back().end;
  for (const auto& step : plan_.steps) {
    const int64_t first = to_days({step.year, 1, 1}), end = first + days_in_year(step.year);
    Digest digest;
    digest.add_text(stamp).add_value(step.year).add_value(step.days);
    for (const auto& composite : plan_.sources.gpp.composites) {
      if (composite.end > std::min(first, record_end) - margin && composite.first < end + margin)
        add(digest, composite.layer.path);
    }
    const int64_t from = any_bridged(first, first + reach) ? first - reach : first;
    const int64_t to = any_bridged(end - reach, end) ? end + reach : end;
    for (const auto& variable : plan_.sources.climate.variables) {
      for (const auto& run : variable.runs) {
        if (run.first + run.count > from && run.first < to) add(digest, run.path);
      }
    }
    stamp = digest.hex();
    plan_.step_stamps.push_back(stamp);
  }
}

void SourceResolver::note_synthetic() {
  plan_.synthetic_inputs = !synthetic_.empty() && std::all_of(synthetic_.begin(), synthetic_.end(),
                                                              [](bool made_up) { return made_up; });
}

void SourceResolver::resolve_layers() {
  add_file(config_.region.path);
  resolve_gpp();
  resolve_climate();
  resolve_statics();
  resolve_crop_files();
}

void SourceResolver::finish() {
  resolve_crop_years();
  plan_.coverage.push_back(
      {"soil", "", "", "", static_cast<int64_t>(plan_.sources.statics.size()), 0});
  const auto& crops = plan_.sources.crop.years;
  plan_.coverage.push_back({"crop", std::to_string(crops.front().year),
                            std::to_string(crops.back().year), "",
                            static_cast<int64_t>(crop_by_year_.size()), 0});
  stamp_steps();
  note_synthetic();
}

void SourceResolver::resolve() {
  resolve_layers();
  resolve_steps();
  finish();
}

void SourceResolver::resolve_record(int first, int last) {
  resolve_layers();
  // The longest row of consecutive years; the earlier of equal ones.
  std::vector<int> longest, row;
  for (const int year : complete_years()) {
    if (first != 0 && (year < first || year > last)) continue;
    if (!row.empty() && year != row.back() + 1) row.clear();
    row.push_back(year);
    if (row.size() > longest.size()) longest = row;
  }
  if (longest.empty()) {
    throw fail("there is no calendar year that all inputs cover", "inputs")
        .found("climate from " + day_text(climate_first_) + " to " + day_text(climate_end_ - 1) +
               ", GPP from " + plan_.coverage.front().first + " to " + plan_.coverage.front().last)
        .expected(first == 0 ? "at least one year with climate, GPP and a crop map"
                             : "such a year from " + std::to_string(first) + " to " +
                                   std::to_string(last));
  }
  plan_.start = {longest.front(), 1, 1};
  plan_.end = {longest.back(), 12, 31};
  std::set<int64_t> bridged;
  for (const int year : longest) {
    plan_.steps.push_back({year, false, days_in_year(year), true});
    missing_climate(to_days({year, 1, 1}), to_days({year + 1, 1, 1}), &bridged);
  }
  plan_.sources.climate.bridged_days.assign(bridged.begin(), bridged.end());
  finish();
}

}  // namespace fluxtile
