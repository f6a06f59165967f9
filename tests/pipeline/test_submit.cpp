// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "pipeline/verbs.h"
#include "tests/pipeline/small_run.h"
#include "tests/pipeline/stand_ins.h"

namespace fluxtile {
namespace {

using fluxtile::testing::StandIns;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A small world, a made-up network, and a Slurm that says yes.
class Submit : public SmallRun {
 protected:
  Submit() {
    programs_.add("sbatch",
                  "printf '%s\\n' \"$@\" -- >> \"$STAND_IN_LOG/sbatch\"\n"
                  "case \"$*\" in *--array=*) echo 70;; *) echo 71;; esac");
    programs_.add("scontrol", "echo 'MaxArraySize = 1001'");
    submit_.engine = "slurm";
    submit_.shards = 3;
  }
  /// With the tiles that open() makes.
  [[nodiscard]] static std::vector<std::string> in_tiles(std::vector<std::string> set = {}) {
    set.emplace_back("grid.tile=16");
    return set;
  }
  [[nodiscard]] Config configured(const std::vector<std::string>& set = {}) const {
    return config(in_tiles(set));
  }
  [[nodiscard]] Plan planned() const { return plan(in_tiles()).plan; }
  std::string submit(bool json = true, const std::vector<std::string>& set = {}) {
    VerbOptions options;
    options.json = json;
    submit_.sets = set;
    std::ostringstream out;
    EXPECT_EQ(submit_verb(configured(set), options, submit_, out), 0);
    return out.str();
  }
  nlohmann::json answer(const std::vector<std::string>& set = {}) {
    return nlohmann::json::parse(submit(true, set));
  }
  Error refused(const std::vector<std::string>& set = {}) {
    try {
      submit(true, set);
    } catch (const Error& error) {
      return error;
    }
    return {Code::internal, "not refused"};
  }
  /// Does these tiles of the plan, and nothing else.
  void do_tiles(const std::vector<size_t>& which) {
    Run run = open();
    std::vector<TileUnit> units;
    for (const size_t k : which) units.push_back(run.plan().units.at(k));
    tiles(run, units);
  }
  [[nodiscard]] std::string called() const { return programs_.said("sbatch"); }
  [[nodiscard]] fs::path batch(const std::string& name) const {
    return out(".fluxtile/batch") / planned().id / name;
  }

