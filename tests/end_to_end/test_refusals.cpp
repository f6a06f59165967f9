// SPDX-License-Identifier: Apache-2.0
// Wrong inputs as users meet them: the exit code, one message that says what and where, and nothing
// half-written left behind.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <sstream>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;

/// One way to go wrong.
struct Wrong {
  std::string name;
  std::function<void(const fs::path& world)> damage;  ///< of a copy of the test world
  Words options;
  int code = 65;
  Words said;  ///< parts of the message
};

void PrintTo(const Wrong& wrong, std::ostream* stream) { *stream << wrong.name; }

void nothing(const fs::path&) {}

Words set(const std::string& assignment) { return {"--set", assignment}; }

std::function<void(const fs::path&)> replaced(const std::string& from, const std::string& to) {
  return [=](const fs::path& world) { replace_text(world / "run.yaml", from, to); };
}

std::function<void(const fs::path&)> removed(const std::string& file) {
  return [=](const fs::path& world) {
    if (!fs::remove(world / file)) throw std::runtime_error("no file " + file);
  };
}

std::function<void(const fs::path&)> truncated(const std::string& file) {
  return [=](const fs::path& world) {
    fs::resize_file(world / file, fs::file_size(world / file) / 2);
  };
}

std::function<void(const fs::path&)> overwritten(const std::string& file, const std::string& text) {
  return [=](const fs::path& world) { write_atomically((world / file).string(), text); };
}

void duplicate_composite(const fs::path& world) {
  const fs::path copy = world / "gpp" / "more" / "gpp_2018185.tif";
  fs::create_directory(world / "gpp" / "more");
  fs::copy(world / "gpp" / "gpp_2018185.tif", copy);
  change_cell(copy, 4, 4, 100);
}

/// Puts NaN into the last tensor and enters the right checksum.
void nan_weights(const fs::path& world) {
  const fs::path package = world / "models" / "demo-global";
  std::string bytes = read_file((package / "weights.safetensors").string());
  const std::string before = sha256(bytes);
  std::memcpy(&bytes[bytes.size() - 4], "\x00\x00\xc0\x7f", 4);
  write_atomically((package / "weights.safetensors").string(), bytes);
  replace_text(package / "model.yaml", before, sha256(bytes));
}

void flipped_weights(const fs::path& world) {
  const std::string file = (world / "models" / "demo-global" / "weights.safetensors").string();
  std::string bytes = read_file(file);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  write_atomically(file, bytes);
}

/// One composite no longer says that it is synthetic.
void observed_composite(const fs::path& world) {
  replace_text(world / "gpp" / "gpp_2018185.tif", "FLUXTILE_SYNTHETIC", "NOTHING_OF_ANY_USE");
}

