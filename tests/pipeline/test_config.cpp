// SPDX-License-Identifier: Apache-2.0
#include "pipeline/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "pipeline/config_schema.h"
#include "pipeline/config_values.h"
#include "tests/pipeline/config_text.h"

namespace fluxtile {
namespace {

using fluxtile::testing::changed;
using fluxtile::testing::good_config;
using fluxtile::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> recipes = {FLUXTILE_SOURCE_DIR "/configs/recipes"};

class ConfigTest : public ::testing::Test {
 protected:
  Config read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return read_config(folder_.write("run.yaml", text), overrides, recipes);
  }
  Error failure(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
      read(text, overrides);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(Code::internal, "no error");
  }
  TemporaryFolder folder_;
};

TEST_F(ConfigTest, ReadsEveryKey) {
  const Config c = read(good_config);
  EXPECT_EQ(c.name, "iowa-2018");
  EXPECT_EQ(c.base_directory, folder_.path());
  EXPECT_EQ(c.region.path, folder_.path() + "/data/states.geojson");
  EXPECT_EQ(c.region.crs, "EPSG:4269");
  EXPECT_EQ(c.region.key, "STUSPS");
  EXPECT_THAT(c.select, ElementsAre("IA", "010"));
  EXPECT_EQ(c.lattice.crs, "EPSG:5070");
  EXPECT_EQ(c.lattice.resolution, 250);
  EXPECT_EQ(c.lattice.origin_x, 0);
  EXPECT_EQ(c.lattice.origin_y, 15);
  EXPECT_EQ(c.tile, 128);
  EXPECT_EQ(to_text(c.start), "2018-01-01");
  EXPECT_EQ(to_text(c.end), "2018-12-31");
  EXPECT_FALSE(c.end_latest);
  EXPECT_EQ(c.spinup, 2);

  EXPECT_THAT(c.gpp.files, ElementsAre(folder_.path() + "/data/gpp/*.tif"));
  EXPECT_EQ(c.gpp.time_pattern, "gpp_%Y%j");
  EXPECT_EQ(c.gpp.interval, Interval::days8);
  EXPECT_TRUE(c.gpp.linear);
  EXPECT_EQ(c.gpp.unit, "gC m-2 d-1");
  EXPECT_EQ(c.gpp.packing.scale, 0.01);
  EXPECT_EQ(c.gpp.packing.offset, 1.5);
  EXPECT_EQ(c.gpp.packing.nodata, -9999);
  EXPECT_EQ(c.gpp.resample, Resampling::area);
  EXPECT_EQ(c.gpp.max_gap, 40);
  EXPECT_FALSE(c.gpp.negative_zero);
  EXPECT_TRUE(c.gpp.dormant_zero);

  EXPECT_THAT(c.climate.files, ElementsAre(folder_.path() + "/data/climate/*.nc"));
  EXPECT_EQ(c.climate.resample, Resampling::nearest);
  EXPECT_EQ(c.climate.max_gap, 3);

  ASSERT_EQ(c.soil.size(), 2U);
  EXPECT_EQ(c.soil.at("TBKDS").file, folder_.path() + "/data/soil/bulk_density.tif");
  EXPECT_EQ(c.soil.at("TBKDS").unit, "Mg m-3");
  EXPECT_EQ(c.soil.at("TBKDS").resample, Resampling::bilinear);
  EXPECT_EQ(c.soil.at("TSAND").file, "/soil/sand.tif");
  EXPECT_EQ(c.soil.at("TSAND").packing.scale, 10);
  EXPECT_EQ(c.soil.at("TSAND").resample, Resampling::cubic);

  EXPECT_THAT(c.crop.files, ElementsAre(folder_.path() + "/data/crop_2018.tif"));
  EXPECT_EQ(c.crop.codes, (std::map<int, int>{{1, 1}, {5, 5}}));
  EXPECT_EQ(c.crop.mode, CropConfig::Mode::majority);
  EXPECT_EQ(c.crop.min_share, 0.4);
  EXPECT_TRUE(c.crop.min_share_given);
  EXPECT_EQ(c.crop.missing_year, CropConfig::Missing::rotation);

  EXPECT_EQ(c.models.directory, folder_.path() + "/models");
  EXPECT_EQ(c.models.default_name, "global");
  EXPECT_THAT(c.models.regions.at("IA"), ElementsAre("iowa"));
  EXPECT_THAT(c.models.regions.at("NO"), ElementsAre("norway", "sweden"));
  EXPECT_EQ(c.models.year, "as-is");
  EXPECT_EQ(c.models.blend_km, 5);

  EXPECT_EQ(c.output_directory, folder_.path() + "/out");
  ASSERT_EQ(c.products.size(), 3U);
  EXPECT_THAT(c.products[0].variables, ElementsAre("ra", "rh", "reco", "nee"));
  EXPECT_EQ(c.products[0].period, Period::annual);
  EXPECT_EQ(c.products[0].statistic, Statistic::sum);
  EXPECT_TRUE(c.products[0].geotiff && c.products[0].netcdf);
  EXPECT_EQ(c.products[1].statistic, Statistic::mean);
  EXPECT_FALSE(c.products[1].geotiff);
  EXPECT_EQ(c.products[2].period, Period::daily);
  EXPECT_EQ(c.products[2].statistic, Statistic::mean);
  EXPECT_THAT(c.products[2].variables, ElementsAre("nee"));

  EXPECT_EQ(c.run.engine, "fused");
  EXPECT_EQ(c.run.device, "cuda:1");
  EXPECT_EQ(c.run.precision, "tf32");
  EXPECT_EQ(c.run.threads, 3);
  EXPECT_EQ(c.run.memory, 2000000000U);
  EXPECT_EQ(c.run.max_failed_tiles, 5);
  EXPECT_TRUE(c.run.allow_remote);
}

const std::string least_config = R"(fluxtile: 1
name: least
region: {boundaries: b.geojson, key: NAME, select: all}
grid: {crs: EPSG:5070, resolution: 250.5}
period: {start: 2019-05-01, end: latest}
inputs:
  gpp: {files: [a.nc, /b.nc], interval: month}
  climate: {files: c.nc, recipe: {TMAX_AIR: {variable: tmax, unit: degC}, TDIF_AIR: {difference: [tmax, tmin], unit: K}}}
  crop: {files: crop_*.tif, time: {pattern: crop_%Y}, map: {1: 1}}
models: {directory: m, default: g}
outputs: {directory: o, products: [{variables: [yield], period: annual, statistic: sum, format: geotiff}]}
)";

