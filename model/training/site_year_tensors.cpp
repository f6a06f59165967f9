// SPDX-License-Identifier: Apache-2.0
#include "model/training/site_year_tensors.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr size_t days = SiteYears::days, months = SiteYears::months;
constexpr auto day_count = static_cast<int64_t>(days);

using Variables = std::map<std::string, std::vector<float>>;

const std::vector<float>* find(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? nullptr : &found->second;
}

const PackageOutput& output_of(const Package& package, const std::string& name) {
  for (const PackageOutput& output : package.outputs)
    if (output.name == name) return output;
  throw Error(Code::data, "the model has no output '" + name + "'").file(package.directory);
}

/// Factor from the sign of products to the sign of a network.
double sign_of(const PackageOutput& output) {
  return output.sign == "negative-is-release" ? -1 : 1;
}

/// Labels and masks while they are filled.
struct HostLabels {
  explicit HostLabels(std::vector<int64_t> shape)
      : value(torch::zeros(shape)), mask(torch::zeros(shape)) {}
  void set(size_t at, double label) {
    if (std::isnan(label)) return;
    value.data_ptr<float>()[at] = static_cast<float>(label);
    mask.data_ptr<float>()[at] = 1;
    any = true;
  }
  at::Tensor value, mask;
  bool any = false;
};

HostLabels flux_labels(const Package& package, const SiteYears& table, int64_t rows) {
  HostLabels labels({rows, day_count, 3});
  const char* names[] = {"Ra", "Rh", "NEE"};
  for (size_t v = 0; v < 3; ++v) {
    const std::vector<float>* values = find(table.daily, names[v]);
    if (!values) continue;
    const PackageOutput& output = output_of(package, names[v]);
    const double sign = sign_of(output);
    for (size_t i = 0; i < values->size(); ++i)
      labels.set(3 * i + v, (sign * static_cast<double>((*values)[i]) - output.scaler.mean) /
                                output.scaler.std);
  }
  return labels;
}

HostLabels daily_labels(const SiteYears& table, const std::string& name, int64_t rows) {
  HostLabels labels({rows, day_count});
  if (const std::vector<float>* values = find(table.daily, name))
    for (size_t i = 0; i < values->size(); ++i) labels.set(i, static_cast<double>((*values)[i]));
  return labels;
}

/// Monthly means where no day of the month has a label of its own.
HostLabels monthly_labels(const SiteYears& table, const std::string& name, int64_t rows) {
  HostLabels labels({rows, static_cast<int64_t>(months)});
  const std::vector<float>*values = find(table.monthly, name), *daily = find(table.daily, name);
  if (!values) return labels;
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const std::vector<int>& begin = SiteYears::month_begin(table.years[row % table.years.size()]);
    for (size_t month = 0; month < months; ++month) {
      const auto known = [](float v) { return !std::isnan(v); };
      if (daily) {
        const float* day = daily->data() + row * days;
        if (std::any_of(day + begin[month], day + begin[month + 1], known)) continue;
      }
      labels.set(row * months + month, static_cast<double>((*values)[row * months + month]));
    }
  }
  return labels;
}

/// z-score of an input. The year is clamped to the package's range, as maps do (models.year).
float z_score(const PackageInput& input, double value) {
  if (input.name == "Year") {
    if (input.min) value = std::max(value, *input.min);
    if (input.max) value = std::min(value, *input.max);
  }
  return static_cast<float>((value - input.scaler.mean) / input.scaler.std);
}

}  // namespace

