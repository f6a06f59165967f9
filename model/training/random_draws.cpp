// SPDX-License-Identifier: Apache-2.0
#include "model/training/random_draws.h"

#include "base/digest.h"

namespace fluxtile {
namespace {

uint64_t mixed(uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr uint64_t step = 0x9e3779b97f4a7c15ULL;

}  // namespace

RandomDraws::RandomDraws(uint64_t seed, uint64_t what, uint64_t which) noexcept
    : state_(mixed(mixed(mixed(seed + step) + what + step) + which + step)) {}

RandomDraws::RandomDraws(uint64_t seed, std::string_view text) noexcept
    : RandomDraws(seed, xxh3_64(text.data(), text.size())) {}

uint64_t RandomDraws::next() noexcept { return mixed(state_ += step); }

}  // namespace fluxtile
