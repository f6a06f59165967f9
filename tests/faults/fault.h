// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "../end_to_end/command.h"

namespace fluxtile::faults {

using end_to_end::Environment;
using end_to_end::Outcome;
using end_to_end::Words;

/// What shall happen to one call of the program under test; fields as fault_shim.cpp explains them.
struct Fault {
  std::string call = "any", action = "none";
  std::string path;  ///< `*` spans folders
  std::string file;  ///< used instead of `path` if set: `*` stays within a folder
  long nth = 1, count = 1, least = 0, jump = 0;
};

/// The environment in which a program meets these faults.
Environment with(const std::vector<Fault>& faults);

/// A call on a file: its name ("rename"), and a pattern of the path that fits other runs too. Of a
/// rename or link it is the temporary name.
struct Call {
  std::string name, file;
  bool operator<(const Call& other) const {
    return file != other.file ? file < other.file : name < other.name;
  }
  bool operator==(const Call& other) const { return name == other.name && file == other.file; }
};

/// Runs the words to exit code 0 and lists the calls on files whose path fits the pattern, in
/// order.
std::vector<Call> calls_of(const Words& words, const std::string& path);

/// What kind of file a path is about: "plan", "tile-year", "state", "tif", "run.json", "folder"...
std::string kind_of(const std::string& path);

/// How often a fault was tried and what came of it: a line `part | fault | times | outcome` in the
/// file that FLUXTILE_FAULT_TABLE names, if it does, for docs/reliability.md.
void note(const std::string& part, const std::string& fault, size_t times,
          const std::string& outcome);

/// Whether the long form was asked for (FLUXTILE_FAULTS=full).
bool in_full();

}  // namespace fluxtile::faults
