// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fluxtile {

/// A map picture of a region.
struct ReportMap {
  std::string region;
  std::string caption;   ///< "Reco, 2018"
  std::string png_path;  ///< read and put into the page; a missing file leaves a note
};

/// One line of the table of annual totals.
struct ReportTotal {
  std::string region;
  std::string period;    ///< "2018", "2018 (to 2018-08-31)"
  std::string variable;  ///< "reco"
  double area_km2 = 0;   ///< modelled area
  double mean = 0;       ///< area-weighted mean, NaN = none
  std::string mean_unit;
  double total = 0;  ///< NaN = none
  std::string total_unit;
};

/// Consecutive monthly values of one variable of one region.
struct ReportCurve {
  std::string region, variable, long_name, unit;
  int first_year = 1970, first_month = 1;  ///< of values[0]; month 1..12
  std::vector<double> values;              ///< NaN = no value
};

/// Area times flux before and after one step; they should agree.
struct ReportLedgerRow {
  std::string region;
  std::string step;  ///< "resample gpp: MODIS sinusoidal to EPSG:5070"
  std::string unit;
  double before = 0, after = 0;
  double tolerance = 1e-6;  ///< allowed difference, share of `before`
};

/// Monthly means of an input beside those of a model's training.
struct ReportMonths {
  std::string region;
  std::string note;  ///< what stands against what
  std::string unit;
  std::vector<std::pair<std::string, std::vector<double>>> rows;  ///< label, 12 values; NaN = none
};

/// How many cells carry one quality flag.
struct ReportQuality {
  std::string region, period;
  uint16_t flag = 0;  ///< one bit; 0 = no flag at all
  uint64_t cells = 0, of_cells = 0;
};

struct ReportTiming {
  std::string what;
  double seconds = 0;
};

struct ReportProduct {
  std::string path;  ///< relative to the report
  uint64_t bytes = 0;
  std::string sha256;
};

/// Everything the page shows. Empty parts are left out of it.
struct ReportPage {
  std::string title, subtitle;
  bool synthetic_model = false;  ///< shows the banner "model trained on synthetic data"
  std::vector<std::pair<std::string, std::string>> facts;  ///< run facts in order
  std::vector<std::string> warnings;
  std::vector<ReportMap> maps;
  std::vector<ReportTotal> totals;
  std::vector<ReportCurve> curves;
  std::vector<ReportLedgerRow> ledger;
  std::vector<ReportMonths> months;
  std::vector<ReportQuality> quality;
  std::vector<ReportTiming> timings;
  std::vector<ReportProduct> products;
};

/// One HTML page that needs nothing else: pictures inline, charts as SVG, no script, light and dark
/// by the reader's choice, printable. UTF-8. All texts are escaped.
std::string report_page_text(const ReportPage& page);

/// The same, written atomically. Throws Error(cannot_create | io).
void write_report_page(const std::string& path, const ReportPage& page);

}  // namespace fluxtile
