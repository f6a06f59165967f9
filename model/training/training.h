// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/package.h"
#include "model/training/schedule.h"
#include "model/training/site_years.h"

namespace fluxtile {

/// What one epoch came to.
struct EpochRecord {
  std::string stage;
  int epoch = 0, epochs = 0;  ///< 0-based, and how many there are at most
  double learning_rate = 0;
  std::map<std::string, double> train, validation;  ///< loss terms; "loss" is the sum that counts
  std::map<std::string, double> r2;                 ///< of the validation labels, by variable
  bool best = false;
  double seconds = 0;
  uint64_t site_years = 0;  ///< forward + backward in this epoch
};

struct TrainingOptions {
  int threads = 1;             ///< cores; results do not depend on it
  std::string device = "cpu";  ///< cpu | cuda:0
  std::string checkpoint;  ///< safetensors file, written atomically after each epoch; empty: none.
                           ///< Training goes on from it if it belongs to the same work
  std::function<void(const EpochRecord&)> on_epoch;
  std::string what;  ///< "global", "Iowa": for messages
};

struct TrainedModel {
  Package package;  ///< not written yet: directory, name and training text are the caller's
  std::vector<EpochRecord> history;
  double best_validation = 0;
};

/// An untrained package of `architecture` (kgml-ag-c; gru, lstm: plain recurrent baselines) with
/// scalers and input ranges from the training site-years and seeded weights. Scalers of kgml-ag-c:
/// 19 inputs, Ra, Rh, NEE, Yield, and Residue from the labels. Throws Error(data) for a table that
/// lacks an input or, for pre-training, a label.
Package untrained_package(const std::string& architecture, const SiteYears& table,
                          const Roles& roles, uint64_t seed);

/// The seeded start weights that untrained_package() gives a package of this architecture with
/// `inputs` inputs.
Tensors untrained_weights(const std::string& architecture, size_t inputs, uint64_t seed);

/// Trains `start` on the site-years whose role is train and keeps the weights with the lowest
/// validation loss of the last stage. Only labels that the table has count (masks). Dropout,
/// sampling and order depend on schedule.seed alone. Throws Error(data) when the loss is not a
/// number, naming stage, epoch, batch and sites; Error(interrupted) when asked to stop (checkpoint
/// written).
TrainedModel train(const Package& start, const SiteYears& table, const Roles& roles,
                   const Schedule& schedule, const TrainingOptions& options);

/// Daily fluxes by variable (Ra, Rh, Reco, NEE) in product signs, [site][year][day], gC m-2 d-1.
struct Predictions {
  std::map<std::string, std::vector<float>> daily;
  std::map<std::string, std::vector<float>> annual;  ///< Yield, Residue: [site][year]
};
/// Runs a package over all years of a table, in order, after `spinup` years (the first years of the
/// record, as the contract's spin-up does). Evaluation mode. Reco = Ra + Rh.
Predictions predict(const Package& package, const SiteYears& table, int spinup, int threads);

/// Builds a network of the package, and with it what all networks of the process share: LibTorch's
/// random generator, and the C++ library's table of characters, which is filled without a lock (GCC
/// bug 77704). To be called before threads train and predict beside each other.
void prepare_for_threads(const Package& package);

}  // namespace fluxtile
