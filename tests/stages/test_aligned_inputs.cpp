// SPDX-License-Identifier: Apache-2.0
#include "stages/aligned_inputs.h"

#include <gtest/gtest.h>

#include "model/safetensors.h"
#include "tests/stages/damage.h"

namespace fluxtile {
namespace {

TileStatics small_tile(bool shares) {
  TileStatics tile;
  tile.unit = {1, {-7, 40, 2, 2}, 4};
  tile.cells = {{-7, 40}, {-6, 40}, {-6, 41}};
  tile.static_names = {"Sand", "pH"};
  tile.statics = {1, 2, 3, 4, 5, 6};
  tile.inside = 4;
  tile.without_static = 1;
  tile.without_crop = 2;
  for (const int year : {2017, 2018}) {
    TileCrop crop;
    crop.year = year;
    crop.substituted = year == 2018;
    if (shares) {
      crop.share = {0.5F, 0, 1, 0.25F, 0, 0};
    } else {
      crop.type = {1, 5, static_cast<float>(year)};
    }
    tile.crops.push_back(crop);
  }
  return tile;
}

constexpr size_t kCount = 30;  // composites

std::vector<std::string> some_keys() {
  std::vector<std::string> keys = {"a", "b"};
  while (keys.size() < kCount) keys.push_back("key " + std::to_string(keys.size()));
  return keys;
}
std::vector<float> some_values() {
  std::vector<float> values;
  while (values.size() < 3 * kCount) values.push_back(0.5F * static_cast<float>(values.size()));
  return values;
}

const std::vector<std::string> kKeys = some_keys();
const std::vector<int64_t> kBelowZero(kCount, 3);
const std::vector<float> kComposites = some_values();

std::string file_of(const TileStatics& tile) {
  return format_aligned_inputs({"statics", tile, kKeys, kBelowZero, kComposites}, "key");
}

TEST(AlignedInputsFile, RoundTrip) {
  for (const bool shares : {false, true}) {
    const TileStatics tile = small_tile(shares);
    const auto back = parse_aligned_inputs(file_of(tile), "x", tile.unit, "key");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->statics_key, "statics");
    EXPECT_EQ(back->composite_keys, kKeys);
    EXPECT_EQ(back->below_zero, kBelowZero);
    EXPECT_EQ(back->composites, kComposites);
    EXPECT_EQ(back->find("b"), 1U);
    EXPECT_EQ(back->find("c"), std::nullopt);
    const TileStatics& same = back->statics;
    EXPECT_EQ(same.unit.region, tile.unit.region);
    EXPECT_EQ(same.unit.window, tile.unit.window);
    EXPECT_EQ(same.unit.cells, tile.unit.cells);
    EXPECT_EQ(same.cells, tile.cells);
    EXPECT_EQ(same.static_names, tile.static_names);
    EXPECT_EQ(same.statics, tile.statics);
    EXPECT_EQ(same.inside, tile.inside);
    EXPECT_EQ(same.without_static, tile.without_static);
    EXPECT_EQ(same.without_crop, tile.without_crop);
    ASSERT_EQ(same.crops.size(), tile.crops.size());
    for (size_t k = 0; k < same.crops.size(); ++k) {
      EXPECT_EQ(same.crops[k].year, tile.crops[k].year);
      EXPECT_EQ(same.crops[k].substituted, tile.crops[k].substituted);
      EXPECT_EQ(same.crops[k].type, tile.crops[k].type);
      EXPECT_EQ(same.crops[k].share, tile.crops[k].share);
    }
  }
}

TEST(AlignedInputsFile, OfAnotherTileOrKeyIsAbsent) {
  const TileStatics tile = small_tile(false);
  TileUnit other = tile.unit;
  ++other.window.width;
  EXPECT_FALSE(parse_aligned_inputs(file_of(tile), "x", other, "key"));
  EXPECT_FALSE(parse_aligned_inputs(file_of(tile), "x", tile.unit, "of another model"));
}

TEST(AlignedInputsFile, NoFlippedBitAndNoMissingByteIsOverlooked) {
  const TileStatics tile = small_tile(false);
  expect_no_damage_passes(file_of(tile), [&](const std::string& bytes) {
    return parse_aligned_inputs(bytes, "x", tile.unit, "key");
  });
}

TEST(AlignedInputsFile, WhatDoesNotHangTogetherIsAbsent) {
  const TileStatics tile = small_tile(true);
  const std::string bytes = file_of(tile);
  const Safetensors good =
      parse_safetensors(std::string_view(bytes).substr(0, bytes.size() - 8), "x");
  const auto parse = [&](const Tensors& tensors, const Metadata& metadata) {
    return parse_aligned_inputs(sealed(format_safetensors(tensors, metadata)), "x", tile.unit,
                                "key");
  };
  ASSERT_TRUE(parse(good.tensors, good.metadata));
  for (const auto& [name, tensor] : good.tensors) {
    Tensors wrong = good.tensors;
    wrong.erase(name);
    EXPECT_FALSE(parse(wrong, good.metadata)) << "without " << name;
    if (name == "crop0.type" || name == "crop1.type") continue;  // empty
    wrong = good.tensors;
    wrong[name] = Tensor::of(DType::F32, {1}, std::vector<float>{1});
    EXPECT_FALSE(parse(wrong, good.metadata)) << "of one number: " << name;
  }
  for (const auto& [name, value] : good.metadata) {
    Metadata wrong = good.metadata;
    wrong.erase(name);
    EXPECT_FALSE(parse(good.tensors, wrong)) << "without " << name;
    if (name == "statics_key") continue;  // any text
    wrong[name] = "[\"of another kind\"]";
    EXPECT_FALSE(parse(good.tensors, wrong)) << name << " of another kind";
  }
  Tensors outside = good.tensors;
  outside["cells"] = Tensor::of(DType::I64, {3, 2}, std::vector<int64_t>{-7, 40, -6, 40, -5, 41});
  EXPECT_FALSE(parse(outside, good.metadata));
}

}  // namespace
}  // namespace fluxtile
