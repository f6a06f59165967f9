// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "base/digest.h"
#include "pipeline/engine_trial.h"
#include "pipeline/verbs.h"
#include "tests/pipeline/small_run.h"

namespace fluxtile {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class PlanTest : public SmallWorld {
 protected:
  /// Years of the spin-up steps.
  [[nodiscard]] std::vector<int> spinup(const std::vector<std::string>& set) const {
    std::vector<int> years;
    for (const auto& step : plan(set).plan.steps)
      if (step.spinup) {
        years.push_back(step.year);
        EXPECT_TRUE(step.complete);
      }
    return years;
  }
};

TEST_F(PlanTest, SaysWhatThereIsToDo) {
  const Plan made = plan().plan;
  ASSERT_EQ(made.regions.size(), 3U);
  EXPECT_EQ(made.regions[1].name, "North");
  EXPECT_THAT(made.regions[1].members.front().package, "demo-iowa");
  EXPECT_THAT(made.regions[0].members.front().package, "demo-global");
  EXPECT_EQ(made.packages.size(), 2U);
  EXPECT_EQ(made.sources.gpp.composites.size(), 92U);
  EXPECT_EQ(made.sources.crop.years.size(), 2U);
  EXPECT_EQ(made.sources.statics.size(), 9U);
  EXPECT_EQ(made.steps.size(), 2U);
  EXPECT_EQ(made.step_stamps.size(), 2U);
  for (const auto& region : made.regions) {
    int64_t cells = 0;
    for (const auto& unit : made.units)
      if (made.regions[unit.region].name == region.name) cells += unit.cells;
    EXPECT_EQ(cells, region.cells);
    EXPECT_GT(cells, 0);
  }
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(PlanTest, ShowsWhatAPrecisionDoesToAnnualSums) {
  const auto said = [&](const std::string& precision) {
    std::ostringstream out;
    plan_verb(config({"run.precision=" + precision, "run.engine=fused"}), {}, out);
    return out.str();
  };
  EXPECT_THAT(said("fp32"), Not(HasSubstr("annual sums differ")));
  const std::string bf16 = said("bf16");
  for (const char* package : {"demo-iowa", "demo-global"})
    EXPECT_THAT(bf16, HasSubstr("bf16 with " + std::string(package) +
                                ": annual sums differ from fp32 by up to nee "));
  EXPECT_EQ(plan({"run.precision=bf16", "run.engine=fused"}).plan.engine_identity,
            "fused/1 cpu bf16");
}

TEST_F(PlanTest, PrecisionIsMeasuredOnCellsThatDiffer) {
  const PlannedRun made = plan();
  const auto package = made.packages.front();
  const auto errors = annual_sum_errors({"fused", "cpu", "bf16"}, package);
  ASSERT_EQ(errors.size(), 3U);
  for (const auto& [variable, error] : errors) {
    EXPECT_GT(error, 1e-6) << variable;
    EXPECT_LT(error, 0.02) << variable;
  }
  for (const auto& [variable, error] : annual_sum_errors({"fused", "cpu", "fp32"}, package))
    EXPECT_EQ(error, 0) << variable;
}

TEST_F(PlanTest, AsJsonAndBack) {
  Plan made = plan({"inputs.gpp.nodata=-9999", "period.end=2018-11-30"}).plan;
  made.sources.gpp.composites[3].layer = {"a file", 2, "gpp", 7};
  made.sources.operations[0].missing_grid = "us_noaa.tif";
  made.crop_types = {1, 5};
  made.warnings = {"W\xc3\xa4rnung"};
  const std::string text = plan_to_json(made);
  const Plan back = plan_from_json(text, "plan.json");
  EXPECT_EQ(plan_to_json(back), text);
  EXPECT_EQ(back.sources.gpp.composites[3].layer.variable, "gpp");
  EXPECT_EQ(back.sources.gpp.packing.nodata, -9999);
  EXPECT_FALSE(back.sources.gpp.packing.scale);
  EXPECT_EQ(back.sources.operations[0].missing_grid, "us_noaa.tif");
  EXPECT_EQ(back.units.size(), made.units.size());
  EXPECT_EQ(back.steps[1].days, 334);
  EXPECT_FALSE(back.steps[1].complete);
  EXPECT_EQ(back.end, (Date{2018, 11, 30}));
  EXPECT_EQ(back.step_stamps, made.step_stamps);
  EXPECT_EQ(back.warnings, made.warnings);
  EXPECT_EQ(back.lattice.resolution, made.lattice.resolution);
}

TEST_F(PlanTest, AFlippedCharacterOfAPlanIsFound) {
  const std::string text = plan_to_json(plan().plan);
  const std::string same = plan_to_json(plan_from_json(text, "x"));
  std::mt19937 random(5);
  size_t refused = 0, blanks = 0;
  for (int k = 0; k < 2000; ++k) {
    std::string flipped = text;
    const size_t at = std::uniform_int_distribution<size_t>(0, text.size() - 1)(random);
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (random() % 8)));
    const auto read = attempt([&] { return plan_to_json(plan_from_json(flipped, "x")); });
    refused += read.ok() ? 0 : 1;
    if (!read.ok()) {
      EXPECT_EQ(read.error().code(), Code::data);
      continue;
    }
    ++blanks;  // a blank that became another one
    EXPECT_EQ(read.value(), same) << at;
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_LT(blanks, 500U);
}

TEST_F(PlanTest, AnotherPlanUnderItsNameIsRefused) {
  const Config of_today = config();
  const PlannedRun made = open_plan(of_today, {}, PlanUse::run);
  const fs::path path = out(".fluxtile/plans/" + made.plan.id + ".json");
  EXPECT_NO_THROW((void)open_plan(of_today, {}, PlanUse::look));
  Plan other = made.plan;
  other.id = "another";
  write(path, plan_to_json(other));
  EXPECT_THROW((void)open_plan(of_today, {}, PlanUse::look), Error);
  EXPECT_THROW((void)open_plan(of_today, {}, PlanUse::shard), Error);
  EXPECT_NO_THROW((void)open_plan(of_today, {}, PlanUse::run)) << "a run writes it anew";
  EXPECT_NO_THROW((void)open_plan(of_today, {}, PlanUse::shard));
}

TEST_F(PlanTest, JsonOfANewerFormatOrBrokenIsRefused) {
  Plan made = plan().plan;
  made.format = 2;
  for (const std::string& text : {plan_to_json(made), std::string("{\"format\": 1}"),
                                  std::string("no JSON"), std::string("[]")}) {
    try {
      (void)plan_from_json(text, "some/plan.json");
      FAIL() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_EQ(error.file(), "some/plan.json");
    }
  }
}

TEST_F(PlanTest, RegionNamesBecomeFileNames) {
  replace(world("regions.geojson"), "North", "A/B \xc3\xbc");
  replace(world("regions.geojson"), "South", "..x");
  const Plan made = plan().plan;
  std::vector<std::string> names;
  for (const auto& region : made.regions) names.push_back(region.file_name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("A%2FB%20%C3%BC", "%2E.x", "East"));
  EXPECT_THAT(made.warnings, testing::Contains(HasSubstr("North")));
}

TEST_F(PlanTest, RegionNamesThatCannotBeShownOrWrittenAreRefused) {
  const std::string geojson = read(world("regions.geojson"));
  const auto refused = [&](const std::string& name) {
    write(world("regions.geojson"), geojson);
    replace(world("regions.geojson"), "\"North\"", "\"" + name + "\"");
    return refusal();
  };
  EXPECT_THAT(refused("a\\nb").message(), HasSubstr("control characters"));
  EXPECT_THAT(refused("a\\u001b[2J").found(), HasSubstr("a\\x1B[2J"));
  EXPECT_THAT(refused("\\u202Efdp").message(), HasSubstr("control characters"));
  const Error longer = refused(std::string(121, 'x'));
  EXPECT_THAT(longer.message(), HasSubstr("too long"));
  EXPECT_EQ(longer.key(), "region.key");
  EXPECT_GT(longer.line(), 0);
  EXPECT_THAT(refused(std::string(41, '/')).message(), HasSubstr("too long"));
}

TEST_F(PlanTest, AGridOfTooManyCellsIsRefusedWithItsKey) {
  const Error cells = refusal({"grid.resolution=1e-6"});
  EXPECT_EQ(cells.key(), "grid.resolution");
  EXPECT_THAT(cells.message(), HasSubstr("too many cells"));
  const Error tiles = refusal({"grid.resolution=0.1", "grid.tile=1"});
  EXPECT_EQ(tiles.key(), "grid.tile");
  EXPECT_THAT(tiles.message(), HasSubstr("too many tiles"));
}

TEST_F(PlanTest, APlanThatLeadsElsewhereIsNotLoaded) {
  const std::string good = plan_to_json(plan().plan);
  EXPECT_EQ(plan_to_json(plan_from_json(good, "p")), good);
  // Changed by somebody who also enters the checksum.
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    auto json = nlohmann::json::parse(text);
    json.erase("checksum");
    const std::string sum = Digest().add_text(json.dump()).hex();
    json["checksum"] = sum;
    try {
      (void)plan_from_json(json.dump(), "p");
      ADD_FAILURE() << "not refused: " << to;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      EXPECT_THAT(error.message(), HasSubstr("does not hang together"));
    }
  };
  refused("\"file_name\": \"North\"", "\"file_name\": \"../../../elsewhere\"");
  refused("\"region\": 0", "\"region\": 7");
  refused("\"engine\": 0", "\"engine\": 9");
  refused("\"tile\": 8", "\"tile\": 0");
}