TEST_F(ConfigTest, DefaultsAreThoseOfTheReference) {
  const Config c = read(least_config);
  EXPECT_EQ(c.lattice.resolution, 250.5);
  EXPECT_EQ(c.lattice.origin_x, 0);
  EXPECT_EQ(c.tile, 256);
  EXPECT_TRUE(c.end_latest);
  EXPECT_EQ(c.spinup, 0);
  EXPECT_THAT(c.select, ElementsAre("all"));
  EXPECT_THAT(c.gpp.files, ElementsAre(folder_.path() + "/a.nc", "/b.nc"));
  EXPECT_EQ(c.gpp.time_pattern, "");
  EXPECT_EQ(c.gpp.interval, Interval::month);
  EXPECT_FALSE(c.gpp.linear);
  EXPECT_FALSE(c.gpp.packing.scale.has_value());
  EXPECT_FALSE(c.gpp.packing.nodata.has_value());
  EXPECT_EQ(c.gpp.resample, Resampling::bilinear);
  EXPECT_EQ(c.gpp.max_gap, 32);
  EXPECT_TRUE(c.gpp.negative_zero);
  EXPECT_FALSE(c.gpp.dormant_zero);
  EXPECT_EQ(c.gpp.band, 0);
  EXPECT_FALSE(c.climate.max_gap.has_value());
  EXPECT_EQ(c.climate.recipe, "in place");
  EXPECT_EQ(c.climate.resample, Resampling::bilinear);
  EXPECT_TRUE(c.soil.empty());
  EXPECT_EQ(c.crop.time_pattern, "crop_%Y");
  EXPECT_EQ(c.crop.min_share, 0.5);
  EXPECT_FALSE(c.crop.min_share_given);
  EXPECT_EQ(c.crop.missing_year, CropConfig::Missing::error);
  EXPECT_EQ(c.models.year, "clamp");
  EXPECT_EQ(c.models.blend_km, 0);
  EXPECT_EQ(c.zones_file, "");
  EXPECT_EQ(c.keep_states, 2);
  EXPECT_EQ(c.run.engine, "auto");
  EXPECT_EQ(c.run.device, "auto");
  EXPECT_EQ(c.run.precision, "fp32");
  EXPECT_EQ(c.run.threads, 0);
  EXPECT_EQ(c.run.memory, 4ULL << 30);
  EXPECT_EQ(c.run.max_failed_tiles, 0);
  EXPECT_FALSE(c.run.allow_remote);
}

