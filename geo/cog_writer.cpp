// SPDX-License-Identifier: Apache-2.0
#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <ogr_srs_api.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/stop.h"
#include "geo/grid_mapping.h"
#include "geo/product_writer.h"
#include "geo/write_failure.h"

namespace fluxtile {
namespace {

/// Blocks of the temporary file: low, so that one block row of twelve bands stays small.
constexpr int kStripBlockWidth = 256;
constexpr int kStripBlockHeight = 32;

/// Keeps GDAL's first failure of this thread, and errno with it, for as long as it lives.
class GdalFailures {
 public:
  GdalFailures() {
    errno = 0;  // what is there later is of this work
    CPLPushErrorHandlerEx(&GdalFailures::on_error, this);
  }
  ~GdalFailures() { CPLPopErrorHandler(); }
  GdalFailures(const GdalFailures&) = delete;
  GdalFailures& operator=(const GdalFailures&) = delete;

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] Error error(const std::string& path) const {
    return write_failure(path, message_, system_error_);
  }
  void check(const std::string& path) const {
    if (failed_) throw error(path);
  }

 private:
  static void CPL_STDCALL on_error(CPLErr level, CPLErrorNum, const char* message) {
    const int system_error = errno;
    auto* self = static_cast<GdalFailures*>(CPLGetErrorHandlerUserData());
    if (level < CE_Failure) return;
    if (self->failed_) {
      if (self->system_error_ == 0) self->system_error_ = system_error;
      return;
    }
    self->failed_ = true;
    self->message_ = message;
    self->system_error_ = system_error;
  }

  bool failed_ = false;
  std::string message_;
  int system_error_ = 0;
};

/// A GDAL option of this thread alone, put back at the end of the scope.
class ThreadOption {
 public:
  ThreadOption(const char* key, const char* value) : key_(key) {
    if (const char* before = CPLGetThreadLocalConfigOption(key, nullptr)) {
      had_ = true;
      before_ = before;
    }
    CPLSetThreadLocalConfigOption(key, value);
  }
  ~ThreadOption() { CPLSetThreadLocalConfigOption(key_.c_str(), had_ ? before_.c_str() : nullptr); }
  ThreadOption(const ThreadOption&) = delete;
  ThreadOption& operator=(const ThreadOption&) = delete;

 private:
  std::string key_, before_;
  bool had_ = false;
};

/// GDAL name=value list.
class Options {
 public:
  Options() = default;
  ~Options() { CSLDestroy(list_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  void set(const std::string& key, const std::string& value) {
    list_ = CSLSetNameValue(list_, key.c_str(), value.c_str());
  }
  [[nodiscard]] char** get() const noexcept { return list_; }

 private:
  char** list_ = nullptr;
};

/// Moments in one pass over the values in the order they come (Welford 1962), so that they depend
/// on nothing else.
struct Statistics {
  double minimum = 0, maximum = 0, mean = 0, squares = 0;
  int64_t valid = 0;

  void add(double value) noexcept {
    if (valid == 0) minimum = maximum = value;
    minimum = std::min(minimum, value);
    maximum = std::max(maximum, value);
    ++valid;
    const double from_mean = value - mean;
    mean += from_mean / static_cast<double>(valid);
    squares += from_mean * (value - mean);
  }
  [[nodiscard]] double deviation() const noexcept {
    return valid == 0 ? 0 : std::sqrt(squares / static_cast<double>(valid));
  }
};

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool driver_offers(GDALDriverH driver, const char* word) {
  const char* options = GDALGetMetadataItem(driver, GDAL_DMD_CREATIONOPTIONLIST, nullptr);
  return options != nullptr && std::strstr(options, word) != nullptr;
}

GDALDriverH driver_named(const char* name, const std::string& path) {
  static std::once_flag registered;
  std::call_once(registered, [] {
    if (GDALGetDriverByName("COG") == nullptr) GDALAllRegister();
    // Which options there are is written down when a driver is first asked, in GDAL 3.6 without a
    // lock, while other threads create files.
    for (const char* each : {"COG", "GTiff"})
      if (GDALDriverH driver = GDALGetDriverByName(each)) driver_offers(driver, "");
  });
  GDALDriverH driver = GDALGetDriverByName(name);
  if (driver == nullptr)
    throw Error(Code::internal, std::string("GDAL has no ") + name + " driver").file(path);
  return driver;
}

/// Whether so many threads more can live at once. A run stood still once after the system had
/// refused GDAL 3.6 a thread (an address space that was used up).
bool can_start_threads(int count) {
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  bool all = true;
  try {
    for (int k = 0; k < count; ++k) threads.emplace_back([ended] { ended.wait(); });
  } catch (const std::exception&) {  // std::system_error, std::bad_alloc
    all = false;
  }
  end.set_value();
  for (auto& thread : threads) thread.join();
  return all;
}

int CPL_STDCALL go_on_unless_stopped(double, const char*, void*) {
  return Stop::requested() != 0 ? FALSE : TRUE;
}

}  // namespace

struct CogWriter::Impl {
  struct Band {
    int64_t next_row = 0;       ///< rows received so far
    int64_t pending_rows = 0;   ///< of the block row that is being filled
    std::vector<char> pending;  ///< kStripBlockHeight rows while the band is being written
    Statistics statistics;
  };