TEST_F(PlanTest, SpinUpTakesTheYearsJustBefore) {
  EXPECT_THAT(spinup({"period.spinup=1"}), ElementsAre(2017));
  EXPECT_THAT(spinup({"period.spinup=0"}), ElementsAre());
}

TEST_F(PlanTest, MissingSpinUpYearsAreTheEarliestCompleteOnesInOrderAndAgain) {
  EXPECT_THAT(spinup({"period.spinup=3"}), ElementsAre(2017, 2018, 2017));
  EXPECT_THAT(spinup({"period.spinup=6"}), ElementsAre(2017, 2018, 2017, 2018, 2017, 2017));
}

TEST_F(PlanTest, AnIncompleteYearIsNeverSpinUp) {
  remove_composites(2017, 160, 192);  // 32 days: a gap that is bridged
  EXPECT_THAT(spinup({"period.spinup=2"}), ElementsAre(2017, 2017));
  remove_composites(2017, 192, 200);  // 40 days
  EXPECT_THAT(spinup({"period.spinup=2"}), ElementsAre(2018, 2018));
  remove_composites(2018, 160, 200);
  const Error error = refusal({"period.spinup=2"});
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_EQ(error.key(), "period.spinup");
  EXPECT_NO_THROW((void)plan({"period.spinup=0"}));
}

