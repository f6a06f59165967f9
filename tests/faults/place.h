// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "../end_to_end/workplace.h"
#include "fault.h"

namespace fluxtile::faults {

namespace fs = std::filesystem;
using end_to_end::Contents;
using end_to_end::Json;

/// Runs that meet a fault, over one small world with two kinds of run: an old one, whose products
/// are there, and a new one with other values and partly other products, which replaces them.
class Place : public end_to_end::Workplace {
 protected:
  /// Inputs; shared, not to be changed.
  static const fs::path& world();

  /// `fluxtile run` of the new kind into `outputs`, with more words behind.
  static Words new_run(const fs::path& outputs, const Words& more = {});
  static Words new_run_of(const fs::path& inputs, const fs::path& outputs, const Words& more = {});
  static Words old_run(const fs::path& outputs);

  /// Products (with pictures) of undisturbed runs.
  static const Contents& old_products();
  static const Contents& new_products();

  /// Makes `outputs` as the old run left it.
  static void take_old(const fs::path& outputs);
  /// The same with all tile-years of the new run there, so that the new run only makes products.
  static void take_ready(const fs::path& outputs);

  /// What a user may look at: every product, and nothing else.
  static Contents visible(const fs::path& outputs);

  /// After a fault: each product is whole, the old or the new one; run.json and the report are
  /// whole; `verify` is content only with a set that belongs together, and with every such set
  /// unless leftovers are its only trouble.
  static void expect_whole(const fs::path& outputs, const std::string& what);
  /// The products of the old run, all of them and as they were.
  static void expect_old(const fs::path& outputs, const std::string& what);
  /// Runs again without a fault: exit code 0, the products of an undisturbed run, nothing
  /// temporary left, `verify` content.
  static void expect_rerun(const fs::path& outputs, const std::string& what,
                           const Words& more = {});

  /// Runs until the fault, whose action is `stop` or `stop-after`, halts the program; does
  /// something; lets it go on to its end.
  static Outcome halted_run(const Words& words, const Fault& fault,
                            const std::function<void()>& deed);

  /// One message that holds all of the parts, in an outcome with that exit code.
  static void expect_told(const Outcome& outcome, int code, const Words& parts,
                          const std::string& what);
};

}  // namespace fluxtile::faults
