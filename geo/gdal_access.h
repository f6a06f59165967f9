// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gdal_priv.h>

#include <memory>
#include <string>

#include "geo/crs.h"

// For the .cpp files of geo/ alone: GDAL datasets with owners, opened under the rules of
// initialise_gdal().
namespace fluxtile {

/// Closes a dataset that was only read. Nothing is lost where that fails, so what GDAL says of it
/// is told to nobody: least of all to who reads another file at that moment.
struct CloseDataset {
  void operator()(GDALDataset* dataset) const noexcept;
};
using DatasetPtr = std::unique_ptr<GDALDataset, CloseDataset>;

/// Throws Error(data) for a path that leads to the network unless initialise_gdal allowed it.
void refuse_remote(const std::string& path);

/// Opens read-only; `kind` is GDAL_OF_RASTER or GDAL_OF_VECTOR. Throws Error(data) with the file
/// and what GDAL said.
DatasetPtr open_dataset(const std::string& path, unsigned int kind);

/// The CRS GDAL declares; empty for none or a local one. Throws Error(data) when PROJ does not
/// understand it.
Crs crs_of(const OGRSpatialReference* reference);

}  // namespace fluxtile