  AtomicFile file;
  std::string strips_path;
  ProductGrid grid;
  std::vector<ProductStep> steps;
  std::string unit;
  Type type;
  int threads;
  GDALDatasetH strips = nullptr;
  std::vector<Band> bands;
  std::vector<char> block;
  std::bitset<65536> codes;

  Impl(const std::string& path, const ProductGrid& grid_, const std::vector<ProductStep>& steps_,
       std::string unit_, Type type_, const Tags& tags, int threads_)
      : file(path),
        strips_path(file.temporary_path() + ".strips.tif"),
        grid(grid_),
        steps(steps_),
        unit(std::move(unit_)),
        type(type_),
        threads(std::max(threads_, 1)),
        bands(steps_.size()) {
    if (grid.window.empty() || grid.window.width > INT32_MAX || grid.window.height > INT32_MAX)
      throw Error(Code::internal, "a product needs a grid with cells").file(path);
    if (steps.empty() || steps.size() > 12)
      throw Error(Code::internal, "a COG holds 1 to 12 bands")
          .file(path)
          .found(std::to_string(steps.size()));
    try {
      create_strips(tags);
    } catch (...) {
      remove_temporaries();
      throw;
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() { remove_temporaries(); }

  [[nodiscard]] size_t value_size() const noexcept {
    return type == Type::float32 ? sizeof(float) : sizeof(uint16_t);
  }
  [[nodiscard]] double nodata() const noexcept {
    return type == Type::float32 ? static_cast<double>(kNodata)
                                 : static_cast<double>(kQualityNodata);
  }

  void create_strips(const Tags& tags) {
    const ThreadOption no_sidecars("GDAL_PAM_ENABLED", "NO");
    const GdalFailures failures;
    GDALDriverH driver = driver_named("GTiff", file.path());
    Options options;
    options.set("TILED", "YES");
    options.set("BLOCKXSIZE", std::to_string(kStripBlockWidth));
    options.set("BLOCKYSIZE", std::to_string(kStripBlockHeight));
    options.set("INTERLEAVE", "BAND");
    options.set("BIGTIFF", "YES");
    options.set("NUM_THREADS", "1");
    if (driver_offers(driver, "ZSTD")) {
      options.set("COMPRESS", "ZSTD");
      options.set("ZSTD_LEVEL", "1");
    } else {
      options.set("COMPRESS", "DEFLATE");
      options.set("ZLEVEL", "1");
    }
    strips = GDALCreate(driver, strips_path.c_str(), static_cast<int>(grid.window.width),
                        static_cast<int>(grid.window.height), static_cast<int>(bands.size()),
                        type == Type::float32 ? GDT_Float32 : GDT_UInt16, options.get());
    if (strips == nullptr) {
      const Error error = failures.error(file.path());
      throw Error(error.code(), "cannot create the temporary raster: " + error.message())
          .file(file.path())
          .found(error.found())
          .hint(error.hint());
    }
    const GridMapping mapping = describe_grid_mapping(grid.lattice.crs);
    OGRSpatialReferenceH srs = OSRNewSpatialReference(mapping.wkt2.c_str());
    OSRSetAxisMappingStrategy(srs, OAMS_TRADITIONAL_GIS_ORDER);
    GDALSetSpatialRef(strips, srs);
    OSRDestroySpatialReference(srs);
    std::vector<double> transform = grid.lattice.geotransform(grid.window);
    GDALSetGeoTransform(strips, transform.data());
    for (const auto& [key, value] : tags)
      GDALSetMetadataItem(strips, key.c_str(), value.c_str(), nullptr);
    for (size_t i = 0; i < bands.size(); ++i) {
      GDALRasterBandH band = GDALGetRasterBand(strips, static_cast<int>(i) + 1);
      GDALSetRasterNoDataValue(band, nodata());
      GDALSetDescription(band, steps[i].description.c_str());
      if (!unit.empty()) GDALSetRasterUnitType(band, unit.c_str());
    }
    failures.check(file.path());
    block.resize(static_cast<size_t>(kStripBlockWidth) * kStripBlockHeight * value_size());
  }

  void remove_temporaries() noexcept {
    if (strips != nullptr) {
      CPLPushErrorHandler(CPLQuietErrorHandler);
      GDALClose(strips);
      CPLPopErrorHandler();
      strips = nullptr;
    }
    unlink(strips_path.c_str());
    for (const char* suffix : {".ovr.tmp", ".msk.ovr.tmp", ".msk.tmp"})
      unlink((file.temporary_path() + suffix).c_str());
  }

  template <typename T>
  void account(Band& band, const T* values, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<T, float>) {
        if (values[i] == kNodata || std::isnan(values[i])) continue;
      } else {
        codes.set(values[i]);
        if (values[i] == kQualityNodata) continue;
      }
      band.statistics.add(static_cast<double>(values[i]));
    }
  }

