// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/run_lock.h"

namespace fluxtile {

/// Products on their way into the output folder. They are made whole in a folder of their own under
/// `.fluxtile/products` and then renamed into place one after the other, run.json last: the time in
/// which a reader may see products of two runs is that of the renames, not that of the merge, and a
/// merge that fails leaves the old products alone. A note in `.fluxtile/replacement.json`, written
/// before the first rename and removed after the last, tells of a replacement that was interrupted.
class ProductReplacement {
 public:
  /// `run`: its name, with which the names of its products begin. Clears what interrupted merges
  /// left. `lock` must outlive this. Throws Error(cannot_create).
  ProductReplacement(std::string output_directory, const std::string& run, const RunLock& lock);
  /// Removes the folder with what was not put in place.
  ~ProductReplacement();
  ProductReplacement(const ProductReplacement&) = delete;
  ProductReplacement& operator=(const ProductReplacement&) = delete;

  /// Where products are to be made, run.json among them.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

  /// Runs work that makes products; an error that names a file of directory() names the place that
  /// it is meant for.
  template <typename Work>
  auto make(Work&& work) const {
    try {
      return work();
    } catch (Error& error) {
      throw at_its_place(error);
    }
  }

  /// Puts the files `names` in place, removes those of `former` (and of an interrupted replacement)
  /// that are not among them, then puts run.json in place. Whatever a record lists, only files that
  /// are named as a run of this name names its products are removed. Asks the lock before each
  /// step. Throws Error(io | interrupted).
  void commit(const std::vector<std::string>& names, const std::vector<std::string>& former);

 private:
  void put(const std::string& name) const;
  [[nodiscard]] bool is_of_this_run(const std::string& name) const;
  [[nodiscard]] Error at_its_place(Error error) const;

  std::string output_, stem_, directory_;
  const RunLock& lock_;
};

/// Removes products that merges had made when they were killed, unless another process holds the
/// lock: it may be making some.
void forget_killed_merges(const std::string& output_directory, const std::string& verb) noexcept;

/// Names of the products of a replacement that was begun and not ended; empty when there is none.
std::set<std::string> interrupted_replacement(const std::string& output_directory);

/// A product's name as it may stand in run.json: a file of the folder itself, not a hidden one.
bool is_product_name(const std::string& name);

/// The folder of the lock of an output folder.
std::string lock_folder(const std::string& output_directory);

}  // namespace fluxtile
