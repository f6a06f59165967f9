// SPDX-License-Identifier: Apache-2.0
// Speed of the engines on one tile-year, from compact inputs to monthly sums.
// FLUXTILE_BENCH_DEVICE (cpu, cuda, cuda:K) chooses the device.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstdlib>

#include "bench/fma_peak.h"
#include "bench/thread_counts.h"
#include "bench/tile_year.h"
#include "model/engine.h"
#include "model/kgml_ag_c.h"
#include "synthetic_model.h"

namespace fluxtile {
namespace {

/// Multiply-adds of kgml-ag-c, a pixel and day: its GRU layers, the attention's layers, the heads.
constexpr double multiply_adds_a_day() {
  constexpr double units = 64, gates = 3 * units, features = 19;
  constexpr double gru = gates * ((features + units) + (units + units) +        // gru_basic
                                  (units + features + units) +                  // gru_Ra
                                  (1 + units + features + units) + 2 * units +  // gru_Rh
                                  (2 + features + units));                      // gru_NEE
  return gru + (64 * 64 + 64 * 64 + 64 * 32 + 32) + 3 * units;
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void run_engine(benchmark::State& state, const EngineOptions& options, int32_t rows, int threads) {
  const YearInputs inputs = tile_year(rows);
  const MemberInputs member = test::all_cells(inputs);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  const auto engine =
      make_engine(options, std::make_shared<const Package>(test::random_package(1)));
  MemberState hidden{std::vector<float>(inputs.cells * kgml_ag_c::state_size, 0.0F)};
  tbb::task_arena arena(threads);
  for (auto _ : state)
    arena.execute([&] {
      benchmark::DoNotOptimize(engine->run(inputs, member, hidden, false).monthly.data());
    });
  state.counters["pixel-years/s"] = benchmark::Counter(
      static_cast<double>(inputs.cells), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["peak MB"] = peak_megabytes();
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * multiply_adds_a_day() * static_cast<double>(inputs.days) *
                             static_cast<double>(inputs.cells),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void BM_TorchEngine(benchmark::State& state) {
  const char* device = std::getenv("FLUXTILE_BENCH_DEVICE");
  const bool cuda = device && std::string(device).rfind("cuda", 0) == 0;
  run_engine(state, {"torch", device ? device : "cpu", "fp32"}, cuda ? 256 : 4,
             static_cast<int>(state.range(0)));
}
BENCHMARK(BM_TorchEngine)->Apply(one_and_all_threads);

void BM_FusedEngine(benchmark::State& state) {
  run_engine(state, {"fused", "cpu", "fp32"}, 8, static_cast<int>(state.range(0)));
}
BENCHMARK(BM_FusedEngine)->Apply(one_and_all_threads);

void BM_FusedEngineBf16(benchmark::State& state) {
  run_engine(state, {"fused", "cpu", "bf16"}, 8, static_cast<int>(state.range(0)));
}
BENCHMARK(BM_FusedEngineBf16)->Apply(one_and_all_threads);

/// What the cores can do at most, as long as an engine works.
void BM_MultiplyAddPeak(benchmark::State& state) {
  std::vector<double> peaks;
  for (auto _ : state) peaks.push_back(fma_peak(static_cast<int>(state.range(0))));
  const auto middle = peaks.begin() + static_cast<std::ptrdiff_t>(peaks.size() / 2);
  std::nth_element(peaks.begin(), middle, peaks.end());
  state.counters["GFLOP/s"] = 1e-9 * *middle;
}
BENCHMARK(BM_MultiplyAddPeak)->Apply(one_and_all_threads);

void BM_ExpandFeatures(benchmark::State& state) {
  const YearInputs inputs = tile_year(1);
  const auto names = kgml_ag_c::input_names();
  std::vector<float> out;
  int32_t cell = 0;
  for (auto _ : state) {
    expand_features(inputs, cell, 1, names, out);
    benchmark::DoNotOptimize(out.data());
    cell = (cell + 1) % 256;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_ExpandFeatures);

}  // namespace
}  // namespace fluxtile
