// SPDX-License-Identifier: Apache-2.0
#include "geo/unit.h"

#include <udunits2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <regex>
#include <utility>

#include "base/error.h"
#include "base/system_fault.h"

namespace fluxtile {
namespace {

struct FreeUnit {
  void operator()(ut_unit* unit) const { ut_free(unit); }
};
struct FreeConverter {
  void operator()(cv_converter* converter) const { cv_free(converter); }
};
using UtUnit = std::unique_ptr<ut_unit, FreeUnit>;
using UtConverter = std::unique_ptr<cv_converter, FreeConverter>;

/// udunits2 keeps global state (its status, its message handler, the unit system): one lock for
/// all of it.
std::mutex& ut_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Call with ut_mutex held. Lives as long as the process.
ut_system* unit_system() {
  static int cause = 0;  // errno: the database is some files that are open at a time
  static ut_system* system = [] {
    ut_set_error_message_handler(ut_ignore);
    errno = 0;
    ut_system* const read = ut_read_xml(nullptr);
    cause = errno;
    return read;
  }();
  if (system == nullptr) {
    const char* const what = "the unit database of udunits2 cannot be read";
    if (file_descriptors_used_up()) cause = EMFILE;
    if (is_passing_fault(cause)) throw system_fault(Code::data, what, "udunits2.xml", cause);
    throw Error(Code::data, what)
        .hint("install the udunits2 data files or point UDUNITS2_XML_PATH at udunits2.xml");
  }
  return system;
}

/// Call with ut_mutex held; null when udunits2 does not know the text. A closing bracket without an
/// opening one is refused here: udunits2 stops reading there without a word.
UtUnit parse_ut(const std::string& text) {
  int open = 0;
  for (const char c : text) {
    open += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (open < 0) return nullptr;
  }
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 128; });
  return UtUnit(ut_parse(unit_system(), text.c_str(), ascii ? UT_ASCII : UT_UTF8));
}

/// Molar mass, g mol-1 (IUPAC 2021 abridged atomic weights: C 12.011, O 15.999, N 14.007, H 1.008),
/// and how many atoms of its element a molecule holds.
struct Species {
  const char* name;
  const char* element;
  double molar_mass;
  double atoms;
};
constexpr std::array<Species, 5> kSpecies = {{{"C", "C", 12.011, 1},
                                              {"CO2", "C", 44.009, 1},
                                              {"CH4", "C", 16.043, 1},
                                              {"N", "N", 14.007, 1},
                                              {"N2O", "N", 44.013, 2}}};

const Species* find_species(const std::string& name) {
  for (const Species& s : kSpecies)
    if (name == s.name) return &s;
  return nullptr;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Words that stand for a plain number. `year` is the model input Year, a calendar year; `pH` and
/// class codes have no unit either.
bool plain_number(const std::string& text) {
  static const std::array<const char*, 18> words = {
      "",     "-",     "1",     "none",  "unitless", "dimensionless",
      "n/a",  "na",    "year",  "years", "ph",       "class",
      "code", "codes", "index", "flag",  "fraction", "calendar year"};
  const std::string folded = lower(text);
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return folded == w; });
}

/// Spellings that udunits2 would misread: "degrees C" (degree times coulomb), "**", "µ".
std::string normalised(std::string text) {
  static const std::regex degrees(
      R"((?:\bdeg(?:ree)?s?|°)[ _]?(celsius|fahrenheit|kelvin|c|f|k)\b)", std::regex::icase);
  std::smatch m;
  if (std::regex_search(text, m, degrees)) {
    const std::string letter = lower(m[1].str()).substr(0, 1);
    text = m.prefix().str() +
           (letter == "k"   ? "K"
            : letter == "c" ? "degC"
                            : "degF") +
           m.suffix().str();
  }
  if (text == "C" || lower(text) == "celsius") return "degC";  // a quantity of charge is no input
  static const std::regex stars(R"(\*\*)"), charge(R"(mol(?:\((?:\+|c)\)|_?c(?![A-Za-z0-9])))");
  text = std::regex_replace(text, stars, "^");
  text = std::regex_replace(text, charge, "mol");  // cmol(+) kg-1, mmol(c)/kg: charge is understood
  // Signs outside ASCII: micro, superscripts, the middle dot.
  static const std::array<std::pair<const char*, const char*>, 15> signs = {{{"\u00B5", "u"},
                                                                             {"\u03BC", "u"},
                                                                             {"\u207B", "-"},
                                                                             {"\u2212", "-"},
                                                                             {"\u00B7", "."},
                                                                             {"\u2070", "0"},
                                                                             {"\u00B9", "1"},
                                                                             {"\u00B2", "2"},
                                                                             {"\u00B3", "3"},
                                                                             {"\u2074", "4"},
                                                                             {"\u2075", "5"},
                                                                             {"\u2076", "6"},
                                                                             {"\u2077", "7"},
                                                                             {"\u2078", "8"},
                                                                             {"\u2079", "9"}}};
  for (const auto& [sign, ascii] : signs)
    for (size_t at = text.find(sign); at != std::string::npos; at = text.find(sign))
      text.replace(at, std::string(sign).size(), ascii);
  return text;
}

