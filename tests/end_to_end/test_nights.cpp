// SPDX-License-Identifier: Apache-2.0
// Night after night with `period.end: latest`: days and composites arrive, one late, climate is
// revised, a night is killed. In the end the products are those of one run of all inputs.
#include <gmock/gmock.h>

#include <csignal>

#include "daily_file.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

class Nights : public Workplace {
 protected:
  static Words latest(const Words& more = {}) {
    Words all = {"--set", "region.select=[South]", "--set",     "models.regions={}",
                 "--set", "period.end=latest",     "--threads", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void SetUp() override { copy_world(test_world(), world()); }
  [[nodiscard]] fs::path world() const { return folder() / "w"; }
  [[nodiscard]] fs::path outputs() const { return folder() / "out"; }
  void show(size_t days, size_t composites, size_t revised = no_day) const {
    show_days(test_world(), world(), 2018, days, composites, revised);
    if (!late_is_there_) fs::remove(world() / "gpp" / "gpp_2018153.tif");
  }
  [[nodiscard]] Json last_run() const {
    return read_json(outputs() / ".fluxtile" / "last-run.json");
  }
  /// A night: cell-days that went through the networks.
  double night() const {
    run(world(), outputs(), latest());
    return last_run().at("pixel_days").get<double>();
  }
  /// The bytes of one run of what is there now.
  [[nodiscard]] Contents whole_run() const {
    const Folder fresh;
    run(world(), fresh.path(), latest());
    return products(fresh.path());
  }

  bool late_is_there_ = false;  ///< a composite that comes weeks after its neighbours
};

TEST_F(Nights, ManyOfThemMakeTheProductsOfOneRun) {
  show(195, 177);
  const double first = night();  // a year of spin-up and 195 days
  EXPECT_EQ("2018-07-14", last_run().at("last_day").get<std::string>());

  // Single days, whose composites are not there yet: each runs its own day alone.
  show(196, 177);
  const double cells = night();
  EXPECT_NEAR(365 + 195, first / cells, 100) << "other cells are modelled in the year of spin-up";
  for (size_t days = 197; days <= 200; ++days) {
    show(days, 177);
    EXPECT_EQ(cells, night()) << days;
  }
  EXPECT_EQ("", differences(whole_run(), products(outputs())));

  // Two composites and more days; the night is killed underway and the machine comes up again.
  show(203, 193);
  {
    Program killed(fluxtile_words(words("run", world(), outputs(), latest())));
    const auto newer = [&, before = fs::last_write_time(outputs() / "run.json")] {
      for (const auto& entry : fs::recursive_directory_iterator(outputs() / ".fluxtile" / "tiles"))
        if (entry.path().extension() == ".tile-year" && entry.last_write_time() > before)
          return true;
      return false;
    };
    EXPECT_TRUE(killed.wait_until(newer));
    killed.signal(SIGKILL);
    EXPECT_EQ(SIGKILL, killed.wait().signal);
  }
  const Outcome gone = fluxtile(words("status", world(), outputs(), latest()));
  EXPECT_THAT(gone.out, HasSubstr("was cut off"));
  EXPECT_LT(night() / cells, 45);

  // Composites' days change, those before the newest state that still holds do not run.
  show(210, 201);
  EXPECT_LT(night() / cells, 45);
  // The last 60 days of every climate file are revised, and one more day arrives.
  show(211, 201, 150);
  const double revised = night() / cells;
  EXPECT_GE(revised, 61);
  EXPECT_LE(revised, 61 + 20);
  // The late composite, 58 days back.
  late_is_there_ = true;
  fs::copy(test_world() / "gpp" / "gpp_2018153.tif", world() / "gpp" / "gpp_2018153.tif");
  const double late = night() / cells;
  EXPECT_GE(late, 211 - 152);
  EXPECT_LE(late, 211 - 152 + 20);
  show(219, 209, 150);
  EXPECT_LT(night() / cells, 45);
  EXPECT_EQ("", differences(whole_run(), products(outputs())));
  EXPECT_EQ(0, fluxtile({"verify", outputs().string()}).code);

  // The end of the year.
  show(330, 321, 150);
  night();
  show(365, 361, 150);
  EXPECT_NEAR(365 - 298, night() / cells, 0.5);
  EXPECT_EQ("", differences(whole_run(), products(outputs())));
  // Nothing new: nothing is run, and the run says so.
  const Outcome again = run(world(), outputs(), latest({"--log-level", "info"}));
  EXPECT_THAT(again.err, HasSubstr("no days run"));
  EXPECT_THAT(again.err, HasSubstr("up to date; no new input"));
}

}  // namespace
}  // namespace fluxtile::end_to_end
