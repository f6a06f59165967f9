// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cerrno>
#include <filesystem>
#include <new>
#include <system_error>

#include "base/system_fault.h"

namespace fluxtile {

Error::Error(Code code, std::string message) : code_(code), message_(std::move(message)) {
  compose();
}

Error& Error::file(std::string path) & {
  file_ = std::move(path);
  compose();
  return *this;
}
Error& Error::key(std::string key, int line) & {
  line_ = line;
  key_ = std::move(key);
  compose();
  return *this;
}
Error& Error::tile(std::string tile) & {
  tile_ = std::move(tile);
  compose();
  return *this;
}
Error& Error::stage(std::string stage) & {
  stage_ = std::move(stage);
  compose();
  return *this;
}
Error& Error::found(std::string text) & {
  found_ = std::move(text);
  compose();
  return *this;
}
Error& Error::expected(std::string text) & {
  expected_ = std::move(text);
  compose();
  return *this;
}
Error& Error::hint(std::string text) & {
  hint_ = std::move(text);
  compose();
  return *this;
}

const char* Error::what() const noexcept { return text_.c_str(); }

void Error::compose() {
  text_ = message_;
  std::string where;
  const auto add = [&where](const std::string& label, const std::string& value) {
    if (value.empty()) return;
    where += (where.empty() ? "" : ", ") + label + " " + value;
  };
  add("file", file_);
  add("key", line_ > 0 ? key_ + " (line " + std::to_string(line_) + ")" : key_);
  add("tile", tile_);
  add("stage", stage_);
  if (!where.empty()) text_ += "\n  at:       " + where;
  if (!found_.empty()) text_ += "\n  found:    " + found_;
  if (!expected_.empty()) text_ += "\n  expected: " + expected_;
  if (!hint_.empty()) text_ += "\n  hint:     " + hint_;
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(Code::interrupted, "out of memory")
        .hint("lower run.threads or grid.tile, or raise run.memory");
  } catch (const std::filesystem::filesystem_error& error) {
    return system_fault(Code::io, "a file operation failed", error.path1().string(),
                        error.code().value());
  } catch (const std::system_error& error) {  // for instance no further thread
    const int number = error.code().value();
    return Error(is_passing_fault(number) ? Code::interrupted : Code::internal, error.what())
        .hint(number == EAGAIN ? "raise the limit of processes and threads (ulimit -u), or lower "
                                 "run.threads"
                               : system_hint(number));
  } catch (const std::exception& error) {
    return Error(Code::internal, error.what())
        .hint("this is a bug in fluxtile; please report it with the configuration");
  } catch (...) {
    return {Code::internal, "an exception of unknown type"};
  }
}

}  // namespace fluxtile
