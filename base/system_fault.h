// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"

namespace fluxtile {

/// What the system calls an errno value; unlike strerror, from any thread.
std::string system_reason(int system_error);

/// Faults of the machine that say nothing about the file at hand and that another try may not meet:
/// no memory, no file descriptors, a network file system that lost its thread.
bool is_passing_fault(int system_error) noexcept;

/// Whether an error is of the machine or a signal, and says nothing about what a file holds.
bool is_of_the_machine(const Error& error) noexcept;

/// True when this process cannot open one more file now. Libraries that fail over it rarely say so.
bool file_descriptors_used_up() noexcept;

/// Code and advice for a system call that failed on `path`: Code::interrupted for a passing fault,
/// else `code`. A full file system tells whether bytes or inodes ran out.
Error system_fault(Code code, const std::string& what, const std::string& path, int system_error);

/// Advice for an errno value of a write, "" where there is none.
std::string system_hint(int system_error);

/// "0 of 4096 inodes are free" or "12 kB are free": what a full file system lacks; "" if unknown.
std::string free_space_text(const std::string& path);

}  // namespace fluxtile