TEST_F(PlanTest, AYearWithoutClimateIsNoSpinUp) {
  fs::remove(world("climate/pr_2017.nc"));
  EXPECT_THAT(spinup({"period.spinup=1"}), ElementsAre(2018));
}

TEST_F(PlanTest, AYearWhoseCropMapNoRuleFindsIsNoSpinUp) {
  fs::remove(world("crop/crop_2017.tif"));
  for (const char* rule : {"error", "previous", "rotation"})
    EXPECT_THAT(spinup({"period.spinup=1", std::string("inputs.crop.missing_year=") + rule}),
                ElementsAre(2018))
        << rule;
}

TEST_F(PlanTest, ClimateMustCoverThePeriod) {
  fs::remove(world("climate/vs_2018.nc"));
  const Error error = refusal({"period.spinup=0"});
  EXPECT_EQ(error.key(), "inputs.climate.files");
  EXPECT_THAT(error.found(), HasSubstr("365 days"));
  EXPECT_THAT(error.found(), HasSubstr("2018-01-01"));
  const Plan latest =
      plan({"period.start=2017-01-01", "period.end=latest", "period.spinup=0"}).plan;
  EXPECT_EQ(latest.end, (Date{2017, 12, 31}));
}

TEST_F(PlanTest, MissingClimateDaysAreAnErrorUnlessMaxGapAllowsThem) {
  redraw_climate("pr_2018.nc", {100, 101});
  VerbOptions allow;
  allow.allow_synthetic_model = true;
  const Error error = refusal({}, allow);
  EXPECT_EQ(error.key(), "inputs.climate.files");
  EXPECT_THAT(error.found(), HasSubstr("2 days missing, the first 2018-04-11"));
  EXPECT_EQ(refusal({"inputs.climate.max_gap=1d"}, allow).key(), "inputs.climate.files");
  const Plan bridged = plan({"inputs.climate.max_gap=2d"}, allow).plan;
  const int64_t first = to_days({2018, 4, 11});
  EXPECT_THAT(bridged.sources.climate.bridged_days, ElementsAre(first, first + 1));
  EXPECT_THAT(bridged.warnings, testing::Contains(HasSubstr("2 climate days")));
}

