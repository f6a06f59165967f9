// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#ifndef FLUXTILE_VERSION
#define FLUXTILE_VERSION "unknown"
#endif

namespace fluxtile {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Bytes of a UTF-8 sequence that begins here; 0 where none does.
size_t sequence_length(const std::string& text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const size_t length = first < 0x80              ? 1
                        : (first & 0xE0U) == 0xC0 ? 2
                        : (first & 0xF0U) == 0xE0 ? 3
                        : (first & 0xF8U) == 0xF0 ? 4
                                                  : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((static_cast<unsigned char>(text[at + k]) & 0xC0U) != 0x80) return 0;
  return length;
}

/// A label's value: what the format wants escaped is, bytes that are no UTF-8 become '?'.
std::string escaped(const std::string& value) {
  std::string text;
  for (size_t at = 0; at < value.size();) {
    const size_t length = sequence_length(value, at);
    if (length == 0) {
      text += '?';
      ++at;
      continue;
    }
    if (value[at] == '\\' || value[at] == '"') text += '\\';
    if (value[at] == '\n') {
      text += "\\n";
    } else {
      text += value.substr(at, length);
    }
    at += length;
  }
  return text;
}

/// The text as it grows: one metric after the other, each with its help.
class Exposition {
 public:
  explicit Exposition(Labels common) : common_(std::move(common)) {}

  void metric(const std::string& name, const std::string& help) {
    name_ = "fluxtile_" + name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name_, help, name_);
  }
  template <typename Number>
  void sample(Number number, const Labels& labels = {}) {
    std::string all;
    for (const Labels& list : {common_, labels})
      for (const auto& [label, value] : list)
        all += fmt::format("{}{}=\"{}\"", all.empty() ? "" : ",", label, escaped(value));
    text_ += fmt::format("{}{{{}}} {}\n", name_, all, number);
  }
  template <typename Number>
  void one(const std::string& name, const std::string& help, Number number) {
    metric(name, help);
    sample(number);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Labels common_;
  std::string name_, text_;
};

}  // namespace

std::string metrics_text(const RunFacts& facts) {
  Labels common = {{"name", facts.name}};
  if (!facts.shard.empty()) common.emplace_back("shard", facts.shard);
  Exposition out(common);
  const RunTally& tally = facts.tally;

  out.one("run_running", "1 while a run goes on, 0 when the last one has ended.",
          facts.running ? 1 : 0);
  out.one("run_updated_timestamp_seconds",
          "When this file was written: every 15 s while a run goes on.", facts.updated);
  out.one("run_start_timestamp_seconds", "Start of the last run.", facts.started);
  out.one("run_end_timestamp_seconds", "End of the last run that ended; 0: none.", facts.ended);
  out.one("run_exit_code", "Exit code of the last run that ended; 0 is success.", facts.exit_code);
  out.one("run_last_success_timestamp_seconds",
          "End of the last run with exit code 0; 0: none known.", facts.last_success);
  out.one("products_timestamp_seconds", "When the products in the output folder were finished.",
          facts.products_time);
  out.one("run_duration_seconds", "Wall clock of the last run, so far.", facts.seconds);

  out.metric("run_tile_years_planned", "Tile-years of results in the plan of the last run.");
  for (const auto& [region, count] : facts.planned.tile_years)
    out.sample(count, {{"region", region}});
  out.metric("run_tile_years",
             "Tile-years of the last run: computed, kept from before, or of tiles that failed.");
  for (const auto& [region, of] : tally.regions) {
    out.sample(of.tile_years_done, {{"region", region}, {"state", "computed"}});
    out.sample(of.tile_years_kept, {{"region", region}, {"state", "kept"}});
    out.sample(of.tile_years_failed, {{"region", region}, {"state", "failed"}});
  }
  out.metric("run_tiles_failed", "Tiles that failed in the last run.");
  for (const auto& [region, of] : tally.regions) out.sample(of.tiles_failed, {{"region", region}});
  out.metric("run_cells_modelled",
             "Modelled cells of the tiles that the last run opened; kept tiles are not opened.");
  for (const auto& [region, of] : tally.regions)
    out.sample(of.cells_modelled, {{"region", region}});
  out.metric("run_pixel_years",
             "Cells times years that the networks of the last run began, spin-up included.");
  for (const auto& [region, of] : tally.regions) out.sample(of.pixel_years, {{"region", region}});
  out.one("run_pixel_days", "Cells times days that the networks of the last run ran.",
          tally.pixel_days);
  out.metric("run_stage_seconds", "Seconds of each stage in the last run, threads added up.");
  for (const auto& [stage, seconds] : tally.stage_seconds) out.sample(seconds, {{"stage", stage}});
  out.one("run_failed_tiles_recorded", "Failed tiles on record after the last run.",
          facts.failed_tiles);
  out.one("run_products", "Products that belong together after the last run.", facts.products);
  out.one("run_products_written", "1 when the last run wrote products, 0 when it did not.",
          facts.products_written ? 1 : 0);
  out.one("run_new_inputs", "Input files that are new or changed since the products were made.",
          facts.planned.inputs.added + facts.planned.inputs.changed);
  out.one("run_peak_memory_bytes", "Largest resident size of the last run.", facts.peak_memory);
  out.one("run_memory_promised_bytes", "run.memory of the last run.", facts.planned.memory);
  out.metric("run_info", "Version, engine and plan of the last run; always 1.");
  out.sample(1, {{"version", FLUXTILE_VERSION},
                 {"engine", facts.planned.engine},
                 {"plan", facts.planned.plan}});
  return out.text();
}

std::optional<double> metric_in(const std::string& text, const std::string& metric) {
  const std::string begin = "\nfluxtile_" + metric + "{";
  const size_t at = text.find(begin);
  if (at == std::string::npos) return std::nullopt;
  const size_t line_end = text.find('\n', at + 1);
  const size_t space = text.rfind(' ', line_end);
  if (line_end == std::string::npos || space == std::string::npos || space < at)
    return std::nullopt;
  const std::string number = text.substr(space + 1, line_end - space - 1);
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string name_in_metrics(const std::string& text) {
  const std::string begin = "{name=\"";
  const size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  std::string name;
  for (size_t k = at + begin.size(); k < text.size() && text[k] != '"'; ++k) {
    if (text[k] == '\\' && k + 1 < text.size()) {
      ++k;
      name += text[k] == 'n' ? '\n' : text[k];
    } else {
      name += text[k];
    }
  }
  return name;
}

}  // namespace fluxtile
