// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace fluxtile {

/// What CUDA's libraries tell, found with dlsym in what LibTorch has loaded: no CUDA is needed to
/// build, and nothing is missed where there is none.

/// Name of CUDA device `index`, or "cuda" where the driver does not tell.
std::string cuda_device_name(int index);

/// Free bytes of the calling thread's current CUDA device, which must be in use by it already.
std::optional<size_t> cuda_free_memory();

}  // namespace fluxtile
