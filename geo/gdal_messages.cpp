// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_messages.h"

#include <cpl_error.h>

#include <cerrno>
#include <cstring>

namespace fluxtile {
namespace {

/// A damaged file can complain about every block.
constexpr size_t most_messages = 8;

void add(std::vector<std::string>& list, const char* message) {
  if (message == nullptr || list.size() >= most_messages) return;
  if (list.empty() || list.back() != message) list.emplace_back(message);
}

bool tells_of_a_lost_header(const char* message) {
  if (message == nullptr) return false;
  for (const char* words : {"IO error during reading of", "Can not read TIFF directory",
                            "Failed to read directory at offset"})
    if (std::strstr(message, words) != nullptr) return true;
  return false;
}

}  // namespace

void GdalMessages::keep(int level, int number, const char* message) {
  const int system_error = errno;
  auto& self = *static_cast<GdalMessages*>(CPLGetErrorHandlerUserData());
  if (level >= CE_Warning && tells_of_a_lost_header(message)) {
    if (self.system_error_ == 0) self.system_error_ = system_error;
    self.lost_header_ = true;
  }
  if (level >= CE_Failure) {
    if (self.system_error_ == 0) self.system_error_ = system_error;
    if (number == CPLE_OutOfMemory) self.system_error_ = ENOMEM;
    add(self.failures_, message);
  } else if (level == CE_Warning) {
    add(self.warnings_, message);
  }
}

GdalMessages::GdalMessages() {
  CPLPushErrorHandlerEx(
      [](CPLErr level, CPLErrorNum number, const char* message) { keep(level, number, message); },
      this);
  CPLErrorReset();
  errno = 0;
}

GdalMessages::~GdalMessages() { CPLPopErrorHandler(); }

std::string GdalMessages::text() const {
  std::string all;
  for (const auto* list : {&failures_, &warnings_})
    for (const auto& message : *list) all += (all.empty() ? "" : "; ") + message;
  return all;
}

void GdalMessages::clear() {
  failures_.clear();
  warnings_.clear();
  CPLErrorReset();
  lost_header_ = false;
  system_error_ = errno = 0;
}

}  // namespace fluxtile
