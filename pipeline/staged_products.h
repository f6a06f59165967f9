// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace fluxtile {

/// The products of a run while they are made: in a folder of their own beside the old ones, which
/// stay as they are until all new ones are whole. A full disk or a death on the way therefore costs
/// nothing but the new ones; what is left of the folder is swept by the next run.
///
/// take_their_places() is a row of renames. Should the machine die within it, a note under
/// `.fluxtile` tells `verify` and the next run that products of two runs may lie side by side.
class StagedProducts {
 public:
  /// Makes the folder, `<outputs>/.products.<host>-<pid>-<n>.part`. Throws Error(cannot_create |
  /// io).
  explicit StagedProducts(std::string outputs);
  /// Removes the folder with what has not taken its place.
  ~StagedProducts();
  StagedProducts(const StagedProducts&) = delete;
  StagedProducts& operator=(const StagedProducts&) = delete;

  [[nodiscard]] const std::string& folder() const noexcept { return part_.path(); }

  /// The error with the place that a file of the folder was meant for.
  [[nodiscard]] Error at_its_place(Error error) const;

  /// Moves `names` into the outputs, then run.json as the last. Removes and returns those of
  /// `former`, the products until now, that do not belong any more, and what an interrupted
  /// replacement left of such. Throws Error(io).
  std::vector<std::string> take_their_places(const std::vector<std::string>& names,
                                             const std::vector<std::string>& former);

 private:
  std::string outputs_;
  PartName part_;
};

/// Whether a replacement of the products in `outputs` began and did not end.
bool replacement_interrupted(const std::string& outputs);

}  // namespace fluxtile
