// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Text for HTML and XML, in content and in attributes: & < > " ' become entities.
std::string markup_escaped(const std::string& text);

}  // namespace fluxtile
