// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "base/atomic_file.h"
#include "base/stop.h"
#include "pipeline/plan.h"
#include "pipeline/product_replacement.h"
#include "pipeline/run_lock.h"
#include "pipeline/run_presence.h"
#include "pipeline/run_record.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kDay = 86400;
/// A run of another machine that still is at work after so long has most likely died.
constexpr int64_t kLongestRun = 30 * kDay;

/// Something that may go.
struct Item {
  std::string kind, path;
  uint64_t bytes = 0;
};

/// result_key in the metadata of a file of a tile; empty where the file is none.
std::string result_key_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  uint64_t length = 0;
  constexpr uint64_t most = 1 << 24;
  if (!file.read(reinterpret_cast<char*>(&length), sizeof length) || length > most) return "";
  std::string header(length, '\0');
  if (!file.read(header.data(), static_cast<std::streamsize>(length))) return "";
  const auto json = nlohmann::json::parse(header, nullptr, false);
  if (!json.is_object()) return "";
  const auto metadata = json.find("__metadata__");
  if (metadata == json.end() || !metadata->is_object()) return "";
  const auto key = metadata->find("result_key");
  return key != metadata->end() && key->is_string() ? key->get<std::string>() : "";
}

/// What kept plans need: "region/tile" -> "step-year" -> result keys.
class Needed {
 public:
  void add(const Plan& plan) {
    for (const TileUnit& unit : plan.units) {
      const PlanRegion& region = plan.regions.at(unit.region);
      auto& years = tiles_[region.file_name + "/" + unit.name()];
      for (size_t step = 0; step < plan.steps.size(); ++step)
        years[std::to_string(step) + "-" + std::to_string(plan.steps[step].year)].insert(
            region.result_key);
    }
  }
  void add_all() { all_ = true; }
  [[nodiscard]] bool region(const std::string& folder) const {
    const auto first = tiles_.lower_bound(folder + "/");
    return all_ || (first != tiles_.end() && first->first.rfind(folder + "/", 0) == 0);
  }
  [[nodiscard]] bool tile(const std::string& tile) const { return all_ || tiles_.count(tile) > 0; }
  /// `path`: of one of its files.
  [[nodiscard]] bool file(const std::string& tile, const fs::path& path) const {
    if (all_) return true;
    const auto years = tiles_.find(tile);
    if (years == tiles_.end()) return false;
    std::string stem = path.stem().string();
    if (path.extension() == ".open-state") stem = stem.substr(0, stem.rfind('-'));
    const auto keys = years->second.find(stem);
    return keys != years->second.end() && keys->second.count(result_key_of(path.string())) > 0;
  }

 private:
  bool all_ = false;
  std::map<std::string, std::map<std::string, std::set<std::string>>> tiles_;
};

/// What lies in a folder; nothing when it is a link to another place.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  if (fs::is_symlink(folder, error)) return found;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    found.push_back(entry->path());
  std::sort(found.begin(), found.end());
  return found;
}

class Cleaning {
 public:
  Cleaning(const Config& config, const VerbOptions& options, const CleanOptions& clean)
      : config_(config), options_(options), clean_(clean), private_(private_folder(config)) {}

  /// Finds what may go. `dry`: writes nothing.
  void find() {
    note_time();
    if (clean_.all) {
      find_all();
      return;
    }
    choose_plans();
    for (const auto& path : entries(private_ + "/plans"))
      if (path.extension() == ".json" && kept_.count(path.stem().string()) == 0)
        offer("plan", path);
    for (const auto& region : entries(private_ + "/tiles"))
      for (const auto& tile : entries(region)) find_in_tile(region.filename().string(), tile);
    for (const auto& region : entries(private_ + "/failures"))
      for (const auto& path : entries(region)) {
        const std::string tile = region.filename().string() + "/" + path.stem().string();
        if (path.extension() == ".json" && !needed_.tile(tile)) offer("failure", path);
      }
    find_leftovers();
  }

  /// Removes what was found. Throws Error(io) when something cannot be removed.
  void remove() {
    std::string trouble, cause;
    for (const Item& item : items_) {
      Stop::throw_if_requested();
      std::error_code error;
      fs::remove_all(config_.output_directory + "/" + item.path, error);
      if (error && trouble.empty()) {
        trouble = item.path;
        cause = error.message();
      }
    }
    for (const char* folder : {"/tiles", "/failures"})
      for (const auto& region : entries(private_ + folder)) {
        for (const auto& tile : entries(region))
          if (!needed_.tile(region.filename().string() + "/" + tile.filename().string()))
            rmdir(tile.c_str());
        if (!needed_.region(region.filename().string())) rmdir(region.c_str());
      }
    if (!trouble.empty()) {
      throw Error(Code::io, "cannot remove the file: " + cause)
          .file(config_.output_directory + "/" + trouble)
          .hint("check the permissions of the folder");
    }
  }

