// SPDX-License-Identifier: Apache-2.0
#include "model/training/stage_losses.h"

#include <torch/types.h>

#include "model/training/losses.h"

namespace fluxtile {
namespace {

constexpr int soybean = 5;  // Crop_Type; all other crops count with corn
constexpr int64_t ra_column = 0, rh_column = 1, nee_column = 2;

using Labels = SiteYearTensors::Labels;

/// Adds a term to a loss, with a weight.
void add(StageLoss& loss, const std::string& name, const at::Tensor& term, double weight = 1) {
  if (!term.defined()) return;
  const at::Tensor weighted = weight == 1 ? term : term * weight;
  loss.total = loss.total.defined() ? loss.total + weighted : weighted;
  loss.terms[name] += term.item<double>() * weight;
}

R2Sums::Sums sums(const at::Tensor& predicted, const at::Tensor& label, const at::Tensor& mask) {
  const torch::NoGradGuard no_gradient;
  const at::Tensor m = mask.to(torch::kDouble), y = label.to(torch::kDouble) * m;
  const at::Tensor error = (predicted.detach().to(torch::kDouble) - label) * m;
  return {m.sum().item<double>(), error.square().sum().item<double>(), y.sum().item<double>(),
          y.square().sum().item<double>()};
}

at::Tensor physical(const at::Tensor& z, const Scaler& scaler) {
  return z * scaler.std + scaler.mean;
}

/// Which rows of a mask hold a label: [N,...] -> N.
void mark(std::vector<bool>& labelled, const at::Tensor& mask) {
  if (!mask.defined()) return;
  const at::Tensor rows = mask.reshape({mask.size(0), -1}).amax(1).cpu();
  for (size_t row = 0; row < labelled.size(); ++row)
    if (rows.data_ptr<float>()[row] > 0) labelled[row] = true;
}

const std::vector<int>& month_begin(bool leap) {
  return SiteYears::month_begin(leap ? 2000 : 2001);
}

/// Means of calendar months, [years,T] -> [years,12], float64.
at::Tensor monthly_means(const at::Tensor& daily, const std::vector<bool>& leap) {
  const at::Tensor values = daily.to(at::kDouble);
  std::vector<at::Tensor> years;
  for (size_t year = 0; year < leap.size(); ++year) {
    const std::vector<int>& begin = month_begin(leap[year]);
    std::vector<at::Tensor> means;
    for (size_t month = 0; month < SiteYears::months; ++month)
      means.push_back(
          values[static_cast<int64_t>(year)].slice(0, begin[month], begin[month + 1]).mean());
    years.push_back(at::stack(means));
  }
  return at::stack(years);
}

/// Days that labels by month cover, [N,12] -> [N,T].
at::Tensor days_of_months(const at::Tensor& mask, const std::vector<bool>& leap) {
  std::vector<at::Tensor> years;
  for (size_t year = 0; year < leap.size(); ++year) {
    const std::vector<int>& begin = month_begin(leap[year]);
    std::vector<at::Tensor> parts;
    for (size_t month = 0; month < SiteYears::months; ++month)
      parts.push_back(mask[static_cast<int64_t>(year)]
                          .narrow(0, static_cast<int64_t>(month), 1)
                          .expand({begin[month + 1] - begin[month]}));
    years.push_back(at::cat(parts));
  }
  return at::stack(years);
}

void cover(at::Tensor& covered, const at::Tensor& mask) {
  covered = covered.defined() ? at::maximum(covered, mask) : mask;
}

/// Labels of some rows; zeros where the table has none of this kind.
Labels chosen(const Labels& labels, const at::Tensor& index, const at::Tensor& like) {
  if (!labels.any()) return {at::zeros_like(like), at::zeros_like(like)};
  return {labels.value.index_select(0, index), labels.mask.index_select(0, index)};
}

}  // namespace

StageLosses::StageLosses(const Stage& stage, const SiteYearTensors& data, bool has_yield)
    : stage_(stage),
      data_(data),
      has_yield_(has_yield),
      labelled_(static_cast<size_t>(data.sites * data.years), false) {
  const bool yields = has_yield_ && data.yield.any();
  switch (stage.objective) {
    case Objective::respiration_and_yield:
      if (data.fluxes.any()) mark(labelled_, data.fluxes.mask.select(2, ra_column));
      if (yields) mark(labelled_, data.yield.mask);
      break;
    case Objective::fluxes:
      mark(labelled_, data.fluxes.mask);
      break;
    case Objective::county_yield:
      if (yields) mark(labelled_, data.yield.mask);
      break;
    case Objective::towers:
      for (const Labels* labels : {&data.reco, &data.nee})
        if (labels->any()) cover(tower_days_, labels->mask);
      for (const Labels* labels : {&data.monthly_reco, &data.monthly_nee})
        if (labels->any()) cover(tower_days_, days_of_months(labels->mask, data.leap));
      mark(labelled_, tower_days_);
      break;
  }
  for (size_t row = 0; row < labelled_.size(); ++row) {
    labelled_[row] = labelled_[row] && data.runnable[row];
    possible_ = possible_ || labelled_[row];
  }
}

SampleCounts StageLosses::counts(const std::vector<int64_t>& rows) const {
  SampleCounts counts;
  counts.all = static_cast<double>(rows.size());
  for (const int64_t row : rows)
    if (labelled_[static_cast<size_t>(row)])
      (data_.crop[static_cast<size_t>(row)] == soybean ? counts.soybean : counts.corn) += 1;
  return counts;
}

StageLoss StageLosses::year(const FluxNetwork::YearOutput& out, const std::vector<int64_t>& rows,
                            const std::vector<bool>& counted, const SampleCounts& counts,
                            double threshold) const {
  StageLoss loss;
  if (stage_.objective == Objective::county_yield) {
    loss = county_yield(out, rows, counted, counts, threshold);
  } else {
    const at::Tensor index = data_.index(rows), weights = data_.flags(counted);
    loss = stage_.objective == Objective::fluxes
               ? fluxes(out, index, weights, counts)
               : respiration_and_yield(out, index, weights, counts, threshold);
  }
  if (loss.total.defined()) loss.terms["loss"] = loss.total.item<double>();
  return loss;
}

StageLoss StageLosses::respiration_and_yield(const FluxNetwork::YearOutput& out,
                                             const at::Tensor& index, const at::Tensor& counted,
                                             const SampleCounts& counts, double threshold) const {
  StageLoss loss;
  if (data_.fluxes.any()) {
    const Labels labels = chosen(data_.fluxes, index, {});
    const at::Tensor z = out.fluxes.select(2, ra_column), y = labels.value.select(2, ra_column);
    const at::Tensor mask = labels.mask.select(2, ra_column) * counted.unsqueeze(1);
    add(loss, "Ra", self_paced_loss(sample_errors(z, y, mask), threshold, counts.all));
    loss.r2.add("Ra", sums(z, y, mask));
  }
  if (has_yield_ && data_.yield.any()) {
    const Labels labels = chosen(data_.yield, index, {});
    const at::Tensor mask = labels.mask * counted;
    add(loss, "Yield",
        self_paced_loss(mask * (out.yield - labels.value).square(), threshold, counts.all));
    loss.r2.add("Yield", sums(out.yield, labels.value, mask));
  }
  return loss;
}

StageLoss StageLosses::fluxes(const FluxNetwork::YearOutput& out, const at::Tensor& index,
                              const at::Tensor& counted, const SampleCounts& counts) const {
  StageLoss loss;
  const Labels labels = chosen(data_.fluxes, index, {});
  const at::Tensor mask = labels.mask * counted.view({-1, 1, 1});
  const double elements = counts.all * static_cast<double>(SiteYears::days);
  add(loss, "fluxes", flux_loss(out.fluxes, labels.value, mask, elements));
  if (stage_.mass_balance > 0 && data_.gpp.defined())
    add(loss, "mass balance",
        mass_balance_loss(out.fluxes, data_.gpp.index_select(0, index), mask.amax(2), data_.scalers,
                          elements),
        stage_.mass_balance);
  const char* names[] = {"Ra", "Rh", "NEE"};
  for (int64_t v = 0; v < 3; ++v)
    loss.r2.add(names[v],
                sums(out.fluxes.select(2, v), labels.value.select(2, v), mask.select(2, v)));
  return loss;
}

StageLoss StageLosses::county_yield(const FluxNetwork::YearOutput& out,
                                    const std::vector<int64_t>& rows,
                                    const std::vector<bool>& counted, const SampleCounts& counts,
                                    double threshold) const {
  StageLoss loss;
  std::vector<int64_t> corn, beans, all, labelled_rows;
  for (size_t lane = 0; lane < rows.size(); ++lane) {
    const auto row = static_cast<size_t>(rows[lane]);
    if (!counted[lane] || !labelled_[row]) continue;
    (data_.crop[row] == soybean ? beans : corn).push_back(static_cast<int64_t>(lane));
    all.push_back(static_cast<int64_t>(lane));
    labelled_rows.push_back(rows[lane]);
  }
  if (all.empty()) return loss;
  const Labels labels = chosen(data_.yield, data_.index(rows), {});
  const at::Tensor errors = (out.yield - labels.value).square();
  const auto of = [&](const std::vector<int64_t>& lanes) {
    return lanes.empty() ? at::Tensor() : errors.index_select(0, data_.index(lanes));
  };
  add(loss, "Yield",
      county_yield_loss(of(corn), of(beans), threshold, counts.corn, counts.soybean));
  if (stage_.yield_bounds > 0 && data_.gpp.defined()) {
    const at::Tensor yields =
        physical(out.yield.index_select(0, data_.index(all)), data_.yield_scaler);
    const at::Tensor gpp = data_.gpp.index_select(0, data_.index(labelled_rows)).sum(1);
    add(loss, "yield bounds", yield_bound_loss(yields, gpp, counts.corn + counts.soybean),
        stage_.yield_bounds);
  }
  loss.r2.add("Yield", sums(out.yield, labels.value, labels.mask * data_.flags(counted)));
  return loss;
}

StageLoss StageLosses::site(const at::Tensor& z, const std::vector<int64_t>& rows,
                            const std::vector<bool>& counted, bool seasonal) const {
  StageLoss loss;
  const at::Tensor index = data_.index(rows), weights = data_.flags(counted).unsqueeze(1);
  // Products' signs: release is positive.
  const at::Tensor ra = -physical(z.select(2, ra_column), data_.scalers.ra);
  const at::Tensor rh = -physical(z.select(2, rh_column), data_.scalers.rh);
  const at::Tensor nee = physical(z.select(2, nee_column), data_.scalers.nee);
  const at::Tensor total = (ra + rh).detach();

  const bool by_day = data_.reco.any() || data_.nee.any();
  if (by_day) {
    const Labels reco_labels = chosen(data_.reco, index, nee);
    const Labels nee_labels = chosen(data_.nee, index, nee);
    const at::Tensor reco_mask = reco_labels.mask * weights, nee_mask = nee_labels.mask * weights;
    add(loss, "towers",
        tower_loss(ra, rh, nee, reco_labels.value, reco_mask, nee_labels.value, nee_mask,
                   seasonal));
    loss.r2.add("Reco", sums(total, reco_labels.value, reco_mask));
    loss.r2.add("NEE", sums(nee, nee_labels.value, nee_mask));
  }
  if (data_.monthly_reco.any() || data_.monthly_nee.any()) {
    const std::vector<bool> leap = [&] {
      std::vector<bool> years;
      for (const int64_t row : rows) years.push_back(data_.leap[static_cast<size_t>(row)]);
      return years;
    }();
    const at::Tensor nee_means = monthly_means(nee, leap), like = nee_means.detach();
    const Labels reco_labels = chosen(data_.monthly_reco, index, like);
    const Labels nee_labels = chosen(data_.monthly_nee, index, like);
    const at::Tensor reco_mask = reco_labels.mask * weights, nee_mask = nee_labels.mask * weights;
    add(loss, "towers",
        monthly_tower_loss(monthly_means(ra, leap), monthly_means(rh, leap), nee_means,
                           reco_labels.value, reco_mask, nee_labels.value, nee_mask, seasonal));
    const std::string suffix = by_day ? " monthly" : "";
    loss.r2.add("Reco" + suffix, sums(monthly_means(total, leap), reco_labels.value, reco_mask));
    loss.r2.add("NEE" + suffix, sums(like, nee_labels.value, nee_mask));
  }
  if (stage_.mass_balance > 0 && data_.gpp.defined())
    add(loss, "mass balance",
        tower_mass_balance(ra, rh, nee, data_.gpp.index_select(0, index),
                           tower_days_.index_select(0, index) * weights),
        stage_.mass_balance);
  return loss;
}

}  // namespace fluxtile
