// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "base/error.h"

namespace fluxtile {
namespace {

// FIPS 180-4 examples.
TEST(Sha256, KnownSums) {
  ASSERT_TRUE(sha256_available());
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("fluxtile-digest-" + std::to_string(std::random_device{}()));
  const std::string bytes(3'000'001, 'x');  // more than one piece
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(sha256_file(path.string()), sha256(bytes));
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_file(path.string()), Error);
}

TEST(Digest, PiecesGiveTheSumOfTheWhole) {
  std::string text;
  for (int k = 0; k < 5000; ++k) text += static_cast<char>(k * 7);
  const std::string_view whole = text;
  EXPECT_EQ(
      xxh3_64({whole.substr(0, 3), whole.substr(3, 0), whole.substr(3, 2000), whole.substr(2003)}),
      xxh3_64(text.data(), text.size()));
  EXPECT_EQ(xxh3_64(std::vector<std::string_view>{}), xxh3_64("", 0));
}

// Test values of the xxHash specification's reference implementation for empty input.
TEST(Digest, KnownSums) {
  EXPECT_EQ(Digest().hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(xxh3_64("", 0), 0x2D06800538D394C2ULL);
}

TEST(Digest, IsTheSameHoweverTheBytesArePieced) {
  std::string bytes(10000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i % 251);
  Digest whole, pieces;
  whole.add(bytes.data(), bytes.size());
  for (size_t at = 0; at < bytes.size(); at += 77)
    pieces.add(bytes.data() + at, std::min<size_t>(77, bytes.size() - at));
  EXPECT_EQ(whole.hex(), pieces.hex());
  EXPECT_EQ(whole.hex().size(), 32U);
}

TEST(Digest, TextsDoNotRunIntoEachOther) {
  Digest a, b;
  a.add_text("ab").add_text("c");
  b.add_text("a").add_text("bc");
  EXPECT_NE(a.hex(), b.hex());
}

TEST(Digest, GoesOnAfterItWasRead) {
  Digest once, twice;
  once.add_value(1).add_value(2.5);
  twice.add_value(1);
  EXPECT_NE(twice.hex(), once.hex());
  twice.add_value(2.5);
  EXPECT_EQ(twice.hex(), once.hex());
}

TEST(Digest, DependsOnEveryBit) {
  const double value = 0.1, next = std::nextafter(0.1, 1);
  EXPECT_NE(Digest().add_value(value).hex(), Digest().add_value(next).hex());
  EXPECT_NE(Digest().add_value(0.0).hex(), Digest().add_value(-0.0).hex());
}

}  // namespace
}  // namespace fluxtile