  void print(std::ostream& out) const {
    uint64_t bytes = 0;
    for (const Item& item : items_) bytes += item.bytes;
    if (options_.json) {
      nlohmann::ordered_json json = {
          {"dry_run", clean_.dry_run}, {"files", items_.size()}, {"bytes", bytes}};
      json["removed"] = nlohmann::ordered_json::array();
      for (const Item& item : items_)
        json["removed"].push_back(
            {{"kind", item.kind}, {"bytes", item.bytes}, {"path", item.path}});
      json["kept_plans"] = nlohmann::ordered_json::array();
      for (const auto& [id, why] : kept_)
        json["kept_plans"].push_back({{"plan", id}, {"because", why}});
      out << json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
      return;
    }
    for (const Item& item : items_)
      out << item.kind << "\t" << item.bytes << "\t" << item.path << "\n";
    out << "total\t" << bytes << "\t" << items_.size() << "\n";
  }

 private:
  /// The time by the clock that also stamps the files: a file server's may differ from ours.
  void note_time() {
    now_ = static_cast<int64_t>(std::time(nullptr));
    if (clean_.dry_run) return;
    const auto probed = attempt([&] {
      const AtomicFile probe(private_ + "/clock");
      std::ofstream(probe.temporary_path()) << "\n";
      struct stat info {};
      return stat(probe.temporary_path().c_str(), &info) == 0
                 ? static_cast<int64_t>(info.st_mtim.tv_sec)
                 : now_;
    });
    if (probed.ok()) now_ = probed.value();
  }

  /// Seconds since it was written; 0 where it cannot be told.
  [[nodiscard]] int64_t age(const fs::path& path) const {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return 0;
    return now_ - static_cast<int64_t>(info.st_mtim.tv_sec);
  }

  [[nodiscard]] bool old_enough(const fs::path& path) const {
    return age(path) >= clean_.older_than.count();
  }

  void take(const std::string& kind, const fs::path& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return;
    items_.push_back({kind, in_outputs(path), static_cast<uint64_t>(info.st_size)});
  }

  /// As the output folder sees it, however that was written ("out/").
  [[nodiscard]] std::string in_outputs(const fs::path& path) const {
    return path.lexically_relative(config_.output_directory).string();
  }

  void offer(const std::string& kind, const fs::path& path) {
    if (old_enough(path)) take(kind, path);
  }

  void keep(const std::string& id, const std::string& why) { kept_.emplace(id, why); }

  void choose_plans() {
    const Plan current = make_plan(config_, options_).plan;
    keep(current.id, "current");
    needed_.add(current);

    const auto record = read_run_record(config_.output_directory);
    const std::string of_products = record ? record->plan : "";
    if (!of_products.empty()) keep(of_products, "products");
    for (const auto& running : RunPresence::all(private_)) {
      if (running.owner.fate == Fate::gone) continue;
      if (running.owner.fate == Fate::unknown && age(running.path) > kLongestRun) continue;
      keep(running.plan_id, "running: " + running.owner.text());
    }
    std::multimap<int64_t, std::string> by_age;
    for (const auto& path : entries(private_ + "/plans"))
      if (path.extension() == ".json" && kept_.count(path.stem().string()) == 0)
        by_age.emplace(age(path), path.stem().string());
    size_t newest = 0;
    for (const auto& [seconds, id] : by_age) {
      if (newest++ < clean_.keep_plans) keep(id, "newest");
      if (seconds < clean_.older_than.count()) keep(id, "young");
    }
    for (const auto& [id, why] : kept_) {
      if (id == current.id) continue;
      const std::string path = private_ + "/plans/" + id + ".json";
      const auto plan = attempt([&] { return plan_from_json(read_file(path), path); });
      if (plan.ok()) {
        needed_.add(plan.value());
      } else {
        // What is needed by a plan that cannot be read nobody knows.
        spdlog::warn("plan {} ({}) cannot be read, so all tile-years are kept: {}", id, why,
                     plan.error().message());
        needed_.add_all();
      }
    }
    const bool damaged = !record && fs::exists(config_.output_directory + "/run.json");
    if (damaged || !interrupted_replacement(config_.output_directory).empty()) {
      spdlog::warn("the products are not whole, so all tile-years are kept: run or merge first");
      needed_.add_all();
    }
  }

