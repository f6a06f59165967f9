// SPDX-License-Identifier: Apache-2.0
#include "pipeline/result_key.h"

#include "base/digest.h"

namespace fluxtile {
namespace {

void add(Digest& digest, const Packing& packing) {
  for (const auto& value : {packing.scale, packing.offset, packing.nodata}) {
    digest.add_value(value.has_value()).add_value(value.value_or(0.0));
  }
  for (const double fill : packing.fill_values) digest.add_value(fill);
}

void add(Digest& digest, const UnitConversion& conversion) {
  digest.add_value(conversion.factor).add_value(conversion.offset);
}

}  // namespace

std::string result_key(const Plan& plan, size_t region) {
  const Sources& sources = plan.sources;
  Digest digest;
  digest.add_value(kResultRules);
  for (const Member& member : plan.regions[region].members) {
    digest.add_text(plan.package_digests[member.engine])
        .add_value(member.crop_type)
        .add_value(member.weight);
  }
  digest.add_text(plan.engine_identity).add_text(plan.engine.precision);
  digest.add_text(Crs::from_user_input(plan.lattice.crs).wkt());
  digest.add_value(plan.lattice.resolution)
      .add_value(plan.lattice.origin_x)
      .add_value(plan.lattice.origin_y);
  digest.add_value(plan.daily).add_text(plan.year_rule);

  const auto pipeline = [&](size_t operation) {
    digest.add_text(sources.operations.at(operation).pipeline);
  };
  const GppSource& gpp = sources.gpp;
  digest.add_value(gpp.linear)
      .add_value(gpp.resample)
      .add_value(gpp.max_gap)
      .add_value(gpp.negative_zero);
  digest.add_value(gpp.dormant_zero).add_value(gpp.interval_sum);
  add(digest, gpp.conversion);
  add(digest, gpp.packing);
  if (!gpp.composites.empty()) pipeline(gpp.composites.front().operation);

  const ClimateSource& climate = sources.climate;
  digest.add_value(climate.resample);
  add(digest, climate.packing);
  pipeline(climate.operation);
  for (const auto& term : climate.terms) {
    digest.add_text(term.input).add_value(term.kind);
    for (const auto& conversion : term.conversions) add(digest, conversion);
    add(digest, term.result);
  }
  for (const auto& source : sources.statics) {
    digest.add_text(source.input).add_value(source.resample);
    add(digest, source.conversion);
    add(digest, source.packing);
    pipeline(source.operation);
  }
  digest.add_value(sources.crop.mode).add_value(sources.crop.min_share);
  add(digest, sources.crop.packing);
  for (const auto& [code, type] : sources.crop.codes) digest.add_value(code).add_value(type);
  return digest.hex();
}

}  // namespace fluxtile
