// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_lock.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>

#include "base/atomic_file.h"
#include "base/limited_file.h"
#include "base/stop.h"
#include "base/system_fault.h"

namespace fluxtile {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Duration = RunLock::Duration;
namespace {

constexpr int kFormat = 1;
constexpr size_t kLargest = 1 << 16;  // bytes of a generation's file
constexpr uint64_t kGenerationsKept = 16;

/// What a generation's file says.
struct Generation {
  std::optional<Error> unread;  ///< why it cannot be read
  std::string bytes;            ///< as they are, to see whether they change
  std::string state;            ///< held, released or taken; empty: it does not say
  std::string token;            ///< of the owner, never used twice
  LockOwner owner;
  std::optional<LockOwner> follower;  ///< who took it, if it was taken
};

std::string path_of(const std::string& folder, uint64_t generation) {
  return folder + "/" + std::to_string(generation);
}

/// The newest generation, 0 when there is none. Its file is never removed. Throws
/// Error(io | interrupted): where a folder cannot be listed, an old number would look like a new
/// one.
uint64_t newest_generation(const std::string& folder) {
  uint64_t newest = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    constexpr size_t most_digits = 18;
    if (name.empty() || name.size() > most_digits ||
        name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    newest = std::max<uint64_t>(newest, std::stoull(name));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw system_fault(Code::io, "cannot read the folder of the lock", folder, error.value());
  // A listing may miss a name that is being replaced at this moment.
  while (access(path_of(folder, newest + 1).c_str(), F_OK) == 0) ++newest;
  return newest;
}

Generation read_generation(const std::string& path) {
  Generation generation;
  const auto bytes = attempt([&] { return read_file_up_to(path, kLargest); });
  if (!bytes.ok()) {
    generation.unread = bytes.error();
    return generation;
  }
  generation.bytes = bytes.value();
  const auto json = nlohmann::json::parse(generation.bytes, nullptr, false);
  if (!json.is_object()) return generation;
  const auto read = attempt([&] {
    generation.owner = owner_of(json);
    generation.token = json.at("token").get<std::string>();
    generation.state = json.at("state").get<std::string>();
    if (json.contains("follower")) generation.follower = owner_of(json.at("follower"));
    return 0;
  });
  if (!read.ok()) generation.state.clear();
  return generation;
}

std::string generation_text(const LockOwner& owner, const std::string& token,
                            const std::string& state, uint64_t count,
                            const LockOwner* follower = nullptr) {
  nlohmann::ordered_json json = owner_json(owner);
  json["format"] = kFormat;
  json["state"] = state;
  json["count"] = count;
  json["token"] = token;
  if (follower != nullptr) json["follower"] = owner_json(*follower);
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Error cannot_create(const std::string& what, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  Error e = system_fault(full ? Code::io : Code::cannot_create, what, path, error);
  if (e.hint().empty()) e.hint("choose a writable outputs.directory");
  return e;
}

}  // namespace

RunLock::Times RunLock::Times::usual() {
  Times times;
  const char* seconds = std::getenv("FLUXTILE_LOCK_DEAD_AFTER");
  const int value = seconds == nullptr ? 0 : std::atoi(seconds);
  if (value > 0) {
    constexpr int beats = 12;
    times.dead_after = std::chrono::seconds(value);
    times.beat = times.dead_after / beats;
    times.look = std::min(times.look, times.beat);
  }
  return times;
}

class RunLock::Impl {
 public:
  Impl(std::string folder, const std::string& verb, Duration wait, const Times& times)
      : folder_(std::move(folder)), times_(times) {
    owner_ = LockOwner::own(verb);
    static std::atomic<unsigned> number{0};
    token_ = owner_.process.host + "-" + owner_.process.boot + "-" +
             std::to_string(owner_.process.pid) + "-" + std::to_string(owner_.process.started) +
             "-" + std::to_string(number++);
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw cannot_create("cannot create the folder of the lock", folder_, error.value());
    acquire(wait);
    remove_stale_parts(folder_);
    for (uint64_t old = generation_ > 2 * kGenerationsKept ? generation_ - 2 * kGenerationsKept : 1;
         old + kGenerationsKept <= generation_; ++old)
      unlink(path_of(folder_, old).c_str());
    beating_ = std::thread([this] { beat(); });
  }

  ~Impl() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    wake_.notify_all();
    beating_.join();
    // Where this cannot be written, others find the process gone.
    if (!lost_) write_own("released");
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] bool waited() const noexcept { return waited_; }

  void require() const {
    const Generation own = read_generation(path_of(folder_, generation_));
    const bool held = !lost_ && own.token == token_ && own.state == "held";
    const bool followed = access(path_of(folder_, generation_ + 1).c_str(), F_OK) == 0;
    if (held && !followed) return;
    if (!lost_ && !followed && own.unread)
      throw Error(Code::interrupted,
                  "it cannot be seen whether this process still has the lock of the output folder; "
                  "it leaves the products alone")
          .file(own.unread->file())
          .found(own.unread->message())
          .hint("run the same command again");
    // A machine may see a new file late, but what became of its own it learns at once.
    const LockOwner follower =
        own.follower ? *own.follower : read_generation(path_of(folder_, generation_ + 1)).owner;
    throw Error(Code::interrupted,
                "this process stood still for so long that the lock of the output folder was taken "
                "over; it leaves the products alone")
        .file(folder_)
        .found("taken over by " + follower.text())
        .hint("run the same command again");
  }

 private:
  void acquire(Duration wait) {
    const auto begin = Clock::now();
    uint64_t watched = 0;
    std::string last_bytes;
    Duration unmoved{0};
    auto last_look = begin;
    for (bool told = false;;) {
      Stop::throw_if_requested();
      const uint64_t newest = newest_generation(folder_);
      const Generation current =
          newest == 0 ? Generation() : read_generation(path_of(folder_, newest));
      if (newest == 0 || current.state == "released") {
        if (claim(newest + 1)) return;
        Stop::sleep(Duration{1});  // another one was quicker
        continue;
      }
      waited_ = true;
      const auto now = Clock::now();
      if (newest != watched || current.bytes != last_bytes) {
        watched = newest;
        last_bytes = current.bytes;
        unmoved = Duration{0};
      } else {
        // A waiter that was frozen itself has watched nothing meanwhile.
        unmoved += std::min(std::chrono::duration_cast<Duration>(now - last_look), 2 * times_.look);
      }
      last_look = now;
      const Fate fate = current.state.empty() ? Fate::unknown : fate_of(current.owner.process);
      if (fate == Fate::gone || unmoved >= times_.dead_after) {
        if (claim(newest + 1)) {
          spdlog::warn("took over the lock of the output folder from {}, {}", current.owner.text(),
                       fate == Fate::gone ? "which is gone" : "whose heartbeat has stopped");
          mark_taken(newest, current);
          return;
        }
        continue;
      }
      const auto left = wait - std::chrono::duration_cast<Duration>(now - begin);
      if (left <= Duration::zero()) throw busy(current);
      if (!told) {
        spdlog::info("waiting for {}, which holds the lock of the output folder",
                     current.owner.text());
        told = true;
      }
      Stop::sleep(std::min(times_.look, left));
    }
  }

  [[nodiscard]] Error busy(const Generation& current) const {
    return Error(Code::interrupted, "another fluxtile is at work on the products of this folder")
        .file(folder_)
        .found(current.owner.text())
        .hint(
            "run the same command again later, or wait longer with --lock-wait; the lock of a "
            "dead process is taken over by itself");
  }

  /// Creates the file of a generation, which only one process can; false when another one did.
  bool claim(uint64_t generation) {
    const std::string path = path_of(folder_, generation);
    AtomicFile file(path);
    const std::string text = generation_text(owner_, token_, "held", 0);
    write_new(file.temporary_path(), text, true);
    if (link(file.temporary_path().c_str(), path.c_str()) != 0) {
      const int error = errno;
      struct stat info {};
      // NFS may say EEXIST of a link that it made: the answer was lost and the request sent again.
      const bool made = stat(file.temporary_path().c_str(), &info) == 0 && info.st_nlink == 2;
      if (!made && error == EEXIST) return false;
      if (!made && (error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK)) {
        if (!create_exclusively(path, text)) return false;
      } else if (!made) {
        throw cannot_create("cannot create the lock", path, error);
      }
    }
    // One who judged an old owner long ago comes too late when there is a newer generation.
    if (newest_generation(folder_) != generation) {
      unlink(path.c_str());
      return false;
    }
    generation_ = generation;
    return true;
  }

  /// For file systems without hard links.
  static bool create_exclusively(const std::string& path, const std::string& text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) return false;
    if (fd < 0) throw cannot_create("cannot create the lock", path, errno);
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    close(fd);
    if (!written) throw cannot_create("cannot write the lock", path, error);
    return true;
  }

