// SPDX-License-Identifier: Apache-2.0
#include "model/device_engine.h"

#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/error.h"
#include "base/stop.h"
#include "model/device_inputs.h"
#include "model/device_results.h"
#include "model/device_share.h"
#include "model/device_upload.h"
#include "model/engine_checks.h"
#include "model/lane_batches.h"
#include "model/network_batch.h"
#include "model/torch_runtime.h"

namespace fluxtile {
namespace {

/// Lanes of the lattice rule, and the smallest batch.
constexpr size_t period = 64;

/// Floats a lane and day that the networks hold on the device beside their inputs, at most.
/// kgml-ag-c is largest in gru_Rh: the outputs of gru_basic, of gru_Rh's two layers and the heads,
/// the 84 inputs side by side, and cuDNN's workspace, in which the gates of all days stand (three
/// of 64 units, for two layers, in and out).
constexpr size_t kgml_floats = 3 * 64 + 3 + 84 + 2 * 2 * 3 * 64;
/// gru and lstm: two layers' outputs and the workspace, with four gates.
constexpr size_t plain_floats = 2 * 64 + 3 + 2 * 2 * 4 * 64;

class DeviceEngine final : public Engine {
 public:
  DeviceEngine(const DeviceEngineOptions& options, std::shared_ptr<const Package> package)
      : package_(std::move(package)),
        info_(architecture_info(package_->architecture)),
        device_(options.device),
        share_(DeviceShare::of(device_)),
        most_lanes_(options.most_lanes),
        lanes_that_fit_(options.lanes_that_fit),
        features_(expanded_features(*package_)),
        network_(make_flux_network(*package_)) {
    network_->to(device_);
    network_->bf16_products = options.precision == "bf16";
    size_t lanes = batch_lanes();
    for (;; lanes /= 2) try {
        const size_t inputs = package_->inputs.size();
        period_ = tested_period(*network_, device_, inputs, info_.state_size, lanes, period);
        smallest_alike_ =
            tested_smallest(*network_, device_, inputs, info_.state_size, lanes, period_);
        break;
      } catch (const c10::Error& error) {
        if (!is_out_of_memory(error) || lanes <= period) throw;
        share_->shrink(lanes, lane_bytes());
      }
  }

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override;

  [[nodiscard]] size_t scratch_bytes(size_t days) const override {
    // On the host: the piece through which inputs go up, and for the two batches that are on the
    // device what goes up and comes down, daily values among it.
    const size_t variables = year_variable::count;
    const size_t lane = 2 * info_.state_size * sizeof(float) +
                        variables * (days + months_a_year) * sizeof(float) + 2 * months_a_year + 64;
    return DeviceUpload::piece_bytes + 2 * batch_lanes() * lane;
  }

 private:
  struct Year;
  class Batch;

  [[nodiscard]] size_t lane_bytes() const {
    constexpr size_t days = 366;
    const size_t network = info_.annual_variables.empty() ? plain_floats : kgml_floats;
    return DeviceInputs::lane_bytes(features_.size(), days) + days * network * sizeof(float) +
           2 * info_.state_size * sizeof(float) + DeviceResults::lane_bytes(days);
  }
  /// A batch without the padding at its end, as far as a smaller batch gives the same bits.
  [[nodiscard]] std::vector<int32_t> trimmed(const int32_t* batch, size_t lanes) const {
    size_t used = lanes;
    while (used > 0 && batch[used - 1] == LaneBatches::padding) --used;
    while (lanes / 2 >= std::max(used, smallest_alike_)) lanes /= 2;
    return {batch, batch + lanes};
  }
  [[nodiscard]] size_t batch_lanes() const { return share_->lanes(lane_bytes(), most_lanes_); }
  void run_batches(const Year& year, std::deque<std::vector<int32_t>> waiting) const;

  std::shared_ptr<const Package> package_;
  ArchitectureInfo info_;
  torch::Device device_;
  std::shared_ptr<DeviceShare> share_;
  size_t most_lanes_, lanes_that_fit_;
  std::vector<std::string> features_;
  std::shared_ptr<FluxNetwork> network_;
  size_t period_ = period;          ///< of the lattice rule
  size_t smallest_alike_ = period;  ///< smallest batch in which a cell has the same bits
};

/// What the batches of one run share. They write to different cells.
struct DeviceEngine::Year {
  const YearInputs& inputs;
  const FeatureExpander& expander;
  const RunningCells& running;
  const DeviceInputs& device_inputs;
  const DeviceResults& device_results;
  MemberState& state;
  MemberYear& result;
};

/// A batch on its way through the device. Everything between its making and finish() runs there on
/// the turn's stream, while the host goes on.
class DeviceEngine::Batch {
 public:
  Batch(const DeviceEngine& engine, const Year& year, DeviceShare::Turn turn,
        const std::vector<int32_t>& entries)
      : engine_(engine), year_(year), entries_(entries), turn_(std::move(turn)) {
    start();
  }

