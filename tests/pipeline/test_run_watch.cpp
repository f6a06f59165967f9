// SPDX-License-Identifier: Apache-2.0
// What a run tells of itself: metrics, the record of the last run, the line at its end.
#include "pipeline/run_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/atomic_file.h"
#include "base/process_identity.h"
#include "geo/calendar.h"
#include "pipeline/last_run.h"
#include "pipeline/run_metrics.h"
#include "pipeline/run_summary.h"
#include "tests/shared/exposition_format.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
using test::read_exposition;
using testing::HasSubstr;
using testing::IsEmpty;

RunFacts example() {
  RunFacts facts;
  facts.verb = "run";
  facts.name = "iowa-2018";
  facts.configuration = "/etc/iowa.yaml";
  facts.running = false;
  facts.planned.plan = "abc";
  facts.planned.engine = "fused cpu fp32";
  facts.planned.tile_years = {{"IA", 12}, {"IL", 4}};
  facts.planned.memory = 4000000000;
  facts.tally.tile_years_done = 1;
  facts.tally.tile_years_kept = 14;
  facts.tally.pixel_days = 8000;
  facts.tally.first_day = to_days({2018, 8, 13});
  facts.tally.end_day = to_days({2018, 8, 21});
  facts.tally.regions["IA"] = {1, 11, 0, 0, 1000, 5000};
  facts.tally.regions["IL"] = {0, 3, 1, 1, 0, 900};
  facts.tally.stage_seconds = {{"infer", 1.25}, {"write", 0.5}};
  facts.failed_tiles = 1;
  facts.products = 41;
  facts.products_written = true;
  facts.started = 1534800000;
  facts.updated = facts.ended = 1534800038.5;
  facts.seconds = 38.5;
  facts.last_success = 1534713638;
  facts.exit_code = 1;
  facts.cause = "3 tiles failed (a.tif)";
  facts.peak_memory = 812ULL << 20;
  return facts;
}

TEST(RunMetrics, IsTheTextFormat) {
  const auto read = read_exposition(metrics_text(example()));
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_GT(read.types.size(), 20U);
  for (const auto& [name, samples] : read.samples) {
    for (const auto& sample : samples) EXPECT_THAT(sample.first, HasSubstr("name=\"iowa-2018\""));
  }
  EXPECT_EQ(1, read.one("fluxtile_run_exit_code"));
  EXPECT_EQ(1534713638, read.one("fluxtile_run_last_success_timestamp_seconds"));
  EXPECT_EQ(1534800038.5, read.one("fluxtile_run_end_timestamp_seconds"));
  EXPECT_EQ(38.5, read.one("fluxtile_run_duration_seconds"));
  EXPECT_EQ(1, read.sum("fluxtile_run_tile_years", "state=\"computed\""));
  EXPECT_EQ(14, read.sum("fluxtile_run_tile_years", "state=\"kept\""));
  EXPECT_EQ(1, read.sum("fluxtile_run_tile_years", "region=\"IL\",state=\"failed\""));
  EXPECT_EQ(16, read.sum("fluxtile_run_tile_years_planned"));
  EXPECT_EQ(5900, read.sum("fluxtile_run_cells_modelled"));
  EXPECT_EQ(1.25, read.sum("fluxtile_run_stage_seconds", "stage=\"infer\""));
  EXPECT_EQ(static_cast<double>(812ULL << 20), read.one("fluxtile_run_peak_memory_bytes"));
}

TEST(RunMetrics, NamesFromDataAreEscaped) {
  RunFacts facts = example();
  facts.name = "a \"quoted\" \\ name\nof two lines";
  facts.planned.tile_years = {{"Vall\xC3\xA9", 1}, {"Lat\xE9in", 2}};
  const std::string text = metrics_text(facts);
  const auto read = read_exposition(text);
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(text, HasSubstr("region=\"Vall\xC3\xA9\""));
  EXPECT_THAT(text, HasSubstr("region=\"Lat?in\""));
  EXPECT_EQ(facts.name, name_in_metrics(text));
}

TEST(RunMetrics, TheCheckerRefuses) {
  const std::string good = metrics_text(example());
  const std::string sample = "fluxtile_run_running{name=\"iowa-2018\"} 0\n";
  const size_t at = good.find(sample);
  ASSERT_NE(std::string::npos, at);
  const auto problems = [&](const std::string& instead) {
    std::string text = good;
    text.replace(at, sample.size(), instead);
    return read_exposition(text).problems.size();
  };
  EXPECT_EQ(0U, problems(sample));
  EXPECT_GT(problems("fluxtile_run_running{name=\"iowa-2018\"} \n"), 0U);
  EXPECT_GT(problems("fluxtile_run_running{name=\"iowa-2018} 0\n"), 0U);
  EXPECT_GT(problems("fluxtile_run_running{name=\"iowa\\q\"} 0\n"), 0U);
  EXPECT_GT(problems(sample + sample), 0U);
  EXPECT_GT(problems("fluxtile_run_running{name=\"x\"} 0 1534800000\n"), 0U);
  EXPECT_GT(problems("fluxtile_unknown{name=\"x\"} 0\n"), 0U);
  EXPECT_GT(problems("fluxtile run{name=\"x\"} 0\n"), 0U);
  EXPECT_GT(problems("\n"), 0U);
  EXPECT_FALSE(read_exposition(good.substr(0, good.size() - 1)).problems.empty());
}

