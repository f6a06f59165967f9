// SPDX-License-Identifier: Apache-2.0
#include "tests/pipeline/small_run.h"

#include <gdal_priv.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "pipeline/verbs.h"
#include "tests/geo/netcdf_fixture.h"

namespace fluxtile {
namespace {

/// Removes the worlds that this program made.
class Worlds : public testing::Environment {
 public:
  static fs::path& root() {
    static fs::path path =
        fs::path(testing::TempDir()) / ("fluxtile_run_" + std::to_string(getpid()));
    return path;
  }
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
    initialise_gdal(64U << 20);
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(root(), ignored);
  }
};
const testing::Environment* const worlds = testing::AddGlobalTestEnvironment(new Worlds);

}  // namespace

MemberYear MadeUpEngine::run(const YearInputs& inputs, const MemberInputs& member,
                             MemberState& state, bool daily) const {
  before(inputs);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++years_[inputs.year];
  }
  const size_t n = inputs.cells, floats = n == 0 ? 0 : state.values.size() / n;
  constexpr size_t variables = 4;
  MemberYear year;
  year.monthly.assign(variables * 12 * n, std::nanf(""));
  year.annual.assign(2 * n, std::nanf(""));
  year.flags.assign(12 * n, not_modelled);
  if (daily) year.daily.assign(variables * inputs.days * n, std::nanf(""));
  std::vector<float> features;
  for (size_t k = 0; k < member.cell.size(); ++k) {
    const auto cell = static_cast<size_t>(member.cell[k]);
    expand_features(inputs, member.cell[k], member.crop[k], {"GPP", "TMAX_AIR", "Crop_Type"},
                    features);
    const float seen = state.values[cell * floats];
    std::vector<double> sums(variables * 12, 0.0);
    for (size_t d = 0; d < inputs.days; ++d) {
      const double gpp = features[d * 3], warmth = features[d * 3 + 1], crop = features[d * 3 + 2];
      const double values[variables] = {0.5 * gpp, 1 + 0.01 * warmth + 0.1 * crop + 0.125 * seen,
                                        -gpp + warmth, gpp};
      for (size_t v = 0; v < variables; ++v) {
        if (daily) year.daily[(v * inputs.days + d) * n + cell] = static_cast<float>(values[v]);
        if (d >= inputs.first_result_day) sums[v * 12 + inputs.month[d]] += values[v];
      }
    }
    for (size_t v = 0; v < variables; ++v)
      for (size_t m = 0; m < 12; ++m)
        year.monthly[(v * 12 + m) * n + cell] = static_cast<float>(sums[v * 12 + m]);
    year.annual[cell] = 1 + seen;
    year.annual[n + cell] = 2;
    for (size_t m = 0; m < 12; ++m) year.flags[m * n + cell] = inputs.flags[m * n + cell];
    state.values[cell * floats] = seen + 1;
  }
  return year;
}

std::map<int, int> MadeUpEngine::years() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return years_;
}

void MadeUpEngine::forget_years() {
  const std::lock_guard<std::mutex> lock(mutex_);
  years_.clear();
}

fs::path SmallWorld::simulate(const std::string& name, const std::vector<std::string>& set) {
  const fs::path path = Worlds::root() / name;
  if (!fs::exists(path)) {
    std::ostringstream out;
    simulate_verb(FLUXTILE_WORLDS "/test.yaml", set, path.string(), out);
  }
  return path;
}

const fs::path& SmallWorld::original() {
  static const fs::path path = simulate("original", {});
  return path;
}

