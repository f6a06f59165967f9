// SPDX-License-Identifier: Apache-2.0
#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/stop.h"
#include "model/flux_network.h"
#include "model/package_text.h"
#include "model/torch_runtime.h"
#include "model/training/checkpoint.h"
#include "model/training/site_year_tensors.h"
#include "model/training/stage_runner.h"
#include "model/training/training.h"

namespace fluxtile {
namespace {

/// Published: a stage ends when the mean R2 of the training labels passes this.
constexpr double perfect_r2 = 0.999;

double mean_train_r2(const EpochRecord& record) {
  double sum = 0;
  int count = 0;
  for (const auto& [name, value] : record.train)
    if (name.rfind("R2 ", 0) == 0) {
      sum += value;
      ++count;
    }
  return count == 0 ? 0 : sum / count;
}

/// Replaces the values of all parameters, on whatever device they are.
void set_weights(FluxNetwork& network, const Tensors& weights) {
  const torch::NoGradGuard no_gradient;
  for (auto& item : network.named_parameters()) {
    const auto found = weights.find(item.key());
    if (found == weights.end() || !item.value().sizes().equals(found->second.shape))
      throw Error(Code::internal, "stored weights lack tensor " + item.key());
    const at::Tensor host = torch::empty(item.value().sizes());
    std::copy_n(found->second.data<float>(), found->second.count(), host.data_ptr<float>());
    item.value().copy_(host);
  }
}

void check_device(const std::string& device) {
  if (device == "cpu") return;
  if (device.rfind("cuda", 0) != 0)
    throw Error(Code::data, "device '" + device + "' is not known").expected("cpu or cuda:K");
  if (!torch::cuda::is_available())
    throw Error(Code::data, "there is no CUDA device to train on")
        .found(device)
        .hint("train with device cpu");
}

TrainedModel run_schedule(const Package& start, const SiteYears& table, const Roles& roles,
                          const Schedule& schedule, const TrainingOptions& options) {
  const std::string key = training_key(start, table, roles, schedule, options.device);
  Checkpoint state;
  if (!options.checkpoint.empty())
    if (auto earlier = load_checkpoint(options.checkpoint, key)) state = std::move(*earlier);
  if (state.key.empty()) {
    state.key = key;
    state.weights = start.tensors;
  }

  const std::shared_ptr<FluxNetwork> network = make_flux_network(start);
  network->to(torch::Device(options.device));
  set_weights(*network, state.weights);
  const SiteYearTensors data(start, table, options.device);
  const StageRunner::Work work{start, data, roles, schedule, options};

  for (; state.stage < schedule.stages.size() && !state.finished; ++state.stage) {
    const Stage& stage = schedule.stages[state.stage];
    if (stage.epochs <= 0) continue;
    StageRunner runner(work, network, state.stage);
    if (!runner.possible()) continue;
    if (state.epoch == 0) {
      state.best.clear();
      state.best_validation = std::numeric_limits<double>::infinity();
      state.best_epoch = -1;
    } else {
      runner.optimiser().restore(state.optimiser);
    }
    bool ended = state.epoch >= stage.epochs;
    while (!ended) {
      Stop::throw_if_requested();
      const auto begin = std::chrono::steady_clock::now();
      EpochRecord record = runner.run_epoch(state.epoch);
      state.weights = weights_of(*network);
      const double validation = record.validation.at("loss");
      if (!std::isfinite(validation))
        throw Error(Code::data, "the validation loss is not a number")
            .stage(stage.name)
            .found(std::to_string(validation) + " in epoch " + std::to_string(state.epoch))
            .hint("lower the learning rate, or set clip_norm");
      if (state.best.empty() || validation < state.best_validation) {
        record.best = true;
        state.best = state.weights;
        state.best_validation = validation;
        state.best_epoch = state.epoch;
      }
      ++state.epoch;
      ended = state.epoch >= stage.epochs ||
              (stage.patience > 0 && state.epoch - 1 - state.best_epoch >= stage.patience) ||
              mean_train_r2(record) > perfect_r2;
      record.seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      state.history.push_back(record);
      if (!options.checkpoint.empty()) {
        // An ended stage is stored as the start of the next.
        Checkpoint stored = state;
        stored.optimiser = runner.optimiser().state();
        if (ended) {
          stored.weights = stored.best;
          stored.epoch = 0;
          stored.finished = ++stored.stage == schedule.stages.size();
        }
        save_checkpoint(stored, options.checkpoint);
      }
      if (options.on_epoch) options.on_epoch(record);
    }
    state.weights = state.best;
    set_weights(*network, state.weights);
    state.epoch = 0;
  }
  if (state.history.empty())
    throw Error(Code::data, "nothing could be trained: no stage of schedule '" + schedule.name +
                                "' has labels in the training site-years")
        .key(options.what)
        .hint("pre-training needs daily Ra, Rh, NEE; fine-tuning Reco or NEE, daily or monthly");

  TrainedModel result;
  result.package = start;
  result.package.tensors = state.weights;
  result.package.weights_sha256.clear();
  result.package.digest = package_digest(result.package);
  result.history = std::move(state.history);
  result.best_validation = state.best_validation;
  return result;
}

}  // namespace

TrainedModel train(const Package& start, const SiteYears& table, const Roles& roles,
                   const Schedule& schedule, const TrainingOptions& options) {
  table.check();
  if (roles.size() != table.sites.size() * table.years.size())
    throw Error(Code::internal, "roles do not fit the site-year table");
  check_device(options.device);
  keep_torch_to_one_thread();
  try {
    return run_schedule(start, table, roles, schedule, options);
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
}

}  // namespace fluxtile
