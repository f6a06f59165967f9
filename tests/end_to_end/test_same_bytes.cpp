// SPDX-License-Identifier: Apache-2.0
// Products hold the same bytes however the work is cut up and whoever does it.
#include <gmock/gmock.h>

#include <fstream>

#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

class SameBytes : public Workplace {
 protected:
  /// Products of the three regions in tiles of 8 cells on two threads.
  static const Contents& reference() {
    static const Contents bytes = [] {
      const Folder outputs;
      run(test_world(), outputs.path() / "out", {"--threads", "2"});
      return products(outputs.path() / "out");
    }();
    return bytes;
  }

  static bool processor_has(const std::string& feature) {
    std::ifstream info("/proc/cpuinfo");
    const std::string text((std::istreambuf_iterator<char>(info)), {});
    return text.find(" " + feature + " ") != std::string::npos;
  }
};

TEST_F(SameBytes, TheReferenceIsComplete) {
  size_t tif = 0, nc = 0, qml = 0;
  for (const auto& [name, bytes] : reference()) {
    const std::string ending = fs::path(name).extension().string();
    tif += ending == ".tif" ? 1 : 0;
    nc += ending == ".nc" ? 1 : 0;
    qml += ending == ".qml" ? 1 : 0;
    EXPECT_EQ(std::string::npos, bytes.find(test_world().string())) << name << " holds a path";
  }
  EXPECT_EQ(3U * (4 + 2), tif);  // four variables, quality of years and months
  EXPECT_EQ(3U * 2, nc);
  EXPECT_EQ(tif, qml);
  EXPECT_EQ(1U, reference().count("test_summary.csv"));
  EXPECT_EQ(1U, reference().count("test_North.stac.json"));
}

TEST_F(SameBytes, TilesOf17) {
  run(test_world(), folder(), {"--threads", "2", "--set", "grid.tile=17"});
  EXPECT_EQ("", differences(reference(), products(folder())));
}

TEST_F(SameBytes, TilesOf64OnOneThread) {
  run(test_world(), folder(), {"--threads", "1", "--set", "grid.tile=64"});
  EXPECT_EQ("", differences(reference(), products(folder())));
  EXPECT_EQ(1, run_record(folder()).at("threads").get<int>());
}

TEST_F(SameBytes, TilesOf256) {
  run(test_world(), folder(), {"--threads", "2", "--set", "grid.tile=256"});
  EXPECT_EQ("", differences(reference(), products(folder())));
}

TEST_F(SameBytes, ThreeShardsOnOtherThreadsAndMerge) {
  const auto shard = [&](const std::string& which, const std::string& threads) {
    const Outcome done =
        fluxtile(words("run", test_world(), folder(), {"--shard", which, "--threads", threads}));
    EXPECT_EQ(0, done.code) << done.err;
    EXPECT_FALSE(fs::exists(folder() / "run.json")) << "a shard does not merge";
  };
  shard("0/3", "2");
  shard("2/3", "1");
  const Outcome early = fluxtile(words("merge", test_world(), folder()));
  EXPECT_EQ(65, early.code);
  EXPECT_THAT(early.err, HasSubstr("tiles are not done"));
  EXPECT_FALSE(fs::exists(folder() / "run.json"));
  EXPECT_TRUE(products(folder()).empty());
  shard("1/3", "1");
  const Outcome merged = fluxtile(words("merge", test_world(), folder()));
  EXPECT_EQ(0, merged.code) << merged.err;
  EXPECT_EQ("", differences(reference(), products(folder())));
}

TEST_F(SameBytes, EachInstructionSetAgreesWithItself) {
  std::vector<std::string> kinds;
  if (processor_has("avx2")) kinds.push_back("Haswell");
  if (processor_has("avx512f") && processor_has("avx512dq")) kinds.push_back("SkylakeX");
  for (const std::string& kind : kinds) {
    const Environment environment = {{"OPENBLAS_CORETYPE", kind}};
    // Of the engine whose matrix library differs with the processor.
    const Words less = {"--set", "region.select=[South]", "--set", "models.regions={}",
                        "--set", "run.engine=torch"};
    Words one = less, two = less;
    one.insert(one.end(), {"--threads", "2", "--set", "grid.tile=8"});
    two.insert(two.end(), {"--threads", "1", "--set", "grid.tile=17"});
    run(test_world(), folder() / kind / "a", one, environment);
    run(test_world(), folder() / kind / "b", two, environment);
    EXPECT_EQ("", differences(products(folder() / kind / "a"), products(folder() / kind / "b")))
        << kind;
    EXPECT_THAT(run_record(folder() / kind / "a").at("engine").get<std::string>(), HasSubstr(kind));
  }
}

}  // namespace
}  // namespace fluxtile::end_to_end
