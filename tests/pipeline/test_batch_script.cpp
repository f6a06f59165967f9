// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/child_process.h"
#include "pipeline/shell_quote.h"
#include "tests/pipeline/stand_ins.h"

// The scripts are run by bash with stand-ins for fluxtile and scontrol.
namespace fluxtile {
namespace {

using fluxtile::testing::StandIns;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Variables = std::vector<std::string>;

class BatchScript : public ::testing::Test {
 protected:
  BatchScript() {
    // Like Slurm, which ends a job that is requeued.
    programs_.add("scontrol", "echo \"$*\" >> \"$STAND_IN_LOG/scontrol\"; kill -TERM $PPID");
    work_.directory = programs_.folder().path();
    work_.program = fluxtile("");
    work_.config = "/data/run.yaml";
    work_.plan = "0123abcd";
    work_.shards = 8;
    work_.restarts = 3;
  }

  /// A stand-in that writes down its words, then does this.
  std::string fluxtile(const std::string& then) const {
    return programs_.add("fluxtile", "printf '%s\\n' \"$@\" > \"$STAND_IN_LOG/words\"\n" + then);
  }

  /// Runs a script as task 5 of array 70; the task's own job is number 71.
  ChildOutcome run(const std::string& script, const Variables& variables = {}) const {
    const std::string file = programs_.folder().write("script", script);
    std::vector<std::string> words = {"env", "SLURM_JOB_ID=71", "SLURM_ARRAY_JOB_ID=70",
                                      "SLURM_ARRAY_TASK_ID=5"};
    words.insert(words.end(), variables.begin(), variables.end());
    words.insert(words.end(), {"bash", file});
    return run_child(words);
  }
  ChildOutcome shard(const Variables& variables = {}) const {
    return run(shard_script(work_), variables);
  }

  [[nodiscard]] std::vector<std::string> words() const {
    std::vector<std::string> list;
    std::istringstream text(programs_.said("words"));
    for (std::string line; std::getline(text, line);) list.push_back(line);
    return list;
  }
  [[nodiscard]] std::string asked() const { return programs_.said("scontrol"); }

  /// A stand-in that stops like fluxtile: 75 when TERM comes. `now`: what happens meanwhile.
  void stops_when_told(const std::string& now) const {
    fluxtile("trap 'echo stopped >> \"$STAND_IN_LOG/stopped\"; exit 75' TERM\n" + now +
             "\nfor k in {1..100}; do sleep 0.1; done");
  }

