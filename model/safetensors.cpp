// SPDX-License-Identifier: Apache-2.0
#include "model/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"

namespace fluxtile {
namespace {

using nlohmann::json;

constexpr size_t length_bytes = 8;
constexpr size_t largest_header = size_t{16} << 20;
constexpr size_t most_dimensions = 8;
constexpr int deepest_header = 3;  // {tensor: {shape: [..]}}
constexpr const char* metadata_key = "__metadata__";

constexpr std::pair<DType, const char*> type_names[] = {{DType::F32, "F32"}, {DType::F64, "F64"},
                                                        {DType::I32, "I32"}, {DType::I64, "I64"},
                                                        {DType::U8, "U8"},   {DType::U16, "U16"}};

const char* name_of(DType type) {
  for (const auto& [known, name] : type_names)
    if (known == type) return name;
  throw Error(Code::internal, "tensor of unknown type");
}

Error broken(const std::string& file, const std::string& what) {
  return Error(Code::data, "broken safetensors file: " + what).file(file);
}

Error broken(const std::string& file, const std::string& tensor, const std::string& what) {
  return Error(Code::data, "broken safetensors file: tensor '" + tensor + "' " + what).file(file);
}

json parse_header(std::string_view text, const std::string& file) {
  if (text.empty() || text.front() != '{') throw broken(file, "the header does not begin with '{'");
  std::set<std::string> seen;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > deepest_header) throw broken(file, "the header is nested too deeply");
    if (event == json::parse_event_t::key && depth == 1 &&
        !seen.insert(value.get<std::string>()).second)
      throw broken(file, value.get<std::string>(), "is there twice");
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception&) {
    throw broken(file, "the header is no valid JSON");
  }
}

Metadata parse_metadata(const json& node, const std::string& file) {
  if (!node.is_object()) throw broken(file, "__metadata__ is no object");
  Metadata metadata;
  for (const auto& [key, value] : node.items()) {
    if (!value.is_string()) throw broken(file, "__metadata__ entry '" + key + "' is no text");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// Where a tensor's bytes lie in the data section.
struct Extent {
  uint64_t begin = 0, end = 0;
  const std::string* name = nullptr;
};

std::pair<TensorView, Extent> parse_entry(const std::string& name, const json& node,
                                          uint64_t data_size, const std::string& file) {
  if (!node.is_object() || node.size() != 3 || !node.contains("dtype") || !node.contains("shape") ||
      !node.contains("data_offsets"))
    throw broken(file, name, "needs exactly dtype, shape and data_offsets");
  const json& dtype = node["dtype"];
  const json& shape = node["shape"];
  const json& offsets = node["data_offsets"];

  TensorView tensor;
  const auto* known =
      std::find_if(std::begin(type_names), std::end(type_names),
                   [&](const auto& entry) { return dtype.is_string() && dtype == entry.second; });
  if (known == std::end(type_names))
    throw broken(file, name, "has a type that is not read here")
        .found(dtype.dump(-1, ' ', false, json::error_handler_t::replace))
        .expected("F32, F64, I32, I64, U8 or U16")
        .hint("convert it before saving, e.g. tensor.float()");
  tensor.type = known->first;

  if (!shape.is_array()) throw broken(file, name, "has a shape that is no list");
  if (shape.size() > most_dimensions) throw broken(file, name, "has too many dimensions");
  uint64_t bytes = size_of(tensor.type);
  bool empty = false;
  for (const json& extent : shape) {
    if (!extent.is_number_unsigned()) throw broken(file, name, "has a shape that is not of counts");
    const auto n = extent.get<uint64_t>();
    if (n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      throw broken(file, name, "has an overflowing shape");
    if (n == 0) empty = true;
    if (n != 0 && bytes > std::numeric_limits<uint64_t>::max() / n)
      throw broken(file, name, "has an overflowing shape");
    if (n != 0) bytes *= n;
    tensor.shape.push_back(static_cast<int64_t>(n));
  }
  if (empty) bytes = 0;

  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    throw broken(file, name, "has data_offsets that are not [begin, end]");
  Extent extent{offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>(), &name};
  if (extent.begin > extent.end || extent.end > data_size)
    throw broken(file, name, "lies outside the file")
        .found("bytes " + std::to_string(extent.begin) + " to " + std::to_string(extent.end))
        .expected("within " + std::to_string(data_size) + " bytes of data")
        .hint("the file may be cut off: copy it again");
  if (extent.end - extent.begin != bytes)
    throw broken(file, name, "has a size that does not fit its shape")
        .found(std::to_string(extent.end - extent.begin) + " bytes")
        .expected(std::to_string(bytes) + " bytes");
  if (extent.begin % size_of(tensor.type) != 0) throw broken(file, name, "is not aligned");
  return {std::move(tensor), extent};
}

}  // namespace

size_t size_of(DType type) noexcept {
  switch (type) {
    case DType::F64:
    case DType::I64:
      return 8;
    case DType::U16:
      return 2;
    case DType::U8:
      return 1;
    case DType::F32:
    case DType::I32:
      break;
  }
  return 4;
}

size_t Tensor::count() const noexcept { return bytes.size() / size_of(type); }

SafetensorsViews view_safetensors(std::string_view bytes, const std::string& name) {
  if (bytes.size() < length_bytes)
    throw broken(name, "shorter than its 8-byte length")
        .found(std::to_string(bytes.size()) + " bytes");
  uint64_t header_size = 0;
  for (size_t i = length_bytes; i-- > 0;)
    header_size = header_size << 8 | static_cast<unsigned char>(bytes[i]);
  if (header_size > bytes.size() - length_bytes || header_size > largest_header)
    throw broken(name, "the header does not fit")
        .found("a header of " + std::to_string(header_size) + " bytes in a file of " +
               std::to_string(bytes.size()))
        .hint(bytes.substr(0, 2) == "PK" ? "this is a PyTorch archive: save the state_dict with "
                                           "safetensors.torch.save_file"
                                         : "the file may be cut off or of another format");
  const json header = parse_header(bytes.substr(length_bytes, header_size), name);
  const std::string_view data = bytes.substr(length_bytes + header_size);

  SafetensorsViews result;
  std::vector<Extent> extents;
  for (const auto& item : header.items()) {
    if (item.key() == metadata_key) {
      result.metadata = parse_metadata(item.value(), name);
      continue;
    }
    auto [tensor, extent] = parse_entry(item.key(), item.value(), data.size(), name);
    const auto place = result.tensors.emplace(item.key(), std::move(tensor)).first;
    extent.name = &place->first;
    extents.push_back(extent);
  }
  // The data section is covered without overlap or gap, so copies of the arrays take no more memory
  // than the file has.
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t reached = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != reached)
      throw broken(name, *extent.name,
                   extent.begin < reached ? "overlaps another" : "follows a gap");
    reached = extent.end;
  }
  if (reached != data.size())
    throw broken(name, "there are bytes after the last tensor")
        .found(std::to_string(data.size()) + " bytes of data")
        .expected(std::to_string(reached));
  for (const Extent& extent : extents)
    result.tensors.at(*extent.name).bytes = data.substr(extent.begin, extent.end - extent.begin);
  return result;
}

