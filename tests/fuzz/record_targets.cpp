// SPDX-License-Identifier: Apache-2.0
// Safetensors, what a tile leaves behind, plans, run.json.
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/digest.h"
#include "model/safetensors.h"
#include "pipeline/plan.h"
#include "pipeline/run_record.h"
#include "stages/aligned_inputs.h"
#include "stages/write_tile.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace fluxtile::fuzz {
namespace {

const std::vector<CellIndex>& cells() {
  static const std::vector<CellIndex> list = {{-7, 40}, {-6, 40}, {-5, 41}};
  return list;
}

TileYear small_year(bool daily) {
  TileYear year;
  year.unit = {0, {-7, 40, 4, 4}, static_cast<int64_t>(cells().size())};
  year.step = {2018, false, 3, false};
  year.variables = {"ra"};
  year.annual_variables = {"yield"};
  year.cells = cells();
  year.month_days = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  year.result_key = "key";
  year.chain = "chain";
  year.stamp = "stamp";
  year.month_chains = {"chain"};
  year.daily = daily;
  const size_t n = year.cells.size();
  TileYearMember member;
  member.weight.assign(n, 1);
  member.result.monthly.assign(12 * n, 2);
  member.result.annual.assign(n, 3);
  member.result.flags.assign(12 * n, 4);
  if (daily) member.result.daily.assign(3 * n, 5);
  year.members.push_back(member);
  return year;
}

std::string without_trailer(std::string bytes) {
  bytes.resize(bytes.size() - sizeof(uint64_t));
  return bytes;
}

}  // namespace

void tensors(std::string_view bytes) {
  expect_handled([&] {
    const Safetensors file = parse_safetensors(bytes, "untrusted");
    // What was understood can be written, and is understood again.
    const std::string again = format_safetensors(file.tensors, file.metadata);
    const Safetensors back = parse_safetensors(again, "written");
    if (back.metadata != file.metadata || back.tensors.size() != file.tensors.size())
      throw std::logic_error("written and read differ");
    for (const auto& [name, tensor] : file.tensors) {
      if (back.tensors.at(name).shape != tensor.shape ||
          back.tensors.at(name).bytes != tensor.bytes)
        throw std::logic_error("a tensor that was written and read differs");
    }
  });
}

std::vector<std::string> tensor_seeds() {
  const Tensors some = {{"a", Tensor::of(DType::F32, {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})},
                        {"b.weight", Tensor::of(DType::I64, {1}, std::vector<int64_t>{-1})},
                        {"c", Tensor::of(DType::U8, {3}, std::vector<uint8_t>{1, 2, 3})},
                        {"d", Tensor::of(DType::F64, {0, 7}, std::vector<double>{})},
                        {"e", Tensor::of(DType::U16, {2}, std::vector<uint16_t>{8, 9})}};
  return {format_safetensors(some, {{"format", "pt"}, {"note", "\xC3\xA9"}}),
          format_safetensors({}, {}), "PK\x03\x04 no safetensors"};
}

/// The bytes of a tile-year, a state or the inputs of one, to which a trailer that fits is added.
void tile_files(std::string_view bytes) {
  std::string sealed(bytes);
  const uint64_t sum = xxh3_64(sealed.data(), sealed.size());
  sealed.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  expect_handled([&] {
    const auto year = parse_tile_year(sealed, "untrusted");
    if (!year) return;
    (void)cell_digest(*year);
    const auto again = parse_tile_year(format_tile_year(*year), "written");
    if (!again || again->cells.size() != year->cells.size())
      throw std::logic_error("a tile-year that was written and read differs");
  });
  expect_handled([&] { (void)parse_tile_state(sealed, "untrusted", cells(), "key"); });
  expect_handled([&] {
    const auto inputs = parse_aligned_inputs(sealed, "untrusted", small_year(false).unit, "key");
    if (!inputs) return;
    const std::string again =
        format_aligned_inputs({inputs->statics_key, inputs->statics, inputs->composite_keys,
                               inputs->below_zero, inputs->composites},
                              "key");
    if (!parse_aligned_inputs(again, "written", inputs->statics.unit, "key"))
      throw std::logic_error("inputs that were written are not read");
  });
}

std::vector<std::string> tile_file_seeds() {
  TileState state;
  state.chain = "chain";
  state.stamp = "stamp";
  state.day = 200;
  state.members = {{std::vector<float>(cells().size() * 2, 0.5F)}};
  TileStatics tile;
  tile.unit = small_year(false).unit;
  tile.cells = cells();
  tile.static_names = {"pH"};
  tile.statics = {6, 7, 8};
  tile.crops = {{2018, true, {1, 5, 1}, {}}};
  const std::vector<int64_t> below_zero = {0, 1};
  const std::vector<float> composites(2 * cells().size(), 0.5F);
  return {without_trailer(
              format_aligned_inputs({"statics", tile, {"a", "b"}, below_zero, composites}, "key")),
          without_trailer(format_tile_year(small_year(true))),
          without_trailer(format_tile_year(small_year(false))),
          without_trailer(format_tile_state(state, cells(), "key"))};
}

/// A plan as it is, and with a checksum that fits.
void plan(std::string_view bytes) {
  expect_handled([&] { (void)plan_from_json(std::string(bytes), "untrusted"); });
  auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return;
  json.erase("checksum");
  const auto replace = nlohmann::json::error_handler_t::replace;
  const std::string sum = Digest().add_text(json.dump(-1, ' ', false, replace)).hex();
  json["checksum"] = sum;
  expect_handled([&] {
    const Plan read = plan_from_json(json.dump(-1, ' ', false, replace), "untrusted");
    (void)plan_from_json(plan_to_json(read), "written");
  });
}

std::vector<std::string> plan_seeds() {
  Plan plan;
  plan.id = "0123";
  plan.name = "iowa";
  plan.lattice = {"EPSG:5070", 250, 0, 0};
  PlanRegion region;
  region.name = "I A";
  region.file_name = "I%20A";
  region.window = {10, -20, 30, 40};
  region.cells = 1200;
  region.members = {{"global", 0, -1, 1.0}};
  region.variables = {"ra", "nee"};
  plan.regions = {region};
  plan.units = {{0, {10, -20, 30, 40}, 1200}};
  plan.steps = {{2018, false, 365, true}};
  plan.step_stamps = {"a"};
  plan.packages = {"models/global"};
  plan.package_names = {"global"};
  plan.package_digests = {"d"};
  plan.start = {2018, 1, 1};
  plan.end = {2018, 12, 31};
  plan.files = {{"gpp.tif", 100, 5}};
  plan.warnings = {"one"};
  return {plan_to_json(plan), plan_to_json(Plan()), "{\"format\": 99}"};
}

void run_record(std::string_view bytes) {
  static const ScratchFolder folder;
  std::ofstream(folder.path("run.json"), std::ios::binary) << bytes;
  expect_handled([&] {
    const auto record = read_run_record(folder.path(""));
    if (!record) return;
    for (const auto& product : record->products) {
      if (product.name.find('/') != std::string::npos || product.name == "..")
        throw std::logic_error("a product outside the folder");
    }
  });
}

std::vector<std::string> run_record_seeds() {
  return {
      R"({"format": 1, "name": "iowa", "product_key": "k", "regions": [{"name": "IA", "result": "r"}],
 "products": [{"file": "iowa_IA_nee_annual.tif", "bytes": 12, "sha256": "00"}]})",
      R"({"name": 3, "products": [{"file": "../x", "bytes": -1, "sha256": ""}], "regions": {}})",
      "[]"};
}

}  // namespace fluxtile::fuzz
