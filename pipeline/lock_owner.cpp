// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lock_owner.h"

#include <ctime>

namespace fluxtile {

LockOwner LockOwner::own(const std::string& verb) {
  LockOwner owner;
  owner.process = ProcessIdentity::own();
  owner.verb = verb;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  owner.since = text;
  return owner;
}

std::string LockOwner::text() const {
  if (process.host.empty()) return "an owner that its file does not name";
  return "`" + verb + "` of " + process.host + ", process " + std::to_string(process.pid) +
         ", since " + since;
}

nlohmann::ordered_json owner_json(const LockOwner& owner) {
  nlohmann::ordered_json json;
  json["verb"] = owner.verb;
  json["host"] = owner.process.host;
  json["pid"] = owner.process.pid;
  json["since"] = owner.since;
  json["started"] = owner.process.started;
  json["boot"] = owner.process.boot;
  json["machine"] = owner.process.machine;
  json["pid_space"] = owner.process.pid_space;
  return json;
}

LockOwner owner_of(const nlohmann::json& json) {
  LockOwner owner;
  owner.verb = json.at("verb").get<std::string>();
  owner.since = json.at("since").get<std::string>();
  owner.process.host = json.at("host").get<std::string>();
  owner.process.pid = json.at("pid").get<int64_t>();
  owner.process.started = json.at("started").get<uint64_t>();
  owner.process.boot = json.at("boot").get<std::string>();
  owner.process.machine = json.at("machine").get<std::string>();
  owner.process.pid_space = json.at("pid_space").get<std::string>();
  return owner;
}

}  // namespace fluxtile
