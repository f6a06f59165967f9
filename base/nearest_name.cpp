// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <utility>

namespace fluxtile {
namespace {

std::string folded(const std::string& text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

std::vector<std::string> nearest_names(const std::string& wanted,
                                       const std::vector<std::string>& names, size_t limit) {
  const std::string key = folded(wanted);
  std::vector<std::pair<size_t, std::string>> scored;
  for (const auto& name : names) {
    const std::string candidate = folded(name);
    size_t distance = edit_distance(key, candidate);
    if (!key.empty() && candidate.find(key) != std::string::npos)
      distance = std::min<size_t>(distance, 1);
    if (distance <= std::max<size_t>(2, key.size() / 3)) scored.emplace_back(distance, name);
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (size_t i = 0; i < std::min(limit, scored.size()); ++i) best.push_back(scored[i].second);
  return best;
}

std::string suggestion(const std::string& wanted, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  const auto near = nearest_names(wanted, names);
  if (!near.empty()) return "did you mean " + joined(near) + "?";
  constexpr size_t shown = 12;
  std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size())));
  return "known: " + joined(first) + (names.size() > shown ? ", ..." : "");
}

}  // namespace fluxtile
