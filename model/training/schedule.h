// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fluxtile {

/// What a stage of training minimises (Liu et al. 2024, Nat. Commun. 15:357; docs/training.md).
enum class Objective {
  respiration_and_yield,  ///< self-paced MSE of Ra and annual yield
  fluxes,                 ///< masked MSE of Ra, Rh, NEE + mass balance
  county_yield,           ///< self-paced yield of corn and soybean + its response and bound terms
  towers,                 ///< Reco and NEE as towers give them, daily or monthly + mass balance
};

/// Self-paced learning: samples whose error reaches the threshold count as zero but stay in the
/// mean; the threshold grows from epoch to epoch.
struct SelfPaced {
  double threshold = 0;  ///< 0: off
  double growth = 1;
  int until_epoch = 0;  ///< grows before this epoch only
};

/// One stage of a schedule.
struct Stage {
  std::string name;
  Objective objective = Objective::fluxes;
  /// Modules that are trained, each with a factor on the learning rate: gru_basic, gru_Ra, gru_Rh,
  /// gru_NEE, densor_Ra, densor_Rh, densor_NEE, attn, densor_yield. All others are frozen.
  std::vector<std::pair<std::string, double>> trains;
  double learning_rate = 1e-3;
  int step_epochs = 0;  ///< learning rate times step_factor every so many epochs; 0: constant
  double step_factor = 1;
  int epochs = 0, patience = 0;
  double clip_norm = 0;       ///< norm to which the gradient is clipped; 0: not
  int batch_sites = 0;        ///< sites of a batch; 0: all
  double sample_sites = 1;    ///< share of the training sites drawn anew for each epoch
  bool whole_record = false;  ///< back-propagate through all years of a site; else hidden detached
                              ///< between years, one optimiser step a batch and year
  SelfPaced self_paced;
  double mass_balance = 1;                ///< weight of the mass-balance term
  double yield_bounds = 1;                ///< weight of 0 <= yield <= GPP/2 in county_yield
  std::vector<std::string> rh_responses;  ///< features (TSOC, GPP) whose Rh response is optimised
  std::vector<std::string> yield_responses;  ///< features whose yield response is optimised
  std::vector<std::string>
      keep_responses;         ///< features whose response curves must keep their shape
  int response_features = 0;  ///< of those that keep their shape, drawn a step; 0: all
  int response_points = 0;    ///< neighbouring points of a curve sampled a step; 0: all
  int response_sites = 0;     ///< sites of the check set sampled; 0: all
  int response_years = 18;    ///< years of the check set that are run
  int response_every = 1;     ///< an optimiser step on the responses every so many batches
  int response_from_epoch = 1;
};

/// A named training recipe.
struct Schedule {
  std::string name;
  int spinup_years = 2;
  double dropout = 0.2;  ///< 0 switches dropout off
  uint64_t seed = 1;     ///< of initial weights, dropout, sampling
  std::vector<Stage> stages;
};

/// The published recipe with all its epochs: steps 1, 2, 3 (where the table has county yields), 4.
/// Costs days on a workstation; docs/training.md says how many site-years.
Schedule published_schedule();
/// The same steps for the three Midwest states: samples sites and response points, stops early;
/// under 2 hours on 2 cores for 99 sites x 18 years.
Schedule midwest_schedule();
/// A few epochs: for tests and the demo, under 5 minutes on 2 cores.
Schedule small_schedule();
/// Step 5, fine-tuning on towers from a trained network: gru_basic, attn, densor_yield frozen;
/// factors 0.5 (NEE, Ra) and 0.2 (Rh) on 1e-3; StepLR(30, 0.6); 120 epochs, patience 30.
/// `published` keeps all of L_keep; else its points are sampled.
Schedule fine_tuning_schedule(bool published = false);
/// By name: published | midwest | small. Throws Error(data) with the nearest name.
Schedule schedule_of(const std::string& name);
/// The same stages with nothing frozen and one learning rate for all modules, for weights that were
/// not trained before.
Schedule with_all_modules(Schedule schedule);
/// The network without knowledge-guided terms: no mass balance, responses, self-paced learning.
Schedule without_knowledge(Schedule schedule);
/// Of everything that decides what a schedule does, and its name.
std::string digest_of(const Schedule& schedule);

}  // namespace fluxtile
