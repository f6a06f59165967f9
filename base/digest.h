// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxtile {

/// SHA-256 of bytes, 64 lower-case hex digits. For model files and provenance.
std::string sha256(std::string_view bytes);

/// SHA-256 of a file, read in pieces. Throws Error as read_file() does.
std::string sha256_file(const std::string& path);

/// False in a FLUXTILE_ONLY_MODEL build made without OpenSSL: then sha256 throws Error(internal).
bool sha256_available() noexcept;

/// 128-bit xxh3 over a sequence of values, for keys, chains and trailers. Not safe against an
/// adversary. add() calls are concatenated without separators except add_text(), which also adds
/// its length.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&& other) noexcept;
  Digest& operator=(Digest&& other) noexcept;

  Digest& add(const void* data, size_t bytes);
  Digest& add_text(std::string_view text);
  template <typename T>
  Digest& add_value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return add(&value, sizeof value);
  }
  /// 32 lower-case hex digits of everything added so far.
  [[nodiscard]] std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// xxh3-64 of bytes.
uint64_t xxh3_64(const void* data, size_t bytes) noexcept;
/// The same of bytes that lie in pieces.
uint64_t xxh3_64(const std::vector<std::string_view>& parts);

}  // namespace fluxtile
