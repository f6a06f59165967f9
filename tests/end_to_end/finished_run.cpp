// SPDX-License-Identifier: Apache-2.0
#include "finished_run.h"

namespace fluxtile::end_to_end {

const fs::path& FinishedRun::finished() {
  static const Folder place;
  static const bool made = [] {
    copy_world(test_world(), place.path());
    run(place.path(), place.path() / "out", two_regions);
    return true;
  }();
  static_cast<void>(made);
  return place.path();
}

const Contents& FinishedRun::reference() {
  static const Contents bytes = products(finished() / "out");
  return bytes;
}

void FinishedRun::take_finished() const {
  const Outcome copied = execute({"cp", "-a", (finished() / ".").string(), world().string()});
  ASSERT_EQ(0, copied.code) << copied.err;
}

Words FinishedRun::verb(const std::string& name, const Words& more) const {
  Words all = two_regions;
  all.insert(all.end(), more.begin(), more.end());
  return words(name, world(), out(), all);
}

}  // namespace fluxtile::end_to_end