SmallWorld::SmallWorld() {
  Stop::clear();
  std::string name = (fs::path(testing::TempDir()) / "fluxtile-run-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder_ = name;
  fs::copy(original(), world(), fs::copy_options::recursive);
}

SmallWorld::~SmallWorld() {
  Stop::clear();
  close_thread_datasets();
  close_netcdf_files();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Config SmallWorld::config(const std::vector<std::string>& set) const {
  std::vector<std::string> all = {"outputs.directory=" + out().string(), "run.threads=2"};
  all.insert(all.end(), set.begin(), set.end());
  return read_config(world("run.yaml").string(), all, {FLUXTILE_RECIPES});
}

PlannedRun SmallWorld::plan(const std::vector<std::string>& set, const VerbOptions& options) const {
  close_netcdf_files();
  close_thread_datasets();
  return make_plan(config(set), options);
}

Error SmallWorld::refusal(const std::vector<std::string>& set, const VerbOptions& options) const {
  try {
    (void)plan(set, options);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "not refused";
  return Error(Code::internal, "not refused");
}

void SmallWorld::redraw_climate(const std::string& name, const std::set<int>& without,
                                const std::string& calendar, size_t revised, double value) const {
  const fs::path path = world("climate/" + name);
  close_netcdf_files();
  const NetcdfInfo info = read_netcdf_info(path.string());
  const NetcdfVariable variable = info.variables.front();
  close_netcdf_files();
  fs::remove(path);
  const Date first{variable.times.front().year, variable.times.front().month,
                   variable.times.front().day};
  std::vector<double> time;
  for (size_t d = 0; d < variable.times.size(); ++d) {
    if (without.count(static_cast<int>(d)) > 0) continue;
    // In noleap days are counted without 29 February.
    const bool behind = calendar == "noleap" && is_leap(first.year) && d > 59;
    time.push_back(static_cast<double>(d) - (behind ? 1 : 0));
  }
  NcDraft draft(path.string());
  draft.axis("day", time, "days since " + to_text(first));
  draft.text("calendar", calendar);
  draft.axis("lat", variable.grid.y_axis, "degrees_north");
  draft.axis("lon", variable.grid.x_axis, "degrees_east");
  draft.variable(variable.name, NC_DOUBLE, {"day", "lat", "lon"});
  draft.text("units", variable.units)
      .text("long_name", variable.long_name)
      .text("standard_name", variable.standard_name);
  const size_t cells = variable.grid.y_axis.size() * variable.grid.x_axis.size();
  std::vector<double> values(time.size() * cells, 2.0);
  for (size_t k = revised * cells; k < values.size(); ++k) values[k] = value;
  draft.values(variable.name, values);
  draft.close();
}

void SmallWorld::shift(const fs::path& raster, int by) {
  close_thread_datasets();
  auto* dataset = static_cast<GDALDataset*>(GDALOpen(raster.c_str(), GA_Update));
  ASSERT_NE(dataset, nullptr);
  GDALRasterBand* band = dataset->GetRasterBand(1);
  const int width = band->GetXSize(), height = band->GetYSize();
  std::vector<int> values(static_cast<size_t>(width) * static_cast<size_t>(height));
  const int nodata = static_cast<int>(band->GetNoDataValue());
  ASSERT_EQ(CE_None, band->RasterIO(GF_Read, 0, 0, width, height, values.data(), width, height,
                                    GDT_Int32, 0, 0, nullptr));
  for (int& value : values) value += value == nodata ? 0 : by;
  ASSERT_EQ(CE_None, band->RasterIO(GF_Write, 0, 0, width, height, values.data(), width, height,
                                    GDT_Int32, 0, 0, nullptr));
  GDALClose(dataset);
}

void SmallWorld::remove_composites(int year, int first, int end) const {
  for (int d = first / 8 * 8; d < end; d += 8) {
    char name[32];
    std::snprintf(name, sizeof name, "gpp/gpp_%d%03d.tif", year, d + 1);
    if (d < first) continue;
    EXPECT_TRUE(fs::remove(world(name))) << name;
  }
}

std::string SmallWorld::read(const fs::path& path) { return read_file(path.string()); }

void SmallWorld::write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

void SmallWorld::replace(const fs::path& path, const std::string& from, const std::string& to) {
  std::string text = read(path);
  ASSERT_NE(text.find(from), std::string::npos) << from;
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  write(path, text);
}

SmallRun::Run SmallRun::open(const std::vector<std::string>& set) const {
  close_netcdf_files();
  close_thread_datasets();
  Run run;
  std::vector<std::string> all = {"grid.tile=16"};
  all.insert(all.end(), set.begin(), set.end());
  run.config = config(all);
  const auto made_up = [this](const EngineOptions&, const std::shared_ptr<const Package>&) {
    return engine_;
  };
  run.stages = make_stages(make_plan(run.config, {}), run.config, made_up, false);
  run.ledger = std::make_unique<Ledger>(run.stages, private_folder(run.config));
  run.memory = std::make_unique<TileMemory>(*run.stages.plan, run.config);
  return run;
}

RunTally SmallRun::tiles(Run& run, const std::vector<TileUnit>& units) const {
  // The ledger refers to the stages, which may have moved since.
  run.ledger = std::make_unique<Ledger>(run.stages, private_folder(run.config));
  run.memory = std::make_unique<TileMemory>(*run.stages.plan, run.config);
  Progress progress(ProgressMode::off);
  return run_tiles(run.stages, *run.ledger, *run.memory, units, progress);
}

std::vector<std::string> SmallRun::results(const std::vector<std::string>& set) const {
  Run run = open(set);
  tiles(run);
  const MergeCheck check = check_tiles(run.stages, *run.ledger);
  EXPECT_TRUE(check.missing.empty());
  EXPECT_TRUE(check.failed.empty());
  return check.region_results;
}

}  // namespace fluxtile
