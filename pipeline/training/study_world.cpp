// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/study_world.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "pipeline/world/sites.h"

namespace fluxtile {
namespace {

constexpr int spinup_years = 2;

struct ChosenPoints {
  std::vector<world::SitePoint> towers, reference;
};

ChosenPoints choose_points(const StudyConfig& config, uint64_t seed) {
  // Many more places than are needed, so that every region has enough in blocks of their own.
  constexpr size_t places = 600;
  const std::vector<world::SitePoint> all =
      config.points.empty() ? world::midwest_points(places, seed)
                            : world::read_points_csv(config.points);
  ChosenPoints chosen;
  std::map<std::string, size_t> towers, reference;
  std::set<std::string> blocks;
  for (const world::SitePoint& point : all) {
    if (towers[point.region] >= config.towers || blocks.count(point.block) != 0) continue;
    ++towers[point.region];
    blocks.insert(point.block);
    chosen.towers.push_back(point);
  }
  for (const world::SitePoint& point : all) {
    if (reference[point.region] >= config.reference || blocks.count(point.block) != 0) continue;
    ++reference[point.region];
    chosen.reference.push_back(point);
  }
  for (const auto& [region, count] : towers) {
    if (count < config.towers || reference[region] < config.reference) {
      throw Error(Code::data, "region " + region + " has too few places in blocks of their own")
          .found(std::to_string(count) + " towers and " + std::to_string(reference[region]) +
                 " reference sites")
          .expected(std::to_string(config.towers) + " and " + std::to_string(config.reference))
          .hint("lower sites.towers or sites.reference, or give more places");
    }
  }
  return chosen;
}

}  // namespace

Experiment study_experiment(const StudyConfig& config, world::Heterogeneity kind, uint64_t seed) {
  const ChosenPoints points = choose_points(config, seed);
  world::SiteWorld described;
  described.seed = seed;
  described.heterogeneity = kind;
  described.first_year = config.first_year;
  described.years = config.years;
  described.gpp = kind == world::Heterogeneity::other_structure ? "satellite" : "truth";
  described.points = points.towers;
  described.points.insert(described.points.end(), points.reference.begin(),
                          points.reference.end());
  const SiteYears table = world::simulate_sites(described);
  std::vector<size_t> towers, reference;
  for (size_t k = 0; k < table.sites.size(); ++k)
    (k < points.towers.size() ? towers : reference).push_back(k);
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
    result.arms.push_back({to_text(arm), region_scores(experiment.table, experiment.roles,
                                                       Role::test, made, true)});
  }
  return result;
}

}  // namespace fluxtile
