// SPDX-License-Identifier: Apache-2.0
#include "geo/raster_source.h"

#include <cpl_conv.h>
#include <cpl_vsi.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <limits>
#include <list>

#include "base/error.h"
#include "base/nearest_name.h"
#include "geo/gdal_access.h"
#include "geo/gdal_drivers.h"
#include "geo/gdal_messages.h"
#include "geo/read_failure.h"
#include "geo/source_blocks.h"

namespace fluxtile {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t most_open_datasets = 4;
constexpr int64_t rows_kept_together = 32;            // of a decoded block
constexpr int64_t largest_block = int64_t{1} << 30;   // bytes, decoded
constexpr int64_t largest_window = int64_t{1} << 28;  // cells: 2 GiB of doubles

std::map<std::string, std::string> metadata_of(GDALMajorObject& object) {
  std::map<std::string, std::string> out;
  for (char** item = object.GetMetadata(); item != nullptr && *item != nullptr; ++item) {
    const std::string text = *item;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

/// Numbers separated by commas or blanks; empty when the text holds anything else.
std::vector<double> numbers_in(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '{' || c == '}'; }, ' ');
  std::vector<double> numbers;
  const char* at = text.c_str();
  for (;;) {
    while (*at == ' ') ++at;
    if (*at == '\0') return numbers;
    char* end = nullptr;
    const double value = CPLStrtod(at, &end);
    if (end == at) return {};
    numbers.push_back(value);
    at = end;
  }
}

void read_valid_range(const std::map<std::string, std::string>& metadata, BandInfo& band) {
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::vector<double>() : numbers_in(found->second);
  };
  const auto range = value("valid_range");
  const auto low = value("valid_min"), high = value("valid_max");
  if (range.size() == 2) {
    band.valid_min = std::min(range[0], range[1]);
    band.valid_max = std::max(range[0], range[1]);
    return;
  }
  if (low.size() == 1) band.valid_min = low[0];
  if (high.size() == 1) band.valid_max = high[0];
}

std::optional<double> declared_nodata(GDALRasterBand& band) {
  int present = 0;
  if (band.GetRasterDataType() == GDT_Int64) {
    const auto value = band.GetNoDataValueAsInt64(&present);
    if (present != 0) return static_cast<double>(value);
  } else if (band.GetRasterDataType() == GDT_UInt64) {
    const auto value = band.GetNoDataValueAsUInt64(&present);
    if (present != 0) return static_cast<double>(value);
  } else {
    const double value = band.GetNoDataValue(&present);
    if (present != 0) return value;
  }
  return std::nullopt;
}

/// The number as the band would store it: an infinite result stands for "never equal".
double as_stored(double value, bool float32) {
  if (!float32 || !std::isfinite(value)) return value;
  if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) return HUGE_VAL;
  return static_cast<double>(static_cast<float>(value));
}

/// Open datasets of one thread, most recently used first.
class DatasetCache {
 public:
  /// Wakes GDAL's own per-thread PROJ context first: what a thread makes first, it destroys last,
  /// and closing a dataset needs that context.
  DatasetCache() { const OGRSpatialReference first; }

  GDALDataset& get(const std::string& path) {
    if (const uint64_t now = closings(); seen_ != now) {
      open_.clear();
      seen_ = now;
    }
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const auto& entry) { return entry.first == path; });
    if (found != open_.end()) {
      open_.splice(open_.begin(), open_, found);
    } else {
      DatasetPtr dataset = open_dataset(path, GDAL_OF_RASTER);
      if (open_.size() >= most_open_datasets) open_.pop_back();
      open_.emplace_front(path, std::move(dataset));
    }
    return *open_.front().second;
  }
  void forget(const std::string& path) {
    open_.remove_if([&](const auto& entry) { return entry.first == path; });
  }
  void clear() {
    ++closings();
    open_.clear();
  }

 private:
  /// How often some thread had all threads' datasets closed.
  static std::atomic<uint64_t>& closings() {
    static std::atomic<uint64_t> count{0};
    return count;
  }

  std::list<std::pair<std::string, DatasetPtr>> open_;
  uint64_t seen_ = 0;
};

