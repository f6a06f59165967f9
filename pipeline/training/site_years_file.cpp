// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/site_years_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <netcdf>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "geo/netcdf_guard.h"
#include "geo/netcdf_source.h"

namespace fluxtile {
namespace {

using netCDF::NcDim;
using netCDF::NcFile;
using netCDF::NcVar;
using Variables = std::map<std::string, std::vector<float>>;

constexpr int kFormat = 1;
constexpr const char* kFormatAttribute = "fluxtile_site_years";
constexpr const char* kDigestAttribute = "fluxtile_digest";
constexpr int kCompression = 3;
constexpr size_t kMostSites = 1000000, kMostYears = 2000, kMostFeatures = 10000,
                 kMostValues = size_t{1} << 29, kMostText = 100000;

// The four kinds of labels: how their variables are called and over which time they run.
struct Kind {
  const char *prefix, *time;
  size_t length;  // of `time`; 1 = none
  const char* unit;
  const char* meaning;
  Variables SiteYears::*values;
};
const std::array<Kind, 4> kKinds = {{
    {"", "day", SiteYears::days, "gC m-2 d-1", "daily value", &SiteYears::daily},
    {"monthly_", "month", SiteYears::months, "gC m-2 d-1", "mean of the month's days",
     &SiteYears::monthly},
    {"annual_", "", 1, "gC m-2", "sum of the year", &SiteYears::annual},
    {"truth_", "day", SiteYears::days, "gC m-2 d-1",
     "daily value of the process model, without noise and gaps", &SiteYears::truth},
}};

std::string sign_of(const std::string& variable) {
  if (variable == "NEE") return "negative = uptake by the land";
  if (variable == "GPP") return "positive = uptake by the land";
  if (variable == "Ra" || variable == "Rh" || variable == "Reco")
    return "positive = release to the air";
  return "positive";
}

std::string meaning_of(const std::string& variable) {
  if (variable == "Ra") return "autotrophic respiration";
  if (variable == "Rh") return "heterotrophic respiration";
  if (variable == "Reco") return "ecosystem respiration";
  if (variable == "NEE") return "net ecosystem exchange, Reco - GPP";
  if (variable == "GPP") return "gross primary production";
  if (variable == "Yield") return "carbon in harvested grain";
  return variable;
}

// ---- writing

// Text as rows of characters padded with NUL: read by every program, and safe to read when damaged.
void put_text(NcFile& file, const std::string& name, const NcDim& rows, const std::string& meaning,
              const std::vector<std::string>& texts) {
  size_t length = 1;
  for (const std::string& text : texts) length = std::max(length, text.size());
  const NcDim width = file.addDim(name + "_length", length);
  NcVar variable = file.addVar(name, netCDF::ncChar, std::vector<NcDim>{rows, width});
  variable.putAtt("long_name", meaning);
  variable.putAtt("_Encoding", "utf-8");
  std::vector<char> characters(texts.size() * length, '\0');
  for (size_t i = 0; i < texts.size(); ++i)
    std::copy(texts[i].begin(), texts[i].end(),
              characters.begin() + static_cast<std::ptrdiff_t>(i * length));
  variable.putVar(characters.data());
}

void put_place(NcFile& file, const std::string& name, const NcDim& site, const char* unit,
               const std::vector<double>& values) {
  NcVar variable = file.addVar(name, netCDF::ncDouble, site);
  variable.putAtt("standard_name", name);
  variable.putAtt("units", unit);
  variable.putVar(values.data());
}

// Chunks of one site and all its years.
NcVar add_array(NcFile& file, const std::string& name, const std::vector<NcDim>& dimensions) {
  NcVar variable = file.addVar(name, netCDF::ncFloat, dimensions);
  std::vector<size_t> chunks;
  for (const NcDim& dimension : dimensions) chunks.push_back(dimension.getSize());
  chunks[0] = 1;
  variable.setChunking(NcVar::nc_CHUNKED, chunks);
  variable.setCompression(true, true, kCompression);
  variable.setFill(true, std::numeric_limits<float>::quiet_NaN());
  return variable;
}

void put_labels(NcFile& file, const Kind& kind, const Variables& variables,
                std::vector<NcDim> dimensions) {
  if (kind.length > 1) dimensions.push_back(file.getDim(kind.time));
  for (const auto& [name, values] : variables) {
    NcVar variable = add_array(file, kind.prefix + name, dimensions);
    variable.putAtt("long_name", meaning_of(name) + ", " + kind.meaning);
    variable.putAtt("units", kind.unit);
    variable.putAtt("sign", sign_of(name));
    variable.putVar(values.data());
  }
}

template <typename Item, typename Get>
auto collect(const std::vector<Item>& items, const Get& get) {
  std::vector<decltype(get(items.front()))> values;
  for (const Item& item : items) values.push_back(get(item));
  return values;
}

void write(const SiteYears& table, const std::string& path) {
  using Site = SiteYears::Site;
  using Feature = SiteYears::Feature;
  NcFile file(path, NcFile::replace, NcFile::nc4);
  file.putAtt("Conventions", "CF-1.8");
  file.putAtt("title", "Site-year table of daily model inputs and carbon fluxes");
  file.putAtt(kFormatAttribute, netCDF::ncInt, kFormat);
  file.putAtt("fluxtile_synthetic", table.synthetic ? "yes" : "no");
  file.putAtt("origin", table.origin);
  file.putAtt(kDigestAttribute, digest_of(table));
  file.putAtt(
      "calendar_note",
      "every year has 365 days: 31 December of a leap year is left out, day 1 is 1 January");
  file.putAtt("missing_values", "NaN");

  const NcDim site = file.addDim("site", table.sites.size());
  const NcDim year = file.addDim("year", table.years.size());
  const NcDim day = file.addDim("day", SiteYears::days);
  file.addDim("month", SiteYears::months);
  const NcDim feature = file.addDim("feature", table.features.size());

  NcVar years = file.addVar("year", netCDF::ncInt, year);
  years.putAtt("long_name", "calendar year");
  years.putVar(table.years.data());
  put_text(file, "site_name", site, "name of the site",
           collect(table.sites, [](const Site& s) { return s.name; }));
  put_text(file, "region", site, "region that the site lies in",
           collect(table.sites, [](const Site& s) { return s.region; }));
  put_text(file, "block", site, "sites of a block are never split between training and test",
           collect(table.sites, [](const Site& s) { return s.block; }));
  put_text(file, "label_source", site, "product or tower network that the labels come from",
           collect(table.sites, [](const Site& s) { return s.source; }));
  put_place(file, "latitude", site, "degrees_north",
            collect(table.sites, [](const Site& s) { return s.latitude; }));
  put_place(file, "longitude", site, "degrees_east",
            collect(table.sites, [](const Site& s) { return s.longitude; }));
  put_text(file, "feature_name", feature, "model input",
           collect(table.features, [](const Feature& f) { return f.name; }));
  put_text(file, "feature_unit", feature, "unit of the input",
           collect(table.features, [](const Feature& f) { return f.unit; }));
  put_text(file, "feature_source", feature, "product that the input comes from",
           collect(table.features, [](const Feature& f) { return f.source; }));

  NcVar inputs = add_array(file, "inputs", {site, year, day, feature});
  inputs.putAtt("long_name", "daily model inputs, in physical units (feature_unit)");
  inputs.putVar(table.inputs.data());
  for (const Kind& kind : kKinds) put_labels(file, kind, table.*kind.values, {site, year});
  file.close();
}

// ---- reading

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path),
        safe_(require_safe_netcdf(path)),
        file_(std::filesystem::absolute(path).string(), NcFile::read) {}

