// SPDX-License-Identifier: Apache-2.0
#include "model/training/parallel_gradient.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "base/stop.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

constexpr int64_t sites = 13, days = 40, features = 19, chunk_sites = 3, chunks = 5;

torch::Tensor inputs(uint64_t seed) {
  torch::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(seed);
  return torch::rand({sites, days, features}, generator).mul_(4).sub_(2);
}

/// Squares of all outputs of a chunk's sites.
ParallelGradient::ChunkLoss squares(FluxNetwork& network, size_t chunk, const torch::Tensor& x) {
  const int64_t first = static_cast<int64_t>(chunk) * chunk_sites,
                count = std::min(chunk_sites, sites - first);
  const auto out = network.run_year(x.narrow(0, first, count), network.zero_state(count));
  ParallelGradient::ChunkLoss result;
  result.loss = out.fluxes.square().sum();
  if (out.yield.defined()) result.loss = result.loss + out.yield.square().sum();
  result.terms["loss"] = result.loss.item<double>();
  result.terms["sites"] = static_cast<double>(count);
  return result;
}

std::vector<torch::Tensor> gradients_of(const FluxNetwork& network) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : network.parameters())
    gradients.push_back(parameter.grad().defined() ? parameter.grad().clone() : torch::Tensor());
  return gradients;
}

bool same_bits(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i)
    same = a[i].defined() == b[i].defined() && (!a[i].defined() || torch::equal(a[i], b[i]));
  return same;
}

class ParallelGradients : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::shared_ptr<FluxNetwork> network() const {
    return make_flux_network(random_package_of(GetParam(), 3));
  }
};

TEST_P(ParallelGradients, DoNotDependOnTheNumberOfThreads) {
  const torch::Tensor x = inputs(1);
  std::vector<torch::Tensor> expected;
  std::map<std::string, double> expected_terms;
  for (const int threads : {1, 2, 3, 8}) {
    const auto master = network();
    ParallelGradient work(master, threads);
    std::map<std::string, double> terms;
    for (uint64_t step = 0; step < 2; ++step)
      terms = work.gradient(chunks, 5, step, [&](FluxNetwork& replica, size_t chunk) {
        // Late chunks first, if the order of threads had a say.
        std::this_thread::sleep_for(std::chrono::milliseconds(threads > 1 ? 4 - chunk : 0));
        return squares(replica, chunk, x);
      });
    if (expected.empty()) {
      expected = gradients_of(*master);
      expected_terms = terms;
      EXPECT_EQ(terms.at("sites"), sites);
      continue;
    }
    EXPECT_TRUE(same_bits(expected, gradients_of(*master))) << threads;
    EXPECT_EQ(expected_terms, terms) << threads;
  }
}

TEST_P(ParallelGradients, AreThoseOfTheWholeBatch) {
  const torch::Tensor x = inputs(2);
  const auto master = network();
  ParallelGradient work(master, 2);
  const auto loss = [&](FluxNetwork& replica, size_t chunk) { return squares(replica, chunk, x); };
  const auto terms = work.gradient(chunks, 1, 1, loss, false);
  const std::vector<torch::Tensor> found = gradients_of(*master);
  const auto whole = network();
  const auto out = whole->run_year(x, whole->zero_state(sites));
  torch::Tensor expected = out.fluxes.square().sum();
  if (out.yield.defined()) expected = expected + out.yield.square().sum();
  expected.backward();
  EXPECT_NEAR(terms.at("loss"), expected.item<double>(), 1e-5 * expected.item<double>());
  const std::vector<torch::Tensor> gradients = gradients_of(*whole);
  for (size_t i = 0; i < found.size(); ++i) {
    const double scale = std::max(1e-3, gradients[i].abs().max().item<double>());
    EXPECT_LT((found[i] - gradients[i]).abs().max().item<double>() / scale, 2e-5) << i;
  }
}

