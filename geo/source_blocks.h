// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geo/resample.h"

// Inside geo/ alone: decoded blocks of rasters, shared by all threads, so that a compressed block
// is decoded once for the tiles around it and not once a tile.
namespace fluxtile {

/// What is kept of some rows of a block: of each row the columns from the first to the last that
/// somebody wants, its numbers as the file stores them.
class SourceRows {
 public:
  /// `area`: where the rows lie in the raster. Keeps what `wanted` covers of it.
  SourceRows(const SourceWindow& area, size_t bytes_of_number,
             const std::vector<SourceWindow>& wanted);

  /// The kept numbers of row `row` of the raster, as [first, end) columns of the raster.
  struct Row {
    int64_t first = 0, end = 0;
    const unsigned char* numbers = nullptr;
  };
  [[nodiscard]] Row row(int64_t row) const;
  /// Where the numbers of that row are put.
  [[nodiscard]] unsigned char* numbers(int64_t row);
  [[nodiscard]] const SourceWindow& area() const noexcept { return area_; }
  /// Whether all cells of a window inside the area are kept.
  [[nodiscard]] bool covers(const SourceWindow& window) const;
  [[nodiscard]] size_t bytes() const noexcept;

 private:
  struct Span {
    int32_t first = 0, end = 0;  // columns of the area
    uint32_t at = 0;             // bytes
  };
  SourceWindow area_;
  size_t bytes_of_number_;
  std::vector<Span> rows_;
  size_t size_ = 0;
  std::unique_ptr<unsigned char[]> numbers_;
};

/// Which block: `column` and `row` count blocks.
struct SourceBlockId {
  std::string path;
  int band = 1, column = 0, row = 0;
};

/// When rows of a block are read again, as far as that is known.
struct RowsUse {
  std::optional<int64_t> next;  ///< nullopt: not any more
  int64_t last = 0;             ///< the last time, where there is a next one
};

/// A read of a block, which lies in the cache as groups of rows, from the top: groups that are read
/// soon stay when others of the block make room.
struct BlockRead {
  SourceBlockId id;
  SourceWindow part;               ///< what is read, inside the block
  std::vector<SourceWindow> rows;  ///< the areas of its groups of rows
  std::vector<RowsUse> uses;       ///< of each group; empty: nothing is known
  /// Rows that were to be read before this are not read again.
  int64_t earliest = std::numeric_limits<int64_t>::min();
};

using BlockRows = std::vector<std::shared_ptr<const SourceRows>>;

/// The groups of rows that hold `part`, from the cache or by `decode`, which gives all of the
/// block. One thread decodes, others that want the same block wait for it; when decode throws, they
/// try themselves. What is not read again is not kept; room is made by what is read again last.
/// Where nothing is known, what was not used for longest makes room first of all. Thread-safe.
BlockRows source_block(const BlockRead& read, const std::function<BlockRows()>& decode);

/// How many bytes of blocks are kept. 0: none.
void set_source_block_memory(size_t bytes);
/// Forgets all blocks.
void forget_source_blocks();

}  // namespace fluxtile
