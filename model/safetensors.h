// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fluxtile {

enum class DType { F32, F64, I32, I64, U8, U16 };
size_t size_of(DType type) noexcept;

/// A named dense array, row-major, little-endian bytes.
struct Tensor {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  [[nodiscard]] size_t count() const noexcept;
  template <typename T>
  [[nodiscard]] const T* data() const noexcept {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <typename T>
  static Tensor of(DType type, std::vector<int64_t> shape, const std::vector<T>& values);
};

using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// A parsed safetensors file: 8-byte header length, JSON header, raw data.
struct Safetensors {
  Tensors tensors;
  Metadata metadata;
};

/// An array that lies elsewhere.
struct TensorView {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::string_view bytes;
  template <typename T>
  static TensorView of(DType type, std::vector<int64_t> shape, const std::vector<T>& values);
};
using TensorViews = std::map<std::string, TensorView>;

/// A parsed file whose arrays lie in the bytes it was parsed from, aligned as those happen to be.
struct SafetensorsViews {
  TensorViews tensors;
  Metadata metadata;
};

/// Every size is checked against the buffer before memory is taken: overlapping, out-of-range or
/// misaligned offsets, wrong shapes, unknown types, oversized headers throw Error(data) with `name`
/// as file.
Safetensors parse_safetensors(std::string_view bytes, const std::string& name);
/// The same without copies of the arrays: `bytes` must outlive the result.
SafetensorsViews view_safetensors(std::string_view bytes, const std::string& name);
std::string format_safetensors(const Tensors& tensors, const Metadata& metadata);

/// A safetensors file as its header and the arrays that follow it, which are not copied: they must
/// outlive this.
struct SafetensorsParts {
  std::string header;  ///< with the length before it
  std::vector<std::string_view> arrays;
};
SafetensorsParts lay_out_safetensors(const TensorViews& tensors, const Metadata& metadata);

template <typename T>
Tensor Tensor::of(DType type, std::vector<int64_t> shape, const std::vector<T>& values) {
  Tensor t;
  t.type = type;
  t.shape = std::move(shape);
  const char* begin = reinterpret_cast<const char*>(values.data());
  t.bytes.assign(begin, begin + values.size() * sizeof(T));
  return t;
}

template <typename T>
TensorView TensorView::of(DType type, std::vector<int64_t> shape, const std::vector<T>& values) {
  return {type,
          std::move(shape),
          {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)}};
}

}  // namespace fluxtile