TEST_F(ConfigTest, FurtherKeys) {
  const Config c =
      read(least_config + "state: {keep: 4}\n",
           {"outputs.zones={file: z.geojson, key: GEOID}", "region.layer=counties",
            "inputs.gpp.band=2", "inputs.gpp.variable=Gpp_500m", "inputs.gpp.crs=EPSG:1",
            "inputs.gpp.fill_values=[32761, 32767, nan]", "inputs.gpp.nodata=nan",
            "inputs.climate.calendar=map", "models.year=2010"});
  EXPECT_EQ(c.keep_states, 4);
  EXPECT_EQ(c.zones_file, std::filesystem::current_path().string() + "/z.geojson");
  EXPECT_EQ(c.zones_key, "GEOID");
  EXPECT_EQ(c.region.layer, "counties");
  EXPECT_EQ(c.gpp.band, 2);
  EXPECT_EQ(c.gpp.variable, "Gpp_500m");
  EXPECT_EQ(c.gpp.crs, "EPSG:1");
  ASSERT_EQ(c.gpp.packing.fill_values.size(), 3U);
  EXPECT_EQ(c.gpp.packing.fill_values[1], 32767);
  EXPECT_TRUE(std::isnan(c.gpp.packing.fill_values[2]));
  EXPECT_TRUE(std::isnan(c.gpp.packing.nodata.value()));
  EXPECT_EQ(c.climate.calendar, "map");
  EXPECT_EQ(c.models.year, "2010");
}

TEST_F(ConfigTest, GridmetRecipe) {
  const Config c = read(good_config);
  EXPECT_EQ(c.climate.recipe, "gridmet");
  ASSERT_EQ(c.climate.terms.size(), 7U);
  const auto expect = [&c](const char* input, ClimateTerm::Kind kind,
                           const std::vector<std::string>& sources, const char* unit) {
    const ClimateTerm& term = c.climate.terms.at(input);
    EXPECT_EQ(term.kind, kind) << input;
    EXPECT_EQ(term.sources, sources) << input;
    EXPECT_EQ(term.unit, unit) << input;
  };
  using Kind = ClimateTerm::Kind;
  const std::vector<std::string> humidity = {"tmmx", "tmmn", "rmax", "rmin"};
  expect("RADN", Kind::variable, {"srad"}, "MJ m-2 d-1");
  expect("TMAX_AIR", Kind::variable, {"tmmx"}, "degC");
  expect("TDIF_AIR", Kind::difference, {"tmmx", "tmmn"}, "K");
  expect("HMAX_AIR", Kind::vapour_pressure_max, humidity, "kPa");
  expect("HDIF_AIR", Kind::vapour_pressure_difference, humidity, "kPa");
  expect("WIND", Kind::variable, {"vs"}, "km d-1");
  expect("PRECN", Kind::variable, {"pr"}, "mm d-1");
  ASSERT_EQ(c.climate.variables.size(), 7U);
  EXPECT_THAT(c.climate.variables.at("tmmn").match, ElementsAre("tmmn"));
  EXPECT_EQ(c.climate.variables.at("tmmn").unit, "K");
}

TEST_F(ConfigTest, SourceVariablesAreOverridden) {
  const Config c =
      read(good_config, {"inputs.climate.variables.tmmx={variable: tasmax, files: x.nc}",
                         "inputs.climate.variables.pr.unit=kg m-2 d-1"});
  const ClimateVariable& tmmx = c.climate.variables.at("tmmx");
  EXPECT_EQ(tmmx.variable, "tasmax");
  EXPECT_TRUE(tmmx.match.empty());
  EXPECT_THAT(tmmx.files, ElementsAre(std::filesystem::current_path().string() + "/x.nc"));
  EXPECT_EQ(c.climate.variables.at("pr").unit, "kg m-2 d-1");
  EXPECT_THAT(c.climate.variables.at("pr").match, ElementsAre("pr"));
}

TEST_F(ConfigTest, RecipeInPlaceNamesItsSources) {
  const Config c = read(least_config);
  EXPECT_EQ(c.climate.terms.at("TDIF_AIR").kind, ClimateTerm::Kind::difference);
  EXPECT_THAT(c.climate.terms.at("TDIF_AIR").sources, ElementsAre("tmax", "tmin"));
  EXPECT_EQ(c.climate.variables.at("tmin").variable, "tmin");
}

