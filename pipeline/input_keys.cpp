// SPDX-License-Identifier: Apache-2.0
#include "pipeline/input_keys.h"

#include "base/digest.h"

namespace fluxtile {

InputKeys::InputKeys(const Plan& plan) : plan_(plan) {
  for (const PlanFile& file : plan.files) files_[file.path] = &file;
  for (const PlanRegion& region : plan.regions) {
    Digest digest;
    digest.add_text(region.outline).add_text(plan.to_boundaries.pipeline);
    for (const auto& source : plan.sources.statics)
      digest.add_text(of_layer(source.layer, source.operation));
    for (const auto& year : plan.sources.crop.years) {
      digest.add_value(year.year).add_value(year.substituted);
      digest.add_text(of_layer(year.layer, year.operation));
    }
    statics_.push_back(digest.hex());
  }
}

std::string InputKeys::of_composite(const CompositeRef& composite) const {
  return Digest()
      .add_text(of_layer(composite.layer, composite.operation))
      .add_value(composite.first)
      .add_value(composite.end)
      .hex();
}

std::string InputKeys::of_layer(const LayerRef& layer, size_t operation) const {
  return Digest()
      .add_text(of_file(layer.path))
      .add_value(layer.band)
      .add_text(layer.variable)
      .add_value(layer.step)
      .add_text(plan_.sources.operations.at(operation).pipeline)
      .hex();
}

std::string InputKeys::of_file(const std::string& path) const {
  Digest digest;
  digest.add_text(path);
  const auto known = files_.find(path);
  if (known != files_.end())
    digest.add_value(known->second->size).add_value(known->second->mtime_ns);
  return digest.hex();
}

}  // namespace fluxtile
