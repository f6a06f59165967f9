// SPDX-License-Identifier: Apache-2.0
#include "pipeline/log.h"

#include <cpl_error.h>
#include <fmt/format.h>
#include <proj.h>
#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/nearest_name.h"
#include "base/safe_text.h"
#include "pipeline/status_line.h"

namespace fluxtile {
namespace {

const std::vector<std::pair<std::string, spdlog::level::level_enum>>& levels() {
  static const std::vector<std::pair<std::string, spdlog::level::level_enum>> names = {
      {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug},
      {"info", spdlog::level::info},   {"warn", spdlog::level::warn},
      {"error", spdlog::level::err},   {"off", spdlog::level::off}};
  return names;
}

std::string level_name(spdlog::level::level_enum level) {
  for (const auto& [name, value] : levels()) {
    if (value == level) return name;
  }
  return "error";  // critical
}

/// Writes each message at once, as one line above the progress bar.
class StatusLineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StatusLineSink(bool json) : json_(json) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.data(), message.payload.size());
    if (!json_) {
      const std::time_t seconds = std::chrono::system_clock::to_time_t(message.time);
      std::tm time{};
      localtime_r(&seconds, &time);
      char stamp[16];
      std::strftime(stamp, sizeof stamp, "%H:%M:%S", &time);
      StatusLine::standard_error().write_line(
          fmt::format("{} {} {}", stamp, level_name(message.level), log_lines(text)));
      return;
    }
    nlohmann::ordered_json line;
    line["time"] = utc_text(message.time);
    line["level"] = level_name(message.level);
    line["message"] = text;
    StatusLine::standard_error().write_line(
        line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  void flush_() override {}

 private:
  bool json_;
};

/// A library that warns once a tile would bury everything else: each text is shown three times.
void log_from_library(spdlog::level::level_enum level, const std::string& text) {
  constexpr int most = 3;
  constexpr size_t remembered = 1000;
  if (level >= spdlog::level::warn) {
    static std::mutex mutex;
    static auto* counts = new std::map<std::string, int>;  // libraries may warn at exit
    const std::lock_guard<std::mutex> lock(mutex);
    if (counts->size() >= remembered && counts->count(text) == 0) return;
    const int count = ++(*counts)[text];
    if (count > most) return;
    if (count == most) {
      spdlog::log(level, "{} (not shown again)", text);
      return;
    }
  }
  spdlog::log(level, "{}", text);
}

void CPL_STDCALL on_gdal_message(CPLErr kind, CPLErrorNum, const char* text) {
  const auto level = kind == CE_Debug   ? spdlog::level::debug
                     : kind == CE_None  ? spdlog::level::info
                     : kind == CE_Fatal ? spdlog::level::err
                                        : spdlog::level::warn;
  log_from_library(level, "GDAL: " + std::string(text == nullptr ? "" : text));
}

void on_proj_message(void*, int kind, const char* text) {
  const auto level = kind == PJ_LOG_ERROR ? spdlog::level::warn : spdlog::level::debug;
  log_from_library(level, "PROJ: " + std::string(text == nullptr ? "" : text));
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return fmt::format("{}.{:03}Z", stamp, since.count() % 1000);
}

void initialise_log(const std::string& level, const std::string& format) {
  std::vector<std::string> names;
  auto chosen = spdlog::level::n_levels;
  for (const auto& [name, value] : levels()) {
    names.push_back(name);
    if (name == level) chosen = value;
  }
  if (chosen == spdlog::level::n_levels) {
    throw Error(Code::usage, "unknown log level")
        .found("--log-level " + level)
        .expected("trace, debug, info, warn, error or off")
        .hint(suggestion(level, nearest_names(level, names)));
  }
  if (format != "text" && format != "json") {
    throw Error(Code::usage, "unknown log format")
        .found("--log-format " + format)
        .expected("text or json");
  }
  auto sink = std::make_shared<StatusLineSink>(format == "json");
  auto logger = std::make_shared<spdlog::logger>("fluxtile", std::move(sink));
  logger->set_level(chosen);
  spdlog::set_default_logger(std::move(logger));
  CPLSetErrorHandler(on_gdal_message);
  // Contexts made later copy the default one's logger.
  proj_log_func(nullptr, nullptr, on_proj_message);
}

}  // namespace fluxtile
