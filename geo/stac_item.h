// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "geo/calendar.h"
#include "geo/product_writer.h"

namespace fluxtile {

/// One band of an asset (raster extension).
struct StacBand {
  std::string name;  ///< "2018-07"
  std::string unit;  ///< "gC m-2 d-1"
  std::string data_type = "float32";
  double nodata = -9999;
  std::string description = {};
};

/// One file of an item.
struct StacAsset {
  std::string key;   ///< "reco_annual"
  std::string href;  ///< relative to the item, "demo_IA_reco_annual.tif"
  std::string title;
  std::string media_type;          ///< see the constants below
  std::vector<std::string> roles;  ///< "data", "metadata", "thumbnail", ...
  std::vector<StacBand> bands;
  uint64_t bytes = 0;  ///< 0 = unknown
  std::string sha256;  ///< 64 hex digits; empty = unknown
};

constexpr const char* kMediaCog = "image/tiff; application=geotiff; profile=cloud-optimized";
constexpr const char* kMediaNetcdf = "application/x-netcdf";
constexpr const char* kMediaPng = "image/png";
constexpr const char* kMediaCsv = "text/csv";
constexpr const char* kMediaQml = "application/xml";

/// What a STAC item of one region tells. Holds no time of creation, so that the same run gives the
/// same text.
struct StacItem {
  std::string id;  ///< "demo_IA"
  std::string title, description, license;
  Date first, end;   ///< covered days [first, end)
  ProductGrid grid;  ///< of the region
  std::string software = "fluxtile", version;
  std::string lineage;  ///< how the products came about, one or two sentences
  Tags properties;      ///< further ones, e.g. {"fluxtile:result", "..."}
  std::vector<StacAsset> assets;
};

/// STAC 1.0.0 item with the projection, raster, file and processing extensions; indented JSON with
/// a trailing newline. The footprint is the window's outline in longitude and latitude (WGS 84),
/// its edges cut so that it follows curved ones. Throws Error(data) when the grid cannot be
/// transformed.
std::string stac_item_text(const StacItem& item);

}  // namespace fluxtile
