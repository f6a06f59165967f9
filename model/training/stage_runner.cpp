// SPDX-License-Identifier: Apache-2.0
#include "model/training/stage_runner.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/nearest_name.h"
#include "base/stop.h"
#include "model/kgml_ag_c.h"
#include "model/training/random_draws.h"

namespace fluxtile {
namespace {

/// Sites that run together without gradients, and on a GPU.
constexpr size_t evaluation_group = 32, cuda_group = 4096;
/// Site-years whose intermediate values a thread holds at most for back-propagation: 5.7 MiB each.
constexpr size_t most_site_years = 64;

bool is_cuda(const std::string& device) { return device.rfind("cuda", 0) == 0; }

std::string names_of(const SiteYearTensors& data, const std::vector<size_t>& sites) {
  constexpr size_t most = 8;
  std::string text;
  for (size_t i = 0; i < std::min(most, sites.size()); ++i)
    text += (i == 0 ? "" : ", ") + data.site_names[sites[i]];
  if (sites.size() > most) text += " and " + std::to_string(sites.size() - most) + " more";
  return text;
}

void add_terms(std::map<std::string, double>& sum, const std::map<std::string, double>& terms) {
  for (const auto& [name, value] : terms) sum[name] += value;
}

}  // namespace

/// What gathers while an epoch runs.
struct StageRunner::EpochState {
  int epoch = 0;
  double learning_rate = 0, threshold = 0;
  size_t batch = 0, batches = 0;
  uint64_t step = 0;  ///< key of the next pass's dropout
  std::map<std::string, double> sums;
  size_t steps = 0;  ///< optimiser steps on labels
  std::map<std::string, std::pair<double, size_t>> responses;
  R2Sums r2;
  uint64_t site_years = 0;
};

StageRunner::StageRunner(const Work& work, std::shared_ptr<FluxNetwork> network, size_t stage)
    : work_(work),
      network_(std::move(network)),
      number_(stage),
      stage_(work.schedule.stages.at(stage)) {
  if ((stage_.objective == Objective::towers) != stage_.whole_record)
    throw Error(Code::data, "stage '" + stage_.name +
                                "': towers are trained on the whole record, all else year by year")
        .hint("set whole_record as the objective needs it");
  const bool has_yield =
      work.start.scalers.count("Yield") > 0 && work.start.architecture == kgml_ag_c::architecture;
  losses_ = std::make_unique<StageLosses>(stage_, work_.data, has_yield);
  const std::vector<bool>& labelled = losses_->labelled();
  for (size_t row = 0; row < labelled.size(); ++row) {
    train_rows_.push_back(labelled[row] && work_.roles[row] == Role::train);
    validation_rows_.push_back(labelled[row] && work_.roles[row] == Role::validation);
    record_rows_.push_back(train_rows_.back() || validation_rows_.back());
  }
  train_sites_ = sites_with(train_rows_);
  validation_sites_ = sites_with(validation_rows_);
  if (!possible()) return;
  freeze_and_collect();
  network_->dropout.rate = work_.schedule.dropout;
  gradient_ = std::make_unique<ParallelGradient>(network_, work_.options.threads);
  responses_ =
      std::make_unique<ResponseSteps>(work_.start, work_.data, train_sites_, stage_, work_.schedule,
                                      work_.options.device, work_.options.threads);
}

StageRunner::~StageRunner() = default;

/// Only parameters of the stage's modules require a gradient. Plain recurrent networks have no
/// parts to freeze: all of them is trained, with the largest factor.
void StageRunner::freeze_and_collect() {
  const bool parts = work_.start.architecture == kgml_ag_c::architecture;
  double largest = 0;
  std::vector<std::string> modules;
  for (const auto& child : network_->named_children()) modules.push_back(child.key());
  for (const auto& [module, factor] : stage_.trains) {
    largest = std::max(largest, factor);
    if (parts && std::find(modules.begin(), modules.end(), module) == modules.end())
      throw Error(Code::data, "stage '" + stage_.name + "' trains '" + module +
                                  "', which the network does not have")
          .hint(suggestion(module, modules));
  }
  std::vector<Adam::Parameter> parameters;
  for (auto& item : network_->named_parameters()) {
    double factor = parts ? 0 : largest;
    for (const auto& [module, own] : stage_.trains)
      if (item.key().compare(0, module.size() + 1, module + ".") == 0) factor = own;
    item.value().requires_grad_(factor > 0);
    item.value().mutable_grad() = at::Tensor();
    if (factor > 0) parameters.push_back({item.key(), item.value(), factor});
  }
  if (parameters.empty()) throw Error(Code::data, "stage '" + stage_.name + "' trains nothing");
  optimiser_ = std::make_unique<Adam>(std::move(parameters));
}

std::vector<size_t> StageRunner::sites_with(const std::vector<bool>& rows) const {
  std::vector<size_t> sites;
  const auto years = static_cast<size_t>(work_.data.years);
  for (size_t site = 0; site < static_cast<size_t>(work_.data.sites); ++site)
    for (size_t year = 0; year < years; ++year)
      if (rows[site * years + year]) {
        sites.push_back(site);
        break;
      }
  return sites;
}

size_t StageRunner::years_until_last(const std::vector<size_t>& sites,
                                     const std::vector<bool>& rows) const {
  size_t last = 0;
  for (const size_t site : sites)
    for (size_t year = last; year < static_cast<size_t>(work_.data.years); ++year)
      if (rows[static_cast<size_t>(work_.data.row(site, year))]) last = year + 1;
  return last;
}

std::vector<bool> StageRunner::picked(const std::vector<bool>& rows,
                                      const std::vector<int64_t>& chosen) const {
  std::vector<bool> out;
  for (const int64_t row : chosen) out.push_back(rows[static_cast<size_t>(row)]);
  return out;
}

size_t StageRunner::group_size(size_t sites, bool gradient) const {
  if (is_cuda(work_.options.device) && !stage_.whole_record) return cuda_group;
  if (!gradient) return evaluation_group;
  const auto chunk = static_cast<size_t>(sites_of_chunk(static_cast<int64_t>(sites)));
  if (!stage_.whole_record) return chunk;
  const size_t fits = most_site_years / static_cast<size_t>(std::max<int64_t>(1, work_.data.years));
  return std::max<size_t>(1, std::min(fits, chunk));
}

std::vector<size_t> StageRunner::epoch_sites(int epoch) const {
  std::vector<size_t> sites = train_sites_;
  RandomDraws draws(work_.schedule.seed, 0x6f72646572ULL + number_, static_cast<uint64_t>(epoch));
  draws.shuffle(sites);
  if (stage_.sample_sites < 1) {
    const auto wanted =
        static_cast<size_t>(std::ceil(stage_.sample_sites * static_cast<double>(sites.size())));
    sites.resize(std::max<size_t>(1, wanted));
  }
  return sites;
}

EpochRecord StageRunner::run_epoch(int epoch) {
  EpochState state;
  state.epoch = epoch;
  state.step = (static_cast<uint64_t>(number_) << 56U) | (static_cast<uint64_t>(epoch) << 32U);
  state.learning_rate = stage_.learning_rate;
  if (stage_.step_epochs > 0)
    state.learning_rate *= std::pow(stage_.step_factor, epoch / stage_.step_epochs);
  state.threshold =
      stage_.self_paced.threshold *
      std::pow(stage_.self_paced.growth, std::min(epoch, stage_.self_paced.until_epoch));

  const std::vector<size_t> sites = epoch_sites(epoch);
  const size_t size =
      stage_.batch_sites > 0 ? static_cast<size_t>(stage_.batch_sites) : sites.size();
  state.batches = (sites.size() + size - 1) / size;
  for (; state.batch < state.batches; ++state.batch) {
    const auto first = sites.begin() + static_cast<std::ptrdiff_t>(state.batch * size);
    const auto last = sites.begin() +
                      static_cast<std::ptrdiff_t>(std::min((state.batch + 1) * size, sites.size()));
    const std::vector<size_t> batch(first, last);
    if (stage_.whole_record) {
      run_responses(state);
      run_whole_records(state, batch);
    } else {
      run_years(state, batch);
      run_responses(state);
    }
  }

  EpochRecord record;
  record.stage = stage_.name;
  record.epoch = epoch;
  record.epochs = stage_.epochs;
  record.learning_rate = state.learning_rate;
  for (const auto& [name, value] : state.sums)
    record.train[name] = value / static_cast<double>(std::max<size_t>(1, state.steps));
  for (const auto& [name, value] : state.responses)
    record.train[name] = value.first / static_cast<double>(value.second);
  for (const auto& [name, value] : state.r2.r2()) record.train["R2 " + name] = value;
  record.site_years = state.site_years;
  validate(record);
  return record;
}

/// One optimiser step from the gradient that lies in the parameters.
void StageRunner::optimise(EpochState& state, const std::map<std::string, double>& terms,
                           const std::vector<size_t>& batch, const std::string& where) {
  const auto refuse = [&](const std::string& what, double value) {
    Error error(Code::data, what + " is not a number");
    error.stage(stage_.name)
        .found(std::to_string(value) + " in epoch " + std::to_string(state.epoch) + ", batch " +
               std::to_string(state.batch) + " of " + std::to_string(state.batches) + where +
               ", sites " + names_of(work_.data, batch))
        .hint("look at the labels of these sites, lower the learning rate, or set clip_norm");
    if (!work_.options.what.empty()) error.key(work_.options.what);
    return error;
  };
  for (const auto& [name, value] : terms)
    if (!std::isfinite(value)) throw refuse("the loss (" + name + ")", value);
  double factor = 1;
  if (stage_.clip_norm > 0) {
    const double norm = optimiser_->gradient_norm();
    if (!std::isfinite(norm)) throw refuse("the norm of the gradient", norm);
    if (norm > stage_.clip_norm) factor = stage_.clip_norm / norm;
  }
  optimiser_->step(state.learning_rate, factor);
}

/// Objectives that step once a batch and year: the state is carried, detached, through all years.
void StageRunner::run_years(EpochState& state, const std::vector<size_t>& batch) {
  std::vector<SiteRun> groups =
      site_groups(work_.data, batch, group_size(batch.size(), true), work_.schedule.spinup_years);
  const size_t years = years_until_last(batch, train_rows_);
  bool started = false;
  std::vector<size_t> carried;  // years since the last step, run for their state alone
  for (size_t year = 0; year < years; ++year) {
    std::vector<int64_t> rows;
    for (const size_t site : batch) rows.push_back(work_.data.row(site, year));
    const std::vector<bool> counted = picked(train_rows_, rows);
    if (std::find(counted.begin(), counted.end(), true) == counted.end()) {
      carried.push_back(year);
      continue;
    }
    SampleCounts counts = losses_->counts(rows);
    std::vector<int64_t> counted_rows;
    for (size_t i = 0; i < rows.size(); ++i)
      if (counted[i]) counted_rows.push_back(rows[i]);
    const SampleCounts of_counted = losses_->counts(counted_rows);
    counts.corn = of_counted.corn;
    counts.soybean = of_counted.soybean;

    std::vector<R2Sums> r2(groups.size());
    const std::map<std::string, double> terms = gradient_->gradient(
        groups.size(), work_.schedule.seed, state.step++, [&](FluxNetwork& network, size_t chunk) {
          SiteRun& group = groups[chunk];
          if (!started) group.start(network);
          for (const size_t earlier : carried) group.carry(network, earlier);
          const FluxNetwork::YearOutput out = group.run(network, year);
          group.detach();
          const std::vector<int64_t> own = group.rows(year);
          StageLoss loss =
              losses_->year(out, own, picked(train_rows_, own), counts, state.threshold);
          r2[chunk] = loss.r2;
          return ParallelGradient::ChunkLoss{loss.total, std::move(loss.terms)};
        });
    started = true;
    carried.clear();
    optimise(state, terms, batch, ", year " + std::to_string(year + 1) + " of the table");
    add_terms(state.sums, terms);
    ++state.steps;
    for (const R2Sums& sums : r2) state.r2.add(sums);
    state.site_years += batch.size();
  }
}

/// L_tower + L_MB of the sites of a group over their records, divided by `sites`.
StageLoss StageRunner::site_losses(SiteRun& run, FluxNetwork& network,
                                   const std::vector<bool>& counted, double sites,
                                   bool training) const {
  const size_t years = years_until_last(run.sites(), counted);
  size_t first = years;
  for (const size_t site : run.sites())
    for (size_t year = 0; year < first; ++year)
      if (counted[static_cast<size_t>(work_.data.row(site, year))]) first = year;

  run.start(network);
  std::vector<at::Tensor> fluxes;
  for (size_t year = 0; year < years; ++year) {
    const bool with_gradient = training && year >= first;
    const c10::AutoGradMode mode(with_gradient);
    fluxes.push_back(run.run(network, year).fluxes);
  }
  StageLoss sum;
  for (size_t lane = 0; lane < run.sites().size(); ++lane) {
    // The record: years with a label of a role that training may see. Years after the last one that
    // counts were not run; their days stay in the means, as masked ones.
    std::vector<int64_t> rows;
    std::vector<at::Tensor> z;
    for (size_t year = 0; year < static_cast<size_t>(work_.data.years); ++year) {
      const int64_t row = work_.data.row(run.sites()[lane], year);
      if (!record_rows_[static_cast<size_t>(row)]) continue;
      rows.push_back(row);
      z.push_back(year < years ? fluxes[year][static_cast<int64_t>(lane)]
                               : at::zeros_like(fluxes[0][static_cast<int64_t>(lane)]));
    }
    const StageLoss loss = losses_->site(at::stack(z), rows, picked(counted, rows), training);
    if (!loss.total.defined()) continue;
    sum.total = sum.total.defined() ? sum.total + loss.total : loss.total;
    add_terms(sum.terms, loss.terms);
    sum.r2.add(loss.r2);
  }
  if (!sum.total.defined()) return sum;
  sum.total = sum.total / sites;
  for (auto& [name, value] : sum.terms) value /= sites;
  sum.terms["loss"] = sum.total.item<double>();
  return sum;
}

/// Towers: back-propagated through all years of a site, one optimiser step a batch.
void StageRunner::run_whole_records(EpochState& state, const std::vector<size_t>& batch) {
  std::vector<SiteRun> groups =
      site_groups(work_.data, batch, group_size(batch.size(), true), work_.schedule.spinup_years);
  std::vector<R2Sums> r2(groups.size());
  const std::map<std::string, double> terms = gradient_->gradient(
      groups.size(), work_.schedule.seed, state.step++, [&](FluxNetwork& network, size_t chunk) {
        StageLoss loss = site_losses(groups[chunk], network, train_rows_,
                                     static_cast<double>(batch.size()), true);
        r2[chunk] = loss.r2;
        return ParallelGradient::ChunkLoss{loss.total, std::move(loss.terms)};
      });
  optimise(state, terms, batch, "");
  add_terms(state.sums, terms);
  ++state.steps;
  for (const R2Sums& sums : r2) state.r2.add(sums);
  for (const SiteRun& group : groups)
    state.site_years += group.sites().size() * years_until_last(group.sites(), train_rows_);
}

/// Steps on response curves, where they are due after this batch.
void StageRunner::run_responses(EpochState& state) {
  if (!responses_->any() || state.epoch < stage_.response_from_epoch) return;
  const size_t number = static_cast<size_t>(state.epoch) * state.batches + state.batch;
  if (number % static_cast<size_t>(std::max(1, stage_.response_every)) != 0) return;
  Stop::throw_if_requested();
  constexpr uint64_t most_steps = 256;
  state.site_years += responses_->run(*gradient_, work_.schedule.seed, state.step,
                                      [&](const std::string& term, double loss) {
                                        optimise(state, {{term, loss}}, train_sites_, ", response");
                                        auto& [sum, count] = state.responses[term];
                                        sum += loss;
                                        ++count;
                                      });
  state.step += most_steps;
}

void StageRunner::validate(EpochRecord& record) {
  Stop::throw_if_requested();
  if (validation_sites_.empty()) {
    // Nothing to hold out: the training loss decides.
    record.validation["loss"] = record.train.at("loss");
    return;
  }
  std::vector<SiteRun> groups =
      site_groups(work_.data, validation_sites_, group_size(validation_sites_.size(), false),
                  work_.schedule.spinup_years);
  std::vector<int64_t> rows;
  for (size_t row = 0; row < validation_rows_.size(); ++row)
    if (validation_rows_[row]) rows.push_back(static_cast<int64_t>(row));
  const SampleCounts counts = losses_->counts(rows);

  std::vector<R2Sums> r2(groups.size());
  record.validation =
      gradient_->evaluate(groups.size(), 0, 0, [&](FluxNetwork& network, size_t chunk) {
        SiteRun& group = groups[chunk];
        StageLoss sum;
        if (stage_.whole_record) {
          sum = site_losses(group, network, validation_rows_,
                            static_cast<double>(validation_sites_.size()), false);
        } else {
          group.start(network);
          const size_t years = years_until_last(group.sites(), validation_rows_);
          for (size_t year = 0; year < years; ++year) {
            const FluxNetwork::YearOutput out = group.run(network, year);
            const std::vector<int64_t> own = group.rows(year);
            const std::vector<bool> counted = picked(validation_rows_, own);
            if (std::find(counted.begin(), counted.end(), true) == counted.end()) continue;
            const StageLoss loss = losses_->year(out, own, counted, counts, 0);
            add_terms(sum.terms, loss.terms);
            sum.r2.add(loss.r2);
          }
        }
        r2[chunk] = sum.r2;
        return ParallelGradient::ChunkLoss{{}, std::move(sum.terms)};
      });
  for (const auto& [term, value] : responses_->validation(*gradient_)) {
    record.validation[term] = value;
    record.validation["loss"] += value;
  }
  R2Sums all;
  for (const R2Sums& sums : r2) all.add(sums);
  record.r2 = all.r2();
}

}  // namespace fluxtile
