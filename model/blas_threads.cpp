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

std::string cuda_device_name(int index) {
  auto* get_name = loaded<int(char*, int, int)>("cuDeviceGetName");
  if (!get_name)
    if (void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD))
      get_name = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
  char name[128] = {};
  if (!get_name || get_name(name, sizeof name - 1, index) != 0) return "cuda";
  return name;
}

}  // namespace fluxtile
