// SPDX-License-Identifier: Apache-2.0
// Several commands on one output folder at the same time, and what one finds that others left
// damaged: the products are those of one run alone, whole, or nothing is said to be done.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "base/atomic_file.h"
#include "finished_run.h"

namespace fluxtile::end_to_end {
namespace {

using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;

class TwoAtOnce : public FinishedRun {
 protected:
  /// take_finished(), and a run of it: the copy lies elsewhere, which is another plan.
  void take_renewed() const {
    take_finished();
    run(world(), out(), two_regions);
  }

  [[nodiscard]] Outcome call(const std::string& name, const Words& more = {},
                             const Environment& environment = {}) const {
    return fluxtile(verb(name, more), environment);
  }
  [[nodiscard]] Outcome verified() const { return fluxtile({"verify", out().string()}); }

  void expect_whole() const {
    EXPECT_EQ("", differences(reference(), products(out())));
    const Outcome check = verified();
    EXPECT_EQ(0, check.code) << check.out << check.err;
    EXPECT_EQ(0U, count_files(out(), ".part"));
    EXPECT_FALSE(fs::exists(out() / ".fluxtile" / "products"));
    EXPECT_FALSE(fs::exists(out() / ".fluxtile" / "replacement.json"));
  }
  /// Waits until a command merges, and freezes it there.
  void freeze_in_merge(Program& program) const {
    ASSERT_TRUE(program.wait_until([&] {
      return count_files(out() / ".fluxtile" / "products", ".tif") > 0;
    })) << program.wait().err;
    program.signal(SIGSTOP);
  }
  [[nodiscard]] std::vector<fs::path> stored(const std::string& extension) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(out() / ".fluxtile"))
      if (entry.path().extension() == extension) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  static void damage(const fs::path& file, const std::function<std::string(std::string)>& how) {
    write_atomically(file.string(), how(read_file(file.string())));
  }
};

TEST_F(TwoAtOnce, TwoRunsBothEndWell) {
  copy_world(test_world(), world());
  Program first(fluxtile_words(verb("run"))), second(fluxtile_words(verb("run")));
  for (Program* program : {&first, &second}) {
    const Outcome outcome = program->wait();
    EXPECT_EQ(0, outcome.code) << outcome.err;
  }
  expect_whole();
}

TEST_F(TwoAtOnce, OfTwoMergesOneWritesAndTheOtherFindsItDone) {
  copy_world(test_world(), world());
  for (const char* shard : {"0/2", "1/2"})
    ASSERT_EQ(0, call("run", {"--shard", shard}).code) << shard;
  const Words told = {"--log-level", "info"};
  Program first(fluxtile_words(verb("merge", told))), second(fluxtile_words(verb("merge", told)));
  std::string said;
  for (Program* program : {&first, &second}) {
    const Outcome outcome = program->wait();
    EXPECT_EQ(0, outcome.code) << outcome.err;
    said += outcome.err;
  }
  EXPECT_THAT(said, HasSubstr("nothing to do"));
  EXPECT_THAT(said, HasSubstr("products in"));
  expect_whole();
}

TEST_F(TwoAtOnce, AMergeBesideARunThatIsNotDone) {
  copy_world(test_world(), world());
  Program running(fluxtile_words(verb("run")));
  ASSERT_TRUE(
      running.wait_until([&] { return count_files(out() / ".fluxtile", ".tile-year") > 0; }));
  const Outcome merged = call("merge");
  EXPECT_THAT(merged.code, AnyOf(Eq(65), Eq(0))) << merged.err;
  if (merged.code == 65) {
    EXPECT_THAT(merged.err, HasSubstr("tiles are not done"));
  }
  const Outcome outcome = running.wait();
  EXPECT_EQ(0, outcome.code) << outcome.err;
  expect_whole();
}

TEST_F(TwoAtOnce, AFrozenMergeIsNamedThenFollowedAndLeavesTheProductsAlone) {
  take_renewed();
  const std::string before = read_file((out() / "run.json").string());
  fs::remove(out() / "test_North_nee_annual.tif");
  Program frozen(fluxtile_words(verb("merge")));
  freeze_in_merge(frozen);

  for (const char* name : {"merge", "run", "clean"}) {
    const Outcome busy = call(name, {"--lock-wait", "0"});
    EXPECT_EQ(75, busy.code) << name << busy.err;
    EXPECT_THAT(busy.err, HasSubstr("`merge` of ")) << name;
    EXPECT_THAT(busy.err, HasSubstr(", process ")) << name;
  }
  const Outcome being_replaced = verified();
  EXPECT_EQ(75, being_replaced.code) << being_replaced.err;
  EXPECT_THAT(being_replaced.err, HasSubstr("being replaced"));
  EXPECT_THAT(being_replaced.out, HasSubstr("test_North_nee_annual.tif is missing"));
  EXPECT_EQ(before, read_file((out() / "run.json").string()));

  const Outcome next = call("merge", {"--lock-wait", "2m"}, {{"FLUXTILE_LOCK_DEAD_AFTER", "1"}});
  EXPECT_EQ(0, next.code) << next.err;
  EXPECT_THAT(next.err, HasSubstr("took over the lock"));
  const std::string after = read_file((out() / "run.json").string());
  frozen.signal(SIGCONT);
  const Outcome woken = frozen.wait();
  EXPECT_EQ(75, woken.code) << woken.err;
  EXPECT_THAT(woken.err, HasSubstr("taken over"));
  EXPECT_EQ(after, read_file((out() / "run.json").string()));
  expect_whole();
}

TEST_F(TwoAtOnce, AKilledMergeIsFollowedAtOnce) {
  take_renewed();
  fs::remove(out() / "test_North_nee_annual.tif");
  {
    Program killed(fluxtile_words(verb("merge")));
    freeze_in_merge(killed);
    killed.signal(SIGKILL);
    EXPECT_EQ(SIGKILL, killed.wait().signal);
  }
  EXPECT_EQ(65, verified().code) << "nobody is at work on them any more";
  const Outcome next = call("merge", {"--lock-wait", "0"});
  EXPECT_EQ(0, next.code) << next.err;
  expect_whole();
}

TEST_F(TwoAtOnce, ARunThatWasOvertakenReplacesNoNewerProducts) {
  copy_world(test_world(), world());
  // A composite that arrives late: the first run plans without it.
  const fs::path composite = world() / "gpp" / "gpp_2018185.tif";
  fs::rename(composite, folder() / "late.tif");
  Program slow(fluxtile_words(verb("run")));
  ASSERT_TRUE(slow.wait_until([&] { return count_files(out() / ".fluxtile", ".tile-year") > 0; }));
  slow.signal(SIGSTOP);
  fs::rename(folder() / "late.tif", composite);
  run(world(), out(), two_regions);  // the next night's
  EXPECT_EQ("", differences(reference(), products(out())));
  slow.signal(SIGCONT);
  const Outcome overtaken = slow.wait();
  EXPECT_EQ(75, overtaken.code) << overtaken.err;
  EXPECT_THAT(overtaken.err, HasSubstr("inputs have changed since this run planned"));
  EXPECT_EQ("", differences(reference(), products(out())));
  EXPECT_EQ(0, verified().code);
  run(world(), out(), two_regions);
  expect_whole();
}

TEST_F(TwoAtOnce, ProductsOfTwoRunsAreToldApart) {
  take_renewed();
  run(world(), folder() / "other",
      {"--set", "region.select=[North, South]", "--threads", "2", "--set",
       "inputs.gpp.fill=linear"});
  // As after a kill between two renames: some files are of the other run, run.json is not.
  for (const char* name : {"test_North_nee_annual.tif", "test_North_monthly.nc"}) {
    ASSERT_TRUE(fs::exists(out() / name)) << name;
    fs::copy_file(folder() / "other" / name, out() / name, fs::copy_options::overwrite_existing);
  }
  const Outcome mixed = verified();
  EXPECT_EQ(65, mixed.code);
  EXPECT_THAT(mixed.err, HasSubstr("products of two runs are mixed: 2 of"));
  EXPECT_THAT(mixed.out, HasSubstr("test_North_nee_annual.tif is of another run"));
  EXPECT_THAT(mixed.out, HasSubstr("test_North_monthly.nc is of another run"));
  const Json found = Json::parse(fluxtile({"verify", out().string(), "--json"}).out);
  EXPECT_EQ(2, found.at("of_another_run").get<int>());
  run(world(), out(), two_regions);
  EXPECT_EQ(0, tile_years_computed(out()));
  expect_whole();
}

TEST_F(TwoAtOnce, AReplacementThatStoppedHalfwayIsFoundAndMended) {
  take_renewed();
  // A folder in the way of one rename; those before it are done by then.
  const fs::path obstacle = out() / "test_South_nee_annual.tif";
  fs::remove(obstacle);
  fs::create_directory(obstacle);
  std::ofstream(obstacle / "x") << "x";
  const Outcome stopped = call("run", {"--set", "inputs.gpp.fill=linear"});
  EXPECT_EQ(74, stopped.code) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("test_South_nee_annual.tif"));
  const Outcome half = verified();
  EXPECT_EQ(65, half.code);
  EXPECT_THAT(half.err, HasSubstr("begun and not ended"));
  EXPECT_THAT(half.out, HasSubstr("test_North_nee_annual.tif is of another run"));
  fs::remove_all(obstacle);
  // Back to the options of before: run.json is of these, but the products are not.
  run(world(), out(), two_regions);
  expect_whole();
}

