// SPDX-License-Identifier: Apache-2.0
#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/error.h"
#include "base/stop.h"
#include "model/blas_threads.h"
#include "model/engine.h"
#include "model/engine_checks.h"
#include "model/feature_expander.h"
#include "model/fused_engine.h"
#include "model/kgml_ag_c.h"
#include "model/kgml_ag_c_network.h"
#include "model/lane_batches.h"
#include "model/torch_runtime.h"

namespace fluxtile {
namespace {

constexpr size_t cpu_lanes = 64, cuda_lanes = 4096;
constexpr size_t features = kgml_ag_c::feature_count;
constexpr size_t state_size = kgml_ag_c::state_size;
constexpr size_t months = 12;

enum Variable : size_t { ra, rh, nee, gpp, variable_count };
enum Annual : size_t { yield, residue, annual_count };

/// "AVX2", "AVX512", ...: the instruction set that ATen's own kernels were chosen for.
std::string cpu_capability() {
  const std::string label = "CPU capability usage: ", config = at::show_config();
  const size_t begin = config.find(label);
  if (begin == std::string::npos) return "unknown";
  const size_t from = begin + label.size();
  return config.substr(from, config.find_first_of(" \n\r", from) - from);
}

bool is_cuda(const std::string& device) { return device.rfind("cuda", 0) == 0; }

bool bits_equal(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor left = a.contiguous().cpu(), right = b.contiguous().cpu();
  return left.nbytes() == right.nbytes() &&
         std::memcmp(left.data_ptr(), right.data_ptr(), left.nbytes()) == 0;
}

/// Hidden state of a batch on the host, in the order of kgml_ag_c::state_size: [lane][layer][unit].
torch::Tensor pack(const KgmlAgC::Hidden& hidden) {
  return torch::cat({hidden.basic, hidden.ra, hidden.rh, hidden.nee}).transpose(0, 1).contiguous();
}
KgmlAgC::Hidden unpack(const torch::Tensor& packed) {
  const torch::Tensor layers = packed.transpose(0, 1).contiguous();
  return {layers.narrow(0, 0, 2), layers.narrow(0, 2, 1), layers.narrow(0, 3, 2),
          layers.narrow(0, 5, 1)};
}

class TorchEngine final : public Engine {
 public:
  TorchEngine(const EngineOptions& options, std::shared_ptr<const Package> package)
      : package_(std::move(package)),
        device_(options.device),
        network_(KgmlAgC::from_package(*package_)),
        lanes_(device_.is_cuda() ? cuda_lanes : cpu_lanes),
        period_(cpu_lanes) {
    network_->to(device_);
    for (const PackageInput& input : package_->inputs) {
      constexpr float infinity = std::numeric_limits<float>::infinity();
      low_.push_back(input.min ? static_cast<float>(*input.min) : -infinity);
      high_.push_back(input.max ? static_cast<float>(*input.max) : infinity);
    }
    test_itself();
  }

  MemberYear run(const YearInputs& inputs, const MemberInputs& member, MemberState& state,
                 bool daily) const override;

  [[nodiscard]] size_t scratch_bytes(size_t days) const override {
    // Floats a lane and day on the host: inputs before and after they are moved or packed, and on
    // the CPU the outputs of the layers alive at the peak, which is the attention or gru_Rh.
    const size_t floats = 2 * features + (device_.is_cuda() ? 8 : 6 * kgml_ag_c::hidden_size);
    return days * lanes_ * floats * sizeof(float);
  }

 private:
  struct Year;

  void run_batch(const Year& year, const FeatureExpander& expander, const int32_t* entries,
                 size_t lanes) const;
  void fill_lane(const Year& year, const FeatureExpander& expander, size_t entry, float* physical,
                 float* z, size_t z_stride) const;
  void store_lane(const Year& year, size_t entry, const float* fluxes, size_t stride, float yield_z,
                  float residue_carbon) const;
  void test_itself();
  [[nodiscard]] KgmlAgC::Output forward(const torch::Tensor& x_z,
                                        const torch::Tensor& packed_state) const {
    return network_->forward(x_z.to(device_), unpack(packed_state.to(device_)));
  }

