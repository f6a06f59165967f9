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
#include "pipeline/html_page.h"
#include "pipeline/svg_chart.h"

namespace fluxtile {
namespace {

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
  explicit Page(const ReportPage& content) : content_(content), page_(content.title) {}

  std::string text() {
    page_.set_subtitle(content_.subtitle);
    page_.set_facts(content_.facts);
    if (content_.synthetic_model)
      page_.set_banner("Model trained on synthetic data",
                       "The numbers on this page show that the pipeline works. They say nothing "
                       "about the real world.");
    page_.warnings(content_.warnings);
    maps();
    totals();
    curves();
    months();
    quality();
    ledger();
    timings();
    products();
    return page_.text(
        "Made by fluxtile. GPP, Ra, Rh and Reco are positive; negative NEE is uptake by the land. "
        "Masses are of carbon.");
  }

 private:
  void maps() {
    if (content_.maps.empty()) return;
    page_.section("maps", "Maps");
    const auto regions = in_order(content_.maps, [](const ReportMap& m) { return m.region; });
    for (const std::string& region : regions) {
      open_region(region, regions);
      page_.add("<div class=\"grid\">\n");
      for (const ReportMap& map : content_.maps)
        if (map.region == region) picture(map);
      page_.add("</div>\n");
      close_region(regions);
    }
  }

  void picture(const ReportMap& map) {
    page_.add("<figure>");
    try {
      page_.add("<img alt=\"" + markup_escaped(map.region + ": " + map.caption) +
                "\" src=\"data:image/png;base64," + base64(read_file(map.png_path)) + "\">");
    } catch (const Error&) {
      page_.add("<p class=\"note\">The picture is missing.</p>");
    }
    page_.add("<figcaption>" + markup_escaped(map.caption) + "</figcaption></figure>\n");
  }

  /// With several regions each folds away; many start folded.
  void open_region(const std::string& region, const std::vector<std::string>& regions) {
    if (regions.size() < 2) return;
    page_.open_fold(region, regions.size() <= 6 || region == regions.front());
  }
  void close_region(const std::vector<std::string>& regions) {
    if (regions.size() >= 2) page_.close_fold();
  }

  void totals() {
    if (content_.totals.empty()) return;
    page_.section("totals", "Annual totals");
    page_.add(
        "<p class=\"note\">Means are weighted by cell area; areas are ellipsoidal and count "
        "modelled cells.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Region</th>"
        "<th>Variable</th><th>Period</th><th class=\"n\">Area (km²)</th><th class=\"n\">Mean</th>"
        "<th></th><th class=\"n\">Total</th><th></th></tr></thead>\n<tbody>\n");
    std::string before;
    for (const ReportTotal& row : content_.totals) {
      const bool first = !before.empty() && before != row.region;
      before = row.region;
      page_.add(std::string("<tr") + (first ? " class=\"first\"" : "") + ">" +
                html_cell(row.region) + html_cell(row.variable) + html_cell(row.period) +
                html_cell(number_for_people(row.area_km2), "n") +
                html_cell(number_for_people(row.mean), "n") +
                html_cell(unit_for_people(row.mean_unit), "u") +
                html_cell(number_for_people(row.total), "n") +
                html_cell(unit_for_people(row.total_unit), "u") + "</tr>\n");
    }
    page_.add("</tbody>\n</table></div>\n");
  }

  void curves() {
    if (content_.curves.empty()) return;
    page_.section("months", "Monthly course");
    const auto regions = in_order(content_.curves, [](const ReportCurve& c) { return c.region; });
    for (const std::string& region : regions) {
      open_region(region, regions);
      page_.add("<div class=\"grid\">\n");
      for (const ReportCurve& curve : content_.curves) {
        if (curve.region != region) continue;
        const std::string name = curve.long_name.empty() ? curve.variable : curve.long_name;
        page_.add("<figure><h3>" + markup_escaped(name) + "</h3>" +
                  monthly_chart(region + ", " + name + ", monthly", curve.unit, curve.first_year,
                                curve.first_month, curve.values) +
                  "</figure>\n");
      }
      page_.add("</div>\n");
      close_region(regions);
    }
  }

