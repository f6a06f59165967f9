// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/csv_text.h"

#include <cmath>

#include "base/safe_text.h"
#include "geo/unit_text.h"

namespace fluxtile {

std::string csv_line(const std::vector<std::string>& fields) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    out += csv_field(fields[i]);
  }
  return out + "\n";
}

std::string csv_number(double value) { return std::isfinite(value) ? exact_number(value) : ""; }

}  // namespace fluxtile
