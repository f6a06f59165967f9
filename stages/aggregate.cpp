// SPDX-License-Identifier: Apache-2.0
#include "stages/aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Derived variables as signed sums of stored ones.
const std::map<std::string, std::vector<std::pair<const char*, double>>>& formulas() {
  static const std::map<std::string, std::vector<std::pair<const char*, double>>> table = {
      {"reco", {{"ra", 1}, {"rh", 1}}},
      {"npp", {{"gpp", 1}, {"ra", -1}}},
      {"nee_balance", {{"ra", 1}, {"rh", 1}, {"gpp", -1}}},
      {"closure", {{"nee", 1}, {"ra", -1}, {"rh", -1}, {"gpp", 1}}},
      {"dsoc", {{"nee", -1}, {"yield", -1}}},
  };
  return table;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::pair<std::string, double>> terms_of(const std::string& variable) {
  const auto found = formulas().find(variable);
  if (found == formulas().end()) return {{variable, 1.0}};
  std::vector<std::pair<std::string, double>> terms;
  for (const auto& [name, sign] : found->second) terms.emplace_back(name, sign);
  return terms;
}

size_t position(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(Code::data, "the model does not give the variable `" + name + "`");
  return static_cast<size_t>(found - names.begin());
}

std::vector<double> shares_of(const TileYear& year) {
  std::vector<double> share(year.cells.size(), 0.0);
  for (const auto& member : year.members) {
    for (size_t i = 0; i < share.size(); ++i) share[i] += static_cast<double>(member.weight[i]);
  }
  return share;
}

/// Mixes `layers` layers of one variable; `pick(member, layer)` points to its [cell] values.
template <typename Pick>
std::vector<double> mix(const TileYear& year, size_t layers, Pick pick) {
  const size_t n = year.cells.size();
  std::vector<double> out(layers * n, kNan);
  for (size_t layer = 0; layer < layers; ++layer) {
    for (size_t i = 0; i < n; ++i) {
      double sum = 0, weight = 0;
      for (const auto& member : year.members) {
        const double w = member.weight[i];
        if (w <= 0) continue;
        sum += w * static_cast<double>(pick(member.result, layer)[i]);
        weight += w;
      }
      if (weight > 0) out[layer * n + i] = sum / weight;
    }
  }
  return out;
}

void add_scaled(std::vector<double>& total, const std::vector<double>& term, double sign) {
  if (total.empty()) total.assign(term.size(), 0.0);
  for (size_t i = 0; i < term.size(); ++i) total[i] += sign * term[i];
}

}  // namespace

const std::vector<std::string>& derived_variables() {
  static const std::vector<std::string> names = {"reco", "npp", "nee_balance", "closure", "dsoc"};
  return names;
}

bool annual_only(const std::string& variable) {
  return variable == "yield" || variable == "residue" || variable == "dsoc";
}

bool can_give(const std::vector<std::string>& variables,
              const std::vector<std::string>& annual_variables, const std::string& variable) {
  for (const auto& [name, sign] : terms_of(variable)) {
    if (!has(variables, name) && !has(annual_variables, name)) return false;
  }
  return true;
}

CellYear Aggregate::operator()(const TileYear& year, const std::string& variable) const {
  const size_t n = year.cells.size();
  CellYear out;
  out.share = shares_of(year);
  for (const auto& [name, sign] : terms_of(variable)) {
    if (has(year.annual_variables, name)) {
      const size_t v = position(year.annual_variables, name);
      add_scaled(
          out.annual,
          mix(year, 1,
              [&](const MemberYear& member, size_t) { return member.annual.data() + v * n; }),
          sign);
      continue;
    }
    const size_t v = position(year.variables, name);
    const auto sums = mix(year, 12, [&](const MemberYear& member, size_t month) {
      return member.monthly.data() + (v * 12 + month) * n;
    });
    if (!annual_only(variable)) {
      add_scaled(out.sums, sums, sign);
    } else {
      std::vector<double> total(n, 0.0);
      for (size_t month = 0; month < 12; ++month) {
        if (year.month_days[month] == 0) continue;
        for (size_t i = 0; i < n; ++i) total[i] += sums[month * n + i];
      }
      add_scaled(out.annual, total, sign);
    }
  }
  if (!out.sums.empty()) {
    out.annual.assign(n, 0.0);
    for (size_t month = 0; month < 12; ++month) {
      if (year.month_days[month] == 0) continue;
      for (size_t i = 0; i < n; ++i) out.annual[i] += out.sums[month * n + i];
    }
  }
  return out;
}

std::vector<uint16_t> Aggregate::flags(const TileYear& year) const {
  const size_t n = year.cells.size();
  std::vector<uint16_t> out(12 * n, not_modelled);
  for (size_t month = 0; month < 12; ++month) {
    if (year.month_days[month] == 0) continue;
    for (size_t i = 0; i < n; ++i) {
      for (const auto& member : year.members) {
        if (member.weight[i] <= 0) continue;
        const uint16_t flag = member.result.flags[month * n + i];
        uint16_t& all = out[month * n + i];
        all = all == not_modelled ? flag : static_cast<uint16_t>(all | flag);
      }
    }
  }
  return out;
}

std::vector<double> Aggregate::daily(const TileYear& year, const std::string& variable,
                                     size_t day) const {
  const size_t n = year.cells.size(), days = static_cast<size_t>(year.step.days);
  std::vector<double> out;
  for (const auto& [name, sign] : terms_of(variable)) {
    const size_t v = position(year.variables, name);
    add_scaled(out,
               mix(year, 1,
                   [&](const MemberYear& member, size_t) {
                     return member.daily.data() + (v * days + day) * n;
                   }),
               sign);
  }
  return out;
}

}  // namespace fluxtile
