// SPDX-License-Identifier: Apache-2.0
#include <torch/types.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "model/flux_network.h"
#include "model/torch_runtime.h"
#include "model/training/parallel_gradient.h"
#include "model/training/site_runs.h"
#include "model/training/site_year_tensors.h"
#include "model/training/training.h"

namespace fluxtile {
namespace {

constexpr size_t group = 32, days = SiteYears::days;
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Physical values with the sign of products: release is positive.
std::vector<float> physical(const at::Tensor& z, const Scaler& scaler, double sign) {
  const at::Tensor values =
      ((z.to(torch::kDouble) * scaler.std + scaler.mean) * sign).to(torch::kFloat32).contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

}  // namespace

Predictions predict(const Package& package, const SiteYears& table, int spinup, int threads) {
  table.check();
  keep_torch_to_one_thread();
  const SiteYearTensors data(package, table, "cpu");
  std::vector<size_t> sites;
  for (size_t site = 0; site < table.sites.size(); ++site)
    if (!data.runnable_rows(site).empty()) sites.push_back(site);

  Predictions out;
  const size_t rows = table.sites.size() * table.years.size();
  for (const char* name : {"Ra", "Rh", "Reco", "NEE"}) out.daily[name].assign(rows * days, nan);
  const auto yield_scaler = package.scalers.find("Yield");
  const bool annual = yield_scaler != package.scalers.end();
  if (annual)
    for (const char* name : {"Yield", "Residue"}) out.annual[name].assign(rows, nan);
  const Scaler scalers[] = {data.scalers.ra, data.scalers.rh, data.scalers.nee};
  float* fluxes[] = {out.daily.at("Ra").data(), out.daily.at("Rh").data(),
                     out.daily.at("NEE").data()};
  float* reco = out.daily.at("Reco").data();

  std::vector<SiteRun> groups = site_groups(data, sites, group, spinup);
  ParallelGradient work(make_flux_network(package), threads);
  (void)work.evaluate(groups.size(), 0, 0, [&](FluxNetwork& network, size_t chunk) {
    SiteRun& run = groups[chunk];
    run.start(network);
    for (size_t year = 0; year < table.years.size(); ++year) {
      const FluxNetwork::YearOutput year_out = run.run(network, year);
      for (size_t lane = 0; lane < run.sites().size(); ++lane) {
        const auto row = static_cast<size_t>(data.row(run.sites()[lane], year));
        if (!data.runnable[row]) continue;
        const at::Tensor z = year_out.fluxes[static_cast<int64_t>(lane)];
        for (int64_t v = 0; v < 3; ++v) {
          const std::vector<float> values = physical(z.select(1, v), scalers[v], v == 2 ? 1 : -1);
          std::copy(values.begin(), values.end(), fluxes[v] + row * days);
        }
        for (size_t day = row * days; day < (row + 1) * days; ++day)
          reco[day] = fluxes[0][day] + fluxes[1][day];
        if (!annual || !year_out.yield.defined()) continue;
        out.annual.at("Yield")[row] = physical(
            year_out.yield.narrow(0, static_cast<int64_t>(lane), 1), yield_scaler->second, 1)[0];
        out.annual.at("Residue")[row] = year_out.residue[static_cast<int64_t>(lane)].item<float>();
      }
    }
    return ParallelGradient::ChunkLoss{};
  });
  return out;
}

void prepare_for_threads(const Package& package) { make_flux_network(package); }

}  // namespace fluxtile
