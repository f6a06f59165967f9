// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fluxtile {

/// In a program that links this file, the first request for memory that the system refuses ends the
/// program, wherever it is made: one message on stderr, exit code 75. Libraries do not survive it
/// in a known state: PROJ tells a wrong reason, GDAL aborts, HDF5 follows a null pointer (decision
/// 0006). What lies on disk is then as after a kill. A request for more than the whole machine has,
/// as a damaged header may ask for, is refused to its caller. Only with glibc, and not under a
/// sanitizer, which has an allocator of its own.
/// This says how the message is told: as text, or as a JSON object; past whoever collects what
/// libraries write to stderr. Call before threads start.
void tell_refused_memory(bool json) noexcept;

}  // namespace fluxtile
