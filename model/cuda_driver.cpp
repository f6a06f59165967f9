// SPDX-License-Identifier: Apache-2.0
#include "model/cuda_driver.h"

#include <dlfcn.h>

namespace fluxtile {
namespace {

/// A function of a library that is loaded already, or null: of the driver, where no other has it.
template <typename Function>
Function* loaded(const char* name) noexcept {
  void* found = dlsym(RTLD_DEFAULT, name);
  if (!found)
    if (void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD)) found = dlsym(driver, name);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

std::string cuda_device_name(int index) {
  auto* get_name = loaded<int(char*, int, int)>("cuDeviceGetName");
  char name[128] = {};
  if (!get_name || get_name(name, sizeof name - 1, index) != 0) return "cuda";
  return name;
}

std::optional<size_t> cuda_free_memory() {
  size_t free = 0, total = 0;
  for (const char* name : {"cudaMemGetInfo", "cuMemGetInfo_v2"})  // the runtime's, the driver's
    if (auto* get_info = loaded<int(size_t*, size_t*)>(name))
      if (get_info(&free, &total) == 0) return free;
  return std::nullopt;
}

}  // namespace fluxtile
