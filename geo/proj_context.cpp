// SPDX-License-Identifier: Apache-2.0
#include "geo/proj_context.h"

#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace fluxtile {
namespace {

/// A run knows a handful of pipelines; more than this many means a sweep over many CRSs.
constexpr size_t most_pipelines = 64;

void keep_message(void* user, int level, const char* text) {
  if (level > PJ_LOG_ERROR || text == nullptr) return;
  auto& messages = *static_cast<std::string*>(user);
  if (messages.size() > 2000) return;
  if (!messages.empty()) messages += "; ";
  messages += text;
}

struct ThreadState {
  ThreadState() : context(proj_context_create()) {
    proj_context_set_enable_network(context, 0);
    proj_log_level(context, PJ_LOG_ERROR);
    proj_log_func(context, &messages, keep_message);
  }
  ~ThreadState() {
    pipelines.clear();
    proj_context_destroy(context);
  }
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  std::string messages;
  PJ_CONTEXT* context;
  std::unordered_map<std::string, PjPtr> pipelines;
};

ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

}  // namespace

PJ_CONTEXT* proj_context() { return thread_state().context; }

std::string take_proj_messages() { return std::exchange(thread_state().messages, {}); }

PJ* pipeline_instance(const std::string& pipeline) {
  ThreadState& state = thread_state();
  const auto known = state.pipelines.find(pipeline);
  if (known != state.pipelines.end()) return known->second.get();
  if (state.pipelines.size() >= most_pipelines) state.pipelines.clear();
  state.messages.clear();
  PjPtr made(proj_create(state.context, pipeline.c_str()));
  if (!made)
    throw Error(Code::data, "PROJ cannot build a coordinate operation: " + take_proj_messages())
        .found(pipeline);
  return state.pipelines.emplace(pipeline, std::move(made)).first->second.get();
}

}  // namespace fluxtile
