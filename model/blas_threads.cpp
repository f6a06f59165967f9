// SPDX-License-Identifier: Apache-2.0
#include "model/blas_threads.h"

#include <dlfcn.h>

namespace fluxtile {
namespace {

/// A function of a library that is already loaded, or null.
template <typename Function>
Function* loaded(const char* name) noexcept {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

void set_blas_to_one_thread() noexcept {
  if (auto* set_threads = loaded<void(int)>("openblas_set_num_threads")) set_threads(1);
}

std::string blas_identity() {
  auto* core_name = loaded<char*()>("openblas_get_corename");
  return core_name ? std::string("openblas:") + core_name() : "blas";
}

}  // namespace fluxtile