TEST_F(PlanTest, DaysThatACalendarLacksAreForgiven) {
  fs::remove_all(world());
  fs::copy(simulate("leap", {"period.first_year=2020", "period.spinup=0"}), world(),
           fs::copy_options::recursive);
  VerbOptions allow;
  allow.allow_synthetic_model = true;
  EXPECT_EQ(plan().plan.steps.front().days, 366);
  EXPECT_THAT(plan().plan.sources.climate.bridged_days, ElementsAre());
  redraw_climate("pr_2020.nc", {59}, "noleap");
  EXPECT_THAT(plan({}, allow).plan.sources.climate.bridged_days,
              ElementsAre(to_days({2020, 2, 29})));
  redraw_climate("vs_2020.nc", {365});
  EXPECT_THAT(plan({}, allow).plan.sources.climate.bridged_days,
              ElementsAre(to_days({2020, 2, 29}), to_days({2020, 12, 31})));
  redraw_climate("srad_2020.nc", {59});  // a real calendar that lacks the day
  redraw_climate("pr_2020.nc", {});
  EXPECT_EQ(refusal({}, allow).key(), "inputs.climate.files");
}

TEST_F(PlanTest, AMissingCropMapIsAnErrorOrStandsBackAsAsked) {
  fs::remove(world("crop/crop_2018.tif"));
  const Error error = refusal({"period.spinup=0"});
  EXPECT_EQ(error.key(), "inputs.crop.files");
  const auto crops = plan({"inputs.crop.missing_year=previous"}).plan.sources.crop.years;
  ASSERT_EQ(crops.size(), 2U);
  EXPECT_FALSE(crops[0].substituted);
  EXPECT_TRUE(crops[1].substituted);
  EXPECT_THAT(crops[1].layer.path, EndsWith("crop_2017.tif"));
}

TEST_F(PlanTest, RotationGoesBackTwoYearsAtATime) {
  fs::remove(world("crop/crop_2018.tif"));
  const std::vector<std::string> rotation = {"inputs.crop.missing_year=rotation"};
  EXPECT_EQ(refusal(rotation).key(), "inputs.crop.files");  // 2016 is not there either
  fs::copy_file(world("crop/crop_2017.tif"), world("crop/crop_2014.tif"));
  fs::copy_file(world("crop/crop_2017.tif"), world("crop/crop_2015.tif"));
  const Plan made = plan(rotation).plan;
  EXPECT_THAT(made.sources.crop.years[1].layer.path, EndsWith("crop_2014.tif"));
  EXPECT_TRUE(made.sources.crop.years[1].substituted);
  EXPECT_THAT(made.warnings, testing::Contains(HasSubstr("2014")));
}

