// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proj.h>

#include <memory>
#include <string>

// For the .cpp files of geo/ alone: PROJ objects with owners and one context a thread.
namespace fluxtile {

/// The calling thread's PROJ context: network off, messages kept instead of printed.
PJ_CONTEXT* proj_context();

/// What PROJ said on this thread since the last call; cleared by it.
std::string take_proj_messages();

struct DestroyPj {
  void operator()(PJ* object) const noexcept { proj_destroy(object); }
};
using PjPtr = std::unique_ptr<PJ, DestroyPj>;

/// The thread's instance of a pipeline, made on first use. Throws Error(data) when PROJ refuses it.
PJ* pipeline_instance(const std::string& pipeline);

}  // namespace fluxtile