Safetensors parse_safetensors(std::string_view bytes, const std::string& name) {
  SafetensorsViews views = view_safetensors(bytes, name);
  Safetensors result;
  result.metadata = std::move(views.metadata);
  for (auto& [key, view] : views.tensors) {
    Tensor& tensor = result.tensors[key];
    tensor.type = view.type;
    tensor.shape = std::move(view.shape);
    tensor.bytes.assign(view.bytes.begin(), view.bytes.end());
  }
  return result;
}

SafetensorsParts lay_out_safetensors(const TensorViews& tensors, const Metadata& metadata) {
  // Wide types first: every tensor is then aligned to its own type.
  std::vector<const TensorViews::value_type*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.type) > size_of(b->second.type);
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[metadata_key] = metadata;
  SafetensorsParts parts;
  size_t reached = 0;
  for (const auto* entry : order) {
    const TensorView& tensor = entry->second;
    size_t bytes = size_of(tensor.type);
    for (const int64_t extent : tensor.shape) bytes *= static_cast<size_t>(extent);
    if (bytes != tensor.bytes.size())
      throw Error(Code::internal,
                  "tensor '" + entry->first + "' has bytes that do not fit its shape");
    header[entry->first] = {{"dtype", name_of(tensor.type)},
                            {"shape", tensor.shape},
                            {"data_offsets", {reached, reached + tensor.bytes.size()}}};
    reached += tensor.bytes.size();
    parts.arrays.push_back(tensor.bytes);
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
  for (size_t i = 0; i < length_bytes; ++i)
    parts.header.push_back(static_cast<char>(text.size() >> (8 * i) & 0xff));
  parts.header += text;
  return parts;
}

std::string format_safetensors(const Tensors& tensors, const Metadata& metadata) {
  TensorViews views;
  for (const auto& [name, tensor] : tensors)
    views[name] = {tensor.type, tensor.shape, {tensor.bytes.data(), tensor.bytes.size()}};
  const SafetensorsParts parts = lay_out_safetensors(views, metadata);
  size_t bytes = parts.header.size();
  for (const auto& array : parts.arrays) bytes += array.size();
  std::string out;
  out.reserve(bytes);
  out += parts.header;
  for (const auto& array : parts.arrays) out += array;
  return out;
}

}  // namespace fluxtile
