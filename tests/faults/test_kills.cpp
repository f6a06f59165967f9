// SPDX-License-Identifier: Apache-2.0
// Runs that are killed: at random moments, and at each step in which a file comes to be. Whatever
// the moment, a user finds whole products of one run or the other, and the next run completes.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "place.h"

namespace fluxtile::faults {
namespace {

class Kills : public Place {};

TEST_F(Kills, AtRandomMoments) {
  const fs::path out = folder() / "out";
  take_old(out);
  const Outcome whole = end_to_end::execute(new_run(out));
  ASSERT_EQ(0, whole.code) << whole.err;
  std::mt19937 random(7);
  const size_t wanted = in_full() ? 200 : 12;
  constexpr size_t in_a_row = 3;  // one on top of the other, before a run is left in peace
  size_t kills = 0, early = 0;
  while (kills < wanted) {
    const bool from_nothing = (kills / in_a_row) % 2 == 1;
    if (from_nothing) {
      fs::remove_all(out);
    } else {
      take_old(out);
    }
    for (size_t k = 0; k < in_a_row && kills < wanted; ++k) {
      std::uniform_real_distribution<double> moment(0.02, 1.0);
      const double after = moment(random) * whole.seconds;
      end_to_end::Program program(new_run(out));
      std::this_thread::sleep_for(std::chrono::duration<double>(after));
      program.signal(SIGKILL);
      const Outcome killed = program.wait();
      if (killed.signal != SIGKILL) {  // it was done before
        EXPECT_EQ(0, killed.code) << killed.err;
        ASSERT_LT(++early, wanted);
        break;
      }
      ++kills;
      expect_whole(out, "killed after " + std::to_string(after) + " s");
    }
    expect_rerun(out, "after " + std::to_string(kills) + " kills");
  }
  note("kill", "SIGKILL at a random moment of a run", kills,
       "products old or new and whole; the rerun gives the bytes of an undisturbed run");
}

/// A step of a call on a kind of file: the first such call is where the program dies.
struct Step {
  const char* call;
  const char* action;
};
using Steps = std::vector<Step>;
const Steps steps_of_a_file = {
    {"open", "kill"},        {"write", "torn-kill"}, {"fsync", "kill"},
    {"fsync", "kill-after"}, {"rename", "kill"},     {"rename", "kill-after"},
};
/// For kinds of files that are written the way another kind is.
const Steps some_steps = {{"write", "torn-kill"}, {"rename", "kill"}};

/// Kills at the first occurrence and says whether it came to that.
bool killed_at(const Words& run, const Fault& fault, const std::string& what) {
  const Outcome outcome = end_to_end::execute(run, with({fault}));
  EXPECT_EQ(SIGKILL, outcome.signal) << what << ": exit code " << outcome.code << outcome.err;
  return outcome.signal == SIGKILL;
}

Fault at(const std::string& call, const std::string& action, const std::string& path,
         long nth = 1) {
  Fault fault;
  fault.call = call;
  fault.action = action;
  fault.path = path;
  fault.nth = nth;
  return fault;
}

TEST_F(Kills, AtEachStepOfEachKindOfFile) {
  if (in_full()) GTEST_SKIP() << "the long form does all files";
  const fs::path out = folder() / "out";
  size_t kills = 0;
  const auto kill_at_steps = [&](const std::string& kind, const std::string& pattern,
                                 const Steps& steps) {
    for (const Step& step : steps) {
      const std::string what = kind + ": " + step.action + " at " + step.call;
      kills += killed_at(new_run(out), at(step.call, step.action, pattern), what) ? 1 : 0;
      expect_whole(out, what);
    }
  };
  take_old(out);
  kill_at_steps("note of a run under way", "*/running/.*.json.*.part", some_steps);
  kill_at_steps("tile-year", "*/.*.tile-year.*.part", steps_of_a_file);
  kill_at_steps("state", "*/.*.state.*.part", some_steps);
  kill_at_steps("inputs of the last year", "*/.*.inputs.*.part", some_steps);
  kill_at_steps("state within a year", "*/.*.open-state.*.part", some_steps);
  expect_rerun(out, "tile-years");
  take_ready(out);
  // As long as run.json is not in its place, every run makes all products again.
  const std::string staged = out.string() + "/.fluxtile/products/*/";
  for (const std::string kind : {"tif", "nc", "qml", "png", "csv", "stac.json", "report.html"})
    kill_at_steps(kind, staged + "*." + kind + ".*.part",
                  kind == "tif" ? steps_of_a_file : some_steps);
  kill_at_steps("note of a replacement", "*/.replacement.json.*.part", some_steps);
  expect_rerun(out, "products");
  for (const Step& step : steps_of_a_file) {
    take_ready(out);
    const std::string what = std::string("run.json: ") + step.action + " at " + step.call;
    kills += killed_at(new_run(out), at(step.call, step.action, staged + ".run.json.*"), what);
    expect_whole(out, what);
    expect_rerun(out, what);
  }
  note("kill", "SIGKILL at a step of writing and renaming a file (short form)", kills, "the same");
}

TEST_F(Kills, WhileProductsTakeTheirPlaces) {
  const fs::path out = folder() / "out";
  size_t kills = 0;
  // Renames out of the folder of new products, in their order; run.json goes last.
  std::vector<std::string> names;
  for (const auto& [name, bytes] : new_products()) names.push_back(name);
  names.push_back("report.html");
  names.push_back("run.json");
  for (const std::string& name : names) {
    const bool last = name == "run.json";
    if (!in_full() && !last && name != names.front() && name != names[names.size() / 2]) continue;
    for (const char* action : {"kill", "kill-after"}) {
      take_ready(out);
      Fault fault;
      fault.call = "rename";
      fault.action = action;
      fault.file = out.string() + "/" + name;
      const std::string what = std::string(action) + " at the move of " + name;
      kills += killed_at(new_run(out), fault, what) ? 1 : 0;
      expect_whole(out, what);
      EXPECT_NE(0, end_to_end::fluxtile({"verify", out.string()}).code) << what;
      if (std::string(action) == "kill-after" && name == names.front()) {
        // Back to the old run: it must not take what lies there for its own.
        const Outcome back = end_to_end::execute(old_run(out));
        EXPECT_EQ(0, back.code) << back.err;
        expect_old(out, what + ", then the old run");
        EXPECT_EQ(0, end_to_end::fluxtile({"verify", out.string()}).code) << what;
      }
      expect_rerun(out, what);
    }
  }
  note("kill", "SIGKILL while finished products take their places", kills,
       "`verify` tells of the mixture until the rerun ends it");
}

TEST_F(Kills, WhenAllProductsAreInTheirPlaces) {
  const fs::path out = folder() / "out";
  const fs::path metrics = folder() / "metrics" / "fluxtile.prom";
  fs::create_directories(metrics.parent_path());
  const Words told = {"--metrics", metrics.string()};
  // What is left behind by then is nothing that the next run, which has nothing to do, would make.
  const std::pair<const char*, Fault> deaths[] = {
      {"the folder of new products", at("unlink", "kill-after", "*/.fluxtile/replacement.json")},
      {"the lock", at("write", "torn-kill", "*/.fluxtile/lock/.*.part", 2)},
      {"what was checked", at("rename", "kill", "*/.checked.json.*.part")},
      {"metrics", at("rename", "kill", "*/.fluxtile.prom.*.part", 2)},
      {"the last run", at("rename", "kill", "*/.last-run.json.*.part", 3)}};
  for (const auto& [what, fault] : deaths) {
    take_ready(out);
    killed_at(new_run(out, told), fault, what);
    expect_rerun(out, what, told);
    EXPECT_EQ(0U, end_to_end::count_files(metrics.parent_path(), ".part")) << what;
  }
  note("kill", "SIGKILL when all products are in their places", std::size(deaths),
       "the rerun has nothing to do, and sweeps what was left");
}

TEST_F(Kills, AtTheSyncOfAFolder) {
  const fs::path out = folder() / "out";
  size_t kills = 0;
  const std::vector<std::string> folders = {out.string(), out.string() + "/.fluxtile/products/*",
                                            out.string() + "/.fluxtile",
                                            out.string() + "/.fluxtile/plans"};
  for (const std::string& of : folders) {
    for (const char* action : {"kill", "kill-after"}) {
      take_ready(out);
      fs::remove_all(out / ".fluxtile" / "plans");  // is made again
      Fault fault;
      fault.call = "fsync";
      fault.action = action;
      fault.file = of;
      kills += killed_at(new_run(out), fault, std::string(action) + " " + of) ? 1 : 0;
      expect_whole(out, of);
      expect_rerun(out, of);
    }
  }
  note("kill", "SIGKILL around the fsync of a folder", kills, "the same");
}

TEST_F(Kills, WhileAFailureIsRecorded) {
  const fs::path inputs = folder() / "w", out = folder() / "out";
  end_to_end::copy_world(world(), inputs);
  const fs::path composite = inputs / "gpp" / "gpp_2018185.tif";
  const fs::path kept = folder() / "kept.tif";
  fs::copy_file(composite, kept);
  fs::resize_file(composite, fs::file_size(composite) / 2);
  size_t kills = 0;
  for (const Step& step : steps_of_a_file) {
    const std::string what = std::string("failure: ") + step.action + " at " + step.call;
    kills +=
        killed_at(new_run_of(inputs, out), at(step.call, step.action, "*/failures/*.part"), what);
  }
  fs::rename(kept, composite);
  const Outcome again = end_to_end::execute(new_run_of(inputs, out));
  EXPECT_EQ(0, again.code) << again.err;
  EXPECT_EQ("", end_to_end::differences(new_products(), visible(out)));
  EXPECT_EQ(0U, end_to_end::count_files(out, ".part"));
  note("kill", "SIGKILL while the failure of a tile is recorded", kills, "the same");
}

/// The long form: every call that makes, writes, syncs, moves or removes something in the output
/// folder, before it and behind it; of the many writes of one file the first, a middle and the
/// last.
TEST_F(Kills, AtEachCallOfARun) {
  if (!in_full()) GTEST_SKIP() << "part of the long form: FLUXTILE_FAULTS=full";
  const fs::path out = folder() / "out";
  take_old(out);
  const auto calls = calls_of(new_run(out), out.string() + "/*");
  std::map<Call, long> occurrences;
  for (const Call& call : calls) {
    static const std::set<std::string> changing = {"open", "write",  "fsync", "rename",
                                                   "link", "unlink", "mkdir"};
    if (changing.count(call.name) != 0) ++occurrences[call];
  }
  std::map<std::string, size_t> kills;
  size_t all = 0;
  for (const auto& [call, count] : occurrences) {
    const bool temporary = call.file.find(".part") != std::string::npos;
    if (call.name == "open" && !temporary) continue;  // for reading
    std::set<long> moments = {1, count};
    if (count > 2) moments.insert((count + 1) / 2);
    for (const long nth : moments) {
      for (const std::string action : {call.name == "write" ? "torn-kill" : "kill", "kill-after"}) {
        take_old(out);
        Fault fault;
        fault.call = call.name;
        fault.action = action;
        fault.file = call.file;
        fault.nth = nth;
        const std::string what =
            action + " at " + call.name + " " + std::to_string(nth) + " of " + call.file;
        const Outcome outcome = end_to_end::execute(new_run(out), with({fault}));
        if (outcome.signal != SIGKILL) {  // two threads do not write in the same order twice
          EXPECT_EQ(0, outcome.code) << what << outcome.err;
          continue;
        }
        ++kills[kind_of(call.file)];
        expect_whole(out, what);
        if (++all % 4 == 0) expect_rerun(out, what);
      }
    }
  }
  for (const auto& [kind, times] : kills)
    note("kill", "SIGKILL at a call on a file: " + kind, times, "the same");
}

}  // namespace
}  // namespace fluxtile::faults