DatasetCache& thread_datasets() {
  thread_local DatasetCache cache;
  return cache;
}

std::string text_of(const SourceWindow& w) {
  return "columns " + std::to_string(w.column) + ".." + std::to_string(w.column + w.width - 1) +
         ", rows " + std::to_string(w.row) + ".." + std::to_string(w.row + w.height - 1);
}

/// The thread's dataset of a raster, if it still is the one that was planned with.
GDALDataset& planned_dataset(const RasterInfo& info, int band) {
  GDALDataset& dataset = thread_datasets().get(info.path);
  if (dataset.GetRasterXSize() == info.grid.width && dataset.GetRasterYSize() == info.grid.height &&
      dataset.GetRasterCount() >= band)
    return dataset;
  throw Error(Code::data, "the raster is not the one that was planned with: its size changed")
      .file(info.path)
      .found(std::to_string(dataset.GetRasterXSize()) + " x " +
             std::to_string(dataset.GetRasterYSize()) + ", " +
             std::to_string(dataset.GetRasterCount()) + " band(s)")
      .expected(std::to_string(info.grid.width) + " x " + std::to_string(info.grid.height));
}

/// Throws what GDAL said while a window was read, if it said anything.
void require_read(CPLErr result, const GdalMessages& messages, const RasterInfo& info, int band,
                  const SourceWindow& window) {
  if (result == CE_None && !messages.failed()) return;
  const std::string said = messages.text();
  thread_datasets().forget(info.path);  // a damaged or replaced file is opened afresh next time
  throw read_failure(Code::io,
                     "cannot read raster cells: " + (said.empty() ? "GDAL gave no reason" : said),
                     info.path, messages.system_error(),
                     "the file may be truncated or damaged: compare its size with the original")
      .found("band " + std::to_string(band) + ", " + text_of(window));
}

CPLErr fetch(GDALRasterBand& from, const SourceWindow& window, void* into, GDALDataType type) {
  return from.RasterIO(GF_Read, static_cast<int>(window.column), static_cast<int>(window.row),
                       static_cast<int>(window.width), static_cast<int>(window.height), into,
                       static_cast<int>(window.width), static_cast<int>(window.height), type, 0, 0,
                       nullptr);
}

template <typename T>
void widen(const unsigned char* from, size_t n, double* to) {
  const T* values = reinterpret_cast<const T*>(from);
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<double>(values[i]);
}

/// Numbers of a GDAL type as doubles. False for a type that is not converted here.
bool widen(GDALDataType type, const unsigned char* from, size_t n, double* to) {
  switch (type) {
    case GDT_Byte:
      widen<uint8_t>(from, n, to);
      return true;
    case GDT_UInt16:
      widen<uint16_t>(from, n, to);
      return true;
    case GDT_Int16:
      widen<int16_t>(from, n, to);
      return true;
    case GDT_UInt32:
      widen<uint32_t>(from, n, to);
      return true;
    case GDT_Int32:
      widen<int32_t>(from, n, to);
      return true;
    case GDT_Float32:
      widen<float>(from, n, to);
      return true;
    case GDT_Float64:
      widen<double>(from, n, to);
      return true;
    default:
      return false;
  }
}

/// Puts the part of a block that lies in a window at its place.
void place_block(const BlockRows& block, GDALDataType type, const SourceWindow& window,
                 std::vector<double>& values) {
  const auto size = static_cast<int64_t>(GDALGetDataTypeSizeBytes(type));
  for (const auto& rows : block) {
    if (!rows) continue;
    const SourceWindow part = window.intersection(rows->area());
    for (int64_t row = part.row; row < part.row + part.height; ++row) {
      const SourceRows::Row kept = rows->row(row);
      const int64_t to = (row - window.row) * window.width + part.column - window.column;
      widen(type, kept.numbers + (part.column - kept.first) * size, static_cast<size_t>(part.width),
            values.data() + to);
    }
  }
}