  void months() {
    if (content_.months.empty()) return;
    page_.section("gpp", "GPP: this run and the models' training");
    for (const ReportMonths& table : content_.months) {
      page_.add("<h3>" + markup_escaped(table.region) + "</h3>\n<p class=\"note\">" +
                markup_escaped(table.note) +
                "</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>" +
                markup_escaped(unit_for_people(table.unit)) + "</th>");
      for (const char* month :
           {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"})
        page_.add(std::string("<th class=\"n\">") + month + "</th>");
      page_.add("</tr></thead>\n<tbody>\n");
      for (const auto& [label, values] : table.rows) {
        page_.add("<tr>" + html_cell(label));
        for (const double value : values) page_.add(html_cell(number_for_people(value), "n"));
        page_.add("</tr>\n");
      }
      page_.add("</tbody>\n</table></div>\n");
    }
  }

  void quality() {
    if (content_.quality.empty()) return;
    page_.section("quality", "Quality");
    page_.add(
        "<p class=\"note\">Share of modelled cells that carry a flag; a cell can carry "
        "several.</p>\n<div class=\"grid\">\n");
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
      page_.add("<figure><h3>" + markup_escaped(group) + "</h3>" +
                bar_chart("quality flags, " + group, bars, 1) + "</figure>\n");
    }
    page_.add("</div>\n");
  }

  void ledger() {
    if (content_.ledger.empty()) return;
    page_.section("ledger", "Mass ledger");
    page_.add(
        "<p class=\"note\">Area times flux before and after each step, over the area both sides "
        "know.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Region</th><th>Step</th>"
        "<th class=\"n\">Before</th><th class=\"n\">After</th><th></th>"
        "<th class=\"n\">Difference</th><th></th></tr></thead>\n<tbody>\n");
    for (const ReportLedgerRow& row : content_.ledger) {
      const double difference = row.after - row.before;
      const double share = row.before != 0   ? difference / std::fabs(row.before)
                           : difference == 0 ? 0.0
                                             : HUGE_VAL;
      const bool balanced = std::fabs(share) <= row.tolerance;
      char text[32];
      std::snprintf(text, sizeof text, "%.2g %%", std::fabs(share) * 100);
      page_.add("<tr>" + html_cell(row.region) + html_cell(row.step) +
                html_cell(number_for_people(row.before), "n") +
                html_cell(number_for_people(row.after), "n") +
                html_cell(unit_for_people(row.unit), "u") +
                html_cell((share < 0 ? "−" : "") + std::string(text), "n") +
                html_cell(balanced ? "balanced" : "check", balanced ? "ok" : "bad") + "</tr>\n");
    }
    page_.add("</tbody>\n</table></div>\n");
  }

  void timings() {
    if (content_.timings.empty()) return;
    page_.section("timings", "Timings");
    std::vector<ChartBar> bars;
    for (const ReportTiming& timing : content_.timings)
      bars.push_back({timing.what, duration_text(timing.seconds), "", timing.seconds});
    page_.add("<div class=\"bars\">" + bar_chart("timings", bars) + "</div>\n");
  }

  void products() {
    if (content_.products.empty()) return;
    page_.section("products", "Products");
    page_.add(
        "<div class=\"scroll\"><table>\n<thead><tr><th>File</th><th class=\"n\">Size</th>"
        "<th>SHA-256</th></tr></thead>\n<tbody>\n");
    for (const ReportProduct& product : content_.products)
      page_.add("<tr>" + html_cell(product.path) + html_cell(size_text(product.bytes), "n") +
                html_cell(product.sha256, "hash") + "</tr>\n");
    page_.add("</tbody>\n</table></div>\n");
  }

  const ReportPage& content_;
  HtmlPage page_;
};

}  // namespace

std::string report_page_text(const ReportPage& page) { return Page(page).text(); }

void write_report_page(const std::string& path, const ReportPage& page) {
  write_atomically(path, report_page_text(page));
}

}  // namespace fluxtile
