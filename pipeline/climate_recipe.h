// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/yaml_walker.h"

namespace fluxtile {

/// How the climate inputs of a model are formed, and from which variables of which files.
struct ClimateRecipe {
  std::map<std::string, ClimateTerm> terms;          ///< by model input
  std::map<std::string, ClimateVariable> variables;  ///< every source that a term names
};

/// Terms written in place: `{TMAX_AIR: {variable: tmax, unit: degC}, ...}`. A source is found under
/// its own name. Throws Error(data).
ClimateRecipe recipe_in_place(const YamlWalker& terms);

/// Reads `<name>.yaml` from the first directory that has it. `where` is the key that names the
/// recipe, for messages. Throws Error(data): no such recipe (with the nearest names), wrong
/// content.
ClimateRecipe named_recipe(const YamlWalker& where, const std::vector<std::string>& directories);

/// Whether `word` stands in `text` as a whole word: bounded by its ends or by characters other than
/// letters and digits, case ignored. "tmmx" is in "tmmx_2018.nc"; "pr" is not in "precipitation".
bool contains_word(const std::string& text, const std::string& word);

}  // namespace fluxtile
