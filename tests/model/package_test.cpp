// SPDX-License-Identifier: Apache-2.0
#include "model/package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "synthetic_model.h"

namespace fluxtile::test {
namespace {

using testing::HasSubstr;

class PackageFolder : public testing::Test {
 protected:
  void SetUp() override {
    if (!sha256_available()) GTEST_SKIP() << "packages are written with SHA-256 (OpenSSL)";
    package_ = random_package(1);
    package_.region = "010";
    package_.inputs[0].min = 0;
    package_.inputs[0].max = 45.5;
    package_.inputs[0].source = "NLDAS-2: version \"2\"";
    package_.synthetic = true;
    package_.training = R"({"data":"a, b: {c}","epochs":3,"scores":{"R2":0.9}})";
    save_package(package_, folder_.path());
  }

  [[nodiscard]] std::string yaml() const { return read_file(folder_.path("model.yaml")); }
  void write_yaml(const std::string& text) const {
    write_atomically(folder_.path("model.yaml"), text);
  }
  /// Replaces the first match; the text must contain it.
  void replace(const std::string& from, const std::string& to) const {
    std::string text = yaml();
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_yaml(text.replace(at, from.size(), to));
  }
  /// The block stands last.
  static std::string without_training(const std::string& text) {
    return text.substr(0, text.find("training:\n"));
  }
  [[nodiscard]] Error refusal() const {
    try {
      (void)load_package(folder_.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data);
      return error;
    }
    ADD_FAILURE() << "accepted";
    return Error(Code::internal, "");
  }
  /// Saves changed tensors with their right hash, as a user's own script would.
  void write_tensors(const std::function<void(Tensors&)>& change) {
    change(package_.tensors);
    save_package(package_, folder_.path());
  }

