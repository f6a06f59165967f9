// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "geo/product_writer.h"

namespace fluxtile {

/// A folder of its own that goes away with the test, and rasters to write.
class ProductTest : public testing::Test {
 protected:
  void SetUp() override {
    Stop::clear();
    std::string name =
        (std::filesystem::temp_directory_path() / "fluxtile-products-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    Stop::clear();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  /// 250 m cells in CONUS Albers, somewhere in Iowa.
  static ProductGrid albers(int64_t width, int64_t height) {
    ProductGrid grid;
    grid.lattice = {"EPSG:5070", 250, 0, 0};
    grid.window = {800, -8600, width, height};
    return grid;
  }

  /// A smooth field with a hole of nodata and a nodata column, different in every band.
  static std::vector<float> field(const ProductGrid& grid, int band) {
    std::vector<float> values;
    for (int64_t r = 0; r < grid.window.height; ++r)
      for (int64_t c = 0; c < grid.window.width; ++c) {
        const bool hole = c == 3 || (r > 5 && r < 9 && c > 10 && c < 17);
        values.push_back(hole ? kNodata
                              : static_cast<float>(std::sin(0.05 * static_cast<double>(r)) +
                                                   0.01 * static_cast<double>(c) + band));
      }
    return values;
  }

  static std::vector<ProductStep> months(int count) {
    std::vector<ProductStep> steps;
    for (int m = 1; m <= count; ++m) {
      const Date first{2018, m, 1};
      const Date end = m == 12 ? Date{2019, 1, 1} : Date{2018, m + 1, 1};
      steps.push_back({first, end, to_text(first).substr(0, 7)});
    }
    return steps;
  }

 private:
  std::string folder_;
};

}  // namespace fluxtile
