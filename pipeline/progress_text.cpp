// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace fluxtile {
namespace {

double share(const ProgressState& state) {
  if (state.total == 0) return 1;
  const auto finished = static_cast<double>(state.already + state.done);
  return std::min(1.0, finished / static_cast<double>(state.total));
}

std::string facts(const ProgressState& state) {
  std::string text = fmt::format("{}/{}", state.already + state.done, state.total);
  if (state.failed > 0) text += fmt::format(", {} failed", state.failed);
  if (state.rate() > 0) text += fmt::format(", {:.3g}/s", state.rate());
  if (state.remaining() >= 0 && state.already + state.done < state.total)
    text += ", " + duration_text(state.remaining()) + " left";
  return text;
}

int percent(const ProgressState& state) { return static_cast<int>(std::floor(100 * share(state))); }

}  // namespace

double ProgressState::rate() const {
  return done > 0 && seconds > 0 ? static_cast<double>(done) / seconds : 0;
}

double ProgressState::remaining() const {
  if (already + done >= total) return 0;
  return rate() > 0 ? static_cast<double>(total - already - done) / rate() : -1;
}

std::string progress_bar(const ProgressState& state, int width) {
  const std::string head = state.phase + " ";
  std::string tail = fmt::format(" {} % {}", percent(state), facts(state));
  if (!state.note.empty()) tail += ", " + state.note;
  const int room = width - static_cast<int>(head.size() + tail.size()) - 2;
  const int cells = std::clamp(room, 0, 30);
  std::string bar;
  if (cells >= 5) {
    const auto full = static_cast<size_t>(std::floor(share(state) * cells));
    bar = "[" + std::string(full, '#') + std::string(static_cast<size_t>(cells) - full, '.') + "]";
  }
  return (head + bar + tail).substr(0, static_cast<size_t>(std::max(width, 0)));
}

std::string progress_line(const ProgressState& state) {
  std::string text = fmt::format("{} {} % {}", state.phase, percent(state), facts(state));
  if (!state.note.empty()) text += ", " + state.note;
  return text;
}

std::string progress_json(const ProgressState& state, const std::string& event) {
  nlohmann::ordered_json line;
  line["event"] = event;
  line["phase"] = state.phase;
  line["done"] = state.already + state.done;
  line["total"] = state.total;
  line["failed"] = state.failed;
  line["cells"] = state.cells;
  line["rate"] = state.rate();
  line["eta_s"] = state.remaining() < 0 ? nlohmann::ordered_json(nullptr)
                                        : nlohmann::ordered_json(std::round(state.remaining()));
  line["elapsed_s"] = std::round(state.seconds * 1000) / 1000;
  if (!state.note.empty()) line["note"] = state.note;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::clamp(seconds, 0.0, 1e12)));
  const int64_t minutes = whole / 60, hours = minutes / 60, days = hours / 24;
  if (days > 0) return fmt::format("{} d {} h", days, hours % 24);
  if (hours > 0) return fmt::format("{} h {:02} min", hours, minutes % 60);
  if (minutes > 0) return fmt::format("{} min {:02} s", minutes, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace fluxtile