TEST_F(PlanTest, OneMapForAllYears) {
  const auto crops = plan({"inputs.crop={file: " + world("crop/crop_2017.tif").string() +
                           ", map: {1: 1, 5: 5}, mode: nearest}"})
                         .plan.sources.crop.years;
  ASSERT_EQ(crops.size(), 2U);
  for (const auto& crop : crops) {
    EXPECT_FALSE(crop.substituted);
    EXPECT_THAT(crop.layer.path, EndsWith("crop_2017.tif"));
  }
}

TEST_F(PlanTest, TheSameCompositeTwiceIsOneTwoDifferentOnesAreAnError) {
  fs::copy_file(world("gpp/gpp_2018201.tif"), world("gpp/gpp_2018201_again.tif"));
  EXPECT_EQ(plan().plan.sources.gpp.composites.size(), 92U);
  shift(world("gpp/gpp_2018201_again.tif"), 1);
  const Error error = refusal();
  EXPECT_EQ(error.key(), "inputs.gpp.files");
  EXPECT_THAT(error.message(), HasSubstr("2018-07-20"));
  EXPECT_THAT(error.file(), EndsWith("gpp_2018201_again.tif"));
}

TEST_F(PlanTest, AFileThatFitsTheGlobButNotThePatternIsAnError) {
  fs::copy_file(world("gpp/gpp_2018201.tif"), world("gpp/mosaic.tif"));
  const Error error = refusal();
  EXPECT_EQ(error.key(), "inputs.gpp.time.pattern");
  EXPECT_THAT(error.file(), EndsWith("mosaic.tif"));
}

TEST_F(PlanTest, AnUnreadableCompositeIsAnError) {
  write(world("gpp/gpp_2018201.tif"), "not a raster");
  EXPECT_THAT(refusal().file(), EndsWith("gpp_2018201.tif"));
}

TEST_F(PlanTest, CompositesAreCutAtTheNewYear) {
  const auto composites = plan().plan.sources.gpp.composites;
  EXPECT_EQ(composites[45].first, to_days({2017, 12, 27}));
  EXPECT_EQ(composites[45].end, to_days({2018, 1, 1}));
  EXPECT_EQ(composites[46].end, to_days({2018, 1, 9}));
}

TEST_F(PlanTest, UnitsOfGpp) {
  const auto gpp = [&](const std::string& unit) {
    return plan({"inputs.gpp.unit=" + unit}).plan.sources.gpp;
  };
  EXPECT_FALSE(gpp("gC m-2 d-1").interval_sum);
  EXPECT_DOUBLE_EQ(gpp("gC m-2 d-1").conversion.factor, 1);
  EXPECT_DOUBLE_EQ(gpp("kgC m-2 d-1").conversion.factor, 1000);
  EXPECT_TRUE(gpp("kgC m-2").interval_sum);
  EXPECT_DOUBLE_EQ(gpp("kgC m-2").conversion.factor, 1000);
  EXPECT_DOUBLE_EQ(gpp("gC m-2 s-1").conversion.factor, 86400);
  EXPECT_NEAR(gpp("g CO2 m-2 d-1").conversion.factor, 12.011 / 44.009, 1e-5);
  const Error error = refusal({"inputs.gpp.unit=mm d-1"});
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_THAT(error.key(), HasSubstr("inputs.gpp"));
}

TEST_F(PlanTest, UnitsOfSoilAndClimate) {
  const Plan made = plan().plan;
  const auto term = [&](const std::string& input) {
    for (const auto& t : made.sources.climate.terms)
      if (t.input == input) return t;
    return ClimateTermSource();
  };
  EXPECT_NEAR(term("RADN").conversions.at(0).factor, 0.0864, 1e-12);
  EXPECT_NEAR(term("TMAX_AIR").conversions.at(0).offset, -273.15, 1e-9);
  EXPECT_NEAR(term("WIND").conversions.at(0).factor, 86.4, 1e-9);
  EXPECT_EQ(term("TDIF_AIR").result.offset, 0);
  const Error error = refusal({"inputs.soil.TBKDS={file: soil/bulk_density.tif, unit: degC}"});
  EXPECT_EQ(error.code(), Code::data);
}

