// SPDX-License-Identifier: Apache-2.0
#include "stages/aligned_inputs.h"

#include <algorithm>

#include "stages/sealed_tensors.h"

namespace fluxtile {
namespace {

using nlohmann::json;

constexpr const char* kKind = "fluxtile-inputs";

std::string text_of(const CellWindow& window) {
  return json({window.column, window.row, window.width, window.height}).dump();
}

/// Names of a crop map's tensors.
std::string type_name(size_t k) { return "crop" + std::to_string(k) + ".type"; }
std::string share_name(size_t k) { return "crop" + std::to_string(k) + ".share"; }

TensorView floats(const std::vector<float>& values) {
  return TensorView::of(DType::F32, {static_cast<int64_t>(values.size())}, values);
}

}  // namespace

std::optional<size_t> AlignedInputs::find(const std::string& key) const {
  const auto found = std::find(composite_keys.begin(), composite_keys.end(), key);
  if (found == composite_keys.end()) return std::nullopt;
  return static_cast<size_t>(found - composite_keys.begin());
}

std::string format_aligned_inputs(const AlignedInputsView& inputs, const std::string& result_key) {
  const TileStatics& tile = inputs.statics;
  const auto flat = flat_cells(tile.cells);
  TensorViews tensors;
  tensors["cells"] = cells_tensor(flat);
  tensors["statics"] = floats(tile.statics);
  tensors["composites"] = floats(inputs.composites);
  tensors["below_zero"] = TensorView::of(
      DType::I64, {static_cast<int64_t>(inputs.below_zero.size())}, inputs.below_zero);
  json crops = json::array();
  for (size_t k = 0; k < tile.crops.size(); ++k) {
    const TileCrop& crop = tile.crops[k];
    crops.push_back({crop.year, crop.substituted});
    tensors[type_name(k)] = floats(crop.type);
    tensors[share_name(k)] = floats(crop.share);
  }
  Metadata metadata;
  metadata["format"] = tile_file_format(kKind);
  metadata["result_key"] = result_key;
  metadata["window"] = text_of(tile.unit.window);
  metadata["statics_key"] = inputs.statics_key;
  metadata["static_names"] = json(tile.static_names).dump();
  metadata["composite_keys"] = json(inputs.composite_keys).dump();
  metadata["crops"] = crops.dump();
  metadata["counts"] = json({tile.inside, tile.without_static, tile.without_crop}).dump();
  return SealedTensors(tensors, metadata).bytes();
}

std::optional<AlignedInputs> parse_aligned_inputs(const std::string& bytes, const std::string& path,
                                                  const TileUnit& unit,
                                                  const std::string& result_key) {
  const auto opened = open_sealed(bytes, kKind, path);
  if (!opened) return std::nullopt;
  const SafetensorsViews& file = *opened;
  return tolerant([&]() -> std::optional<AlignedInputs> {
    const auto& meta = file.metadata;
    if (meta.at("result_key") != result_key || meta.at("window") != text_of(unit.window))
      return std::nullopt;
    AlignedInputs inputs;
    inputs.statics_key = meta.at("statics_key");
    inputs.composite_keys = json::parse(meta.at("composite_keys")).get<std::vector<std::string>>();
    TileStatics& tile = inputs.statics;
    tile.unit = unit;
    tile.cells = cells_of(file.tensors.at("cells"));
    for (const CellIndex& cell : tile.cells)
      if (!unit.window.contains(cell)) return std::nullopt;
    const size_t n = tile.cells.size();
    tile.static_names = json::parse(meta.at("static_names")).get<std::vector<std::string>>();
    tile.statics = values_of<float>(file, "statics", n * tile.static_names.size());
    const auto counts = json::parse(meta.at("counts")).get<std::vector<int64_t>>();
    tile.inside = counts.at(0);
    tile.without_static = counts.at(1);
    tile.without_crop = counts.at(2);
    const json crops = json::parse(meta.at("crops"));
    for (size_t k = 0; k < crops.size(); ++k) {
      TileCrop crop;
      crop.year = crops.at(k).at(0).get<int>();
      crop.substituted = crops.at(k).at(1).get<bool>();
      crop.type = values_of<float>(file.tensors.at(type_name(k)));
      crop.share = values_of<float>(file.tensors.at(share_name(k)));
      const bool fits = crop.share.empty()
                            ? crop.type.size() == n
                            : n > 0 && crop.type.empty() && crop.share.size() % n == 0;
      if (!fits) return std::nullopt;
      tile.crops.push_back(std::move(crop));
    }
    inputs.below_zero = values_of<int64_t>(file, "below_zero", inputs.composite_keys.size());
    inputs.composites = values_of<float>(file, "composites", n * inputs.composite_keys.size());
    return inputs;
  });
}

}  // namespace fluxtile
