// SPDX-License-Identifier: Apache-2.0
#include "pipeline/html_page.h"

#include "base/markup.h"

namespace fluxtile {
namespace {

constexpr const char* kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fbfaf7; --card: #ffffff; --ink: #1f2429; --quiet: #626b75; --line: #dedcd5;
  --accent: #05655f; --warn: #8a5a00; --warn-card: #fff4d6; --bad: #a32a1e;
  --k0: #05655f; --k1: #c2571a; --k2: #5b4bb5; --k3: #b8336a; --k4: #2476b8; --k5: #7d6e00;
  --k6: #6b7280; --k7: #3c8a3f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --card: #1d2125; --ink: #e6e8ea; --quiet: #9aa4ae; --line: #343a40;
    --accent: #45c2a6; --warn: #f2c566; --warn-card: #352b14; --bad: #ff8f80;
    --k0: #45c2a6; --k1: #f0914d; --k2: #a99cf5; --k3: #f27aa8; --k4: #6db5f2; --k5: #d4c04a;
    --k6: #a5adb8; --k7: #7cc97f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 48px 0 14px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
h3 { font-size: 15px; margin: 0 0 4px; font-weight: 600; }
p { margin: 0 0 12px; max-width: 72ch; }
.lead { color: var(--quiet); margin-bottom: 20px; }
.note { color: var(--quiet); font-size: 14px; }
nav { font-size: 14px; margin: 12px 0 0; }
nav a { color: var(--accent); text-decoration: none; margin-right: 16px; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
.banner {
  background: var(--warn-card); color: var(--warn); border: 1px solid currentColor;
  border-radius: 8px; padding: 12px 16px; margin: 20px 0; font-weight: 600;
}
.banner span { display: block; font-weight: 400; font-size: 14px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 24px; margin: 0; font-size: 15px; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.u { color: var(--quiet); white-space: nowrap; }
td.hash { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12px; overflow-wrap: anywhere; color: var(--quiet); }
tr.first td { border-top: 1px solid var(--quiet); }
.ok { color: var(--accent); } .bad { color: var(--bad); font-weight: 600; }
.grid { display: grid; align-items: start; gap: 20px; grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px; }
figure img { display: block; width: 100%; height: auto; border-radius: 4px; background: #fff; }
figcaption { font-size: 14px; color: var(--quiet); margin-top: 8px; }
ul.warnings { margin: 0; padding-left: 20px; }
ul.warnings li { margin-bottom: 6px; overflow-wrap: anywhere; }
details { margin: 0 0 16px; }
details + details { margin-top: -10px; } .scroll + .note { margin-top: 10px; } .grid + details { margin-top: 16px; }
summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
svg.chart { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .right { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .value, svg .unit { fill: var(--ink); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .zero { stroke: var(--quiet); stroke-width: 1; }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; }
svg .point { fill: var(--accent); stroke: var(--card); stroke-width: 0.6; } svg .small { stroke: none; }
svg .bar { fill: var(--accent); }
.k0 { color: var(--k0); } .k1 { color: var(--k1); } .k2 { color: var(--k2); } .k3 { color: var(--k3); }
.k4 { color: var(--k4); } .k5 { color: var(--k5); } .k6 { color: var(--k6); } .k7 { color: var(--k7); }
svg .dot { fill: currentColor; fill-opacity: 0.85; stroke: var(--card); stroke-width: 0.6; }
svg .dot.faint { fill-opacity: 0.35; stroke: none; }
svg .ring { fill: var(--card); stroke: currentColor; stroke-width: 1.5; }
svg .series { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; }
svg .series.dashed { stroke-dasharray: 5 4; }
svg .whisker { stroke: currentColor; stroke-width: 2; }
svg .box { fill: var(--line); fill-opacity: 0.55; } svg .median { stroke: var(--ink); stroke-width: 1.6; }
svg .name { fill: var(--ink); } svg .group { fill: var(--ink); font-weight: 600; }
svg .mark { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 3; }
svg .stripe { fill: var(--line); fill-opacity: 0.28; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 8px; padding: 0; font-size: 13px; color: var(--quiet); }
ul.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; background: currentColor; margin-right: 6px; }
td.best { color: var(--accent); font-weight: 600; }
td small { display: block; color: var(--quiet); font-size: 12.5px; line-height: 1.35; width: 30ch; }
td.n small { width: auto; } td.bad small, td.best small { font-weight: 400; }
table.tight th, table.tight td { padding: 5px 12px 5px 0; } table.tight th.n { white-space: normal; vertical-align: bottom; }
table.tight th.part, table.tight td.part { padding-left: 12px; }
th.part { border-left: 1px solid var(--line); padding-left: 16px; } td.part { border-left: 1px solid var(--line); padding-left: 16px; }
th.span { text-align: left; color: var(--ink); }
h3.question { margin: 24px 0 10px; }
ul.findings { margin: 0 0 20px; padding-left: 20px; } ul.findings li { margin-bottom: 4px; max-width: 90ch; }
.grid.wide { grid-template-columns: repeat(auto-fill, minmax(min(500px, 100%), 1fr)); }
.bars { max-width: 560px; }
footer { margin-top: 56px; color: var(--quiet); font-size: 13px; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #ccc; --accent: #05655f; }
  main { padding: 0; } nav { display: none; } figure, tr { break-inside: avoid; }
}
)css";

}  // namespace

void HtmlPage::set_banner(std::string text, std::string explanation) {
  banner_ = std::move(text);
  banner_explanation_ = std::move(explanation);
}

void HtmlPage::set_facts(std::vector<std::pair<std::string, std::string>> facts) {
  facts_ = std::move(facts);
}

void HtmlPage::section(const std::string& id, const std::string& title) {
  contents_ += "<a href=\"#" + id + "\">" + markup_escaped(title) + "</a>\n";
  body_ += "<h2 id=\"" + id + "\">" + markup_escaped(title) + "</h2>\n";
}

void HtmlPage::open_fold(const std::string& title, bool open) {
  body_ += std::string("<details") + (open ? " open=\"open\"" : "") + "><summary>" +
           markup_escaped(title) + "</summary>\n";
}

void HtmlPage::close_fold() { body_ += "</details>\n"; }

void HtmlPage::note(const std::string& text) {
  body_ += "<p class=\"note\">" + markup_escaped(text) + "</p>\n";
}

void HtmlPage::warnings(const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  section("warnings", "Warnings");
  body_ += "<ul class=\"warnings\">\n";
  for (const std::string& text : texts) body_ += "<li>" + markup_escaped(text) + "</li>\n";
  body_ += "</ul>\n";
}

std::string HtmlPage::text(const std::string& footer) const {
  const std::string title = markup_escaped(title_);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      title + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<main>\n<h1>" + title +
      "</h1>\n";
  if (!subtitle_.empty()) out += "<p class=\"lead\">" + markup_escaped(subtitle_) + "</p>\n";
  if (!banner_.empty())
    out += "<div class=\"banner\" role=\"alert\">" + markup_escaped(banner_) + "<span>" +
           markup_escaped(banner_explanation_) + "</span></div>\n";
  if (!facts_.empty()) {
    out += "<dl>\n";
    for (const auto& [key, value] : facts_)
      out += "<dt>" + markup_escaped(key) + "</dt><dd>" + markup_escaped(value) + "</dd>\n";
    out += "</dl>\n";
  }
  return out + "<nav aria-label=\"Contents\">" + contents_ + "</nav>\n" + body_ + "<footer>" +
         markup_escaped(footer) + "</footer>\n</main>\n</body>\n</html>\n";
}

std::string html_cell(const std::string& text, const char* style) {
  return std::string("<td") + (*style != 0 ? " class=\"" + std::string(style) + "\"" : "") + ">" +
         markup_escaped(text) + "</td>";
}

std::string html_figure(const std::string& title, const std::string& markup) {
  return "<figure><h3>" + markup_escaped(title) + "</h3>\n" + markup + "</figure>\n";
}

}  // namespace fluxtile
