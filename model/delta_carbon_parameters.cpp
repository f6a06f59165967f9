// SPDX-License-Identifier: Apache-2.0
#include "model/delta_carbon_parameters.h"

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/delta_carbon.h"

// NOLINTBEGIN(cppcoreguidelines-macro-usage): rows of the one list

namespace fluxtile::delta_carbon {

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all = {
#define FLUXTILE_ROW(field, name, unit, low, high, typical, meaning) \
  {name, unit, meaning, low, high, typical},
      FLUXTILE_PLOT_PARAMETERS(FLUXTILE_ROW)
#undef FLUXTILE_ROW
#define FLUXTILE_ROW(field, unit, low, high, typical, low5, high5, typical5, meaning) \
  {"corn." #field, unit, meaning, low, high, typical},
          FLUXTILE_CROP_PARAMETERS(FLUXTILE_ROW)
#undef FLUXTILE_ROW
#define FLUXTILE_ROW(field, unit, low, high, typical, low5, high5, typical5, meaning) \
  {"soybean." #field, unit, meaning, low5, high5, typical5},
              FLUXTILE_CROP_PARAMETERS(FLUXTILE_ROW)
#undef FLUXTILE_ROW
  };
  return all;
}

size_t parameter(const std::string& name) {
  std::vector<std::string> names;
  names.reserve(parameters().size());
  for (const Parameter& candidate : parameters()) {
    if (candidate.name == name) return names.size();
    names.push_back(candidate.name);
  }
  throw Error(Code::data, "delta-carbon has no parameter of this name")
      .found(name)
      .hint(suggestion(name, names));
}

ParameterSet ParameterSet::typical(size_t pixels) {
  ParameterSet set;
  set.pixels = pixels;
  set.values.reserve(parameters().size() * pixels);
  for (const Parameter& each : parameters()) {
    set.values.insert(set.values.end(), pixels, static_cast<float>(each.typical));
  }
  return set;
}

const std::vector<std::string>& state_names() {
#define FLUXTILE_NAME(field, name, unit) name,
  static const std::vector<std::string> names = {FLUXTILE_STATES(FLUXTILE_NAME)};
#undef FLUXTILE_NAME
  return names;
}

const std::vector<std::string>& state_units() {
#define FLUXTILE_UNIT(field, name, unit) unit,
  static const std::vector<std::string> units = {FLUXTILE_STATES(FLUXTILE_UNIT)};
#undef FLUXTILE_UNIT
  return units;
}

}  // namespace fluxtile::delta_carbon

// NOLINTEND(cppcoreguidelines-macro-usage)
