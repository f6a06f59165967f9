// SPDX-License-Identifier: Apache-2.0
#include "model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace fluxtile::test {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  for (size_t i = 0; i < 8; ++i) out.push_back(static_cast<char>(header.size() >> (8 * i) & 0xff));
  return out + header + data;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

Tensors some_tensors() {
  return {{"a", Tensor::of<float>(DType::F32, {2, 3}, {1, 2, 3, 4, 5, 6})},
          {"b", Tensor::of<uint8_t>(DType::U8, {3}, {7, 8, 9})},
          {"c", Tensor::of<int64_t>(DType::I64, {1}, {-1})},
          {"d", Tensor::of<double>(DType::F64, {0, 4}, {})},
          {"e", Tensor::of<uint16_t>(DType::U16, {}, {65535})},
          {"f", Tensor::of<int32_t>(DType::I32, {1}, {-5})}};
}

TEST(Safetensors, ReadsWhatItWrites) {
  const Tensors tensors = some_tensors();
  const std::string bytes = format_safetensors(tensors, {{"format", "pt"}, {"key", "ä"}});
  const Safetensors read = parse_safetensors(bytes, "memory");
  EXPECT_EQ(read.metadata, (Metadata{{"format", "pt"}, {"key", "ä"}}));
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor& found = read.tensors.at(name);
    EXPECT_EQ(found.type, tensor.type) << name;
    EXPECT_EQ(found.shape, tensor.shape) << name;
    EXPECT_EQ(found.bytes, tensor.bytes) << name;
    EXPECT_EQ(found.count(), tensor.bytes.size() / size_of(tensor.type));
  }
  EXPECT_EQ(format_safetensors(read.tensors, read.metadata), bytes);
}

TEST(Safetensors, ReadsAHandWrittenFile) {
  const std::string data("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);
  const Safetensors read =
      parse_safetensors(file_of("{" + entry("w", "F32", "[2]", "[0,8]") + "}  ", data), "f");
  EXPECT_EQ(read.tensors.at("w").data<float>()[0], 1.0F);
  EXPECT_EQ(read.tensors.at("w").data<float>()[1], -2.0F);
  EXPECT_TRUE(parse_safetensors(file_of("{}", ""), "f").tensors.empty());
}

struct Broken {
  const char* name;
  std::string bytes;
};

class BrokenSafetensors : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSafetensors, IsRefusedWithTheFileName) {
  try {
    (void)parse_safetensors(GetParam().bytes, "weights.file");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), "weights.file");
  }
}

const std::string eight(8, '\0');

INSTANTIATE_TEST_SUITE_P(
    Cases, BrokenSafetensors,
    testing::Values(
        Broken{"empty", ""}, Broken{"short_length", "abc"},
        Broken{"archive", "PK\x03\x04 and more"},
        Broken{"huge_header", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)},
        Broken{"header_beyond_end", std::string("\x03\0\0\0\0\0\0\0{}", 10)},
        Broken{"empty_header", file_of("", eight)}, Broken{"not_json", file_of("{\"a\":", eight)},
        Broken{"list", file_of("[]", "")}, Broken{"space_first", file_of(" {}", "")},
        Broken{"bad_text", file_of("{\"\xff\":1}", "")},
        Broken{"deep",
               file_of("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", "")},
        Broken{"unknown_type", file_of("{" + entry("a", "BF16", "[4]", "[0,8]") + "}", eight)},
        Broken{"type_no_text",
               file_of(R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", eight)},
        Broken{"missing_key", file_of(R"({"a":{"dtype":"F32","shape":[2]}})", eight)},
        Broken{"more_keys",
               file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", eight)},
        Broken{"negative_extent", file_of("{" + entry("a", "F32", "[-2]", "[0,8]") + "}", eight)},
        Broken{"fraction", file_of("{" + entry("a", "F32", "[2.0]", "[0,8]") + "}", eight)},
        Broken{"overflow",
               file_of("{" + entry("a", "F32", "[4611686018427387904,4]", "[0,0]") + "}", "")},
        Broken{"overflow_to_size",
               file_of("{" + entry("a", "F32", "[4611686018427387906]", "[0,8]") + "}", eight)},
        Broken{"beyond_int64",
               file_of("{" + entry("a", "F32", "[0,18446744073709551615]", "[0,0]") + "}", "")},
        Broken{"wrong_size", file_of("{" + entry("a", "F32", "[3]", "[0,8]") + "}", eight)},
        Broken{"reversed", file_of("{" + entry("a", "F32", "[2]", "[8,0]") + "}", eight)},
        Broken{"beyond_data", file_of("{" + entry("a", "F32", "[4]", "[0,16]") + "}", eight)},
        Broken{"three_offsets", file_of("{" + entry("a", "F32", "[2]", "[0,8,8]") + "}", eight)},
        Broken{"negative_offset", file_of("{" + entry("a", "F32", "[2]", "[-8,0]") + "}", eight)},
        Broken{"overlap", file_of("{" + entry("a", "F32", "[1]", "[0,4]") + "," +
                                      entry("b", "F32", "[2]", "[0,8]") + "}",
                                  eight)},
        Broken{"gap", file_of("{" + entry("a", "F32", "[1]", "[4,8]") + "}", eight)},
        Broken{"left_over", file_of("{" + entry("a", "F32", "[1]", "[0,4]") + "}", eight)},
        Broken{"misaligned", file_of("{" + entry("a", "U8", "[1]", "[0,1]") + "," +
                                         entry("b", "F32", "[1]", "[1,5]") + "}",
                                     eight.substr(0, 5))},
        Broken{"twice", file_of("{" + entry("a", "F32", "[2]", "[0,8]") + "," +
                                    entry("a", "F32", "[2]", "[0,8]") + "}",
                                eight)},
        Broken{"metadata_number", file_of(R"({"__metadata__":{"a":1}})", "")},
        Broken{"metadata_list", file_of(R"({"__metadata__":[]})", "")}),
    [](const auto& instance) { return instance.param.name; });

TEST(Safetensors, SurvivesAnyMutation) {
  const std::string whole = format_safetensors(some_tensors(), {{"format", "pt"}});
  std::mt19937 random(4);
  const std::string alphabet = "{}[]\",:0123456789-eF.\\u \xff\x80";
  size_t refused = 0, accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = alphabet[random() % alphabet.size()];
          break;
        case 2:
          bytes.erase(at, 1 + random() % 9);
          break;
        case 3:
          bytes.insert(at, 1 + random() % 3, alphabet[random() % alphabet.size()]);
          break;
        default:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 40));
      }
      if (bytes.empty()) bytes = "x";
    }
    try {
      size_t total = 0;
      for (const auto& [name, tensor] : parse_safetensors(bytes, "f").tensors) {
        size_t count = 1;
        for (const int64_t extent : tensor.shape) count *= static_cast<size_t>(extent);
        ASSERT_EQ(count, tensor.count());
        total += tensor.bytes.size();
      }
      ASSERT_LE(total, bytes.size());
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Code::data);
      ++refused;
    }
  }
  EXPECT_GT(refused, 10000u);
  EXPECT_GT(accepted, 100u);  // data bytes may change freely
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string whole = format_safetensors(some_tensors(), {});
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW((void)parse_safetensors(std::string_view(whole).substr(0, length), "f"), Error)
        << length;
}

TEST(Safetensors, RefusesToWriteWrongShapes) {
  Tensors tensors = some_tensors();
  tensors["a"].shape = {7};
  EXPECT_THROW((void)format_safetensors(tensors, {}), Error);
}

}  // namespace
}  // namespace fluxtile::test
