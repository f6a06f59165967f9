// SPDX-License-Identifier: Apache-2.0
// Inputs made to do harm, given to the built command: nothing outside the output folder changes,
// and what names bring along is text wherever it turns up.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/atomic_file.h"
#include "workplace.h"

namespace fluxtile::end_to_end {
namespace {

using testing::HasSubstr;
using testing::Not;

const Words synthetic = {"--set", "period.spinup=0"};

class Hostile : public Workplace {
 protected:
  Hostile() : world_(folder() / "here" / "w") {
    fs::create_directories(world_.parent_path());
    copy_world(test_world(), world_);
  }

  [[nodiscard]] const fs::path& world() const { return world_; }

  /// Everything under the test's folder, but for the outputs, with sizes and times.
  [[nodiscard]] std::map<std::string, std::string> surroundings() const {
    std::map<std::string, std::string> all;
    for (fs::recursive_directory_iterator entry(folder()), end; entry != end; ++entry) {
      if (entry->path() == world_ / "out") {
        entry.disable_recursion_pending();
        continue;
      }
      struct stat info {};
      ::lstat(entry->path().c_str(), &info);
      all[entry->path().string()] = entry->is_directory()
                                        ? "a folder"
                                        : std::to_string(info.st_size) + " " +
                                              std::to_string(info.st_mtim.tv_sec) + "." +
                                              std::to_string(info.st_mtim.tv_nsec);
    }
    return all;
  }

  void rename_region(const std::string& from, const std::string& to) const {
    replace_text(world_ / "regions.geojson", "\"" + from + "\"", Json(to).dump());
  }

  [[nodiscard]] Outcome run_here(const Words& more) const {
    Words all = words("run", world_, world_ / "out", synthetic);
    all.insert(all.end(), more.begin(), more.end());
    return fluxtile(all);
  }

