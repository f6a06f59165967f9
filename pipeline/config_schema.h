// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/yaml_walker.h"

namespace fluxtile {

/// Every key of a run configuration, declared once. docs/configuration.md describes each of them.
const YamlSchema& config_schema();

/// Every key of a recipe file (configs/recipes/<name>.yaml).
const YamlSchema& recipe_schema();

}  // namespace fluxtile
