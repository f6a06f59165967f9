// SPDX-License-Identifier: Apache-2.0
#include "bench/tile_year.h"

#include "synthetic_model.h"

namespace fluxtile {

YearInputs tile_year(int32_t rows) {
  std::vector<int32_t> column;
  for (int32_t row = 0; row < rows; ++row)
    for (int32_t c = 0; c < 256; ++c) column.push_back(c);
  return test::random_inputs(1, 2019, 365, column);
}

}  // namespace fluxtile
