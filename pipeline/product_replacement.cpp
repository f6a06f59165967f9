// SPDX-License-Identifier: Apache-2.0
#include "pipeline/product_replacement.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/atomic_file.h"
#include "base/file_name.h"
#include "base/process_identity.h"
#include "base/system_fault.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

std::string note_path(const std::string& output_directory) {
  return output_directory + "/.fluxtile/replacement.json";
}

/// Has a folder for each merge that is under way.
std::string folder_of_merges(const std::string& output_directory) {
  return output_directory + "/.fluxtile/products";
}

}  // namespace

std::string lock_folder(const std::string& output_directory) {
  return output_directory + "/.fluxtile/lock";
}

bool is_product_name(const std::string& name) { return is_file_name(name) && name.front() != '.'; }

std::set<std::string> interrupted_replacement(const std::string& output_directory) {
  const std::string path = note_path(output_directory);
  if (access(path.c_str(), F_OK) != 0) return {};
  std::set<std::string> names = {"run.json"};  // also where the note cannot be read
  const auto text = attempt([&] { return read_file(path); });
  if (!text.ok()) return names;
  const auto json = nlohmann::json::parse(text.value(), nullptr, false);
  if (!json.is_object() || !json.contains("products") || !json["products"].is_array()) return names;
  for (const auto& name : json["products"])
    if (name.is_string() && is_product_name(name.get<std::string>())) names.insert(name);
  return names;
}

ProductReplacement::ProductReplacement(std::string output_directory, const std::string& run,
                                       const RunLock& lock)
    : output_(std::move(output_directory)), stem_(run + "_"), lock_(lock) {
  const std::string all = folder_of_merges(output_);
  std::error_code error;
  fs::remove_all(all, error);  // of merges that were killed
  directory_ = all + "/" + this_host() + "-" + std::to_string(getpid());
  create_folder(directory_);
}

ProductReplacement::~ProductReplacement() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
  fs::remove(folder_of_merges(output_), ignored);
}

void forget_killed_merges(const std::string& output_directory, const std::string& verb) noexcept {
  std::error_code ignored;
  if (!fs::exists(folder_of_merges(output_directory), ignored)) return;
  try {
    const RunLock lock(lock_folder(output_directory), verb, RunLock::Duration(0),
                       RunLock::Times::usual());
    fs::remove_all(folder_of_merges(output_directory), ignored);
  } catch (...) {  // NOLINT(bugprone-empty-catch): whoever has the lock will do it
  }
}

void ProductReplacement::put(const std::string& name) const {
  const std::string from = directory_ + "/" + name, to = output_ + "/" + name;
  lock_.require();
  if (rename(from.c_str(), to.c_str()) == 0) return;
  const int reason = errno;
  if (reason == EXDEV) {  // .fluxtile lies on another file system
    AtomicFile file(to);
    std::error_code error;
    fs::copy_file(from, file.temporary_path(), error);
    if (error) throw Error(Code::io, "cannot copy the product: " + error.message()).file(to);
    lock_.require();
    file.commit();
    return;
  }
  Error error = system_fault(Code::io, "cannot put the finished file in place", to, reason);
  if (error.hint().empty())
    error.hint("run the same command again when that is mended: the products are of two runs now");
  throw error;
}

bool ProductReplacement::is_of_this_run(const std::string& name) const {
  if (!is_product_name(name) || name.rfind(stem_, 0) != 0) return false;
  for (const std::string ending : {".tif", ".qml", ".nc", ".csv", ".png", ".stac.json"}) {
    if (name.size() > ending.size() &&
        name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
      return true;
    }
  }
  return false;
}

Error ProductReplacement::at_its_place(Error error) const {
  if (error.file().rfind(directory_ + "/", 0) == 0)
    error.file(output_ + error.file().substr(directory_.size()));
  return error;
}

void ProductReplacement::commit(const std::vector<std::string>& names,
                                const std::vector<std::string>& former) {
  lock_.require();
  std::set<std::string> obsolete = interrupted_replacement(output_);
  obsolete.insert(former.begin(), former.end());
  std::set<std::string> touched = obsolete;
  touched.insert(names.begin(), names.end());
  nlohmann::ordered_json note;
  note["products"] = touched;
  write_atomically(note_path(output_),
                   note.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  for (const auto& name : names) put(name);
  for (const auto& name : names) obsolete.erase(name);
  obsolete.erase("run.json");
  for (const auto& name : obsolete) {
    if (!is_of_this_run(name)) continue;
    lock_.require();
    std::error_code ignored;
    if (fs::remove(output_ + "/" + name, ignored))
      spdlog::info("removed {}, no longer asked for", name);
  }
  sync_folder(output_);
  put("run.json");
  sync_folder(output_);
  unlink(note_path(output_).c_str());
}

}  // namespace fluxtile
