// SPDX-License-Identifier: Apache-2.0
// What an operator and his machines see of a run: log, metrics, status, the line at the end.
#include <gmock/gmock.h>

#include <csignal>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "tests/shared/exposition_format.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Operation : public Workplace {
 protected:
  static Words south(const Words& more = {}) {
    Words all = {"--set", "region.select=[South]", "--set",       "models.regions={}",
                 "--set", "period.spinup=0",       "--log-level", "info"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] fs::path out() const { return folder() / "out"; }
  [[nodiscard]] fs::path prom() const { return folder() / "collector" / "south.prom"; }
  [[nodiscard]] test::Exposition metrics() const {
    const auto read = test::read_exposition(read_file(prom().string()));
    EXPECT_THAT(read.problems, IsEmpty());
    return read;
  }
  /// Every line as an object; a line that is none is a failure.
  static std::vector<Json> objects(const std::string& text) {
    std::vector<Json> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      all.push_back(Json::parse(line, nullptr, false));
      EXPECT_TRUE(all.back().is_object()) << line;
    }
    return all;
  }
  static std::string last_line(const std::string& text) {
    const size_t begin = text.rfind('\n', text.size() - 2);
    return text.substr(begin == std::string::npos ? 0 : begin + 1);
  }
};

TEST_F(Operation, EveryLineOfAJsonLogIsAnObject) {
  copy_world(test_world(), folder() / "w");
  const fs::path composite = folder() / "w" / "gpp" / "gpp_2018185.tif";
  fs::resize_file(composite, fs::file_size(composite) / 2);  // GDAL warns, tiles fail
  const Outcome run = fluxtile(words(
      "run", folder() / "w", out(),
      south({"--log-format", "json", "--progress", "json", "--set", "run.max_failed_tiles=9"})));
  EXPECT_EQ(1, run.code);
  std::set<std::string> events, levels;
  bool warned = false;
  for (const Json& line : objects(run.err)) {
    events.insert(line.value("event", ""));
    levels.insert(line.value("level", ""));
    warned = warned || line.value("message", "").find("GDAL") != std::string::npos ||
             line.value("message", "").find("gpp_2018185") != std::string::npos;
  }
  EXPECT_TRUE(warned);
  for (const char* event : {"begin", "end", "summary"}) EXPECT_EQ(1U, events.count(event)) << event;
  for (const char* level : {"info", "warn", "error"}) EXPECT_EQ(1U, levels.count(level)) << level;

  // What goes wrong before there is a log.
  write_atomically((folder() / "broken.yaml").string(), "fluxtile: 1\nname: [\n");
  const std::string broken = (folder() / "broken.yaml").string();
  const std::vector<Words> wrong = {
      {"run", (folder() / "none.yaml").string(), "--log-format", "json"},
      {"run", broken, "--log-format=json"},
      {"run", "--log-format", "json"},
      {"rum", broken, "--log-format", "json"},
      {"plan", broken, "--log-format", "json", "--log-level", "loud"},
      {"run", broken, "--log-format", "json", "--no-such-option"}};
  for (const Words& command : wrong) {
    const Outcome refused = fluxtile(command);
    EXPECT_TRUE(refused.code == 64 || refused.code == 65) << command.front();
    EXPECT_FALSE(objects(refused.err).empty());
    EXPECT_EQ("", refused.out);
  }
}

TEST_F(Operation, TheLastLineSumsTheRunUp) {
  const Outcome first = fluxtile(words("run", test_world(), out(), south()));
  EXPECT_EQ(0, first.code) << first.err;
  EXPECT_THAT(last_line(first.err),
              HasSubstr("test: done (exit code 0); 4 tile-years computed, 0 kept, 0 tiles failed; "
                        "days 2018-01-01 to 2018-12-31; "));
  EXPECT_THAT(last_line(first.err), HasSubstr(" products written; no earlier inputs known; "));
  EXPECT_THAT(last_line(first.err), HasSubstr("peak memory"));
  const Outcome second =
      fluxtile(words("run", test_world(), out(), south({"--log-format", "json"})));
  const Json summary = objects(second.err).back();
  EXPECT_EQ("summary", summary.at("event").get<std::string>());
  EXPECT_EQ(4, summary.at("tile_years_kept").get<int>());
  EXPECT_EQ(0, summary.at("tile_years_computed").get<int>());
  EXPECT_FALSE(summary.at("products_written").get<bool>());
  EXPECT_THAT(summary.at("message").get<std::string>(), HasSubstr("no new input"));
  EXPECT_LT(summary.at("seconds").get<double>(), 60);

  copy_world(test_world(), folder() / "w");
  run(folder() / "w", folder() / "w" / "out", south());
  change_cell(folder() / "w" / "gpp" / "gpp_2018185.tif", 16, 8, 300);
  const Outcome revised = fluxtile(words("run", folder() / "w", folder() / "w" / "out", south()));
  EXPECT_THAT(last_line(revised.err), HasSubstr("inputs 1 changed (gpp_2018185.tif)"));

  const Outcome refused =
      fluxtile(words("run", test_world(), out(), south({"--set", "inputs.gpp.files=none/*.tif"})));
  EXPECT_EQ(65, refused.code);
  EXPECT_THAT(last_line(refused.err),
              HasSubstr("test: wrong configuration, input or model (exit code 65)"));
  EXPECT_THAT(last_line(refused.err), HasSubstr("no file matches"));
}

