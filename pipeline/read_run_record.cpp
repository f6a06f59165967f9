// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file_name.h"
#include "base/limited_file.h"
#include "pipeline/run_record.h"

namespace fluxtile {
namespace fs = std::filesystem;

std::optional<RunRecord> read_run_record(const std::string& directory) {
  const std::string path = directory + "/run.json";
  if (!fs::exists(path)) return std::nullopt;
  constexpr size_t largest = size_t{256} << 20;
  const auto json = nlohmann::ordered_json::parse(read_file_up_to(path, largest), nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("products")) return std::nullopt;
  const auto record = attempt([&] {
    RunRecord r;
    r.name = json.value("name", "");
    r.product_key = json.value("product_key", "");
    for (const auto& product : json.at("products")) {
      // Whoever follows the list stays in the folder.
      if (!is_file_name(product.at("file").get<std::string>()))
        throw Error(Code::data, "a product is no file of the folder");
      r.products.push_back({product.at("file").get<std::string>(),
                            product.at("sha256").get<std::string>(),
                            product.at("bytes").get<uint64_t>()});
    }
    for (const auto& region : json.at("regions")) {
      r.results[region.at("name").get<std::string>()] = region.at("result").get<std::string>();
    }
    return r;
  });
  if (!record.ok()) return std::nullopt;
  return record.value();
}

}  // namespace fluxtile
