// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "geo/calendar.h"
#include "pipeline/last_run.h"
#include "pipeline/log.h"
#include "pipeline/progress_text.h"

namespace fluxtile {
namespace {

std::string counted(uint64_t count, const std::string& one, const std::string& many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string days_text(const RunTally& tally) {
  if (tally.first_day >= tally.end_day) return "no days run";
  const std::string first = to_text(from_days(tally.first_day)),
                    last = to_text(from_days(tally.end_day - 1));
  return first == last ? "day " + first : "days " + first + " to " + last;
}

std::string new_text(const NewInputs& inputs) {
  if (!inputs.known) return "no earlier inputs known";
  std::string text;
  const auto add = [&text](uint64_t count, const char* what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(inputs.added, "added");
  add(inputs.changed, "changed");
  add(inputs.removed, "removed");
  if (text.empty()) return "no new input";
  std::string names;
  for (const auto& name : inputs.names) names += (names.empty() ? "" : ", ") + name;
  const uint64_t all = inputs.added + inputs.changed + inputs.removed;
  if (inputs.names.size() < all) names += ", ...";
  return "inputs " + text + " (" + names + ")";
}

std::string products_text(const RunFacts& facts) {
  if (facts.products_written) return counted(facts.products, "product", "products") + " written";
  if (facts.products > 0) return counted(facts.products, "product", "products") + " up to date";
  return "no product written";
}

}  // namespace

const char* meaning_of(int code) noexcept {
  switch (code) {
    case 0:
      return "done";
    case 1:
      return "some tiles failed";
    case 64:
      return "wrong command line";
    case 65:
      return "wrong configuration, input or model";
    case 70:
      return "internal error";
    case 73:
    case 74:
      return "cannot write";
    case 75:
      return "stopped, run again";
    default:
      return "failed";
  }
}

std::string summary_line(const RunFacts& facts) {
  const RunTally& tally = facts.tally;
  std::string text = fmt::format("{}{}: {} (exit code {})", facts.name,
                                 facts.shard.empty() ? "" : " shard " + facts.shard,
                                 meaning_of(facts.exit_code), facts.exit_code);
  if (facts.planned.plan.empty()) {
    text += ", before a plan was made";
  } else {
    if (facts.verb == "run")
      text += fmt::format("; {} computed, {} kept, {} failed; {}",
                          counted(tally.tile_years_done, "tile-year", "tile-years"),
                          tally.tile_years_kept, counted(facts.failed_tiles, "tile", "tiles"),
                          days_text(tally));
    if (facts.shard.empty()) text += "; " + products_text(facts);
    if (facts.verb == "run") text += "; " + new_text(facts.planned.inputs);
  }
  text += fmt::format(
      "; {}, peak memory {} MiB",
      facts.seconds < 10 ? fmt::format("{:.1f} s", facts.seconds) : duration_text(facts.seconds),
      facts.peak_memory >> 20);
  if (facts.exit_code != 0 && !facts.cause.empty()) text += "; " + first_line(facts.cause);
  return text;
}

std::string summary_json(const RunFacts& facts) {
  const RunTally& tally = facts.tally;
  const NewInputs& inputs = facts.planned.inputs;
  nlohmann::ordered_json line;
  line["time"] = utc_text(std::chrono::system_clock::now());
  line["level"] = "info";
  line["event"] = "summary";
  line["message"] = summary_line(facts);
  line["verb"] = facts.verb;
  line["name"] = facts.name;
  if (!facts.shard.empty()) line["shard"] = facts.shard;
  line["exit_code"] = facts.exit_code;
  line["meaning"] = meaning_of(facts.exit_code);
  if (!facts.cause.empty()) line["cause"] = first_line(facts.cause);
  line["plan"] = facts.planned.plan;
  line["tile_years_computed"] = tally.tile_years_done;
  line["tile_years_kept"] = tally.tile_years_kept;
  line["tiles_failed"] = facts.failed_tiles;
  const bool any = tally.first_day < tally.end_day;
  line["first_day"] = any ? to_text(from_days(tally.first_day)) : "";
  line["last_day"] = any ? to_text(from_days(tally.end_day - 1)) : "";
  line["pixel_days"] = tally.pixel_days;
  line["products"] = facts.products;
  line["products_written"] = facts.products_written;
  line["new_inputs_known"] = inputs.known;
  line["inputs_added"] = inputs.added;
  line["inputs_changed"] = inputs.changed;
  line["inputs_removed"] = inputs.removed;
  line["started"] = utc_seconds(facts.started);
  line["seconds"] = facts.seconds;
  line["peak_memory_bytes"] = facts.peak_memory;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace fluxtile
