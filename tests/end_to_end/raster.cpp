// SPDX-License-Identifier: Apache-2.0
#include "raster.h"

#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <cmath>
#include <limits>
#include <memory>
#include <netcdf>
#include <stdexcept>

namespace fluxtile::end_to_end {

std::string Raster::tag(const std::string& name) const {
  for (const auto& [key, value] : tags) {
    if (key == name) return value;
  }
  return {};
}

Raster read_raster(const std::string& name) {
  GDALAllRegister();
  const std::unique_ptr<GDALDataset> dataset(GDALDataset::Open(name.c_str(), GDAL_OF_RASTER));
  if (!dataset) throw std::runtime_error("GDAL does not open " + name);
  Raster raster;
  raster.columns = dataset->GetRasterXSize();
  raster.rows = dataset->GetRasterYSize();
  dataset->GetGeoTransform(raster.transform.data());
  raster.wkt = dataset->GetProjectionRef();
  char** tags = dataset->GetMetadata();
  for (int k = 0; k < CSLCount(tags); ++k) {
    const std::string text = tags[k];
    raster.tags.emplace_back(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
  }
  for (int b = 1; b <= dataset->GetRasterCount(); ++b) {
    GDALRasterBand* band = dataset->GetRasterBand(b);
    raster.descriptions.emplace_back(band->GetDescription());
    raster.units.emplace_back(band->GetUnitType());
    int has = 0;
    raster.nodata.push_back(band->GetNoDataValue(&has));
    if (has == 0) throw std::runtime_error(name + " declares no nodata value");
    raster.overviews.push_back(band->GetOverviewCount());
    raster.statistics.push_back(band->GetMetadataItem("STATISTICS_MEAN") != nullptr);
    std::vector<double> values(static_cast<size_t>(raster.columns) *
                               static_cast<size_t>(raster.rows));
    if (band->RasterIO(GF_Read, 0, 0, raster.columns, raster.rows, values.data(), raster.columns,
                       raster.rows, GDT_Float64, 0, 0, nullptr) != CE_None) {
      throw std::runtime_error("GDAL does not read " + name);
    }
    for (double& value : values) {
      if (value == raster.nodata.back()) value = std::numeric_limits<double>::quiet_NaN();
    }
    raster.bands.push_back(std::move(values));
  }
  return raster;
}

bool same_crs(const std::string& wkt, const std::string& other) {
  OGRSpatialReference a, b;
  a.importFromWkt(wkt.c_str());
  b.importFromWkt(other.c_str());
  const char* options[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES", nullptr};
  return a.IsSame(&b, options) != 0;
}

std::vector<double> netcdf_numbers(const std::filesystem::path& file, const std::string& variable) {
  const netCDF::NcFile dataset(file.string(), netCDF::NcFile::read);
  const netCDF::NcVar values = dataset.getVar(variable);
  if (values.isNull()) throw std::runtime_error(file.string() + " has no " + variable);
  size_t count = 1;
  for (const auto& dimension : values.getDims()) count *= dimension.getSize();
  std::vector<double> numbers(count);
  values.getVar(numbers.data());
  return numbers;
}

std::string netcdf_attribute(const std::filesystem::path& file, const std::string& variable,
                             const std::string& attribute) {
  const netCDF::NcFile dataset(file.string(), netCDF::NcFile::read);
  std::string text;
  dataset.getVar(variable).getAtt(attribute).getValues(text);
  return text;
}

size_t netcdf_length(const std::filesystem::path& file, const std::string& dimension) {
  const netCDF::NcFile dataset(file.string(), netCDF::NcFile::read);
  return dataset.getDim(dimension).getSize();
}

}  // namespace fluxtile::end_to_end
