// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file_name.h"
#include "base/limited_file.h"
#include "pipeline/run_record.h"

namespace fluxtile {
namespace fs = std::filesystem;

std::optional<RunRecord> parse_run_record(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("products")) return std::nullopt;
  const auto record = attempt([&] {
    RunRecord r;
    r.name = json.value("name", "");
    r.product_key = json.value("product_key", "");
    r.plan = json.value("plan", "");
    for (const auto& product : json.at("products")) {
      r.products.push_back({product.at("file").get<std::string>(),
                            product.at("sha256").get<std::string>(),
                            product.at("bytes").get<uint64_t>(), product.value("result", ""),
                            product.value("mtime_ns", int64_t{0})});
    }
    for (const auto& region : json.at("regions")) {
      r.results[region.at("name").get<std::string>()] = region.at("result").get<std::string>();
    }
    return r;
  });
  if (!record.ok()) return std::nullopt;
  return record.value();
}

std::optional<RunRecord> read_run_record(const std::string& directory) {
  const std::string path = directory + "/run.json";
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  if (!fs::is_regular_file(path, error)) {
    throw Error(Code::data, "run.json is not a file")
        .file(path)
        .hint("remove it; the next run writes it anew");
  }
  constexpr size_t largest = size_t{256} << 20;
  auto record = parse_run_record(read_file_up_to(path, largest));
  if (!record) return std::nullopt;
  for (const auto& product : record->products)  // whoever follows the list stays in the folder
    if (!is_file_name(product.name)) return std::nullopt;
  return record;
}

}  // namespace fluxtile