TEST_F(PlanTest, ASyntheticModelIsForSyntheticInputsUnlessAllowed) {
  Plan made = plan().plan;
  EXPECT_TRUE(made.synthetic_model);
  EXPECT_TRUE(made.synthetic_inputs);
  redraw_climate("pr_2018.nc", {});  // one input that does not say so
  const Error error = refusal();
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_THAT(error.hint(), HasSubstr("--allow-synthetic-model"));
  VerbOptions allow;
  allow.allow_synthetic_model = true;
  made = plan({}, allow).plan;
  EXPECT_TRUE(made.synthetic_model);
  EXPECT_FALSE(made.synthetic_inputs);
}

TEST_F(PlanTest, AVariableThatTheModelLacksIsRefusedWithItsNearest) {
  const Error error =
      refusal({"outputs.products=[{variables: [nee_balanc], period: annual, statistic: sum, "
               "format: netcdf}]"});
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_THAT(error.what(), HasSubstr("nee_balance"));
}

TEST_F(PlanTest, StampsFollowTheFilesOfTheirYearAndOfThoseBefore) {
  const Plan before = plan({"period.spinup=1"}).plan;
  const auto touch = [&](const std::string& name) {
    fs::last_write_time(world(name), fs::last_write_time(world(name)) + std::chrono::seconds(5));
    return plan({"period.spinup=1"}).plan.step_stamps;
  };
  EXPECT_EQ(plan({"period.spinup=1"}).plan.step_stamps, before.step_stamps);
  const auto july = touch("gpp/gpp_2018201.tif");
  EXPECT_EQ(july[0], before.step_stamps[0]);
  EXPECT_NE(july[1], before.step_stamps[1]);
  const auto spring = touch("gpp/gpp_2017081.tif");
  EXPECT_NE(spring[0], july[0]);
  EXPECT_NE(spring[1], july[1]);
  const auto soil = touch("soil/soc.tif");
  EXPECT_NE(soil[0], spring[0]);
}

TEST_F(PlanTest, ThePlanOfARunIsFoundAgainBelowTheOutputs) {
  const Config settings = config();
  EXPECT_THROW((void)open_plan(settings, {}, PlanUse::look), Error);
  const PlannedRun made = open_plan(settings, {}, PlanUse::run);
  EXPECT_EQ(open_plan(settings, {}, PlanUse::look).plan.id, made.plan.id);
  EXPECT_EQ(open_plan(settings, {}, PlanUse::shard).plan.id, made.plan.id);
  shift(world("gpp/gpp_2018201.tif"), 1);
  EXPECT_THROW((void)open_plan(config(), {}, PlanUse::look), Error);
}

TEST_F(PlanTest, RegionsHaveResultKeysOfTheirModelsAndRules) {
  const Plan made = plan().plan;
  EXPECT_EQ(made.regions[0].result_key, made.regions[2].result_key);  // one model
  EXPECT_NE(made.regions[0].result_key, made.regions[1].result_key);
  const auto key = [&](const std::string& set) { return plan({set}).plan.regions[0].result_key; };
  EXPECT_EQ(key("grid.tile=5"), made.regions[0].result_key);
  EXPECT_EQ(key("run.threads=1"), made.regions[0].result_key);
  EXPECT_EQ(key("period.spinup=0"), made.regions[0].result_key);
  for (const char* set :
       {"inputs.gpp.fill=linear", "inputs.gpp.max_gap=31d", "inputs.gpp.resample=nearest",
        "inputs.gpp.negative=keep", "inputs.gpp.dormant=zero", "inputs.climate.resample=nearest",
        "inputs.climate.scale=2", "grid.resolution=300", "grid.origin=[10, 0]", "models.year=as-is",
        "inputs.crop.mode=majority"})
    EXPECT_NE(key(set), made.regions[0].result_key) << set;
}

}  // namespace
}  // namespace fluxtile
