// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "model/dropout_stream.h"
#include "model/package.h"

namespace fluxtile {

/// A recurrent network from daily inputs to daily fluxes, as training sees it: `kgml-ag-c` and the
/// plain recurrent baselines. Include in few files; it brings torch with it. float32.
class FluxNetwork : public torch::nn::Module {
 public:
  /// Hidden state: tensors [layers,B,units], in an order of the network's own. LSTM cells are there
  /// too.
  using State = std::vector<torch::Tensor>;

  struct YearOutput {
    torch::Tensor fluxes;   ///< [B,T,3] Ra, Rh, NEE, z-scored; Ra, Rh < 0 = release
    torch::Tensor yield;    ///< [B] z-scored yield of the year; undefined where there is none
    torch::Tensor residue;  ///< [B] gC m-2; undefined where there is none
    State state;            ///< after the last day
  };

  /// `x_z`: [B,T,F] z-scored inputs of T days from 1 January. Fastest where x_z.transpose(0, 1) is
  /// contiguous, that is where the days are stored one after the other. Dropout acts in training
  /// mode only.
  virtual YearOutput run_year(const torch::Tensor& x_z, const State& state) = 0;
  /// On the device of the parameters.
  [[nodiscard]] virtual State zero_state(int64_t batch) const = 0;
  /// A network that shares the parameters' storage and has gradients and dropout of its own: one a
  /// thread.
  [[nodiscard]] virtual std::shared_ptr<FluxNetwork> replica() const = 0;

  /// Dropout of training mode draws from here; restart it before each chunk of work.
  DropoutStream dropout;
  /// Recurrent layers multiply bfloat16 (bf16_layers.h); for evaluation mode without gradients.
  bool bf16_products = false;
};

/// Lets `replica`, a network of the same architecture, use the parameters of `master`: their
/// storage, whether they require a gradient, and the rate of dropout. Gradients stay apart.
void share_parameters(FluxNetwork& replica, const FluxNetwork& master);

/// The network of a package (architecture kgml-ag-c | gru | lstm) with its scalers and weights, in
/// evaluation mode. Throws Error(data) for another architecture.
std::shared_ptr<FluxNetwork> make_flux_network(const Package& package);
/// Copies a package's tensors into a network. Throws Error(internal) for a package that was not
/// checked against its architecture.
void load_weights(FluxNetwork& network, const Package& package);
/// The weights of a network as a package's tensors.
Tensors weights_of(const FluxNetwork& network);

}  // namespace fluxtile
