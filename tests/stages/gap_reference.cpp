// SPDX-License-Identifier: Apache-2.0
#include "tests/stages/gap_reference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fluxtile {
namespace {

double middle(const ReferenceComposite& c) {
  return (static_cast<double>(c.first) + static_cast<double>(c.end - 1)) / 2;
}

std::map<int64_t, double> known_days(const std::vector<ReferenceComposite>& all, bool linear) {
  std::map<int64_t, double> known;
  for (size_t k = 0; k < all.size(); ++k) {
    const auto& c = all[k];
    if (std::isnan(c.value)) continue;
    if (!linear) {
      for (int64_t d = c.first; d < c.end; ++d) known[d] = c.value;
      continue;
    }
    const double own = middle(c);
    if (own == std::floor(own)) known[static_cast<int64_t>(own)] = c.value;
    if (k == 0) {
      for (int64_t d = c.first; static_cast<double>(d) < own; ++d) known[d] = c.value;
    }
    if (k + 1 == all.size()) {
      for (int64_t d = c.end - 1; static_cast<double>(d) > own; --d) known[d] = c.value;
      continue;
    }
    const auto& next = all[k + 1];
    if (next.first != c.end || std::isnan(next.value)) continue;
    const double theirs = middle(next);
    for (auto d = static_cast<int64_t>(std::ceil(own)); static_cast<double>(d) <= theirs; ++d) {
      const double share = (static_cast<double>(d) - own) / (theirs - own);
      known[d] = c.value + (next.value - c.value) * share;
    }
  }
  return known;
}

}  // namespace

ReferenceYear reference_year(const std::vector<ReferenceComposite>& composites,
                             const ReferenceRules& rules, int64_t start, int64_t days) {
  ReferenceYear year;
  const auto n = static_cast<size_t>(days);
  year.values.assign(n, std::nan(""));
  year.filled.assign(n, false);
  year.provisional.assign(n, false);
  const auto known = known_days(composites, rules.linear);
  std::vector<const ReferenceComposite*> valid;
  for (const auto& c : composites) {
    if (!std::isnan(c.value)) valid.push_back(&c);
  }
  if (valid.empty()) return year;
  // Days d for which d - 0.5 is the middle of a composite with a value: a gap ends there although
  // no whole day has that value.
  std::set<int64_t> borders;
  for (const auto* c : valid) {
    if (rules.linear && middle(*c) != std::floor(middle(*c)))
      borders.insert(static_cast<int64_t>(std::ceil(middle(*c))));
  }
  const int64_t record_first = composites.front().first, record_end = composites.back().end;
  const int64_t begin = std::min(rules.run_first, record_first);

  year.modelled = true;
  for (int64_t day = start; day < start + days; ++day) {
    const auto d = static_cast<size_t>(day - start);
    const auto found = known.find(day);
    if (found != known.end()) {
      year.values[d] = found->second;
      year.provisional[d] = rules.linear && valid.back() == &composites.back() &&
                            static_cast<double>(day) > middle(composites.back());
      continue;
    }
    year.filled[d] = true;
    const bool waiting = day >= record_end;
    // The stretch of unknown days around this one, as far as it counts.
    int64_t first = waiting ? record_end : day, end = waiting ? record_end : day + 1;
    while (first > begin && known.count(first - 1) == 0 && borders.count(first) == 0) --first;
    while (end < record_end && known.count(end) == 0 && borders.count(end) == 0) ++end;
    if (end - first > rules.max_gap) year.modelled = false;
    // Its ends: the nearest values before and after.
    const ReferenceComposite *before = nullptr, *after = nullptr;
    for (const auto* c : valid) {
      const double at = rules.linear ? middle(*c) : static_cast<double>(c->first);
      if (at < static_cast<double>(day)) before = c;
      if (at > static_cast<double>(day) && after == nullptr) after = c;
    }
    if (before == nullptr || after == nullptr) {
      year.values[d] = before == nullptr ? after->value : before->value;
      year.provisional[d] = after == nullptr;
      continue;
    }
    const double a = rules.linear ? middle(*before) : static_cast<double>(before->end - 1);
    const double b = rules.linear ? middle(*after) : static_cast<double>(after->first);
    year.values[d] =
        before->value + (after->value - before->value) * (static_cast<double>(day) - a) / (b - a);
  }
  return year;
}

}  // namespace fluxtile