  StandIns programs_;
  SubmitOptions submit_;
};

TEST_F(Submit, WritesPlanAndScriptsAndPrintsTheJobs) {
  submit_.sbatch = {"--time=10"};
  EXPECT_EQ(submit(false, {"run.threads=3"}), "array 70\nmerge 71\n");
  EXPECT_TRUE(fs::exists(out(".fluxtile/plans") / (planned().id + ".json")));
  EXPECT_TRUE(fs::is_directory(batch("logs")));
  const std::string shards = read(batch("shards.sh"));
  EXPECT_THAT(shards, HasSubstr("--plan " + planned().id + " --set 'run.threads=3'"));
  EXPECT_THAT(shards, HasSubstr("--shard \"$SLURM_ARRAY_TASK_ID/3\""));
  EXPECT_THAT(read(batch("merge.sh")), HasSubstr("words=(merge "));
  EXPECT_THAT(called(), HasSubstr("--cpus-per-task=3\n"));
  EXPECT_THAT(called(), HasSubstr("--time=10\n--array=0-2\n" + batch("shards.sh").string() + "\n"));
  EXPECT_THAT(called(), HasSubstr("--dependency=afterany:70\n"));
}

TEST_F(Submit, OnlyShardsThatMissTilesAreSubmitted) {
  const size_t count = planned().units.size();
  ASSERT_GE(count, 5U);
  auto said = answer();
  EXPECT_EQ(said["tiles_to_do"], count);
  EXPECT_EQ(said["shards_to_do"], 3);
  // Tiles of shards 0 and 2, and one of shard 1.
  std::vector<size_t> done;
  for (size_t k = 0; k < count; ++k)
    if (k % 3 != 1 || k == 1) done.push_back(k);
  do_tiles(done);
  said = answer();
  EXPECT_EQ(said["tiles_to_do"], count - done.size());
  EXPECT_EQ(said["shards_to_do"], 1);
  EXPECT_EQ(said["array_job"], "70");
  EXPECT_THAT(called(), HasSubstr("--array=1\n"));
}

TEST_F(Submit, WhenAllTilesAreDoneTheMergeAloneAndThenNothing) {
  Run run = open();
  tiles(run);
  auto said = answer();
  EXPECT_EQ(said["array_job"], nullptr);
  EXPECT_EQ(said["merge_job"], "71");
  EXPECT_THAT(called(), Not(HasSubstr("--array")));
  EXPECT_THAT(called(), Not(HasSubstr("--dependency")));
  std::ostringstream products;
  ASSERT_EQ(merge_verb(configured(), {}, products), 0);
  fs::remove(programs_.log("sbatch"));
  said = answer();
  EXPECT_EQ(said["array_job"], nullptr);
  EXPECT_EQ(said["merge_job"], nullptr);
  EXPECT_EQ(called(), "");
  EXPECT_EQ(submit(false), "");
  // Another product needs a merge, and no shard.
  said =
      answer({"outputs.products=[{variables: [nee], period: monthly, statistic: sum, "
              "format: netcdf}]"});
  EXPECT_EQ(said["merge_job"], "71");
  EXPECT_EQ(said["array_job"], nullptr);
}

TEST_F(Submit, MoreShardsThanTiles) {
  submit_.shards = 500;
  const auto said = answer();
  EXPECT_EQ(said["shards_to_do"], planned().units.size());
}

TEST_F(Submit, DryRunShowsAllAndWritesNothing) {
  submit_.dry_run = true;
  submit_.sbatch = {"--comment=a b"};
  const std::string text = submit(false);
  EXPECT_THAT(text, HasSubstr("#!/bin/bash"));
  EXPECT_THAT(text, HasSubstr("sbatch --parsable --job-name=fluxtile-"));
  EXPECT_THAT(text, HasSubstr("'--comment=a b' --array=0-2 "));
  EXPECT_THAT(text, HasSubstr("--dependency=afterany:ARRAY_JOB"));
  const auto json = answer();
  EXPECT_THAT(json["shard_script"].get<std::string>(), HasSubstr("#SBATCH --requeue"));
  EXPECT_EQ(json["array_command"].back(), batch("shards.sh").string());
  EXPECT_EQ(json["merge_command"].back(), batch("merge.sh").string());
  EXPECT_FALSE(fs::exists(out()));
  EXPECT_EQ(called(), "");
}

TEST_F(Submit, TooManyShardsForTheClusterAreToldBeforeAnythingIsWritten) {
  submit_.shards = 1002;
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_EQ(error.expected(), "at most 1001 (MaxArraySize)");
  EXPECT_FALSE(fs::exists(out()));
  submit_.shards = 1001;
  EXPECT_EQ(answer()["array_job"], "70");
}

TEST_F(Submit, OptionsOfItsOwnAreRefusedBeforeAnythingIsWritten) {
  submit_.sbatch = {"--array=0-3"};
  EXPECT_EQ(refused().code(), Code::usage);
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Submit, APlanThatIsWrittenStaysWhatItIs) {
  (void)answer();
  const fs::path path = out(".fluxtile/plans") / (planned().id + ".json");
  // As another machine would have written it, with more memory: other cuts, the same results.
  Plan written = plan_from_json(read(path), path.string());
  written.units = {written.units.front()};
  write(path, plan_to_json(written));
  EXPECT_EQ(answer()["tiles"], 1);
  // Other results: the plan is written anew.
  written.engine_identity = "torch/9 cpu fp32";
  write(path, plan_to_json(written));
  submit_.dry_run = true;
  EXPECT_GT(answer()["tiles"], 1);
  EXPECT_EQ(read(path), plan_to_json(written));
  submit_.dry_run = false;
  EXPECT_GT(answer()["tiles"], 1);
  EXPECT_NE(read(path), plan_to_json(written));
}

/// `--plan ID`: what a shard finds.
class PlanById : public SmallWorld {
 protected:
  PlanById() {
    made_ = open_plan(config(), {}, PlanUse::submit).plan;
    options_.plan = made_.id;
  }
  [[nodiscard]] std::string path() const {
    return out(".fluxtile/plans/" + made_.id + ".json").string();
  }
  [[nodiscard]] Error error(PlanUse use, const std::vector<std::string>& set = {}) const {
    try {
      (void)open_plan(config(set), options_, use);
    } catch (const Error& thrown) {
      return thrown;
    }
    return {Code::internal, "not refused"};
  }
  Plan made_;
  VerbOptions options_;
};

TEST_F(PlanById, IsThePlanThatWasWritten) {
  const PlannedRun run =
      open_plan(config({"run.threads=3", "run.memory=3GB"}), options_, PlanUse::shard);
  EXPECT_EQ(run.plan.id, made_.id);
  EXPECT_EQ(run.plan.units.size(), made_.units.size());
  EXPECT_EQ(run.plan.threads, 3);
  EXPECT_EQ(run.plan.memory, 3000000000U);
  EXPECT_EQ(run.packages.size(), made_.packages.size());
  EXPECT_EQ(run.regions.regions.size(), made_.regions.size());
  // Stages find everything in it.
  EXPECT_NO_THROW((void)make_stages(open_plan(config(), options_, PlanUse::look), config(),
                                    network_engines(), false));
}

TEST_F(PlanById, AFileThatCameLaterDoesNotChangeIt) {
  fs::copy(world("gpp/gpp_2018353.tif"), world("gpp/gpp_2019001.tif"));
  EXPECT_NE(plan().plan.id, made_.id);
  EXPECT_EQ(open_plan(config(), options_, PlanUse::look).plan.id, made_.id);
}

TEST_F(PlanById, ChangedOrLostInputsAreToldByName) {
  const std::string changed = world("gpp/gpp_2018201.tif").string();
  shift(changed, 1);
  EXPECT_EQ(error(PlanUse::shard).code(), Code::data);
  EXPECT_EQ(error(PlanUse::shard).file(), changed);
  EXPECT_THAT(error(PlanUse::look).what(), HasSubstr("has changed since the plan was written"));
  fs::remove(changed);
  EXPECT_THAT(error(PlanUse::look).what(), HasSubstr("is gone"));
}

TEST_F(PlanById, AnotherConfigurationIsRefused) {
  const Error other = error(PlanUse::shard, {"period.spinup=0"});
  EXPECT_EQ(other.code(), Code::data);
  EXPECT_THAT(other.what(), HasSubstr("not one of this configuration"));
  options_.plan = "0123";
  EXPECT_THAT(error(PlanUse::look).what(), HasSubstr("there is no plan 0123"));
}

TEST_F(PlanById, AnotherModelIsRefused) {
  // The same size and time of change, so that only the digest tells.
  const fs::path weights = world("models/demo-global/weights.safetensors");
  Plan other = made_;
  other.package_digests.front() = "another";
  write(path(), plan_to_json(other));
  EXPECT_THAT(error(PlanUse::look).what(), HasSubstr("model package has changed"));
}

TEST_F(PlanById, ANodeWithoutTheEngineIsToldWhatToAskFor) {
  Plan other = made_;
  other.engine_identity = "torch/2.1 cpu fp32 AVX512 OpenBLAS";
  other.engine.engine = "torch";
  write(path(), plan_to_json(other));
  const Error missing = error(PlanUse::shard);
  EXPECT_EQ(missing.code(), Code::data);
  EXPECT_EQ(missing.expected(), "torch/2.1 cpu fp32 AVX512 OpenBLAS");
  EXPECT_THAT(missing.hint(), HasSubstr("--constraint"));
  // A device that is not there is no other failure.
  other.engine = {"torch", "cuda:7", "fp32"};
  write(path(), plan_to_json(other));
  EXPECT_THAT(error(PlanUse::shard).what(), HasSubstr("cannot provide the plan's engine"));
  // The merge needs none.
  EXPECT_EQ(open_plan(config(), options_, PlanUse::look).plan.id, made_.id);
}

TEST_F(PlanById, ANodeWithTooLittleMemoryIsToldHowMuch) {
  const Error small = error(PlanUse::shard, {"run.memory=200MB", "run.threads=2"});
  EXPECT_EQ(small.code(), Code::data);
  EXPECT_EQ(small.key(), "run.memory");
  EXPECT_THAT(small.expected(), HasSubstr("MiB with 2 threads"));
  const std::string least = small.expected().substr(std::string("at least ").size());
  const int mib = std::stoi(least);
  EXPECT_GT(mib, 190);
  EXPECT_EQ(open_plan(config({"run.memory=" + std::to_string(mib + 40) + "MiB", "run.threads=2"}),
                      options_, PlanUse::shard)
                .plan.id,
            made_.id);
}

}  // namespace
}  // namespace fluxtile
