// SPDX-License-Identifier: Apache-2.0
#include "stages/write_tile.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "geo/sound_window.h"
#include "stages/kept_states.h"
#include "stages/sealed_tensors.h"

namespace fluxtile {
namespace {

using nlohmann::json;

constexpr const char* kYearKind = "fluxtile-tile-year";
constexpr const char* kStateKind = "fluxtile-state";

SealedTensors sealed_year(const TileYear& year, const std::vector<int64_t>& cells) {
  const auto n = static_cast<int64_t>(year.cells.size());
  const auto variables = static_cast<int64_t>(year.variables.size());
  const auto annuals = static_cast<int64_t>(year.annual_variables.size());
  TensorViews tensors;
  tensors["cells"] = cells_tensor(cells);
  tensors["month_days"] = TensorView::of(DType::U8, {12}, year.month_days);
  for (size_t m = 0; m < year.members.size(); ++m) {
    const std::string prefix = "member" + std::to_string(m) + ".";
    const MemberYear& result = year.members[m].result;
    tensors[prefix + "weight"] = TensorView::of(DType::F32, {n}, year.members[m].weight);
    tensors[prefix + "monthly"] = TensorView::of(DType::F32, {variables, 12, n}, result.monthly);
    tensors[prefix + "annual"] = TensorView::of(DType::F32, {annuals, n}, result.annual);
    tensors[prefix + "flags"] = TensorView::of(DType::U16, {12, n}, result.flags);
    if (year.daily)
      tensors[prefix + "daily"] =
          TensorView::of(DType::F32, {variables, year.step.days, n}, result.daily);
  }
  Metadata metadata;
  metadata["format"] = tile_file_format(kYearKind);
  metadata["result_key"] = year.result_key;
  metadata["chain"] = year.chain;
  metadata["month_chains"] = json(year.month_chains).dump();
  metadata["stamp"] = year.stamp;
  metadata["year"] = std::to_string(year.step.year);
  metadata["days"] = std::to_string(year.step.days);
  metadata["complete"] = year.step.complete ? "1" : "0";
  metadata["members"] = std::to_string(year.members.size());
  metadata["daily"] = year.daily ? "1" : "0";
  metadata["variables"] = json(year.variables).dump();
  metadata["annual_variables"] = json(year.annual_variables).dump();
  metadata["window"] = json({year.unit.window.column, year.unit.window.row, year.unit.window.width,
                             year.unit.window.height})
                           .dump();
  metadata["region"] = std::to_string(year.unit.region);
  metadata["region_name"] = year.region_name;
  return {tensors, metadata};
}

SealedTensors sealed_state(const TileState& state, const std::vector<int64_t>& cells,
                           const std::string& result_key) {
  TensorViews tensors;
  tensors["cells"] = cells_tensor(cells);
  for (size_t m = 0; m < state.members.size(); ++m) {
    const auto& values = state.members[m].values;
    const auto n = static_cast<int64_t>(cells.size() / 2);
    tensors["member" + std::to_string(m)] = TensorView::of(
        DType::F32, {n, n == 0 ? 0 : static_cast<int64_t>(values.size()) / n}, values);
  }
  Metadata metadata;
  metadata["format"] = tile_file_format(kStateKind);
  metadata["result_key"] = result_key;
  metadata["chain"] = state.chain;
  metadata["day"] = std::to_string(state.day);
  metadata["stamp"] = state.stamp;
  metadata["members"] = std::to_string(state.members.size());
  return {tensors, metadata};
}

}  // namespace

std::string format_tile_year(const TileYear& year) {
  const auto flat = flat_cells(year.cells);
  return sealed_year(year, flat).bytes();
}

std::optional<TileYear> parse_tile_year(const std::string& bytes, const std::string& path) {
  const auto opened = open_sealed(bytes, kYearKind, path);
  if (!opened) return std::nullopt;
  const SafetensorsViews& file = *opened;
  return tolerant([&]() -> std::optional<TileYear> {
    const auto& meta = file.metadata;
    TileYear year;
    year.result_key = meta.at("result_key");
    year.chain = meta.at("chain");
    year.stamp = meta.at("stamp");
    year.month_chains = json::parse(meta.at("month_chains")).get<std::vector<std::string>>();
    year.variables = json::parse(meta.at("variables")).get<std::vector<std::string>>();
    year.annual_variables =
        json::parse(meta.at("annual_variables")).get<std::vector<std::string>>();
    const auto window = json::parse(meta.at("window")).get<std::vector<int64_t>>();
    year.unit.window = {window.at(0), window.at(1), window.at(2), window.at(3)};
    year.unit.region = static_cast<size_t>(std::atoll(meta.at("region").c_str()));
    year.region_name = meta.at("region_name");
    year.step = {std::atoi(meta.at("year").c_str()), false, std::atoi(meta.at("days").c_str()),
                 meta.at("complete") == "1"};
    year.daily = meta.at("daily") == "1";
    // What others compute with: a year's days, and cells of its own window.
    const CellWindow& box = year.unit.window;
    if (year.step.days < 0 || year.step.days > 366 || !is_sound(box)) return std::nullopt;
    year.cells = cells_of(file.tensors.at("cells"));
    for (const CellIndex& cell : year.cells)
      if (!box.contains(cell)) return std::nullopt;
    year.month_days = values_of<uint8_t>(file, "month_days", 12);
    const size_t n = year.cells.size();
    const auto members = static_cast<size_t>(std::atoll(meta.at("members").c_str()));
    for (size_t m = 0; m < members; ++m) {
      const std::string prefix = "member" + std::to_string(m) + ".";
      TileYearMember member;
      member.weight = values_of<float>(file, prefix + "weight", n);
      member.result.monthly =
          values_of<float>(file, prefix + "monthly", year.variables.size() * 12 * n);
      member.result.annual =
          values_of<float>(file, prefix + "annual", year.annual_variables.size() * n);
      member.result.flags = values_of<uint16_t>(file, prefix + "flags", 12 * n);
      if (year.daily) {
        member.result.daily =
            values_of<float>(file, prefix + "daily",
                             year.variables.size() * static_cast<size_t>(year.step.days) * n);
      }
      year.members.push_back(std::move(member));
    }
    return year;
  });
}

std::string format_tile_state(const TileState& state, const std::vector<CellIndex>& cells,
                              const std::string& result_key) {
  const auto flat = flat_cells(cells);
  return sealed_state(state, flat, result_key).bytes();
}

std::optional<TileState> parse_tile_state(const std::string& bytes, const std::string& path,
                                          const std::vector<CellIndex>& cells,
                                          const std::string& result_key) {
  const auto opened = open_sealed(bytes, kStateKind, path);
  if (!opened) return std::nullopt;
  const SafetensorsViews& file = *opened;
  return tolerant([&]() -> std::optional<TileState> {
    if (file.metadata.at("result_key") != result_key) return std::nullopt;
    if (!(cells_of(file.tensors.at("cells")) == cells)) return std::nullopt;
    TileState state;
    state.chain = file.metadata.at("chain");
    state.day = static_cast<size_t>(std::atoll(file.metadata.at("day").c_str()));
    state.stamp = file.metadata.at("stamp");
    const auto members = static_cast<size_t>(std::atoll(file.metadata.at("members").c_str()));
    for (size_t m = 0; m < members; ++m) {
      const TensorView& tensor = file.tensors.at("member" + std::to_string(m));
      if (tensor.type != DType::F32) throw std::out_of_range("member");
      state.members.push_back({values_of<float>(tensor)});
    }
    return state;
  });
}

CellDigest cell_digest(const TileYear& year) {
  const size_t n = year.cells.size();
  CellDigest digest;
  std::string bytes;
  const auto add = [&bytes](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto add_layers = [&](const auto& values, size_t cell) {
    for (size_t k = cell; k < values.size(); k += n) add(values[k]);
  };
  for (size_t i = 0; i < n; ++i) {
    bytes.clear();
    add(year.cells[i].column);
    add(year.cells[i].row);
    add(year.step.year);
    for (const auto& member : year.members) {
      add(member.weight[i]);
      add_layers(member.result.monthly, i);
      add_layers(member.result.annual, i);
      add_layers(member.result.flags, i);
      add_layers(member.result.daily, i);
    }
    const uint64_t hash = xxh3_64(bytes.data(), bytes.size());
    digest.first += hash;
    bytes.push_back('2');  // a second, independent hash of the same bytes
    digest.second += xxh3_64(bytes.data(), bytes.size());
  }
  return digest;
}

WriteTile::WriteTile(std::string folder, Keep keep) : folder_(std::move(folder)), keep_(keep) {}

std::string WriteTile::tile_folder(const std::string& region_folder, const TileUnit& unit) const {
  return folder_ + "/" + region_folder + "/" + unit.name();
}

std::string WriteTile::year_path(const std::string& region_folder, const TileUnit& unit,
                                 size_t step, int year, const char* ending) const {
  return tile_folder(region_folder, unit) + "/" + std::to_string(step) + "-" +
         std::to_string(year) + ending;
}

std::string WriteTile::tile_year_path(const std::string& region_folder, const TileUnit& unit,
                                      size_t step, int year) const {
  return year_path(region_folder, unit, step, year, ".tile-year");
}

std::string WriteTile::state_path(const std::string& region_folder, const TileUnit& unit,
                                  size_t step, int year) const {
  return year_path(region_folder, unit, step, year, ".state");
}

std::string WriteTile::inputs_path(const std::string& region_folder, const TileUnit& unit,
                                   size_t step, int year) const {
  return year_path(region_folder, unit, step, year, ".inputs");
}

std::string WriteTile::open_path(const std::string& region_folder, const TileUnit& unit,
                                 size_t step, int year, size_t day) const {
  return tile_folder(region_folder, unit) + "/" + std::to_string(step) + "-" +
         std::to_string(year) + "-" + std::to_string(day) + ".open-state";
}

namespace {

/// The numbers of a file name: "3-2018.state" -> {3, 2018}, "3-2018-212.open-state" -> {3, 2018,
/// 212}.
std::vector<long> numbers_of(const std::filesystem::path& path) {
  std::vector<long> numbers;
  std::istringstream stem(path.stem().string());
  for (std::string number; std::getline(stem, number, '-');)
    numbers.push_back(std::atol(number.c_str()));
  return numbers;
}

/// A tile's files of a kind by the numbers of their names; none where there is no folder.
std::map<std::vector<long>, std::filesystem::path> files_of(const std::string& folder,
                                                            const std::string& extension) {
  std::map<std::vector<long>, std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none))
    if (entry.path().extension() == extension) files[numbers_of(entry.path())] = entry.path();
  return files;
}

void keep_newest(std::map<std::vector<long>, std::filesystem::path> files, int count) {
  for (auto oldest = files.begin(); files.size() > static_cast<size_t>(count);
       oldest = files.erase(oldest)) {
    std::error_code ignored;
    std::filesystem::remove(oldest->second, ignored);
  }
}

/// Whether a state belongs to values that are no longer: its day ran again, and it was not written.
bool is_outdated(const StateDay& state, const TileYear& year, const WriteTile::Leaves& leaves,
                 size_t step) {
  if (leaves.open == nullptr || state.step != step || state.year != year.step.year) return false;
  if (state.day <= leaves.from || state.day > static_cast<size_t>(year.step.days)) return false;
  return std::none_of(leaves.open->begin(), leaves.open->end(),
                      [&](const TileState& written) { return written.day == state.day; });
}

/// Keeps states within years, of which some stay longer than others; none that is outdated.
template <typename Outdated>
void keep_within_years(const std::map<std::vector<long>, std::filesystem::path>& files, int count,
                       const Outdated& outdated) {
  std::vector<StateDay> days;
  std::vector<std::filesystem::path> paths;
  for (const auto& [numbers, path] : files) {
    if (numbers.size() != 3) continue;
    const StateDay state{static_cast<size_t>(numbers[0]), static_cast<int>(numbers[1]),
                         static_cast<size_t>(numbers[2])};
    if (outdated(state)) {
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
      continue;
    }
    days.push_back(state);
    paths.push_back(path);
  }
  const auto stay = states_that_stay(days, static_cast<size_t>(count));
  for (size_t k = 0; k < paths.size(); ++k) {
    std::error_code ignored;
    if (!stay[k]) std::filesystem::remove(paths[k], ignored);
  }
}

}  // namespace