const std::vector<Wrong> wrongs = {
    {"NoConfiguration",
     [](const fs::path& world) { fs::remove(world / "run.yaml"); },
     {},
     65,
     {"run.yaml"}},
    {"BrokenYaml", replaced("name: test", "name: [test"), {}, 65, {"run.yaml", "line"}},
    {"UnknownKey",
     replaced("interval: 8d", "intervall: 8d"),
     {},
     65,
     {"intervall", "line", "did you mean interval?"}},
    {"DuplicateKey", replaced("name: test", "name: test\nname: again"), {}, 65, {"name", "line 4"}},
    {"NewerFormat", nothing, set("fluxtile=2"), 65, {"fluxtile", "1"}},
    {"MisspeltRegion",
     nothing,
     set("region.select=[Soth]"),
     65,
     {"regions.geojson", "region.select", "Soth", "South"}},
    {"MisspeltRegionKey",
     nothing,
     set("region.key=regin"),
     65,
     {"regions.geojson", "regin", "region"}},
    {"NoBoundaries", removed("regions.geojson"), {}, 65, {"regions.geojson", "region.boundaries"}},
    {"BoundariesAreNoVector",
     overwritten("regions.geojson", "not a vector"),
     {},
     65,
     {"regions.geojson"}},
    {"UnknownGridCrs", nothing, set("grid.crs=EPSG:99999"), 65, {"grid.crs", "EPSG:99999"}},
    {"GridCrsThatIsNone", nothing, set("grid.crs=nonsense"), 65, {"grid.crs", "nonsense"}},
    {"NoGpp", nothing, set("inputs.gpp.files=gpp/none_*.tif"), 65, {"inputs.gpp.files", "none_"}},
    {"WrongPattern",
     nothing,
     set("inputs.gpp.time.pattern=ndvi_%Y%j"),
     65,
     {"gpp_2017001", "ndvi_%Y%j"}},
    {"DuplicateComposite",
     duplicate_composite,
     {"--set", "inputs.gpp.files=[@/gpp/*.tif, @/gpp/more/*.tif]"},
     65,
     {"gpp_2018185.tif", "2018-07-04"}},
    {"TruncatedComposite",
     truncated("gpp/gpp_2018185.tif"),
     {"--set", "region.select=[South]", "--set", "models.regions={}", "--set", "period.spinup=0"},
     1,
     {"gpp_2018185.tif", "truncated", "run.max_failed_tiles", "4 tiles failed"}},
    {"EmptyComposite", overwritten("gpp/gpp_2018185.tif", ""), {}, 65, {"gpp_2018185.tif"}},
    {"CompositeOfAnotherKind",
     overwritten("gpp/gpp_2018185.tif", "<html>login</html>"),
     {},
     65,
     {"gpp_2018185.tif"}},
    {"UnknownUnit", nothing, set("inputs.gpp.unit=furlongs"), 65, {"inputs.gpp.unit", "furlongs"}},
    {"UnitOfAnotherQuantity", nothing, set("inputs.soil.TSAND.unit=degC"), 65, {"TSAND", "degC"}},
    {"ClimateDoesNotCover",
     nothing,
     set("period.end=2019-12-31"),
     65,
     {"inputs.climate.files", "2019-01-01"}},
    {"ClimateVariableIsMissing",
     [](const fs::path& world) {
       fs::remove(world / "climate" / "srad_2017.nc");
       fs::remove(world / "climate" / "srad_2018.nc");
     },
     {},
     65,
     {"srad"}},
    {"ClimateYearIsMissing", removed("climate/tmmx_2018.nc"), {}, 65, {"tmmx"}},
    {"TruncatedClimate", truncated("climate/tmmx_2018.nc"), {}, 65, {"tmmx_2018.nc"}},
    {"UnknownRecipe",
     nothing,
     set("inputs.climate.recipe=gridmt"),
     65,
     {"inputs.climate.recipe", "gridmet"}},
    {"NoSoilFile", removed("soil/ph.tif"), {}, 65, {"ph.tif", "TPH"}},
    {"SoilInputIsMissing",
     replaced("    TPH: {file: soil/ph.tif, unit: \"1\"}\n", ""),
     {},
     65,
     {"TPH"}},
    {"CropYearIsMissing", removed("crop/crop_2018.tif"), {}, 65, {"crop", "2018"}},
    {"NoSuchModel", nothing, set("models.default=globel"), 65, {"globel", "models"}},
    {"NoSuchRegionalModel", nothing, set("models.regions.North=nort"), 65, {"nort"}},
    {"NoWeights",
     removed("models/demo-global/weights.safetensors"),
     {},
     65,
     {"weights.safetensors"}},
    {"FlippedWeights", flipped_weights, {}, 65, {"weights.safetensors", "sha256"}},
    {"TruncatedWeights",
     truncated("models/demo-global/weights.safetensors"),
     {},
     65,
     {"weights.safetensors"}},
    {"NanWeights", nan_weights, {}, 65, {"weights.safetensors", "gru_basic"}},
    {"SyntheticModelOnObservations", observed_composite, {}, 65, {"--allow-synthetic-model"}},
    {"UnknownVariable",
     nothing,
     set("outputs.products.0.variables=[ra, gppp]"),
     65,
     {"gppp", "gpp"}},
    {"MonthlyYield",
     nothing,
     set("outputs.products.1={variables: yield, period: monthly, statistic: sum, format: netcdf}"),
     65,
     {"yield", "annual"}},
    {"DailyGeotiff",
     nothing,
     set("outputs.products.1={variables: nee, period: daily, statistic: mean, format: geotiff}"),
     65,
     {"daily", "netcdf"}},
    {"PeriodBackwards", nothing, set("period.end=2017-12-31"), 65, {"period"}},
    {"NoSuchDay", nothing, set("period.start=2018-02-30"), 65, {"period.start", "2018-02-30"}},
    {"TooLittleMemory", nothing, {"--memory", "60MB"}, 65, {"run.memory", "at least", "MiB"}},
    {"MemoryThatIsNone", nothing, {"--memory", "lots"}, 65, {"run.memory", "lots"}},
    {"UnknownEngine", nothing, set("run.engine=warp"), 65, {"run.engine", "torch"}},
    {"NoGpu", nothing, set("run.device=cuda:7"), 65, {"run.device"}},
    {"ShardOutOfRange", nothing, {"--shard", "3/3"}, 64, {"--shard"}},
    {"UnknownOption", nothing, {"--fersh"}, 64, {"--fersh"}},
    {"OutputIsAFile",
     overwritten("taken", "a file"),
     set("outputs.directory=@/taken"),
     73,
     {"taken"}},
};