TEST_F(ConfigTest, OverridesComeBeforeChecks) {
  const std::string broken = changed(good_config, "resolution: 250", "resolution: coarse");
  EXPECT_EQ(read(broken, {"grid.resolution=500"}).lattice.resolution, 500);
  const Config c = read(good_config, {"region.select=[NE, 010]", "outputs.products.1.period=annual",
                                      "models.regions.\"St. Louis\"=stl", "outputs.directory=here",
                                      "run.threads=1", "run.threads=auto"});
  EXPECT_THAT(c.select, ElementsAre("NE", "010"));
  EXPECT_EQ(c.products[1].period, Period::annual);
  EXPECT_THAT(c.models.regions.at("St. Louis"), ElementsAre("stl"));
  EXPECT_EQ(c.run.threads, 0);
  EXPECT_EQ(c.output_directory, std::filesystem::current_path().string() + "/here");
  EXPECT_EQ(c.lines.line.at("outputs.directory"), 0);
  EXPECT_EQ(c.lines.line.at("models.directory"), 38);
}

TEST_F(ConfigTest, OverrideErrorsSayWhereTheValueCameFrom) {
  const Error error = failure(good_config, {"grid.tile=0"});
  EXPECT_EQ(error.key(), "grid.tile");
  EXPECT_EQ(error.line(), 0);
  EXPECT_THAT(error.found(), HasSubstr("--set"));
  EXPECT_THAT(failure(good_config, {"inputs.gpp.interval=9d"}).found(), HasSubstr("--set"));
  EXPECT_EQ(failure(good_config, {"grid.tile"}).code(), Code::usage);
  EXPECT_EQ(failure(good_config, {"grid..tile=3"}).code(), Code::usage);
  EXPECT_EQ(failure(good_config, {"grid.tile=[3"}).code(), Code::usage);
  EXPECT_EQ(failure(good_config, {"=3"}).code(), Code::usage);
  EXPECT_THAT(failure(good_config, {"outputs.products.9.period=daily"}).expected(),
              HasSubstr("0 to 3"));
  EXPECT_THAT(failure(good_config, {"name.first=x"}).message(), HasSubstr("no map"));
  const Error unknown = failure(good_config, {"grid.tiles=3"});
  EXPECT_THAT(unknown.message(), HasSubstr("--set"));
  EXPECT_THAT(unknown.hint(), HasSubstr("did you mean tile?"));
}

TEST_F(ConfigTest, CanonicalTextForgetsLayout) {
  const std::string one = read(least_config).canonical;
  EXPECT_EQ(
      one,
      read("# a comment\n" + changed(least_config, "name: least", "name: \"least\"")).canonical);
  EXPECT_NE(one, read(changed(least_config, "250.5", "250")).canonical);
  EXPECT_EQ(one, read(changed(least_config, "250.5", "1"), {"grid.resolution=250.5"}).canonical);
  EXPECT_THAT(one, HasSubstr(R"("resolution":"250.5")"));
}

TEST_F(ConfigTest, LocateAddsFileKeyAndLine) {
  const Config c = read(good_config);
  const Error located = c.lines.locate(Error(Code::data, "no file fits"), "inputs.gpp.files");
  EXPECT_EQ(located.file(), folder_.path() + "/run.yaml");
  EXPECT_EQ(located.key(), "inputs.gpp.files");
  EXPECT_EQ(located.line(), 16);
  // A key that takes its default: the line of what it belongs to. A file that is named stays.
  const Error parent =
      c.lines.locate(Error(Code::data, "x").file("a.tif"), "inputs.soil.TBKDS.nodata");
  EXPECT_EQ(parent.line(), 34);
  EXPECT_EQ(parent.file(), "a.tif");
  EXPECT_EQ(c.lines.locate(Error(Code::data, "x"), "state.keep").line(), 0);
}

TEST_F(ConfigTest, NewerFormatIsRefusedBeforeItsKeys) {
  const Error error = failure("fluxtile: 2\nsomething_new: 1\n");
  EXPECT_THAT(error.message(), HasSubstr("newer"));
  EXPECT_EQ(error.line(), 1);
}

TEST_F(ConfigTest, MissingFile) {
  EXPECT_THROW(read_config(folder_.path() + "/none.yaml", {}, recipes), Error);
}