  TemporaryFolder folder_;
  Package package_;
};

TEST_F(PackageFolder, LoadsWhatItSaves) {
  const auto loaded = load_package(folder_.path());
  EXPECT_EQ(loaded->architecture, "kgml-ag-c");
  EXPECT_EQ(loaded->region, "010");
  EXPECT_EQ(loaded->input_names(), package_.input_names());
  EXPECT_EQ(loaded->inputs[0].max, 45.5);
  EXPECT_EQ(loaded->inputs[0].source, package_.inputs[0].source);
  EXPECT_FALSE(loaded->inputs[1].min.has_value());
  EXPECT_EQ(loaded->outputs[2].scaler.std, package_.outputs[2].scaler.std);
  EXPECT_EQ(loaded->scalers.at("Yield").mean, 300);
  EXPECT_TRUE(loaded->synthetic);
  const auto training = nlohmann::json::parse(loaded->training);
  EXPECT_EQ(training["data"], "a, b: {c}");
  EXPECT_EQ(training["epochs"], 3);
  EXPECT_EQ(loaded->tensors.at("attn.6.bias").bytes, package_.tensors.at("attn.6.bias").bytes);
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_EQ(loaded->input("TSOC").unit, "gC kg-1");
  EXPECT_THROW((void)loaded->input("SOC"), Error);

  TemporaryFolder second;
  save_package(*loaded, second.path());
  EXPECT_EQ(read_file(second.path("model.yaml")), yaml());
  EXPECT_EQ(read_file(second.path("weights.safetensors")),
            read_file(folder_.path("weights.safetensors")));
}

TEST_F(PackageFolder, DigestCoversWhatDecidesValuesAndNothingElse) {
  const std::string digest = load_package(folder_.path())->digest;
  EXPECT_EQ(digest.size(), 32u);
  const auto digest_after = [&](const std::function<void(Package&)>& change) {
    Package changed = *load_package(folder_.path());
    change(changed);
    TemporaryFolder other;
    save_package(changed, other.path());
    return load_package(other.path())->digest;
  };
  EXPECT_EQ(digest_after([](Package& p) { p.name = "other"; }), digest);
  EXPECT_EQ(digest_after([](Package& p) { p.training = "{}"; }), digest);
  EXPECT_NE(digest_after([](Package& p) { p.inputs[3].scaler.mean += 1e-9; }), digest);
  EXPECT_NE(digest_after([](Package& p) { p.inputs[3].max = 0; }), digest);
  EXPECT_NE(digest_after([](Package& p) { p.scalers["Residue"].std *= 2; }), digest);
  EXPECT_NE(digest_after([](Package& p) { p.outputs[1].scaler.std *= 2; }), digest);
  EXPECT_NE(digest_after([](Package& p) { p.tensors["attn.6.bias"].bytes[0] ^= 1; }), digest);
}

TEST_F(PackageFolder, RefusesUnknownAndDuplicateKeysWithTheirLine) {
  replace("name: random", "name: random\nweigths: 3");
  Error error = refusal();
  EXPECT_THAT(error.message(), HasSubstr("weigths"));
  EXPECT_EQ(error.line(), 4);
  EXPECT_THAT(error.hint(), HasSubstr("weights"));
  EXPECT_EQ(error.file(), folder_.path("model.yaml"));

  replace("weigths: 3", "name: again");
  error = refusal();
  EXPECT_THAT(error.message(), HasSubstr("twice"));
  EXPECT_EQ(error.line(), 4);
  replace("name: again\n", "");

  replace("mean: 17", "mean: 17, Mean: 3");
  EXPECT_EQ(refusal().key(), "inputs[1].Mean");
  replace("mean: 17, Mean: 3", "mean: 17, mean: 3");
  EXPECT_EQ(refusal().key(), "inputs[1].mean");
  replace("mean: 17, mean: 3", "mean: 17");
  replace("  epochs: 3\n", "  epochs: 3\n  epochs: 4\n");
  EXPECT_EQ(refusal().key(), "training.epochs");
}

TEST_F(PackageFolder, RefusesWrongValues) {
  const std::string whole = yaml();
  const auto refused = [&](const std::string& from, const std::string& to) {
    write_yaml(whole);
    replace(from, to);
    const Error error = refusal();
    EXPECT_FALSE(error.file().empty()) << to;
    return error;
  };
  EXPECT_THAT(refused("mean: 17", "mean: 17x").key(), "inputs[1].mean");
  EXPECT_THAT(refused("mean: 17", "mean: .nan").key(), "inputs[1].mean");
  EXPECT_THAT(refused("mean: 17", "mean: nan").key(), "inputs[1].mean");
  EXPECT_THAT(refused("mean: 17", "mean: [1]").key(), "inputs[1].mean");
  EXPECT_THAT(refused("std: 12}", "std: 0}").key(), "inputs[1].std");
  EXPECT_THAT(refused("std: 12}", "std: -1}").key(), "inputs[1].std");
  EXPECT_THAT(refused("std: 12}", "sdt: 12}").key(), "inputs[1].sdt");
  EXPECT_THAT(refused(", std: 12}", "}").key(), "inputs[1].std");
  EXPECT_THAT(refused("min: 0", "min: 50").key(), "inputs[0].min");
  EXPECT_THAT(refused("fluxtile-model: 1", "fluxtile-model: 2").key(), "fluxtile-model");
  EXPECT_THAT(refused("kgml-ag-c", "kgml-ag-n").hint(), HasSubstr("kgml-ag-c"));
  EXPECT_THAT(refused("name: random\n", "").key(), "name");
  EXPECT_THAT(refused("name: random\n", "name: random\nformat: torchscript\n").key(), "format");
  EXPECT_THAT(refused("Residue:", "residue:").message(), HasSubstr("residue"));
  EXPECT_THAT(refused("sign: negative-is-uptake", "sign: negative").key(), "outputs[2].sign");
  EXPECT_THAT(refused("sign: negative-is-release", "sign: positive-is-release").message(),
              HasSubstr("Ra"));
  EXPECT_THAT(refused("name: Rh", "name: Reco").found(), HasSubstr("Reco"));
  EXPECT_THAT(refused("file: weights.safetensors", "file: ../weights.safetensors").key(),
              "weights.file");
  EXPECT_THAT(refused("file: weights.safetensors", "file: /dev/zero").key(), "weights.file");
  EXPECT_THAT(refused("sha256: ", "sha256: 00").key(), "weights.sha256");
  EXPECT_THAT(refused("synthetic: true", "synthetic: 1").key(), "training.synthetic");
  EXPECT_THAT(refused("training:\n", "training: [{\n").message(), HasSubstr("YAML"));
  EXPECT_THAT(refused("name: GPP, unit: gC m-2 d-1", "name: GPP, unit: kgC m-2 d-1").found(),
              "kgC m-2 d-1");
  write_yaml("");
  EXPECT_EQ(refusal().code(), Code::data);
  write_yaml("- 1");
  EXPECT_EQ(refusal().code(), Code::data);
}

TEST_F(PackageFolder, RefusesOtherInputsThanTheNineteenInOrder) {
  replace("name: RADN", "name: RADM");
  EXPECT_THAT(refusal().hint(), HasSubstr("RADN"));
  replace("name: RADM", "name: TMAX_AIR");
  replace("name: TMAX_AIR", "name: swapped");
  const std::string text = yaml();
  write_yaml(std::regex_replace(text, std::regex("  - \\{name: TCEC.*\n"), ""));
  EXPECT_EQ(refusal().key(), "inputs");
}

TEST_F(PackageFolder, RefusesSwappedInputs) {
  std::swap(package_.inputs[2], package_.inputs[3]);
  save_package(package_, folder_.path());
  const Error error = refusal();
  EXPECT_THAT(error.found(), HasSubstr("HMAX_AIR at place 3"));
  EXPECT_EQ(error.expected(), "TDIF_AIR");
  EXPECT_THAT(error.hint(), HasSubstr("order"));
}

TEST_F(PackageFolder, RefusesOtherWeightsThanItsHash) {
  std::string bytes = read_file(folder_.path("weights.safetensors"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_atomically(folder_.path("weights.safetensors"), bytes);
  EXPECT_EQ(refusal().key(), "weights.sha256");
  std::filesystem::remove(folder_.path("weights.safetensors"));
  EXPECT_EQ(refusal().code(), Code::data);
}

TEST_F(PackageFolder, RefusesTensorsThatDoNotFit) {
  const Tensors whole = package_.tensors;
  const auto refused = [&](const std::function<void(Tensors&)>& change) {
    write_tensors([&](Tensors& tensors) {
      tensors = whole;
      change(tensors);
    });
    return refusal();
  };
  EXPECT_EQ(refused([](Tensors& t) { t.erase("densor_Ra.bias"); }).key(), "densor_Ra.bias");
  EXPECT_THAT(
      refused([](Tensors& t) { t["gru_basic.weight_hh_l2"] = t["gru_basic.weight_hh_l1"]; }).hint(),
      HasSubstr("gru_basic.weight_hh_l"));
  EXPECT_EQ(refused([](Tensors& t) {
              t["gru_Ra.weight_ih_l0"].shape = {83, 192};
            }).found(),
            "[83,192]");
  EXPECT_EQ(refused([](Tensors& t) {
              t["densor_Ra.bias"] = Tensor::of<double>(DType::F64, {1}, {1.0});
            }).expected(),
            "F32");
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Error error = refused([&](Tensors& t) {
      auto* values = reinterpret_cast<float*>(t["gru_NEE.bias_hh_l0"].bytes.data());
      values[17] = wrong;
    });
    EXPECT_EQ(error.key(), "gru_NEE.bias_hh_l0");
    EXPECT_THAT(error.found(), HasSubstr("element 17"));
  }
}

TEST_F(PackageFolder, ReadsYamlOfOtherWriters) {
  // Block style, quoted numbers as text, a code with a leading zero, capital hex digits.
  std::string text = yaml();
  const std::string hash = load_package(folder_.path())->weights_sha256;
  std::string capitals = hash;
  for (char& c : capitals) c = static_cast<char>(std::toupper(c));
  text = std::regex_replace(text, std::regex("\"?" + hash + "\"?"), "\"" + capitals + "\"");
  text = without_training(text) +
         "training:\n  synthetic: false\n  county: 010\n  zip: '50011'\n"
         "  lr: 1e-3\n  list: [1, null, no]\n"
         "parent:\n  name: global\n  sha256: " +
         hash + "\n";
  write_yaml(text);
  const auto package = load_package(folder_.path());
  EXPECT_FALSE(package->synthetic);
  EXPECT_EQ(package->parent_name, "global");
  EXPECT_EQ(package->parent_sha256, hash);
  const auto training = nlohmann::json::parse(package->training);
  EXPECT_EQ(training["county"], "010");
  EXPECT_EQ(training["zip"], "50011");
  EXPECT_EQ(training["lr"], 1e-3);
  EXPECT_EQ(training["list"].dump(), R"([1,null,"no"])");
}

TEST_F(PackageFolder, WarnsWhenTheGppScalersDiffer) {
  replace("GPP: {mean: 2.9", "GPP: {mean: 2.8");
  const auto package = load_package(folder_.path());
  ASSERT_EQ(package->warnings.size(), 1u);
  EXPECT_THAT(package->warnings[0], HasSubstr("scalers.GPP"));
}

TEST_F(PackageFolder, RefusesYamlThatGrowsWithoutEnd) {
  const std::string whole = without_training(yaml());
  std::string laughs = "  a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string n = std::to_string(i), previous = "*a" + std::to_string(i - 1);
    laughs += "  a" + n + ": &a" + n + " [" + previous + ", " + previous + "]\n";
  }
  for (const std::string& training :
       {std::string("training: &t {inner: *t}\n"), "training:\n" + laughs,
        "training: " + std::string(200000, '[') + "\n",
        "training: " + std::string(100000, '{') + std::string(100000, '}') + "\n",
        std::string("training: {[1, 2]: 3}\n")}) {
    write_yaml(whole + training);
    EXPECT_EQ(refusal().code(), Code::data) << training.substr(0, 60);
  }
}

TEST_F(PackageFolder, SurvivesMutatedYaml) {
  const std::string whole = yaml();
  std::mt19937 random(8);
  const std::string alphabet = "{}[]\"':,-#&*!|>%@` \n\t0aé\xff";
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change)
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    write_yaml(text);
    try {
      (void)load_package(folder_.path());
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Code::data) << error.what();
    }
  }
}

TEST(PackageAbsent, NamesTheFile) {
  const TemporaryFolder empty;
  try {
    (void)load_package(empty.path());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), empty.path("model.yaml"));
  }
}

}  // namespace
}  // namespace fluxtile::test
