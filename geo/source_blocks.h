// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Inside geo/ alone: decoded blocks of rasters, shared by all threads, so that a compressed block
// is decoded once for the tiles around it and not once a thread.
namespace fluxtile {

/// One block of one band, its numbers as the file stores them: the part of it inside the raster.
struct SourceBlock {
  std::vector<unsigned char> bytes;
};

/// Which block: `column` and `row` count blocks.
struct SourceBlockId {
  std::string path;
  int band = 1, column = 0, row = 0;
};

/// The block, from the cache or by `decode`. One thread decodes, others that want the same block
/// wait for it; when decode throws, they try themselves. Blocks that were not used for longest make
/// room. Thread-safe.
std::shared_ptr<const SourceBlock> source_block(const SourceBlockId& id,
                                                const std::function<SourceBlock()>& decode);

/// How many bytes of blocks are kept. 0: none.
void set_source_block_memory(size_t bytes);
/// Forgets all blocks.
void forget_source_blocks();

}  // namespace fluxtile
