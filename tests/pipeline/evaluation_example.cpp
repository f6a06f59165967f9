// SPDX-License-Identifier: Apache-2.0
#include "evaluation_example.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace fluxtile::test {
namespace {
constexpr size_t kDays = SiteYears::days;

double uniform(std::mt19937& random) { return static_cast<double>(random()) / 4294967296.0; }
double bell(std::mt19937& random) {  // about normal, variance 1
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += uniform(random);
  return sum;
}

/// How far an arm is from the truth.
struct Arm {
  const char *name, *meaning;
  double noise, by_region, damping;
};

SiteYears example_table(const std::string& letters) {
  SiteYears table;
  const std::pair<std::string, size_t> regions[] = {
      {"Illinois" + letters, 12}, {"Iowa", 9}, {"Indiana", 3}};
  for (const auto& [region, count] : regions)
    for (size_t i = 0; i < count; ++i)
      table.sites.push_back({region.substr(0, 3) + std::to_string(i + 1) + letters, region,
                             region + std::to_string(i), 40, -90, ""});
  for (int year = 2010; year < 2016; ++year) table.years.push_back(year);
  table.features = {{"Crop_Type", "1", ""}};
  const size_t site_years = table.sites.size() * table.years.size();
  std::mt19937 random(11);
  for (size_t i = 0; i < site_years; ++i)
    table.inputs.insert(table.inputs.end(), kDays, i % 2 == 0 ? 1.0F : 5.0F);
  for (const char* variable : {"Ra", "Rh", "Reco", "NEE"}) {
    std::vector<float>& days = table.daily[variable];
    const double size = variable[0] == 'N' ? -6 : variable[1] == 'e' ? 8 : 4;
    for (size_t i = 0; i < site_years; ++i) {
      const double year = 1 + 0.15 * bell(random);
      for (size_t d = 0; d < kDays; ++d) {
        const double season =
            std::exp(-std::pow((static_cast<double>(d) - 200) / 45, 2)) * size * year;
        days.push_back(static_cast<float>(season + 0.8 + 0.3 * bell(random)));
      }
    }
  }
  return table;
}

Predictions predicted(const SiteYears& table, const Arm& arm, unsigned seed) {
  Predictions out;
  std::mt19937 random(seed);
  for (const auto& [variable, observed] : table.daily) {
    std::vector<float>& days = out.daily[variable] = observed;
    const size_t length = table.years.size() * kDays;
    for (size_t s = 0; s < table.sites.size(); ++s) {
      const double region = table.sites[s].region[1] == 'o' ? 1 : -0.7;
      double site = arm.noise * bell(random) * 0.4;
      for (size_t i = s * length; i < (s + 1) * length; ++i) {
        if (i % 30 == 0) site = 0.9 * site + 0.35 * arm.noise * bell(random);
        days[i] = static_cast<float>(days[i] * arm.damping + site + arm.by_region * region);
      }
    }
  }
  return out;
}

std::vector<EpochRecord> history(unsigned seed) {
  std::vector<EpochRecord> out;
  std::mt19937 random(seed);
  double best = 1e9;
  for (const auto& [stage, epochs] : {std::pair<const char*, int>{"respiration", 60},
                                      std::pair<const char*, int>{"fluxes", 40}}) {
    best = 1e9;
    for (int e = 0; e < epochs; ++e) {
      EpochRecord record;
      record.stage = stage;
      record.epoch = e;
      record.epochs = epochs;
      record.learning_rate = 1e-3;
      const double loss = (stage[0] == 'r' ? 2 : 0.6) * std::exp(-e / 12.0) + 0.02;
      record.train["loss"] = loss;
      record.validation["loss"] = loss * (1.1 + 0.1 * bell(random)) + 0.004;
      record.best = record.validation["loss"] < best;
      best = std::min(best, record.validation["loss"]);
      record.r2 = {{"Reco", 0.95 - 0.5 * loss}, {"NEE", 0.92 - 0.6 * loss}};
      record.seconds = 1.5;
      record.site_years = 99;
      out.push_back(record);
    }
  }
  return out;
}
}  // namespace

