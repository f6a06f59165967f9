// SPDX-License-Identifier: Apache-2.0
// Compares losses and gradients of kgml-ag-c with reference numbers of the published model (golden
// vectors: L_flux + L_MB without dropout). They lie outside the repository.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <fstream>
#include <netcdf>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "golden_file.h"
#include "model/training/parallel_gradient.h"
#include "tests/shared/needs_folder.h"

namespace fluxtile::test {
namespace {

constexpr int64_t pixels = 8, years = 2, days = 365, chunk_sites = 3, chunks = 3;

class GoldenGradients : public NeedsFolder<kGolden> {
 protected:
  void given() override {
    folder_ = given_folder() + "/kgml/";
    package_ = load_package(folder_ + "package");
    network_ = make_flux_network(*package_);
    x_z_ = read_golden(folder_ + "inputs.nc", "x_z");
    target_ = read_golden(folder_ + "targets.nc", "target_z");
    mask_ = read_golden(folder_ + "targets.nc", "mask");
    norms_ = golden_json(folder_ + "grad_norms.json");
  }

  [[nodiscard]] static torch::Tensor of_year(const torch::Tensor& record, int64_t year) {
    return record.narrow(1, year * days, days);
  }

  /// L_flux + L_MB of some years' outputs, with all means over `elements` days.
  [[nodiscard]] torch::Tensor loss(const torch::Tensor& z, const torch::Tensor& x_z,
                                   const torch::Tensor& target, const torch::Tensor& mask,
                                   double elements) const {
    const auto physical = [&](int64_t flux) {
      const Scaler& scaler = package_->outputs[static_cast<size_t>(flux)].scaler;
      return z.select(2, flux) * scaler.std + scaler.mean;
    };
    const Scaler& gpp = package_->scalers.at("GPP");
    const torch::Tensor fit = (mask.unsqueeze(2) * (z - target).square()).sum() / elements;
    const torch::Tensor imbalance =
        (x_z.select(2, 8) * gpp.std + gpp.mean + physical(0) + physical(1) + physical(2)).abs() -
        0.01 * (physical(0) + physical(1)).abs();
    return fit + (mask * torch::relu(imbalance)).sum() / elements;
  }

  /// Back-propagates `count` years after a spin-up without gradients and compares.
  void compare(const std::string& name, int64_t count, int threads) {
    ParallelGradient work(network_, threads);
    const auto chunk = [&](FluxNetwork& replica, size_t index) {
      const int64_t first = static_cast<int64_t>(index) * chunk_sites,
                    sites = std::min(chunk_sites, pixels - first);
      const torch::Tensor x = x_z_.narrow(0, first, sites);
      FluxNetwork::State state = replica.zero_state(sites);
      {
        const torch::NoGradGuard no_grad;
        for (int64_t year = 0; year < years; ++year)
          state = replica.run_year(of_year(x, year), state).state;
      }
      std::vector<torch::Tensor> fluxes;
      for (int64_t year = 0; year < count; ++year) {
        auto out = replica.run_year(of_year(x, year), state);
        state = out.state;
        fluxes.push_back(out.fluxes);
      }
      const auto part = [&](const torch::Tensor& record) {
        return record.narrow(0, first, sites).narrow(1, 0, count * days);
      };
      ParallelGradient::ChunkLoss result;
      result.loss = loss(torch::cat(fluxes, 1), part(x_z_), part(target_), part(mask_),
                         static_cast<double>(pixels * count * days));
      result.terms["loss"] = result.loss.item<double>();
      return result;
    };
    const double found = work.gradient(chunks, 1, 1, chunk, false).at("loss");
    const double expected = norms_.at("loss").at(name).get<double>();
    EXPECT_NEAR(found, expected, 1e-5 * expected);
    const std::string file = folder_ + "grads_" + name + ".safetensors";
    const Tensors gradients = parse_safetensors(read_file(file), file).tensors;
    ASSERT_EQ(gradients.size(), network_->named_parameters().size());
    for (const auto& item : network_->named_parameters()) {
      const Tensor& tensor = gradients.at(item.key());
      const torch::Tensor reference =
          torch::from_blob(const_cast<char*>(tensor.bytes.data()), tensor.shape, torch::kFloat);
      const double scale = reference.abs().max().item<double>();
      // What acts through the residue alone is tiny here, and rounding counts for more.
      const bool residue =
          item.key().rfind("attn", 0) == 0 || item.key().rfind("densor_yield", 0) == 0;
      EXPECT_LT((item.value().grad() - reference).abs().max().item<double>() / scale,
                residue ? 1e-3 : 1e-4)
          << item.key();
    }
  }

  std::string folder_;
  std::shared_ptr<const Package> package_;
  std::shared_ptr<FluxNetwork> network_;
  torch::Tensor x_z_, target_, mask_;
  nlohmann::json norms_;
};

TEST_F(GoldenGradients, MatchForTheFirstYear) { compare("year0", 1, 2); }
TEST_F(GoldenGradients, MatchThroughTheWholeRecord) { compare("whole_record", years, 2); }

}  // namespace
}  // namespace fluxtile::test
