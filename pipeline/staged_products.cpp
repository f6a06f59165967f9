// SPDX-License-Identifier: Apache-2.0
#include "pipeline/staged_products.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/system_fault.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

std::string note_path(const std::string& outputs) {
  return outputs + "/.fluxtile/replacing-products.json";
}

/// Names that an interrupted replacement was about; nothing of a note that cannot be read.
std::vector<std::string> noted_names(const std::string& outputs) {
  if (!replacement_interrupted(outputs)) return {};
  const auto note = attempt([&] {
    return nlohmann::json::parse(read_file(note_path(outputs))).get<std::vector<std::string>>();
  });
  return note.ok() ? note.value() : std::vector<std::string>();
}

/// A name from a file never becomes a path that leads elsewhere.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name != "run.json";
}

}  // namespace

StagedProducts::StagedProducts(std::string outputs)
    : outputs_(std::move(outputs)), part_(outputs_ + "/products") {
  create_folder(part_.path());
}

StagedProducts::~StagedProducts() {
  std::error_code ignored;
  fs::remove_all(part_.path(), ignored);
}

Error StagedProducts::at_its_place(Error error) const {
  if (error.file().rfind(folder() + "/", 0) == 0)
    error.file(outputs_ + error.file().substr(folder().size()));
  return error;
}

std::vector<std::string> StagedProducts::take_their_places(const std::vector<std::string>& names,
                                                           const std::vector<std::string>& former) {
  std::set<std::string> all(names.begin(), names.end());
  all.insert(former.begin(), former.end());
  for (const auto& name : noted_names(outputs_)) all.insert(name);
  write_atomically(note_path(outputs_), nlohmann::json(all).dump(1) + "\n");

  const auto move = [&](const std::string& name) {
    const std::string to = outputs_ + "/" + name;
    if (std::rename((folder() + "/" + name).c_str(), to.c_str()) != 0)
      throw system_fault(Code::io, "cannot move the finished product to its place", to, errno);
  };
  for (const auto& name : names) move(name);
  sync_folder(outputs_);
  move("run.json");
  sync_folder(outputs_);

  std::vector<std::string> removed;
  for (const auto& name : names) all.erase(name);
  for (const auto& name : all) {
    std::error_code ignored;
    if (is_plain_name(name) && fs::remove(outputs_ + "/" + name, ignored)) removed.push_back(name);
  }
  if (!removed.empty()) sync_folder(outputs_);
  unlink(note_path(outputs_).c_str());
  return removed;
}

bool replacement_interrupted(const std::string& outputs) {
  return access(note_path(outputs).c_str(), F_OK) == 0;
}

}  // namespace fluxtile
