// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fluxtile {

/// One HTML page that needs nothing else: its style is inside, light and dark by the reader's
/// choice, printable, no script. UTF-8. What is called `markup` goes in as it is; all other texts
/// are escaped. Colours are CSS variables and the classes k0 to k7 (`color`), the same in every
/// chart.
class HtmlPage {
 public:
  static constexpr size_t colours = 8;

  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void set_subtitle(std::string text) { subtitle_ = std::move(text); }
  /// A coloured box above everything else.
  void set_banner(std::string text, std::string explanation);
  /// Key and value pairs under the title.
  void set_facts(std::vector<std::pair<std::string, std::string>> facts);

  /// A heading with an entry in the contents. `id`: letters, digits and '-'.
  void section(const std::string& id, const std::string& title);
  /// A part that folds away.
  void open_fold(const std::string& title, bool open);
  void close_fold();
  /// A paragraph in a quiet colour.
  void note(const std::string& text);
  /// The section "Warnings"; nothing where there is none.
  void warnings(const std::vector<std::string>& texts);
  void add(const std::string& markup) { body_ += markup; }

  /// The whole page; `footer` is its last line.
  [[nodiscard]] std::string text(const std::string& footer) const;

 private:
  std::string title_, subtitle_, banner_, banner_explanation_;
  std::vector<std::pair<std::string, std::string>> facts_;
  std::string contents_, body_;
};

/// A table cell; `style`: CSS classes, "n" for numbers.
std::string html_cell(const std::string& text, const char* style = "");
/// A chart or picture on a card with its title; `markup` goes in as it is.
std::string html_figure(const std::string& title, const std::string& markup);

}  // namespace fluxtile
