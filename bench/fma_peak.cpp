// SPDX-License-Identifier: Apache-2.0
#include "bench/fma_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/fma_peak.cpp"
#include <hwy/foreach_target.h>
// After it, for the last time:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fluxtile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Runs `rounds` times 12 independent multiply-adds; returns how many multiply-adds that were.
double MultiplyAdds(size_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const V a = hn::Set(d, 0.999999F), b = hn::Set(d, 1e-6F);
  // All different, or the compiler would do the work once.
  const auto start = [&](float value) { return hn::Set(d, value + *sink); };
  V s0 = start(0), s1 = start(1), s2 = start(2), s3 = start(3), s4 = start(4), s5 = start(5);
  V s6 = start(6), s7 = start(7), s8 = start(8), s9 = start(9), sa = start(10), sb = start(11);
  for (size_t k = 0; k < rounds; ++k) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
    sa = hn::MulAdd(sa, a, b);
    sb = hn::MulAdd(sb, a, b);
  }
  const V all = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
                        hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)),
                                hn::Add(hn::Add(s8, s9), hn::Add(sa, sb))));
  *sink = hn::GetLane(all);
  return 12.0 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

}  // namespace fluxtile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxtile {

HWY_EXPORT(MultiplyAdds);

double fma_peak_of_a_thread() {
  using Clock = std::chrono::steady_clock;
  static std::atomic<float> kept{0};
  float sink = 0;
  std::vector<double> rates(25);
  for (double& rate : rates) {
    const auto begin = Clock::now();
    const double count = HWY_DYNAMIC_DISPATCH(MultiplyAdds)(2000000, &sink);
    rate = 2 * count / std::chrono::duration<double>(Clock::now() - begin).count();
    kept = sink;
  }
  std::nth_element(rates.begin(), rates.begin() + 12, rates.end());
  return rates[12];
}

double fma_peak(int threads) {
  std::vector<double> each(static_cast<size_t>(threads));
  std::vector<std::thread> running;
  for (double& one : each) running.emplace_back([&one] { one = fma_peak_of_a_thread(); });
  double sum = 0;
  for (size_t k = 0; k < running.size(); ++k) {
    running[k].join();
    sum += each[k];
  }
  return sum;
}

}  // namespace fluxtile
#endif
