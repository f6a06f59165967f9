// SPDX-License-Identifier: Apache-2.0
#include "tests/pipeline/recording_verbs.h"

#include <csignal>
#include <memory>
#include <new>
#include <stdexcept>

#include "base/stop.h"

// The verbs of pipeline/verbs.h, which write down what they were called with. The name of a run
// says how its verb ends.
namespace fluxtile {
namespace testing {

namespace {
std::unique_ptr<Recorded> last;
}

void forget() { last = std::make_unique<Recorded>(); }

Recorded& recorded() {
  if (!last) forget();
  return *last;
}

}  // namespace testing

namespace {

int record(const char* verb, const Config& config, const VerbOptions& options, std::ostream& out) {
  testing::forget();
  testing::recorded().verb = verb;
  testing::recorded().config = config;
  testing::recorded().options = options;
  if (config.name == "long")
    for (int i = 0; i < 200000; ++i) out << "a long line of output number " << i << "\n";
  if (config.name == "failed-tiles") return 1;
  if (config.name == "data")
    throw Error(Code::data, "no CRS").file("a.tif").key("inputs.gpp.crs", 7).found("none");
  if (config.name == "bug") throw std::logic_error("index out of range");
  if (config.name == "memory") throw std::bad_alloc();
  if (config.name == "odd") throw 42;
  if (config.name == "signal") {
    std::raise(SIGTERM);
    Stop::throw_if_requested();
  }
  out << verb << "\n";
  return 0;
}

int record_training(const char* verb, const std::string& config,
                    const std::vector<std::string>& overrides, const VerbOptions& options,
                    std::ostream& out) {
  const int code = record(verb, {}, options, out);
  testing::recorded().paths = {config};
  testing::recorded().overrides = overrides;
  return code;
}

}  // namespace

int run_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  return record("run", config, options, out);
}
int plan_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  return record("plan", config, options, out);
}
int merge_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  return record("merge", config, options, out);
}
int status_verb(const Config& config, const VerbOptions& options, std::ostream& out) {
  return record("status", config, options, out);
}
int clean_verb(const Config& config, const VerbOptions& options, const CleanOptions& clean,
               std::ostream& out) {
  const int code = record("clean", config, options, out);
  testing::recorded().clean = clean;
  return code;
}
int submit_verb(const Config& config, const VerbOptions& options, const SubmitOptions& submit,
                std::ostream& out) {
  const int code = record("submit", config, options, out);
  testing::recorded().submit = submit;
  return code;
}
int pixel_verb(const Config& config, const VerbOptions& options, const PixelOptions& pixel,
               std::ostream& out) {
  const int code = record("pixel", config, options, out);
  testing::recorded().pixel = pixel;
  return code;
}
int verify_verb(const std::string& directory, bool json, std::ostream& out) {
  const int code = record("verify", {}, {}, out);
  testing::recorded().paths = {directory};
  testing::recorded().json = json;
  return code;
}
int inspect_verb(const std::vector<std::string>& paths, bool json, std::ostream& out) {
  const int code = record("inspect", {}, {}, out);
  testing::recorded().paths = paths;
  testing::recorded().json = json;
  return code;
}
int train_verb(const std::string& config, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out) {
  return record_training("train", config, overrides, options, out);
}
int evaluate_verb(const std::string& config, const std::vector<std::string>& overrides,
                  const VerbOptions& options, std::ostream& out) {
  return record_training("evaluate", config, overrides, options, out);
}
int study_verb(const std::string& config, const std::vector<std::string>& overrides,
               const VerbOptions& options, std::ostream& out) {
  return record_training("study", config, overrides, options, out);
}
int simulate_verb(const std::string& world, const std::vector<std::string>& overrides,
                  const std::string& directory, std::ostream& out) {
  const int code = record("simulate", {}, {}, out);
  testing::recorded().world = world;
  testing::recorded().overrides = overrides;
  testing::recorded().paths = {directory};
  return code;
}

}  // namespace fluxtile