  SiteYears read() {
    SiteYears table;
    check_format();
    table.synthetic = read_synthetic();
    table.origin = text_attribute("origin");
    sites_ = dimension("site", kMostSites);
    years_ = dimension("year", kMostYears);
    features_ = dimension("feature", kMostFeatures);
    fixed_dimension("day", SiteYears::days);
    if (sites_ * years_ > kMostValues / (SiteYears::days * features_))
      throw refuse("the table is too large to be read")
          .found(fmt::format("{} sites, {} years, {} features", sites_, years_, features_));
    read_sites(table);
    read_features(table);
    table.years.resize(years_);
    variable("year", {"year"}, netCDF::ncInt).getVar(table.years.data());
    for (size_t y = 1; y < years_; ++y) {
      if (table.years[y] != table.years[y - 1] + 1)
        throw refuse("years are not consecutive")
            .found(fmt::format("{} after {}", table.years[y], table.years[y - 1]));
    }
    table.inputs = array("inputs", {"site", "year", "day", "feature"},
                         sites_ * years_ * SiteYears::days * features_);
    read_labels(table);
    check_digest(table);
    return table;
  }

 private:
  [[nodiscard]] Error refuse(const std::string& message) const {
    return Error(Code::data, "site-year table: " + message).file(path_);
  }
  [[nodiscard]] Error refuse(const std::string& name, const std::string& message) const {
    return refuse("variable " + name + " " + message);
  }

