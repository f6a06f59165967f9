// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/package.h"
#include "pipeline/world/world.h"

namespace fluxtile::world {

/// The carbon balance that the models of a synthetic world are fitted to; gC m-2 d-1, all losses
/// positive here. With T the day's mean air temperature and Ts its moving average over 10 days
/// (degC), W the rain that is left when 7 % a day is lost (mm), C soil organic carbon (g kg-1):
///   Ra  = ra_share GPP ra_q10^((T - 20) / 10) + 0.02
///   Rh  = rh_20 rh_q10^((Ts - 20) / 10) (C / 17)^0.45 (0.65 + 0.35 tanh(W / 25))
///         + residue 0.004 e^(-(d - 298) / 25) from day index d = 298 on
///   NEE = -(GPP - Ra - Rh)
///   Yield = harvest index (corn 0.34, soybeans 0.20) times the year's GPP
/// and the residue what GPP leaves after Ra and yield, gC m-2.
struct CarbonBalance {
  double ra_share = 0.46, ra_q10 = 1.25;
  double rh_20 = 1.75, rh_q10 = 2.0;
};

/// Model packages of a synthetic world (architecture kgml-ag-c): `global`, and `north` for the
/// region North, whose true balance differs. The recurrent layers are random (an echo-state
/// network); the linear heads are fitted by ridge regression to the balance on cells sampled from
/// the world, with the fluxes feeding on each other as they do in the network. `north` shares
/// gru_basic, attn and densor_yield with `global`, as fine-tuning leaves them, and has other
/// recurrent layers behind them. Deterministic. Takes seconds.
std::vector<Package> make_models(const World& world);

}  // namespace fluxtile::world
