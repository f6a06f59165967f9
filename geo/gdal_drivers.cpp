// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_drivers.h"

#include <cpl_conv.h>
#include <cpl_http.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <cpl_vsi_virtual.h>
#include <gdal_priv.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

namespace fluxtile {
namespace {

std::atomic<bool> remote{false};

/// Formats that are files, whose drivers read nothing else and write nothing beside them. GML is
/// not among them: it fetches schemas and writes a .gfs file beside what it reads.
constexpr const char* local_formats[] = {
    "VRT",        "GTiff",       "COG",          "MEM",     "PNG",        "HDF4",
    "HDF4Image",  "HFA",         "ENVI",         "EHdr",    "AAIGrid",    "JP2OpenJPEG",
    "GRIB",       "GPKG",        "Memory",       "GeoJSON", "GeoJSONSeq", "TopoJSON",
    "FlatGeobuf", "OpenFileGDB", "MapInfo File", "KML",     "CSV",        "ESRI Shapefile"};

/// Their locks are not shared with fluxtile's own NetCDF reader, or they stand on one that is not.
constexpr const char* own_readers[] = {"netCDF", "HDF5", "HDF5Image", "BAG", "KEA", "S102"};

/// What GDAL may open by a /vsi path: memory and archives of local files.
constexpr const char* local_systems[] = {"/vsimem/", "/vsizip/", "/vsitar/", "/vsigzip/",
                                         "/vsisubfile/"};

template <typename List>
bool listed(const List& list, const std::string& name) {
  return std::any_of(std::begin(list), std::end(list),
                     [&](const char* entry) { return name == entry; });
}

constexpr const char* refusal =
    "nothing is read over the network or from a pipe unless run.allow_remote: true";

CPLHTTPResult* refuse_request(const char*, CSLConstList, GDALProgressFunc, void*,
                              CPLHTTPFetchWriteFunc, void*, void*) {
  auto* result = static_cast<CPLHTTPResult*>(CPLCalloc(1, sizeof(CPLHTTPResult)));
  result->nStatus = 1;
  result->pszErrBuf = CPLStrdup(refusal);
  CPLError(CE_Failure, CPLE_NotSupported, "%s", refusal);
  return result;
}

void* refuse_open(void*, const char* name, const char*) {
  CPLError(CE_Failure, CPLE_NotSupported, "%s: %s", name, refusal);
  return nullptr;
}

/// GDAL 3.6 keeps bare pointers to the names of systems that it is given, and forgets a handler
/// when another one takes its place: both stay here as long as the program.
struct ClosedSystems {
  char** prefixes = VSIGetFileSystemsPrefixes();
  std::vector<VSIFilesystemHandler*> replaced;
};

void close_systems() {
  static auto* const closed = new ClosedSystems;
  auto* callbacks = VSIAllocFilesystemPluginCallbacksStruct();
  callbacks->open = refuse_open;
  for (char** at = closed->prefixes; at != nullptr && *at != nullptr; ++at) {
    if (listed(local_systems, *at)) continue;
    closed->replaced.push_back(VSIFileManager::GetHandler(*at));
    VSIInstallPluginHandler(*at, callbacks);
  }
  VSIFreeFilesystemPluginCallbacksStruct(callbacks);
}

void keep_only_local_formats() {
  GDALDriverManager& manager = *GetGDALDriverManager();
  for (int i = manager.GetDriverCount(); i-- > 0;) {
    GDALDriver* driver = manager.GetDriver(i);
    if (listed(local_formats, driver->GetDescription())) continue;
    manager.DeregisterDriver(driver);
    GDALDestroyDriver(driver);
  }
}

}  // namespace

bool remote_is_allowed() noexcept { return remote; }

void register_drivers(bool allow_remote) {
  remote = allow_remote;
  CPLSetConfigOption("PROJ_NETWORK", "OFF");
  if (!allow_remote) {
    // Options set here count more than the environment.
    CPLSetConfigOption("GDAL_DRIVER_PATH", "disable");
    CPLSetConfigOption("GDAL_VRT_ENABLE_PYTHON", "NO");
    CPLSetConfigOption("OGR_SQLITE_LOAD_EXTENSIONS", "");
    CPLSetConfigOption("OGR_SQLITE_ALLOW_EXTERNAL_ACCESS", "NO");
    CPLSetConfigOption("ALLOW_OGR_SQL_FUNCTIONS_FROM_TRIGGER_AND_VIEW", "NO");
    CPLSetConfigOption("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", ".fluxtile-allows-no-remote-file");
    setenv("SPATIALITE_SECURITY", "strict", 1);  // a database of ours runs no file functions
    setenv("NCRCENV_IGNORE", "1", 1);            // no .ncrc of the current folder
    setenv("HDF5_PLUGIN_PRELOAD", "::", 1);      // no shared object because a file asks for it
  }
  GDALAllRegister();
  for (const char* name : own_readers) {
    GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(name);
    if (driver == nullptr) continue;
    GetGDALDriverManager()->DeregisterDriver(driver);
    GDALDestroyDriver(driver);
  }
  if (allow_remote) {
    CPLHTTPSetFetchCallback(nullptr, nullptr);
    return;
  }
  keep_only_local_formats();
  CPLHTTPSetFetchCallback(refuse_request, nullptr);
  static const bool closed = (close_systems(), true);
  static_cast<void>(closed);
}

}  // namespace fluxtile
