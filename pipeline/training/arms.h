// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/training/training.h"
#include "pipeline/training/experiment.h"

namespace fluxtile {

/// The ways to make a model for each region that are compared. All of them see the same labels,
/// take the same number of optimiser steps and choose among the same learning rates.
enum class Arm {
  pretrained,        ///< the global model as it is
  pooled,            ///< one model fine-tuned on the labels of all regions
  pooled_corrected,  ///< pooled, then bias and slope of each region
  regional,          ///< one model a region, fine-tuned from the global one on the region's labels
  others,            ///< for each region, fine-tuned on the labels of all OTHER regions (transfer)
  scratch,           ///< one model a region from random weights, on the region's labels alone
  placebo,           ///< as regional, but with sites dealt to the regions at random
  swapped,           ///< each region mapped with the next region's model
  gru,
  lstm,          ///< regional, but a plain recurrent network from pre-training on
  no_knowledge,  ///< regional, but without knowledge-guided terms from pre-training on
};
const std::vector<Arm>& all_arms();
std::string to_text(Arm arm);
std::string meaning(Arm arm);
/// By name; throws Error(data) with the nearest one.
Arm parse_arm(const std::string& name);

struct ArmSettings {
  Schedule schedule;                       ///< of fine-tuning
  std::vector<double> rate_factors = {1};  ///< tried; the best on validation labels is kept
  size_t least_site_years = 4;             ///< fewer training site-years keep the global model
  uint64_t seed = 1;
  int threads = 1;
  std::string device = "cpu";
  std::string checkpoints;  ///< folder; empty: none
  /// Told what is trained, from several threads: how many trainings begin together, each epoch of
  /// each, and each one's end.
  std::function<void(const std::string& what, size_t trainings)> on_begin;
  std::function<void(const std::string& model, const EpochRecord&)> on_epoch;
  std::function<void(const std::string& model, const TrainedModel&)> on_end;
};

/// An arm's model of each region.
struct ArmModels {
  Arm arm = Arm::pretrained;
  std::map<std::string, Package> by_region;
  std::map<std::string, std::string> kept_global;  ///< region -> why
  std::map<std::string, double> rate_factor;       ///< region -> the factor that was chosen
  std::map<std::string, std::vector<EpochRecord>> history;  ///< by model
};

/// Epochs of a region's model; empty where it was not trained.
const std::vector<EpochRecord>& history_of(const ArmModels& models, const std::string& region);

/// Fine-tunes what arms need. Models that two arms share are trained once.
class ArmTrainer {
 public:
  /// `baselines`: pre-trained packages of gru, lstm and no_knowledge where these arms are wanted.
  ArmTrainer(Package global, std::map<Arm, Package> baselines, const Experiment& experiment,
             ArmSettings settings);
  /// Models of an arm. pooled_corrected has pooled's.
  const ArmModels& models(Arm arm);

 private:
  struct Tuned {
    Package package;
    std::vector<EpochRecord> history;
    double rate_factor = 1;
  };
  /// A model that is wanted: from `start` on the labels of `sites`.
  struct Wish {
    Package start;
    std::vector<size_t> sites;
    Schedule schedule;
    std::string name;
  };
  /// Each wish at the learning rate that validates best. Results do not depend on the threads.
  [[nodiscard]] std::vector<Tuned> tune(const std::string& what,
                                        const std::vector<Wish>& wishes) const;
  [[nodiscard]] TrainedModel train_at_rate(const Wish& wish, const Experiment& part, double factor,
                                           int threads) const;
  ArmModels make(Arm arm);
  ArmModels a_model_a_region(Arm arm, const std::map<std::string, std::vector<size_t>>& labels);

  Package global_;
  std::map<Arm, Package> baselines_;
  const Experiment& experiment_;
  ArmSettings settings_;
  std::map<Arm, ArmModels> made_;
};

/// Predictions of an arm for every site-year: each site with its region's model; pooled_corrected
/// corrected on the training labels.
Predictions predict_arm(const ArmModels& models, const Experiment& experiment, int spinup,
                        int threads);

/// The sites that may train a region's model, dealt to regions at random with the regions' own
/// counts. Deterministic.
std::map<std::string, std::vector<size_t>> placebo_regions(const Experiment& experiment,
                                                           uint64_t seed);

}  // namespace fluxtile
