// SPDX-License-Identifier: Apache-2.0
#include "study_example.h"

#include <cmath>
#include <random>

namespace fluxtile::test {
namespace {

double uniform(std::mt19937& random) {
  return 2 * static_cast<double>(random()) / 4294967296.0 - 1;
}

/// MSE of an arm in a kind of world, relative to the pooled arm.
double level(const std::string& arm, double gain) {
  if (arm == "pretrained") return 2.2;
  if (arm == "regional") return 1 - gain;
  if (arm == "scratch") return 1.8;
  if (arm == "placebo") return 1.05;
  if (arm == "swapped") return 1 + 2 * gain;
  if (arm == "pooled-corrected") return 1 - 0.5 * gain;
  return 1;
}

}  // namespace

StudyReport example_study(double gain_in_null, const std::string& letters) {
  StudyReport report;
  report.title = "Study over worlds" + letters;
  report.facts = {{"Worlds", "7 of each kind"}, {"Labels", "NEE and Reco, 4 sites a state"}};
  report.warnings = {"made up" + letters};
  const std::pair<const char*, double> kinds[] = {{"large_jump", 0.45},
                                                  {"null", gain_in_null},
                                                  {"explained", 0.1},
                                                  {"small_jump", 0.2},
                                                  {"other_structure", 0.3}};
  std::mt19937 random(2);
  for (const auto& [kind, gain] : kinds) {
    for (uint64_t world = 1; world <= 7; ++world) {
      const double difficulty = 1 + 0.3 * uniform(random);
      for (const char* arm : {"pretrained", "pooled", "pooled-corrected", "regional", "scratch",
                              "placebo", "swapped"}) {
        for (const char* variable : {"Reco", "NEE"}) {
          for (const Scale scale : {Scale::monthly, Scale::annual, Scale::anomaly}) {
            for (const std::string region : {"", "Illinois", "Iowa", "Indiana"}) {
              StudyRow row;
              row.kind = kind;
              row.world = world;
              row.arm = arm;
              row.region = region.empty() ? "" : region + letters;
              row.variable = variable;
              row.scale = scale;
              row.mse = difficulty * level(arm, gain) * (1 + 0.08 * uniform(random)) *
                        (scale == Scale::annual ? 1e4 : 1);
              row.rmse = std::sqrt(row.mse);
              row.nse = 1 - row.mse / (scale == Scale::annual ? 8e4 : 8);
              row.sites = region.empty() ? 12 : 4;
              report.rows.push_back(row);
            }
          }
        }
      }
      if (world > 3) continue;
      for (const char* arm : {"pooled", "regional"})
        for (const double x : {2.0, 6.0, 18.0})
          report.learning_curve.push_back(
              {kind,
               {arm, "", "Reco", x, static_cast<int>(world),
                (1 + 0.05 * uniform(random)) * (0.5 + 1 / x) * (arm[0] == 'r' ? 1 - gain : 1),
                0.9}});
    }
  }
  return report;
}

}  // namespace fluxtile::test