TEST_F(Operation, MetricsFollowTheRunAndOutliveFailures) {
  const Words options = south({"--threads", "1", "--metrics", prom().string()});
  {
    Program program(fluxtile_words(words("run", test_world(), out(), options)));
    ASSERT_TRUE(program.wait_until([&] { return fs::exists(prom()); })) << program.wait().err;
    EXPECT_EQ(1, metrics().one("fluxtile_run_running"));
    ASSERT_TRUE(program.wait_until([&] { return count_files(out(), ".tile-year") > 0; }));
    program.signal(SIGSTOP);  // it is there for as long as we look
    const Words json = south({"--json"});
    const Outcome during = fluxtile(words("status", test_world(), out(), json));
    program.signal(SIGTERM);
    program.signal(SIGCONT);
    EXPECT_EQ(75, program.wait().code);
    ASSERT_EQ(0, during.code) << during.err;
    EXPECT_EQ("running", Json::parse(during.out).at("last_run").at("state").get<std::string>());
  }
  EXPECT_EQ(0, metrics().one("fluxtile_run_running"));
  EXPECT_EQ(75, metrics().one("fluxtile_run_exit_code"));
  EXPECT_EQ(0, metrics().one("fluxtile_run_last_success_timestamp_seconds"));
  EXPECT_EQ(0, metrics().one("fluxtile_products_timestamp_seconds"));

  EXPECT_EQ(0, fluxtile(words("run", test_world(), out(), options)).code);
  const auto done = metrics();
  EXPECT_EQ(0, done.one("fluxtile_run_exit_code"));
  EXPECT_EQ(4, done.sum("fluxtile_run_tile_years"));
  EXPECT_EQ(4, done.sum("fluxtile_run_tile_years_planned", "region=\"South\""));
  EXPECT_GT(done.sum("fluxtile_run_stage_seconds", "stage=\"infer\""), 0);
  EXPECT_GT(done.sum("fluxtile_run_cells_modelled"), 10);
  EXPECT_GT(done.sum("fluxtile_run_pixel_years"), 10);
  EXPECT_GT(done.one("fluxtile_run_products"), 5);
  EXPECT_GT(done.one("fluxtile_run_peak_memory_bytes"), 50e6);
  EXPECT_GT(done.one("fluxtile_run_duration_seconds"), 0.1);
  EXPECT_GT(done.one("fluxtile_products_timestamp_seconds"), 1.7e9);
  const double success = done.one("fluxtile_run_last_success_timestamp_seconds");
  EXPECT_GT(success, 1.7e9);

  // A configuration that cannot be read any more: the night is told, the last success stays.
  const Outcome broken = fluxtile(
      words("run", test_world(), out(), south({"--metrics", prom().string(), "--set", "x.y=1"})));
  EXPECT_EQ(65, broken.code);
  EXPECT_EQ(65, metrics().one("fluxtile_run_exit_code"));
  EXPECT_EQ(success, metrics().one("fluxtile_run_last_success_timestamp_seconds"));
  EXPECT_THAT(read_file(prom().string()), HasSubstr("name=\"test\""));
  EXPECT_EQ(0U, count_files(prom().parent_path(), ".part"));
}

TEST_F(Operation, MetricsFromTheConfiguration) {
  run(test_world(), out(), south({"--set", "run.metrics=" + prom().string()}));
  EXPECT_EQ(0, metrics().one("fluxtile_run_exit_code"));
  EXPECT_EQ(1, metrics().one("fluxtile_run_products_written"));
}

TEST_F(Operation, StatusTellsHowTheLastRunEnded) {
  run(test_world(), out(), south());
  const Words json = south({"--json"});
  const Json told = Json::parse(fluxtile(words("status", test_world(), out(), json)).out);
  const Json& last = told.at("last_run");
  EXPECT_EQ("ended", last.at("state").get<std::string>());
  EXPECT_EQ(0, last.at("exit_code").get<int>());
  EXPECT_EQ(4, last.at("tile_years_computed").get<int>());
  EXPECT_THAT(last.at("summary").get<std::string>(), HasSubstr("test: done"));
  EXPECT_GT(last.at("last_success").get<double>(), 1.7e9);
  EXPECT_EQ(4, told.at("tile_years_on_disk").at("files").get<int>());
  EXPECT_GT(told.at("states_on_disk").at("bytes").get<double>(), 1000);
  const std::string text = fluxtile(words("status", test_world(), out(), south())).out;
  EXPECT_THAT(text, HasSubstr("run        ended "));
  EXPECT_THAT(text, HasSubstr(" of states"));
}

}  // namespace
}  // namespace fluxtile::end_to_end
