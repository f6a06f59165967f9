// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report_page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/markup.h"
#include "geo/quality_flags.h"
#include "geo/unit_text.h"
#include "pipeline/svg_chart.h"

namespace fluxtile {
namespace {

constexpr const char* kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fbfaf7; --card: #ffffff; --ink: #1f2429; --quiet: #626b75; --line: #dedcd5;
  --accent: #05655f; --warn: #8a5a00; --warn-card: #fff4d6; --bad: #a32a1e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --card: #1d2125; --ink: #e6e8ea; --quiet: #9aa4ae; --line: #343a40;
    --accent: #45c2a6; --warn: #f2c566; --warn-card: #352b14; --bad: #ff8f80;
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
summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
svg.chart { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .right { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .value, svg .unit { fill: var(--ink); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .zero { stroke: var(--quiet); stroke-width: 1; }
svg .curve { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; }
svg .point { fill: var(--accent); stroke: var(--card); stroke-width: 0.6; } svg .small { stroke: none; }
svg .bar { fill: var(--accent); }
.bars { max-width: 560px; }
footer { margin-top: 56px; color: var(--quiet); font-size: 13px; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #ccc; --accent: #05655f; }
  main { padding: 0; } nav { display: none; } figure, tr { break-inside: avoid; }
}
)css";

std::string base64(std::string_view bytes) {
  static const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= n ? letters[group >> (18U - 6U * static_cast<unsigned>(k)) & 63U] : '=';
  }
  return out;
}

/// "1 234 567" with thin spaces.
std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, " ");
  }
  return digits;
}

std::string size_text(uint64_t bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit < 4; ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value,
                units[unit]);
  return text;
}

