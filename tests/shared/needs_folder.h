// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace fluxtile::test {

/// Real data and golden vectors lie outside the repository.
inline constexpr char kRealData[] = "FLUXTILE_TEST_DATA", kGolden[] = "FLUXTILE_GOLDEN";

/// Tests that read folders which environment variables name. Where one is not set, they are skipped
/// and say so. Fixtures prepare what they need in given(), where the folders are known.
template <class Base, const char*... variables>
class NeedsFolders : public Base {
 protected:
  void SetUp() override {
    Base::SetUp();
    for (const char* variable : {variables...}) {
      const char* value = std::getenv(variable);
      if (value == nullptr) GTEST_SKIP() << variable << " is not set";
      given_folders_.emplace_back(value);
    }
    given();
  }
  virtual void given() {}
  /// The folder of the k-th variable, without a slash at its end.
  [[nodiscard]] const std::string& given_folder(size_t k = 0) const { return given_folders_.at(k); }

 private:
  std::vector<std::string> given_folders_;
};

template <const char* variable, class Base = testing::Test>
using NeedsFolder = NeedsFolders<Base, variable>;

}  // namespace fluxtile::test
