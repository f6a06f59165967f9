// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/pipeline/config_text.h"

namespace fluxtile::testing {

/// Programs in place of the real ones: small bash scripts, found first in PATH while this lives.
/// They may write into the folder that $STAND_IN_LOG names.
class StandIns {
 public:
  StandIns() : path_(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH")) {
    std::filesystem::create_directories(bin());
    std::filesystem::create_directories(log(""));
    setenv("PATH", (bin() + ":" + path_).c_str(), 1);
    setenv("STAND_IN_LOG", log("").c_str(), 1);
  }
  ~StandIns() {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("STAND_IN_LOG");
  }
  StandIns(const StandIns&) = delete;
  StandIns& operator=(const StandIns&) = delete;

  /// A program of this name that does this.
  std::string add(const std::string& name, const std::string& body) const {
    const std::string file = folder_.write("bin/" + name, "#!/bin/bash\n" + body + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  /// PATH without anything but the stand-ins.
  void alone() const { setenv("PATH", bin().c_str(), 1); }

  [[nodiscard]] std::string bin() const { return folder_.path() + "/bin"; }
  [[nodiscard]] std::string log(const std::string& name) const {
    return folder_.path() + "/log/" + name;
  }
  /// What a stand-in wrote there; empty when there is nothing.
  [[nodiscard]] std::string said(const std::string& name) const {
    std::ifstream file(log(name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

}  // namespace fluxtile::testing