TEST_F(TwoAtOnce, CleanBesideProductsAndBesideARun) {
  take_renewed();
  run(world(), out(),
      {"--set", "region.select=[North]", "--threads", "2", "--set", "grid.tile=16"});
  run(world(), out(), two_regions);
  const Words now = {"--older-than", "0", "--json"};
  const Outcome cleaned = call("clean", now);
  ASSERT_EQ(0, cleaned.code) << cleaned.err;
  EXPECT_GT(Json::parse(cleaned.out).at("bytes").get<int64_t>(), 1000);
  run(world(), out(), two_regions);
  EXPECT_EQ(0, tile_years_computed(out()));
  fs::remove(out() / "test_North_nee_annual.tif");
  EXPECT_EQ(0, call("merge").code) << "all that products need is there";
  expect_whole();

  Program running(fluxtile_words(verb("run", {"--fresh"})));
  for (int times = 0; times < 4; ++times) {
    const Outcome beside = call("clean", now);
    EXPECT_THAT(beside.code, AnyOf(Eq(0), Eq(75))) << beside.err;
  }
  const Outcome outcome = running.wait();
  EXPECT_EQ(0, outcome.code) << outcome.err;
  expect_whole();
}

TEST_F(TwoAtOnce, WhatIsDamagedIsFoundAndDoneAgain) {
  take_renewed();
  const auto years = stored(".tile-year"), states = stored(".state"), plans = stored(".json");
  ASSERT_EQ(static_cast<size_t>(all_tiles), years.size());
  const auto cut = [](std::string bytes) { return bytes.substr(0, bytes.size() / 2); };
  const auto flip = [](std::string bytes) {
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 4);
    return bytes;
  };
  const auto nothing = [](const std::string&) { return std::string(); };
  struct Case {
    const char* what;
    std::function<void()> damage;
    int computed;  // tile-years
  };
  const fs::path record = out() / "run.json";
  const std::vector<Case> cases = {
      {"cut, flipped and empty tile-years",
       [&] {
         damage(years[0], cut);
         damage(years[4], flip);
         damage(years[8], nothing);
       },
       3},
      {"tile-years of other tiles",
       [&] { fs::copy_file(years[0], years[8], fs::copy_options::overwrite_existing); }, 1},
      {"a link that leads nowhere",
       [&] {
         fs::remove(years[2]);
         fs::create_symlink("nowhere", years[2]);
       },
       1},
      {"states, with their tile-years gone",
       [&] {
         for (const auto& state : states) damage(state, flip);
         fs::remove(years[3]);
       },
       1},
      {"run.json that is no JSON", [&] { damage(record, cut); }, 0},
      {"an empty run.json", [&] { damage(record, nothing); }, 0},
      {"a run.json that leads nowhere",
       [&] {
         fs::remove(record);
         fs::create_symlink("nowhere", record);
       },
       0},
      {"plans and notes",
       [&] {
         for (const auto& plan : plans) damage(plan, flip);
         fs::remove(record);
       },
       0},
  };
  for (const Case& damaged : cases) {
    SCOPED_TRACE(damaged.what);
    damaged.damage();
    const Outcome again = call("run", {"--log-level", "info"});
    ASSERT_EQ(0, again.code) << again.err;
    EXPECT_THAT(again.err,
                HasSubstr(" " + std::to_string(damaged.computed) + " tile-years computed, " +
                          std::to_string(all_tiles - damaged.computed) + " kept"));
    EXPECT_EQ("", differences(reference(), products(out())));
    EXPECT_EQ(0, verified().code);
  }
}

TEST_F(TwoAtOnce, WhatIsNoFileIsRefusedWithOneMessage) {
  take_renewed();
  const fs::path record = out() / "run.json";
  fs::remove(record);
  fs::create_directory(record);
  for (const char* name : {"run", "merge", "clean"}) {
    const Outcome refused = call(name);
    EXPECT_EQ(65, refused.code) << name << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("run.json is not a file"));
    EXPECT_THAT(refused.err, HasSubstr("remove it"));
  }
  const Outcome unverified = verified();
  EXPECT_NE(0, unverified.code);
  EXPECT_THAT(unverified.err, HasSubstr("run.json"));
  fs::remove(record);
  for (const auto& plan : stored(".json")) {
    if (plan.parent_path().filename() == "plans")
      damage(plan, [](std::string text) { return text.replace(text.find("EPSG"), 4, "EPSH"); });
  }
  for (const char* name : {"merge", "status"}) {
    const Outcome refused = call(name);
    EXPECT_EQ(65, refused.code) << name << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("checksum"));
  }
  EXPECT_EQ(0, call("run").code) << "which writes the plan anew";
  expect_whole();
}

}  // namespace
}  // namespace fluxtile::end_to_end