TEST_F(ConfigTest, MemorySizes) {
  EXPECT_EQ(parse_size("2GB"), 2000000000U);
  EXPECT_EQ(parse_size("512MiB"), 512U << 20);
  EXPECT_EQ(parse_size("4 GB"), 4000000000U);
  EXPECT_EQ(parse_size("1.5G"), 1500000000U);
  EXPECT_EQ(parse_size("8GiB"), 8ULL << 30);
  for (const char* bad : {"", "GB", "4", "-1GB", "4XB", "4 G B", "1e30TB", "0MB", "nanGB"})
    EXPECT_THROW(parse_size(bad), Error) << bad;
}

TEST_F(ConfigTest, Paths) {
  EXPECT_EQ(absolute_path("a/../b.tif", "/base"), "/base/b.tif");
  EXPECT_EQ(absolute_path("/x/b.tif", "/base"), "/x/b.tif");
  EXPECT_EQ(absolute_path("/vsizip/a.zip/../b", "/base"), "/vsizip/a.zip/../b");
  EXPECT_EQ(absolute_path("https://host/a.tif", "/base"), "https://host/a.tif");
}

struct BadConfig {
  const char* name;
  const char* from;
  const char* to;
  const char* key;
  int line;
  const char* message;    ///< part of the message
  const char* elsewhere;  ///< part of found, expected or hint
};

void PrintTo(const BadConfig& bad, std::ostream* out) { *out << bad.name; }

class BadConfigTest : public ConfigTest, public ::testing::WithParamInterface<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithKeyAndLine) {
  const BadConfig& bad = GetParam();
  const Error error = failure(changed(good_config, bad.from, bad.to));
  EXPECT_EQ(error.code(), Code::data);
  EXPECT_EQ(error.file(), folder_.path() + "/run.yaml");
  EXPECT_EQ(error.key(), bad.key);
  EXPECT_EQ(error.line(), bad.line);
  EXPECT_THAT(error.message(), HasSubstr(bad.message));
  EXPECT_THAT(error.found() + "\n" + error.expected() + "\n" + error.hint(),
              HasSubstr(bad.elsewhere))
      << error.what();
}

const BadConfig bad_keys[] = {
    {"typo", "    interval: 8d", "    intervall: 8d", "inputs.gpp.intervall", 18,
     "unknown key `intervall` at line 18, column 5", "did you mean interval?"},
    {"unknown_top", "name: iowa-2018", "name: x\nregions: {}", "regions", 3,
     "unknown key `regions`", "did you mean region?"},
    {"unknown_far", "  tile: 128", "  zzzzzzzz: 128", "grid.zzzzzzzz", 12, "unknown key",
     "crs, resolution, origin, tile"},
    {"unknown_product", "period: daily", "peroid: daily", "outputs.products.2.peroid", 49,
     "unknown key `peroid` at line 49, column 7", "did you mean period?"},
    {"unknown_soil", "scale: 10,", "skale: 10,", "inputs.soil.TSAND.skale", 35, "column 35",
     "did you mean scale?"},
    {"duplicate", "  key: STUSPS", "  key: STUSPS\n  key: NAME", "region.key", 7,
     "duplicate key `key` at line 7, column 3", "line 6, column 3"},
    {"duplicate_flow", "map: {1: 1, 005: 5}", "map: {1: 1, 1: 5}", "inputs.crop.map.1", 36,
     "duplicate key `1`", "line 36"},
    {"duplicate_code", "map: {1: 1, 005: 5}", "map: {5: 1, 005: 5}", "inputs.crop.map.005", 36,
     "mapped twice", "once"},
    {"list_as_key", "  tile: 128", "  [1, 2]: 128", "grid", 12, "plain text", "a list as a key"},
    {"missing_name", "name: iowa-2018\n", "", "name", 1, "missing required key `name`",
     "products begin with it"},
    {"missing_version", "fluxtile: 1\n", "", "fluxtile", 1, "missing required key `fluxtile`",
     "version"},
    {"missing_resolution", "  resolution: 250\n", "", "grid.resolution", 8, "missing required key",
     "side of a cell"},
    {"missing_boundaries", "  boundaries: data/states.geojson\n", "", "region.boundaries", 3,
     "missing required key", "vector file"},
    {"missing_interval", "    interval: 8d\n", "", "inputs.gpp.interval", 15,
     "missing required key", "8d"},
    {"missing_soil_file", "{file: data/soil/bulk_density.tif, unit: Mg m-3}", "{unit: Mg m-3}",
     "inputs.soil.TBKDS.file", 34, "missing required key", "raster"},
    {"missing_statistic", "statistic: mean, ", "", "outputs.products.1.statistic", 47,
     "missing required key", "sum or mean"},
    {"missing_directory", "  directory: out\n", "", "outputs.directory", 43, "missing required key",
     "folder"}};