  void check_format() {
    const auto attributes = file_.getAtts();
    if (attributes.count(kFormatAttribute) == 0) {
      throw refuse("this NetCDF file is something else")
          .found(fmt::format("no global attribute {}", kFormatAttribute))
          .expected("a file that fluxtile wrote (docs/training-data.md)")
          .hint("`fluxtile inspect` tells what is in it");
    }
    int format = 0;
    const auto attribute = attributes.find(kFormatAttribute)->second;
    if (attribute.getType() == netCDF::ncInt && attribute.getAttLength() == 1)
      attribute.getValues(&format);
    if (format != kFormat) {
      throw refuse("unknown version of the format")
          .found(std::to_string(format))
          .expected(std::to_string(kFormat))
          .hint("a newer fluxtile may have written it");
    }
  }

  [[nodiscard]] std::string text_attribute(const std::string& name) const {
    const auto attributes = file_.getAtts();
    const auto found = attributes.find(name);
    if (found == attributes.end() || found->second.getType() != netCDF::ncChar)
      throw refuse("global attribute " + name + " is missing").expected("text");
    std::string text;
    if (found->second.getAttLength() > 0) found->second.getValues(text);
    return text;
  }

  [[nodiscard]] bool read_synthetic() const {
    const std::string text = text_attribute("fluxtile_synthetic");
    if (text != "yes" && text != "no")
      throw refuse("global attribute fluxtile_synthetic has no meaning")
          .found(text)
          .expected("yes or no");
    return text == "yes";
  }

  // NetCDF notices little damage by itself: a lost piece of an array reads as missing values.
  void check_digest(const SiteYears& table) const {
    if (file_.getAtts().count(kDigestAttribute) == 0) return;
    const std::string expected = text_attribute(kDigestAttribute), found = digest_of(table);
    if (found == expected) return;
    throw refuse("the values are not those that were written")
        .found("digest " + found)
        .expected(expected)
        .hint(fmt::format("the file is damaged; or if it was changed on purpose, remove its global "
                          "attribute {}",
                          kDigestAttribute));
  }

  [[nodiscard]] size_t dimension(const std::string& name, size_t most) const {
    const NcDim dim = file_.getDim(name);
    if (dim.isNull()) throw refuse("dimension " + name + " is missing");
    if (dim.getSize() == 0 || dim.getSize() > most)
      throw refuse("dimension " + name + " has an impossible length")
          .found(std::to_string(dim.getSize()))
          .expected(fmt::format("1 to {}", most));
    return dim.getSize();
  }
  void fixed_dimension(const std::string& name, size_t length) const {
    const NcDim dim = file_.getDim(name);
    if (dim.isNull()) throw refuse("dimension " + name + " is missing");
    if (dim.getSize() != length)
      throw refuse("dimension " + name + " has another length")
          .found(std::to_string(dim.getSize()))
          .expected(std::to_string(length));
  }

