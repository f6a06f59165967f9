// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fluxtile {

/// Whether the text is UTF-8 without control characters and without the marks that turn the
/// direction of writing: what a name from data must be to stand in reports, tables and logs.
bool is_plain_text(const std::string& text) noexcept;

/// The text as it may go to a terminal or a log: control characters other than '\n', marks that
/// turn the direction of writing and bytes that are no UTF-8 become \xNN.
std::string visible_text(const std::string& text);

/// visible_text() for a log of lines: what follows a '\n' begins with two blanks, so that no
/// message looks like two.
std::string log_lines(const std::string& text);

/// A field of a CSV file: quoted where need be. Text that a spreadsheet would take for a formula
/// (it begins with = + - @, a tab or a carriage return and is no number) gets an apostrophe in
/// front.
std::string csv_field(const std::string& text);

}  // namespace fluxtile