/// A block from the file in groups of rows, as far as `wanted` covers them.
BlockRows decode_block(const RasterInfo& info, int band, GDALDataType type,
                       const std::vector<SourceWindow>& groups,
                       const std::vector<SourceWindow>& wanted) {
  GdalMessages messages;
  GDALRasterBand& source = *planned_dataset(info, band).GetRasterBand(band);
  const auto size = static_cast<size_t>(GDALGetDataTypeSizeBytes(type));
  const size_t stored = static_cast<size_t>(info.block_width) * size;
  const SourceWindow& top = groups.front();
  BlockRows block;
  // Through GDAL's own cache: a pixel-interleaved file decodes all bands of a block at once.
  GDALRasterBlock* held = source.GetLockedBlockRef(static_cast<int>(top.column / info.block_width),
                                                   static_cast<int>(top.row / info.block_height));
  require_read(held == nullptr ? CE_Failure : CE_None, messages, info, band, top);
  const auto unlock = [](GDALRasterBlock* locked) { locked->DropLock(); };
  const std::unique_ptr<GDALRasterBlock, decltype(unlock)> lock(held, unlock);
  const auto* from = static_cast<const unsigned char*>(held->GetDataRef());
  for (const SourceWindow& group : groups) {
    const auto rows = std::make_shared<SourceRows>(group, size, wanted);
    for (int64_t row = group.row; row < group.row + group.height; ++row, from += stored) {
      const SourceRows::Row kept = rows->row(row);
      std::copy_n(from + static_cast<size_t>(kept.first - group.column) * size,
                  static_cast<size_t>(kept.end - kept.first) * size, rows->numbers(row));
    }
    block.push_back(rows);
  }
  return block;
}

/// When a group of rows is read again.
RowsUse use_of(const SourceWindow& rows, const LaterReads& later) {
  RowsUse use;
  for (const LaterReads::Read& read : later.reads) {
    if (read.window.intersection(rows).empty()) continue;
    if (!use.next) use.next = read.when;
    use.last = read.when;
  }
  return use;
}

/// The stored numbers of a window as doubles, block by block through the shared cache.
void read_blocks(const RasterInfo& info, int band, const SourceWindow& window, GDALDataType type,
                 const LaterReads* later, std::vector<double>& values) {
  const int64_t bw = info.block_width, bh = info.block_height;
  for (int64_t row = window.row / bh; row * bh < window.row + window.height; ++row) {
    for (int64_t column = window.column / bw; column * bw < window.column + window.width;
         ++column) {
      // Blocks at the raster's ends are stored whole; what lies outside it is not kept.
      const SourceWindow area{column * bw, row * bh, std::min(bw, info.grid.width - column * bw),
                              std::min(bh, info.grid.height - row * bh)};
      BlockRead read;
      read.id = {info.path, band, static_cast<int>(column), static_cast<int>(row)};
      read.part = window.intersection(area);
      for (int64_t top = area.row; top < area.row + area.height; top += rows_kept_together)
        read.rows.push_back({area.column, top, area.width,
                             std::min(rows_kept_together, area.row + area.height - top)});
      if (later != nullptr) {
        read.earliest = later->earliest;
        for (const SourceWindow& rows : read.rows) read.uses.push_back(use_of(rows, *later));
      }
      const auto decode = [&] {
        std::vector<SourceWindow> wanted{later == nullptr ? area : read.part};
        if (later != nullptr)
          for (const auto& coming : later->reads) wanted.push_back(coming.window);
        return decode_block(info, band, type, read.rows, wanted);
      };
      place_block(source_block(read, decode), type, window, values);
    }
  }
}

