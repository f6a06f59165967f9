// SPDX-License-Identifier: Apache-2.0
#include "base/safe_text.h"

#include <cstdlib>

namespace fluxtile {
namespace {

struct Character {
  size_t bytes = 1;
  bool plain = false;  ///< may be shown as it is
};

bool turns_direction(unsigned code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0x200E || code == 0x200F;
}

/// The character that begins at `at`: one byte that is not plain where the bytes are no UTF-8.
Character character_at(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0x80) return {1, first >= 0x20 && first != 0x7F};
  const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + bytes > text.size()) return {};
  unsigned code = first & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  const bool shortest = code >= (bytes == 4 ? 0x10000U : bytes == 3 ? 0x800U : 0x80U);
  if (!shortest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {bytes, code >= 0xA0 && !turns_direction(code)};
}

}  // namespace

bool is_plain_text(const std::string& text) noexcept {
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (!c.plain) return false;
    at += c.bytes;
  }
  return true;
}

std::string visible_text(const std::string& text) {
  static const char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    for (size_t i = at; i < at + c.bytes; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (c.plain || byte == '\n')
        out += text[i];
      else
        out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
    at += c.bytes;
  }
  return out;
}

std::string log_lines(const std::string& text) {
  const std::string shown = visible_text(text);
  std::string out;
  out.reserve(shown.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    out += shown[i];
    if (shown[i] == '\n' && shown.compare(i + 1, 2, "  ") != 0) out += "  ";
  }
  return out;
}

std::string csv_field(const std::string& text) {
  std::string field = text;
  if (!text.empty() && std::string("=+-@\t\r").find(text.front()) != std::string::npos) {
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    const bool signed_text = text.front() == '+' || text.front() == '-';  // not "\t5"
    const bool number = signed_text && end == text.c_str() + text.size();
    if (!number) field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",\"\n\r") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace fluxtile
