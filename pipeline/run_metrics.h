// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "pipeline/run_facts.h"

namespace fluxtile {

/// The file for node_exporter's textfile collector: Prometheus' text format, version 0.0.4.
std::string metrics_text(const RunFacts& facts);

/// A metric's only sample in such a text; nullopt when it is not there.
std::optional<double> metric_in(const std::string& text, const std::string& metric);
/// The label `name` of the first sample that has one; empty: none.
std::string name_in_metrics(const std::string& text);

}  // namespace fluxtile