  std::shared_ptr<const Package> package_;
  torch::Device device_;
  std::shared_ptr<KgmlAgC> network_;
  size_t lanes_, period_;
  std::vector<float> low_, high_;
};

/// What the batches of one run share. They write to different cells.
struct TorchEngine::Year {
  const YearInputs& inputs;
  const MemberInputs& member;
  std::vector<int32_t> entries;  ///< positions in member.cell that are run
  MemberState& state;
  MemberYear& result;
};

MemberYear TorchEngine::run(const YearInputs& inputs, const MemberInputs& member,
                            MemberState& state, bool daily) const {
  const FeatureExpander expander(inputs, package_->input_names());
  check_engine_inputs(inputs, member, state, state_size);
  MemberYear result = empty_year(inputs, variable_count, annual_count, daily);

  Year year{inputs, member, {}, state, result};
  std::vector<int32_t> position;
  for (size_t i = 0; i < member.cell.size(); ++i) {
    const auto cell = static_cast<size_t>(member.cell[i]);
    if (inputs.flags[cell] == not_modelled) continue;
    year.entries.push_back(static_cast<int32_t>(i));
    position.push_back(inputs.position[cell]);
  }
  if (year.entries.empty()) return result;

  const LaneBatches batches(position, lanes_, period_);
  const auto work = [&](size_t batch) {
    Stop::throw_if_requested();
    keep_torch_to_one_thread();
    const c10::InferenceMode inference;
    run_batch(year, expander, batches.batch(batch), lanes_);
  };
  try {
    if (device_.is_cuda()) {
      for (size_t batch = 0; batch < batches.count(); ++batch) work(batch);
    } else {
      // Isolated: a thread that waits here must not pick up another tile, which would hold memory.
      tbb::this_task_arena::isolate([&] {
        tbb::parallel_for(tbb::blocked_range<size_t>(0, batches.count(), 1),
                          [&](const tbb::blocked_range<size_t>& range) {
                            for (size_t batch = range.begin(); batch < range.end(); ++batch)
                              work(batch);
                          });
      });
    }
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
  return result;
}

void TorchEngine::run_batch(const Year& year, const FeatureExpander& expander,
                            const int32_t* entries, size_t lanes) const {
  const size_t days = year.inputs.days;
  const auto extent = [](size_t n) { return static_cast<int64_t>(n); };
  torch::Tensor x = torch::zeros({extent(days), extent(lanes), extent(features)});
  torch::Tensor state = torch::zeros(
      {extent(lanes), extent(kgml_ag_c::state_layers), extent(kgml_ag_c::hidden_size)});
  std::vector<float> physical(days * features);
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (entries[lane] == LaneBatches::padding) continue;
    const auto entry = static_cast<size_t>(year.entries[static_cast<size_t>(entries[lane])]);
    fill_lane(year, expander, entry, physical.data(), x.data_ptr<float>() + lane * features,
              lanes * features);
    std::copy_n(
        year.state.values.data() + static_cast<size_t>(year.member.cell[entry]) * state_size,
        state_size, state.data_ptr<float>() + lane * state_size);
  }

  KgmlAgC::Output out;
  try {
    out = forward(x.transpose(0, 1), state);
  } catch (const c10::OutOfMemoryError&) {
    // The card is too small for this batch, or shared: take it in two halves.
    if (lanes / 2 < period_) throw;
    for (const size_t half : {size_t{0}, lanes / 2})
      run_batch(year, expander, entries + half, lanes / 2);
    return;
  }
  const torch::Tensor fluxes = out.fluxes.transpose(0, 1).contiguous().cpu();  // [day][lane][flux]
  const torch::Tensor yields = out.yield.contiguous().cpu(),
                      residues = out.residue.contiguous().cpu();
  const torch::Tensor next = pack(out.hidden).cpu();
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (entries[lane] == LaneBatches::padding) continue;
    const auto entry = static_cast<size_t>(year.entries[static_cast<size_t>(entries[lane])]);
    store_lane(year, entry, fluxes.data_ptr<float>() + lane * kgml_ag_c::flux_count,
               lanes * kgml_ag_c::flux_count, yields.data_ptr<float>()[lane],
               residues.data_ptr<float>()[lane]);
    std::copy_n(
        next.data_ptr<float>() + lane * state_size, state_size,
        year.state.values.data() + static_cast<size_t>(year.member.cell[entry]) * state_size);
  }
}

/// Expands one cell, z-scores it into its lane, sums GPP and checks ranges.
void TorchEngine::fill_lane(const Year& year, const FeatureExpander& expander, size_t entry,
                            float* physical, float* z, size_t z_stride) const {
  const YearInputs& inputs = year.inputs;
  const size_t cells = inputs.cells;
  const auto cell = static_cast<size_t>(year.member.cell[entry]);
  expander.expand(year.member.cell[entry], year.member.crop[entry], physical);

  MemberYear& result = year.result;
  for (size_t month = 0; month < months; ++month)
    result.flags[month * cells + cell] = inputs.flags[month * cells + cell];
  double sums[months] = {};
  bool reached[months] = {};
  for (size_t day = 0; day < inputs.days; ++day, physical += features, z += z_stride) {
    bool outside = false;
    for (size_t f = 0; f < features; ++f) {
      const Scaler& scaler = package_->inputs[f].scaler;
      outside |= physical[f] < low_[f] || physical[f] > high_[f];
      z[f] = static_cast<float>((static_cast<double>(physical[f]) - scaler.mean) / scaler.std);
      if (!std::isfinite(z[f]))  // the gates would hide it
        throw no_finite_score(*package_, f, physical[f], day, inputs.year);
    }
    const size_t month = inputs.month[day];
    const bool counts = day >= inputs.first_result_day;
    if (counts) {
      reached[month] = true;
      sums[month] += physical[kgml_ag_c::gpp_feature];
    }
    if (counts && outside) result.flags[month * cells + cell] |= input_out_of_range;
    if (!result.daily.empty())
      result.daily[(gpp * inputs.days + day) * cells + cell] = physical[kgml_ag_c::gpp_feature];
  }
  for (size_t month = 0; month < months; ++month)
    if (reached[month])
      result.monthly[(gpp * months + month) * cells + cell] = static_cast<float>(sums[month]);
}

/// Turns one lane of the network's outputs into physical values with the project's signs.
void TorchEngine::store_lane(const Year& year, size_t entry, const float* fluxes, size_t stride,
                             float yield_z, float residue_carbon) const {
  const YearInputs& inputs = year.inputs;
  const size_t cells = inputs.cells;
  const auto cell = static_cast<size_t>(year.member.cell[entry]);
  const Scaler scalers[] = {package_->outputs[ra].scaler, package_->outputs[rh].scaler,
                            package_->outputs[nee].scaler};
  MemberYear& result = year.result;
  double sums[3][months] = {};
  bool reached[months] = {};
  for (size_t day = 0; day < inputs.days; ++day, fluxes += stride) {
    const size_t month = inputs.month[day];
    const bool counts = day >= inputs.first_result_day;
    reached[month] = reached[month] || counts;
    float value[3];
    for (const size_t v : {ra, rh, nee}) {
      const double network = fluxes[v] * scalers[v].std + scalers[v].mean;
      value[v] = static_cast<float>(v == nee ? network : 0.0 - network);
      if (!std::isfinite(value[v])) throw no_finite_flux(*package_, day, inputs.year);
      if (counts) sums[v][month] += value[v];
      if (!result.daily.empty()) result.daily[(v * inputs.days + day) * cells + cell] = value[v];
    }
    if (counts && (value[ra] < 0 || value[rh] < 0))
      result.flags[month * cells + cell] |= negative_respiration;
  }
  for (const size_t v : {ra, rh, nee})
    for (size_t month = 0; month < months; ++month)
      if (reached[month])
        result.monthly[(v * months + month) * cells + cell] = static_cast<float>(sums[v][month]);
  const Scaler& yield_scaler = package_->scalers.at("Yield");
  result.annual[yield * cells + cell] =
      static_cast<float>(yield_z * yield_scaler.std + yield_scaler.mean);
  result.annual[residue * cells + cell] = residue_carbon;
}

/// A cell's bits must not depend on its neighbours: puts one cell into every other position, first
/// with nothing beside it and then with random neighbours. Positions a period apart must agree too,
/// else the period becomes the whole batch.
void TorchEngine::test_itself() {
  keep_torch_to_one_thread();
  const c10::InferenceMode inference;
  const auto lanes = static_cast<int64_t>(lanes_);
  constexpr int64_t days = 12;
  std::mt19937 random(19);
  std::vector<float> values(static_cast<size_t>(days * lanes) * features);
  for (float& value : values) value = static_cast<float>(random() % 8001) / 1000.0F - 4.0F;
  const torch::Tensor others =
      torch::from_blob(values.data(), {days, lanes, static_cast<int64_t>(features)});
  const torch::Tensor one = others.narrow(1, 0, 1);
  const torch::Tensor state = torch::full({lanes, static_cast<int64_t>(kgml_ag_c::state_layers),
                                           static_cast<int64_t>(kgml_ag_c::hidden_size)},
                                          0.1F);
  const auto outputs = [&](const torch::Tensor& x) {
    const KgmlAgC::Output out = forward(x.transpose(0, 1), state);
    return torch::cat({out.fluxes.reshape({lanes, -1}), pack(out.hidden).reshape({lanes, -1}),
                       out.yield.reshape({lanes, 1}), out.residue.reshape({lanes, 1})},
                      1)
        .cpu();
  };
  for (const int64_t parity : {0, 1}) {
    const torch::Tensor mask = torch::arange(lanes).remainder(2).eq(parity).view({1, lanes, 1});
    const torch::Tensor alone = outputs(torch::where(mask, one, torch::zeros({1})).contiguous());
    const torch::Tensor among = outputs(torch::where(mask, one, others).contiguous());
    for (int64_t lane = parity; lane < lanes; lane += 2)
      if (!bits_equal(alone.narrow(0, lane, 1), among.narrow(0, lane, 1)))
        throw Error(Code::data, "this machine's matrix library changes a cell with its neighbours")
            .found("position " + std::to_string(lane) + " of a batch of " + std::to_string(lanes) +
                   ", " + blas_identity())
            .expected("the same bits")
            .hint("use another BLAS or set OPENBLAS_CORETYPE=Haswell");
  }
  if (lanes_ == period_) return;
  const torch::Tensor everywhere = outputs(one.expand_as(others).contiguous());
  const auto period = static_cast<int64_t>(period_);
  for (int64_t group = period; group < lanes; group += period)
    if (!bits_equal(everywhere.narrow(0, 0, period), everywhere.narrow(0, group, period))) {
      period_ = lanes_;
      return;
    }
}

int device_index(const std::string& device) {
  const size_t colon = device.find(':');
  return colon == std::string::npos ? 0 : std::stoi(device.substr(colon + 1));
}

Error lacking(const std::string& key, const std::string& message, const std::string& found,
              const std::string& expected) {
  return Error(Code::data, message).key(key).found(found).expected(expected);
}

std::string resolve_device(const std::string& wanted) {
  if (wanted == "cpu") return wanted;
  const bool available = torch::cuda::is_available();
  if (wanted == "auto") return available ? "cuda:0" : "cpu";
  const std::string digits = wanted.size() > 5 ? wanted.substr(5) : "";
  const bool known =
      wanted == "cuda" || (wanted.rfind("cuda:", 0) == 0 && !digits.empty() && digits.size() < 4 &&
                           digits.find_first_not_of("0123456789") == std::string::npos);
  if (!known) throw lacking("run.device", "unknown device", wanted, "auto, cpu, cuda or cuda:K");
  const size_t count = available ? torch::cuda::device_count() : 0;
  const std::string device =
      wanted == "cuda" ? "cuda:0" : "cuda:" + std::to_string(std::stoi(digits));
  if (static_cast<size_t>(device_index(device)) >= count)
    throw lacking(
        "run.device", "this machine or this LibTorch has no such device", wanted,
        count == 0 ? "auto or cpu" : "auto, cpu or cuda:0 to cuda:" + std::to_string(count - 1));
  return device;
}

}  // namespace