EvaluationReport example_evaluation(const std::string& letters) {
  const SiteYears table = example_table(letters);
  Roles roles;
  for (size_t i = 0; i < table.sites.size() * table.years.size(); ++i)
    roles.push_back(i % table.years.size() < 3 ? Role::train : Role::test);
  const Arm arms[] = {
      {"climatology", "Month and crop means of the training labels", 1.2, 0.3, 0.85},
      {"line", "Reco = a + b GPP + c exp(0.07 T)", 0.9, 0.3, 0.95},
      {"gru", "Plain recurrent network, the same data and steps", 0.75, 0.3, 0.97},
      {"pretrained", "Trained on the process model alone", 0.6, 0.6, 0.95},
      {"pooled", "One model, fine-tuned on the labels of all regions", 0.4, 0.35, 0.98},
      {"pooled-corrected", "Pooled with bias and slope by region", 0.4, 0.1, 0.98},
      {"regional", "A model a region, fine-tuned on the region's own labels", 0.36, 0.08, 0.99},
      {"scratch", "A model a region, trained without pre-training", 0.9, 0.1, 0.95},
      {"placebo", "Fine-tuned on made-up regions of the same size", 0.42, 0.4, 0.98},
      {"swapped", "Each region with another region's model", 0.5, 0.7, 0.98}};
  EvaluationReport report;
  report.title = "Midwest, three states" + letters;
  report.synthetic = true;
  report.facts = {{"Data", "24 sites, 2010 to 2015" + letters},
                  {"Test", "2013 to 2015, all sites; never seen in training"},
                  {"Labels", "daily Ra, Rh, Reco, NEE"}};
  report.warnings = {"Indiana has 3 sites: no difference is claimed there" + letters};
  std::map<std::string, Predictions> made;
  for (const Arm& arm : arms) {
    const std::string name = arm.name + (arm.name[0] == 'g' ? letters : "");
    made[name] = predicted(table, arm, static_cast<unsigned>(made.size()) + 1);
    report.arms.push_back({name, arm.meaning + letters,
                           region_scores(table, roles, Role::test, made.at(name), false)});
  }
  const std::pair<const char*, const char*> comparisons[] = {
      {"pooled", "regional"}, {"pretrained", "pooled"}, {"pooled-corrected", "regional"}};
  std::vector<std::string> regions{""};
  for (const std::string& region : table.regions()) regions.push_back(region);
  for (const auto& [first, second] : comparisons)
    for (const char* variable : {"Reco", "NEE"})
      for (const Scale scale : {Scale::monthly, Scale::annual, Scale::anomaly}) {
        const auto errors = block_errors(table, roles, Role::test, made.at(first), made.at(second),
                                         variable, scale, false);
        for (const std::string& region : regions) {
          std::vector<BlockError> own;
          for (const BlockError& e : errors)
            if (region.empty() || table.sites[e.site].region == region) own.push_back(e);
          report.differences.push_back(
              {first, second, region, variable, scale, paired_bootstrap(own, 500, 1)});
        }
      }
  std::mt19937 random(3);
  for (const char* arm : {"regional", "pooled", "scratch"})
    for (const std::string& region : regions)
      for (const char* variable : {"Reco", "NEE"}) {
        for (const double x : {2.0, 5.0, 10.0, 20.0, 50.0})
          for (int seed = 1; seed <= 3; ++seed) {
            const double rmse = (arm[0] == 's' ? 2.5 : 0.8) / std::sqrt(x) +
                                (arm[0] == 'p' ? 0.5 : 0.35) + 0.03 * bell(random);
            report.learning_curve.push_back({arm, region, variable, x, seed, rmse, 0.9});
          }
        for (const double x : {1e-4, 3e-4, 1e-3, 3e-3})
          for (int seed = 1; seed <= 3; ++seed)
            report.robustness.push_back({arm, region, variable, x, seed,
                                         0.5 + 0.1 * std::fabs(std::log10(x) + 3) +
                                             (arm[0] == 's' ? 0.3 : 0) + 0.03 * bell(random),
                                         0.9});
      }
  for (const char* arm : {"pretrained", "regional"}) {
    report.maps.push_back({arm, {}});
    for (const char* period : {"annual", "monthly"})
      for (const char* variable : {"ra", "rh", "reco", "nee"})
        for (const std::string& region : regions) {
          const double rmse = (arm[0] == 'p' ? 120 : 60) + 10 * bell(random);
          report.maps.back().rows.push_back({region.empty() ? "all" : region,
                                             variable,
                                             period,
                                             {900, rmse * rmse, rmse, -20, 0.9, 0.8, 0.7}});
        }
  }
  report.histories = {{"global" + letters, history(1)}, {"Iowa", history(2)}};
  return report;
}

}  // namespace fluxtile::test
