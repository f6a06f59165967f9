// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <set>

#include "pipeline/products.h"
#include "pipeline/report_page.h"
#include "pipeline/run_facts.h"

namespace fluxtile {
namespace {

constexpr size_t kAnnualPeriod = 4;  // length of "2018"; a month is "2018-07"

std::vector<std::pair<std::string, std::string>> facts_of(const RunStages& stages,
                                                          const Config& config,
                                                          const RunTally& tally) {
  const Plan& plan = *stages.plan;
  std::string models;
  for (const auto& package : stages.packages) {
    models += (models.empty() ? "" : "; ") + package->name + " (" + package->architecture +
              ", weights " + package->weights_sha256.substr(0, 12) + ")";
  }
  std::string spinup;
  for (const auto& step : plan.steps) {
    if (step.spinup) spinup += (spinup.empty() ? "" : ", ") + std::to_string(step.year);
  }
  return {
      {"Configuration", config.path},
      {"Period", to_text(plan.start) + " to " + to_text(plan.end)},
      {"Spin-up years", spinup.empty() ? "none" : spinup},
      {"Grid", fmt::format("{}, cells of {:g}", plan.lattice.crs, plan.lattice.resolution)},
      {"Models", models},
      {"Engine", plan.engine_identity},
      {"Threads", std::to_string(plan.threads)},
      {"Tiles", fmt::format("{} planned, {} failed, {} without a modelled cell", plan.units.size(),
                            tally.tiles_failed, tally.empty_tiles)},
      {"Pixel-years", fmt::format("{} ({:.0f} a second)", tally.pixel_years,
                                  tally.wall_seconds > 0
                                      ? static_cast<double>(tally.pixel_years) / tally.wall_seconds
                                      : 0.0)},
      {"Peak memory",
       fmt::format("{} MiB of {} MiB promised", peak_memory() >> 20, plan.memory >> 20)}};
}

void add_totals(ReportPage& page, const Merged& merged) {
  for (const auto& row : merged.summary) {
    if (!row.zone.empty() || row.period.size() != kAnnualPeriod) continue;
    ReportTotal total;
    total.region = row.region;
    total.period = row.period;
    total.variable = row.variable;
    total.area_km2 = row.modelled_m2 / 1e6;
    const bool any = row.modelled_m2 > 0;
    total.mean = any ? row.mean() : std::numeric_limits<double>::quiet_NaN();
    total.mean_unit = "gC m-2";
    total.total = any ? row.total_g / 1e9 : std::numeric_limits<double>::quiet_NaN();
    total.total_unit = "GgC";
    page.totals.push_back(total);
  }
}

void add_curves(ReportPage& page, const Merged& merged) {
  for (const auto& row : merged.summary) {
    if (!row.zone.empty() || row.period.size() == kAnnualPeriod) continue;
    const bool follows = !page.curves.empty() && page.curves.back().region == row.region &&
                         page.curves.back().variable == row.variable;
    if (!follows) {
      ReportCurve curve;
      curve.region = row.region;
      curve.variable = row.variable;
      curve.long_name =
          describe(row.variable, row.variable, Period::monthly, Statistic::mean).long_name;
      curve.unit = "gC m-2 d-1";
      curve.first_year = row.first.year;
      curve.first_month = row.first.month;
      page.curves.push_back(curve);
    }
    const auto days = static_cast<double>(to_days(row.end) - to_days(row.first));
    page.curves.back().values.push_back(
        row.modelled_m2 > 0 ? row.mean() / days : std::numeric_limits<double>::quiet_NaN());
  }
}

void add_gpp_comparison(ReportPage& page, const RunStages& stages, const Config& config,
                        const Merged& merged) {
  for (const auto& comparison :
       compare_gpp(config, *stages.plan, stages.packages, merged.gpp_months)) {
    const auto product = [](const std::string& name) {
      return name.empty() ? std::string("a product that is not named") : name;
    };
    ReportMonths months;
    months.region = comparison.region;
    months.unit = "gC m-2 d-1";
    months.note = "Model " + comparison.package + " was trained on " +
                  product(comparison.trained_on) + "; this run maps with " +
                  product(comparison.mapped_with) + ". What differs goes into the fluxes.";
    for (const auto& [crop, means] : comparison.training)
      months.rows.emplace_back("training, " + crop,
                               std::vector<double>(means.begin(), means.end()));
    months.rows.emplace_back(
        "this run, modelled cells",
        std::vector<double>(comparison.mapped.begin(), comparison.mapped.end()));
    page.months.push_back(std::move(months));
  }
}

}  // namespace

void write_report(const RunStages& stages, const Config& config, const MergeCheck& check,
                  const Merged& merged, const RunTally& tally, double seconds) {
  const Plan& plan = *stages.plan;
  ReportPage page;
  page.title = config.name;
  page.subtitle = "Carbon fluxes, " + to_text(plan.start) + " to " + to_text(plan.end);
  page.synthetic_model = plan.synthetic_model;
  page.facts = facts_of(stages, config, tally);
  page.warnings = plan.warnings;
  for (const auto& failure : check.failed) {
    page.warnings.push_back("tile " + failure.region + "/" + failure.tile +
                            " failed: " + failure.cause);
  }
  for (const auto& [file, caption] : merged.quicklooks) {
    const auto region = std::find_if(
        plan.regions.begin(), plan.regions.end(),
        [&, &c = caption](const PlanRegion& r) { return c.rfind(r.name + ":", 0) == 0; });
    page.maps.push_back({region == plan.regions.end() ? "" : region->name, caption,
                         config.output_directory + "/" + file});
  }
  add_totals(page, merged);
  add_curves(page, merged);
  add_gpp_comparison(page, stages, config, merged);
  for (const auto& [region, counts] : merged.flag_counts) {
    for (size_t bit = 0; bit < counts.size(); ++bit) {
      if (counts[bit] == 0) continue;
      page.quality.push_back({region, "all months", static_cast<uint16_t>(1U << bit), counts[bit],
                              merged.cell_months.at(region)});
    }
  }
  for (const auto& [stage, value] : tally.stage_seconds)
    page.timings.push_back({stage + " (threads added up)", value});
  page.timings.push_back({"tiles, wall clock", tally.wall_seconds});
  page.timings.push_back({"everything, wall clock", seconds});
  for (const auto& name : merged.files) {
    page.products.push_back({name, merged.sizes.at(name), ""});
  }
  write_report_page(config.output_directory + "/report.html", page);
}

}  // namespace fluxtile
