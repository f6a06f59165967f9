// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_limits.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>
#include <vector>

#include "base/error.h"

namespace fluxtile {
namespace {

constexpr size_t longest_text = size_t{2} << 20;
constexpr size_t deepest = 60;
constexpr size_t most_values = 100000;           // after aliases are expanded
constexpr size_t most_bytes = size_t{16} << 20;  // of their text
constexpr size_t longest_value = size_t{64} << 10;

/// Counts what a document holds while it is parsed.
class Counter : public YAML::EventHandler {
 public:
  explicit Counter(const std::string& file) : file_(file) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, {1, 0});
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.size() > longest_value)
      refuse(mark, "a value of " + std::to_string(value.size()) + " bytes");
    leaf(mark, anchor, {1, value.size()});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = sizes_.find(anchor);
    if (found == sizes_.end()) refuse(mark, "an alias inside what it stands for");
    add(mark, found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Size {
    size_t values = 0, bytes = 0;
  };
  struct Open {
    YAML::anchor_t anchor = YAML::NullAnchor;
    Size before;  ///< of the document when the collection began
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& found) const {
    throw Error(Code::data, "the YAML document is nested too deeply or grows without end")
        .file(file_)
        .key("", mark.is_null() ? 0 : mark.line + 1)
        .found(found)
        .expected("at most " + std::to_string(deepest) + " levels, " + std::to_string(most_values) +
                  " values and " + std::to_string(most_bytes >> 20) +
                  " MiB of text after aliases are expanded");
  }
  void add(const YAML::Mark& mark, const Size& size) {
    total_.values += size.values;
    total_.bytes += size.bytes;
    if (total_.values > most_values) refuse(mark, "more values");
    if (total_.bytes > most_bytes) refuse(mark, "more text");
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, const Size& size) {
    add(mark, size);
    if (anchor != YAML::NullAnchor) sizes_[anchor] = size;
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= deepest) refuse(mark, std::to_string(deepest + 1) + " levels");
    open_.push_back({anchor, total_});
    add(mark, {1, 0});
  }
  void close() {
    const Open top = open_.back();
    open_.pop_back();
    if (top.anchor != YAML::NullAnchor)
      sizes_[top.anchor] = {total_.values - top.before.values, total_.bytes - top.before.bytes};
  }

  std::string file_;
  Size total_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Size> sizes_;  ///< of what is whole
};

}  // namespace

void check_yaml_limits(const std::string& text, const std::string& file) {
  if (text.size() > longest_text)
    throw Error(Code::data, "the YAML document is too long")
        .file(file)
        .found(std::to_string(text.size()) + " bytes")
        .expected("at most " + std::to_string(longest_text));
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Counter counter(file);
  while (parser.HandleNextDocument(counter)) {
  }
}

}  // namespace fluxtile
