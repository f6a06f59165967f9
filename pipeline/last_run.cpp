// SPDX-License-Identifier: Apache-2.0
#include "pipeline/last_run.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/process_identity.h"
#include "pipeline/run_summary.h"

namespace fluxtile {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kFormat = 1;

Json regions_json(const RunFacts& facts) {
  Json regions = Json::object();
  for (const auto& [region, planned] : facts.planned.tile_years) {
    const auto found = facts.tally.regions.find(region);
    const RegionTally of = found == facts.tally.regions.end() ? RegionTally() : found->second;
    regions[region] = {
        {"tile_years_planned", planned},         {"tile_years_computed", of.tile_years_done},
        {"tile_years_kept", of.tile_years_kept}, {"tile_years_failed", of.tile_years_failed},
        {"tiles_failed", of.tiles_failed},       {"cells_modelled", of.cells_modelled},
        {"pixel_years", of.pixel_years}};
  }
  return regions;
}

}  // namespace

std::string last_run_path(const std::string& private_folder) {
  return private_folder + "/last-run.json";
}

std::string last_run_text(const RunFacts& facts) {
  const RunTally& tally = facts.tally;
  Json json;
  json["format"] = kFormat;
  json["verb"] = facts.verb;
  json["name"] = facts.name;
  json["configuration"] = facts.configuration;
  json["host"] = facts.host;
  json["pid"] = facts.pid;
  json["running"] = facts.running;
  json["started"] = facts.started;
  json["updated"] = facts.updated;
  json["seconds"] = facts.seconds;
  json["ended"] = facts.ended;
  json["exit_code"] = facts.exit_code;
  json["meaning"] = meaning_of(facts.exit_code);
  json["cause"] = facts.cause;
  json["last_success"] = facts.last_success;
  json["products_time"] = facts.products_time;
  json["products_plan"] = facts.products_plan;
  json["plan"] = facts.planned.plan;
  json["engine"] = facts.planned.engine;
  json["threads"] = facts.planned.threads;
  json["first_day"] = facts.planned.first_day;
  json["last_day"] = facts.planned.last_day;
  json["tiles"] = facts.planned.tiles;
  json["regions"] = regions_json(facts);
  json["tile_years_computed"] = tally.tile_years_done;
  json["tile_years_kept"] = tally.tile_years_kept;
  json["tiles_failed"] = facts.failed_tiles;
  json["pixel_years"] = tally.pixel_years;
  json["pixel_days"] = tally.pixel_days;
  json["stage_thread_s"] = Json::object();
  for (const auto& [stage, seconds] : tally.stage_seconds) json["stage_thread_s"][stage] = seconds;
  json["products"] = facts.products;
  json["products_written"] = facts.products_written;
  const NewInputs& inputs = facts.planned.inputs;
  json["new_inputs"] = {{"known", inputs.known},
                        {"added", inputs.added},
                        {"changed", inputs.changed},
                        {"removed", inputs.removed},
                        {"names", inputs.names}};
  json["peak_memory_bytes"] = facts.peak_memory;
  json["memory_promised_bytes"] = facts.planned.memory;
  json["summary"] = facts.running ? "" : summary_line(facts);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<RunFacts> read_last_run(const std::string& private_folder) {
  const auto text = attempt([&] { return read_file(last_run_path(private_folder)); });
  if (!text.ok()) return std::nullopt;
  const auto read = attempt([&] {
    const Json json = Json::parse(text.value());
    RunFacts facts;
    facts.verb = json.value("verb", "");
    facts.name = json.value("name", "");
    facts.configuration = json.value("configuration", "");
    facts.host = json.value("host", "");
    facts.pid = json.value("pid", 0);
    facts.running = json.value("running", false);
    facts.started = json.value("started", 0.0);
    facts.updated = json.value("updated", 0.0);
    facts.seconds = json.value("seconds", 0.0);
    facts.ended = json.value("ended", 0.0);
    facts.exit_code = json.value("exit_code", 0);
    facts.cause = json.value("cause", "");
    facts.last_success = json.value("last_success", 0.0);
    facts.products_time = json.value("products_time", 0.0);
    facts.products_plan = json.value("products_plan", "");
    facts.planned.plan = json.value("plan", "");
    facts.planned.engine = json.value("engine", "");
    facts.planned.first_day = json.value("first_day", "");
    facts.planned.last_day = json.value("last_day", "");
    facts.tally.tile_years_done = json.value("tile_years_computed", uint64_t{0});
    facts.tally.tile_years_kept = json.value("tile_years_kept", uint64_t{0});
    facts.tally.pixel_days = json.value("pixel_days", uint64_t{0});
    facts.failed_tiles = json.value("tiles_failed", uint64_t{0});
    facts.products = json.value("products", uint64_t{0});
    facts.products_written = json.value("products_written", false);
    facts.peak_memory = json.value("peak_memory_bytes", uint64_t{0});
    return facts;
  });
  if (!read.ok()) return std::nullopt;
  return read.value();
}

std::string state_of(const RunFacts& facts) {
  if (!facts.running) return "ended";
  const bool there = facts.pid > 0 && (kill(facts.pid, 0) == 0 || errno == EPERM);
  if (facts.host == this_host() && !there) return "gone";
  constexpr double silence = 120;  // eight times what lies between two signs of life
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  return now.count() - facts.updated < silence ? "running" : "gone";
}

std::string utc_seconds(double time) {
  if (time <= 0) return "";
  const auto seconds = static_cast<std::time_t>(std::floor(time));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace fluxtile
