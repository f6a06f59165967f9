// SPDX-License-Identifier: Apache-2.0
// oneDNN's lbr_gru and lstm for the cells and days of recurrent_bench.cpp. It is given its inputs
// ready and stops at the last layer's units, so it is BM_Fused*Network that does the same work.
#include <benchmark/benchmark.h>
#include <omp.h>
#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "bench/onednn_recurrent.h"
#include "bench/tile_year.h"
#include "reference_recurrent.h"
#include "synthetic_model.h"

namespace fluxtile {
namespace {

constexpr int32_t kRows = 8;
constexpr size_t kDays = 365, kUnits = 64, kCells = size_t{256} * kRows;

/// z-scored inputs of all cells as batches of [day][cell][input].
const std::vector<float>& ready_inputs(size_t batch) {
  static std::map<size_t, std::vector<float>> made;
  std::vector<float>& x = made[batch];
  if (!x.empty()) return x;
  const YearInputs inputs = tile_year(kRows);
  const Package package = test::random_package_of("gru", 1);
  const size_t count = package.inputs.size();
  x.resize(kCells * kDays * count);
  const MemberInputs member = test::all_cells(inputs);
  for (size_t cell = 0; cell < kCells; ++cell) {
    const std::vector<float> z =
        test::z_scores(inputs, static_cast<int32_t>(cell), member.crop[cell], package);
    float* lane = x.data() + (cell / batch * kDays * batch + cell % batch) * count;
    for (size_t day = 0; day < kDays; ++day)
      std::copy_n(z.data() + day * count, count, lane + day * batch * count);
  }
  return x;
}

/// Largest difference between oneDNN and the float64 reference over a few cells of a batch.
double largest_error(const Package& package, const float* x, const float* units, size_t batch) {
  const size_t count = package.inputs.size();
  double worst = 0;
  for (const size_t lane : {size_t{0}, size_t{1}, batch / 2, batch - 1}) {
    std::vector<float> z;
    for (size_t day = 0; day < kDays; ++day)
      z.insert(z.end(), x + (day * batch + lane) * count, x + (day * batch + lane + 1) * count);
    const test::RecurrentYear expected = test::reference_recurrent(package, z);
    for (size_t day = 0; day < kDays; ++day)
      for (size_t u = 0; u < kUnits; ++u)
        worst = std::max(
            worst, std::abs(units[(day * batch + lane) * kUnits + u] - expected.units[day][u]));
  }
  return worst;
}

/// Arguments: threads, batch, days a call, and whether the threads share a batch (OpenMP inside
/// oneDNN) or take batches of their own (TBB, oneDNN with one thread).
void run_onednn(benchmark::State& state, const std::string& architecture) {
  const int threads = static_cast<int>(state.range(0));
  const auto batch = static_cast<size_t>(state.range(1)),
             chunk = static_cast<size_t>(state.range(2));
  const bool shared = state.range(3) != 0;
  const auto package = std::make_shared<const Package>(test::random_package_of(architecture, 1));
  const std::vector<float>& x = ready_inputs(batch);
  const size_t x_size = batch * kDays * package->inputs.size();
  struct Worker {
    Worker(const Package& of, size_t cells, size_t days)
        : network(of, cells, kDays, days), units(cells * kDays * kUnits) {}
    OneDnnRecurrent network;
    std::vector<float> units;
  };
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(shared ? 1 : threads));
  tbb::task_arena arena(shared ? 1 : threads);
  tbb::enumerable_thread_specific<std::unique_ptr<Worker>> workers;
  const auto run_all = [&] {
    arena.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<size_t>(0, kCells / batch, 1),
          [&](const auto& range) {
            omp_set_num_threads(shared ? threads : 1);
            std::unique_ptr<Worker>& worker = workers.local();
            if (!worker) worker = std::make_unique<Worker>(*package, batch, chunk);
            for (size_t k = range.begin(); k < range.end(); ++k)
              worker->network.run(x.data() + k * x_size, worker->units.data());
          },
          tbb::simple_partitioner());
    });
  };
  run_all();  // primitives are made, arrays are touched
  Worker check(*package, batch, chunk);
  check.network.run(x.data(), check.units.data());
  const double error = largest_error(*package, x.data(), check.units.data(), batch);
  if (error > 1e-4) {
    state.SkipWithError(("oneDNN differs from the reference by " + std::to_string(error)).c_str());
    return;
  }
  for (auto _ : state) run_all();
  state.counters["pixel-years/s"] =
      benchmark::Counter(double{kCells}, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["max error"] = error;
}

// The best of batches 32 to 1024, calls of 1, 8, 32 and 365 days, shared and own batches, on a Zen
// 4 of two cores; the whole range can be put back here for another machine.
void settings(benchmark::internal::Benchmark* b) {
  const int cores = benchmark::CPUInfo::Get().num_cpus;
  b->ArgNames({"threads", "batch", "days", "shared"});
  b->Args({1, 64, 32, 0})->Args({1, 1024, 365, 0});
  if (cores > 1) {
    b->Args({cores, 64, 32, 0})->Args({cores, 512, 32, 0})->Args({cores, 1024, 365, 0});
    b->Args({cores, 1024, 365, 1});
  }
  b->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(run_onednn, gru, "gru")->Name("BM_OneDnnGru")->Apply(settings);
BENCHMARK_CAPTURE(run_onednn, lstm, "lstm")->Name("BM_OneDnnLstm")->Apply(settings);

}  // namespace
}  // namespace fluxtile
