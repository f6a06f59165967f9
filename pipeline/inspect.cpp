// SPDX-License-Identifier: Apache-2.0
// The verb `inspect`: what fluxtile sees in a file.
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/safe_text.h"
#include "geo/vector_info.h"
#include "pipeline/inspect_report.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace {

/// NetCDF classic ("CDF" and a version) or HDF5 by the first bytes, whatever the name says.
bool is_netcdf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 8> head{};
  in.read(head.data(), head.size());
  const std::string start(head.data(), static_cast<size_t>(in.gcount()));
  return (start.size() >= 4 && start.compare(0, 3, "CDF") == 0 &&
          (start[3] == 1 || start[3] == 2 || start[3] == 5)) ||
         start == std::string("\x89HDF\r\n\x1a\n", 8);
}

Report inspect_directory(const std::string& path) {
  if (std::filesystem::exists(std::filesystem::path(path) / "model.yaml"))
    return report_package(path);
  try {
    return report_vector(path);  // a folder of shapefiles, a file geodatabase
  } catch (const Error&) {
    throw Error(Code::data, "this directory is neither a model package nor a vector source")
        .file(path)
        .expected("a directory with model.yaml, or the path of a file")
        .hint("name the files in it, for example " + path + "/*");
  }
}

Report inspect_path(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return inspect_directory(path);
  if (is_netcdf(path)) return is_site_years(path) ? report_site_years(path) : report_netcdf(path);
  if (is_tower_file(path)) return report_tower(path);
  if (std::filesystem::exists(path, ignored)) {
    const std::vector<std::string> members = archive_members(path);
    if (!members.empty()) return report_archive(path, members);
  }
  try {
    return report_raster(path);
  } catch (const Error& as_raster) {
    try {
      return report_vector(path);
    } catch (const Error& as_vector) {
      if (!std::filesystem::exists(path, ignored) && path.rfind("/vsi", 0) != 0 &&
          path.find(':') == std::string::npos)
        throw Error(Code::data, "no such file").file(path);
      throw Error(Code::data, "fluxtile cannot read this file")
          .file(path)
          .found("as a raster: " + as_raster.message() + "; as a vector: " + as_vector.message())
          .expected("a raster, a NetCDF file, a vector, a model package or a tower's file");
    }
  }
}

}  // namespace

int inspect_verb(const std::vector<std::string>& paths, bool json, std::ostream& out) {
  if (paths.empty())
    throw Error(Code::usage, "inspect needs at least one path")
        .hint("fluxtile inspect data/gpp/gpp_2018001.tif");
  Report all = Report::array();
  for (size_t i = 0; i < paths.size(); ++i) {
    Report report = inspect_path(paths[i]);
    if (json) {
      all.push_back(std::move(report));
      continue;
    }
    if (i > 0) out << '\n';
    std::ostringstream text;
    write_text(report, text);
    out << visible_text(text.str());  // what files say goes to a terminal
  }
  if (json)
    out << Report{{"fluxtile-inspect", 1}, {"paths", std::move(all)}}.dump(
               2, ' ', false, Report::error_handler_t::replace)
        << '\n';
  return 0;
}

}  // namespace fluxtile