INSTANTIATE_TEST_SUITE_P(Keys, BadConfigTest, ::testing::ValuesIn(bad_keys));

const BadConfig bad_shapes[] = {
    {"map_for_text", "  key: STUSPS", "  key: {a: b}", "region.key", 6, "wrong shape", "a map"},
    {"list_for_text", "  crs: EPSG:5070", "  crs: [EPSG:5070]", "grid.crs", 9, "wrong shape",
     "a list"},
    {"text_for_map", "period: {start: 2018-01-01, end: 2018-12-31, spinup: 2}", "period: 2018",
     "period", 13, "wrong shape", "`2018`"},
    {"text_for_list", "  origin: [0, 15]", "  origin: 0", "grid.origin", 11, "wrong shape",
     "two numbers"},
    {"nothing", "  crs: EPSG:5070", "  crs:", "grid.crs", 9, "`grid.crs` has no value",
     "EPSG:5070"},
    {"null_word", "  key: STUSPS", "  key: ~", "region.key", 6, "has no value", "attribute"},
    {"empty_text", "  key: STUSPS", "  key: \"\"", "region.key", 6, "has no value", "text"},
    {"nested_list", "select: [IA, \"010\"]", "select: [IA, [NE]]", "region.select.1", 7,
     "wrong shape", "a list"},
    {"empty_select", "select: [IA, \"010\"]", "select: []", "region.select", 7, "no region", "all"},
    {"twice_selected", "select: [IA, \"010\"]", "select: [IA, IA]", "region.select.1", 7,
     "selected twice", "once"},
    {"three_numbers", "origin: [0, 15]", "origin: [0, 15, 2]", "grid.origin", 11, "no point",
     "3 numbers"}};
INSTANTIATE_TEST_SUITE_P(Shapes, BadConfigTest, ::testing::ValuesIn(bad_shapes));

