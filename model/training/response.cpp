// SPDX-License-Identifier: Apache-2.0
#include "model/training/response.h"

#include <torch/autograd.h>

#include <cmath>

#include "base/error.h"

namespace fluxtile {
namespace {

using State = FluxNetwork::State;

/// Keeps these streams apart from those of mini-batches with the same seed and step.
constexpr uint64_t response_key = 0x5265'7370'6f6e'7365;

/// How the runs at all values of a feature are cut into chunks and years.
class ResponseRuns {
 public:
  ResponseRuns(const CheckSet& set, size_t feature, const std::vector<double>& z_values,
               uint64_t seed, uint64_t step)
      : set_(set),
        feature_(static_cast<int64_t>(feature)),
        z_values_(z_values),
        seed_(seed),
        step_(step),
        sites_(set.x_z.size(0)),
        years_(set.x_z.size(1)),
        groups_((sites_ + response_group - 1) / response_group) {
    if (years_ < set.spinup_years || sites_ == 0 || z_values.empty())
      throw Error(Code::data, "the check set is too small for a response curve")
          .found(std::to_string(sites_) + " sites, " + std::to_string(years_) + " years, " +
                 std::to_string(z_values.size()) + " points")
          .expected("sites, points, and at least the " + std::to_string(set.spinup_years) +
                    " years of the spin-up");
  }

  [[nodiscard]] size_t chunks() const { return z_values_.size() * static_cast<size_t>(groups_); }
  [[nodiscard]] size_t points() const { return z_values_.size(); }
  [[nodiscard]] size_t point(size_t chunk) const { return chunk / static_cast<size_t>(groups_); }
  /// Simulated years, spin-up included.
  [[nodiscard]] int64_t run_years() const { return set_.spinup_years + years_; }
  [[nodiscard]] bool spinup(int64_t year) const { return year < set_.spinup_years; }
  [[nodiscard]] double ra_weight() const { return set_.ra.std / days(); }
  [[nodiscard]] double rh_weight() const { return set_.rh.std / days(); }
  [[nodiscard]] double yield_weight() const { return 1.0 / static_cast<double>(sites_ * years_); }

  [[nodiscard]] State zero_state(const FluxNetwork& network, size_t chunk) const {
    return network.zero_state(group_sites(chunk));
  }

  /// Runs the n-th simulated year of a chunk with its own dropout.
  [[nodiscard]] FluxNetwork::YearOutput run(FluxNetwork& network, size_t chunk, int64_t year,
                                            const State& state) const {
    const int64_t from = spinup(year) ? year : year - set_.spinup_years;
    // Days first in memory, as networks like it.
    const torch::Tensor x = set_.x_z.narrow(0, first_site(chunk), group_sites(chunk))
                                .select(1, from)
                                .transpose(0, 1)
                                .clone(at::MemoryFormat::Contiguous)
                                .to(network.parameters().front().device())
                                .transpose(0, 1);
    x.select(2, feature_).fill_(z_values_[point(chunk)]);
    restart_response_dropout(network.dropout, seed_, step_, chunk, static_cast<uint64_t>(year));
    return network.run_year(x, state);
  }

 private:
  [[nodiscard]] int64_t first_site(size_t chunk) const {
    return static_cast<int64_t>(chunk) % groups_ * response_group;
  }
  [[nodiscard]] int64_t group_sites(size_t chunk) const {
    return std::min(response_group, sites_ - first_site(chunk));
  }
  /// Days that a mean is taken over.
  [[nodiscard]] double days() const {
    return static_cast<double>(sites_ * years_ * set_.x_z.size(2));
  }

