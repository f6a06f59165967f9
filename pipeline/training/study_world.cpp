// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_world.h"

#include "pipeline/world/sites.h"
#include "pipeline/world/training_tables.h"

namespace fluxtile {
namespace {

constexpr int spinup_years = 2;

}  // namespace

Experiment study_experiment(const StudyConfig& config, world::Heterogeneity kind, uint64_t seed) {
  const std::vector<world::SitePoint> towers_at = world::tower_points(config.towers, seed);
  world::SiteWorld described;
  described.seed = seed;
  described.heterogeneity = kind;
  described.first_year = config.first_year;
  described.years = config.years;
  described.gpp = kind == world::Heterogeneity::other_structure ? "satellite" : "truth";
  described.points = world::reference_points(config.reference, towers_at, seed);
  described.points.insert(described.points.begin(), towers_at.begin(), towers_at.end());
  const SiteYears table = world::simulate_sites(described);
  std::vector<size_t> towers, reference;
  for (size_t k = 0; k < table.sites.size(); ++k)
    (k < towers_at.size() ? towers : reference).push_back(k);
  SiteYears labelled = table.subset(towers);
  world::TowerLabels labels = config.labels;
  labels.seed = seed;
  world::keep_tower_labels(labelled, labels);
  const SiteYears scored = table.subset(reference);

  SplitRule split;
  split.seed = seed;
  const int last = config.first_year + config.years;
  for (int year = last - config.test_years; year < last; ++year) split.test_years.push_back(year);
  for (int year = last - config.test_years - config.validation_years;
       year < last - config.test_years; ++year)
    split.validation_years.push_back(year);
  return make_experiment(labelled, &scored, split, false);
}

WorldScores run_study_world(const StudyConfig& config, const Package& global,
                            world::Heterogeneity kind, uint64_t seed) {
  const Experiment experiment = study_experiment(config, kind, seed);
  ArmSettings settings = config.settings;
  settings.seed = seed;
  settings.threads = 1;
  ArmTrainer trainer(global, {}, experiment, settings);
  WorldScores result;
  result.kind = world::to_text(kind);
  result.seed = seed;
  result.training_site_years =
      experiment.site_years(experiment.sites_with(Role::train), Role::train);
  result.test_site_years = experiment.site_years(experiment.sites_with(Role::test), Role::test);
  for (const Arm arm : config.arms) {
    const Predictions made = predict_arm(trainer.models(arm), experiment, spinup_years, 1);
    const ArmScores scores = {
        to_text(arm), meaning(arm),
        region_scores(experiment.table, experiment.roles, Role::test, made, true)};
    const std::vector<StudyRow> rows = study_rows(result.kind, seed, scores);
    result.rows.insert(result.rows.end(), rows.begin(), rows.end());
  }
  return result;
}

}  // namespace fluxtile
