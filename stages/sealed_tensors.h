// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "geo/lattice.h"
#include "model/safetensors.h"

// Inside stages/ alone: the file format of what a tile leaves behind. Safetensors with a metadata
// block and an 8-byte xxh3 trailer; metadata `format` is kind and number.
namespace fluxtile {

/// `format` of a kind as files of today carry it, e.g. "fluxtile-state 2".
std::string tile_file_format(const std::string& kind);

/// A file of this kind before it is written. Refers to the arrays it was made of.
class SealedTensors {
 public:
  SealedTensors(const TensorViews& tensors, const Metadata& metadata);
  [[nodiscard]] std::vector<std::string_view> parts() const;
  [[nodiscard]] std::string bytes() const;

 private:
  SafetensorsParts file_;
  std::string trailer_;
};

/// What a file of the kind holds; refers to `bytes`. nullopt for one that is truncated, flipped or
/// foreign. Throws Error(data) for a newer format, which the user must know of.
std::optional<SafetensorsViews> open_sealed(const std::string& bytes, const std::string& kind,
                                            const std::string& path);

/// [cell][column, row]
std::vector<int64_t> flat_cells(const std::vector<CellIndex>& cells);
TensorView cells_tensor(const std::vector<int64_t>& flat);

// Where something is missing or has another size these throw std::out_of_range; see tolerant().
std::vector<CellIndex> cells_of(const TensorView& tensor);

template <typename T>
std::vector<T> values_of(const TensorView& tensor) {
  if (size_of(tensor.type) != sizeof(T)) throw std::out_of_range("type");
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

template <typename T>
std::vector<T> values_of(const SafetensorsViews& file, const std::string& name, size_t expected) {
  const TensorView& tensor = file.tensors.at(name);
  if (tensor.bytes.size() != expected * sizeof(T)) throw std::out_of_range(name);
  return values_of<T>(tensor);
}

/// Runs `parse`; a file whose content does not hang together counts as absent.
template <typename Parse>
auto tolerant(Parse parse) -> decltype(parse()) {
  try {
    return parse();
  } catch (const std::out_of_range&) {
    return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace fluxtile