TEST(RunMetrics, AreReadBack) {
  const std::string text = metrics_text(example());
  EXPECT_EQ(1534713638, metric_in(text, "run_last_success_timestamp_seconds"));
  EXPECT_EQ(1, metric_in(text, "run_exit_code"));
  EXPECT_FALSE(metric_in(text, "run_exit"));
  EXPECT_FALSE(metric_in("", "run_exit_code"));
  EXPECT_FALSE(metric_in("\nfluxtile_run_exit_code{name=\"x\"} many\n", "run_exit_code"));
  EXPECT_FALSE(metric_in("\nfluxtile_run_exit_code{name=\"x\"}", "run_exit_code"));
  EXPECT_EQ("", name_in_metrics("nothing of ours"));
}

TEST(RunSummary, OneLineWithWhatAnOperatorWants) {
  RunFacts facts = example();
  facts.planned.inputs = {true, 1, 8, 0, {"gpp_2018225.tif", "pr_2018.nc", "vs_2018.nc"}};
  const std::string line = summary_line(facts);
  EXPECT_EQ(std::string::npos, line.find('\n'));
  EXPECT_EQ(
      "iowa-2018: some tiles failed (exit code 1); 1 tile-year computed, 14 kept, 1 tile failed; "
      "days 2018-08-13 to 2018-08-20; 41 products written; inputs 1 added, 8 changed "
      "(gpp_2018225.tif, pr_2018.nc, vs_2018.nc, ...); 39 s, peak memory 812 MiB; 3 tiles failed "
      "(a.tif)",
      line);
  const auto json = nlohmann::json::parse(summary_json(facts));
  EXPECT_EQ(line, json.at("message").get<std::string>());
  EXPECT_EQ("summary", json.at("event").get<std::string>());
  EXPECT_EQ("2018-08-20", json.at("last_day").get<std::string>());
  EXPECT_EQ(41, json.at("products").get<int>());
  EXPECT_EQ(1, json.at("exit_code").get<int>());
  EXPECT_EQ(1, json.at("inputs_added").get<int>());
}

TEST(RunSummary, OfARunThatDidNothingAndOfOneThatNeverBegan) {
  RunFacts facts = example();
  facts.tally = RunTally();
  facts.tally.tile_years_kept = 16;
  facts.failed_tiles = 0;
  facts.exit_code = 0;
  facts.products_written = false;
  facts.planned.inputs.known = true;
  EXPECT_THAT(summary_line(facts),
              HasSubstr("done (exit code 0); 0 tile-years computed, 16 kept, 0 tiles failed; no "
                        "days run; 41 products up to date; no new input;"));
  RunFacts none;
  none.name = "iowa";
  none.exit_code = 65;
  none.cause = "no CRS (a.tif)\nand more";
  const std::string line = summary_line(none);
  EXPECT_THAT(line, HasSubstr("iowa: wrong configuration, input or model (exit code 65), before"));
  EXPECT_THAT(line, HasSubstr("; no CRS (a.tif)"));
  EXPECT_EQ(std::string::npos, line.find('\n'));
}

class RunWatchTest : public testing::Test {
 protected:
  RunWatchTest() {
    std::string name = (fs::path(testing::TempDir()) / "fluxtile-watch-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "out" / ".fluxtile");
    config_.name = "iowa";
    config_.output_directory = (folder_ / "out").string();
    config_.run.metrics = metrics().string();
  }
  ~RunWatchTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] fs::path metrics() const { return folder_ / "collector" / "iowa.prom"; }
  [[nodiscard]] test::Exposition read() const {
    const auto read = read_exposition(read_file(metrics().string()));
    EXPECT_THAT(read.problems, IsEmpty());
    return read;
  }
  [[nodiscard]] std::string private_folder() const {
    return (folder_ / "out" / ".fluxtile").string();
  }
  RunFacts whole_run(int code) const {
    RunWatch watch("run", "iowa.yaml", "", "");
    watch.configured(config_);
    watch.planned(example().planned);
    watch.tally(example().tally);
    return watch.conclude(code, code == 0 ? "" : "something");
  }
  fs::path folder_;
  Config config_;
};

