// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/tower_files.h"

#include <algorithm>
#include <set>

#include "base/nearest_name.h"
#include "pipeline/plan_sources.h"
#include "pipeline/training/tower_inputs.h"

namespace fluxtile {
namespace {

std::string join(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

/// Files of a site: its own one, or those that fluxes.files names for it.
std::vector<std::string> files_of(const TowersConfig& config, const TowerSite& site) {
  std::vector<std::string> patterns = {site.fluxes};
  if (site.fluxes.empty()) {
    patterns.clear();
    for (const auto& file : config.fluxes.files) patterns.push_back(path_of_site(file, site.name));
  }
  const auto files = expand_globs(patterns);
  if (!files.empty()) return files;
  throw config.lines
      .locate(Error(Code::data, "no file with fluxes of site " + site.name),
              site.fluxes.empty() ? "fluxes.files" : site.key + ".fluxes")
      .found(patterns.front())
      .hint("relative paths are relative to " + config.folder);
}

TowerFluxes fluxnet_of(const TowersConfig& config, const TowerSite& site) {
  const auto files = files_of(config, site);
  if (!site.fluxes.empty()) {
    const std::string tower = fluxnet_site(files.front());
    if (!tower.empty() && tower != site.name)
      throw config.lines
          .locate(Error(Code::data, "the file is of another tower"), site.key + ".fluxes")
          .file(files.front())
          .found(tower)
          .expected(site.name);
    return read_fluxnet(files.front(), config.fluxes.options);
  }
  std::vector<std::string> own;
  std::set<std::string> towers;
  for (const auto& file : files) {
    const std::string tower = fluxnet_site(file);
    if (tower == site.name) own.push_back(file);
    if (!tower.empty()) towers.insert(tower);
  }
  if (own.size() == 1) return read_fluxnet(own.front(), config.fluxes.options);
  if (own.empty())
    throw config.lines
        .locate(Error(Code::data, "no file has the name of site " + site.name), "fluxes.files")
        .found("towers " + join(towers))
        .expected("FLX_" + site.name + "_FLUXNET2015_..._DD_... or _MM_")
        .hint(suggestion(site.name, nearest_names(site.name, {towers.begin(), towers.end()})));
  throw config.lines.locate(Error(Code::data, "two files of site " + site.name), "fluxes.files")
      .found(own[0] + " and " + own[1])
      .expected("one file a site")
      .hint("narrow the pattern, for example *_DD_*.csv");
}

/// Plain CSV files, each read once.
class PlainFiles {
 public:
  explicit PlainFiles(const TowersConfig& config) : config_(config) {}

  TowerFluxes of(const TowerSite& site) {
    const std::string& column = config_.fluxes.columns.site;
    TowerFluxes all;
    std::set<std::string> others;
    for (const auto& path : files_of(config_, site)) {
      const auto& towers = read(path);
      for (const auto& [name, fluxes] : towers) others.insert(name);
      if (column.empty()) claim(path, site);
      const auto found = towers.find(column.empty() ? "" : site.name);
      if (found == towers.end()) continue;
      add(all, found->second, site);
    }
    if (!all.values.empty()) return all;
    if (column.empty())
      throw config_.lines.locate(Error(Code::data, "the file of site " + site.name + " is empty"),
                                 "fluxes.files");
    throw config_.lines
        .locate(Error(Code::data, "no row is of site " + site.name), "fluxes.columns.site")
        .found("in column `" + column + "`: " + join(others))
        .expected(site.name)
        .hint(suggestion(site.name, nearest_names(site.name, {others.begin(), others.end()})));
  }

 private:
  const std::map<std::string, TowerFluxes>& read(const std::string& path) {
    const auto known = files_.find(path);
    if (known != files_.end()) return known->second;
    try {
      return files_[path] = read_plain_fluxes(path, config_.fluxes.columns);
    } catch (Error& error) {
      throw config_.lines.locate(error, "fluxes.columns");
    }
  }

  /// A file without a column of sites is one tower's.
  void claim(const std::string& path, const TowerSite& site) {
    const auto [owner, fresh] = owners_.emplace(path, site.name);
    if (!fresh && owner->second != site.name)
      throw config_.lines
          .locate(Error(Code::data, "one file for two sites, and no column tells them apart"),
                  "fluxes.columns")
          .file(path)
          .found("sites " + owner->second + " and " + site.name)
          .expected(
              "`site: COLUMN`, a file a site (`{site}` in fluxes.files), or `fluxes:` at each "
              "site");
  }

  void add(TowerFluxes& all, const TowerFluxes& more, const TowerSite& site) const {
    if (all.values.empty()) {
      all = more;
      return;
    }
    const bool twice = std::any_of(more.values.begin(), more.values.end(),
                                   [&](const auto& v) { return all.values.count(v.first) > 0; });
    if (twice || more.monthly != all.monthly)
      throw config_.lines
          .locate(Error(Code::data, twice ? "two files of site " + site.name + " share dates"
                                          : "days and months for site " + site.name),
                  "fluxes.files")
          .file(more.file)
          .found(all.file + " as well");
    all.values.insert(more.values.begin(), more.values.end());
    all.below_quality += more.below_quality;
    all.warnings.insert(all.warnings.end(), more.warnings.begin(), more.warnings.end());
  }

  const TowersConfig& config_;
  std::map<std::string, std::map<std::string, TowerFluxes>> files_;
  std::map<std::string, std::string> owners_;
};

}  // namespace

std::vector<TowerFluxes> read_site_fluxes(const TowersConfig& config) {
  std::vector<TowerFluxes> fluxes;
  PlainFiles plain(config);
  for (const TowerSite& site : config.sites)
    fluxes.push_back(config.fluxes.fluxnet ? fluxnet_of(config, site) : plain.of(site));
  return fluxes;
}

}  // namespace fluxtile
