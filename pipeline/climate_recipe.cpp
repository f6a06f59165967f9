// SPDX-License-Identifier: Apache-2.0
#include "pipeline/climate_recipe.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/nearest_name.h"
#include "pipeline/config_schema.h"

namespace fluxtile {
namespace {

namespace fs = std::filesystem;
constexpr int recipe_format = 1;

ClimateTerm read_term(const YamlWalker& where) {
  struct Form {
    const char* key;
    ClimateTerm::Kind kind;
    size_t sources;
  };
  static const Form forms[] = {
      {"variable", ClimateTerm::Kind::variable, 1},
      {"difference", ClimateTerm::Kind::difference, 2},
      {"vapour_pressure_max", ClimateTerm::Kind::vapour_pressure_max, 4},
      {"vapour_pressure_difference", ClimateTerm::Kind::vapour_pressure_difference, 4}};
  ClimateTerm term;
  std::string given;
  for (const auto& form : forms) {
    const auto value = where.find(form.key);
    if (!value) continue;
    if (!given.empty()) {
      throw where.error("`" + where.path() + "` is formed in two ways")
          .found("`" + given + "` and `" + form.key + "`")
          .expected("one of variable, difference, vapour_pressure_max, vapour_pressure_difference");
    }
    given = form.key;
    term.kind = form.kind;
    for (const auto& source : value->items()) term.sources.push_back(source.text());
    if (term.sources.size() != form.sources) {
      throw value->error("`" + value->path() + "` needs other sources")
          .found(std::to_string(term.sources.size()) + " source variables")
          .expected(form.sources == 2 ? "two: [minuend, subtrahend]"
                                      : "four: [Tmax, Tmin, RHmax, RHmin]");
    }
  }
  if (given.empty()) {
    throw where.error("`" + where.path() + "` does not say how it is formed")
        .expected("one of variable, difference, vapour_pressure_max, vapour_pressure_difference");
  }
  term.unit = where.at("unit").text();
  return term;
}

std::map<std::string, ClimateTerm> read_terms(const YamlWalker& where) {
  std::map<std::string, ClimateTerm> terms;
  for (const auto& entry : where.items()) terms[entry.name()] = read_term(entry);
  if (terms.empty())
    throw where.error("`" + where.path() + "` names no input").expected("at least one input");
  return terms;
}

ClimateVariable read_variable(const YamlWalker& where) {
  ClimateVariable variable;
  if (const auto name = where.find("variable")) variable.variable = name->text();
  if (const auto unit = where.find("unit")) variable.unit = unit->text();
  if (const auto words = where.find("match")) {
    for (const auto& word : words->items()) variable.match.push_back(word.text());
  }
  if (variable.variable.empty() && variable.match.empty()) variable.variable = where.name();
  return variable;
}

ClimateRecipe read_recipe_file(const std::string& path) {
  const YamlNode root = read_yaml(path);
  check_schema(root, recipe_schema(), path);
  const YamlWalker document(root, recipe_schema(), path);
  const YamlWalker version = document.at("fluxtile-recipe");
  if (version.whole(1, 1000000) > recipe_format) {
    throw version.error("the recipe is written for a newer fluxtile")
        .expected("fluxtile-recipe: " + std::to_string(recipe_format));
  }
  ClimateRecipe recipe;
  if (const auto variables = document.find("variables")) {
    for (const auto& entry : variables->items()) {
      recipe.variables[entry.name()] = read_variable(entry);
    }
  }
  const YamlWalker inputs = document.at("inputs");
  recipe.terms = read_terms(inputs);
  std::vector<std::string> known;
  for (const auto& [name, variable] : recipe.variables) known.push_back(name);
  for (const auto& [input, term] : recipe.terms) {
    for (const auto& source : term.sources) {
      if (recipe.variables.count(source) != 0) continue;
      throw inputs.at(input)
          .error("`" + input + "` is formed from an unknown source variable")
          .found("`" + source + "`")
          .expected("a name under `variables`")
          .hint(suggestion(source, known));
    }
  }
  return recipe;
}

std::vector<std::string> recipe_names(const std::vector<std::string>& directories) {
  std::vector<std::string> names;
  for (const auto& directory : directories) {
    std::error_code missing;
    for (const auto& file : fs::directory_iterator(directory, missing)) {
      if (file.path().extension() == ".yaml") names.push_back(file.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

ClimateRecipe recipe_in_place(const YamlWalker& terms) {
  ClimateRecipe recipe;
  recipe.terms = read_terms(terms);
  for (const auto& [input, term] : recipe.terms) {
    for (const auto& source : term.sources) recipe.variables[source].variable = source;
  }
  return recipe;
}

ClimateRecipe named_recipe(const YamlWalker& where, const std::vector<std::string>& directories) {
  const std::string& name = where.text();
  const bool is_name = name.find('/') == std::string::npos && name.front() != '.';
  for (const auto& directory : directories) {
    const fs::path path = fs::path(directory) / (name + ".yaml");
    std::error_code missing;
    if (is_name && fs::is_regular_file(path, missing)) return read_recipe_file(path.string());
  }
  std::string searched;
  for (const auto& directory : directories) searched += (searched.empty() ? "" : ", ") + directory;
  throw where.error("no climate recipe named `" + name + "`")
      .expected(searched.empty() ? "a recipe in place"
                                 : "a file " + name + ".yaml in one of: " + searched)
      .hint(suggestion(name, recipe_names(directories)));
}

bool contains_word(const std::string& text, const std::string& word) {
  const auto lower = [](std::string t) {
    for (char& c : t) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return t;
  };
  const auto inside = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const std::string in = lower(text), wanted = lower(word);
  if (wanted.empty()) return false;
  for (size_t at = in.find(wanted); at != std::string::npos; at = in.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    if ((at == 0 || !inside(in[at - 1])) && (end == in.size() || !inside(in[end]))) return true;
  }
  return false;
}

}  // namespace fluxtile
