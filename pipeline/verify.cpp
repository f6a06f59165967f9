// SPDX-License-Identifier: Apache-2.0
#include "pipeline/verify.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "base/digest.h"
#include "base/limited_file.h"
#include "base/stop.h"
#include "geo/netcdf_source.h"
#include "geo/raster_source.h"
#include "pipeline/product_replacement.h"
#include "pipeline/verbs.h"

namespace fluxtile {
namespace fs = std::filesystem;
namespace {

constexpr int kLooks = 3;
constexpr size_t kLargest = size_t{256} << 20;  // bytes of run.json or of a STAC item

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

/// FLUXTILE_RESULT as the file itself tells it; empty where it tells none or cannot be read.
std::string result_of(const std::string& path) {
  const auto read = attempt([&]() -> std::string {
    if (ends_with(path, ".tif")) {
      const auto metadata = read_raster_info(path).metadata;
      const auto found = metadata.find("FLUXTILE_RESULT");
      return found == metadata.end() ? "" : found->second;
    }
    if (ends_with(path, ".nc")) {
      const auto attributes = read_netcdf_info(path).attributes;
      const auto found = attributes.find("FLUXTILE_RESULT");
      return found == attributes.end() ? "" : found->second;
    }
    if (ends_with(path, ".stac.json")) {
      const auto item = nlohmann::json::parse(read_file_up_to(path, kLargest), nullptr, false);
      return item.at("properties").at("fluxtile:result").get<std::string>();
    }
    return "";
  });
  return read.ok() ? read.value() : "";
}

class Comparison {
 public:
  Comparison(std::string directory, Verification& found)
      : directory_(std::move(directory)), found_(found) {}

  void compare() {
    const RunRecord& record = found_.record;
    if (record.products.empty()) problem("run.json lists no products");
    for (const auto& product : record.products) {
      Stop::throw_if_requested();
      if (!is_product_name(product.name)) {
        problem("run.json lists `" + product.name + "`, which is no name of a product");
      } else if (!listed_.insert(product.name).second) {
        problem("run.json lists " + product.name + " twice");
      } else {
        compare_product(product);
      }
    }
    look_around();
    const auto touched = interrupted_replacement(directory_);
    found_.interrupted = !touched.empty();
    if (found_.interrupted) {
      problem("replacing the products was begun and not ended: they may be of two runs");
    } else if (found_.of_another_run > 0) {
      problem("products of two runs are mixed: " + std::to_string(found_.of_another_run) + " of " +
              std::to_string(record.products.size()) + " are not of the run of run.json");
    }
  }

 private:
  void problem(std::string text) { found_.problems.push_back(std::move(text)); }

  void compare_product(const ProductRecord& product) {
    const std::string path = directory_ + "/" + product.name;
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) {
      const bool link = fs::is_symlink(fs::symlink_status(path, error));
      problem(product.name + (link ? " is a link to a file that is missing" : " is missing"));
      return;
    }
    if (!fs::is_regular_file(status)) {
      problem(product.name + " is not a file");
      return;
    }
    const auto size = fs::file_size(path, error);
    std::string wrong;
    if (size != product.size) {
      wrong =
          " has " + std::to_string(size) + " bytes, run.json says " + std::to_string(product.size);
    } else {
      const auto sum = attempt([&] { return sha256_file(path); });
      if (!sum.ok()) {
        problem(product.name + " cannot be read: " + sum.error().message());
        return;
      }
      if (sum.value() != product.sha256)
        wrong = " is not the file that run.json lists (SHA-256 differs)";
    }
    const std::string result = result_of(path), expected = expected_result(product, result);
    if (!result.empty() && result != expected) {
      ++found_.of_another_run;
      problem(product.name + " is of another run: its FLUXTILE_RESULT is " + result +
              ", run.json says " + expected);
    } else if (!wrong.empty()) {
      problem(product.name + wrong +
              (result.empty() ? ""
                              : "; FLUXTILE_RESULT agrees, so it was damaged or written with "
                                "other options"));
    }
  }

