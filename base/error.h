// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace fluxtile {

/// Kinds of failure; the values are the program's exit codes.
enum class Code {
  tiles_failed = 1,    ///< some tiles failed for good, the rest is done
  usage = 64,          ///< the command line is wrong
  data = 65,           ///< configuration, input or model is wrong
  internal = 70,       ///< a bug in fluxtile
  cannot_create = 73,  ///< an output cannot be created
  io = 74,             ///< reading or writing failed underway
  interrupted = 75,    ///< stopped by a signal, or a passing fault: run again
};

/// The one error type: a message for the user with everything needed to act on it.
/// Built in one expression: `throw Error(Code::data, "no CRS").file(p).found("none").hint("set
/// region.crs")`. Libraries throw it; only main() prints it and exits.
class Error : public std::exception {
 public:
  Error(Code code, std::string message);

  Error& file(std::string path) &;  ///< file the trouble is in
  Error& key(std::string key,
             int line = 0) &;         ///< config key (dotted) and its 1-based line, 0 = unknown
  Error& tile(std::string tile) &;    ///< tile, "IA/12_-7"
  Error& stage(std::string stage) &;  ///< stage, "ingest_gpp"
  Error& found(std::string text) &;
  Error& expected(std::string text) &;
  Error& hint(std::string text) &;
  Error&& file(std::string path) && { return std::move(file(std::move(path))); }
  Error&& key(std::string k, int line = 0) && { return std::move(key(std::move(k), line)); }
  Error&& tile(std::string t) && { return std::move(tile(std::move(t))); }
  Error&& stage(std::string s) && { return std::move(stage(std::move(s))); }
  Error&& found(std::string t) && { return std::move(found(std::move(t))); }
  Error&& expected(std::string t) && { return std::move(expected(std::move(t))); }
  Error&& hint(std::string t) && { return std::move(hint(std::move(t))); }

  [[nodiscard]] Code code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] int line() const noexcept { return line_; }
  [[nodiscard]] const std::string& tile() const noexcept { return tile_; }
  [[nodiscard]] const std::string& stage() const noexcept { return stage_; }
  [[nodiscard]] const std::string& found() const noexcept { return found_; }
  [[nodiscard]] const std::string& expected() const noexcept { return expected_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// The whole message on one to five lines, without a trailing newline.
  [[nodiscard]] const char* what() const noexcept override;

 private:
  void compose();

  Code code_;
  std::string message_, file_, key_, tile_, stage_, found_, expected_, hint_, text_;
  int line_ = 0;
};

/// A value or the error that took its place. Failures of a tile travel through the flow graph as
/// data.
template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a value is a result
  Result(T value) : content_(std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : content_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  [[nodiscard]] const T& value() const& { return std::get<0>(content_); }
  [[nodiscard]] T& value() & { return std::get<0>(content_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(content_)); }
  [[nodiscard]] const Error& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Error> content_;
};

/// Calls `work` and turns whatever it throws into a Result: an Error as it is, out-of-memory as
/// Code::interrupted, any other exception as Code::internal.
template <typename Work>
auto attempt(Work&& work) -> Result<decltype(work())>;

/// The Error for the exception that is being handled; call only inside a catch block.
Error current_error();

template <typename Work>
auto attempt(Work&& work) -> Result<decltype(work())> {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    return current_error();
  }
}

}  // namespace fluxtile
