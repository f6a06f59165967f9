// SPDX-License-Identifier: Apache-2.0
#include "geo/source_blocks.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "geo/raster_source.h"

namespace fluxtile {
namespace {

using Key = std::tuple<uint32_t, int, int, int>;  // file, band, row, column
using Turn = std::tuple<int64_t, Key, size_t>;    // when rows are read again, block, group

struct Kept {
  std::shared_ptr<const SourceRows> rows;  // null: not there
  int64_t turn = 0, last = 0;              // when they are read again, and for the last time
};

struct Entry {
  std::mutex decoding;
  std::vector<Kept> groups;  // under the cache's mutex
};

class Cache {
 public:
  BlockRows get(const BlockRead& read, const std::function<BlockRows()>& decode) {
    std::shared_ptr<Entry> entry;
    Key key;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto file =
          files_.emplace(read.id.path, static_cast<uint32_t>(files_.size())).first->second;
      key = {file, read.id.band, read.id.row, read.id.column};
      auto& known = entries_[key];
      if (!known) known = std::make_shared<Entry>();
      known->groups.resize(read.rows.size());
      entry = known;
    }
    const std::lock_guard<std::mutex> decoding(entry->decoding);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      BlockRows found = rows_of(*entry, read);
      if (!found.empty()) {
        settle(key, entry, read, found);
        return found;
      }
    }
    BlockRows decoded;
    try {
      decoded = decode();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      forget_empty(key, entry);
      throw;
    }
    ++decoded_;
    const std::lock_guard<std::mutex> lock(mutex_);
    settle(key, entry, read, decoded);
    return decoded;
  }

  void set_memory(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    memory_ = bytes;
    make_room();
  }
  void limit_memory(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    memory_ = std::min(memory_, bytes);
    make_room();
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.clear();
    turns_.clear();
    files_.clear();
    total_ = 0;
    earliest_ = std::numeric_limits<int64_t>::min();
  }

  [[nodiscard]] uint64_t decoded() const { return decoded_; }

 private:
  // All with the mutex held.

  /// The groups that hold what is read, null where they do not; empty when one is missing.
  static BlockRows rows_of(const Entry& entry, const BlockRead& read) {
    BlockRows found(read.rows.size());
    for (size_t g = 0; g < read.rows.size(); ++g) {
      const SourceWindow part = read.part.intersection(read.rows[g]);
      if (part.empty()) continue;
      found[g] = entry.groups[g].rows;
      if (!found[g] || !found[g]->covers(part)) return {};
    }
    return found;
  }

  /// Keeps what was read or decoded for as long as it is wanted again.
  void settle(const Key& key, const std::shared_ptr<Entry>& entry, const BlockRead& read,
              const BlockRows& rows) {
    earliest_ = std::max(earliest_, read.earliest);
    const auto known = entries_.find(key);
    if (known == entries_.end() || known->second != entry) return;  // all was forgotten meanwhile
    for (size_t g = 0; g < rows.size(); ++g) {
      if (!rows[g]) continue;
      drop(key, *entry, g);
      Kept kept{rows[g], 0, 0};
      if (read.uses.empty()) {
        kept.turn = kept.last = std::numeric_limits<int64_t>::max() - ++uses_without_plan_;
      } else if (const RowsUse& use = read.uses[g]; use.next) {
        kept.turn = *use.next;
        kept.last = use.last;
      } else {
        continue;
      }
      total_ += kept.rows->bytes();
      turns_.emplace(kept.turn, key, g);
      entry->groups[g] = std::move(kept);
    }
    make_room();
    forget_empty(key, entry);
  }

  void drop(const Key& key, Entry& entry, size_t group) {
    Kept& kept = entry.groups[group];
    if (!kept.rows) return;
    turns_.erase({kept.turn, key, group});
    total_ -= kept.rows->bytes();
    kept = {};
  }