 private:
  fs::path world_;
};

TEST_F(Hostile, NamesOfRegionsStayTextEverywhere) {
  const std::string script = "<script>alert('x')</script>&\"";
  rename_region("North", "../../../escape");
  rename_region("South", "=cmd|' /C calc'!A0");
  rename_region("East", script);
  const auto before = surroundings();
  const Outcome outcome =
      run_here({"--set", "models.regions={}", "--timeline", (world() / "out" / "t.svg").string()});
  ASSERT_EQ(0, outcome.code) << outcome.err;
  EXPECT_EQ(before, surroundings());
  EXPECT_FALSE(fs::exists(folder() / "escape"));

  const Contents files = contents(world() / "out");
  size_t maps = 0;
  for (const auto& [name, bytes] : files) {
    EXPECT_EQ(std::string::npos, name.find_first_of("/<>\"' =|")) << name;
    maps += name.find("%2E.%2F..%2F..%2Fescape") != std::string::npos ? 1 : 0;
    const bool markup = name.find(".html") != std::string::npos ||
                        name.find(".qml") != std::string::npos ||
                        name.find(".svg") != std::string::npos;
    if (markup) {
      EXPECT_THAT(bytes, Not(HasSubstr("<script>alert"))) << name;
    }
    if (name.find(".json") != std::string::npos) {
      EXPECT_NO_THROW(Json::parse(bytes)) << name;
    }
  }
  EXPECT_GT(maps, 3U);
  EXPECT_THAT(files.at("report.html"), HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"));
  const std::string summary = files.at("test_summary.csv");
  EXPECT_THAT(summary, HasSubstr("\n'=cmd|' /C calc'!A0,"));
  EXPECT_THAT(summary, Not(HasSubstr("\n=cmd")));
  EXPECT_EQ(0, fluxtile({"verify", (world() / "out").string()}).code);
}

TEST_F(Hostile, ARecordRemovesNothingButProductsOfItsRun) {
  const Words one = {"--set", "region.select=[South]", "--set", "models.regions={}"};
  ASSERT_EQ(0, run_here(one).code);
  const fs::path out = world() / "out";
  write_atomically((out / "notes.txt").string(), "mine");
  write_atomically((out / "test_old_nee_annual.tif").string(), "a former product");
  fs::create_directory(out / "empty");
  // As if an earlier run had written these.
  Json record = run_record(out);
  record["product_key"] = "another";
  for (const char* name :
       {"notes.txt", "empty", "test_old_nee_annual.tif", ".fluxtile", "run.json"})
    record["products"].push_back({{"file", name}, {"bytes", 1}, {"sha256", "00"}});
  write_atomically((out / "run.json").string(), record.dump());
  ASSERT_EQ(0, run_here(one).code);
  EXPECT_TRUE(fs::exists(out / "notes.txt"));
  EXPECT_TRUE(fs::exists(out / "empty"));
  EXPECT_FALSE(fs::exists(out / "test_old_nee_annual.tif"));

  record["products"].push_back({{"file", "../run.yaml"}, {"bytes", 1}, {"sha256", "00"}});
  write_atomically((out / "run.json").string(), record.dump());
  ASSERT_EQ(0, run_here(one).code);
  EXPECT_TRUE(fs::exists(world() / "run.yaml"));
}

TEST_F(Hostile, AProductThatIsALinkIsReplacedNotFollowed) {
  const Words one = {"--set", "region.select=[South]", "--set", "models.regions={}"};
  const fs::path victim = folder() / "victim";
  write_atomically(victim.string(), "precious");
  fs::create_directory(world() / "out");
  for (const char* name : {"test_South_nee_annual.tif", "run.json", "report.html",
                           "test_summary.csv", "test_South_annual.nc"})
    fs::create_symlink(victim, world() / "out" / name);
  // run.json leads to something that is no record: no other run owns the folder.
  const Outcome outcome = run_here(one);
  ASSERT_EQ(0, outcome.code) << outcome.err;
  EXPECT_EQ("precious", read_file(victim.string()));
  EXPECT_FALSE(fs::is_symlink(world() / "out" / "test_South_nee_annual.tif"));
  EXPECT_FALSE(fs::is_symlink(world() / "out" / "run.json"));
}

/// Refused with 65 and these words, nothing but the output folder touched.
struct Attack {
  const char* name;
  std::function<void(const fs::path& world)> prepare;
  Words options, said;
};

void PrintTo(const Attack& attack, std::ostream* stream) { *stream << attack.name; }

void overwrite(const fs::path& file, const std::string& text) {
  fs::remove(file);
  write_atomically(file.string(), text);
}

std::string laughs() {
  std::string text = "a0: &a0 [l, l, l, l, l, l, l, l, l]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string n = std::to_string(i), alias = "*a" + std::to_string(i - 1);
    text += "a" + n + ": &a" + n + " [";
    for (int k = 0; k < 9; ++k) text += (k > 0 ? "," : "") + alias;
    text += "]\n";
  }
  return text;
}

const std::vector<Attack> attacks = {
    {"BillionLaughs",
     [](const fs::path& w) { overwrite(w / "run.yaml", laughs()); },
     {},
     {"grows without end", "run.yaml"}},
    {"DeepYaml",
     [](const fs::path& w) { overwrite(w / "run.yaml", std::string(500000, '[')); },
     {},
     {"nested too deeply"}},
    {"ConfigWithoutEnd",
     [](const fs::path& w) {
       fs::remove(w / "run.yaml");
       fs::create_symlink("/dev/zero", w / "run.yaml");
     },
     {},
     {"too large"}},
    {"NameThatIsAPath", [](const fs::path&) {}, {"--set", "name=../x"}, {"file name"}},
    {"NulInAPath",
     [](const fs::path& w) {
       replace_text(w / "run.yaml", "boundaries: regions.geojson",
                    "boundaries: \"regions.geojson\\0.x\"");
     },
     {},
     {"NUL character"}},
    {"WeightsElsewhere",
     [](const fs::path& w) {
       const fs::path model = w / "models" / "demo-global" / "model.yaml";
       replace_text(model, "file: weights.safetensors", "file: ../demo-iowa/weights.safetensors");
     },
     {},
     {"the weights lie beside model.yaml"}},
    {"WeightsThatNeverEnd",
     [](const fs::path& w) {
       const fs::path weights = w / "models" / "demo-global" / "weights.safetensors";
       fs::remove(weights);
       fs::create_symlink("/dev/zero", weights);
     },
     {},
     {"no plain file"}},
    {"TorchScript",
     [](const fs::path& w) {
       const fs::path model = w / "models" / "demo-global" / "model.yaml";
       write_atomically(model.string(),
                        read_file(model.string()) + "\nformat: torchscript\ntrusted: true\n");
     },
     {},
     {"safetensors"}},
    {"AliasesInAModel",
     [](const fs::path& w) {
       const fs::path model = w / "models" / "demo-global" / "model.yaml";
       write_atomically(model.string(), laughs() + read_file(model.string()));
     },
     {},
     {"grows without end", "model.yaml"}},
    {"RegionsFromTheNetwork",
     [](const fs::path&) {},
     {"--set", "region.boundaries=https://example.org/a.geojson"},
     {"network", "allow_remote"}},
    {"RegionsFromADatabase",
     [](const fs::path& w) {
       overwrite(w / "regions.geojson",
                 "<OGRVRTDataSource><OGRVRTLayer name=\"x\"><SrcDataSource>PG:host=127.0.0.1"
                 "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>");
     },
     {},
     {"regions.geojson", "GDAL cannot open"}},
    {"GridOfBillions",
     [](const fs::path&) {},
     {"--set", "grid.resolution=0.00001"},
     {"too many cells", "grid.resolution"}},
    {"HugeCoordinates",
     [](const fs::path& w) {
       overwrite(w / "regions.geojson",
                 R"({"type":"FeatureCollection","features":[{"type":"Feature","properties":)"
                 R"({"region":"x"},"geometry":{"type":"Polygon","coordinates":)"
                 R"([[[1e300,0],[-1e300,0],[0,1e300],[1e300,0]]]}}]})");
     },
     {"--set", "models.regions={}"},
     {"region x leaves the earth", "regions.geojson"}},
    {"ClimateFromTheNetwork",
     [](const fs::path&) {},
     {"--set", "inputs.climate.files=https://example.org/tmmx_2018.nc"},
     {"https"}},
    {"LongUnit",
     [](const fs::path&) {},
     {"--set", "inputs.gpp.unit=" + std::string(50000, '(')},
     {"unit"}},
};

class HostileInputs : public Hostile, public testing::WithParamInterface<Attack> {};

TEST_P(HostileInputs, AreRefused) {
  const Attack& attack = GetParam();
  attack.prepare(world());
  const auto before = surroundings();
  const Outcome outcome = run_here(attack.options);
  EXPECT_EQ(65, outcome.code) << outcome.err;
  for (const auto& part : attack.said) EXPECT_THAT(outcome.err, HasSubstr(part));
  EXPECT_EQ(before, surroundings());
  EXPECT_FALSE(fs::exists(world() / "out" / "run.json"));
  EXPECT_LT(outcome.seconds, 20);
}

INSTANTIATE_TEST_SUITE_P(All, HostileInputs, testing::ValuesIn(attacks),
                         [](const testing::TestParamInfo<Attack>& one) { return one.param.name; });

TEST_F(Hostile, ANameCannotForgeALineOfTheLog) {
  rename_region("North", "x\n12:00:00 info all is well\x1b[2J");
  const Outcome outcome = run_here({"--set", "models.regions={}"});
  EXPECT_EQ(65, outcome.code);
  EXPECT_THAT(outcome.err, HasSubstr("control characters"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\n12:00:00")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b[2J")));
  const Outcome seen = fluxtile({"inspect", (world() / "regions.geojson").string()});
  EXPECT_EQ(0, seen.code);
  EXPECT_THAT(seen.out, Not(HasSubstr("\x1b[2J")));
}

}  // namespace
}  // namespace fluxtile::end_to_end
