// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside pipeline/ alone: what `inspect` finds out, as one JSON object a path. The text for people
// is written from the same object, so both always say the same.

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "geo/calendar.h"
#include "geo/resample.h"
#include "geo/time_axis.h"

namespace fluxtile {

using Report = nlohmann::ordered_json;

Report report_netcdf(const std::string& path);
Report report_raster(const std::string& path);
Report report_vector(const std::string& path);
Report report_package(const std::string& directory);
/// Whether a file is a tower's by its first line: a time stamp and FLUXNET's names of NEE.
bool is_tower_file(const std::string& path);
Report report_tower(const std::string& path);
/// Whether a NetCDF file says that it is a table of site-years.
bool is_site_years(const std::string& path);
Report report_site_years(const std::string& path);
/// An archive: its members, and the first one that is a raster or a vector in full.
Report report_archive(const std::string& path, const std::vector<std::string>& members);

/// Size, cell size, extent, direction of y, CRS of a grid; `crs_source` as found by the reader.
Report report_grid(const SourceGrid& grid, const std::string& crs_source);
/// First, last, count, step, calendar and missing days of a time axis.
Report report_time(const std::vector<CfTime>& times, Calendar calendar, const std::string& units);
/// How fluxtile reads a unit: null when it does, a sentence when it does not.
std::optional<std::string> unit_trouble(const std::string& unit);

/// Lines of a run configuration for what was found; empty when nothing can be said.
std::string suggest_climate(const std::string& path, const Report& report);
std::string suggest_raster(const std::string& path, const Report& report);
std::string suggest_region(const std::string& path, const Report& report);
std::string suggest_models(const std::string& directory, const Report& report);
/// A pattern for `time: {pattern: ...}` and the date it reads in this name; empty if there is none.
std::pair<std::string, std::optional<Date>> suggest_pattern(const std::string& path);

void write_text(const Report& report, std::ostream& out);

}  // namespace fluxtile
