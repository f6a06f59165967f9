// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// Lets every large array go back to the system when it is freed, so that peak memory follows what
/// is in use and not the history of a run. glibc otherwise raises by itself the size from which it
/// does so, up to 32 MiB, and tiles in flight leave holes of that size behind; and it gives threads
/// heaps of their own, each with holes of its own: all share one here. For programs whose
/// inner loops take no large arrays: the engine `fused`, not LibTorch. Does nothing with other C
/// libraries. Call before threads start.
void return_large_arrays() noexcept;

/// Gives back what lies free between blocks that are in use; some milliseconds. Between tiles, so
/// that a run of many does not creep upwards from one to the next.
void return_free_memory() noexcept;

}  // namespace fluxtile
