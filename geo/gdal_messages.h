// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// For the .cpp files of geo/ alone: what GDAL says, kept instead of printed.
namespace fluxtile {

/// While it lives, messages of GDAL, OGR and GEOS on this thread are collected here. Nestable; each
/// thread sees its own only.
class GdalMessages {
 public:
  GdalMessages();
  ~GdalMessages();
  GdalMessages(const GdalMessages&) = delete;
  GdalMessages& operator=(const GdalMessages&) = delete;

  /// Failures, then warnings, joined by "; ". Empty if nothing was said.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool failed() const noexcept { return !failures_.empty(); }
  /// Whether a part of a file's header could not be read. libtiff may only warn of that and go on
  /// without it: without the nodata value, the CRS, the mask.
  [[nodiscard]] bool lost_header() const noexcept { return lost_header_; }
  /// errno as it stood at the first failure or lost part of a header; ENOMEM where GDAL itself ran
  /// out of memory; 0 = none.
  [[nodiscard]] int system_error() const noexcept { return system_error_; }
  void clear();

 private:
  static void keep(int level, int number, const char* message);
  std::vector<std::string> failures_, warnings_;
  int system_error_ = 0;
  bool lost_header_ = false;
};

}  // namespace fluxtile
