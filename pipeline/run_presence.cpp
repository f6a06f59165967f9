// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_presence.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/limited_file.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {
constexpr size_t kLargest = 1 << 16;  // bytes of a note
}

RunPresence::RunPresence(const std::string& private_folder, const std::string& plan_id,
                         const std::string& verb) noexcept {
  try {
    for (const Present& other : all(private_folder))
      if (other.owner.fate == Fate::gone) unlink(other.path.c_str());
    static std::atomic<unsigned> number{0};
    const ProcessIdentity own = ProcessIdentity::own();
    const std::string path = private_folder + "/running/" + own.host + "-" +
                             std::to_string(own.pid) + "-" + std::to_string(number++) + ".json";
    nlohmann::ordered_json note;
    note["plan"] = plan_id;
    note["owner"] = owner_json(LockOwner::own(verb));
    write_atomically(
        path, note.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    path_ = path;
  } catch (const std::exception& error) {
    spdlog::debug("this run is not noted: {}", error.what());
  }
}

RunPresence::~RunPresence() {
  if (!path_.empty()) unlink(path_.c_str());
}

std::vector<RunPresence::Present> RunPresence::all(const std::string& private_folder) noexcept {
  std::vector<Present> present;
  try {
    std::error_code error;
    for (fs::directory_iterator entry(private_folder + "/running", error), end;
         !error && entry != end; entry.increment(error)) {
      if (entry->path().extension() != ".json") continue;
      Present note;
      note.path = entry->path().string();
      const auto read = attempt([&] {
        const auto json = nlohmann::json::parse(read_file_up_to(note.path, kLargest));
        note.plan_id = json.at("plan").get<std::string>();
        note.owner = owner_of(json.at("owner"));
        return 0;
      });
      if (read.ok()) note.owner.fate = fate_of(note.owner.process);
      present.push_back(std::move(note));
    }
  } catch (const std::exception& error) {
    spdlog::debug("{}", error.what());
  }
  return present;
}

}  // namespace fluxtile