std::vector<double> read(const RasterInfo& info, int band, const SourceWindow& window,
                         const LaterReads* later, bool physical) {
  if (band < 1 || band > static_cast<int>(info.bands.size()))
    throw Error(Code::data, "no such band")
        .file(info.path)
        .found("band " + std::to_string(band))
        .expected("1 to " + std::to_string(info.bands.size()));
  if (window.empty()) return {};
  if (window.column < 0 || window.row < 0 || window.column + window.width > info.grid.width ||
      window.row + window.height > info.grid.height)
    throw Error(Code::internal, "a window outside the raster")
        .file(info.path)
        .found(text_of(window));

  if (window.width > largest_window / window.height)
    throw Error(Code::data, "too many cells of this raster are needed at once")
        .file(info.path)
        .found(text_of(window))
        .expected("at most " + std::to_string(largest_window) + " cells")
        .hint("lower grid.tile, or thin the raster out first (gdalwarp -r average)");
  std::vector<double> values(window.cells());
  std::vector<unsigned char> mask;  // 0 = absent; only for files with a mask of their own
  const BandInfo& about = info.bands[static_cast<size_t>(band - 1)];
  const GDALDataType type = GDALGetDataTypeByName(about.type.c_str());
  const bool float32 = type == GDT_Float32;
  // Other drivers may put a window together in their own way.
  const bool by_blocks = info.driver == "GTiff" && info.block_width > 0 && info.block_height > 0 &&
                         widen(type, nullptr, 0, nullptr);
  if (by_blocks) read_blocks(info, band, window, type, later, values);
  if (!by_blocks || about.own_mask) {
    GdalMessages messages;
    GDALRasterBand& source = *planned_dataset(info, band).GetRasterBand(band);
    CPLErr result = CE_None;
    if (!by_blocks) result = fetch(source, window, values.data(), GDT_Float64);
    if (result == CE_None && about.own_mask) {
      mask.resize(values.size());
      result = fetch(*source.GetMaskBand(), window, mask.data(), GDT_Byte);
    }
    require_read(result, messages, info, band, window);
  }

  std::vector<double> absent;
  if (about.nodata) absent.push_back(as_stored(*about.nodata, float32));
  for (const double fill : about.fill_values) absent.push_back(as_stored(fill, float32));
  const double low = about.valid_min ? as_stored(*about.valid_min, float32) : -HUGE_VAL;
  const double high = about.valid_max ? as_stored(*about.valid_max, float32) : HUGE_VAL;
  const bool packed = physical && (about.scale != 1 || about.offset != 0);
  for (size_t i = 0; i < values.size(); ++i) {
    double& value = values[i];
    bool valid = std::isfinite(value) && value >= low && value <= high;
    valid = valid && (mask.empty() || mask[i] != 0);
    for (const double fill : absent) valid = valid && value != fill;
    if (!valid)
      value = nan;
    else if (packed)
      value = value * about.scale + about.offset;
  }
  return values;
}

}  // namespace

void refuse_remote(const std::string& path) {
  if (remote_is_allowed()) return;
  std::string folded;
  for (const char c : path)
    folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* mark :
       {"/vsicurl", "/vsis3", "/vsigs", "/vsiaz", "/vsiadls", "/vsioss", "/vsiswift", "/vsihdfs",
        "/vsiwebhdfs", "/vsistdin", "http:", "https:", "ftp:", "://", "[mode=", "#mode="})
    if (folded.find(mark) != std::string::npos)
      throw Error(Code::data, "a path that leads to the network or to a pipe")
          .file(path)
          .hint("download it, or set run.allow_remote: true");
}

Crs crs_of(const OGRSpatialReference* reference) {
  if (reference == nullptr || reference->IsEmpty() || reference->IsLocal()) return {};
  char* wkt = nullptr;
  const char* const options[] = {"FORMAT=WKT2_2019", nullptr};
  reference->exportToWkt(&wkt, options);
  const std::string text = wkt == nullptr ? "" : wkt;
  CPLFree(wkt);
  // Series of files share one CRS: understood once.
  thread_local std::string known_text;
  thread_local Crs known;
  if (text != known_text) {
    known = text.empty() ? Crs() : Crs::from_user_input(text);
    known_text = text;
  }
  return known;
}

