// SPDX-License-Identifier: Apache-2.0
#include "stages/tile.h"

#include "base/error.h"

namespace fluxtile {

std::string TileUnit::name() const {
  return "c" + std::to_string(window.column) + "_r" + std::to_string(window.row) + "_" +
         std::to_string(window.width) + "x" + std::to_string(window.height);
}

const TileCrop& TileStatics::crop(int year) const {
  for (const auto& crop : crops) {
    if (crop.year == year) return crop;
  }
  throw Error(Code::internal, "no crop map was read for " + std::to_string(year));
}

}  // namespace fluxtile