  void find_in_tile(const std::string& region, const fs::path& folder) {
    Stop::throw_if_requested();
    const std::string tile = region + "/" + folder.filename().string();
    for (const auto& path : entries(folder)) {
      const std::string kind = path.extension() == ".tile-year" ? "tile-year"
                               : path.extension() == ".inputs"  ? "inputs"
                               : path.extension() == ".state" || path.extension() == ".open-state"
                                   ? "state"
                                   : "";
      if (!kind.empty() && old_enough(path) && !needed_.file(tile, path)) take(kind, path);
    }
  }

  /// Temporary files of processes that died, and products that were never put in place.
  void find_leftovers() {
    const auto look = [&](const fs::path& path) {
      const std::string name = path.filename().string();
      const bool part = name.front() == '.' && name.find(".part") != std::string::npos;
      if (part && (is_stale_part(name) || age(path) > kDay)) take("leftover", path);
    };
    std::error_code error;
    for (fs::directory_iterator entry(config_.output_directory, error), end; !error && entry != end;
         entry.increment(error))
      look(entry->path());
    for (fs::recursive_directory_iterator entry(private_, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().filename() == "products" && entry.depth() == 0) {
        entry.disable_recursion_pending();
        continue;
      }
      if (entry->is_regular_file(error)) look(entry->path());
    }
    if (!clean_.dry_run) {  // with the lock: nobody merges
      for (const auto& path : entries(private_ + "/products")) take_folder("leftover", path);
    }
    for (const auto& running : RunPresence::all(private_)) {
      if (running.owner.fate == Fate::gone ||
          (running.owner.fate == Fate::unknown && age(running.path) > kLongestRun))
        take("leftover", running.path);
    }
    // Batch scripts and logs of plans that are gone.
    for (const auto& path : entries(private_ + "/batch")) {
      const bool has_plan =
          fs::exists(private_ + "/plans/" + path.filename().string() + ".json", error);
      if (!has_plan && old_enough(path)) take_folder("leftover", path);
    }
  }

  void take_folder(const std::string& kind, const fs::path& folder) {
    uint64_t bytes = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
      if (entry->is_regular_file(error)) bytes += entry->file_size(error);
    if (!fs::is_directory(folder, error)) {
      take(kind, folder);
      return;
    }
    items_.push_back({kind, in_outputs(folder), bytes});
  }

  void find_all() {
    if (!interrupted_replacement(config_.output_directory).empty()) {
      throw Error(Code::data, "the products are of two runs: what would make them whole is kept")
          .file(config_.output_directory)
          .hint("run `fluxtile merge` (or `run`) first");
    }
    for (const auto& running : RunPresence::all(private_)) {
      if (running.owner.fate == Fate::gone ||
          (running.owner.fate == Fate::unknown && age(running.path) > kLongestRun))
        continue;
      throw Error(Code::interrupted, "a run is at work in this folder")
          .file(running.path)
          .found(running.owner.text())
          .hint("clean again when it is done");
    }
    for (const auto& [folder, kind] :
         std::vector<std::pair<std::string, std::string>>{{"plans", "plan"},
                                                          {"tiles", "tile-year"},
                                                          {"failures", "failure"},
                                                          {"products", "leftover"},
                                                          {"batch", "leftover"},
                                                          {"running", "leftover"},
                                                          {"checked.json", "leftover"}}) {
      const fs::path path = fs::path(private_) / folder;
      std::error_code error;
      if (fs::exists(fs::symlink_status(path, error))) take_folder(kind, path);
    }
  }

  const Config& config_;
  const VerbOptions& options_;
  const CleanOptions& clean_;
  std::string private_;
  int64_t now_ = 0;
  std::map<std::string, std::string> kept_;  // plan -> why
  Needed needed_;
  std::vector<Item> items_;
};

}  // namespace

int clean_verb(const Config& config, const VerbOptions& options, const CleanOptions& clean,
               std::ostream& out) {
  require_own_folder(config);
  Cleaning cleaning(config, options, clean);
  if (clean.dry_run || !fs::exists(private_folder(config))) {
    if (fs::exists(private_folder(config))) cleaning.find();
    cleaning.print(out);
    return 0;
  }
  const RunLock lock(lock_folder(config.output_directory), "clean", options.lock_wait,
                     RunLock::Times::usual());
  cleaning.find();
  lock.require();
  cleaning.remove();
  cleaning.print(out);
  return 0;
}

}  // namespace fluxtile