  /// Waits for the device and stores the results.
  void finish();

 private:
  void start();
  void store(size_t lane, size_t cell) const;
  [[nodiscard]] torch::Tensor on_host(torch::IntArrayRef sizes, torch::ScalarType type) const {
    return torch::empty(sizes, torch::TensorOptions(type).pinned_memory(engine_.device_.is_cuda()));
  }
  [[nodiscard]] torch::Tensor up(const torch::Tensor& host) const {
    return host.to(engine_.device_, true);
  }
  /// A copy on the host, complete when the stream's work has ended.
  [[nodiscard]] torch::Tensor down(const torch::Tensor& there) const {
    return on_host(there.sizes(), there.scalar_type()).copy_(there, true);
  }

  const DeviceEngine& engine_;
  const Year& year_;
  std::vector<int32_t> entries_;
  torch::Tensor cell_, crop_, state_;  ///< what went up
  torch::Tensor monthly_, outside_, negative_, daily_, refused_, refused_day_, yield_, residue_,
      next_state_;          ///< what comes down
  DeviceShare::Turn turn_;  ///< the last member: ends before the arrays do
};

void DeviceEngine::Batch::start() {
  const auto lanes = static_cast<int64_t>(entries_.size());
  if (entries_.size() > engine_.lanes_that_fit_)
    throw c10::OutOfMemoryError({__func__, __FILE__, static_cast<uint32_t>(__LINE__)},
                                "more lanes than may fit");
  const size_t state_size = engine_.info_.state_size;
  cell_ = on_host({lanes}, torch::kLong);
  crop_ = on_host({lanes}, torch::kFloat);
  state_ = on_host({lanes, static_cast<int64_t>(state_size)}, torch::kFloat);
  // Lanes without a cell repeat one that has a cell; what they give is not looked at.
  const int32_t any = *std::max_element(entries_.begin(), entries_.end());
  for (size_t lane = 0; lane < entries_.size(); ++lane) {
    const auto entry =
        static_cast<size_t>(entries_[lane] == LaneBatches::padding ? any : entries_[lane]);
    const auto cell = static_cast<size_t>(year_.running.cell[entry]);
    cell_.data_ptr<int64_t>()[lane] = year_.running.cell[entry];
    crop_.data_ptr<float>()[lane] = year_.running.crop[entry];
    std::copy_n(year_.state.values.data() + cell * state_size, state_size,
                state_.data_ptr<float>() + lane * state_size);
  }

  c10::OptionalStreamGuard stream;
  turn_.use(stream);
  const DeviceInputs::Batch inputs = year_.device_inputs.expand(up(cell_), up(crop_));
  const BatchYear out = run_batch(*engine_.network_, inputs.z, up(state_));
  const DeviceResults::Batch results =
      year_.device_results.of(out.fluxes, inputs, !year_.result.daily.empty());
  monthly_ = down(results.monthly);
  outside_ = down(results.outside);
  negative_ = down(results.negative);
  refused_ = down(inputs.refused);
  refused_day_ = down(results.refused_day);
  next_state_ = down(out.state);
  if (results.daily.defined()) daily_ = down(results.daily);
  if (out.yield.defined()) {
    yield_ = down(out.yield);
    residue_ = down(out.residue);
  }
}

void DeviceEngine::Batch::finish() {
  turn_.wait();
  for (size_t lane = 0; lane < entries_.size(); ++lane) {
    if (entries_[lane] == LaneBatches::padding) continue;
    const auto entry = static_cast<size_t>(entries_[lane]);
    if (refused_.data_ptr<bool>()[lane])
      refuse_cell(year_.inputs, year_.expander, *engine_.package_, year_.running.cell[entry],
                  year_.running.crop[entry]);
    if (const int64_t day = refused_day_.data_ptr<int64_t>()[lane]; day >= 0)
      throw no_finite_flux(*engine_.package_, static_cast<size_t>(day), year_.inputs.year);
    store(lane, static_cast<size_t>(year_.running.cell[entry]));
  }
}

void DeviceEngine::Batch::store(size_t lane, size_t cell) const {
  const YearInputs& inputs = year_.inputs;
  const size_t lanes = entries_.size(), cells = inputs.cells;
  MemberYear& result = year_.result;
  const auto reached = reached_months(inputs);
  for (size_t month = 0; month < months_a_year; ++month) {
    uint16_t flags = inputs.flags[month * cells + cell];
    if (outside_.data_ptr<bool>()[month * lanes + lane]) flags |= input_out_of_range;
    if (negative_.data_ptr<bool>()[month * lanes + lane]) flags |= negative_respiration;
    result.flags[month * cells + cell] = flags;
    for (size_t v = 0; v < year_variable::count && reached[month]; ++v)
      result.monthly[(v * months_a_year + month) * cells + cell] =
          monthly_.data_ptr<float>()[(v * months_a_year + month) * lanes + lane];
  }
  if (daily_.defined())
    for (size_t row = 0; row < year_variable::count * inputs.days; ++row)
      result.daily[row * cells + cell] = daily_.data_ptr<float>()[row * lanes + lane];
  if (yield_.defined()) {
    const Scaler& scaler = engine_.package_->scalers.at("Yield");
    result.annual[annual_variable::yield * cells + cell] = static_cast<float>(
        static_cast<double>(yield_.data_ptr<float>()[lane]) * scaler.std + scaler.mean);
    result.annual[annual_variable::residue * cells + cell] = residue_.data_ptr<float>()[lane];
  }
  const size_t state_size = engine_.info_.state_size;
  std::copy_n(next_state_.data_ptr<float>() + lane * state_size, state_size,
              year_.state.values.data() + cell * state_size);
}

MemberYear DeviceEngine::run(const YearInputs& inputs, const MemberInputs& member,
                             MemberState& state, bool daily) const {
  const FeatureExpander expander(inputs, features_);
  check_engine_inputs(inputs, member, state, info_.state_size);
  MemberYear result =
      empty_year(inputs, year_variable::count, info_.annual_variables.size(), daily);
  const RunningCells running = running_cells(inputs, member);
  if (running.cell.empty()) return result;

  keep_torch_to_one_thread();
  const c10::InferenceMode inference;
  Stop::throw_if_requested();
  const DeviceShare::Visit visit(*share_);
  try {
    // The inputs go up on a turn's stream; they live until the last batch has ended.
    std::optional<DeviceInputs> device_inputs;
    std::optional<DeviceResults> device_results;
    {
      const DeviceShare::Turn turn = share_->turn();
      c10::OptionalStreamGuard stream;
      turn.use(stream);
      DeviceUpload upload(device_);
      device_inputs.emplace(inputs, expander, *package_, upload);
      device_results.emplace(inputs, *package_, upload);
      upload.finish();
    }
    const size_t lanes = batch_lanes();
    const LaneBatches batches(running.position, lanes, std::min(period_, lanes));
    std::deque<std::vector<int32_t>> waiting;
    for (size_t k = 0; k < batches.count(); ++k)
      waiting.push_back(trimmed(batches.batch(k), lanes));
    run_batches({inputs, expander, running, *device_inputs, *device_results, state, result},
                std::move(waiting));
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
  return result;
}

/// Keeps up to two batches on the device. One that does not fit is taken in halves, as are all that
/// come after it.
void DeviceEngine::run_batches(const Year& year, std::deque<std::vector<int32_t>> waiting) const {
  std::deque<Batch> running;
  const auto finish_one = [&] {
    running.front().finish();
    running.pop_front();
  };
  while (!waiting.empty()) {
    Stop::throw_if_requested();
    const std::vector<int32_t> entries = std::move(waiting.front());
    waiting.pop_front();
    if (std::all_of(entries.begin(), entries.end(),
                    [](int32_t entry) { return entry == LaneBatches::padding; }))
      continue;
    const size_t half = entries.size() / 2;
    const auto halve = [&] {
      waiting.emplace_front(entries.begin() + static_cast<int64_t>(half), entries.end());
      waiting.emplace_front(entries.begin(), entries.begin() + static_cast<int64_t>(half));
    };
    if (entries.size() > batch_lanes()) {
      halve();
      continue;
    }
    std::optional<DeviceShare::Turn> turn = share_->try_turn();
    while (!turn && !running.empty()) {  // nobody waits for a turn while holding one
      finish_one();
      if (auto free = share_->try_turn()) turn.emplace(std::move(*free));
    }
    if (!turn) turn.emplace(share_->turn());
    try {
      running.emplace_back(*this, year, std::move(*turn), entries);
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error) || entries.size() <= period) throw;
      while (!running.empty()) finish_one();
      share_->shrink(entries.size(), lane_bytes());
      halve();
    }
  }
  while (!running.empty()) finish_one();
}

}  // namespace

std::unique_ptr<Engine> make_device_engine(const DeviceEngineOptions& options,
                                           std::shared_ptr<const Package> package) {
  const bool tf32 = options.precision == "tf32";
  try {
    if (torch::Device(options.device).is_cuda()) {
      at::globalContext().setAllowTF32CuBLAS(tf32);
      at::globalContext().setAllowTF32CuDNN(tf32);
      at::globalContext().setDeterministicCuDNN(true);
#if TORCH_VERSION_MAJOR >= 2  // cuBLAS may not sum in bfloat16; LibTorch 1.13 has no such switch
      at::globalContext().setAllowBF16ReductionCuBLAS(false);
#endif
    }
    return std::make_unique<DeviceEngine>(options, std::move(package));
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
}

}  // namespace fluxtile