  void forget_empty(const Key& key, const std::shared_ptr<Entry>& entry) {
    const auto known = entries_.find(key);
    if (known == entries_.end() || known->second != entry || entry.use_count() > 2) return;
    const bool any = std::any_of(entry->groups.begin(), entry->groups.end(),
                                 [](const Kept& kept) { return kept.rows != nullptr; });
    if (!any) entries_.erase(known);
  }

  void drop(const Turn turn) {
    const auto& [when, key, group] = turn;
    const std::shared_ptr<Entry> entry = entries_.at(key);
    drop(key, *entry, group);
    forget_empty(key, entry);
  }

  void make_room() {
    // Whoever was to read these has done so, or never will.
    while (!turns_.empty() && std::get<0>(*turns_.begin()) < earliest_) {
      const Turn turn = *turns_.begin();
      const auto& [when, key, group] = turn;
      Kept& kept = entries_.at(key)->groups[group];
      if (kept.last < earliest_) {
        drop(turn);
        continue;
      }
      turns_.erase(turns_.begin());
      kept.turn = earliest_;
      turns_.emplace(kept.turn, key, group);
    }
    while (total_ > memory_ && !turns_.empty()) drop(*turns_.rbegin());
  }

  std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> files_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  std::set<Turn> turns_;
  int64_t earliest_ = std::numeric_limits<int64_t>::min(), uses_without_plan_ = 0;
  size_t total_ = 0, memory_ = size_t{32} << 20;
  std::atomic<uint64_t> decoded_{0};
};

Cache& cache() {
  static Cache blocks;
  return blocks;
}

}  // namespace

SourceRows::SourceRows(const SourceWindow& area, size_t bytes_of_number,
                       const std::vector<SourceWindow>& wanted)
    : area_(area), bytes_of_number_(bytes_of_number), rows_(static_cast<size_t>(area.height)) {
  for (const SourceWindow& window : wanted) {
    const SourceWindow part = window.intersection(area);
    if (part.empty()) continue;
    const auto first = static_cast<int32_t>(part.column - area.column),
               end = static_cast<int32_t>(first + part.width);
    for (int64_t row = part.row - area.row; row < part.row - area.row + part.height; ++row) {
      Span& span = rows_[static_cast<size_t>(row)];
      const bool none = span.first == span.end;
      span.first = none ? first : std::min(span.first, first);
      span.end = none ? end : std::max(span.end, end);
    }
  }
  for (Span& span : rows_) {
    span.at = static_cast<uint32_t>(size_);  // a block has at most 1 GiB
    size_ += static_cast<size_t>(span.end - span.first) * bytes_of_number_;
  }
  numbers_.reset(new unsigned char[size_]);  // not zeroed
}

unsigned char* SourceRows::numbers(int64_t row) {
  return numbers_.get() + rows_[static_cast<size_t>(row - area_.row)].at;
}

SourceRows::Row SourceRows::row(int64_t row) const {
  const Span& span = rows_[static_cast<size_t>(row - area_.row)];
  return {area_.column + span.first, area_.column + span.end, numbers_.get() + span.at};
}

bool SourceRows::covers(const SourceWindow& window) const {
  for (int64_t row = window.row; row < window.row + window.height; ++row) {
    const Row kept = this->row(row);
    if (window.column < kept.first || window.column + window.width > kept.end) return false;
  }
  return true;
}

size_t SourceRows::bytes() const noexcept { return size_ + rows_.size() * sizeof(Span); }

BlockRows source_block(const BlockRead& read, const std::function<BlockRows()>& decode) {
  return cache().get(read, decode);
}

void set_source_block_memory(size_t bytes) { cache().set_memory(bytes); }
void limit_source_blocks(size_t bytes) { cache().limit_memory(bytes); }
void forget_source_blocks() { cache().clear(); }
uint64_t decoded_source_blocks() { return cache().decoded(); }

}  // namespace fluxtile
