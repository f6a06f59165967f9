// SPDX-License-Identifier: Apache-2.0
// Speed of a training step of kgml-ag-c: forward, backward and Adam over one year of a batch of
// sites, in site-years a second.
//   training_bench THREADS BATCH [steps=5] [chunk=N] [frozen]
// `frozen`: only gru_Ra, gru_Rh, gru_NEE and their heads are trained, as in the flux steps and in
// fine-tuning. One JSON line on stdout. training_compare.py runs it beside PyTorch.
#include <torch/optim/adam.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "model/training/parallel_gradient.h"
#include "synthetic_model.h"

namespace fluxtile {
namespace {

constexpr int64_t days = 365, features = 19;

struct Settings {
  int threads = 1;
  int64_t batch = 99, chunk = 0;  ///< chunk 0: sites_of_chunk
  int steps = 5;
  bool frozen = false;
};

Settings read_settings(int count, char** words) {
  Settings settings;
  if (count > 1) settings.threads = std::atoi(words[1]);
  if (count > 2) settings.batch = std::atoi(words[2]);
  for (int i = 3; i < count; ++i) {
    const std::string word = words[i];
    if (word == "frozen") settings.frozen = true;
    if (word.rfind("steps=", 0) == 0) settings.steps = std::stoi(word.substr(6));
    if (word.rfind("chunk=", 0) == 0) settings.chunk = std::stoi(word.substr(6));
  }
  if (settings.chunk == 0) settings.chunk = sites_of_chunk(settings.batch);
  return settings;
}

struct Seconds {
  std::vector<double> wall, cpu;  ///< of each step
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// After a first step that is not counted.
Seconds time_steps(const Settings& settings) {
  const auto network = make_flux_network(test::random_package(1));
  for (auto& item : network->named_parameters()) {
    const std::string module = item.key().substr(0, item.key().find('.'));
    const bool fluxes =
        module.find("_R") != std::string::npos || module.find("_NEE") != std::string::npos;
    item.value().requires_grad_(!settings.frozen || fluxes);
  }
  ParallelGradient work(network, settings.threads);
  torch::optim::Adam adam(network->parameters(), torch::optim::AdamOptions(1e-3));

  const torch::Tensor x = torch::randn({days, settings.batch, features});
  const torch::Tensor target = torch::randn({days, settings.batch, 3});
  const torch::Tensor yields = torch::randn({settings.batch});
  const FluxNetwork::State zero = network->zero_state(settings.batch);
  const auto elements = static_cast<double>(days * settings.batch);
  const auto chunks = (settings.batch + settings.chunk - 1) / settings.chunk;
  const auto loss = [&](FluxNetwork& replica, size_t index) {
    const int64_t first = static_cast<int64_t>(index) * settings.chunk,
                  sites = std::min(settings.chunk, settings.batch - first);
    FluxNetwork::State state;
    for (const torch::Tensor& layer : zero) state.push_back(layer.narrow(1, first, sites));
    const auto out =
        replica.run_year(x.narrow(1, first, sites).transpose(0, 1).contiguous(), state);
    ParallelGradient::ChunkLoss result;
    result.loss =
        (out.fluxes - target.narrow(1, first, sites).transpose(0, 1)).square().sum() / elements;
    if (!settings.frozen)
      result.loss = result.loss + (out.yield - yields.narrow(0, first, sites)).square().sum() /
                                      static_cast<double>(settings.batch);
    result.terms["loss"] = result.loss.item<double>();
    return result;
  };

  Seconds seconds;
  for (int step = 0; step <= settings.steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    work.gradient(static_cast<size_t>(chunks), 1, static_cast<uint64_t>(step), loss);
    adam.step();
    if (step == 0) continue;
    seconds.wall.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    seconds.cpu.push_back(cpu_seconds() - cpu);
  }
  return seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace
}  // namespace fluxtile

int main(int count, char** words) {
  const auto settings = fluxtile::read_settings(count, words);
  const auto seconds = fluxtile::time_steps(settings);
  const auto sites = static_cast<double>(settings.batch);
  std::printf(
      "{\"threads\": %d, \"batch\": %d, \"chunk\": %d, \"site_years_per_s\": %.1f, "
      "\"site_years_per_cpu_s\": %.1f}\n",
      settings.threads, static_cast<int>(settings.batch), static_cast<int>(settings.chunk),
      sites / fluxtile::median(seconds.wall), sites / fluxtile::median(seconds.cpu));
}
