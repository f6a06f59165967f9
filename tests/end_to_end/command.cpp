// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "base/atomic_file.h"

extern char** environ;

namespace fluxtile::end_to_end {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path new_file() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fluxtile-said-XXXXXX").string();
  const int file = mkstemp(pattern.data());
  if (file < 0) throw std::runtime_error("cannot create " + pattern);
  close(file);
  return pattern;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Program::Program(const Words& words, const Environment& environment)
    : out_(new_file()), err_(new_file()), begin_(Clock::now()) {
  Words arguments = words;
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (environment.count(text.substr(0, text.find('='))) == 0) variables.push_back(text);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);
  process_ = fork();
  if (process_ < 0) throw std::runtime_error("cannot fork");
  if (process_ == 0) {
    const int in = open("/dev/null", O_RDONLY);
    const int out = open(out_.c_str(), O_WRONLY | O_TRUNC);
    const int err = open(err_.c_str(), O_WRONLY | O_TRUNC);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvpe(argv.front(), argv.data(), envp.data());
    _exit(127);
  }
}

Program::~Program() {
  if (!ended()) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove(out_, ignored);
  std::filesystem::remove(err_, ignored);
}

void Program::signal(int number) const {
  if (!status_) kill(process_, number);
}

bool Program::ended() {
  if (status_) return true;
  int status = 0;
  if (waitpid(process_, &status, WNOHANG) != process_) return false;
  status_ = status;
  return true;
}

bool Program::wait_until(const std::function<bool()>& there) {
  while (!there()) {
    if (ended()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Outcome Program::wait(double most) {
  while (!ended()) {
    if (std::chrono::duration<double>(Clock::now() - begin_).count() > most)
      kill(process_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  Outcome outcome;
  if (WIFEXITED(*status_)) outcome.code = WEXITSTATUS(*status_);
  if (WIFSIGNALED(*status_)) outcome.signal = WTERMSIG(*status_);
  outcome.out = read_file(out_.string());
  outcome.err = read_file(err_.string());
  outcome.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  return outcome;
}

Outcome execute(const Words& words, const Environment& environment) {
  return Program(words, environment).wait();
}

Words fluxtile_words(const Words& words) {
  Words all = {FLUXTILE_COMMAND};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Outcome fluxtile(const Words& words, const Environment& environment) {
  return execute(fluxtile_words(words), environment);
}

}  // namespace fluxtile::end_to_end
