// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "pipeline/command_line.h"
#include "pipeline/refused_memory.h"
#include "pipeline/status_line.h"

namespace {

/// The reader of stdout went away (fluxtile status ... | head): no fault of ours.
bool reader_left() {
  struct pollfd end {};
  end.fd = STDOUT_FILENO;
  end.events = POLLOUT;
  return poll(&end, 1, 0) > 0 && (end.revents & POLLERR) != 0;
}

/// Where an exception cannot be caught (in a thread of a library, say), there still is a message
/// and an exit code: out of memory is 75 also then.
[[noreturn]] void tell_and_leave() {
  const fluxtile::Error error =
      std::current_exception() != nullptr
          ? fluxtile::current_error()
          : fluxtile::Error(fluxtile::Code::internal, "terminated without an exception");
  const std::string text = std::string("\nfluxtile: error: ") + error.what() + "\n";
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(70);
  _exit(static_cast<int>(error.code()));
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(tell_and_leave);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  fluxtile::tell_refused_memory(fluxtile::wants_json_log(words));
  int code = fluxtile::command_line(words, std::cout);
  std::cout.flush();
  if (!std::cout && !reader_left()) {
    fluxtile::StatusLine::standard_error().write_line(
        fluxtile::error_text(fluxtile::Error(fluxtile::Code::io, "cannot write to stdout"),
                             fluxtile::wants_json_log(words)));
    if (code == 0) code = static_cast<int>(fluxtile::Code::io);
  }
  return code;
}
