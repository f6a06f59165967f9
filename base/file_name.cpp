// SPDX-License-Identifier: Apache-2.0
#include "base/file_name.h"

namespace fluxtile {

std::string file_name_of(const std::string& name) {
  static const char digits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || (c == '.' && !text.empty());
    if (plain) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += '%';
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
  return text.empty() ? "%00" : text;
}

bool is_file_name(const std::string& name) noexcept {
  constexpr size_t longest = 255;
  return !name.empty() && name.size() <= longest && name != "." && name != ".." &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

}  // namespace fluxtile
