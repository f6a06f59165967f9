// SPDX-License-Identifier: Apache-2.0
// Every reader of untrusted bytes against its seeds and mutations of them that are always the same:
// the part of fuzzing that needs no clang. Memory is capped, so that a size from a header that is
// believed shows as a failure.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <random>

#include "tests/fuzz/targets.h"

namespace fluxtile::fuzz {

void PrintTo(const Target& target, std::ostream* stream) { *stream << target.name; }

namespace {

/// Changes bytes the way libFuzzer does, from a seed number alone.
class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  std::string operator()(std::string bytes, const std::string& other) {
    for (uint32_t changes = 1 + below(4); changes > 0; --changes) change(bytes, other);
    return bytes;
  }

 private:
  uint32_t below(size_t n) { return n == 0 ? 0 : static_cast<uint32_t>(random_() % n); }

  void change(std::string& bytes, const std::string& other) {
    static const std::vector<std::string> words = {std::string(4, '\xff'),
                                                   std::string(8, '\xff'),
                                                   std::string(4, '\0'),
                                                   std::string("\x7f\xff\xff\xff", 4),
                                                   std::string("\x80\0\0\0", 4),
                                                   "-1",
                                                   "9999999999999",
                                                   "1e308",
                                                   "nan",
                                                   "../",
                                                   "\n",
                                                   "{",
                                                   "[",
                                                   "\"",
                                                   "*a",
                                                   "&a",
                                                   ": ",
                                                   "\xe2\x80\xae",
                                                   "%n"};
    const size_t at = below(bytes.size() + 1);
    switch (below(8)) {
      case 0:  // a bit
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:  // a byte
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 2:  // cut off
        bytes.resize(at);
        break;
      case 3:  // a hole
        bytes.erase(at, below(32));
        break;
      case 4: {  // put in
        const std::string& word = words[below(words.size())];
        bytes.insert(at, word);
        break;
      }
      case 5: {  // put over
        const std::string& word = words[below(words.size())];
        bytes.replace(at, word.size(), word);
        break;
      }
      case 6:  // twice
        bytes.insert(at, bytes.substr(at, below(64)));
        break;
      default:  // the rest of another seed
        bytes = bytes.substr(0, at) + other.substr(below(other.size() + 1));
    }
  }

  std::mt19937 random_;
};

class UntrustedBytes : public testing::TestWithParam<Target> {};

TEST_P(UntrustedBytes, AreReadOrRefused) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit cap = {rlim_t{6} << 30, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &cap);
#endif
  const auto seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  for (const std::string& seed : seeds) GetParam().run(seed);
  GetParam().run("");
  constexpr auto longest = std::chrono::milliseconds(2000);
  const auto end = std::chrono::steady_clock::now() + longest;
  size_t runs = 0;
  for (uint32_t number = 0; number < 2000; ++number) {
    Mutator mutate(number);
    const std::string bytes =
        mutate(seeds[number % seeds.size()], seeds[number * 7 % seeds.size()]);
    ASSERT_NO_THROW(GetParam().run(bytes)) << "mutation " << number;
    ++runs;
    if (std::chrono::steady_clock::now() > end && runs >= 50) break;
  }
  RecordProperty("runs", static_cast<int>(runs));
}

INSTANTIATE_TEST_SUITE_P(All, UntrustedBytes, testing::ValuesIn(all_targets()),
                         [](const testing::TestParamInfo<Target>& one) {
                           return std::string(one.param.name);
                         });

/// The harness itself: what is no answer to bad bytes is not swallowed.
TEST(ExpectHandled, LetsBugsThrough) {
  EXPECT_NO_THROW(expect_handled([] { throw Error(Code::data, "bad"); }));
  EXPECT_NO_THROW(expect_handled([] { throw Error(Code::io, "bad"); }));
  EXPECT_THROW(expect_handled([] { throw Error(Code::internal, "bug"); }), Error);
  EXPECT_THROW(expect_handled([] { throw Error(Code::interrupted, "out of memory"); }), Error);
  EXPECT_THROW(expect_handled([] { throw std::bad_alloc(); }), std::bad_alloc);
}

}  // namespace
}  // namespace fluxtile::fuzz
