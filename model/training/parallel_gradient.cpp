// SPDX-License-Identifier: Apache-2.0
#include "model/training/parallel_gradient.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/stop.h"
#include "model/torch_runtime.h"

namespace fluxtile {
namespace {

/// What one chunk leaves behind; gradients in the order of parameters(), undefined where none
/// arrived.
struct Share {
  std::vector<torch::Tensor> gradients;
  std::map<std::string, double> terms;
};

/// One pass over chunks 0..count-1. Threads take chunks in order; shares are added in that order as
/// soon as all before them have been.
struct Pass {
  size_t count = 0;
  uint64_t seed = 0, step = 0;
  const ParallelGradient::Chunk* chunk = nullptr;
  bool with_gradient = false;
  size_t most_ahead = 0;  ///< shares that may wait for an earlier one

  size_t next = 0, added = 0;
  std::map<size_t, Share> waiting;
  Share sum;
  size_t failed = SIZE_MAX;  ///< lowest chunk that threw
  std::exception_ptr error;
};

void add(Share& sum, Share&& share) {
  for (const auto& [name, value] : share.terms) sum.terms[name] += value;
  if (sum.gradients.empty()) {
    sum.gradients = std::move(share.gradients);
    return;
  }
  for (size_t i = 0; i < share.gradients.size(); ++i) {
    if (!share.gradients[i].defined()) continue;
    if (sum.gradients[i].defined())
      sum.gradients[i].add_(share.gradients[i]);
    else
      sum.gradients[i] = share.gradients[i];
  }
}

}  // namespace

int64_t sites_of_chunk(int64_t batch) {
  constexpr int64_t enough = 12;  // more sites gain little speed, and cost memory and evenness
  const int64_t pairs = std::max<int64_t>(1, (batch + 2 * enough - 1) / (2 * enough));
  return std::max<int64_t>(1, (batch + 2 * pairs - 1) / (2 * pairs));
}

struct ParallelGradient::Impl {
  std::shared_ptr<FluxNetwork> network;
  std::vector<std::shared_ptr<FluxNetwork>> replicas;
  std::vector<std::thread> threads;  ///< one fewer than replicas: the caller works too

  std::mutex mutex;
  std::condition_variable begin, end, earlier_added;
  Pass* pass = nullptr;
  uint64_t passes = 0;  ///< tells a waiting thread that there is a new one
  size_t working = 0;
  bool closing = false;

  void thread_main(size_t index);
  void work_on(Pass& pass, FluxNetwork& replica);
  static Share run_chunk(const Pass& pass, FluxNetwork& replica, size_t chunk);
  Share run(Pass& pass, bool training);
};

void ParallelGradient::Impl::thread_main(size_t index) {
  uint64_t seen = 0;
  while (true) {
    Pass* current = nullptr;
    {
      std::unique_lock<std::mutex> lock(mutex);
      begin.wait(lock, [&] { return closing || passes != seen; });
      if (closing) return;
      seen = passes;
      current = pass;
    }
    work_on(*current, *replicas[index]);
    const std::lock_guard<std::mutex> lock(mutex);
    if (--working == 0) end.notify_all();
  }
}

Share ParallelGradient::Impl::run_chunk(const Pass& pass, FluxNetwork& replica, size_t chunk) {
  Stop::throw_if_requested();
  keep_torch_to_one_thread();
  c10::AutoGradMode mode(pass.with_gradient);
  replica.dropout.restart(pass.seed, pass.step, chunk);
  ChunkLoss result = (*pass.chunk)(replica, chunk);
  Share share;
  share.terms = std::move(result.terms);
  if (!pass.with_gradient) return share;
  if (result.loss.defined() && result.loss.requires_grad()) result.loss.backward();
  for (torch::Tensor& parameter : replica.parameters()) {
    share.gradients.push_back(parameter.grad());
    parameter.mutable_grad() = torch::Tensor();
  }
  return share;
}

void ParallelGradient::Impl::work_on(Pass& current, FluxNetwork& replica) {
  std::unique_lock<std::mutex> lock(mutex);
  while (current.next < current.count && current.failed == SIZE_MAX) {
    const size_t chunk = current.next++;
    earlier_added.wait(lock, [&] {
      return chunk < current.added + current.most_ahead || current.failed != SIZE_MAX;
    });
    if (chunk > current.failed) break;
    lock.unlock();
    Share share;
    std::exception_ptr error;
    try {
      share = run_chunk(current, replica, chunk);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) {
      if (chunk < current.failed) {
        current.failed = chunk;
        current.error = error;
      }
    } else {
      current.waiting.emplace(chunk, std::move(share));
      for (auto first = current.waiting.begin();
           first != current.waiting.end() && first->first == current.added;
           first = current.waiting.erase(first), ++current.added)
        add(current.sum, std::move(first->second));
    }
    earlier_added.notify_all();
  }
}

Share ParallelGradient::Impl::run(Pass& current, bool training) {
  for (const auto& replica : replicas) {
    share_parameters(*replica, *network);
    replica->train(training);
    for (torch::Tensor& parameter : replica->parameters())
      parameter.mutable_grad() = torch::Tensor();
  }
  current.most_ahead = 2 * replicas.size();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    pass = &current;
    working = threads.size();
    ++passes;
  }
  begin.notify_all();
  work_on(current, *replicas.back());
  {
    std::unique_lock<std::mutex> lock(mutex);
    end.wait(lock, [&] { return working == 0; });
    pass = nullptr;
  }
  if (!current.error) return std::move(current.sum);
  try {
    std::rethrow_exception(current.error);
  } catch (const c10::Error& error) {
    throw error_of(error);
  }
}

ParallelGradient::ParallelGradient(std::shared_ptr<FluxNetwork> network, int threads)
    : impl_(std::make_unique<Impl>()) {
  if (!network || threads < 1)
    throw Error(Code::internal, "gradients need a network and at least one thread");
  keep_freed_memory();
  impl_->network = std::move(network);
  const auto count = static_cast<size_t>(threads);
  for (size_t i = 0; i < count; ++i) impl_->replicas.push_back(impl_->network->replica());
  for (size_t i = 0; i + 1 < count; ++i)
    impl_->threads.emplace_back([impl = impl_.get(), i] { impl->thread_main(i); });
}

ParallelGradient::~ParallelGradient() {
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->begin.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

std::map<std::string, double> ParallelGradient::gradient(size_t count, uint64_t seed, uint64_t step,
                                                         const Chunk& chunk, bool training) {
  Pass pass;
  pass.count = count;
  pass.seed = seed;
  pass.step = step;
  pass.chunk = &chunk;
  pass.with_gradient = true;
  Share sum = impl_->run(pass, training);
  std::vector<torch::Tensor> parameters = impl_->network->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].requires_grad()) {
      parameters[i].mutable_grad() = torch::Tensor();
      continue;
    }
    torch::Tensor gradient = i < sum.gradients.size() ? sum.gradients[i] : torch::Tensor();
    parameters[i].mutable_grad() =
        gradient.defined() ? gradient : torch::zeros_like(parameters[i].detach());
  }
  return std::move(sum.terms);
}

std::map<std::string, double> ParallelGradient::evaluate(size_t count, uint64_t seed, uint64_t step,
                                                         const Chunk& chunk, bool training) {
  Pass pass;
  pass.count = count;
  pass.seed = seed;
  pass.step = step;
  pass.chunk = &chunk;
  return std::move(impl_->run(pass, training).terms);
}

}  // namespace fluxtile
