// SPDX-License-Identifier: Apache-2.0
#include "pipeline/world/demo_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/world/gru.h"
#include "pipeline/world/ridge.h"
#include "pipeline/world/sample_cells.h"

namespace fluxtile::world {
namespace {

constexpr size_t kInputs = 19, kGpp = 8, kYear = 9, kSoc = 16, kCrop = 7;
constexpr size_t kPulseFirst = 298, kPulseLast = 299;  // 0-based days of the residue pulse

struct InputRow {
  const char *name, *unit;
  double mean, std, min, max;
};
// Means and deviations: knowledge-guided carbon model of Liu et al. (2024), as printed with its
// public sample. Ranges: what is physically possible in the Midwest.
constexpr std::array<InputRow, kInputs> kInputRows = {{
    {"RADN", "MJ m-2 d-1", 15.053109, 7.326538, 0, 45},
    {"TMAX_AIR", "degC", 17.193965, 12.213992, -50, 55},
    {"TDIF_AIR", "degC", 9.976644, 3.920628, 0, 45},
    {"HMAX_AIR", "kPa", 1.433166, 0.864924, 0, 7},
    {"HDIF_AIR", "kPa", 0.421178, 0.297668, 0, 7},
    {"WIND", "km d-1", 373.315867, 144.322309, 0, 3000},
    {"PRECN", "mm d-1", 2.803762, 7.209613, 0, 450},
    {"Crop_Type", "1", 3.000774, 2.0, 1, 5},
    {"GPP", "gC m-2 d-1", 2.889213, 5.757924, 0, 40},
    {"Year", "1", 2009.500244, 5.188128, 2001, 2018},
    {"TBKDS", "Mg m-3", 1.385073, 0.103345, 0.3, 2.2},
    {"TSAND", "g kg-1", 165.738118, 179.752786, 0, 1000},
    {"TSILT", "g kg-1", 591.158936, 161.250544, 0, 1000},
    {"TFC", "m3 m-3", 0.298815, 0.042005, 0.02, 0.7},
    {"TWP", "m3 m-3", 0.165358, 0.048926, 0.01, 0.5},
    {"TKSat", "mm h-1", 30.943542, 38.188364, 0, 1500},
    {"TSOC", "gC kg-1", 17.082202, 19.632706, 0, 550},
    {"TPH", "1", 6.237857, 0.481466, 3, 10},
    {"TCEC", "cmol kg-1", 20.170418, 8.914543, 0, 150},
}};
constexpr Scaler kRa{-1.358402, 2.583335}, kRh{-0.974719, 0.856684}, kNee{-0.523536, 2.994255};
constexpr Scaler kYield{320, 150}, kResidue{260, 170};  // invented: none are published

double scaled(double value, const Scaler& s) { return (value - s.mean) / s.std; }
double unscaled(double z, const Scaler& s) { return z * s.std + s.mean; }

using Samples = std::vector<double>;  // day by day, cell by cell

// Everything of the network that is not fitted to fluxes.
struct Basis {
  GruLayer basic0, basic1;
  std::vector<std::vector<double>> attention, yield;  // weights and biases of 4 layers, in turn
};

constexpr std::array<size_t, 5> kMlpSizes = {64, 64, 64, 32, 1};

std::vector<std::vector<double>> random_mlp(const Random& random, int64_t which) {
  std::vector<std::vector<double>> layers;
  int64_t count = 0;
  const auto draw = [&](double half_width) {
    const double value = half_width * (2 * random.uniform(Subject::weights, which, count++) - 1);
    return static_cast<double>(static_cast<float>(value));
  };
  for (size_t i = 0; i + 1 < kMlpSizes.size(); ++i) {
    const double width = 1.5 * std::sqrt(3.0 / static_cast<double>(kMlpSizes[i]));
    std::vector<double> weight(kMlpSizes[i + 1] * kMlpSizes[i]), bias(kMlpSizes[i + 1]);
    std::generate(weight.begin(), weight.end(), [&] { return draw(width); });
    std::generate(bias.begin(), bias.end(), [&] { return draw(0.05); });
    layers.push_back(weight);
    layers.push_back(bias);
  }
  return layers;
}

// The first `layers` layers; ReLU behind all but the fourth. in and out: [unit][cell].
std::vector<double> run_mlp(const std::vector<std::vector<double>>& mlp, size_t layers,
                            std::vector<double> values, size_t cells) {
  for (size_t i = 0; i < layers; ++i) {
    std::vector<double> next(kMlpSizes[i + 1] * cells);
    affine(mlp[2 * i].data(), mlp[2 * i + 1].data(), kMlpSizes[i + 1], kMlpSizes[i], values.data(),
           next.data(), cells);
    if (i < 3) {
      for (double& v : next) v = std::max(v, 0.0);
    }
    values = std::move(next);
  }
  return values;
}

std::vector<std::vector<double>> features_of(const Sequence& sequence) {
  std::vector<std::vector<double>> result(sequence.features());
  for (size_t f = 0; f < sequence.features(); ++f) {
    for (size_t day = 0; day < sequence.days(); ++day)
      result[f].insert(result[f].end(), sequence.at(day, f),
                       sequence.at(day, f) + sequence.cells());
  }
  return result;
}

// Fits a head on hidden states and returns its values as a one-feature sequence.
Sequence fit_head(const Sequence& hidden, const Samples& target, LinearHead& head, double& score) {
  head = fit_ridge(features_of(hidden), target, 1e-5);
  Sequence value(hidden.days(), 1, hidden.cells());
  for (size_t day = 0; day < hidden.days(); ++day) {
    affine(head.weight.data(), &head.bias, 1, hidden.features(), hidden.at(day), value.at(day),
           hidden.cells());
  }
  score = explained(features_of(value).front(), target);
  return value;
}

// True fluxes of the sample in the network's signs and z-scores.
struct Targets {
  Samples ra, rh, nee;
  std::vector<double> yield;  // z-scored, [year][cell]
};

Targets balance_of(const SampleCells& sample, const CarbonBalance& b) {
  const size_t cells = sample.inputs.cells();
  Targets t;
  std::vector<double> soil_temperature(cells, -2.0), moisture(cells, 20.0), residue(cells, 250.0);
  for (size_t y = 0; y + 1 < sample.year_begin.size(); ++y) {
    std::vector<double> year_gpp(cells), year_ra(cells);
    for (size_t day = sample.year_begin[y]; day < sample.year_begin[y + 1]; ++day) {
      const size_t d = day - sample.year_begin[y];
      for (size_t c = 0; c < cells; ++c) {
        const double temperature = sample.temperature.at(day)[c];
        const double gpp = sample.inputs.at(day, kGpp)[c];
        soil_temperature[c] += 0.1 * (temperature - soil_temperature[c]);
        moisture[c] = 0.93 * moisture[c] + sample.inputs.at(day, 6)[c];
        const double ra = b.ra_share * gpp * std::pow(b.ra_q10, (temperature - 20) / 10) + 0.02;
        double rh = b.rh_20 * std::pow(b.rh_q10, (soil_temperature[c] - 20) / 10) *
                    std::pow(sample.inputs.at(day, kSoc)[c] / 17, 0.45) *
                    (0.65 + 0.35 * std::tanh(moisture[c] / 25));
        if (d == kPulseFirst) {
          const double index = sample.inputs.at(day, kCrop)[c] < 3 ? 0.34 : 0.20;
          residue[c] = std::max(0.0, (1 - index) * year_gpp[c] - year_ra[c]);
        }
        if (d >= kPulseFirst)
          rh += 0.004 * residue[c] * std::exp(-static_cast<double>(d - kPulseFirst) / 25);
        year_gpp[c] += gpp;
        year_ra[c] += ra;
        t.ra.push_back(scaled(-ra, kRa));
        t.rh.push_back(scaled(-rh, kRh));
        t.nee.push_back(scaled(-(gpp - ra - rh), kNee));
      }
    }
    const size_t first = sample.year_begin[y];
    for (size_t c = 0; c < cells; ++c) {
      const double index = sample.inputs.at(first, kCrop)[c] < 3 ? 0.34 : 0.20;
      t.yield.push_back(scaled(index * year_gpp[c], kYield));
    }
  }
  return t;
}

Sequence z_scored(const Sequence& inputs) {
  Sequence z = inputs;
  for (size_t day = 0; day < z.days(); ++day) {
    for (size_t i = 0; i < kInputs; ++i) {
      const Scaler s{kInputRows[i].mean, kInputRows[i].std};
      for (size_t c = 0; c < z.cells(); ++c) z.at(day, i)[c] = scaled(z.at(day, i)[c], s);
    }
  }
  return z;
}

// Attention-weighted mean of hidden states over each year: [year] -> [unit][cell].
std::vector<std::vector<double>> contexts(const Basis& basis, const Sequence& hidden,
                                          const std::vector<size_t>& year_begin) {
  const size_t cells = hidden.cells(), units = GruLayer::hidden;
  std::vector<std::vector<double>> result;
  for (size_t y = 0; y + 1 < year_begin.size(); ++y) {
    std::vector<double> context(units * cells), total(cells);
    for (size_t day = year_begin[y]; day < year_begin[y + 1]; ++day) {
      const std::vector<double> state(hidden.at(day), hidden.at(day) + units * cells);
      const std::vector<double> score = run_mlp(basis.attention, 4, state, cells);
      for (size_t c = 0; c < cells; ++c) {
        const double weight = std::exp(std::tanh(score[c]));
        total[c] += weight;
        for (size_t u = 0; u < units; ++u) context[u * cells + c] += weight * state[u * cells + c];
      }
    }
    for (size_t u = 0; u < units; ++u) {
      for (size_t c = 0; c < cells; ++c) context[u * cells + c] /= total[c];
    }
    result.push_back(context);
  }
  return result;
}

// Fits the last layer of densor_yield; returns yields in gC m-2, [year * cells + cell].
std::vector<double> fit_yield(Basis& basis, const Sequence& hidden, const SampleCells& sample,
                              const Targets& targets, double& score) {
  const size_t cells = hidden.cells();
  std::vector<std::vector<double>> features(kMlpSizes[3]);
  for (const std::vector<double>& context : contexts(basis, hidden, sample.year_begin)) {
    const std::vector<double> last = run_mlp(basis.yield, 3, context, cells);
    for (size_t f = 0; f < features.size(); ++f) {
      const double* row = last.data() + f * cells;
      features[f].insert(features[f].end(), row, row + cells);
    }
  }
  const LinearHead head = fit_ridge(features, targets.yield, 1e-3);
  basis.yield[6] = head.weight;
  basis.yield[7] = {head.bias};
  std::vector<double> z(targets.yield.size(), head.bias), yields;
  for (size_t i = 0; i < z.size(); ++i) {
    for (size_t f = 0; f < features.size(); ++f) z[i] += head.weight[f] * features[f][i];
    yields.push_back(unscaled(z[i], kYield));
  }
  score = explained(z, targets.yield);
  return yields;
}

// The residue input of gru_Rh: what is left of GPP after Ra and yield, on two days of the year.
Sequence residue_pulse(const SampleCells& sample, const Sequence& ra,
                       const std::vector<double>& yields) {
  const size_t cells = ra.cells();
  Sequence pulse(ra.days(), 1, cells);
  for (size_t y = 0; y + 1 < sample.year_begin.size(); ++y) {
    for (size_t c = 0; c < cells; ++c) {
      double left = -yields[y * cells + c];
      for (size_t day = sample.year_begin[y]; day < sample.year_begin[y + 1]; ++day)
        left += sample.inputs.at(day, kGpp)[c] + unscaled(ra.at(day)[c], kRa);
      const double z = scaled(std::max(0.0, left), kResidue);
      for (size_t d = kPulseFirst; d <= kPulseLast; ++d) pulse.at(sample.year_begin[y] + d)[c] = z;
    }
  }
  return pulse;
}

void amplify(GruLayer& layer, size_t column, double factor) {
  for (size_t row = 0; row < GruLayer::gates; ++row) {
    double& w = layer.weight_ih[row * layer.inputs + column];
    w = static_cast<double>(static_cast<float>(w * factor));
  }
}

void put_tensor(Tensors& tensors, const std::string& name, std::vector<int64_t> shape,
                const std::vector<double>& values) {
  const std::vector<float> single(values.begin(), values.end());
  tensors[name] = Tensor::of(DType::F32, std::move(shape), single);
}

void put_layer(Tensors& tensors, const std::string& name, size_t index, const GruLayer& layer) {
  const std::string suffix = "_l" + std::to_string(index);
  const auto gates = static_cast<int64_t>(GruLayer::gates);
  put_tensor(tensors, name + ".weight_ih" + suffix, {gates, static_cast<int64_t>(layer.inputs)},
             layer.weight_ih);
  put_tensor(tensors, name + ".weight_hh" + suffix, {gates, static_cast<int64_t>(GruLayer::hidden)},
             layer.weight_hh);
  put_tensor(tensors, name + ".bias_ih" + suffix, {gates}, layer.bias_ih);
  put_tensor(tensors, name + ".bias_hh" + suffix, {gates}, layer.bias_hh);
}

void put_head(Tensors& tensors, const std::string& name, const LinearHead& head) {
  put_tensor(tensors, name + ".weight", {1, static_cast<int64_t>(head.weight.size())}, head.weight);
  put_tensor(tensors, name + ".bias", {1}, {head.bias});
}

void put_mlp(Tensors& tensors, const std::string& name,
             const std::vector<std::vector<double>>& mlp) {
  for (size_t i = 0; i < 4; ++i) {
    const std::string layer = name + "." + std::to_string(2 * i);
    put_tensor(tensors, layer + ".weight",
               {static_cast<int64_t>(kMlpSizes[i + 1]), static_cast<int64_t>(kMlpSizes[i])},
               mlp[2 * i]);
    put_tensor(tensors, layer + ".bias", {static_cast<int64_t>(kMlpSizes[i + 1])}, mlp[2 * i + 1]);
  }
}

struct Scores {
  double ra = 0, rh = 0, nee = 0, yield = 0;
};

std::string training_block(const World& world, const SampleCells& sample, const CarbonBalance& b,
                           const Scores& scores) {
  const auto round4 = [](double v) { return std::round(v * 1e4) / 1e4; };
  const nlohmann::ordered_json block = {
      {"synthetic", true},
      {"data", "synthetic world '" + world.config.name + "', no observations"},
      {"seed", world.config.seed},
      {"period",
       fmt::format("{}-01-01/{}-12-31", world.config.begin_year(), world.config.end_year() - 1)},
      {"crops", {"corn", "soybeans"}},
      {"cells", sample.inputs.cells()},
      {"method", "random recurrent layers; heads fitted by ridge regression to a carbon balance"},
      {"balance",
       {{"ra_share", b.ra_share}, {"ra_q10", b.ra_q10}, {"rh_20", b.rh_20}, {"rh_q10", b.rh_q10}}},
      {"invented", "scalers of Yield and Residue"},
      {"scores",
       {{"R2_Ra", round4(scores.ra)},
        {"R2_Rh", round4(scores.rh)},
        {"R2_NEE", round4(scores.nee)},
        {"R2_Yield", round4(scores.yield)}}}};
  return block.dump();
}

Package describe(const World& world, const std::string& name) {
  Package package;
  package.architecture = "kgml-ag-c";
  package.name = name;
  for (const InputRow& row : kInputRows) {
    PackageInput input;
    input.name = row.name;
    input.unit = row.unit;
    input.source = "synthetic";
    input.scaler = {row.mean, row.std};
    input.min = row.min;
    input.max = row.max;
    package.inputs.push_back(input);
  }
  package.inputs[kYear].min = std::min<double>(kInputRows[kYear].min, world.config.begin_year());
  package.inputs[kYear].max = std::max<double>(kInputRows[kYear].max, world.config.end_year() - 1);
  package.outputs = {{"Ra", "gC m-2 d-1", "negative-is-release", kRa},
                     {"Rh", "gC m-2 d-1", "negative-is-release", kRh},
                     {"NEE", "gC m-2 d-1", "negative-is-uptake", kNee}};
  package.scalers = {{"GPP", {kInputRows[kGpp].mean, kInputRows[kGpp].std}},
                     {"Yield", kYield},
                     {"Residue", kResidue}};
  package.synthetic = true;
  return package;
}

// Fits the flux branches behind gru_basic. `variant` chooses their random layers.
Package fit_package(const World& world, const SampleCells& sample, const Basis& basis,
                    const Sequence& z, const Sequence& hidden, const std::vector<double>& yields,
                    const Targets& targets, const CarbonBalance& balance, double yield_score,
                    const std::string& name, int64_t variant) {
  const int64_t first = 100 * (variant + 1);
  Scores scores;
  scores.yield = yield_score;
  LinearHead ra_head, rh_head, nee_head;

  const GruLayer gru_ra = random_layer(world.random, first, 64 + kInputs, 0.8);
  const Sequence shared = concatenate({&hidden, &z});
  const Sequence ra = fit_head(run(gru_ra, shared), targets.ra, ra_head, scores.ra);

  GruLayer gru_rh0 = random_layer(world.random, first + 1, 1 + 64 + kInputs, 0.8);
  amplify(gru_rh0, 0, 6);  // two days a year must show
  const GruLayer gru_rh1 = random_layer(world.random, first + 2, 64, 0.8);
  const Sequence pulse = residue_pulse(sample, ra, yields);
  const Sequence rh = fit_head(run(gru_rh1, run(gru_rh0, concatenate({&pulse, &shared}))),
                               targets.rh, rh_head, scores.rh);

  GruLayer gru_nee = random_layer(world.random, first + 3, 2 + kInputs, 0.5);
  for (const size_t column : {size_t{0}, size_t{1}, 2 + kGpp}) amplify(gru_nee, column, 2);
  fit_head(run(gru_nee, concatenate({&ra, &rh, &z})), targets.nee, nee_head, scores.nee);

  Package package = describe(world, name);
  put_layer(package.tensors, "gru_basic", 0, basis.basic0);
  put_layer(package.tensors, "gru_basic", 1, basis.basic1);
  put_layer(package.tensors, "gru_Ra", 0, gru_ra);
  put_layer(package.tensors, "gru_Rh", 0, gru_rh0);
  put_layer(package.tensors, "gru_Rh", 1, gru_rh1);
  put_layer(package.tensors, "gru_NEE", 0, gru_nee);
  put_head(package.tensors, "densor_Ra", ra_head);
  put_head(package.tensors, "densor_Rh", rh_head);
  put_head(package.tensors, "densor_NEE", nee_head);
  put_mlp(package.tensors, "attn", basis.attention);
  put_mlp(package.tensors, "densor_yield", basis.yield);
  package.training = training_block(world, sample, balance, scores);
  return package;
}

}  // namespace

std::vector<Package> make_models(const World& world) {
  const SampleCells sample = sample_cells(world, static_cast<size_t>(world.config.sample_cells));
  const Sequence z = z_scored(sample.inputs);
  Basis basis;
  basis.basic0 = random_layer(world.random, 1, kInputs, 0.9);
  basis.basic1 = random_layer(world.random, 2, 64, 0.9);
  basis.attention = random_mlp(world.random, 3);
  basis.yield = random_mlp(world.random, 4);
  const Sequence hidden = run(basis.basic1, run(basis.basic0, z));

  const CarbonBalance everywhere;
  CarbonBalance northern;
  northern.ra_share = 0.41;
  northern.rh_20 = 2.05;
  northern.rh_q10 = 1.9;

  const Targets targets = balance_of(sample, everywhere);
  double yield_score = 0;
  const std::vector<double> yields = fit_yield(basis, hidden, sample, targets, yield_score);
  Package global = fit_package(world, sample, basis, z, hidden, yields, targets, everywhere,
                               yield_score, "global", 0);
  Package north = fit_package(world, sample, basis, z, hidden, yields, balance_of(sample, northern),
                              northern, yield_score, "north", 1);
  north.region = "North";
  north.parent_name = "global";
  return {std::move(global), std::move(north)};
}

}  // namespace fluxtile::world
