// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <memory>

#include "model/flux_network.h"
#include "model/package.h"

namespace fluxtile {

/// The network `kgml-ag-c` as a torch module: for inference by the torch engine and for training.
/// Include this header in few files; it brings torch with it.
///
/// Equations: Liu et al. 2024, Nat. Commun. 15:357. All tensors are float32 on the module's device.
class KgmlAgC : public FluxNetwork {
 public:
  /// Physical = mean + std * z, as constants of the forward pass.
  struct Scalers {
    Scaler ra, rh, nee, gpp, yield, residue;
  };

  /// Hidden state: gru_basic [2,B,64], gru_Ra [1,B,64], gru_Rh [2,B,64], gru_NEE [1,B,64].
  struct Hidden {
    torch::Tensor basic, ra, rh, nee;
  };

  /// One calendar year, or its first days.
  struct Output {
    torch::Tensor fluxes;     ///< [B,T,3] Ra, Rh, NEE, z-scored; Ra, Rh < 0 = release
    torch::Tensor yield;      ///< [B] z-scored yield of the year
    torch::Tensor residue;    ///< [B] ReLU(GPP + Ra - yield) of the year, gC m-2
    torch::Tensor attention;  ///< [B,T] scores after tanh, before the softmax over the days
    Hidden hidden;            ///< after the last day
  };

  explicit KgmlAgC(const Scalers& scalers);
  /// Network with a package's scalers and weights, in evaluation mode.
  static std::shared_ptr<KgmlAgC> from_package(const Package& package);

  /// `x_z`: [B,T,19] z-scored inputs of T days from 1 January. The residue stands on the 0-based
  /// days 298 and 299, those of them that T reaches. Dropout acts in training mode only. Does not
  /// change the module: may be called from several threads in evaluation mode.
  Output forward(const torch::Tensor& x_z, const Hidden& hidden);

  static Hidden zero_hidden(int64_t batch, const torch::Device& device = torch::kCPU);

  /// State: the four tensors of Hidden, in its order.
  YearOutput run_year(const torch::Tensor& x_z, const State& state) override;
  [[nodiscard]] State zero_state(int64_t batch) const override;
  [[nodiscard]] std::shared_ptr<FluxNetwork> replica() const override;

 private:
  torch::Tensor drop(const torch::Tensor& x);
  [[nodiscard]] DropoutStream* dropout_between_layers();
  /// z-scored residue on its days, 0 on the others: [T,B,1].
  static torch::Tensor pulse(const torch::Tensor& residue_z, int64_t days);

  Scalers scalers_;
  torch::nn::GRU gru_basic_, gru_ra_, gru_rh_, gru_nee_;
  torch::nn::Linear densor_ra_, densor_rh_, densor_nee_;
  torch::nn::Sequential attn_, densor_yield_;
};

}  // namespace fluxtile