EngineOptions resolve_engine(EngineOptions wanted) {
  if (wanted.engine != "auto" && wanted.engine != "torch" && wanted.engine != "fused")
    throw lacking("run.engine", "unknown engine", wanted.engine, "auto, torch or fused");
  if (wanted.engine == "fused" && wanted.device == "auto") wanted.device = "cpu";
  wanted.device = resolve_device(wanted.device);
  const bool cuda = is_cuda(wanted.device);
  if (wanted.engine == "auto") wanted.engine = cuda ? "torch" : "fused";
  if (wanted.engine == "fused") {
    if (cuda)
      throw lacking("run.device", "the fused engine runs on the CPU", wanted.device, "auto or cpu");
    if (wanted.precision != "fp32" && wanted.precision != "bf16")
      throw lacking("run.precision", "the fused engine has no such precision", wanted.precision,
                    "fp32 or bf16");
    return wanted;
  }
  if (wanted.precision != "fp32" && !(cuda && wanted.precision == "tf32"))
    throw lacking("run.precision", "the torch engine has no such precision on " + wanted.device,
                  wanted.precision, cuda ? "fp32 or tf32" : "fp32");
  return wanted;
}

std::string engine_identity(const EngineOptions& options) {
  const EngineOptions resolved = resolve_engine(options);
  if (resolved.engine == "fused") return fused_engine_identity(resolved.precision);
  const std::string torch_version = "torch/" TORCH_VERSION " ";
  if (is_cuda(resolved.device))
    return torch_version + "cuda " + resolved.precision + " " +
           cuda_device_name(device_index(resolved.device));
  return torch_version + "cpu " + resolved.precision + " " + cpu_capability() + " " +
         blas_identity();
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options,
                                    std::shared_ptr<const Package> package) {
  if (!package) throw Error(Code::internal, "an engine needs a model package");
  (void)architecture_info(package->architecture);
  const EngineOptions resolved = resolve_engine(options);
  if (resolved.engine == "fused") return make_fused_engine(std::move(package), resolved.precision);
  const bool tf32 = resolved.precision == "tf32";
  if (is_cuda(resolved.device)) {
    at::globalContext().setAllowTF32CuBLAS(tf32);
    at::globalContext().setAllowTF32CuDNN(tf32);
  }
  try {
    return std::make_unique<TorchEngine>(resolved, std::move(package));
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
}

}  // namespace fluxtile
