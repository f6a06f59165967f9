// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fluxtile {

// NetCDF 4.9 crashes over a file that HDF5 cannot close, and HDF5 1.10 at the end of the process
// over one that it could not flush: a disk that reports an error, a file server that is gone. The
// descriptors of such a file are made to lead elsewhere before the libraries close them.

/// Open descriptors of this process that lead to the file `path`; empty where that cannot be told.
std::vector<int> descriptors_of(const std::string& path) noexcept;

/// For a file that is thrown away: what is still written to it goes nowhere.
void divert_to_memory(const std::vector<int>& descriptors) noexcept;

/// errno that closing the descriptor would give, as closing a copy of it gives it; 0: none.
int closing_error(int descriptor) noexcept;

/// For a file that was read: nothing can be read from its descriptor any more, and closing it
/// succeeds.
void divert_to_nothing(int descriptor) noexcept;

}  // namespace fluxtile