TEST_P(ParallelGradients, DropoutBelongsToSeedStepAndChunk) {
  const torch::Tensor x = inputs(3);
  const auto master = network();
  ParallelGradient work(master, 2);
  const auto loss = [&](FluxNetwork& replica, size_t chunk) { return squares(replica, chunk, x); };
  const double first = work.gradient(chunks, 1, 1, loss).at("loss");
  EXPECT_EQ(work.gradient(chunks, 1, 1, loss).at("loss"), first);
  EXPECT_NEAR(work.evaluate(chunks, 1, 1, loss, true).at("loss"), first, 1e-3);
  EXPECT_NE(work.gradient(chunks, 1, 2, loss).at("loss"), first);
  EXPECT_NE(work.gradient(chunks, 2, 1, loss).at("loss"), first);
  EXPECT_GT(std::abs(work.evaluate(chunks, 1, 1, loss).at("loss") - first), 0.01);
  // Two chunks with the same sites draw different numbers.
  std::map<std::string, double> terms;
  std::vector<double> losses(2);
  work.evaluate(
      2, 1, 1,
      [&](FluxNetwork& replica, size_t chunk) {
        auto result = squares(replica, 0, x);
        losses[chunk] = result.terms["loss"];
        return result;
      },
      true);
  EXPECT_NE(losses[0], losses[1]);
  master->dropout.rate = 0;
  EXPECT_NEAR(work.evaluate(chunks, 1, 1, loss, true).at("loss"),
              work.evaluate(chunks, 1, 1, loss).at("loss"), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Architectures, ParallelGradients,
                         testing::Values("kgml-ag-c", "gru", "lstm"), [](const auto& instance) {
                           return instance.param == "kgml-ag-c" ? "kgml" : instance.param;
                         });

TEST(ParallelGradient, ChunksAreEvenAndNotTooLarge) {
  EXPECT_EQ(sites_of_chunk(1), 1);
  EXPECT_EQ(sites_of_chunk(3), 2);
  EXPECT_EQ(sites_of_chunk(4), 2);
  EXPECT_EQ(sites_of_chunk(12), 6);
  EXPECT_EQ(sites_of_chunk(24), 12);
  EXPECT_EQ(sites_of_chunk(99), 10);
  for (int64_t batch = 1; batch < 600; ++batch) {
    const int64_t size = sites_of_chunk(batch);
    EXPECT_LE(size, 12) << batch;
    if (batch > 24) {
      EXPECT_GT(size, 6) << batch;
    }
  }
}

TEST(ParallelGradient, FrozenParametersGetNoneAndUnusedOnesZero) {
  const auto master = make_flux_network(random_package(3));
  ParallelGradient work(master, 2);
  const torch::Tensor x = inputs(4);
  for (const bool frozen : {true, false, true}) {  // replicas follow
    for (auto& item : master->named_parameters())
      if (item.key().rfind("gru_basic", 0) == 0) item.value().requires_grad_(!frozen);
    work.gradient(chunks, 1, 1, [&](FluxNetwork& replica, size_t chunk) {
      const int64_t first = static_cast<int64_t>(chunk) * chunk_sites,
                    count = std::min(chunk_sites, sites - first);
      ParallelGradient::ChunkLoss result;
      result.loss = replica.run_year(x.narrow(0, first, count), replica.zero_state(count))
                        .fluxes.select(2, 0)
                        .square()
                        .sum();  // Ra only
      return result;
    });
    for (const auto& item : master->named_parameters()) {
      const torch::Tensor gradient = item.value().grad();
      if (item.key().rfind("gru_basic", 0) == 0) {
        EXPECT_EQ(gradient.defined(), !frozen) << item.key();
      } else {
        ASSERT_TRUE(gradient.defined()) << item.key();
        const bool used = item.key().find("_Ra.") != std::string::npos;
        EXPECT_EQ(gradient.abs().sum().item<float>() > 0, used) << item.key();
      }
    }
  }
}

TEST(ParallelGradient, ReplicasSeeAnOptimisersStep) {
  const auto master = make_flux_network(random_package(3));
  ParallelGradient work(master, 2);
  torch::optim::Adam adam(master->parameters(), torch::optim::AdamOptions(1e-4));
  const torch::Tensor x = inputs(5);
  const auto loss = [&](FluxNetwork& replica, size_t chunk) { return squares(replica, chunk, x); };
  double last = work.gradient(chunks, 1, 1, loss, false).at("loss");
  for (int step = 0; step < 3; ++step) {
    adam.step();
    const double next = work.gradient(chunks, 1, 1, loss, false).at("loss");
    EXPECT_LT(next, last);
    last = next;
  }
}

TEST(ParallelGradient, EvaluationKeepsNoGraphAndLeavesGradientsAlone) {
  const auto master = make_flux_network(random_package(3));
  ParallelGradient work(master, 2);
  const torch::Tensor x = inputs(6);
  work.gradient(chunks, 1, 1,
                [&](FluxNetwork& replica, size_t chunk) { return squares(replica, chunk, x); });
  const std::vector<torch::Tensor> before = gradients_of(*master);
  std::atomic<int> with_graph{0};
  work.evaluate(chunks, 1, 2, [&](FluxNetwork& replica, size_t chunk) {
    auto result = squares(replica, chunk, x);
    with_graph += result.loss.requires_grad() || replica.is_training();
    return result;
  });
  EXPECT_EQ(with_graph, 0);
  EXPECT_TRUE(same_bits(before, gradients_of(*master)));
}

TEST(ParallelGradient, AChunkMayHaveNothingToDo) {
  const auto master = make_flux_network(random_package(3));
  ParallelGradient work(master, 3);
  const torch::Tensor x = inputs(7);
  const auto only_last = [&](FluxNetwork& replica, size_t chunk) {
    return chunk + 1 < chunks ? ParallelGradient::ChunkLoss{} : squares(replica, chunk, x);
  };
  work.gradient(chunks, 1, 1, only_last);
  EXPECT_GT(master->parameters()[0].grad().abs().sum().item<float>(), 0);
  EXPECT_TRUE(work.gradient(0, 1, 1, only_last).empty());
  EXPECT_EQ(master->parameters()[0].grad().abs().sum().item<float>(), 0);
}

TEST(ParallelGradient, TheErrorOfTheLowestChunkIsThrownAndWorkGoesOn) {
  const auto master = make_flux_network(random_package(3));
  const torch::Tensor x = inputs(8);
  for (const int threads : {1, 4}) {
    ParallelGradient work(master, threads);
    for (int repeat = 0; repeat < 5; ++repeat) try {
        work.evaluate(chunks, 1, 1, [&](FluxNetwork&, size_t chunk) {
          if (chunk == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
          if (chunk >= 1) throw Error(Code::data, "chunk " + std::to_string(chunk));
          return ParallelGradient::ChunkLoss{};
        });
        FAIL() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.message(), "chunk 1");
      }
    EXPECT_GT(work.gradient(chunks, 1, 1,
                            [&](FluxNetwork& replica, size_t chunk) {
                              return squares(replica, chunk, x);
                            })
                  .at("loss"),
              0);
  }
}

TEST(ParallelGradient, TorchsOwnErrorsBecomeErrors) {
  ParallelGradient work(make_flux_network(random_package(3)), 2);
  EXPECT_THROW(work.evaluate(2, 1, 1,
                             [&](FluxNetwork& replica, size_t) {
                               replica.run_year(torch::zeros({2, 5, 3}), replica.zero_state(2));
                               return ParallelGradient::ChunkLoss{};
                             }),
               Error);
  EXPECT_THROW(ParallelGradient(nullptr, 1), Error);
  EXPECT_THROW(ParallelGradient(make_flux_network(random_package(3)), 0), Error);
}

TEST(ParallelGradient, LooksAtARequestToStop) {
  ParallelGradient work(make_flux_network(random_package(3)), 2);
  size_t run = 0;
  Stop::request(15);
  try {
    work.evaluate(1, 1, 1, [&](FluxNetwork&, size_t) {
      ++run;
      return ParallelGradient::ChunkLoss{};
    });
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::interrupted);
  }
  Stop::clear();
  EXPECT_EQ(run, 0U);
}

}  // namespace
}  // namespace fluxtile::test
