// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

namespace fluxtile {

/// A benchmark's first argument `threads`: one, and all that the machine has.
inline void one_and_all_threads(benchmark::internal::Benchmark* b) {
  const int cores = benchmark::CPUInfo::Get().num_cpus;
  b->ArgName("threads")->Arg(1);
  if (cores > 1) b->Arg(cores);
  b->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}

}  // namespace fluxtile
