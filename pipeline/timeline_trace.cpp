// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <set>

#include "pipeline/timeline.h"

namespace fluxtile {
namespace {

/// A JSON string; names of regions may hold anything.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    char escape[8];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string microseconds(double seconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", 1e6 * seconds);
  return text;
}

}  // namespace

std::string timeline_trace(const Timeline& timeline, const TileNames& names) {
  const auto spans = timeline.spans();
  std::string json = "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped\":" +
                     std::to_string(timeline.dropped()) +
                     ",\"shorter_than_us\":" + microseconds(timeline.shortest()) +
                     "},\"traceEvents\":[";
  std::set<int32_t> rows;
  bool first = true;
  const auto add = [&](const std::string& event) {
    json += first ? "\n" : ",\n";
    first = false;
    json += event;
  };
  for (const auto& span : spans) {
    if (!rows.insert(span.row).second) continue;
    add("{\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(span.row) +
        ",\"name\":\"thread_name\",\"args\":{\"name\":" + quoted(timeline.row_name(span.row)) +
        "}}");
  }
  for (const auto& span : spans) {
    std::string event = "{\"ph\":\"X\",\"pid\":1,\"tid\":" + std::to_string(span.row) +
                        ",\"name\":" + quoted(span.stage) + ",\"ts\":" + microseconds(span.begin) +
                        ",\"dur\":" + microseconds(span.end - span.begin);
    if (span.tile >= 0) {
      event += ",\"args\":{\"tile\":" + quoted(names(span.tile));
      if (span.year >= 0) event += ",\"year\":" + std::to_string(span.year);
      event += "}";
    }
    add(event + "}");
  }
  return json + "\n]}\n";
}

}  // namespace fluxtile
