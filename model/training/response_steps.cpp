// SPDX-License-Identifier: Apache-2.0
#include "model/training/response_steps.h"

#include <torch/types.h>

#include <algorithm>

#include "model/training/losses.h"
#include "model/training/random_draws.h"

namespace fluxtile {
namespace {

/// Validation of sampled responses uses every fourth point.
constexpr int coarse_multiple = 4;
/// Published: the points of the curves to keep are three intervals apart.
constexpr int keep_multiple = 3;

/// A number of neighbouring points of a curve, all if `wanted` is 0.
struct Window {
  size_t first = 0, count = 0;
};
Window drawn_window(size_t points, int wanted, RandomDraws& draws) {
  if (wanted <= 0 || static_cast<size_t>(wanted) >= points) return {0, points};
  const auto count = static_cast<size_t>(std::max(wanted, 2));
  return {draws.below(points - count + 1), count};
}

template <typename T>
std::vector<T> part(const std::vector<T>& values, const Window& window) {
  if (values.empty()) return {};
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(window.first);
  return {first, first + static_cast<std::ptrdiff_t>(window.count)};
}

CurveLoss times(CurveLoss loss, double factor) {
  loss.value *= factor;
  for (auto* derivative : {&loss.derivative.ra, &loss.derivative.rh, &loss.derivative.yield})
    for (double& value : *derivative) value *= factor;
  return loss;
}

}  // namespace

ResponseSteps::ResponseSteps(const Package& start, const SiteYearTensors& data,
                             std::vector<size_t> sites, const Stage& stage,
                             const Schedule& schedule, const std::string& device, int threads)
    : stage_(stage), data_(data), inputs_(start.input_names()), sites_(std::move(sites)) {
  const auto keep_known = [this](std::vector<std::string>& features, bool possible) {
    features.erase(std::remove_if(features.begin(), features.end(),
                                  [&](const std::string& feature) {
                                    return !possible || position(feature) == inputs_.size();
                                  }),
                   features.end());
  };
  keep_known(stage_.rh_responses, true);
  keep_known(stage_.yield_responses, start.scalers.count("Yield") > 0);
  keep_known(stage_.keep_responses, true);
  if (!any()) return;

  years_ = static_cast<size_t>(std::max(1, stage_.response_years));
  for (const size_t site : sites_) years_ = std::min(years_, data_.runnable_rows(site).size());
  spinup_years_ = std::min(schedule.spinup_years, static_cast<int>(years_));

  std::vector<size_t> fixed = sites_;
  RandomDraws(schedule.seed, "check sites of " + stage_.name).shuffle(fixed);
  if (stage_.response_sites > 0 && fixed.size() > static_cast<size_t>(stage_.response_sites))
    fixed.resize(static_cast<size_t>(stage_.response_sites));
  fixed_ = check_set(fixed);
  if (stage_.keep_responses.empty()) return;
  const std::shared_ptr<FluxNetwork> network = make_flux_network(start);
  network->to(torch::Device(device));
  before_work_ = std::make_unique<ParallelGradient>(network, threads);
}

size_t ResponseSteps::position(const std::string& feature) const {
  return static_cast<size_t>(std::find(inputs_.begin(), inputs_.end(), feature) - inputs_.begin());
}

CheckSet ResponseSteps::check_set(const std::vector<size_t>& sites) const {
  std::vector<int64_t> rows;
  for (const size_t site : sites) {
    const std::vector<int64_t> own = data_.runnable_rows(site);
    rows.insert(rows.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(years_));
  }
  const at::Tensor x = data_.inputs(rows).contiguous();
  CheckSet set;
  set.x_z = x.view(
      {static_cast<int64_t>(sites.size()), static_cast<int64_t>(years_), x.size(1), x.size(2)});
  set.ra = data_.scalers.ra;
  set.rh = data_.scalers.rh;
  set.spinup_years = spinup_years_;
  return set;
}

const ResponseCurve& ResponseSteps::curve_before(const std::string& feature) {
  const auto found = before_.find(feature);
  if (found != before_.end()) return found->second;
  return before_[feature] =
             response_curve(*before_work_, fixed_, position(feature),
                            response_range(feature).points(keep_multiple), 0, 0, false);
}

uint64_t ResponseSteps::run(ParallelGradient& work, uint64_t seed, uint64_t first_step,
                            const Step& step) {
  RandomDraws draws(seed, 0x726573706f6e7365ULL, first_step);
  uint64_t site_years = 0, number = first_step;
  const auto count = [&](const CheckSet& set, size_t points) {
    site_years += static_cast<uint64_t>(set.x_z.size(0)) *
                  (static_cast<uint64_t>(set.x_z.size(1) + set.spinup_years)) * points;
  };

  if (!stage_.rh_responses.empty() || !stage_.yield_responses.empty()) {
    CheckSet set = fixed_;
    if (stage_.response_sites > 0 && static_cast<size_t>(stage_.response_sites) < sites_.size()) {
      std::vector<size_t> drawn = sites_;
      draws.shuffle(drawn);
      drawn.resize(static_cast<size_t>(stage_.response_sites));
      set = check_set(drawn);
    }
    const auto run_one = [&](const std::string& feature, const char* what, auto&& loss_of) {
      const ResponseRange& range = response_range(feature);
      const std::vector<double> points = range.points(1);
      const Window window = drawn_window(points.size(), stage_.response_points, draws);
      // A part of the curve stands for all of it.
      const double share = static_cast<double>(points.size() - 1) /
                           static_cast<double>(std::max<size_t>(1, window.count - 1));
      const double loss = response_gradient(
          work, set, position(feature), part(points, window),
          [&](const ResponseCurve& curve) { return times(loss_of(curve, range.interval), share); },
          seed, number++);
      count(set, window.count);
      step(std::string(what) + " ~ " + feature, loss);
    };
    for (const std::string& feature : stage_.rh_responses) run_one(feature, "Rh", falling_rh_loss);
    for (const std::string& feature : stage_.yield_responses)
      run_one(feature, "Yield", rising_yield_loss);
  }

  std::vector<std::string> kept = stage_.keep_responses;
  if (stage_.response_features > 0 && kept.size() > static_cast<size_t>(stage_.response_features)) {
    draws.shuffle(kept);
    kept.resize(static_cast<size_t>(stage_.response_features));
  }
  for (const std::string& feature : kept) {
    const ResponseRange& range = response_range(feature);
    const std::vector<double> points = range.points(keep_multiple);
    const Window window = drawn_window(points.size(), stage_.response_points, draws);
    const ResponseCurve& all = curve_before(feature);
    const ResponseCurve before{part(all.ra, window), part(all.rh, window), {}};
    const double loss = response_gradient(
        work, fixed_, position(feature), part(points, window),
        [&](const ResponseCurve& curve) { return keep_curve_loss(curve, before, range); }, seed,
        number++);
    count(fixed_, window.count);
    step("keep " + feature, loss);
  }
  return site_years;
}

std::map<std::string, double> ResponseSteps::validation(ParallelGradient& work) {
  std::map<std::string, double> terms;
  if (!any()) return terms;
  const int multiple = stage_.response_points > 0 ? coarse_multiple : 1;
  for (const std::string& feature : stage_.rh_responses) {
    const ResponseRange& range = response_range(feature);
    const ResponseCurve curve =
        response_curve(work, fixed_, position(feature), range.points(multiple), 0, 0, false);
    terms["Rh ~ " + feature] = multiple * falling_rh_loss(curve, range.interval * multiple).value;
  }
  return terms;
}

}  // namespace fluxtile