class Refusals : public Workplace, public testing::WithParamInterface<Wrong> {
 protected:
  static void expect_one_message(const Outcome& outcome, const Words& parts) {
    EXPECT_EQ("", outcome.out);
    size_t messages = 0;
    for (size_t at = outcome.err.find("fluxtile: error:"); at != std::string::npos;
         at = outcome.err.find("fluxtile: error:", at + 1)) {
      ++messages;
    }
    EXPECT_EQ(1U, messages) << outcome.err;
    for (const auto& part : parts) EXPECT_THAT(outcome.err, HasSubstr(part));
  }
  static void expect_nothing_half_written(const fs::path& outputs) {
    if (!fs::is_directory(outputs)) return;
    EXPECT_EQ(0U, count_files(outputs, ".part"));
    EXPECT_FALSE(fs::exists(outputs / "run.json"));
    EXPECT_TRUE(products(outputs).empty());
  }
};

TEST_P(Refusals, OneMessageAndNothingLeft) {
  const Wrong& wrong = GetParam();
  const fs::path world = folder() / "w";
  copy_world(test_world(), world);
  wrong.damage(world);
  Words options;
  for (std::string option : wrong.options) {
    for (size_t at = option.find('@'); at != std::string::npos; at = option.find('@'))
      option.replace(at, 1, world.string());
    options.push_back(option);
  }
  const Outcome outcome = fluxtile(words("run", world, world / "out", options));
  EXPECT_EQ(wrong.code, outcome.code) << outcome.err;
  expect_one_message(outcome, wrong.said);
  expect_nothing_half_written(world / "out");
}

INSTANTIATE_TEST_SUITE_P(Inputs, Refusals, testing::ValuesIn(wrongs),
                         [](const testing::TestParamInfo<Wrong>& one) { return one.param.name; });

class RefusalsOfPlaces : public Refusals {};  // by circumstances, not by input

TEST_F(RefusalsOfPlaces, UnwritableFolder) {
  // Root may write anywhere except where nobody can.
  const std::string place = geteuid() == 0 ? "/proc/fluxtile" : "/fluxtile";
  const Outcome outcome = fluxtile(words("run", test_world(), place));
  EXPECT_EQ(73, outcome.code) << outcome.err;
  expect_one_message(outcome, {place});
}

TEST_F(RefusalsOfPlaces, FullDisk) {
  const fs::path disk = folder() / "disk";
  fs::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here: " << std::strerror(errno);
  const Outcome outcome = fluxtile(words("run", test_world(), disk / "out"));
  EXPECT_TRUE(outcome.code == 73 || outcome.code == 74) << outcome.code << outcome.err;
  expect_one_message(outcome, {"space"});
  expect_nothing_half_written(disk / "out");
  EXPECT_EQ(0, umount(disk.c_str()));
}

TEST_F(RefusalsOfPlaces, SmallestMemoryThatWorksWorks) {
  const Words options = {"--set", "region.select=[South]", "--set", "models.regions={}",
                         "--set", "period.spinup=0"};
  Words less = options;
  less.insert(less.end(), {"--memory", "60MB"});
  const Outcome refused = fluxtile(words("run", test_world(), folder() / "out", less));
  EXPECT_EQ(65, refused.code);
  const size_t at = refused.err.find("at least ");
  ASSERT_NE(std::string::npos, at) << refused.err;
  std::istringstream text(refused.err.substr(at + 9));
  int mebibytes = 0;
  text >> mebibytes;
  Words enough = options, short_by_two = options;
  enough.insert(enough.end(), {"--memory", std::to_string(mebibytes) + "MiB"});
  short_by_two.insert(short_by_two.end(), {"--memory", std::to_string(mebibytes - 2) + "MiB"});
  EXPECT_EQ(65, fluxtile(words("run", test_world(), folder() / "out", short_by_two)).code);
  run(test_world(), folder() / "out", enough);
  const Json memory = run_record(folder() / "out").at("memory");
  EXPECT_LE(memory.at("peak_bytes").get<int64_t>(), memory.at("promised_bytes").get<int64_t>());
}

TEST_F(RefusalsOfPlaces, MergeAndStatusWithoutARun) {
  for (const std::string verb : {"merge", "status"}) {
    const Outcome outcome = fluxtile(words(verb, test_world(), folder() / "out"));
    EXPECT_EQ(65, outcome.code);
    expect_one_message(outcome, {"run.yaml", "fluxtile run"});
    EXPECT_FALSE(fs::exists(folder() / "out"));
  }
}

TEST_F(RefusalsOfPlaces, EarlierProductsStayWholeWhenALaterRunIsRefused) {
  const fs::path world = folder() / "w";
  copy_world(test_world(), world);
  const Words options = {"--set", "region.select=[South]", "--set", "models.regions={}",
                         "--set", "period.spinup=0"};
  run(world, world / "out", options);
  const Contents before = products(world / "out");
  truncated("gpp/gpp_2018185.tif")(world);
  const Outcome refused = fluxtile(words("run", world, world / "out", options));
  EXPECT_NE(0, refused.code);
  EXPECT_EQ("", differences(before, products(world / "out")));
  EXPECT_EQ(0, fluxtile({"verify", (world / "out").string()}).code);
}

}  // namespace
}  // namespace fluxtile::end_to_end
