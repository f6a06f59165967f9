// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/yaml_walker.h"

namespace fluxtile {

/// Every key of a training configuration with its meaning (docs/train-configuration.md).
const YamlSchema& train_schema();

}  // namespace fluxtile