TEST_F(RunWatchTest, TellsAtTheStartWhileItRunsAndAtTheEnd) {
  RunWatch watch("run", "iowa.yaml", "", "");
  watch.set_interval(std::chrono::milliseconds(20));
  watch.configured(config_);
  EXPECT_EQ(1, read().one("fluxtile_run_running"));
  EXPECT_EQ(0, read().one("fluxtile_run_last_success_timestamp_seconds"));
  EXPECT_FALSE(read_last_run(private_folder())) << "the folder may be another run's";
  watch.planned(example().planned);
  ASSERT_TRUE(read_last_run(private_folder()));
  EXPECT_EQ("running", state_of(*read_last_run(private_folder())));
  watch.tally(example().tally);
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (read().sum("fluxtile_run_tile_years", "state=\"computed\"") < 1 &&
         std::chrono::steady_clock::now() < latest) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(1, read().sum("fluxtile_run_tile_years", "state=\"computed\""));
  EXPECT_EQ(1, read().one("fluxtile_run_running"));
  watch.products(41, true);
  watch.conclude(0, "");
  EXPECT_EQ(0, read().one("fluxtile_run_running"));
  EXPECT_EQ(41, read().one("fluxtile_run_products"));
  EXPECT_GT(read().one("fluxtile_run_last_success_timestamp_seconds"), 1.7e9);
  const auto last = read_last_run(private_folder());
  ASSERT_TRUE(last);
  EXPECT_EQ("ended", state_of(*last));
  EXPECT_EQ("abc", last->products_plan);
}

TEST_F(RunWatchTest, LastSuccessOutlivesFailures) {
  const double success = whole_run(0).last_success;
  EXPECT_GT(success, 1.7e9);
  for (const int code : {75, 65, 1}) {
    EXPECT_EQ(success, whole_run(code).last_success);
    EXPECT_EQ(success, read().one("fluxtile_run_last_success_timestamp_seconds"));
    EXPECT_EQ(code, read().one("fluxtile_run_exit_code"));
    EXPECT_GT(read().one("fluxtile_run_end_timestamp_seconds"), success);
  }
  fs::remove(last_run_path(private_folder()));  // the earlier metrics know
  EXPECT_EQ(success, whole_run(65).last_success);
  fs::remove(metrics());  // the last run's record knows
  EXPECT_EQ(success, whole_run(65).last_success);
  {  // and while the next one goes on
    RunWatch watch("run", "iowa.yaml", "", "");
    watch.configured(config_);
    EXPECT_EQ(success, read().one("fluxtile_run_last_success_timestamp_seconds"));
    EXPECT_EQ(65, read().one("fluxtile_run_exit_code"));
    EXPECT_EQ(1, read().one("fluxtile_run_running"));
  }
  EXPECT_GT(whole_run(0).last_success, success);
}

TEST_F(RunWatchTest, AConfigurationThatCannotBeReadIsToldUnderItsName) {
  whole_run(0);
  RunWatch watch("run", (folder_ / "other.yaml").string(), metrics().string(), "");
  const RunFacts facts = watch.conclude(65, "unknown key");
  EXPECT_EQ("iowa", facts.name);
  EXPECT_EQ(65, read().one("fluxtile_run_exit_code"));
  RunWatch first("run", (folder_ / "other.yaml").string(), (folder_ / "new.prom").string(), "");
  EXPECT_EQ("other", first.conclude(65, "unknown key").name);
}

TEST_F(RunWatchTest, AnotherRunsRecordIsLeftAlone) {
  whole_run(0);
  const std::string before = read_file(last_run_path(private_folder()));
  Config other = config_;
  other.name = "illinois";
  other.run.metrics.clear();
  RunWatch watch("run", "illinois.yaml", "", "");
  watch.configured(other);
  watch.conclude(65, "the output folder holds the products of another run");
  EXPECT_EQ(before, read_file(last_run_path(private_folder())));
}

TEST_F(RunWatchTest, ShardsShareNoFile) {
  RunWatch watch("run", "iowa.yaml", "", "3/8");
  watch.configured(config_);
  watch.planned(example().planned);
  watch.conclude(0, "");
  EXPECT_FALSE(fs::exists(metrics()));
  EXPECT_FALSE(fs::exists(last_run_path(private_folder())));
  RunWatch own("run", "iowa.yaml", metrics().string(), "3/8");
  own.configured(config_);
  own.conclude(0, "");
  EXPECT_THAT(read_file(metrics().string()), HasSubstr("shard=\"3/8\""));
}

TEST_F(RunWatchTest, AFileThatCannotBeWrittenIsNoReasonToFail) {
  write_atomically((folder_ / "file").string(), "");
  config_.run.metrics = (folder_ / "file" / "iowa.prom").string();
  EXPECT_EQ(0, whole_run(0).exit_code);
}

TEST_F(RunWatchTest, ARunThatIsGoneIsNotRunning) {
  RunFacts facts = example();
  facts.running = true;
  facts.host = this_host();
  facts.pid = static_cast<int>(getpid());
  facts.updated =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_EQ("running", state_of(facts));
  facts.pid = 0x3fffffff;  // above any pid_max
  EXPECT_EQ("gone", state_of(facts));
  facts.host = "another";
  EXPECT_EQ("running", state_of(facts));
  facts.updated -= 1000;
  EXPECT_EQ("gone", state_of(facts));
}

TEST_F(RunWatchTest, DamagedRecordsAreNone) {
  EXPECT_FALSE(read_last_run(private_folder()));
  for (const char* text : {"", "{", "[1, 2]", "{\"pid\": \"x\"}"}) {
    write_atomically(last_run_path(private_folder()), text);
    EXPECT_FALSE(read_last_run(private_folder())) << text;
  }
}

}  // namespace
}  // namespace fluxtile