  // A variable with these dimensions (empty: any second one) and this type.
  [[nodiscard]] NcVar variable(const std::string& name, const std::vector<std::string>& dimensions,
                               const netCDF::NcType& type) const {
    const NcVar found = file_.getVar(name);
    if (found.isNull()) throw refuse(name, "is missing");
    std::string shape, wanted;
    bool fits = static_cast<size_t>(found.getDimCount()) == dimensions.size();
    for (size_t i = 0; i < static_cast<size_t>(found.getDimCount()); ++i) {
      const std::string own = found.getDim(static_cast<int>(i)).getName();
      shape += (i > 0 ? ", " : "") + own;
      fits = fits && i < dimensions.size() && own == dimensions[i];
    }
    for (const std::string& own : dimensions) wanted += (wanted.empty() ? "" : ", ") + own;
    if (!fits)
      throw refuse(name, "has other dimensions")
          .found("(" + shape + ")")
          .expected("(" + wanted + ")");
    if (found.getType() != type)
      throw refuse(name, "has another type")
          .found(found.getType().getName())
          .expected(type.getName());
    return found;
  }

  [[nodiscard]] std::vector<std::string> texts(const std::string& name, const std::string& rows,
                                               size_t count) const {
    const NcVar found = variable(name, {rows, name + "_length"}, netCDF::ncChar);
    const size_t length = found.getDim(1).getSize();
    if (length > kMostText) throw refuse(name, "has an impossible length of text");
    std::vector<char> characters(count * length);
    found.getVar(characters.data());
    std::vector<std::string> result;
    for (size_t i = 0; i < count; ++i) {
      const char* begin = characters.data() + i * length;
      result.emplace_back(begin, std::find(begin, begin + length, '\0'));
    }
    return result;
  }

  [[nodiscard]] std::vector<float> array(const std::string& name,
                                         const std::vector<std::string>& dimensions,
                                         size_t size) const {
    std::vector<float> values(size);
    variable(name, dimensions, netCDF::ncFloat).getVar(values.data());
    return values;
  }

  void read_sites(SiteYears& table) const {
    const std::vector<std::string> name = texts("site_name", "site", sites_),
                                   region = texts("region", "site", sites_),
                                   block = texts("block", "site", sites_),
                                   source = texts("label_source", "site", sites_);
    std::vector<double> latitude(sites_), longitude(sites_);
    variable("latitude", {"site"}, netCDF::ncDouble).getVar(latitude.data());
    variable("longitude", {"site"}, netCDF::ncDouble).getVar(longitude.data());
    for (size_t s = 0; s < sites_; ++s) {
      if (name[s].empty() || region[s].empty())
        throw refuse("a site has no name or region").found(fmt::format("site {}", s + 1));
      if (!(std::abs(latitude[s]) <= 90) || !(std::abs(longitude[s]) <= 360))
        throw refuse("site " + name[s] + " has no place on Earth")
            .found(fmt::format("latitude {}, longitude {}", latitude[s], longitude[s]));
      table.sites.push_back({name[s], region[s], block[s], latitude[s], longitude[s], source[s]});
    }
  }

  void read_features(SiteYears& table) const {
    const std::vector<std::string> name = texts("feature_name", "feature", features_),
                                   unit = texts("feature_unit", "feature", features_),
                                   source = texts("feature_source", "feature", features_);
    for (size_t i = 0; i < features_; ++i) {
      if (name[i].empty()) throw refuse("a feature has no name").found(std::to_string(i + 1));
      if (std::find(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(i), name[i]) !=
          name.begin() + static_cast<std::ptrdiff_t>(i))
        throw refuse("a feature occurs twice").found(name[i]);
      table.features.push_back({name[i], unit[i], source[i]});
    }
  }

