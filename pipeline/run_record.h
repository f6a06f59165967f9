// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/graph.h"
#include "pipeline/merge.h"

namespace fluxtile {

/// One product as run.json lists it.
struct ProductRecord {
  std::string name, sha256;
  uint64_t size = 0;
  std::string result;    ///< FLUXTILE_RESULT of its region; empty: of all regions, or not known
  int64_t mtime_ns = 0;  ///< as it was written; short-cuts the check of its content
};

/// run.json: written last, it says what belongs together. Everything that is not a value lives
/// here: times, host, threads, tiles.
struct RunRecord {
  std::string name;         ///< of the run that owns the folder
  std::string product_key;  ///< what decides the products' bytes: results, layers, name
  std::string plan;         ///< id of the plan that they were made of
  std::vector<ProductRecord> products;
  std::map<std::string, std::string> results;  ///< region -> FLUXTILE_RESULT
};

/// Digest of everything the products depend on; equal keys mean that they need not be written
/// again.
std::string product_key(const Plan& plan, const Config& config, const MergeCheck& check);

/// The text of a run.json; nullopt when it is none.
std::optional<RunRecord> parse_run_record(const std::string& text);

/// nullopt when there is none or it is damaged. Throws Error(data) when it is not a file.
std::optional<RunRecord> read_run_record(const std::string& directory);

/// Refuses to work in a folder whose run.json belongs to a run of another name: Error(data).
void require_own_folder(const Config& config);

/// True when every product of the record is there with the size and time it had, or else the
/// SHA-256.
bool products_present(const RunRecord& record, const std::string& directory);

/// Hashes the products and writes run.json atomically.
RunRecord write_run_record(const RunStages& stages, const Config& config, const MergeCheck& check,
                           const Merged& merged, const RunTally& tally, const std::string& key,
                           double seconds);

}  // namespace fluxtile
