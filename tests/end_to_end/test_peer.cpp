// SPDX-License-Identifier: Apache-2.0
// Maps of small worlds against an independent pipeline written in Python (FLUXTILE_PEER names its
// folder). tests/end_to_end/peer_worlds.sh runs a longer list.
#include <gtest/gtest.h>

#include <cstdlib>

#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

class Peer : public Workplace {
 protected:
  void SetUp() override {
    if (std::getenv("FLUXTILE_PEER") == nullptr ||
        execute({"/usr/bin/python3", "-c",
                 "import numpy, scipy, yaml, rasterio, fiona, shapely, pyproj, netCDF4, torch"})
                .code != 0) {
      GTEST_SKIP() << "FLUXTILE_PEER is not set, or its Python modules are not installed";
    }
  }
  void compare(const std::string& arguments) {
    const Outcome said = execute({"bash", FLUXTILE_SOURCE "/tests/end_to_end/peer_worlds.sh",
                                  FLUXTILE_COMMAND, folder().string(), arguments});
    EXPECT_EQ(0, said.code) << said.out << said.err;
  }
};

TEST_F(Peer, CloudsAndSpinup) { compare("--km 6 --seed 3 --gaps 0.2 --spinup 1"); }

TEST_F(Peer, AwkwardRegion) { compare("--km 8 --seed 5 --region iowa-piece"); }

}  // namespace
}  // namespace fluxtile::end_to_end
