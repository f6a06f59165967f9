// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/truth_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "geo/product_writer.h"
#include "geo/region.h"
#include "pipeline/world/truth.h"

namespace fluxtile::world {
namespace {
namespace fs = std::filesystem;

constexpr size_t kYearsPerFile = 12;
constexpr size_t kYield = 5;  // among TruthYear::variables

class RegionMaps {
 public:
  RegionMaps(std::string stem, const ProductGrid& grid, const Truth& truth)
      : stem_(std::move(stem)), grid_(grid), truth_(truth) {
    for (const auto& [year, values] : truth.years) years_.push_back(year);
  }

  void write() const {
    for (size_t v = 0; v < TruthYear::variables.size(); ++v) {
      write_annual(v);
      if (v == kYield) continue;
      for (const int year : years_) write_monthly(v, year);
    }
  }

 private:
  [[nodiscard]] const double* sums(size_t variable, int year, int month) const {
    const size_t n = truth_.cells.size();
    return truth_.years.at(year).sums.data() + (variable * 12 + static_cast<size_t>(month)) * n;
  }

  /// The window's cells with values where there is a truth.
  template <typename Value>
  [[nodiscard]] std::vector<float> plane(const Value& value) const {
    std::vector<float> plane(static_cast<size_t>(grid_.window.cells()), kNodata);
    for (size_t i = 0; i < truth_.cells.size(); ++i) {
      const CellIndex& c = truth_.cells[i];
      const int64_t at =
          (c.row - grid_.window.row) * grid_.window.width + c.column - grid_.window.column;
      plane[static_cast<size_t>(at)] = static_cast<float>(value(i));
    }
    return plane;
  }

  [[nodiscard]] static Tags tags(size_t variable) {
    const bool nee = std::string(TruthYear::variables[variable]) == "nee";
    return {{"FLUXTILE_SYNTHETIC", "YES"},
            {"SOURCE", "synthetic truth from delta-carbon, not observations"},
            {"COMMENT", nee ? "negative is uptake of carbon by the land"
                            : "true flux of the cell's crop at the middle of the cell"}};
  }

  void write_annual(size_t v) const {
    for (size_t first = 0; first < years_.size(); first += kYearsPerFile) {
      const size_t end = std::min(years_.size(), first + kYearsPerFile);
      std::vector<ProductStep> bands;
      for (size_t k = first; k < end; ++k) {
        const int year = years_[k];
        bands.push_back({{year, 1, 1}, {year + 1, 1, 1}, std::to_string(year)});
      }
      const std::string part = years_.size() > kYearsPerFile
                                   ? fmt::format("_{}-{}", years_[first], years_[end - 1])
                                   : "";
      CogWriter cog(fmt::format("{}_{}_annual{}.tif", stem_, TruthYear::variables[v], part), grid_,
                    bands, "gC m-2", CogWriter::Type::float32, tags(v));
      for (size_t k = first; k < end; ++k) {
        const auto values = plane([&](size_t i) {
          double sum = 0;
          for (int month = 0; month < 12; ++month) sum += sums(v, years_[k], month)[i];
          return sum;
        });
        cog.write_strip(static_cast<int>(k - first) + 1, 0, grid_.window.height, values.data());
      }
      cog.finish();
    }
  }

  void write_monthly(size_t v, int year) const {
    std::vector<ProductStep> bands;
    for (int month = 1; month <= 12; ++month) {
      const Date begin{year, month, 1};
      const Date end = month == 12 ? Date{year + 1, 1, 1} : Date{year, month + 1, 1};
      bands.push_back({begin, end, fmt::format("{}-{:02}", year, month)});
    }
    CogWriter cog(fmt::format("{}_{}_monthly_{}.tif", stem_, TruthYear::variables[v], year), grid_,
                  bands, "gC m-2 d-1", CogWriter::Type::float32, tags(v));
    for (int month = 0; month < 12; ++month) {
      const auto& band = bands[static_cast<size_t>(month)];
      const auto days = static_cast<double>(to_days(band.end) - to_days(band.first));
      const double* sum = sums(v, year, month);
      const auto values = plane([&](size_t i) { return sum[i] / days; });
      cog.write_strip(month + 1, 0, grid_.window.height, values.data());
    }
    cog.finish();
  }

  std::string stem_;
  ProductGrid grid_;
  const Truth& truth_;
  std::vector<int> years_;
};

}  // namespace

void write_truth(const World& world, const std::string& regions, const std::string& folder) {
  const Lattice lattice = model_lattice(world.config);
  const RegionSet set = read_regions({regions, "", "region", ""}, {"all"});
  const Transform to_region(choose_operation(Crs::from_user_input(lattice.crs), set.crs));
  const TruthWeather weather = truth_weather(world);
  for (const Region& region : set.regions) {
    const RegionIndex index(region);
    const CellWindow window = region_window(lattice, region, index, to_region);
    if (window.empty()) continue;
    const Truth truth = simulate_truth(world, weather, region.name,
                                       cells_inside(lattice, window, index, to_region));
    RegionMaps((fs::path(folder) / region.name).string(), {lattice, window}, truth).write();
  }
}

}  // namespace fluxtile::world