/// Takes "/8day", "8d-1" off: a composite's sum over its interval, as MOD17 files write it.
std::string without_composite(const std::string& text) {
  static const std::regex divided(R"(\s*/\s*\(?(?:8|16)[ -]?d(?:ays?)?\)?(?![A-Za-z0-9]))");
  static const std::regex power(R"(\s*\(?\b(?:8|16)[ -]?d(?:ays?)?\)?\^?-1(?!\d))");
  return std::regex_replace(std::regex_replace(text, divided, ""), power, "");
}

/// Takes the species out of "kg CO2 m-2", "gC m-2", "umol(CO2)", "g N2O-N ha-1"; empty if none.
std::string take_species(std::string& text) {
  // A mass or an amount, then the species, joined or apart. What follows must not be part of a word
  // or an exponent of the species itself.
  static const std::string mass = R"((^|[^A-Za-z0-9])((?:da|[yzafpnumcdhkMGTPEZY])?(?:g|mol|t)))";
  static const std::string species_name = "(CO2|CH4|N2O|C|N)(?:-([CN]))?";
  static const std::string stop = "(?![A-Za-z0-9^])";
  static const std::regex joined(mass + "[ _.]?" + species_name + stop);
  static const std::regex bracketed(mass + R"( ?\()" + species_name + R"(\))" + stop);
  static const std::regex named(
      R"((^|[^A-Za-z0-9])((?:kilo|milli|micro|mega)?(?:grams?|moles?|tonnes?))[ _](?:of )?)" +
      species_name + stop);
  for (const std::regex* form : {&joined, &bracketed, &named}) {
    std::smatch m;
    if (!std::regex_search(text, m, *form)) continue;
    const std::string species = m[4].matched ? m[4].str() : m[3].str();
    text = m.prefix().str() + m[1].str() + m[2].str() + m.suffix().str();
    return species;
  }
  return "";
}

/// Throws for years and months, which udunits2 takes as 365.2422 and 30.4369 days.
void refuse_calendar_lengths(const std::string& text, const std::string& whole) {
  static const std::regex words(
      R"((?:^|[^A-Za-z])(years?|yrs?|annum|months?|mon|a(?=\^?-\d)|[A-Za-z]+_years?|lunar_months?)(?![A-Za-z]))");
  std::smatch m;
  if (std::regex_search(text, m, words))
    throw Error(Code::data, "a unit per " + m[1].str() + " has no fixed number of days")
        .found("'" + whole + "'")
        .expected("calendar days (d), for example gC m-2 d-1, or a sum without time (gC m-2)")
        .hint("set `unit` and `scale` on this input so that its values are per day or a sum");
}

/// Digits beyond the fifteenth are udunits2's rounding.
double rounded15(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return std::strtod(text.data(), nullptr);
}

Error clash(const Unit& from, const Unit& to, const std::string& why) {
  return Error(Code::data, why)
      .found("'" + from.text + "'")
      .expected("a unit that converts to '" + to.text + "'")
      .hint("set `unit` on this input to what the file really holds");
}

/// value_to = value_from * factor + offset between two udunits2 units; false if they do not
/// convert. Call with ut_mutex held.
bool linear(ut_unit* from, ut_unit* to, UnitConversion& out) {
  if (ut_are_convertible(from, to) == 0) return false;
  const UtConverter converter(ut_get_converter(from, to));
  if (!converter) return false;
  const double reach = 1073741824.0;  // 2^30: far enough that an offset costs the factor no digits
  out.offset = cv_convert_double(converter.get(), 0.0);
  out.factor = rounded15((cv_convert_double(converter.get(), reach) - out.offset) / reach);
  out.offset = rounded15(out.offset);
  return true;
}

