// SPDX-License-Identifier: Apache-2.0
#include "pipeline/engine_trial.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "geo/calendar.h"
#include "model/kgml_ag_c.h"

namespace fluxtile {
namespace {

constexpr int kYear = 2001;
constexpr size_t kDays = 365;

bool is_climate(const std::string& name) {
  const auto& names = kgml_ag_c::input_names();
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(kgml_ag_c::crop_feature);
  return std::find(names.begin(), end, name) != end;
}

/// Made-up values of one input: its mean, or a spread of the package's own range about it.
class MadeUpInput {
 public:
  MadeUpInput(const PackageInput& input, bool spread) : input_(input), spread_(spread ? 1 : 0) {}

  /// `season`: -1 in winter, 1 in summer; `chance`: -1 to 1.
  [[nodiscard]] float value(double season, double chance) const {
    double value = input_.scaler.mean + spread_ * input_.scaler.std * (0.8 * season + 0.8 * chance);
    if (input_.min) value = std::max(value, *input_.min);
    if (input_.max) value = std::min(value, *input_.max);
    return static_cast<float>(value);
  }

 private:
  const PackageInput& input_;
  double spread_;
};

/// A year for some cells, each with climate, composites and soil of its own. `spread`: inputs run
/// through their ranges; without it they stand at their means.
struct TrialYear {
  TrialYear(const Package& package, size_t cells, bool spread);
  YearInputs inputs;
  MemberInputs member;
};

TrialYear::TrialYear(const Package& package, size_t cells, bool spread) {
  std::mt19937 random(7);
  const auto chance = [&] { return static_cast<double>(random()) / 2147483648.0 - 1.0; };
  const auto season = [](size_t day) {
    return -std::cos(2 * 3.14159265358979 * (static_cast<double>(day) - 15) / 365);
  };
  inputs.year = kYear;
  inputs.days = kDays;
  for (size_t day = 0; day < kDays; ++day)
    inputs.month.push_back(
        static_cast<uint8_t>(from_day_of_year(kYear, static_cast<int>(day)).month - 1));
  inputs.cells = cells;
  inputs.flags.assign(12 * cells, 0);

  auto climate = std::make_shared<ClimateBlock>();
  climate->days = kDays;
  climate->cells = spread ? cells : 1;
  std::vector<MadeUpInput> variables, statics;
  for (const auto& input : package.inputs) {
    if (input.name == "GPP" || input.name == "Year" || input.name == "Crop_Type") continue;
    (is_climate(input.name) ? climate->variables : inputs.static_names).push_back(input.name);
    (is_climate(input.name) ? variables : statics).emplace_back(input, spread);
  }
  for (size_t day = 0; day < kDays; ++day)
    for (size_t cell = 0; cell < climate->cells; ++cell)
      for (const auto& variable : variables)
        climate->values.push_back(variable.value(season(day), chance()));
  auto weights = std::make_shared<SparseWeights>();
  weights->offset.push_back(0);
  const PackageInput &gpp = package.input("GPP"), &crop = package.input("Crop_Type");
  for (size_t cell = 0; cell < cells; ++cell) {
    inputs.position.push_back(static_cast<int32_t>(cell));
    weights->index.push_back(spread ? static_cast<int32_t>(cell) : 0);
    weights->weight.push_back(1.0F);
    weights->offset.push_back(static_cast<int64_t>(cell + 1));
    for (const auto& input : statics) inputs.statics.push_back(input.value(0, chance()));
    member.cell.push_back(static_cast<int32_t>(cell));
    member.crop.push_back(MadeUpInput(crop, spread).value(0, cell % 2 == 0 ? 1 : -1));
  }
  inputs.climate = climate;
  inputs.climate_weights = weights;
  constexpr size_t interval = 8;
  inputs.gpp.composites = (kDays + interval - 1) / interval;
  for (size_t k = 0; k < inputs.gpp.composites; ++k)
    for (size_t cell = 0; cell < cells; ++cell)
      inputs.gpp.values.push_back(
          std::max(0.0F, MadeUpInput(gpp, spread).value(season(interval * k), chance())));
  for (size_t day = 0; day < kDays; ++day) {
    inputs.gpp.before.push_back(static_cast<int32_t>(day / interval));
    inputs.gpp.after.push_back(static_cast<int32_t>(day / interval));
  }
  inputs.gpp.weight.assign(kDays, 0.0F);
  inputs.year_feature = static_cast<float>(package.input("Year").scaler.mean);
}

MemberState zero_state(const Package& package, size_t cells) {
  return {std::vector<float>(cells * architecture_info(package.architecture).state_size, 0.0F)};
}

}  // namespace

double pixel_years_per_second(const EngineOptions& options, std::shared_ptr<const Package> package,
                              int threads) {
  const auto engine = make_engine(options, package);
  const size_t cells = 64 * static_cast<size_t>(threads);
  const TrialYear year(*package, cells, false);
  MemberState state = zero_state(*package, cells);
  oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                    static_cast<size_t>(threads));
  oneapi::tbb::task_arena arena(threads);
  double best = 0;
  arena.execute([&] {
    for (int repeat = 0; repeat < 2; ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      (void)engine->run(year.inputs, year.member, state, false);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      best = std::max(best, static_cast<double>(cells) / seconds);
    }
  });
  return best;
}

std::map<std::string, double> annual_sum_errors(const EngineOptions& options,
                                                std::shared_ptr<const Package> package) {
  constexpr size_t cells = 64;
  const TrialYear year(*package, cells, true);
  const auto second_year = [&](const EngineOptions& chosen) {
    const auto engine = make_engine(chosen, package);
    MemberState state = zero_state(*package, cells);
    (void)engine->run(year.inputs, year.member, state, false);
    return engine->run(year.inputs, year.member, state, true).daily;
  };
  EngineOptions exact = options;
  exact.precision = "fp32";
  const std::vector<float> expected = second_year(exact), found = second_year(options);
  const auto variables = architecture_info(package->architecture).variables;
  std::map<std::string, double> errors;
  for (size_t v = 0; v < variables.size(); ++v) {
    if (variables[v] == "gpp") continue;
    double worst = 0;
    for (size_t cell = 0; cell < cells; ++cell) {
      double difference = 0, absolute = 0;
      for (size_t day = 0; day < kDays; ++day) {
        const size_t at = (v * kDays + day) * cells + cell;
        difference += double{found[at]} - double{expected[at]};
        absolute += std::fabs(double{expected[at]});
      }
      if (absolute > 0) worst = std::max(worst, std::fabs(difference) / absolute);
    }
    errors[variables[v]] = worst;
  }
  return errors;
}

}  // namespace fluxtile
