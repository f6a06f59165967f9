// SPDX-License-Identifier: Apache-2.0
#include "pipeline/progress.h"

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/nearest_name.h"
#include "pipeline/progress_text.h"
#include "pipeline/status_line.h"

namespace fluxtile {

ProgressMode parse_progress_mode(const std::string& text) {
  static const std::vector<std::pair<std::string, ProgressMode>> modes = {
      {"auto", ProgressMode::automatic},
      {"plain", ProgressMode::plain},
      {"json", ProgressMode::json},
      {"off", ProgressMode::off}};
  std::vector<std::string> names;
  for (const auto& [name, mode] : modes) {
    if (name == text) return mode;
    names.push_back(name);
  }
  throw Error(Code::usage, "unknown way to show progress")
      .found("--progress " + text)
      .expected("auto, plain, json or off")
      .hint(suggestion(text, nearest_names(text, names)));
}

struct Progress::Impl {
  using Clock = std::chrono::steady_clock;
  enum class Form { bar, plain, json, off };

  explicit Impl(ProgressMode mode) : line(StatusLine::standard_error()) {
    switch (mode) {
      case ProgressMode::automatic:
        form = line.terminal() ? Form::bar : Form::plain;
        break;
      case ProgressMode::plain:
        form = Form::plain;
        break;
      case ProgressMode::json:
        form = Form::json;
        break;
      case ProgressMode::off:
        form = Form::off;
        break;
    }
  }

  [[nodiscard]] Clock::duration pause() const {
    using std::chrono::milliseconds;
    return form == Form::bar    ? milliseconds(200)
           : form == Form::json ? milliseconds(1000)
                                : milliseconds(10000);
  }

  /// Shows the state; called with the mutex held.
  void show(const char* event) {
    const auto now = Clock::now();
    shown = now;
    state.seconds = std::chrono::duration<double>(now - begun).count();
    if (form == Form::bar) line.set_bar(progress_bar(state, line.width() - 1));
    if (form == Form::plain) line.write_line(progress_line(state));
    if (form == Form::json) line.write_line(progress_json(state, event));
  }

  void show_if_due() {
    if (form != Form::off && running && Clock::now() - shown >= pause()) show("progress");
  }

  StatusLine& line;
  Form form = Form::off;
  std::mutex mutex;
  ProgressState state;
  bool running = false;
  Clock::time_point begun, shown;
};

Progress::Progress(ProgressMode mode) : impl_(std::make_unique<Impl>(mode)) {}

Progress::~Progress() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  if (impl_->form == Impl::Form::bar) impl_->line.set_bar("");
}

void Progress::begin(const std::string& phase, uint64_t total, uint64_t already) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->state = ProgressState{};
  impl_->state.phase = phase;
  impl_->state.total = total;
  impl_->state.already = already;
  impl_->running = true;
  impl_->begun = Impl::Clock::now();
  impl_->show("begin");
}

void Progress::advance(uint64_t cells, bool failed) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  ++impl_->state.done;
  impl_->state.failed += failed ? 1 : 0;
  impl_->state.cells += cells;
  impl_->show_if_due();
}

void Progress::note(const std::string& text) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->state.note = text;
  impl_->show_if_due();
}

void Progress::end() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  if (!impl_->running) return;
  impl_->running = false;
  impl_->state.note.clear();
  impl_->show("end");
  // The finished bar stays on the screen as a line.
  if (impl_->form == Impl::Form::bar) {
    impl_->line.set_bar("");
    impl_->line.write_line(progress_line(impl_->state) + ", took " +
                           duration_text(impl_->state.seconds));
  }
}

}  // namespace fluxtile