const BadConfig bad_values[] = {
    {"version_text", "fluxtile: 1", "fluxtile: one", "fluxtile", 1, "no whole number", "`one`"},
    {"name_slash", "name: iowa-2018", "name: a/b", "name", 2, "file name", "letters"},
    {"name_dot", "name: iowa-2018", "name: .hidden", "name", 2, "file name", "beginning"},
    {"name_blank", "name: iowa-2018", "name: my run", "name", 2, "file name", "`my run`"},
    {"resolution_text", "resolution: 250", "resolution: 250m", "grid.resolution", 10, "no number",
     "`250m`"},
    {"resolution_zero", "resolution: 250", "resolution: 0", "grid.resolution", 10, "is 0",
     "above 0"},
    {"resolution_nan", "resolution: 250", "resolution: nan", "grid.resolution", 10, "out of range",
     "not below 0"},
    {"tile_fraction", "tile: 128", "tile: 12.5", "grid.tile", 12, "no whole number",
     "from 1 to 8192"},
    {"tile_huge", "tile: 128", "tile: 100000", "grid.tile", 12, "out of range", "from 1 to 8192"},
    {"tile_overflow", "tile: 128", "tile: 99999999999999999999", "grid.tile", 12, "no whole number",
     "8192"},
    {"date", "start: 2018-01-01", "start: 2018-02-30", "period.start", 13, "", "2018-02-30"},
    {"date_words", "end: 2018-12-31", "end: yesterday", "period.end", 13, "", "yesterday"},
    {"backwards", "end: 2018-12-31", "end: 2017-12-31", "period.end", 13, "ends before it starts",
     "2018-01-01"},
    {"spinup", "spinup: 2", "spinup: -1", "period.spinup", 13, "out of range", "from 0"},
    {"interval", "interval: 8d", "interval: weekly", "inputs.gpp.interval", 18, "", "weekly"},
    {"pattern", "gpp_%Y%j", "gpp_%Q", "inputs.gpp.time.pattern", 17, "", "%Q"},
    {"fill", "fill: linear", "fill: liner", "inputs.gpp.fill", 19, "unknown value",
     "did you mean linear?"},
    {"scale_zero", "scale: 0.01", "scale: 0", "inputs.gpp.scale", 21, "is 0", "other than 0"},
    {"scale_infinite", "scale: 0.01", "scale: inf", "inputs.gpp.scale", 21, "out of range", "inf"},
    {"nodata", "nodata: -9999", "nodata: none", "inputs.gpp.nodata", 23, "no number", "`none`"},
    {"resample", "resample: area", "resample: average", "inputs.gpp.resample", 24, "", "average"},
    {"max_gap", "max_gap: 40d", "max_gap: 40 weeks", "inputs.gpp.max_gap", 25, "", "40 weeks"},
    {"negative", "negative: keep", "negative: no", "inputs.gpp.negative", 26, "unknown value",
     "one of zero, keep"},
    {"dormant", "dormant: zero", "dormant: 0", "inputs.gpp.dormant", 27, "unknown value",
     "none, zero"},
    {"recipe", "recipe: gridmet", "recipe: gridmt", "inputs.climate.recipe", 30,
     "no climate recipe named `gridmt`", "did you mean gridmet?"},
    {"recipe_path", "recipe: gridmet", "recipe: ../recipes/gridmet", "inputs.climate.recipe", 30,
     "no climate recipe", "in one of"},
    {"term_empty", "recipe: gridmet", "recipe: {TMAX: {unit: K}}", "inputs.climate.recipe.TMAX", 30,
     "does not say how", "difference"},
    {"term_twice", "recipe: gridmet", "recipe: {TMAX: {variable: a, difference: [b, c], unit: K}}",
     "inputs.climate.recipe.TMAX", 30, "two ways", "`variable` and `difference`"},
    {"term_sources", "recipe: gridmet", "recipe: {TMAX: {difference: [b], unit: K}}",
     "inputs.climate.recipe.TMAX.difference", 30, "other sources", "two"},
    {"term_unit", "recipe: gridmet", "recipe: {TMAX: {variable: a}}",
     "inputs.climate.recipe.TMAX.unit", 30, "missing required key", "target unit"},
    {"variable", "recipe: gridmet", "recipe: gridmet\n    variables: {tmx: {unit: K}}",
     "inputs.climate.variables.tmx", 31, "no source variable `tmx`", "tmmx"},
    {"crop_both", "crop: {file: data/crop_2018.tif,", "crop: {file: a, files: b,", "inputs.crop",
     36, "one map or a map a year", "`file` and `files`"},
    {"crop_neither", "crop: {file: data/crop_2018.tif, ", "crop: {", "inputs.crop", 36,
     "one map or a map a year", "neither"},
    {"crop_undated", "crop: {file: data/crop_2018.tif,", "crop: {files: c_*.tif,",
     "inputs.crop.time", 36, "missing required key", "crop_%Y"},
    {"crop_code", "map: {1: 1,", "map: {corn: 1,", "inputs.crop.map.corn", 36, "no whole number",
     "`corn`"},
    {"crop_type", "map: {1: 1,", "map: {1: corn,", "inputs.crop.map.1", 36, "no whole number",
     "`corn`"},
    {"mode", "mode: majority", "mode: mode", "inputs.crop.mode", 36, "unknown value",
     "majority, fraction, nearest"},
    {"min_share", "min_share: 0.4", "min_share: 40", "inputs.crop.min_share", 36, "out of range",
     "from 0 to 1"},
    {"missing_year", "missing_year: rotation", "missing_year: next", "inputs.crop.missing_year", 36,
     "unknown value", "error, previous, rotation"},
    {"model_year", "year: as-is", "year: asis", "models.year", 41, "unknown value", "clamp"},
    {"blend", "blend: 5 km", "blend: 5", "models.blend", 42, "not a distance", "km"},
    {"variable_unknown", "variables: nee", "variables: neee", "outputs.products.2.variables", 48,
     "unknown value", "did you mean nee?"},
    {"variable_annual", "variables: nee", "variables: yield", "outputs.products.2.variables", 48,
     "total of the year", "annual"},
    {"period", "period: monthly", "period: month", "outputs.products.1.period", 47, "unknown value",
     "did you mean monthly?"},
    {"daily_geotiff", "      format: netcdf", "      format: [netcdf, geotiff]",
     "outputs.products.2.format.1", 50, "NetCDF only", "monthly"},
    {"same_product", "[nee], period: monthly, statistic: mean",
     "[nee], period: annual, statistic: sum", "outputs.products.1.variables.0", 47,
     "would be the same", "`nee`, annual sum as netcdf"},
    {"same_variable", "variables: [nee]", "variables: [nee, nee]", "outputs.products.1.variables.1",
     47, "would be the same", "twice"},
    {"engine", "engine: fused", "engine: tensorflow", "run.engine", 51, "unknown value",
     "auto, torch, fused"},
    {"device", "device: \"cuda:1\"", "device: gpu", "run.device", 51, "unknown value", "cuda:K"},
    {"device_number", "device: \"cuda:1\"", "device: \"cuda:-1\"", "run.device", 51, "no device",
     "cuda:0"},
    {"device_placeholder", "device: \"cuda:1\"", "device: cuda:K", "run.device", 51, "no device",
     "cuda:0"},
    {"precision", "precision: tf32", "precision: fp16", "run.precision", 51, "unknown value",
     "fp32, bf16, tf32"},
    {"threads", "threads: 3", "threads: 0", "run.threads", 51, "out of range", "from 1"},
    {"memory", "memory: 2GB", "memory: 2", "run.memory", 51, "not a size", "4GB"},
    {"failed_tiles", "max_failed_tiles: 5", "max_failed_tiles: some", "run.max_failed_tiles", 51,
     "no whole number", "`some`"},
    {"remote", "allow_remote: true", "allow_remote: yes", "run.allow_remote", 51,
     "neither true nor false", "`yes`"}};
