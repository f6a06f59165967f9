// SPDX-License-Identifier: Apache-2.0
#include "pipeline/slurm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/pipeline/stand_ins.h"

namespace fluxtile {
namespace {

using fluxtile::testing::StandIns;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Slurm : public ::testing::Test {
 protected:
  Slurm() {
    for (const char* name : {"SBATCH_MEM_PER_NODE", "SBATCH_MEM_PER_CPU", "SBATCH_CPUS_PER_TASK"})
      unsetenv(name);
    request_.name = "iowa";
    request_.logs = "/out/logs";
    request_.shard_script = "/out/shards.sh";
    request_.merge_script = "/out/merge.sh";
    request_.indices = "0-7";
    request_.memory = 900ULL << 20;
  }
  /// Takes the array as job 70 and the merge as job 71, or does with it what is said here.
  void sbatch(const std::string& array, const std::string& merge) const {
    programs_.add("sbatch",
                  "printf '%s\\n' \"$@\" >> \"$STAND_IN_LOG/sbatch\"\n"
                  "env >> \"$STAND_IN_LOG/environment\"\n"
                  "case \"$*\" in *--array=*) " +
                      array + ";; *) " + merge + ";; esac");
  }
  [[nodiscard]] Error refusal() const {
    try {
      (void)submit_to_slurm(request_);
    } catch (const Error& error) {
      return error;
    }
    return {Code::internal, "not refused"};
  }

  StandIns programs_;
  SlurmRequest request_;
};

TEST_F(Slurm, WordsOfBothCalls) {
  request_.options = {"--partition=low", "--time=1:00:00"};
  request_.throttle = 4;
  EXPECT_THAT(shard_command(request_),
              ElementsAre("sbatch", "--parsable", "--job-name=fluxtile-iowa",
                          "--output=/out/logs/%A_%a.log", "--mem=1000M", "--partition=low",
                          "--time=1:00:00", "--array=0-7%4", "/out/shards.sh"));
  EXPECT_THAT(merge_command(request_, "70"),
              ElementsAre("sbatch", "--parsable", "--job-name=fluxtile-iowa-merge",
                          "--output=/out/logs/%j_merge.log", "--mem=1000M", "--partition=low",
                          "--time=1:00:00", "--dependency=afterany:70", "--kill-on-invalid-dep=yes",
                          "/out/merge.sh"));
  EXPECT_THAT(merge_command(request_, ""), Not(Contains(HasSubstr("--dependency"))));
}

TEST_F(Slurm, TheUsersWordCountsOnMemoryAndThreads) {
  request_.threads = 6;
  EXPECT_THAT(shard_command(request_), Contains("--cpus-per-task=6"));
  for (const char* option : {"--mem=2G", "--mem-per-cpu=2G", "--mem-per-gpu=9G"}) {
    request_.options = {option};
    EXPECT_THAT(shard_command(request_), Not(Contains("--mem=1000M"))) << option;
  }
  for (const char* option : {"-c4", "--cpus-per-task=4", "--cpus-per-t"}) {
    request_.options = {option};
    EXPECT_THAT(shard_command(request_), Not(Contains("--cpus-per-task=6"))) << option;
  }
  request_.options = {};
  setenv("SBATCH_MEM_PER_CPU", "2G", 1);
  setenv("SBATCH_CPUS_PER_TASK", "2", 1);
  EXPECT_THAT(shard_command(request_), Not(Contains(HasSubstr("--mem"))));
  EXPECT_THAT(shard_command(request_), Not(Contains(HasSubstr("--cpus"))));
  unsetenv("SBATCH_MEM_PER_CPU");
  unsetenv("SBATCH_CPUS_PER_TASK");
}

TEST_F(Slurm, NineTenthsOfWhatIsAskedForIsWhatFluxtileKeepsTo) {
  for (const uint64_t mib : {1, 500, 512, 3815, 4096, 100000}) {
    request_.memory = mib << 20;
    const std::string asked = shard_command(request_)[4];
    const uint64_t given = std::stoull(asked.substr(std::string("--mem=").size()));
    EXPECT_GE(given * 9 / 10, mib) << asked;
    EXPECT_LE(given * 9 / 10, mib + 1) << asked;
  }
}

TEST_F(Slurm, FoldersKeepTheirNamesInLogPatterns) {
  request_.logs = "/o %j/50%";
  EXPECT_THAT(shard_command(request_), Contains("--output=/o %%j/50%%/%A_%a.log"));
  request_.logs = "/o\\x";
  EXPECT_THROW((void)shard_command(request_), Error);
}

TEST_F(Slurm, OptionsThatWouldBreakThePairOfJobs) {
  for (const char* option :
       {"--array=0-3", "-a0-3", "--arr=1", "--wrap=true", "--wait", "-W", "--test-only"})
    EXPECT_THROW(check_sbatch_options({option}), Error) << option;
  EXPECT_NO_THROW(check_sbatch_options({"--partition=a", "-p", "low", "-A", "x", "--account=y",
                                        "-t", "10", "--wait-all-nodes=1", "-w", "n1", "--mem=1G",
                                        "--dependency=afterok:3", "-C", "avx2"}));
}

TEST_F(Slurm, SubmitsTheArrayAndThenTheMerge) {
  sbatch("echo 70", "echo 71");
  const SlurmJobs jobs = submit_to_slurm(request_);
  EXPECT_EQ(jobs.array, "70");
  EXPECT_EQ(jobs.merge, "71");
  EXPECT_THAT(programs_.said("sbatch"), HasSubstr("--dependency=afterany:70\n"));
}

TEST_F(Slurm, ClusterNamesAreNotPartOfTheNumber) {
  sbatch("echo '70;mesabi'", "echo '71;mesabi'");
  const SlurmJobs jobs = submit_to_slurm(request_);
  EXPECT_EQ(jobs.array, "70");
  EXPECT_EQ(jobs.cluster, "mesabi");
  EXPECT_EQ(jobs.merge, "71");
}

TEST_F(Slurm, WithoutShardsTheMergeAlone) {
  request_.indices = "";
  sbatch("exit 1", "echo 71");
  const SlurmJobs jobs = submit_to_slurm(request_);
  EXPECT_EQ(jobs.array, "");
  EXPECT_EQ(jobs.merge, "71");
}

TEST_F(Slurm, AnAllocationAroundItIsNotHandedOn) {
  sbatch("echo 70", "echo 71");
  for (const char* name : {"SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "SLURM_RESTART_COUNT",
                           "SBATCH_ARRAY_INX", "SBATCH_WAIT"})
    setenv(name, "7", 1);
  setenv("SLURM_CONF", "/etc/x.conf", 1);
  (void)submit_to_slurm(request_);
  for (const char* name : {"SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "SLURM_RESTART_COUNT",
                           "SBATCH_ARRAY_INX", "SBATCH_WAIT", "SLURM_CONF"})
    unsetenv(name);
  EXPECT_THAT(programs_.said("environment"), Not(HasSubstr("=7\n")));
  EXPECT_THAT(programs_.said("environment"), HasSubstr("SLURM_CONF=/etc/x.conf\n"));
}

TEST_F(Slurm, WithoutSbatch) {
  programs_.alone();
  const Error error = refusal();
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_THAT(error.what(), HasSubstr("cannot start `sbatch`: No such file"));
  EXPECT_THAT(error.what(), HasSubstr("--dry-run"));
}

TEST_F(Slurm, ARefusedArrayLeavesNothing) {
  sbatch("echo 'sbatch: error: invalid partition specified: x' >&2; exit 1", "echo 71");
  const Error error = refusal();
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_THAT(error.what(), HasSubstr("Slurm refused; nothing was submitted"));
  EXPECT_THAT(error.found(), HasSubstr("invalid partition specified: x"));
  EXPECT_THAT(programs_.said("sbatch"), Not(HasSubstr("--dependency")));
}

TEST_F(Slurm, ARefusedMergeCancelsTheArray) {
  programs_.add("scancel", "printf '%s\\n' \"$@\" > \"$STAND_IN_LOG/scancel\"");
  sbatch("echo '70;mesabi'", "echo 'sbatch: error: no' >&2; exit 1");
  Error error = refusal();
  EXPECT_EQ(error.code(), Code::usage);
  EXPECT_THAT(error.what(), HasSubstr("the array (job 70) was cancelled"));
  EXPECT_EQ(programs_.said("scancel"), "--clusters=mesabi\n70\n");
  programs_.add("scancel", "exit 1");
  error = refusal();
  EXPECT_THAT(error.what(), HasSubstr("cancel it with `scancel 70`"));
}

TEST_F(Slurm, AKilledMergeCallCancelsTheArrayAsWell) {
  programs_.add("scancel", "printf '%s\\n' \"$@\" > \"$STAND_IN_LOG/scancel\"");
  sbatch("echo 70", "kill -INT $$");
  const Error error = refusal();
  EXPECT_THAT(error.found(), HasSubstr("signal 2"));
  EXPECT_EQ(programs_.said("scancel"), "70\n");
}

TEST_F(Slurm, AControllerThatDoesNotAnswerIsAPassingFault) {
  sbatch(
      "echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller' >&2;"
      "exit 1",
      "echo 71");
  EXPECT_EQ(refusal().code(), Code::interrupted);
}

TEST_F(Slurm, AnAnswerThatIsNoNumberIsRefused) {
  for (const char* answer : {"echo", "echo 'Submitted batch job 70'", "echo '70;x;'; exit 1"}) {
    sbatch(answer, "echo 71");
    EXPECT_EQ(refusal().code(), Code::usage) << answer;
  }
}

TEST_F(Slurm, LargestArray) {
  programs_.add("scontrol",
                "printf 'MaxArraySize            = 1001\\nMaxBatchRequeue         = 5\\n'");
  EXPECT_EQ(max_array_size(), 1001);
  programs_.add("scontrol", "exit 1");
  EXPECT_FALSE(max_array_size());
  programs_.add("scontrol", "echo 'MaxArraySize = (null)'");
  EXPECT_FALSE(max_array_size());
  programs_.alone();
  std::filesystem::remove(programs_.bin() + "/scontrol");
  EXPECT_FALSE(max_array_size());
}

}  // namespace
}  // namespace fluxtile