std::string duration_text(double seconds) {
  char text[48];
  if (seconds < 60) {
    std::snprintf(text, sizeof text, seconds < 10 ? "%.2f s" : "%.1f s", seconds);
  } else {
    const auto whole = static_cast<long long>(std::llround(seconds));
    if (whole < 3600)
      std::snprintf(text, sizeof text, "%lld min %02lld s", whole / 60, whole % 60);
    else
      std::snprintf(text, sizeof text, "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
  }
  return text;
}

std::string percent(double share) {
  char text[32];
  const double value = share * 100;
  std::snprintf(text, sizeof text, value > 0 && value < 0.1 ? "%.2g %%" : "%.1f %%", value);
  return text;
}

std::string cell(const std::string& text, const char* style = "") {
  return std::string("<td") + (*style != 0 ? " class=\"" + std::string(style) + "\"" : "") + ">" +
         markup_escaped(text) + "</td>";
}

/// Names in the order in which they first come.
template <typename Rows, typename Name>
std::vector<std::string> in_order(const Rows& rows, Name name) {
  std::vector<std::string> names;
  for (const auto& row : rows)
    if (std::find(names.begin(), names.end(), name(row)) == names.end()) names.push_back(name(row));
  return names;
}

/// The page while it grows.
class Page {
 public:
  explicit Page(const ReportPage& content) : content_(content) {}

  std::string text() {
    warnings();
    maps();
    totals();
    curves();
    months();
    quality();
    ledger();
    timings();
    products();
    return head() + body_ +
           "<footer>Made by fluxtile. GPP, Ra, Rh and Reco are positive; negative NEE is uptake by "
           "the land. Masses are of carbon.</footer>\n</main>\n</body>\n</html>\n";
  }

 private:
  void section(const std::string& id, const std::string& title) {
    contents_ += "<a href=\"#" + id + "\">" + markup_escaped(title) + "</a>\n";
    body_ += "<h2 id=\"" + id + "\">" + markup_escaped(title) + "</h2>\n";
  }

  [[nodiscard]] std::string head() const {
    const std::string title = markup_escaped(content_.title);
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
        title + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<main>\n<h1>" + title +
        "</h1>\n";
    if (!content_.subtitle.empty())
      out += "<p class=\"lead\">" + markup_escaped(content_.subtitle) + "</p>\n";
    if (content_.synthetic_model)
      out +=
          "<div class=\"banner\" role=\"alert\">Model trained on synthetic data"
          "<span>The numbers on this page show that the pipeline works. They say nothing about "
          "the real world.</span></div>\n";
    if (!content_.facts.empty()) {
      out += "<dl>\n";
      for (const auto& [key, value] : content_.facts)
        out += "<dt>" + markup_escaped(key) + "</dt><dd>" + markup_escaped(value) + "</dd>\n";
      out += "</dl>\n";
    }
    return out + "<nav aria-label=\"Contents\">" + contents_ + "</nav>\n";
  }

  void warnings() {
    if (content_.warnings.empty()) return;
    section("warnings", "Warnings");
    body_ += "<ul class=\"warnings\">\n";
    for (const std::string& warning : content_.warnings)
      body_ += "<li>" + markup_escaped(warning) + "</li>\n";
    body_ += "</ul>\n";
  }

  void maps() {
    if (content_.maps.empty()) return;
    section("maps", "Maps");
    const auto regions = in_order(content_.maps, [](const ReportMap& m) { return m.region; });
    for (const std::string& region : regions) {
      open_region(region, regions);
      body_ += "<div class=\"grid\">\n";
      for (const ReportMap& map : content_.maps)
        if (map.region == region) picture(map);
      body_ += "</div>\n";
      close_region(regions);
    }
  }

  void picture(const ReportMap& map) {
    body_ += "<figure>";
    try {
      body_ += "<img alt=\"" + markup_escaped(map.region + ": " + map.caption) +
               "\" src=\"data:image/png;base64," + base64(read_file(map.png_path)) + "\">";
    } catch (const Error&) {
      body_ += "<p class=\"note\">The picture is missing.</p>";
    }
    body_ += "<figcaption>" + markup_escaped(map.caption) + "</figcaption></figure>\n";
  }

  /// With several regions each folds away; many start folded.
  void open_region(const std::string& region, const std::vector<std::string>& regions) {
    if (regions.size() < 2) return;
    const bool open = regions.size() <= 6 || region == regions.front();
    body_ += std::string("<details") + (open ? " open" : "") + "><summary>" +
             markup_escaped(region) + "</summary>\n";
  }
  void close_region(const std::vector<std::string>& regions) {
    if (regions.size() >= 2) body_ += "</details>\n";
  }

  void totals() {
    if (content_.totals.empty()) return;
    section("totals", "Annual totals");
    body_ +=
        "<p class=\"note\">Means are weighted by cell area; areas are ellipsoidal and count "
        "modelled cells.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Region</th>"
        "<th>Variable</th><th>Period</th><th class=\"n\">Area (km²)</th><th class=\"n\">Mean</th>"
        "<th></th><th class=\"n\">Total</th><th></th></tr></thead>\n<tbody>\n";
    std::string before;
    for (const ReportTotal& row : content_.totals) {
      const bool first = !before.empty() && before != row.region;
      before = row.region;
      body_ += std::string("<tr") + (first ? " class=\"first\"" : "") + ">" + cell(row.region) +
               cell(row.variable) + cell(row.period) + cell(number_for_people(row.area_km2), "n") +
               cell(number_for_people(row.mean), "n") + cell(unit_for_people(row.mean_unit), "u") +
               cell(number_for_people(row.total), "n") +
               cell(unit_for_people(row.total_unit), "u") + "</tr>\n";
    }
    body_ += "</tbody>\n</table></div>\n";
  }

  void curves() {
    if (content_.curves.empty()) return;
    section("months", "Monthly course");
    const auto regions = in_order(content_.curves, [](const ReportCurve& c) { return c.region; });
    for (const std::string& region : regions) {
      open_region(region, regions);
      body_ += "<div class=\"grid\">\n";
      for (const ReportCurve& curve : content_.curves) {
        if (curve.region != region) continue;
        const std::string name = curve.long_name.empty() ? curve.variable : curve.long_name;
        body_ += "<figure><h3>" + markup_escaped(name) + "</h3>" +
                 monthly_chart(region + ", " + name + ", monthly", curve.unit, curve.first_year,
                               curve.first_month, curve.values) +
                 "</figure>\n";
      }
      body_ += "</div>\n";
      close_region(regions);
    }
  }

  void months() {
    if (content_.months.empty()) return;
    section("gpp", "GPP: this run and the models' training");
    for (const ReportMonths& table : content_.months) {
      body_ += "<h3>" + markup_escaped(table.region) + "</h3>\n<p class=\"note\">" +
               markup_escaped(table.note) + "</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>" +
               markup_escaped(unit_for_people(table.unit)) + "</th>";
      for (const char* month :
           {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"})
        body_ += std::string("<th class=\"n\">") + month + "</th>";
      body_ += "</tr></thead>\n<tbody>\n";
      for (const auto& [label, values] : table.rows) {
        body_ += "<tr>" + cell(label);
        for (const double value : values) body_ += cell(number_for_people(value), "n");
        body_ += "</tr>\n";
      }
      body_ += "</tbody>\n</table></div>\n";
    }
  }

  void quality() {
    if (content_.quality.empty()) return;
    section("quality", "Quality");
    body_ +=
        "<p class=\"note\">Share of modelled cells that carry a flag; a cell can carry "
        "several.</p>\n<div class=\"grid\">\n";
    const auto group_name = [](const ReportQuality& q) {
      return q.region + (q.period.empty() ? "" : ", " + q.period);
    };
    for (const std::string& group : in_order(content_.quality, group_name)) {
      std::vector<ChartBar> bars;
      for (const ReportQuality& q : content_.quality) {
        if (group_name(q) != group) continue;
        ChartBar bar;
        bar.label = quality_text(q.flag);
        bar.value =
            q.of_cells == 0 ? 0 : static_cast<double>(q.cells) / static_cast<double>(q.of_cells);
        bar.value_text = percent(bar.value) + " (" + grouped(q.cells) + ")";
        bars.push_back(std::move(bar));
      }
      body_ += "<figure><h3>" + markup_escaped(group) + "</h3>" +
               bar_chart("quality flags, " + group, bars, 1) + "</figure>\n";
    }
    body_ += "</div>\n";
  }

  void ledger() {
    if (content_.ledger.empty()) return;
    section("ledger", "Mass ledger");
    body_ +=
        "<p class=\"note\">Area times flux before and after each step, over the area both sides "
        "know.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Region</th><th>Step</th>"
        "<th class=\"n\">Before</th><th class=\"n\">After</th><th></th>"
        "<th class=\"n\">Difference</th><th></th></tr></thead>\n<tbody>\n";
    for (const ReportLedgerRow& row : content_.ledger) {
      const double difference = row.after - row.before;
      const double share = row.before != 0   ? difference / std::fabs(row.before)
                           : difference == 0 ? 0.0
                                             : HUGE_VAL;
      const bool balanced = std::fabs(share) <= row.tolerance;
      char text[32];
      std::snprintf(text, sizeof text, "%.2g %%", std::fabs(share) * 100);
      body_ += "<tr>" + cell(row.region) + cell(row.step) +
               cell(number_for_people(row.before), "n") + cell(number_for_people(row.after), "n") +
               cell(unit_for_people(row.unit), "u") +
               cell((share < 0 ? "−" : "") + std::string(text), "n") +
               cell(balanced ? "balanced" : "check", balanced ? "ok" : "bad") + "</tr>\n";
    }
    body_ += "</tbody>\n</table></div>\n";
  }

  void timings() {
    if (content_.timings.empty()) return;
    section("timings", "Timings");
    std::vector<ChartBar> bars;
    for (const ReportTiming& timing : content_.timings)
      bars.push_back({timing.what, duration_text(timing.seconds), "", timing.seconds});
    body_ += "<div class=\"bars\">" + bar_chart("timings", bars) + "</div>\n";
  }

  void products() {
    if (content_.products.empty()) return;
    section("products", "Products");
    body_ +=
        "<div class=\"scroll\"><table>\n<thead><tr><th>File</th><th class=\"n\">Size</th>"
        "<th>SHA-256</th></tr></thead>\n<tbody>\n";
    for (const ReportProduct& product : content_.products)
      body_ += "<tr>" + cell(product.path) + cell(size_text(product.bytes), "n") +
               cell(product.sha256, "hash") + "</tr>\n";
    body_ += "</tbody>\n</table></div>\n";
  }

  const ReportPage& content_;
  std::string contents_, body_;
};

}  // namespace

std::string report_page_text(const ReportPage& page) { return Page(page).text(); }

void write_report_page(const std::string& path, const ReportPage& page) {
  write_atomically(path, report_page_text(page));
}

}  // namespace fluxtile