  StandIns programs_;
  BatchWork work_;
};

TEST_F(BatchScript, RunsOneShardOfThePlan) {
  work_.words = {"--set", "outputs.directory=out"};
  EXPECT_EQ(shard({"SLURM_CPUS_PER_TASK=6", "SLURM_MEM_PER_NODE=10000"}).code, 0);
  EXPECT_THAT(words(),
              ElementsAre("run", "/data/run.yaml", "--shard", "5/8", "--plan", "0123abcd", "--set",
                          "outputs.directory=out", "--threads", "6", "--memory", "9000MiB"));
}

TEST_F(BatchScript, MergesInAJobOfItsOwn) {
  EXPECT_EQ(run(merge_script(work_), {"SLURM_CPUS_ON_NODE=2"}).code, 0);
  EXPECT_THAT(words(),
              ElementsAre("merge", "/data/run.yaml", "--plan", "0123abcd", "--threads", "2"));
}

TEST_F(BatchScript, ThreadsAndMemoryAreThoseOfTheAllocation) {
  const auto given = [&](const Variables& variables) {
    EXPECT_EQ(shard(variables).code, 0);
    const auto all = words();
    return shell_line({all.begin() + 6, all.end()});
  };
  EXPECT_EQ(given({}), "--threads 1");
  EXPECT_EQ(given({"SLURM_CPUS_ON_NODE=64"}), "--threads 64");
  EXPECT_EQ(given({"SLURM_CPUS_ON_NODE=64", "SLURM_CPUS_PER_TASK=4"}), "--threads 4");
  EXPECT_EQ(given({"SLURM_CPUS_PER_TASK=4", "SLURM_MEM_PER_CPU=2000"}),
            "--threads 4 --memory 7200MiB");
  EXPECT_EQ(given({"SLURM_MEM_PER_NODE=500"}), "--threads 1 --memory 450MiB");
  // All of the node's memory (--mem=0) is no number: the configuration counts.
  EXPECT_EQ(given({"SLURM_MEM_PER_NODE=0"}), "--threads 1");
  EXPECT_EQ(given({"SLURM_MEM_PER_NODE="}), "--threads 1");
}

TEST_F(BatchScript, NothingInPathsOrOptionsIsRunOrLost) {
  const std::string hostile =
      "it's $(touch \"$STAND_IN_LOG/ran\") `touch $STAND_IN_LOG/ran`; touch x & %j \\ \"q\" *";
  std::filesystem::create_directories(programs_.folder().path() + "/" + hostile + "\nx");
  work_.directory = programs_.folder().path() + "/" + hostile + "\nx";
  work_.program =
      programs_.add(hostile, "printf '%s\\0' \"$PWD\" \"$@\" > \"$STAND_IN_LOG/words\"");
  work_.config = "/" + hostile + "\n#SBATCH --uid=0\nx.yaml";
  work_.words = {"--set", "name=" + hostile + "\n", ""};
  for (const bool merges : {false, true}) {
    const auto outcome = run(merges ? merge_script(work_) : shard_script(work_));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const std::string zero(1, '\0');
    EXPECT_THAT(programs_.said("words"), StartsWith(work_.directory + zero));
    EXPECT_THAT(programs_.said("words"), HasSubstr(zero + work_.config + zero));
    EXPECT_THAT(programs_.said("words"), HasSubstr(zero + work_.words[1] + zero + zero));
    EXPECT_FALSE(std::filesystem::exists(programs_.log("ran")));
    std::filesystem::remove(programs_.log("words"));
  }
}

TEST_F(BatchScript, DataNeverBecomesADirective) {
  // sbatch reads #SBATCH lines up to the first command.
  work_.config = "/x\n#SBATCH --uid=0\n";
  work_.directory = "/d\n#SBATCH --uid=0\n";
  for (const auto& script : {shard_script(work_), merge_script(work_)}) {
    const std::string head = script.substr(0, script.find("\n\n"));
    EXPECT_THAT(head, HasSubstr("#SBATCH --requeue"));
    EXPECT_THAT(head, HasSubstr("#SBATCH --signal=B:USR1@120"));
    EXPECT_THAT(head, Not(HasSubstr("uid")));
  }
}

TEST_F(BatchScript, ExitCodesAreThoseOfFluxtile) {
  for (const int code : {0, 1, 65, 70, 73, 74, 137}) {
    fluxtile("exit " + std::to_string(code));
    EXPECT_EQ(shard().code, code);
    EXPECT_EQ(asked(), "") << code;
  }
}

TEST_F(BatchScript, APassingFaultIsTriedAgainByThisTaskAlone) {
  fluxtile("exit 75");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(asked(), "requeue 70_5\n");
  EXPECT_EQ(run(merge_script(work_)).code, 75);
  EXPECT_EQ(asked(), "requeue 70_5\nrequeue 71\n");
}

TEST_F(BatchScript, NotForEver) {
  fluxtile("exit 75");
  EXPECT_EQ(shard({"SLURM_RESTART_COUNT=2"}).code, 75);
  EXPECT_EQ(asked(), "requeue 70_5\n");
  const auto last = shard({"SLURM_RESTART_COUNT=3"});
  EXPECT_EQ(last.code, 75);
  EXPECT_EQ(asked(), "requeue 70_5\n");
  EXPECT_THAT(last.err, HasSubstr("was run again 3 times and is given up"));
}

TEST_F(BatchScript, WhatIsCancelledStaysCancelled) {
  stops_when_told("kill -TERM $PPID");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(programs_.said("stopped"), "stopped\n");
  EXPECT_EQ(asked(), "");
}

TEST_F(BatchScript, EndOfTimeStopsAndRequeues) {
  stops_when_told("kill -USR1 $PPID");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(programs_.said("stopped"), "stopped\n");
  EXPECT_EQ(asked(), "requeue 70_5\n");
}

TEST_F(BatchScript, CancelledAfterTheWarningStaysCancelled) {
  fluxtile(
      "trap 'trap \"\" TERM; kill -TERM $PPID; sleep 0.2; exit 75' TERM\nkill -USR1 $PPID\n"
      "for k in {1..100}; do sleep 0.1; done");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(asked(), "");
  fluxtile(
      "trap 'trap \"\" TERM; kill -USR1 $PPID; sleep 0.2; exit 75' TERM\nkill -TERM $PPID\n"
      "for k in {1..100}; do sleep 0.1; done");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(asked(), "");
}

TEST_F(BatchScript, FinishedInSpiteOfTheWarningIsFinished) {
  fluxtile("trap '' TERM\nkill -USR1 $PPID\nsleep 0.3\nexit 0");
  EXPECT_EQ(shard().code, 0);
  EXPECT_EQ(asked(), "");
}

TEST_F(BatchScript, EndedBeforeItListened) {
  fluxtile("kill -USR1 $PPID; sleep 0.2; kill -TERM $$; sleep 1");
  EXPECT_EQ(shard().code, 75);
  EXPECT_EQ(asked(), "requeue 70_5\n");
}

TEST_F(BatchScript, ARequeueThatIsRefusedIsTold) {
  programs_.add("scontrol", "exit 1");
  fluxtile("exit 75");
  const auto outcome = shard();
  EXPECT_EQ(outcome.code, 75);
  EXPECT_THAT(outcome.err, HasSubstr("70_5 cannot be requeued"));
}

TEST_F(BatchScript, ANodeWithoutTheProgramOrTheFolderSaysSo) {
  work_.program = "/nowhere/fluxtile";
  auto outcome = shard();
  EXPECT_EQ(outcome.code, 65);
  EXPECT_THAT(outcome.err, HasSubstr("this node has no /nowhere/fluxtile"));
  work_.directory = "/nowhere";
  outcome = shard();
  EXPECT_EQ(outcome.code, 65);
  EXPECT_THAT(outcome.err, HasSubstr("/nowhere"));
}

TEST_F(BatchScript, OutsideAnArrayItSaysHow) {
  const auto outcome = run(shard_script(work_), {"SLURM_ARRAY_TASK_ID="});
  EXPECT_EQ(outcome.code, 64);
  EXPECT_THAT(outcome.err, HasSubstr("sbatch --array=0-7 FILE"));
}

TEST(ArrayIndices, AsSlurmWritesThem) {
  EXPECT_EQ(array_indices({}), "");
  EXPECT_EQ(array_indices({3}), "3");
  EXPECT_EQ(array_indices({0, 1, 2, 3}), "0-3");
  EXPECT_EQ(array_indices({0, 2, 3, 7, 8, 9, 11}), "0,2-3,7-9,11");
}

}  // namespace
}  // namespace fluxtile
