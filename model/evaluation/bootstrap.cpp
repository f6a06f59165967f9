// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "model/evaluation/scores.h"

namespace fluxtile {
namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double relative(double first, double second) {
  if (first > 0) return (second - first) / first;
  return second == first ? 0 : kNone;
}

/// How often each of `size` things is drawn when `size` are drawn with replacement.
void draw(std::mt19937_64& random, std::vector<double>& times) {
  std::fill(times.begin(), times.end(), 0.0);
  // Division instead of std::uniform_int_distribution: the same numbers on every library.
  for (size_t k = 0; k < times.size(); ++k) times[((random() >> 32U) * times.size()) >> 32U] += 1;
}

/// Sums of squared errors by block and year; a block's sites go together.
struct Errors {
  std::vector<std::vector<double>> first, second;  ///< [block][year]
};

/// Share of draws to leave out on each side for a 95 % interval from `n` blocks.
double tail(size_t n) {
  const auto blocks = static_cast<double>(n);
  const double reach =
      std::sqrt(blocks / (blocks - 1)) * student_t_quantile(0.975, static_cast<int>(n) - 1);
  return 0.5 * std::erfc(reach / std::sqrt(2.0));
}
}  // namespace

std::string why_not_claimed(const PairedDifference& result) {
  if (result.enough) return "";
  std::string text = std::to_string(result.sites) + (result.sites == 1 ? " site" : " sites");
  if (result.sites >= PairedDifference::sites_for_claim)
    text += " in " + std::to_string(result.blocks) + (result.blocks == 1 ? " block" : " blocks");
  return text;
}

PairedDifference paired_bootstrap(const std::vector<BlockError>& errors, size_t draws,
                                  uint64_t seed) {
  std::map<std::string, size_t> blocks;
  std::map<int, size_t> years;
  std::set<size_t> sites;
  for (const BlockError& error : errors) {
    if (!(error.pairs > 0)) continue;
    blocks.emplace(error.block, 0);
    years.emplace(error.year, 0);
    sites.insert(error.site);
  }
  // Positions in order of name, so that the order of `errors` does not matter.
  size_t position = 0;
  for (auto& [name, at] : blocks) at = position++;
  position = 0;
  for (auto& [year, at] : years) at = position++;

  Errors sums;
  sums.first.assign(blocks.size(), std::vector<double>(years.size(), 0.0));
  sums.second = sums.first;
  PairedDifference out;
  double first = 0, second = 0, pairs = 0;
  for (const BlockError& error : errors) {
    if (!(error.pairs > 0)) continue;
    const size_t b = blocks.at(error.block), y = years.at(error.year);
    sums.first[b][y] += error.first;
    sums.second[b][y] += error.second;
    first += error.first;
    second += error.second;
    pairs += error.pairs;
  }
  out.sites = sites.size();
  out.blocks = blocks.size();
  out.years = years.size();
  out.enough = out.sites >= PairedDifference::sites_for_claim &&
               out.blocks >= PairedDifference::blocks_for_claim;
  out.first = pairs > 0 ? first / pairs : kNone;
  out.second = pairs > 0 ? second / pairs : kNone;
  out.difference = pairs > 0 ? relative(first, second) : kNone;
  out.low = out.high = kNone;
  if (out.blocks < 2) return out;

  std::mt19937_64 random(seed);
  std::vector<double> block_times(out.blocks), year_times(out.years), drawn;
  drawn.reserve(draws);
  for (size_t k = 0; k < draws; ++k) {
    draw(random, block_times);
    draw(random, year_times);
    double sum_first = 0, sum_second = 0;
    for (size_t b = 0; b < out.blocks; ++b) {
      if (block_times[b] == 0) continue;
      for (size_t y = 0; y < out.years; ++y) {
        sum_first += block_times[b] * year_times[y] * sums.first[b][y];
        sum_second += block_times[b] * year_times[y] * sums.second[b][y];
      }
    }
    drawn.push_back(relative(sum_first, sum_second));
  }
  const double outside = tail(out.blocks);
  out.low = quantile(drawn, outside);
  out.high = quantile(drawn, 1 - outside);
  return out;
}

}  // namespace fluxtile