std::vector<size_t> WriteTile::open_days(const std::string& region_folder, const TileUnit& unit,
                                         size_t step, int year) const {
  std::vector<size_t> days;
  for (const auto& [numbers, path] : files_of(tile_folder(region_folder, unit), ".open-state")) {
    if (numbers.size() == 3 && numbers[0] == static_cast<long>(step) && numbers[1] == year)
      days.insert(days.begin(), static_cast<size_t>(numbers[2]));
  }
  return days;
}

void WriteTile::forget_old_states(const TileYear& year, const Leaves& leaves,
                                  const std::string& region_folder, size_t step) const {
  const std::string folder = tile_folder(region_folder, year.unit);
  keep_newest(files_of(folder, ".state"), keep_.years);
  keep_within_years(files_of(folder, ".open-state"), keep_.within_year,
                    [&](const StateDay& state) { return is_outdated(state, year, leaves, step); });
  keep_newest(files_of(folder, ".inputs"), 1);
}

void WriteTile::operator()(const TileYear& year, const Leaves& leaves,
                           const std::string& region_folder, size_t step) const {
  const auto cells = flat_cells(year.cells);
  const TileUnit& unit = year.unit;
  const int number = year.step.year;
  if (!leaves.inputs.empty())
    write_atomically(inputs_path(region_folder, unit, step, number), leaves.inputs,
                     ReadAgain::seldom);
  if (leaves.open != nullptr) {
    for (const TileState& within : *leaves.open) {
      write_atomically(open_path(region_folder, unit, step, number, within.day),
                       sealed_state(within, cells, year.result_key).parts(), ReadAgain::seldom);
    }
  }
  // The state goes last: a state that is there vouches for its tile-year.
  if (!year.step.spinup) {
    write_atomically(tile_year_path(region_folder, unit, step, number),
                     sealed_year(year, cells).parts());
  }
  if (leaves.state != nullptr && keep_.years > 0) {
    write_atomically(state_path(region_folder, unit, step, number),
                     sealed_state(*leaves.state, cells, year.result_key).parts(),
                     ReadAgain::seldom);
  }
  forget_old_states(year, leaves, region_folder, step);
}

}  // namespace fluxtile