  const CheckSet& set_;
  int64_t feature_;
  const std::vector<double>& z_values_;
  uint64_t seed_, step_;
  int64_t sites_, years_, groups_;
};

double sum_of(const torch::Tensor& values) { return values.sum(at::kDouble).item<double>(); }

/// What a chunk adds to the means of its point.
struct ChunkSums {
  double ra = 0, rh = 0, yield = 0;
  bool has_yield = false;
};

/// States before each simulated year, by chunk; kept for the second pass where it follows.
using SavedStates = std::vector<std::vector<State>>;

ResponseCurve run_curve(ParallelGradient& work, const ResponseRuns& runs, const CheckSet& set,
                        uint64_t seed, uint64_t step, bool training, SavedStates* saved) {
  std::vector<ChunkSums> sums(runs.chunks());
  if (saved) saved->assign(runs.chunks(), {});
  (void)work.evaluate(
      runs.chunks(), seed, step,
      [&](FluxNetwork& network, size_t chunk) {
        ChunkSums& sum = sums[chunk];
        State state = runs.zero_state(network, chunk);
        for (int64_t year = 0; year < runs.run_years(); ++year) {
          if (saved) (*saved)[chunk].push_back(state);
          FluxNetwork::YearOutput out = runs.run(network, chunk, year, state);
          state = std::move(out.state);
          if (runs.spinup(year)) continue;
          sum.ra += sum_of(out.fluxes.select(2, 0));
          sum.rh += sum_of(out.fluxes.select(2, 1));
          sum.has_yield = out.yield.defined();
          if (sum.has_yield) sum.yield += sum_of(out.yield);
        }
        return ParallelGradient::ChunkLoss{};
      },
      training);

  ResponseCurve curve;
  curve.ra.assign(runs.points(), set.ra.mean);
  curve.rh.assign(runs.points(), set.rh.mean);
  if (sums.front().has_yield) curve.yield.assign(runs.points(), 0);
  for (size_t chunk = 0; chunk < sums.size(); ++chunk) {
    const size_t point = runs.point(chunk);
    curve.ra[point] += sums[chunk].ra * runs.ra_weight();
    curve.rh[point] += sums[chunk].rh * runs.rh_weight();
    if (!curve.yield.empty()) curve.yield[point] += sums[chunk].yield * runs.yield_weight();
  }
  return curve;
}

/// Which parts of a network's state depend on trained parameters, over any number of years: the
/// others need no way back.
std::vector<bool> trained_state(FluxNetwork& network, const CheckSet& set) {
  const torch::Tensor day =
      torch::zeros({1, 1, set.x_z.size(3)}, network.parameters().front().options());
  std::vector<bool> depends(network.zero_state(1).size(), false);
  while (true) {
    const std::vector<bool> before = depends;
    State state = network.zero_state(1);
    for (size_t part = 0; part < state.size(); ++part) state[part].requires_grad_(before[part]);
    const State after = network.run_year(day, state).state;
    for (size_t part = 0; part < state.size(); ++part)
      depends[part] = before[part] || after[part].requires_grad();
    if (depends == before) return depends;
  }
}

double derivative_at(const std::vector<double>& derivative, size_t point) {
  return derivative.empty() ? 0 : derivative[point];
}

/// Gradient of a chunk's share of a loss whose derivatives to the point's means are known: goes
/// from the last year back to the first, each from its saved state, and hands the derivative to a
/// year's first state on to the year before.
std::vector<torch::Tensor> chunk_gradient(FluxNetwork& network, const ResponseRuns& runs,
                                          size_t chunk, const std::vector<State>& saved,
                                          const std::vector<bool>& depends, double ra, double rh,
                                          double yield, const std::vector<torch::Tensor>& trained) {
  std::vector<torch::Tensor> gradient(trained.size());
  State to_state;  // derivative of the loss to the state after the year at hand
  for (int64_t year = runs.run_years() - 1; year >= 0; --year) {
    State state, starts;  // starts: the parts that the way back goes on from
    for (size_t part = 0; part < depends.size(); ++part) {
      state.push_back(saved[static_cast<size_t>(year)][part].clone());
      if (year > 0 && depends[part]) starts.push_back(state.back().requires_grad_(true));
    }
    const FluxNetwork::YearOutput out = runs.run(network, chunk, year, state);

    std::vector<torch::Tensor> ends, weights;  // the loss is the sum of their products
    const auto add = [&](const torch::Tensor& end, const torch::Tensor& weight) {
      if (!end.requires_grad()) return;
      ends.push_back(end);
      weights.push_back(weight);
    };
    if (!runs.spinup(year)) {
      torch::Tensor weight = torch::zeros_like(out.fluxes);
      weight.select(2, 0).fill_(ra * runs.ra_weight());
      weight.select(2, 1).fill_(rh * runs.rh_weight());
      add(out.fluxes, weight);
      if (out.yield.defined() && yield != 0)
        add(out.yield, torch::full_like(out.yield, yield * runs.yield_weight()));
    }
    for (size_t part = 0; part < to_state.size(); ++part)
      if (to_state[part].defined()) add(out.state[part], to_state[part]);
    if (ends.empty()) break;

    std::vector<torch::Tensor> to = trained;
    to.insert(to.end(), starts.begin(), starts.end());
    const std::vector<torch::Tensor> derivative =
        torch::autograd::grad(ends, to, weights, /*retain_graph=*/false, /*create_graph=*/false,
                              /*allow_unused=*/true);
    for (size_t i = 0; i < trained.size(); ++i)
      if (derivative[i].defined())
        gradient[i] = gradient[i].defined() ? gradient[i] + derivative[i] : derivative[i];
    to_state.assign(depends.size(), {});
    size_t next = trained.size();
    for (size_t part = 0; year > 0 && part < depends.size(); ++part)
      if (depends[part]) to_state[part] = derivative[next++];
  }
  return gradient;
}

at::Tensor of(const std::vector<double>& values, bool gradient) {
  return torch::tensor(values, at::kDouble).requires_grad_(gradient);
}

std::vector<double> gradient_of(const at::Tensor& values) {
  if (!values.grad().defined()) return {};
  const double* first = values.grad().data_ptr<double>();
  return {first, first + values.numel()};
}

void backward(const at::Tensor& loss) {
  if (loss.requires_grad()) loss.backward();
}

}  // namespace

void restart_response_dropout(DropoutStream& dropout, uint64_t seed, uint64_t step, uint64_t chunk,
                              uint64_t year) noexcept {
  dropout.restart(seed ^ response_key, step, chunk << 32U | year);
}

ResponseCurve response_curve(ParallelGradient& work, const CheckSet& set, size_t feature,
                             const std::vector<double>& z_values, uint64_t seed, uint64_t step,
                             bool training) {
  const ResponseRuns runs(set, feature, z_values, seed, step);
  return run_curve(work, runs, set, seed, step, training, nullptr);
}

CurveLoss falling_rh_loss(const ResponseCurve& curve, double step) {
  const at::Tensor rh = of(curve.rh, true);
  const at::Tensor loss = falling_loss(rh, step);
  backward(loss);
  return {loss.item<double>(), {{}, gradient_of(rh), {}}};
}

CurveLoss rising_yield_loss(const ResponseCurve& curve, double step) {
  const at::Tensor yield = of(curve.yield, true);
  const at::Tensor loss = rising_loss(yield, step);
  backward(loss);
  return {loss.item<double>(), {{}, {}, gradient_of(yield)}};
}

CurveLoss keep_curve_loss(const ResponseCurve& curve, const ResponseCurve& before,
                          const ResponseRange& range) {
  const at::Tensor ra = of(curve.ra, true), rh = of(curve.rh, true);
  const at::Tensor loss =
      keep_response_loss(range, ra, rh, of(before.ra, false), of(before.rh, false));
  backward(loss);
  return {loss.item<double>(), {gradient_of(ra), gradient_of(rh), {}}};
}

double response_gradient(ParallelGradient& work, const CheckSet& set, size_t feature,
                         const std::vector<double>& z_values,
                         const std::function<CurveLoss(const ResponseCurve&)>& loss, uint64_t seed,
                         uint64_t step) {
  const ResponseRuns runs(set, feature, z_values, seed, step);
  SavedStates saved;
  const CurveLoss value = loss(run_curve(work, runs, set, seed, step, true, &saved));
  (void)work.gradient(
      runs.chunks(), seed, step,
      [&](FluxNetwork& network, size_t chunk) {
        const size_t point = runs.point(chunk);
        const double ra = derivative_at(value.derivative.ra, point);
        const double rh = derivative_at(value.derivative.rh, point);
        const double yield = derivative_at(value.derivative.yield, point);
        ParallelGradient::ChunkLoss result;
        if (ra == 0 && rh == 0 && yield == 0) return result;
        std::vector<torch::Tensor> trained;
        for (const torch::Tensor& parameter : network.parameters())
          if (parameter.requires_grad()) trained.push_back(parameter);
        const std::vector<torch::Tensor> gradient =
            chunk_gradient(network, runs, chunk, saved[chunk], trained_state(network, set), ra, rh,
                           yield, trained);
        // A linear function of the parameters that has this gradient.
        for (size_t i = 0; i < trained.size(); ++i) {
          if (!gradient[i].defined()) continue;
          const torch::Tensor share = (trained[i] * gradient[i]).sum();
          result.loss = result.loss.defined() ? result.loss + share : share;
        }
        return result;
      },
      true);
  return value.value;
}

}  // namespace fluxtile
