// SPDX-License-Identifier: Apache-2.0
// Registers GDAL's drivers once, before the tests of this program start, as main() does.
#include <gtest/gtest.h>

#include "geo/raster_source.h"

namespace {

class GdalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { fluxtile::initialise_gdal(64U << 20); }
  void TearDown() override { fluxtile::close_thread_datasets(); }
};

const ::testing::Environment* const registered =
    ::testing::AddGlobalTestEnvironment(new GdalEnvironment);

}  // namespace