namespace {

/// Throws where a part of the header is missing, be it of a file that was opened all the same.
void require_header(const GdalMessages& messages, const std::string& path) {
  if (!messages.lost_header()) return;
  throw read_failure(Code::data, "a part of the file's header cannot be read: " + messages.text(),
                     path, messages.system_error(),
                     "the file may be truncated or damaged: compare its size with the original");
}

}  // namespace

void CloseDataset::operator()(GDALDataset* dataset) const noexcept {
  const int system_error = errno;
  {
    const GdalMessages ignored;
    GDALClose(dataset);
  }
  errno = system_error;
}

DatasetPtr open_dataset(const std::string& path, unsigned int kind) {
  refuse_remote(path);
  GdalMessages messages;
  DatasetPtr dataset(
      GDALDataset::Open(path.c_str(), kind | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (dataset) {
    require_header(messages, path);
    return dataset;
  }
  VSIStatBufL status;
  const bool exists = VSIStatL(path.c_str(), &status) == 0;
  const std::string said = messages.text();
  Error error =
      read_failure(Code::data,
                   !exists && said.find("No such file") != std::string::npos
                       ? "no such file"
                       : "GDAL cannot open this: " + (said.empty() ? "no reason given" : said),
                   path, messages.system_error(), "");
  const auto begins_with = [&](const char* start) { return path.rfind(start, 0) == 0; };
  const auto ends_with = [&](const char* end) {
    const std::string text = end;
    return path.size() >= text.size() &&
           path.compare(path.size() - text.size(), text.size(), text) == 0;
  };
  if (error.code() != Code::data) throw error;  // the machine is at fault, not the file
  if ((exists &&
       (ends_with(".nc") || ends_with(".nc4") || ends_with(".h5") || ends_with(".he5"))) ||
      begins_with("NETCDF:") || begins_with("HDF5:"))
    error.hint("NetCDF and HDF5 files are read by fluxtile's own reader, not through GDAL");
  else if (exists && !remote_is_allowed())
    error.hint(
        "only the formats of docs/security.md are read unless run.allow_remote: true; convert "
        "others first (gdal_translate, ogr2ogr)");
  throw error;
}

void initialise_gdal(size_t cache_bytes, bool allow_remote) {
  CPLSetConfigOption("GDAL_DISABLE_READDIR_ON_OPEN", "TRUE");
  OSRSetPROJEnableNetwork(0);
  register_drivers(allow_remote);
  // What is read again is kept as source blocks; GDAL's own cache would only grow with the region.
  const size_t of_gdal = cache_bytes / 16;
  GDALSetCacheMax64(static_cast<GIntBig>(of_gdal));
  set_source_block_memory(cache_bytes - of_gdal);
}

namespace {

/// GDAL takes memory for whole blocks, in GeoTIFFs of interleaved bands for all bands of one.
void require_small_blocks(GDALDataset& dataset, const RasterInfo& info, const std::string& type) {
  const char* interleave = dataset.GetMetadataItem("INTERLEAVE", "IMAGE_STRUCTURE");
  const bool together = interleave != nullptr && std::string(interleave) == "PIXEL";
  const int64_t cell =
      int64_t{std::max(1, GDALGetDataTypeSizeBytes(GDALGetDataTypeByName(type.c_str())))} *
      (together ? dataset.GetRasterCount() : 1);
  const int64_t cells =
      int64_t{std::max(1, info.block_width)} * int64_t{std::max(1, info.block_height)};
  if (cells <= largest_block / cell) return;
  throw Error(Code::data, "the raster is stored in blocks that are too large to be read")
      .file(info.path)
      .found(std::to_string(info.block_width) + " x " + std::to_string(info.block_height) +
             " cells of " + std::to_string(cell) + " bytes")
      .expected("at most " + std::to_string(largest_block >> 20) + " MiB a block")
      .hint("store it in tiles: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE");
}

}  // namespace

RasterInfo read_raster_info(const std::string& path, const Packing& packing) {
  const DatasetPtr dataset = open_dataset(path, GDAL_OF_RASTER);
  GdalMessages messages;
  RasterInfo info;
  info.path = path;
  info.driver = dataset->GetDriver() == nullptr ? "" : dataset->GetDriver()->GetDescription();
  info.metadata = metadata_of(*dataset);
  char** names = dataset->GetMetadata("SUBDATASETS");
  for (int i = 1;; ++i) {
    const char* name =
        CSLFetchNameValue(names, ("SUBDATASET_" + std::to_string(i) + "_NAME").c_str());
    if (name == nullptr) break;
    info.subdatasets.emplace_back(name);
  }
  info.grid.width = dataset->GetRasterXSize();
  info.grid.height = dataset->GetRasterYSize();
  const bool placed = dataset->GetGeoTransform(info.grid.geotransform) == CE_None;
  try {
    if (placed) info.grid.crs = crs_of(dataset->GetSpatialRef());
  } catch (Error& error) {
    throw error.file(path);
  }
  info.grid.wraps = info.grid.crs.geographic() && info.grid.geotransform[2] == 0 &&
                    info.grid.geotransform[4] == 0;
  // In HDF4 a subdataset is one variable: its attributes are the band's.
  const bool one_variable = info.driver == "HDF4Image";
  for (int number = 1; number <= dataset->GetRasterCount(); ++number) {
    GDALRasterBand& source = *dataset->GetRasterBand(number);
    BandInfo band;
    band.band = number;
    band.description = source.GetDescription();
    band.unit = source.GetUnitType();
    band.type = GDALGetDataTypeName(source.GetRasterDataType());
    const int mask_flags = source.GetMaskFlags();
    band.own_mask = (mask_flags & GMF_PER_DATASET) != 0 && (mask_flags & GMF_NODATA) == 0;
    band.scale = packing.scale.value_or(source.GetScale());
    band.offset = packing.offset.value_or(source.GetOffset());
    band.nodata = packing.nodata ? packing.nodata : declared_nodata(source);
    band.fill_values = packing.fill_values;
    band.metadata = metadata_of(source);
    if (one_variable) read_valid_range(info.metadata, band);
    read_valid_range(band.metadata, band);
    if (number == 1) source.GetBlockSize(&info.block_width, &info.block_height);
    if (number == 1) require_small_blocks(*dataset, info, band.type);
    info.bands.push_back(std::move(band));
  }
  require_header(messages, path);
  return info;
}

std::string subdataset_path(const std::string& path, const std::string& name) {
  const RasterInfo info = read_raster_info(path);
  std::vector<std::string> known;
  for (const std::string& subdataset : info.subdatasets) {
    // DRIVER:...:"last part", where the last part may be quoted.
    std::string last = subdataset.substr(subdataset.rfind(':') + 1);
    if (last.size() >= 2 && last.front() == '"' && last.back() == '"')
      last = last.substr(1, last.size() - 2);
    if (name == subdataset || name == last) return subdataset;
    known.push_back(last);
  }
  throw Error(Code::data, "no such subdataset")
      .file(path)
      .found(name)
      .hint(known.empty() ? "the file has no subdatasets" : suggestion(name, known));
}

std::vector<double> read_window(const RasterInfo& info, int band, const SourceWindow& window,
                                const LaterReads* later) {
  return read(info, band, window, later, true);
}

std::vector<double> read_codes(const RasterInfo& info, int band, const SourceWindow& window,
                               const LaterReads* later) {
  return read(info, band, window, later, false);
}

void close_thread_datasets() {
  thread_datasets().clear();
  forget_source_blocks();
}

}  // namespace fluxtile