  /// What run.json says of the product's region; an old run.json knows the regions' results alone.
  [[nodiscard]] std::string expected_result(const ProductRecord& product,
                                            const std::string& result) const {
    if (!product.result.empty()) return product.result;
    std::string all;
    for (const auto& [region, expected] : found_.record.results) {
      if (expected == result) return expected;
      all += (all.empty() ? "" : " or ") + expected;
    }
    return all;
  }

  /// Files that run.json does not list and that one would take for products.
  void look_around() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    const std::string stem = found_.record.name + "_";
    for (const std::string& name : names) {
      if (listed_.count(name) > 0 || name == "run.json") continue;
      if (name.front() == '.' && ends_with(name, ".part")) {
        problem(name + " is a leftover of an interrupted write");
        continue;
      }
      const bool ours = name.rfind(stem, 0) == 0 &&
                        (ends_with(name, ".qml") || ends_with(name, ".png") ||
                         ends_with(name, "_summary.csv") || ends_with(name, ".stac.json"));
      if (ours || ends_with(name, ".tif") || ends_with(name, ".nc"))
        problem(name + " does not belong to this run");
    }
  }

  std::string directory_;
  Verification& found_;
  std::set<std::string> listed_;
};

}  // namespace

Verification verify_products(const std::string& directory) {
  const std::string path = directory + "/run.json";
  for (int look = 1;; ++look) {
    std::error_code error;
    if (!fs::exists(path, error)) {
      const bool any = !interrupted_replacement(directory).empty();
      throw Error(Code::data, any ? "there is no run.json: a run was stopped before it was written"
                                  : "there is no run.json")
          .file(path)
          .hint("`verify` checks a finished run's outputs.directory");
    }
    const std::string text = read_file_up_to(path, kLargest);
    const auto record = parse_run_record(text);
    if (!record) {
      throw Error(Code::data, "run.json is damaged or not fluxtile's")
          .file(path)
          .hint("run `fluxtile merge CONFIG` (or `run`) to write products and run.json again");
    }
    Verification found;
    found.record = *record;
    Comparison(directory, found).compare();
    const auto again = attempt([&] { return read_file_up_to(path, kLargest); });
    if (look < kLooks && (!again.ok() || again.value() != text)) continue;
    if (!found.problems.empty()) {
      found.owner = RunLock::holder(lock_folder(directory));
      if (found.owner && found.owner->fate == Fate::gone) found.owner.reset();
    }
    return found;
  }
}

int verify_verb(const std::string& directory, bool json, std::ostream& out) {
  const Verification found = verify_products(directory);
  const auto& problems = found.problems;
  if (json) {
    nlohmann::ordered_json result = {{"ok", problems.empty()},
                                     {"products", found.record.products.size()}};
    result["results"] = found.record.results;
    result["problems"] = problems;
    result["of_another_run"] = found.of_another_run;
    result["interrupted"] = found.interrupted;
    result["owner"] =
        found.owner ? nlohmann::ordered_json(found.owner->text()) : nlohmann::ordered_json(nullptr);
    out << result.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else if (problems.empty()) {
    out << found.record.products.size() << " products belong together and are whole\n";
  } else {
    for (const auto& problem : problems) out << problem << "\n";
  }
  if (problems.empty()) return 0;
  if (found.owner) {
    throw Error(Code::interrupted, "the products are being replaced at this moment")
        .file(directory)
        .found(found.owner->text() + "; " + problems.back())
        .hint("verify again when it is done");
  }
  throw Error(Code::data, std::to_string(problems.size()) + " problems with the products")
      .file(directory)
      .found(found.interrupted || found.of_another_run > 0 ? problems.back() : problems.front())
      .hint("run `fluxtile merge CONFIG` (or `run`) to write them again");
}

}  // namespace fluxtile
