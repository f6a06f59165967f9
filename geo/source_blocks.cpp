// SPDX-License-Identifier: Apache-2.0
#include "geo/source_blocks.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include "geo/raster_source.h"

namespace fluxtile {
namespace {

using Key = std::tuple<uint32_t, int, int, int>;  // file, band, row, column

struct Entry {
  std::mutex decoding;
  std::shared_ptr<const SourceBlock> block;  // null until decoded; under `decoding`
  std::list<Key>::iterator place;            // in the order of use; under the cache's mutex
  size_t bytes = 0;                          // counted in the total; under the cache's mutex
};

class Cache {
 public:
  std::shared_ptr<const SourceBlock> get(const SourceBlockId& id,
                                         const std::function<SourceBlock()>& decode) {
    std::shared_ptr<Entry> entry;
    Key key;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto file = files_.emplace(id.path, static_cast<uint32_t>(files_.size())).first->second;
      key = {file, id.band, id.row, id.column};
      const auto found = entries_.find(key);
      if (found != entries_.end()) {
        entry = found->second;
        used_.splice(used_.begin(), used_, entry->place);
      } else {
        entry = std::make_shared<Entry>();
        used_.push_front(key);
        entry->place = used_.begin();
        entries_.emplace(key, entry);
      }
    }
    const std::lock_guard<std::mutex> decoding(entry->decoding);
    if (entry->block) return entry->block;
    try {
      entry->block = std::make_shared<const SourceBlock>(decode());
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      drop(key, *entry);
      throw;
    }
    ++decoded_;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto still = entries_.find(key);
    if (still != entries_.end() && still->second == entry) {
      entry->bytes = entry->block->bytes.size();
      total_ += entry->bytes;
      make_room();
    }
    return entry->block;
  }

  void set_memory(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    memory_ = bytes;
    make_room();
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.clear();
    used_.clear();
    files_.clear();
    total_ = 0;
  }

  [[nodiscard]] uint64_t decoded() const { return decoded_; }

 private:
  void drop(const Key& key, const Entry& entry) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.get() != &entry) return;
    total_ -= entry.bytes;
    used_.erase(entry.place);
    entries_.erase(found);
  }

  void make_room() {
    for (auto at = used_.end(); total_ > memory_ && at != used_.begin();) {
      --at;
      const auto found = entries_.find(*at);
      if (found->second->bytes == 0) continue;  // being decoded
      total_ -= found->second->bytes;
      entries_.erase(found);
      at = used_.erase(at);
    }
  }

  std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> files_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  std::list<Key> used_;  // most recently used first
  size_t total_ = 0, memory_ = size_t{32} << 20;
  std::atomic<uint64_t> decoded_{0};
};

Cache& cache() {
  static Cache blocks;
  return blocks;
}

}  // namespace

std::shared_ptr<const SourceBlock> source_block(const SourceBlockId& id,
                                                const std::function<SourceBlock()>& decode) {
  return cache().get(id, decode);
}

void set_source_block_memory(size_t bytes) { cache().set_memory(bytes); }
void forget_source_blocks() { cache().clear(); }
uint64_t decoded_source_blocks() { return cache().decoded(); }

}  // namespace fluxtile
