// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../end_to_end/workplace.h"
#include "base/process_identity.h"

namespace fluxtile::faults {
namespace fs = std::filesystem;
namespace {

/// ".name.host-1234-987-5.part" -> ".name.*.part"
std::string without_process(std::string path) {
  const std::string mark = "." + this_host() + "-";
  for (size_t at = path.find(mark); at != std::string::npos; at = path.find(mark, at + 2)) {
    size_t end = at + mark.size();
    while (end < path.size() && (std::isdigit(path[end]) != 0 || path[end] == '-')) ++end;
    path.replace(at, end - at, ".*");
  }
  return path;
}

}  // namespace

Environment with(const std::vector<Fault>& faults) {
  std::string rules;
  for (const Fault& fault : faults) {
    const std::string file = fault.file.empty() ? "path=" + (fault.path.empty() ? "*" : fault.path)
                                                : "file=" + fault.file;
    rules += (rules.empty() ? "call=" : " call=") + fault.call + ";" + file +
             ";nth=" + std::to_string(fault.nth) + ";count=" + std::to_string(fault.count) +
             ";do=" + fault.action + ";least=" + std::to_string(fault.least) +
             ";jump=" + std::to_string(fault.jump);
  }
  return {{"LD_PRELOAD", FLUXTILE_FAULT_SHIM}, {"FLUXTILE_FAULT", rules}};
}

std::vector<Call> calls_of(const Words& words, const std::string& path) {
  const end_to_end::Folder folder;
  const fs::path log = folder.path() / "calls";
  Fault none;
  none.path = path;
  none.count = 0;
  Environment environment = with({none});
  environment["FLUXTILE_FAULT_LOG"] = log.string();
  const Outcome outcome = end_to_end::execute(words, environment);
  EXPECT_EQ(0, outcome.code) << outcome.err;
  std::ifstream lines(log);
  std::vector<Call> calls;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream text(line);
    Call call;
    text >> call.name >> call.file;
    call.file = without_process(call.file);
    calls.push_back(call);
  }
  return calls;
}

std::string kind_of(const std::string& path) {
  const auto holds = [&](const char* part) { return path.find(part) != std::string::npos; };
  std::string name = fs::path(path).filename().string();
  if (holds(".strips.tif")) return "temporary tif";
  if (holds(".ovr.tmp")) return "temporary overviews";
  if (holds("/plans/") && holds(".json")) return "plan";
  if (holds("/failures/") && holds(".json")) return "failure";
  if (holds("replacement.json")) return "note of a replacement";
  for (const char* ending : {".tile-year", ".inputs", ".open-state", ".state", ".stac.json",
                             "run.json", ".html", ".csv", ".tif", ".nc", ".qml", ".png"}) {
    if (name.find(ending) != std::string::npos)
      return ending[0] == '.' ? std::string(ending + 1) : std::string(ending);
  }
  return "folder";
}

void note(const std::string& part, const std::string& fault, size_t times,
          const std::string& outcome) {
  const char* file = std::getenv("FLUXTILE_FAULT_TABLE");
  if (file == nullptr) return;
  std::ofstream(file, std::ios::app)
      << part << " | " << fault << " | " << times << " | " << outcome << "\n";
}

bool in_full() {
  const char* form = std::getenv("FLUXTILE_FAULTS");
  return form != nullptr && std::string(form) == "full";
}

}  // namespace fluxtile::faults
