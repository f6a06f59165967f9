// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "pipeline/verbs.h"

namespace fluxtile::testing {

/// What the last verb was called with.
struct Recorded {
  std::string verb;
  Config config;
  VerbOptions options;
  PixelOptions pixel;
  CleanOptions clean;
  SubmitOptions submit;
  std::vector<std::string> paths, overrides;
  std::string world;
  bool json = false;
};
Recorded& recorded();
/// Begins an empty record.
void forget();

}  // namespace fluxtile::testing
