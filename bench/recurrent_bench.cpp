// SPDX-License-Identifier: Apache-2.0
// The plain networks gru and lstm (two layers of 64 units, 19 inputs) over a tile-year: by the
// engines, from compact inputs to monthly sums, and by the fused sweep alone. onednn_bench.cpp is
// what they are compared with.
#include <benchmark/benchmark.h>
#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

#include "base/error.h"
#include "bench/thread_counts.h"
#include "bench/tile_year.h"
#include "model/engine.h"
#include "model/fused/block_sweep.h"
#include "model/fused/kernels.h"
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

/// z-scored inputs of a block that are there already, and its fluxes as they come.
class ReadyDays final : public fused::DayByDay {
 public:
  ReadyDays(const std::vector<float>& z, size_t rows) : z_(z), rows_(rows) {}
  void begin(size_t /*day*/) override {}
  void inputs(size_t day, float* z) override {
    std::copy_n(z_.data() + day * rows_ * fused::kLanes, rows_ * fused::kLanes, z);
  }
  void results(size_t day, const fused::BlockDay& values) override {
    float* to = fluxes_.data() + 3 * day * fused::kLanes;
    for (const float* flux : {values.ra, values.rh, values.nee})
      to = std::copy_n(flux, fused::kLanes, to);
  }

 private:
  const std::vector<float>& z_;
  size_t rows_;
  std::vector<float> fluxes_ = std::vector<float>(365 * 3 * fused::kLanes);
};

/// The network alone, as oneDNN is timed: inputs are ready, no sums are formed. The heads are in.
void run_network(benchmark::State& state, const std::string& architecture) {
  const int threads = static_cast<int>(state.range(0));
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  const fused::FusedNetwork network =
      fused::pack_network(test::random_package_of(architecture, 1), fused::Products::fp32);
  constexpr size_t days = 365, blocks = 256 * kRows / fused::kLanes;
  const size_t daily = network.daily.size(), constant = network.constant.size();
  const size_t state_size = architecture_info(architecture).state_size;
  test::Uniform random(1);
  const auto numbers = [&](size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random(-1.5, 1.5));
    return values;
  };
  std::vector<std::vector<float>> inputs;
  for (size_t k = 0; k < blocks; ++k) inputs.push_back(numbers(days * daily * fused::kLanes));
  const std::vector<float> constants = numbers(constant * fused::kLanes);
  tbb::enumerable_thread_specific<std::unique_ptr<fused::BlockSweep>> sweeps;
  tbb::task_arena arena(threads);
  const auto year = [&] {
    arena.execute([&] {
      tbb::parallel_for(tbb::blocked_range<size_t>(0, blocks, 1), [&](const auto& range) {
        auto& sweep = sweeps.local();
        if (!sweep) sweep = fused::BlockSweep::make(network);
        for (size_t k = range.begin(); k < range.end(); ++k) {
          std::copy(constants.begin(), constants.end(), sweep->constants());
          for (size_t row = 0; row < state_size; ++row)
            std::fill_n(sweep->state(row), fused::kLanes, 0.0F);
          ReadyDays work(inputs[k], daily);
          sweep->run(0, days, work);
        }
      });
    });
  };
  year();  // the threads' memory is there
  for (auto _ : state) year();
  state.counters["pixel-years/s"] = benchmark::Counter(
      static_cast<double>(blocks * fused::kLanes), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(run_network, gru, "gru")->Name("BM_FusedGruNetwork")->Apply(one_and_all_threads);
BENCHMARK_CAPTURE(run_network, lstm, "lstm")
    ->Name("BM_FusedLstmNetwork")
    ->Apply(one_and_all_threads);
BENCHMARK_CAPTURE(run_engine, fused_gru, "fused", "gru")
    ->Name("BM_FusedGru")
    ->Apply(one_and_all_threads);
BENCHMARK_CAPTURE(run_engine, fused_lstm, "fused", "lstm")
    ->Name("BM_FusedLstm")
    ->Apply(one_and_all_threads);
BENCHMARK_CAPTURE(run_engine, torch_gru, "torch", "gru")
    ->Name("BM_TorchGru")
    ->Apply(one_and_all_threads);
BENCHMARK_CAPTURE(run_engine, torch_lstm, "torch", "lstm")
    ->Name("BM_TorchLstm")
    ->Apply(one_and_all_threads);

}  // namespace
}  // namespace fluxtile