  // What is left among the variables are labels; anything else is not of this format.
  void read_labels(SiteYears& table) const {
    const std::vector<std::string> others = {
        "year",      "site_name",    "region",       "block",          "label_source", "latitude",
        "longitude", "feature_name", "feature_unit", "feature_source", "inputs"};
    for (const auto& [name, unused] : file_.getVars()) {
      static_cast<void>(unused);
      if (std::find(others.begin(), others.end(), name) != others.end()) continue;
      const Kind& kind = kind_of(name);
      std::vector<std::string> dimensions = {"site", "year"};
      if (kind.length > 1) {
        fixed_dimension(kind.time, kind.length);
        dimensions.emplace_back(kind.time);
      }
      std::vector<float> values = array(name, dimensions, sites_ * years_ * kind.length);
      check_unit(name, kind);
      (table.*kind.values)[name.substr(std::string(kind.prefix).size())] = std::move(values);
    }
  }

  void check_unit(const std::string& name, const Kind& kind) const {
    const auto attributes = file_.getVar(name).getAtts();
    const auto found = attributes.find("units");
    std::string unit;
    if (found != attributes.end() && found->second.getType() == netCDF::ncChar)
      found->second.getValues(unit);
    if (unit != kind.unit)
      throw refuse(name, "has another unit")
          .found(unit.empty() ? "none" : unit)
          .expected(kind.unit);
  }

  static const Kind& kind_of(const std::string& name) {
    for (size_t k = 1; k < kKinds.size(); ++k) {
      if (name.rfind(kKinds[k].prefix, 0) == 0) return kKinds[k];
    }
    return kKinds[0];
  }

  std::string path_;
  SafeNetcdf safe_;  // before file_, which is closed first
  NcFile file_;
  size_t sites_ = 0, years_ = 0, features_ = 0;
};

void check_sizes(const SiteYears& table) {
  const size_t site_years = table.sites.size() * table.years.size();
  const auto require = [](const std::string& what, size_t found, size_t expected) {
    if (found == expected) return;
    throw Error(Code::data, "a site-year table does not fit together")
        .found(fmt::format("{} values of {}", found, what))
        .expected(std::to_string(expected));
  };
  if (site_years == 0 || table.features.empty())
    throw Error(Code::data, "a site-year table without sites, years or features");
  require("inputs", table.inputs.size(), site_years * SiteYears::days * table.features.size());
  for (const Kind& kind : kKinds) {
    for (const auto& [name, values] : table.*kind.values)
      require(kind.prefix + name, values.size(), site_years * kind.length);
  }
}

}  // namespace

std::string digest_of(const SiteYears& table) {
  Digest digest;
  for (const SiteYears::Site& s : table.sites) {
    digest.add_text(s.name).add_text(s.region).add_text(s.block).add_text(s.source);
    digest.add_value(s.latitude).add_value(s.longitude);
  }
  for (const int year : table.years) digest.add_value(int32_t{year});
  for (const SiteYears::Feature& f : table.features)
    digest.add_text(f.name).add_text(f.unit).add_text(f.source);
  const auto add = [&digest](const std::string& name, const std::vector<float>& values) {
    digest.add_text(name).add(values.data(), values.size() * sizeof(float));
  };
  add("inputs", table.inputs);
  for (const Kind& kind : kKinds) {
    for (const auto& [name, values] : table.*kind.values) add(kind.prefix + name, values);
  }
  digest.add_value(table.synthetic);
  return digest.hex();
}

void write_site_years(const SiteYears& table, const std::string& path) {
  check_sizes(table);
  AtomicFile target(path);
  {
    const NetcdfLock lock;
    try {
      write(table, target.temporary_path());
    } catch (const netCDF::exceptions::NcException& e) {
      throw Error(Code::io, "cannot write the site-year table").file(path).found(e.what());
    }
  }
  target.commit();
}

SiteYears read_site_years(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw Error(Code::data, "there is no such site-year table").file(path).expected("a file");
  const NetcdfLock lock;
  try {
    return Reader(path).read();
  } catch (const netCDF::exceptions::NcException& e) {
    throw Error(Code::data, "cannot read this file as a site-year table")
        .file(path)
        .found(e.what())
        .hint("is the file whole? try `ncdump -h` on it");
  }
}

}  // namespace fluxtile