  static void write_new(const std::string& path, const std::string& text, bool durable) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) throw cannot_create("cannot create the lock", path, errno);
    const bool written =
        ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        (!durable || fsync(fd) == 0);
    const int error = errno;
    if (close(fd) != 0 || !written) throw cannot_create("cannot write the lock", path, error);
  }

  /// Replaces the file of a generation; best effort.
  void replace(uint64_t generation, const std::string& text) const noexcept {
    try {
      const AtomicFile file(path_of(folder_, generation));
      write_new(file.temporary_path(), text, false);
      if (rename(file.temporary_path().c_str(), file.path().c_str()) != 0)
        spdlog::debug("cannot replace {}", file.path());
    } catch (const std::exception& error) {
      spdlog::debug("{}", error.what());
    }
  }

  void write_own(const std::string& state) const noexcept {
    try {
      replace(generation_, generation_text(owner_, token_, state, count_));
    } catch (const std::exception& error) {
      spdlog::debug("{}", error.what());
    }
  }

  /// So that an owner that is not dead but frozen learns of it from its own file.
  void mark_taken(uint64_t generation, const Generation& dead) const noexcept {
    try {
      replace(generation, generation_text(dead.owner, dead.token, "taken", 0, &owner_));
    } catch (const std::exception& error) {
      spdlog::debug("{}", error.what());
    }
  }

  void beat() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, times_.beat, [this] { return ended_; })) {
      const Generation own = read_generation(path_of(folder_, generation_));
      const bool newer = access(path_of(folder_, generation_ + 1).c_str(), F_OK) == 0;
      if (newer || (!own.state.empty() && (own.token != token_ || own.state != "held"))) {
        lost_ = true;
        return;
      }
      ++count_;
      write_own("held");
    }
  }

  std::string folder_, token_;
  Times times_;
  LockOwner owner_;
  uint64_t generation_ = 0, count_ = 0;
  bool waited_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::atomic<bool> lost_{false};
  std::thread beating_;
};

RunLock::RunLock(std::string folder, const std::string& verb, Duration wait, const Times& times)
    : impl_(std::make_unique<Impl>(std::move(folder), verb, wait, times)) {}
RunLock::~RunLock() = default;
bool RunLock::waited() const noexcept { return impl_->waited(); }
void RunLock::require() const { impl_->require(); }

std::optional<LockOwner> RunLock::holder(const std::string& folder) noexcept {
  try {
    const uint64_t newest = newest_generation(folder);
    if (newest == 0) return std::nullopt;
    Generation current = read_generation(path_of(folder, newest));
    if (current.state == "released") return std::nullopt;
    current.owner.fate = current.state.empty() ? Fate::unknown : fate_of(current.owner.process);
    return current.owner;
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace fluxtile
