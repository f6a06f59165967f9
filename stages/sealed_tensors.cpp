// SPDX-License-Identifier: Apache-2.0
#include "stages/sealed_tensors.h"

#include <cstdlib>

#include "base/digest.h"
#include "base/error.h"

namespace fluxtile {
namespace {

constexpr int kFormat = 2;
constexpr size_t kTrailer = 8;

/// The bytes before a trailer that fits them; nullopt otherwise.
std::optional<std::string_view> checked(const std::string& bytes) {
  if (bytes.size() <= kTrailer) return std::nullopt;
  uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - kTrailer, kTrailer);
  if (xxh3_64(bytes.data(), bytes.size() - kTrailer) != sum) return std::nullopt;
  return std::string_view(bytes).substr(0, bytes.size() - kTrailer);
}

/// True when the file is of this kind and format.
bool is_format(const Metadata& metadata, const std::string& kind, const std::string& path) {
  const auto found = metadata.find("format");
  if (found == metadata.end() || found->second.rfind(kind + " ", 0) != 0) return false;
  const int version = std::atoi(found->second.c_str() + kind.size() + 1);
  if (version > kFormat) {
    throw Error(Code::data, "this file was written by a newer fluxtile")
        .file(path)
        .found("format " + std::to_string(version))
        .expected("at most " + std::to_string(kFormat))
        .hint("use that version, or another outputs.directory, or --fresh");
  }
  return version == kFormat;
}

}  // namespace

std::string tile_file_format(const std::string& kind) {
  return kind + " " + std::to_string(kFormat);
}

SealedTensors::SealedTensors(const TensorViews& tensors, const Metadata& metadata)
    : file_(lay_out_safetensors(tensors, metadata)) {
  const uint64_t sum = xxh3_64(parts());
  trailer_.assign(reinterpret_cast<const char*>(&sum), kTrailer);
}

std::vector<std::string_view> SealedTensors::parts() const {
  std::vector<std::string_view> all = {file_.header};
  all.insert(all.end(), file_.arrays.begin(), file_.arrays.end());
  if (!trailer_.empty()) all.emplace_back(trailer_);
  return all;
}

std::string SealedTensors::bytes() const {
  std::string text;
  for (const auto& part : parts()) text += part;
  return text;
}

std::optional<SafetensorsViews> open_sealed(const std::string& bytes, const std::string& kind,
                                            const std::string& path) {
  const auto body = checked(bytes);
  if (!body) return std::nullopt;
  auto viewed = attempt([&] { return view_safetensors(*body, path); });
  if (!viewed.ok() || !is_format(viewed.value().metadata, kind, path)) return std::nullopt;
  return std::move(viewed.value());
}

std::vector<int64_t> flat_cells(const std::vector<CellIndex>& cells) {
  std::vector<int64_t> flat;
  flat.reserve(2 * cells.size());
  for (const auto& cell : cells) {
    flat.push_back(cell.column);
    flat.push_back(cell.row);
  }
  return flat;
}

TensorView cells_tensor(const std::vector<int64_t>& flat) {
  return TensorView::of(DType::I64, {static_cast<int64_t>(flat.size() / 2), 2}, flat);
}

std::vector<CellIndex> cells_of(const TensorView& tensor) {
  if (tensor.type != DType::I64) throw std::out_of_range("cells");
  const auto flat = values_of<int64_t>(tensor);
  if (flat.size() % 2 != 0) throw std::out_of_range("cells");
  std::vector<CellIndex> cells(flat.size() / 2);
  for (size_t i = 0; i < cells.size(); ++i) cells[i] = {flat[2 * i], flat[2 * i + 1]};
  return cells;
}

}  // namespace fluxtile
