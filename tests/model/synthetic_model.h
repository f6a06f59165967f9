// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/package.h"
#include "model/year_inputs.h"

namespace fluxtile::test {

/// Uniform numbers that are the same on every standard library.
class Uniform {
 public:
  explicit Uniform(uint32_t seed) : random_(seed) {}
  double operator()(double low, double high) {
    return low + (high - low) * (static_cast<double>(random_()) / 4294967296.0);
  }

 private:
  std::mt19937 random_;
};

/// A kgml-ag-c package with random weights, not written anywhere. The yield scaler decides whether
/// the residue's ReLU is open (a small yield) or closed.
Package random_package(uint32_t seed, double yield_mean = 300);

/// The same for any architecture that can be trained: kgml-ag-c, gru, lstm.
Package random_package_of(const std::string& architecture, uint32_t seed);

/// Columns and flags of some cells, with daily climate on a 3x3 grid, 8-day composites and statics,
/// all random. `days` from 1 January of `year`.
YearInputs random_inputs(uint32_t seed, int year, size_t days, const std::vector<int32_t>& column);

/// All cells of `inputs` as one member, with crops 1 and 5 in turn.
MemberInputs all_cells(const YearInputs& inputs);

/// The inputs of some cells alone, in the order given.
YearInputs subset(const YearInputs& inputs, const std::vector<int32_t>& cells);

/// z-scored [day][19] of one cell.
std::vector<float> z_scores(const YearInputs& inputs, int32_t cell, float crop,
                            const Package& package);

/// A new empty folder that is removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const;

 private:
  std::string path_;
};

}  // namespace fluxtile::test