  template <typename T>
  void write(int number_of_band, int64_t row, int64_t rows, const T* values, Type given) {
    if (strips == nullptr || given != type || number_of_band < 1 ||
        number_of_band > static_cast<int>(bands.size()))
      throw Error(Code::internal, "wrong band or type of a strip").file(file.path());
    Band& band = bands[static_cast<size_t>(number_of_band) - 1];
    if (row != band.next_row || rows < 0 || row + rows > grid.window.height)
      throw Error(Code::internal, "strips of a band must follow each other downward")
          .file(file.path())
          .expected("row " + std::to_string(band.next_row))
          .found("row " + std::to_string(row));
    const size_t width = static_cast<size_t>(grid.window.width);
    const size_t row_bytes = width * sizeof(T);
    account(band, values, width * static_cast<size_t>(rows));
    int64_t done = 0;
    while (done < rows) {
      band.pending.resize(row_bytes * kStripBlockHeight);
      const int64_t take = std::min(rows - done, kStripBlockHeight - band.pending_rows);
      std::memcpy(band.pending.data() + row_bytes * static_cast<size_t>(band.pending_rows),
                  values + static_cast<size_t>(done) * width,
                  row_bytes * static_cast<size_t>(take));
      band.pending_rows += take;
      band.next_row += take;
      done += take;
      if (band.pending_rows == kStripBlockHeight || band.next_row == grid.window.height)
        write_block_row<T>(number_of_band, band);
    }
    if (band.next_row == grid.window.height) std::vector<char>().swap(band.pending);
  }

  /// Writes the pending rows past GDAL's block cache, so that a failure shows here and not in
  /// whichever thread happens to evict the block.
  template <typename T>
  void write_block_row(int number_of_band, Band& band) {
    const ThreadOption no_sidecars("GDAL_PAM_ENABLED", "NO");
    const GdalFailures failures;
    GDALRasterBandH raster = GDALGetRasterBand(strips, number_of_band);
    const size_t width = static_cast<size_t>(grid.window.width);
    const int64_t block_row = (band.next_row - 1) / kStripBlockHeight;
    const T* source = reinterpret_cast<const T*>(band.pending.data());
    T* target = reinterpret_cast<T*>(block.data());
    for (size_t x = 0; x < width; x += kStripBlockWidth) {
      const size_t columns = std::min<size_t>(kStripBlockWidth, width - x);
      if (columns < kStripBlockWidth || band.pending_rows < kStripBlockHeight)
        std::fill_n(target, static_cast<size_t>(kStripBlockWidth) * kStripBlockHeight,
                    static_cast<T>(nodata()));
      for (size_t y = 0; y < static_cast<size_t>(band.pending_rows); ++y)
        std::copy_n(source + y * width + x, columns, target + y * kStripBlockWidth);
      if (GDALWriteBlock(raster, static_cast<int>(x / kStripBlockWidth),
                         static_cast<int>(block_row), block.data()) != CE_None)
        throw failures.error(file.path());
    }
    failures.check(file.path());
    band.pending_rows = 0;
  }

