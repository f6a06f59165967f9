// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/package.h"
#include "pipeline/config.h"
#include "pipeline/plan.h"
#include "stages/layer_reader.h"

namespace fluxtile {

/// Finds out what the inputs of a configuration are, from headers alone, and turns them into
/// Sources. Every method throws Error(data) with the config key, its line and the file.
class SourceResolver {
 public:
  /// `package`: whose inputs have to be fed; all packages of a run name the same inputs in the same
  /// units.
  SourceResolver(const Config& config, const Package& package, Plan& plan);

  /// Fills plan.sources, steps, step_stamps, files, coverage, start, end and warnings.
  void resolve();
  /// The same for the years from `first` to `last` in place of the configured period, without
  /// spin-up; of those (0, 0: of all) the longest row of calendar years that every input covers.
  void resolve_record(int first, int last);

 private:
  struct DayCover;  // days since 1970 that a set of runs covers

  void resolve_gpp();
  void resolve_gpp_raster(const std::string& path, std::vector<CompositeRef>& found);
  void resolve_gpp_netcdf(const std::string& path, std::vector<CompositeRef>& found);
  void drop_duplicates(std::vector<CompositeRef>& found) const;
  void gpp_conversion(const std::string& file_unit, const std::string& path);
  void resolve_climate();
  void resolve_climate_variable(const std::string& name, ClimateSourceVariable& out,
                                std::string& unit);
  void resolve_terms(const std::vector<std::string>& units);
  /// One layer that does not change with time (soil, crops) as its input's options name it.
  struct FixedLayer {
    LayerRef layer;
    std::string unit;  // the file's
    size_t operation = 0;
  };
  FixedLayer fixed_layer(const std::string& path, const RasterOptions& options,
                         const std::string& key);
  void resolve_statics();
  void resolve_crop_files();
  void resolve_crop_years();
  void resolve_steps();
  void resolve_layers();
  void finish();
  void stamp_steps();
  void note_synthetic();

  /// Calendar years of the climate record that every input covers, ascending.
  [[nodiscard]] std::vector<int> complete_years() const;
  /// Whether every input covers a whole calendar year.
  [[nodiscard]] bool complete_year(int year) const;
  /// Days of [first, end) that no climate file has and no rule forgives, ascending; forgiven ones
  /// go to `bridged`.
  std::vector<int64_t> missing_climate(int64_t first, int64_t end,
                                       std::set<int64_t>* bridged) const;
  /// The year whose crop map a year uses, after missing_year; nullptr: none, and no rule helps.
  [[nodiscard]] const CropYear* crop_map_of(int year) const;
  size_t operation_to(const Crs& crs, const std::string& path, const std::string& key);
  [[nodiscard]] std::vector<std::string> expand(const std::vector<std::string>& globs,
                                                const std::string& key) const;
  void add_file(const std::string& path);
  [[nodiscard]] Error fail(const std::string& message, const std::string& key) const;

  const Config& config_;
  const Package& package_;
  Plan& plan_;
  Crs grid_crs_;
  double cell_m_ = 0;
  LayerReader reader_;
  std::set<std::string> known_files_;
  std::vector<std::string> operation_keys_;      // WKT of each operation's target
  std::map<int, CropYear> crop_by_year_;         // the maps there are; year 0: one for all
  int64_t climate_first_ = 0, climate_end_ = 0;  // days that all variables reach
  std::set<int64_t> noleap_gaps_;                // 29 February of files on a noleap calendar
  std::vector<bool> synthetic_;                  // of every input met
};

/// Files that a list of paths and glob patterns names, sorted and unique. Throws nothing; empty if
/// none.
std::vector<std::string> expand_globs(const std::vector<std::string>& patterns);

}  // namespace fluxtile
