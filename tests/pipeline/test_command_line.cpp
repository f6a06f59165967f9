// SPDX-License-Identifier: Apache-2.0
#include "pipeline/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/stop.h"
#include "pipeline/config_schema.h"
#include "pipeline/log.h"
#include "pipeline/pixel_points.h"
#include "tests/pipeline/config_text.h"
#include "tests/pipeline/recording_verbs.h"

namespace fluxtile {
namespace {

using fluxtile::testing::changed;
using fluxtile::testing::good_config;
using fluxtile::testing::Recorded;
using fluxtile::testing::recorded;
using fluxtile::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<std::string>;

class CommandLineTest : public ::testing::Test {
 protected:
  void SetUp() override { fluxtile::testing::forget(); }
  void TearDown() override {
    Stop::clear();
    initialise_log("off", "text");
  }

  std::string config(const std::string& name = "iowa-2018") {
    return folder_.write(name + ".yaml", changed(good_config, "iowa-2018", name));
  }
  int call(const Words& words) {
    std::ostringstream out;
    ::testing::internal::CaptureStderr();
    const int code = command_line(words, out);
    err_ = ::testing::internal::GetCapturedStderr();
    out_ = out.str();
    return code;
  }
  /// Runs the built program through the shell.
  static int shell(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  TemporaryFolder folder_;
  std::string out_, err_;
};

TEST_F(CommandLineTest, RunWithEveryOption) {
  ASSERT_EQ(call({"run", config(), "--set", "grid.tile=64", "--set=region.select=[NE]", "--threads",
                  "2", "--memory", "3GB", "--progress", "off", "--log-level", "warn", "--fresh",
                  "--allow-synthetic-model", "--shard", "2/8", "--timeline", "t.svg"}),
            0)
      << err_;
  const Recorded& r = recorded();
  EXPECT_EQ(r.verb, "run");
  EXPECT_EQ(out_, "run\n");
  EXPECT_EQ(err_, "");
  EXPECT_EQ(r.config.name, "iowa-2018");
  EXPECT_EQ(r.config.tile, 64);
  EXPECT_THAT(r.config.select, ElementsAre("NE"));
  EXPECT_EQ(r.config.run.threads, 2);
  EXPECT_EQ(r.config.run.memory, 3000000000U);
  EXPECT_EQ(r.options.progress, ProgressMode::off);
  EXPECT_TRUE(r.options.fresh);
  EXPECT_TRUE(r.options.allow_synthetic_model);
  EXPECT_EQ(r.options.shard, 2);
  EXPECT_EQ(r.options.shards, 8);
  EXPECT_EQ(r.options.timeline, "t.svg");
  EXPECT_EQ(r.config.climate.recipe, "gridmet");
}

TEST_F(CommandLineTest, ATimelineIsATraceOrAPicture) {
  EXPECT_EQ(call({"run", config(), "--timeline", "t.png"}), 64);
  EXPECT_THAT(err_, HasSubstr(".json or .svg"));
}

TEST_F(CommandLineTest, DefaultsOfRun) {
  ASSERT_EQ(call({"run", config()}), 0) << err_;
  EXPECT_FALSE(recorded().options.fresh);
  EXPECT_FALSE(recorded().options.shard.has_value());
  EXPECT_FALSE(recorded().options.allow_synthetic_model);
  EXPECT_EQ(recorded().options.progress, ProgressMode::automatic);
}

TEST_F(CommandLineTest, CleanWithItsOptions) {
  using std::chrono::hours;
  ASSERT_EQ(call({"clean", config()}), 0) << err_;
  EXPECT_EQ(recorded().verb, "clean");
  EXPECT_EQ(recorded().clean.older_than, hours(30 * 24));
  EXPECT_EQ(recorded().clean.keep_plans, 0U);
  EXPECT_FALSE(recorded().clean.dry_run);
  EXPECT_FALSE(recorded().clean.all);
  EXPECT_EQ(recorded().options.lock_wait, hours(0));
  ASSERT_EQ(call({"clean", config(), "--keep-plans", "3", "--dry-run", "--all", "--json",
                  "--lock-wait", "90"}),
            0)
      << err_;
  EXPECT_EQ(recorded().clean.older_than, hours(24));
  EXPECT_EQ(recorded().clean.keep_plans, 3U);
  EXPECT_TRUE(recorded().clean.dry_run);
  EXPECT_TRUE(recorded().clean.all);
  EXPECT_TRUE(recorded().options.json);
  EXPECT_EQ(recorded().options.lock_wait, std::chrono::seconds(90));
  ASSERT_EQ(call({"clean", config(), "--older-than", "2w", "--keep-plans", "3"}), 0);
  EXPECT_EQ(recorded().clean.older_than, hours(14 * 24));
  for (const char* text : {"soon", "-1d", "1y", "d", "1.5h", "99999999999999999999"}) {
    EXPECT_EQ(call({"clean", config(), "--older-than", text}), 64) << text;
    EXPECT_THAT(err_, HasSubstr("10m, 12h, 30d, 2w")) << text;
  }
  EXPECT_EQ(call({"clean", config(), "--keep-plans", "-1"}), 64);
}

TEST_F(CommandLineTest, RunAndMergeWaitForTheLock) {
  for (const char* verb : {"run", "merge"}) {
    ASSERT_EQ(call({verb, config()}), 0) << err_;
    EXPECT_EQ(recorded().options.lock_wait, std::chrono::minutes(10));
    ASSERT_EQ(call({verb, config(), "--lock-wait", "2h"}), 0) << err_;
    EXPECT_EQ(recorded().options.lock_wait, std::chrono::hours(2));
  }
}

TEST_F(CommandLineTest, EveryVerbIsReached) {
  for (const char* verb : {"plan", "merge", "status"}) {
    ASSERT_EQ(call({verb, config()}), 0) << err_;
    EXPECT_EQ(recorded().verb, verb);
  }
  ASSERT_EQ(call({"plan", config(), "--json"}), 0);
  EXPECT_TRUE(recorded().options.json);
  ASSERT_EQ(call({"verify", "out", "--json"}), 0) << err_;
  EXPECT_THAT(recorded().paths, ElementsAre("out"));
  EXPECT_TRUE(recorded().json);
  ASSERT_EQ(call({"inspect", "a.tif", "b.nc", "--json"}), 0) << err_;
  EXPECT_THAT(recorded().paths, ElementsAre("a.tif", "b.nc"));
  EXPECT_TRUE(recorded().json);
  ASSERT_EQ(call({"simulate", "worlds/small.yaml", "--set", "seed=2"}), 0) << err_;
  EXPECT_EQ(recorded().world, "worlds/small.yaml");
  EXPECT_THAT(recorded().overrides, ElementsAre("seed=2"));
  EXPECT_THAT(recorded().paths, ElementsAre(""));  // the description decides
  ASSERT_EQ(call({"simulate", "w.yaml", "--out", "here"}), 0) << err_;
  EXPECT_THAT(recorded().paths, ElementsAre("here"));
}

TEST_F(CommandLineTest, SubmitHandsTheRestToSbatch) {
  ASSERT_EQ(call({"submit",    config(),     "--engine", "slurm",        "--shards",
                  "100",       "--throttle", "20",       "--restarts",   "3",
                  "--dry-run", "--json",     "--set",    "grid.tile=64", "--log-level",
                  "debug",     "--threads",  "4",        "--",           "--time=10",
                  "-p",        "low",        "--json",   "--",           "x"}),
            0)
      << err_;
  EXPECT_EQ(recorded().verb, "submit");
  EXPECT_EQ(recorded().config.tile, 64);
  EXPECT_EQ(recorded().config.run.threads, 4);
  const SubmitOptions& submit = recorded().submit;
  EXPECT_EQ(submit.shards, 100);
  EXPECT_EQ(submit.throttle, 20);
  EXPECT_EQ(submit.restarts, 3);
  EXPECT_TRUE(submit.dry_run);
  EXPECT_THAT(submit.sets, ElementsAre("grid.tile=64"));
  EXPECT_THAT(submit.log_words, ElementsAre("--log-level", "debug"));
  EXPECT_THAT(submit.sbatch, ElementsAre("--time=10", "-p", "low", "--json", "--", "x"));
  ASSERT_EQ(call({"submit", config(), "--engine=slurm", "--shards=1"}), 0) << err_;
  EXPECT_FALSE(recorded().options.json);
  EXPECT_FALSE(recorded().submit.dry_run);
  EXPECT_EQ(recorded().submit.restarts, 10);
  EXPECT_TRUE(recorded().submit.sbatch.empty());
}

TEST_F(CommandLineTest, SubmitNeedsAnEngineAndShards) {
  EXPECT_EQ(call({"submit", config(), "--shards", "8"}), 64);
  EXPECT_EQ(call({"submit", config(), "--engine", "slurm"}), 64);
  EXPECT_EQ(call({"submit", config(), "--engine", "slurm", "--shards", "0"}), 64);
  EXPECT_EQ(call({"submit", config(), "--engine", "pbs", "--shards", "8"}), 64);
  EXPECT_THAT(err_, HasSubstr("expected: slurm"));
  EXPECT_EQ(call({"submit", config(), "--engine", "slurm", "--shards", "8", "--time=10"}), 64);
}

TEST_F(CommandLineTest, APlanIsNamedByItsId) {
  ASSERT_EQ(call({"run", config(), "--shard", "0/2", "--plan", "00ff"}), 0) << err_;
  EXPECT_EQ(recorded().options.plan, "00ff");
  ASSERT_EQ(call({"merge", config(), "--plan", "00ff"}), 0) << err_;
  EXPECT_EQ(recorded().options.plan, "00ff");
  ASSERT_EQ(call({"status", config(), "--plan", "00ff"}), 0) << err_;
  EXPECT_EQ(call({"merge", config(), "--plan", "../00ff"}), 64);
  EXPECT_EQ(call({"run", config(), "--plan", "00ff"}), 64);
  EXPECT_THAT(err_, HasSubstr("only with --shard"));
}

TEST_F(CommandLineTest, PixelPoints) {
  ASSERT_EQ(call({"pixel", config(), "--lonlat", "--at", "-93.5,42", "--at=-94,41.5", "--output",
                  "c.csv"}),
            0)
      << err_;
  ASSERT_EQ(recorded().pixel.points.size(), 2U);
  EXPECT_EQ(recorded().pixel.points[0].x, -93.5);
  EXPECT_EQ(recorded().pixel.points[1].y, 41.5);
  EXPECT_TRUE(recorded().pixel.lonlat);
  EXPECT_EQ(recorded().pixel.output, "c.csv");

  const std::string xy =
      folder_.write("xy.csv", "site, X,y\r\n\"a, b\",100,-2.5\r\n\r\nc,1e3,0\r\n");
  ASSERT_EQ(call({"pixel", config(), "--points", xy, "--at", "5,6"}), 0) << err_;
  ASSERT_EQ(recorded().pixel.points.size(), 3U);
  EXPECT_EQ(recorded().pixel.points[1].x, 100);
  EXPECT_EQ(recorded().pixel.points[1].y, -2.5);
  EXPECT_EQ(recorded().pixel.points[2].x, 1000);
  EXPECT_FALSE(recorded().pixel.lonlat);

  const std::string lonlat = folder_.write("ll.csv", "\xEF\xBB\xBFlat,Longitude\n42,-93\n");
  ASSERT_EQ(call({"pixel", config(), "--points", lonlat}), 0) << err_;
  EXPECT_EQ(recorded().pixel.points.at(0).x, -93);
  EXPECT_TRUE(recorded().pixel.lonlat);
  EXPECT_EQ(call({"pixel", config(), "--points", lonlat, "--at", "5,6"}), 64);
  EXPECT_THAT(err_, HasSubstr("different coordinates"));
}

TEST_F(CommandLineTest, BadPoints) {
  EXPECT_EQ(call({"pixel", config()}), 64);
  for (const char* at : {"5", "5,", "a,b", "1,2,3", "inf,0"}) {
    EXPECT_EQ(call({"pixel", config(), "--at", at}), 64) << at;
    EXPECT_THAT(err_, HasSubstr("X,Y"));
  }
  EXPECT_EQ(call({"pixel", config(), "--points", folder_.path() + "/none.csv"}), 65);
  EXPECT_EQ(call({"pixel", config(), "--points", folder_.write("a.csv", "a,b\n1,2\n")}), 65);
  EXPECT_THAT(err_, HasSubstr("header `a,b`"));
  EXPECT_EQ(call({"pixel", config(), "--points", folder_.write("b.csv", "x,y\n1,2\n3,\n")}), 65);
  EXPECT_THAT(err_, HasSubstr("line 3"));
  EXPECT_EQ(call({"pixel", config(), "--points", folder_.write("c.csv", "x,y\n")}), 65);
}

TEST_F(CommandLineTest, ShardsOutsideTheirRangeAreUsageErrors) {
  for (const char* shard : {"8/8", "-1/8", "1", "a/b", "0/0", "1/", "/2", "1/2/3", "0/9999999"}) {
    EXPECT_EQ(call({"run", config(), std::string("--shard=") + shard}), 64) << shard;
    EXPECT_THAT(err_, HasSubstr("0 <= I < N")) << shard;
  }
  EXPECT_EQ(call({"plan", config(), "--shard", "0/2"}), 64);
}

TEST_F(CommandLineTest, UnknownWordsNameTheNearest) {
  EXPECT_EQ(call({"rum", config()}), 64);
  EXPECT_THAT(err_, HasSubstr("unknown verb `rum`"));
  EXPECT_THAT(err_, HasSubstr("did you mean run"));
  EXPECT_EQ(call({"run", config(), "--thread", "2"}), 64);
  EXPECT_THAT(err_, HasSubstr("no option `--thread`"));
  EXPECT_THAT(err_, HasSubstr("did you mean --threads?"));
  EXPECT_EQ(call({"merge", config(), "--fresh"}), 64);
  EXPECT_EQ(call({"--thraeds", "2"}), 64);
  EXPECT_EQ(call({}), 64);
  EXPECT_EQ(call({"run"}), 64);
  EXPECT_THAT(err_, HasSubstr("CONFIG"));
  EXPECT_EQ(call({"run", config(), "second.yaml"}), 64);
  EXPECT_THAT(err_, HasSubstr("second.yaml"));
  EXPECT_EQ(call({"run", config(), "--threads"}), 64);
  EXPECT_EQ(call({"run", config(), "--log-level", "loud"}), 64);
  EXPECT_EQ(call({"run", config(), "--progress", "bar"}), 64);
  EXPECT_EQ(call({"run", config(), "--set", "grid.tile"}), 64);
  EXPECT_EQ(recorded().verb, "");
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLineTest, HelpTeaches) {
  ASSERT_EQ(call({"--help"}), 0);
  for (const char* verb : {"run", "plan", "merge", "status", "verify", "pixel", "inspect",
                           "simulate", "train", "evaluate", "study"}) {
    EXPECT_THAT(out_, HasSubstr(std::string("\n  ") + verb));
  }
  EXPECT_THAT(out_, HasSubstr("75 stopped by"));
  EXPECT_EQ(err_, "");
  ASSERT_EQ(call({"run", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Usage: fluxtile run [OPTIONS] CONFIG"));
  EXPECT_THAT(out_, HasSubstr("--shard I/N"));
  EXPECT_THAT(out_, HasSubstr("fluxtile run iowa.yaml"));
  EXPECT_THAT(out_, HasSubstr("Exit codes"));
  ASSERT_EQ(call({"--version"}), 0);
  EXPECT_THAT(out_, ::testing::MatchesRegex("fluxtile [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandLineTest, ExitCodes) {
  EXPECT_EQ(call({"run", config("failed-tiles")}), 1);
  EXPECT_EQ(call({"run", config("data")}), 65);
  EXPECT_THAT(err_, HasSubstr("fluxtile: error: no CRS"));
  EXPECT_THAT(err_, HasSubstr("inputs.gpp.crs (line 7)"));
  EXPECT_EQ(call({"run", config("bug")}), 70);
  EXPECT_EQ(call({"run", config("odd")}), 70);
  EXPECT_EQ(call({"run", config("memory")}), 75);
  EXPECT_EQ(call({"run", config("signal")}), 75);
  EXPECT_EQ(call({"run", folder_.path() + "/none.yaml"}), 65);
  EXPECT_EQ(call({"run", config(), "--set", "grid.tile=0"}), 65);
  EXPECT_EQ(call({"run", config(), "--threads", "many"}), 65);
  EXPECT_THAT(err_, HasSubstr("run.threads"));
}

TEST_F(CommandLineTest, ErrorsAreJsonWhereTheLogIs) {
  ASSERT_EQ(call({"run", config("data"), "--log-format", "json"}), 65);
  // The message, and behind it the line that sums the run up.
  std::istringstream lines(err_);
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const auto error = nlohmann::json::parse(first);
  EXPECT_EQ(nlohmann::json::parse(second).at("event"), "summary");
  EXPECT_EQ(error["code"], 65);
  EXPECT_EQ(error["message"], "no CRS");
  EXPECT_EQ(error["file"], "a.tif");
  EXPECT_EQ(error["key"], "inputs.gpp.crs");
  EXPECT_EQ(error["line"], 7);
  EXPECT_FALSE(error.contains("tile"));
  ASSERT_EQ(call({"rum", "--log-format=json"}), 64);
  EXPECT_EQ(nlohmann::json::parse(err_)["code"], 64);
  ASSERT_EQ(call({"run", config(), "--log-format", "json"}), 0);
  EXPECT_EQ(recorded().options.progress, ProgressMode::json);
  ASSERT_EQ(call({"run", config(), "--log-format", "json", "--progress", "plain"}), 0);
  EXPECT_EQ(recorded().options.progress, ProgressMode::plain);
}

TEST_F(CommandLineTest, ProgramExitsAndKeepsStreamsApart) {
  const std::string program = FLUXTILE_RECORDING_PROGRAM;
  const std::string quiet = " >" + folder_.path() + "/out 2>" + folder_.path() + "/err";
  EXPECT_EQ(shell(program + " run " + config() + quiet), 0);
  EXPECT_EQ(shell(program + " run " + config("data") + quiet), 65);
  EXPECT_EQ(shell(program + " run " + config("signal") + quiet), 75);
  EXPECT_EQ(shell(program + quiet), 64);
  EXPECT_EQ(shell(program + " --version" + quiet), 0);
}

TEST_F(CommandLineTest, ReaderThatLeavesIsNoFailure) {
  const std::string program = FLUXTILE_RECORDING_PROGRAM;
  const std::string file = folder_.path() + "/code";
  const std::string err = folder_.path() + "/err";
  shell("(" + program + " run " + config("long") + " --log-level warn 2>" + err + "; echo $? >" +
        file + ") | head -n 1 >/dev/null");
  std::ifstream code(file), message(err);
  std::string text;
  std::getline(code, text);
  EXPECT_EQ(text, "0");
  EXPECT_EQ(message.peek(), std::ifstream::traits_type::eof());
  EXPECT_EQ(shell(program + " run " + config("long") + " >/dev/full 2>/dev/null"), 74);
}

TEST(CommandLineReference, NamesEveryOptionAndVerb) {
  std::ifstream file(FLUXTILE_SOURCE_DIR "/docs/command-line.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  for (const char* verb : {"run", "plan", "merge", "status", "verify", "pixel", "inspect",
                           "simulate", "train", "evaluate", "study"}) {
    const std::string help = parse_command_line({verb, "--help"}).text;
    EXPECT_THAT(text, HasSubstr("`fluxtile " + std::string(verb)));
    for (size_t at = help.find("\n  --"); at != std::string::npos;
         at = help.find("\n  --", at + 1)) {
      const std::string option = help.substr(at + 3, help.find_first_of(" ,\n", at + 3) - at - 3);
      EXPECT_THAT(text, HasSubstr("`" + option)) << verb;
    }
  }
}

}  // namespace
}  // namespace fluxtile