/// Product of two units, or null. Call with ut_mutex held.
UtUnit times(ut_unit* unit, const char* factor) {
  const UtUnit other = parse_ut(factor);
  return UtUnit(other ? ut_multiply(unit, other.get()) : nullptr);
}

}  // namespace

Unit parse_unit(const std::string& text) {
  Unit unit;
  constexpr size_t longest = 200;
  if (text.size() > longest)
    throw Error(Code::data, "unknown unit")
        .found("a text of " + std::to_string(text.size()) + " bytes")
        .expected("a unit udunits2 knows, like gC m-2 d-1");
  unit.text = trimmed(text);
  if (plain_number(unit.text)) {
    unit.udunits = "1";
    return unit;
  }
  std::string rest = without_composite(normalised(unit.text));
  unit.species = take_species(rest);
  rest = trimmed(rest);
  refuse_calendar_lengths(rest, unit.text);
  const std::lock_guard<std::mutex> lock(ut_mutex());
  if (!parse_ut(rest))
    throw Error(Code::data, "unknown unit")
        .found("'" + unit.text + "'")
        .expected("a unit udunits2 knows, like gC m-2 d-1, mm d-1, degC, W m-2, kPa, m3 m-3");
  unit.udunits = rest;
  return unit;
}

UnitConversion convert_unit(const Unit& from, const Unit& to, bool difference) {
  const std::string from_species = from.species.empty() ? to.species : from.species;
  const std::string to_species = to.species.empty() && (from.species == "C" || from.species == "N")
                                     ? from.species
                                     : to.species;
  const Species* source = find_species(from_species);
  const Species* target = find_species(to_species);
  if ((source == nullptr) != (target == nullptr) ||
      (source != nullptr && std::string(source->element) != target->element))
    throw clash(from, to,
                "'" + from.text + "' and '" + to.text + "' speak of different substances");

  const std::lock_guard<std::mutex> lock(ut_mutex());
  const UtUnit a = parse_ut(from.udunits), b = parse_ut(to.udunits);
  if (!a || !b) throw clash(from, to, "unknown unit");
  UnitConversion out;
  bool found = linear(a.get(), b.get(), out);
  if (found && source != nullptr) {
    // Masses of different molecules: by the mass that holds the same atoms. Amounts: by the atoms.
    const bool amounts = from.udunits.find("mol") != std::string::npos &&
                         to.udunits.find("mol") != std::string::npos;
    out.factor *= amounts
                      ? source->atoms / target->atoms
                      : (target->molar_mass / target->atoms) / (source->molar_mass / source->atoms);
  } else if (!found && source != nullptr) {
    // An amount against a mass.
    const UtUnit as_mass = times(a.get(), "g mol-1");
    const UtUnit as_amount = times(a.get(), "mol g-1");
    if (as_mass && linear(as_mass.get(), b.get(), out)) {
      out.factor *= source->atoms * target->molar_mass / target->atoms;
      found = true;
    } else if (as_amount && linear(as_amount.get(), b.get(), out)) {
      out.factor *= source->atoms / (target->atoms * source->molar_mass);
      found = true;
    }
  } else if (!found) {
    // Liquid water: 1 kg m-2 is 1 mm.
    const UtUnit depth = times(a.get(), "m3 (1000 kg)-1");
    const UtUnit mass = times(a.get(), "1000 kg m-3");
    for (const char* height : {"mm", "mm d-1"}) {
      const UtUnit reference = parse_ut(height);
      if (found) break;
      if (depth && ut_are_convertible(depth.get(), reference.get()) != 0)
        found = linear(depth.get(), b.get(), out);
      else if (mass && ut_are_convertible(a.get(), reference.get()) != 0)
        found = linear(mass.get(), b.get(), out);
    }
  }
  if (!found) throw clash(from, to, "'" + from.text + "' does not convert to '" + to.text + "'");
  out.factor = rounded15(out.factor);
  if (difference) out.offset = 0;
  return out;
}

Unit per_day(const Unit& unit) {
  Unit rate = unit;
  rate.text += " d-1";
  rate.udunits = unit.udunits == "1" ? "d-1" : "(" + unit.udunits + ") d-1";
  return rate;
}

bool is_interval_sum(const Unit& unit, const Unit& rate) {
  try {
    convert_unit(per_day(unit), rate);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace fluxtile