  void set_statistics() {
    for (size_t i = 0; i < bands.size(); ++i) {
      const Statistics& s = bands[i].statistics;
      GDALRasterBandH band = GDALGetRasterBand(strips, static_cast<int>(i) + 1);
      const auto set = [band](const char* key, const std::string& value) {
        GDALSetMetadataItem(band, key, value.c_str(), nullptr);
      };
      if (s.valid > 0) {
        set("STATISTICS_MAXIMUM", number("%.17g", s.maximum));
        set("STATISTICS_MEAN", number("%.17g", s.mean));
        set("STATISTICS_MINIMUM", number("%.17g", s.minimum));
        set("STATISTICS_STDDEV", number("%.17g", s.deviation()));
      }
      set("STATISTICS_VALID_PERCENT", number("%.4g", 100.0 * static_cast<double>(s.valid) /
                                                         static_cast<double>(grid.window.cells())));
    }
  }

  void finish() {
    if (strips == nullptr) throw Error(Code::internal, "finish() came twice").file(file.path());
    for (const Band& band : bands)
      if (band.next_row != grid.window.height)
        throw Error(Code::internal, "a band of the product lacks rows")
            .file(file.path())
            .found(std::to_string(band.next_row))
            .expected(std::to_string(grid.window.height));
    Stop::throw_if_requested();
    const ThreadOption no_sidecars("GDAL_PAM_ENABLED", "NO");
    const ThreadOption no_listing("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR");
    const GdalFailures failures;
    set_statistics();
    GDALClose(strips);
    strips = nullptr;
    failures.check(file.path());
    make_cog(failures);
    unlink(strips_path.c_str());
    file.commit();
  }

  void make_cog(const GdalFailures& failures) {
    const char* const drivers[] = {"GTiff", nullptr};
    GDALDatasetH source = GDALOpenEx(strips_path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY,
                                     drivers, nullptr, nullptr);
    if (source == nullptr) throw failures.error(file.path());
    Options options;
    options.set("COMPRESS", "DEFLATE");
    options.set("LEVEL", "6");
    options.set("PREDICTOR", type == Type::float32 ? "FLOATING_POINT" : "STANDARD");
    options.set("BLOCKSIZE", "256");
    options.set("RESAMPLING", type == Type::float32 ? "AVERAGE" : "NEAREST");
    options.set("OVERVIEW_RESAMPLING", type == Type::float32 ? "AVERAGE" : "NEAREST");
    options.set("OVERVIEWS", "IGNORE_EXISTING");
    options.set("BIGTIFF", "IF_SAFER");
    const bool many = threads > 1 && can_start_threads(threads);
    options.set("NUM_THREADS", std::to_string(many ? threads : 1));
    GDALDatasetH cog =
        GDALCreateCopy(driver_named("COG", file.path()), file.temporary_path().c_str(), source,
                       FALSE, options.get(), go_on_unless_stopped, nullptr);
    const bool made = cog != nullptr;
    if (cog != nullptr) GDALClose(cog);
    GDALClose(source);
    Stop::throw_if_requested();
    if (!made || failures.failed()) throw failures.error(file.path());
  }
};

CogWriter::CogWriter(const std::string& path, const ProductGrid& grid,
                     const std::vector<ProductStep>& bands, const std::string& unit, Type type,
                     const Tags& tags, int threads)
    : impl_(std::make_unique<Impl>(path, grid, bands, unit, type, tags, threads)) {}
CogWriter::~CogWriter() = default;

void CogWriter::write_strip(int band, int64_t row, int64_t rows, const float* values) {
  impl_->write(band, row, rows, values, Type::float32);
}
void CogWriter::write_strip(int band, int64_t row, int64_t rows, const uint16_t* values) {
  impl_->write(band, row, rows, values, Type::uint16);
}
void CogWriter::finish() { impl_->finish(); }

std::vector<uint16_t> CogWriter::codes() const {
  std::vector<uint16_t> found;
  for (size_t code = 0; code < impl_->codes.size(); ++code)
    if (impl_->codes.test(code)) found.push_back(static_cast<uint16_t>(code));
  return found;
}

}  // namespace fluxtile
