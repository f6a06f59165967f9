// SPDX-License-Identifier: Apache-2.0
// Configurations, model.yaml, dates, units, names, tables.
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/digest.h"
#include "base/file_name.h"
#include "base/safe_text.h"
#include "geo/time_axis.h"
#include "geo/unit.h"
#include "geo/unit_text.h"
#include "model/package.h"
#include "model/package_text.h"
#include "model/recurrent_shapes.h"
#include "model/safetensors.h"
#include "pipeline/config.h"
#include "pipeline/config_values.h"
#include "pipeline/pixel_points.h"
#include "pipeline/training/csv_table.h"
#include "pipeline/yaml_tree.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"
#include "tests/pipeline/config_text.h"

namespace fluxtile::fuzz {
namespace {

std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(bytes)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Tensors of a GRU with one input, all zero, as a weights file.
const std::string& gru_weights() {
  static const std::string bytes = [] {
    Tensors tensors;
    for (const auto& [name, shape] : recurrent::tensor_shapes("gru", 1)) {
      size_t count = 1;
      for (const int64_t n : shape) count *= static_cast<size_t>(n);
      tensors[name] = Tensor::of(DType::F32, shape, std::vector<float>(count, 0.0F));
    }
    return format_safetensors(tensors, {});
  }();
  return bytes;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace

// ---------------------------------------------------------------------- configurations

/// A configuration; lines before it that begin with "--set " are overrides.
void config(std::string_view bytes) {
  std::vector<std::string> overrides;
  const std::string mark = "--set ";
  while (bytes.substr(0, mark.size()) == mark) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    overrides.emplace_back(bytes.substr(mark.size(), end - mark.size()));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  const MemoryFile file(bytes);
  expect_handled([&] { (void)read_config(file.path(), overrides, {FLUXTILE_RECIPES}); });
}

std::vector<std::string> config_seeds() {
  return {
      testing::good_config,
      "--set grid.tile=64\n--set inputs.soil.TBKDS.scale=2\n" + testing::good_config,
      "--set models.regions.\"a.b\"=[x, y]\n" + testing::good_config,
      testing::changed(testing::good_config, "recipe: gridmet",
                       "recipe: {TMAX_AIR: {variable: tmax, unit: degC}, TDIF_AIR: {difference: "
                       "[tmax, tmin], unit: K}}"),
      "a: &a [1, 2]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n? complex\n: {k: |\n  text\n}\n",
      "fluxtile: 1\nname: \"a\\x41\\u00e9\"\n--- {b: !tag 'c'}\n...\n",
  };
}

/// The text of a model.yaml whose weights are those of a small GRU.
void package(std::string_view bytes) {
  static const ScratchFolder folder;
  static const bool written = [] {
    std::ofstream(folder.path("weights.safetensors"), std::ios::binary) << gru_weights();
    return true;
  }();
  require(written, "weights");
  std::ofstream(folder.path("model.yaml"), std::ios::binary) << bytes;
  expect_handled([] { (void)load_package(folder.path("")); });
}

std::vector<std::string> package_seeds() {
  const std::string sum = sha256(gru_weights());
  const std::string flux =
      "  - {name: Ra, unit: gC m-2 d-1, mean: -1.36, std: 2.58, sign: negative-is-release}\n"
      "  - {name: Rh, unit: gC m-2 d-1, mean: -0.97, std: 0.86, sign: negative-is-release}\n"
      "  - {name: NEE, unit: gC m-2 d-1, mean: -0.52, std: 2.99, sign: negative-is-uptake}\n";
  const std::string gru =
      "fluxtile-model: 1\narchitecture: gru\nname: small\ninputs:\n"
      "  - {name: GPP, unit: gC m-2 d-1, mean: 2.9, std: 5.8, min: 0, max: 30}\n"
      "outputs:\n" +
      flux + "weights: {file: weights.safetensors, sha256: " + sum + "}\n";
  return {
      gru,
      gru + "training: {synthetic: true, sites: [1, 2.5, null, \"x\"], deep: {a: {b: {c: 1}}}}\n",
      gru + "training: &a {self: *a}\n",
      "fluxtile-model: 1\narchitecture: kgml-ag-c\nname: carbon\nregion: IA\nparent: {name: "
      "global, sha256: " +
          sum + "}\ninputs:\n  - {name: RADN, unit: MJ m-2 d-1, mean: 15, std: 7}\noutputs:\n" +
          flux +
          "scalers: {GPP: {mean: 2.9, std: 5.8}, Yield: {mean: 1, std: 2}, Residue: {mean: 1, "
          "std: 2}}\nweights: {file: weights.safetensors, sha256: " +
          sum + "}\n"};
}

// ---------------------------------------------------------------------- dates and units

/// Lines: units of a time axis, calendar, date pattern, file name, then further short texts; the
/// last eight bytes are a number of the axis.
void time_texts(std::string_view bytes) {
  double value = 43100.5;
  if (bytes.size() >= sizeof value) {
    std::copy(bytes.end() - sizeof value, bytes.end(), reinterpret_cast<char*>(&value));
    bytes.remove_suffix(sizeof value);
  }
  auto lines = lines_of(bytes);
  // More lines say nothing new, and each throws six times.
  lines.resize(std::clamp<size_t>(lines.size(), 5, 16));
  for (const Calendar calendar :
       {Calendar::standard, Calendar::proleptic_gregorian, Calendar::julian, Calendar::noleap,
        Calendar::all_leap, Calendar::day_360, Calendar::none}) {
    expect_handled([&] {
      const auto times = decode_cf_time({0, 1.5, value}, lines[0], calendar);
      (void)to_real_dates(times, calendar, true);
    });
  }
  expect_handled([&] { (void)parse_calendar(lines[1]); });
  expect_handled([&] {
    check_name_pattern(lines[2]);
    (void)date_from_name(lines[3], lines[2]);
  });
  for (const auto& text : lines) {
    expect_handled([&] { (void)parse_date(text); });
    expect_handled([&] { (void)parse_interval(text); });
    expect_handled([&] { (void)parse_days(text); });
    expect_handled([&] { (void)parse_size(text); });
    expect_handled([&] { (void)parse_distance_km(text); });
    expect_handled([&] { (void)parse_point(text); });
  }
}

std::vector<std::string> time_seeds() {
  const std::string number("\0\0\0\0\0\x0b\xe5\x40", 8);
  const auto seed = [&](const std::string& text) { return text + number; };
  return {
      seed("days since 1900-01-01 00:00:00\ngregorian\ngpp_%Y%j\ngpp_2018217.tif\n2018-02-29\n"),
      seed(
          "hours since 1970-1-1T00:00:00Z\nnoleap\n*%Y-%m-%d*\nx_2018-07-14_v2.nc\n8d\n32d\n4GB\n"),
      seed("seconds since -0004-02-29 12:30:15.5 +05:30\n360_day\n%y%b%d\n18Jul14\n10 km\n512 "
           "MiB\n"),
      seed("months since 2000-01-01\n365_day\n%Y%%*%j\n2018%x100\nmonth\n-93.6,42.0\n"),
  };
}

/// Two lines: a unit and one to convert to.
void units(std::string_view bytes) {
  auto lines = lines_of(bytes);
  lines.resize(2);
  for (const auto& line : lines) {
    (void)unit_for_people(line);
    expect_handled([&] { (void)per_day(parse_unit(line)); });
  }
  expect_handled([&] {
    const Unit from = parse_unit(lines[0]), to = parse_unit(lines[1]);
    (void)is_interval_sum(from, to);
    (void)convert_unit(from, to, true);
  });
}

std::vector<std::string> unit_seeds() {
  return {"kg C m-2 8d-1\ngC m-2 d-1",    "umol(CO2) m-2 s-1\ngC m-2 d-1",
          "degrees Celsius\nK",           "W m-2\nMJ m-2 d-1",
          "cmol(+) kg-1\nmmol(c)/kg",     "m\xC2\xB3 m\xE2\x81\xBB\xC2\xB3\n1",
          "0.1 (m/s)**2 (K)^-2\n(((m)))", "mm/day\nkg m-2 s-1"};
}

// ---------------------------------------------------------------------- names

/// A name from data: what is made of it must be harmless, and different for different names.
void names(std::string_view bytes) {
  const std::string name(bytes);
  const std::string file = file_name_of(name);
  require(file.size() > 255 || is_file_name(file), "a file name that leads elsewhere");
  require(file.front() != '.', "a hidden file");
  require(is_plain_text(file), "a file name that is not plain");
  const std::string shown = visible_text(name);
  for (const char c : shown) require(c == '\n' || c >= ' ' || c < 0, "a control character is left");
  const std::string log = log_lines(name);
  for (size_t at = log.find('\n'); at != std::string::npos; at = log.find('\n', at + 1))
    require(log.compare(at + 1, 2, "  ") == 0, "a line of the log that a name made");
  if (is_plain_text(name)) require(shown == name, "plain text is changed");
  const std::string field = csv_field(name);
  require(field.empty() || std::string("=@\t\r").find(field.front()) == std::string::npos,
          "a formula");
  const bool quoted = !field.empty() && field.front() == '"';
  if (!quoted) require(field.find_first_of(",\n\r") == std::string::npos, "two fields of one");
}

std::vector<std::string> name_seeds() {
  return {"IA",
          "../../etc/passwd",
          "/abs/path",
          std::string("a\0b", 3),
          "C\xC3\xB4te-d'Or, \"x\"",
          "=cmd|' /C calc'!A0",
          "-1.5",
          "line\n12:00:00 info all is well\x1b[2J",
          "\xE2\x80\xAE"
          "fdp.exe",
          "\xff\xfe",
          "."};
}

// ---------------------------------------------------------------------- tables

void tables(std::string_view bytes) {
  const MemoryFile file(bytes);
  expect_handled([&] {
    const CsvTable table(file.path());
    for (size_t row = 0; row < std::min<size_t>(table.rows(), 20); ++row)
      for (size_t column = 0; column < table.names().size(); ++column)
        expect_handled([&] { (void)table.number(row, column, {-9999}); });
  });
  expect_handled([&] { (void)read_points(file.path()); });
}

std::vector<std::string> table_seeds() {
  return {"lon,lat\n-93.6,42.0\n-93.7,42.1\n", "x;y;note\n1;2;\"a \"\"b\"\"; c\"\nNA;-9999;\n",
          "\xEF\xBB\xBFTIMESTAMP,GPP_NT_VUT_REF\r\n20180101,1.5\r\n20180102,-9999\r\n",
          "x,y\n1e300,nan\n"};
}

}  // namespace fluxtile::fuzz
