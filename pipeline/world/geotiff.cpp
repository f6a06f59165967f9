// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/geotiff.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <memory>

#include "base/atomic_file.h"
#include "base/error.h"

namespace fluxtile::world {
namespace {

struct CloseDataset {
  void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};

// Silences GDAL for a scope; what it had to say goes into our error.
class QuietGdal {
 public:
  QuietGdal() {
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler);
  }
  ~QuietGdal() { CPLPopErrorHandler(); }
  QuietGdal(const QuietGdal&) = delete;
  QuietGdal& operator=(const QuietGdal&) = delete;
};

Error gdal_error(Code code, const std::string& what, const std::string& path) {
  return Error(code, what).file(path).found(CPLGetLastErrorMsg());
}

void write(const std::string& path, const Placement& placement, GDALDataType type,
           const char* predictor, const void* values, const GeoTiffOptions& options) {
  GDALAllRegister();
  const QuietGdal quiet;
  AtomicFile file(path);
  CPLStringList creation;
  creation.SetNameValue("TILED", "YES");
  creation.SetNameValue("COMPRESS", "DEFLATE");
  creation.SetNameValue("PREDICTOR", predictor);
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  std::unique_ptr<GDALDataset, CloseDataset> dataset(driver->Create(
      file.temporary_path().c_str(), placement.width, placement.height, 1, type, creation.List()));
  if (!dataset) throw gdal_error(Code::cannot_create, "cannot create the GeoTIFF", path);

  OGRSpatialReference crs;
  if (crs.SetFromUserInput(placement.crs.c_str()) != OGRERR_NONE)
    throw gdal_error(Code::internal, "GDAL does not know the CRS " + placement.crs, path);
  crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  double transform[6] = {placement.x0, placement.cell, 0, placement.y0, 0, -placement.cell};
  dataset->SetSpatialRef(&crs);
  dataset->SetGeoTransform(transform);
  dataset->SetMetadataItem("FLUXTILE_SYNTHETIC", "YES");
  for (const auto& [key, value] : options.tags)
    dataset->SetMetadataItem(key.c_str(), value.c_str());

  GDALRasterBand* band = dataset->GetRasterBand(1);
  if (options.nodata) band->SetNoDataValue(*options.nodata);
  if (options.scale) {
    band->SetScale(*options.scale);
    band->SetOffset(0);
  }
  if (!options.unit.empty()) band->SetUnitType(options.unit.c_str());
  if (!options.colours.empty()) {
    GDALColorTable table;
    const GDALColorEntry black = {0, 0, 0, 255};
    for (int code = 0; code < 256; ++code) table.SetColorEntry(code, &black);
    for (const auto& [code, rgb] : options.colours) {
      const GDALColorEntry entry = {rgb[0], rgb[1], rgb[2], 255};
      table.SetColorEntry(code, &entry);
    }
    band->SetColorTable(&table);
  }
  // GDAL's interface takes a mutable pointer for both directions; writing does not change it.
  const CPLErr failed =
      band->RasterIO(GF_Write, 0, 0, placement.width, placement.height, const_cast<void*>(values),
                     placement.width, placement.height, type, 0, 0, nullptr);
  if (failed != CE_None) throw gdal_error(Code::io, "cannot write the GeoTIFF", path);
  CPLErrorReset();
  dataset.reset();
  if (CPLGetLastErrorType() >= CE_Failure)
    throw gdal_error(Code::io, "cannot finish the GeoTIFF", path);
  file.commit();
}

}  // namespace

void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<int16_t>& values, const GeoTiffOptions& options) {
  write(path, placement, GDT_Int16, "2", values.data(), options);
}
void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<float>& values, const GeoTiffOptions& options) {
  write(path, placement, GDT_Float32, "3", values.data(), options);
}
void write_geotiff(const std::string& path, const Placement& placement,
                   const std::vector<uint8_t>& values, const GeoTiffOptions& options) {
  write(path, placement, GDT_Byte, "1", values.data(), options);
}

}  // namespace fluxtile::world
