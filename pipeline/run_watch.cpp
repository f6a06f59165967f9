// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_watch.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/atomic_file.h"
#include "base/process_identity.h"
#include "pipeline/last_run.h"
#include "pipeline/run_metrics.h"
#include "pipeline/run_summary.h"
#include "pipeline/status_line.h"

namespace fluxtile {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// When run.json was written, which is written last; 0: never.
double time_of_products(const std::string& private_folder) {
  struct stat info {};
  const std::string record = std::filesystem::path(private_folder).parent_path() / "run.json";
  return stat(record.c_str(), &info) == 0 ? static_cast<double>(info.st_mtim.tv_sec) : 0.0;
}

}  // namespace

RunWatch::RunWatch(std::string verb, std::string configuration, std::string metrics,
                   std::string shard)
    : metrics_option_(std::move(metrics)) {
  facts_.verb = std::move(verb);
  facts_.configuration = std::filesystem::absolute(configuration).lexically_normal().string();
  facts_.name = std::filesystem::path(configuration).stem().string();
  facts_.shard = std::move(shard);
  facts_.host = this_host();
  facts_.pid = static_cast<int>(getpid());
  facts_.started = now_seconds();
  if (metrics_option_.empty()) return;
  metrics_file_ = std::filesystem::absolute(metrics_option_).lexically_normal().string();
  // A configuration that cannot be read is told under the name that its runs had before.
  const auto text = attempt([&] { return read_file(metrics_file_); });
  if (!text.ok() || name_in_metrics(text.value()).empty()) return;
  facts_.name = name_in_metrics(text.value());
  remember(text.value());
}

void RunWatch::remember(const std::string& metrics) {
  const auto of = [&](const char* metric) { return metric_in(metrics, metric).value_or(0.0); };
  if (of("run_end_timestamp_seconds") > facts_.ended) {
    facts_.ended = of("run_end_timestamp_seconds");
    facts_.exit_code = static_cast<int>(of("run_exit_code"));
  }
  facts_.last_success = std::max(facts_.last_success, of("run_last_success_timestamp_seconds"));
  facts_.products_time = std::max(facts_.products_time, of("products_timestamp_seconds"));
}

RunWatch::~RunWatch() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (heart_.joinable()) heart_.join();
}

void RunWatch::configured(const Config& config) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    facts_.name = config.name;
    // Shards share no file: each has its own --metrics, and the merge tells of the whole.
    if (metrics_file_.empty() && facts_.shard.empty()) metrics_file_ = config.run.metrics;
    private_folder_ = config.output_directory + "/.fluxtile";
    if (const auto before = read_last_run(private_folder_);
        before && before->name == config.name && facts_.shard.empty()) {
      facts_.ended = before->ended;
      facts_.exit_code = before->exit_code;
      facts_.last_success = before->last_success;
      facts_.products_plan = before->products_plan;
      own_folder_ = true;
    }
    const auto text = attempt([&] { return read_file(metrics_file_); });
    if (!metrics_file_.empty() && text.ok()) remember(text.value());
  }
  if (!metrics_file_.empty())
    remove_stale_parts(std::filesystem::path(metrics_file_).parent_path().string());
  write_now();
  heart_ = std::thread([this] { beat(); });
}

void RunWatch::planned(const PlannedFacts& plan) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    facts_.planned = plan;
    own_folder_ = facts_.shard.empty();
  }
  write_now();
}

void RunWatch::tally(const RunTally& tally) {
  const std::lock_guard<std::mutex> lock(mutex_);
  facts_.tally = tally;
  facts_.failed_tiles = std::max(facts_.failed_tiles, tally.tiles_failed);
}

void RunWatch::checked(uint64_t failed_tiles) {
  const std::lock_guard<std::mutex> lock(mutex_);
  facts_.failed_tiles = failed_tiles;
}

void RunWatch::products(uint64_t count, bool written) {
  const std::lock_guard<std::mutex> lock(mutex_);
  facts_.products = count;
  facts_.products_written = written;
  facts_.products_plan = facts_.planned.plan;
}

std::string RunWatch::products_plan() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return facts_.products_plan;
}

RunFacts RunWatch::conclude(int code, const std::string& cause) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    facts_.running = false;
    facts_.exit_code = code;
    facts_.cause = cause;
    facts_.ended = now_seconds();
    if (code == 0) facts_.last_success = facts_.ended;
  }
  changed_.notify_all();
  if (heart_.joinable()) heart_.join();
  write_now();
  return facts();
}

RunFacts RunWatch::facts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  RunFacts facts = facts_;
  facts.updated = now_seconds();
  facts.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  facts.peak_memory = peak_memory();
  if (!private_folder_.empty()) facts.products_time = time_of_products(private_folder_);
  return facts;
}

void RunWatch::write_now() {
  const std::lock_guard<std::mutex> writing(writing_);
  const RunFacts facts = this->facts();
  const auto write = [this](const std::string& path, const std::string& text) {
    try {
      write_atomically(path, text);
    } catch (...) {
      const Error error = current_error();
      if (!complained_)
        spdlog::warn("the run goes on, but cannot tell of itself: {}", error.what());
      complained_ = true;
    }
  };
  if (!metrics_file_.empty()) write(metrics_file_, metrics_text(facts));
  std::error_code none;
  if (own_folder_ && facts.shard.empty() && std::filesystem::is_directory(private_folder_, none) &&
      access(private_folder_.c_str(), W_OK) == 0) {
    write(last_run_path(private_folder_), last_run_text(facts));
  }
}

void RunWatch::beat() {
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (changed_.wait_for(lock, interval_, [this] { return ended_; })) return;
    }
    write_now();
  }
}

void say_summary(const RunFacts& facts, bool json) {
  if (!spdlog::default_logger_raw()->should_log(spdlog::level::info)) return;
  if (json) {
    StatusLine::standard_error().write_line(summary_json(facts));
  } else {
    spdlog::info("{}", summary_line(facts));
  }
}

}  // namespace fluxtile