INSTANTIATE_TEST_SUITE_P(Values, BadConfigTest, ::testing::ValuesIn(bad_values));

const BadConfig bad_syntax[] = {
    {"bracket", "origin: [0, 15]", "origin: [0, 15", "", 0, "not valid YAML", ""},
    {"tab", "  key: STUSPS", "\tkey: STUSPS", "", 0, "not valid YAML", "spaces"},
    {"documents", "grid:\n", "---\ngrid:\n", "", 0, "several YAML documents", "one"}};
INSTANTIATE_TEST_SUITE_P(Syntax, BadConfigTest, ::testing::ValuesIn(bad_syntax));

TEST_F(ConfigTest, OddFilesAreRefused) {
  for (const char* text : {"", "# nothing\n", "[1, 2]\n", "just words\n", "~\n", "&a [*a]\n",
                           "fluxtile: &a {x: *a}\n", "\xff\xfe\x00"}) {
    EXPECT_EQ(failure(text).code(), Code::data) << text;
  }
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 1; k < 10; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THAT(failure(bomb).message(), HasSubstr("without end"));
  EXPECT_EQ(failure("a: " + std::string(5000, '[')).code(), Code::data);
}

// Whatever happens to a file: an Error or a Config, never a crash or another exception.
TEST_F(ConfigTest, DamagedFilesNeverCrash) {
  std::mt19937 random(20180101);
  const std::string pieces[] = {"\n", "  ", "\t", ":", ": ", "- ",   "{",  "}",
                                "[",  "]",  "\"", "'", "&a", "*a",   "!!", "|",
                                ">",  "%",  "#",  "?", "~",  "\xff", "\r", "0"};
  const auto below = [&random](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  int refused = 0;
  constexpr int rounds = 1500;
  for (int round = 0; round < rounds; ++round) {
    std::string text = good_config;
    if (round % 3 == 0) {
      text.resize(below(text.size()));
    } else {
      for (size_t k = 0; k < 1 + below(6); ++k) {
        const size_t at = below(text.size());
        const std::string& piece = pieces[below(std::size(pieces))];
        if (round % 3 == 1) {
          text.insert(at, piece);
        } else {
          text.replace(at, 1 + below(20), piece);
        }
      }
    }
    try {
      read(text);
    } catch (const Error& error) {
      ++refused;
      ASSERT_TRUE(error.code() == Code::data) << error.what() << "\n" << text;
    }
  }
  EXPECT_GT(refused, rounds / 3);
}

TEST(ConfigurationReference, NamesEveryKeyOfTheSchema) {
  std::ifstream file(FLUXTILE_SOURCE_DIR "/docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  const auto expect_named = [&text](const YamlSchema& schema) {
    for (const auto& key : schema.keys()) {
      const bool element = key.path.size() > 2 && key.path.substr(key.path.size() - 2) == ".*";
      if (element) continue;
      std::string name = key.path;
      for (size_t at; (at = name.find(".*")) != std::string::npos;) name.replace(at, 2, ".NAME");
      EXPECT_THAT(text, HasSubstr("`" + name + "`"));
    }
  };
  expect_named(config_schema());
  expect_named(recipe_schema());
}

}  // namespace
}  // namespace fluxtile