SiteYearTensors::SiteYearTensors(const Package& package, const SiteYears& table,
                                 const std::string& device)
    : sites(static_cast<int64_t>(table.sites.size())),
      years(static_cast<int64_t>(table.years.size())),
      device_(device) {
  const int64_t rows = sites * years;
  for (const SiteYears::Site& site : table.sites) {
    site_names.push_back(site.name);
    for (const int year : table.years) leap.push_back(SiteYears::is_leap(year));
  }

  const size_t given = table.features.size(), features = package.inputs.size();
  std::vector<size_t> column;
  for (const PackageInput& input : package.inputs) column.push_back(table.feature(input.name));

  runnable.assign(static_cast<size_t>(rows), true);
  x_z_ = torch::zeros({rows, day_count, static_cast<int64_t>(features)});
  float* z = x_z_.data_ptr<float>();
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const float* physical = table.inputs.data() + row * days * given;
    for (size_t f = 0; f < features && runnable[row]; ++f)
      for (size_t day = 0; day < days && runnable[row]; ++day)
        runnable[row] = std::isfinite(physical[day * given + column[f]]);
    if (!runnable[row]) continue;
    for (size_t f = 0; f < features; ++f) {
      const PackageInput& input = package.inputs[f];
      for (size_t day = 0; day < days; ++day)
        z[(row * days + day) * features + f] =
            z_score(input, static_cast<double>(physical[day * given + column[f]]));
    }
  }
  x_z_ = to_device(x_z_);

  const std::vector<std::string> names = package.input_names();
  const auto position = [&names](const std::string& name) {
    return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  crop.assign(static_cast<size_t>(rows), 0);
  if (const size_t f = position("Crop_Type"); f < features)
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row)
      if (runnable[row])
        crop[row] = static_cast<int>(std::lround(table.inputs[row * days * given + column[f]]));
  if (const size_t f = position("GPP"); f < features) {
    gpp = torch::zeros({rows, day_count});
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row)
      for (size_t day = 0; day < days && runnable[row]; ++day)
        gpp.data_ptr<float>()[row * days + day] =
            table.inputs[(row * days + day) * given + column[f]];
    gpp = to_device(gpp);
    scalers.gpp = package.inputs[f].scaler;
  }

  scalers.ra = output_of(package, "Ra").scaler;
  scalers.rh = output_of(package, "Rh").scaler;
  scalers.nee = output_of(package, "NEE").scaler;
  const auto take = [this](const HostLabels& host) {
    return host.any ? Labels{to_device(host.value), to_device(host.mask)} : Labels{};
  };
  fluxes = take(flux_labels(package, table, rows));
  reco = take(daily_labels(table, "Reco", rows));
  nee = take(daily_labels(table, "NEE", rows));
  monthly_reco = take(monthly_labels(table, "Reco", rows));
  monthly_nee = take(monthly_labels(table, "NEE", rows));

  const auto scaler = package.scalers.find("Yield");
  const std::vector<float>* yields = find(table.annual, "Yield");
  if (scaler != package.scalers.end() && yields) {
    yield_scaler = scaler->second;
    HostLabels labels({rows});
    for (size_t i = 0; i < yields->size(); ++i)
      labels.set(i, (static_cast<double>((*yields)[i]) - yield_scaler.mean) / yield_scaler.std);
    yield = take(labels);
  }
}

at::Tensor SiteYearTensors::to_device(const at::Tensor& host) const { return host.to(device_); }

at::Tensor SiteYearTensors::index(const std::vector<int64_t>& rows) const {
  return to_device(torch::tensor(rows, torch::kInt64));
}

at::Tensor SiteYearTensors::flags(const std::vector<bool>& values) const {
  at::Tensor out = torch::zeros({static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) out.data_ptr<float>()[i] = values[i] ? 1.0F : 0.0F;
  return to_device(out);
}

at::Tensor SiteYearTensors::inputs(const std::vector<int64_t>& rows) const {
  return x_z_.index_select(0, index(rows)).transpose(0, 1).contiguous().transpose(0, 1);
}

std::vector<int64_t> SiteYearTensors::runnable_rows(size_t site) const {
  std::vector<int64_t> rows;
  for (size_t year = 0; year < static_cast<size_t>(years); ++year)
    if (runnable[static_cast<size_t>(row(site, year))]) rows.push_back(row(site, year));
  return rows;
}

}  // namespace fluxtile
