// SPDX-License-Identifier: Apache-2.0
// The engines on the plain networks gru and lstm (two layers of 64 units, 19 inputs), one
// tile-year from compact inputs to monthly sums. onednn_bench.cpp runs the same cells.
#include <benchmark/benchmark.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include "base/error.h"
#include "bench/tile_year.h"
#include "model/engine.h"
#include "synthetic_model.h"

namespace fluxtile {
namespace {

constexpr int32_t kRows = 8;

void run_engine(benchmark::State& state, const std::string& engine_name,
                const std::string& architecture) {
  const int threads = static_cast<int>(state.range(0));
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  std::unique_ptr<Engine> engine;
  try {
    engine = make_engine({engine_name, "cpu", "fp32"},
                         std::make_shared<const Package>(test::random_package_of(architecture, 1)));
  } catch (const Error& error) {
    state.SkipWithError(error.what());
    return;
  }
  const YearInputs inputs = tile_year(kRows);
  const MemberInputs member = test::all_cells(inputs);
  MemberState hidden{
      std::vector<float>(inputs.cells * architecture_info(architecture).state_size, 0.0F)};
  tbb::task_arena arena(threads);
  const auto year = [&] {
    arena.execute([&] {
      benchmark::DoNotOptimize(engine->run(inputs, member, hidden, false).monthly.data());
    });
  };
  year();  // the threads' memory is there
  for (auto _ : state) year();
  state.counters["pixel-years/s"] = benchmark::Counter(
      static_cast<double>(inputs.cells), benchmark::Counter::kIsIterationInvariantRate);
}

void settings(benchmark::internal::Benchmark* b) {
  b->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->MeasureProcessCPUTime()->Unit(
      benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(run_engine, fused_gru, "fused", "gru")->Name("BM_FusedGru")->Apply(settings);
BENCHMARK_CAPTURE(run_engine, fused_lstm, "fused", "lstm")->Name("BM_FusedLstm")->Apply(settings);
BENCHMARK_CAPTURE(run_engine, torch_gru, "torch", "gru")->Name("BM_TorchGru")->Apply(settings);
BENCHMARK_CAPTURE(run_engine, torch_lstm, "torch", "lstm")->Name("BM_TorchLstm")->Apply(settings);

}  // namespace
}  // namespace fluxtile
