// SPDX-License-Identifier: Apache-2.0
#include "stages/write_tile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/error.h"
#include "model/safetensors.h"
#include "tests/stages/damage.h"
#include "tests/stages/drawn_inputs.h"

namespace fluxtile {
namespace {

using testing::HasSubstr;

/// A tile-year over these cells whose values depend on the cell alone.
TileYear year_over(const std::vector<CellIndex>& cells, size_t members = 2, bool daily = true) {
  TileYear year;
  CellWindow box{-7, 40, 5, 6};
  if (!cells.empty()) box = {};
  for (const CellIndex& cell : cells) box = box.united({cell.column, cell.row, 1, 1});
  year.unit = {3, box, static_cast<int64_t>(cells.size())};
  year.step = {2018, false, 60, false};
  year.variables = {"ra", "rh"};
  year.annual_variables = {"yield"};
  year.cells = cells;
  year.month_days = {31, 28, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  year.result_key = "key";
  year.chain = "chain";
  year.stamp = "stamp";
  year.month_chains = {"a", "b", "chain"};
  year.daily = daily;
  const auto value = [](const CellIndex& cell, size_t k) {
    return static_cast<float>(cell.column) * 0.5F + static_cast<float>(cell.row) * 31 +
           static_cast<float>(k) * 0.125F;
  };
  for (size_t m = 0; m < members; ++m) {
    TileYearMember member;
    const auto layers = [&](size_t count, auto& out) {
      for (size_t k = 0; k < count; ++k)
        for (const auto& cell : cells)
          out.push_back(static_cast<std::decay_t<decltype(out[0])>>(value(cell, k + 1000 * m)));
    };
    layers(1, member.weight);
    layers(24, member.result.monthly);
    layers(1, member.result.annual);
    for (size_t k = 0; k < 12; ++k)
      for (const auto& cell : cells)
        member.result.flags.push_back(static_cast<uint16_t>(cell.column + 13 * cell.row) & 0x7ff);
    if (daily) layers(2 * 60, member.result.daily);
    year.members.push_back(std::move(member));
  }
  return year;
}

std::vector<CellIndex> window(int64_t column, int64_t row, int64_t width, int64_t height) {
  std::vector<CellIndex> cells;
  for (int64_t r = row; r < row + height; ++r)
    for (int64_t c = column; c < column + width; ++c) cells.push_back({c, r});
  return cells;
}

void expect_same(const TileYear& a, const TileYear& b) {
  EXPECT_EQ(a.unit.region, b.unit.region);
  EXPECT_EQ(a.unit.window, b.unit.window);
  EXPECT_EQ(a.step.year, b.step.year);
  EXPECT_EQ(a.step.days, b.step.days);
  EXPECT_EQ(a.step.complete, b.step.complete);
  EXPECT_EQ(a.variables, b.variables);
  EXPECT_EQ(a.annual_variables, b.annual_variables);
  EXPECT_EQ(a.cells, b.cells);
  EXPECT_EQ(a.month_days, b.month_days);
  EXPECT_EQ(a.result_key, b.result_key);
  EXPECT_EQ(a.chain, b.chain);
  EXPECT_EQ(a.stamp, b.stamp);
  EXPECT_EQ(a.month_chains, b.month_chains);
  EXPECT_EQ(a.daily, b.daily);
  ASSERT_EQ(a.members.size(), b.members.size());
  for (size_t m = 0; m < a.members.size(); ++m) {
    EXPECT_EQ(a.members[m].weight, b.members[m].weight);
    EXPECT_EQ(a.members[m].result.monthly, b.members[m].result.monthly);
    EXPECT_EQ(a.members[m].result.annual, b.members[m].result.annual);
    EXPECT_EQ(a.members[m].result.daily, b.members[m].result.daily);
    EXPECT_EQ(a.members[m].result.flags, b.members[m].result.flags);
  }
}

TEST(TileYearFile, RoundTrip) {
  for (const bool daily : {false, true}) {
    for (const size_t members : {size_t{1}, size_t{3}}) {
      const TileYear year = year_over(window(-7, 40, 5, 6), members, daily);
      const auto back = parse_tile_year(format_tile_year(year), "x");
      ASSERT_TRUE(back);
      expect_same(year, *back);
    }
  }
}

TEST(TileYearFile, ATileWithoutCellsIsAFileToo) {
  const TileYear year = year_over({});
  const auto back = parse_tile_year(format_tile_year(year), "x");
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->cells.empty());
  EXPECT_EQ(back->members.size(), 2U);
}

TEST(TileYearFile, TheSameYearIsTheSameBytes) {
  EXPECT_EQ(format_tile_year(year_over(window(0, 0, 4, 4))),
            format_tile_year(year_over(window(0, 0, 4, 4))));
}

TEST(TileYearFile, AnyFlippedByteIsNoticed) {
  const std::string bytes = format_tile_year(year_over(window(0, 0, 3, 2), 1, false));
  std::mt19937 random(1);
  for (size_t at = 0; at < bytes.size(); at += 1 + random() % 7) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (random() % 8)));
    EXPECT_FALSE(parse_tile_year(broken, "x")) << at;
  }
}

TEST(TileYearFile, AnyTruncationIsNoticed) {
  const std::string bytes = format_tile_year(year_over(window(0, 0, 3, 2), 1, false));
  for (size_t size = 0; size < bytes.size(); size += 13)
    EXPECT_FALSE(parse_tile_year(bytes.substr(0, size), "x")) << size;
  EXPECT_FALSE(parse_tile_year(bytes + "x", "x"));
}

std::string with_metadata(const std::string& bytes, const std::string& key,
                          const std::string& value) {
  Safetensors file = parse_safetensors(std::string_view(bytes).substr(0, bytes.size() - 8), "x");
  file.metadata[key] = value;
  return sealed(format_safetensors(file.tensors, file.metadata));
}

TEST(TileYearFile, NoFlippedBitAndNoMissingByteIsOverlooked) {
  expect_no_damage_passes(format_tile_year(year_over(window(-7, 40, 5, 6))),
                          [](const std::string& bytes) { return parse_tile_year(bytes, "x"); });
}

TEST(TileStateFile, NoFlippedBitAndNoMissingByteIsOverlooked) {
  const auto cells = window(0, 0, 3, 2);
  TileState state;
  state.members = {{std::vector<float>(6 * 40, 0.5F)}};
  expect_no_damage_passes(format_tile_state(state, cells, "key"), [&](const std::string& bytes) {
    return parse_tile_state(bytes, "x", cells, "key");
  });
}

/// A sealed file of these tensors and this metadata.
std::string sealed_file(Tensors tensors, const Metadata& metadata) {
  return sealed(format_safetensors(tensors, metadata));
}

TEST(TileYearFile, TypesOfArraysAreChecked) {
  // Arrays whose bytes are right in number for another type must not be read as that type.
  const std::string bytes = format_tile_year(year_over(window(-7, 40, 5, 6)));
  const Safetensors good =
      parse_safetensors(std::string_view(bytes).substr(0, bytes.size() - 8), "x");
  ASSERT_TRUE(parse_tile_year(sealed_file(good.tensors, good.metadata), "x"));
  Tensors wrong = good.tensors;
  Tensor& cells = wrong.at("cells");
  cells.type = DType::F32;
  cells.shape = {static_cast<int64_t>(cells.bytes.size() / 4)};
  EXPECT_FALSE(parse_tile_year(sealed_file(wrong, good.metadata), "x"));
  const auto cells_of_window = window(-7, 40, 5, 6);
  EXPECT_FALSE(parse_tile_state(sealed_file(wrong, good.metadata), "x", cells_of_window, "key"));

  TileState state;
  state.members = {{std::vector<float>(cells_of_window.size(), 1)}};
  const std::string text = format_tile_state(state, cells_of_window, "key");
  Safetensors file = parse_safetensors(std::string_view(text).substr(0, text.size() - 8), "x");
  ASSERT_TRUE(parse_tile_state(text, "x", cells_of_window, "key"));
  Tensor& member = file.tensors.at("member0");
  member.type = DType::U8;
  member.shape = {static_cast<int64_t>(member.bytes.size())};
  EXPECT_FALSE(
      parse_tile_state(sealed_file(file.tensors, file.metadata), "x", cells_of_window, "key"));
}

TEST(TileYearFile, CellsOutsideTheTileAndImpossibleYearsAreRefused) {
  const std::string bytes = format_tile_year(year_over(window(-7, 40, 5, 6)));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "window", "[-7,40,5,5]"), "x"));
  EXPECT_FALSE(
      parse_tile_year(with_metadata(bytes, "window", "[-9223372036854775808,40,5,6]"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "days", "-60"), "x"));
}

TEST(TileYearFile, ForeignFilesAreAbsent) {
  const TileYear year = year_over(window(0, 0, 3, 2));
  const std::string bytes = format_tile_year(year);
  ASSERT_TRUE(parse_tile_year(with_metadata(bytes, "note", "as it was"), "x"));
  EXPECT_FALSE(parse_tile_year("", "x"));
  EXPECT_FALSE(parse_tile_year("GIF89a and more of it", "x"));
  EXPECT_FALSE(parse_tile_year(sealed("no safetensors, but a trailer that fits"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "format", "fluxtile-state 2"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "format", "fluxtile-tile-year 0"), "x"));
  TileState state;
  state.members = {{{1, 2, 3, 4, 5, 6}}};
  EXPECT_FALSE(parse_tile_year(format_tile_state(state, year.cells, "key"), "x"));
}

TEST(TileYearFile, SizesThatDoNotFitAreAbsent) {
  const std::string bytes = format_tile_year(year_over(window(0, 0, 3, 2)));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "members", "3"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "days", "61"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "variables", "[\"ra\"]"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "variables", "ra"), "x"));
  EXPECT_FALSE(parse_tile_year(with_metadata(bytes, "window", "[1,2,3]"), "x"));
}

TEST(TileYearFile, ANewerFormatIsAnErrorThatNamesTheFile) {
  const std::string bytes = format_tile_year(year_over(window(0, 0, 3, 2)));
  try {
    parse_tile_year(with_metadata(bytes, "format", "fluxtile-tile-year 3"), "some/file");
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::data);
    EXPECT_EQ(error.file(), "some/file");
    EXPECT_THAT(error.message(), HasSubstr("newer"));
  }
}

TEST(TileStateFile, RoundTripForTheSameCellsAndKeyAlone) {
  const auto cells = window(0, 0, 3, 2);
  TileState state;
  for (size_t m = 0; m < 2; ++m) {
    MemberState member;
    for (size_t k = 0; k < 6 * 5; ++k) member.values.push_back(static_cast<float>(k + 100 * m));
    state.members.push_back(member);
  }
  state.chain = "c";
  state.stamp = "s";
  const std::string bytes = format_tile_state(state, cells, "key");
  const auto back = parse_tile_state(bytes, "x", cells, "key");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->chain, "c");
  EXPECT_EQ(back->stamp, "s");
  ASSERT_EQ(back->members.size(), 2U);
  EXPECT_EQ(back->members[1].values, state.members[1].values);
  EXPECT_FALSE(parse_tile_state(bytes, "x", cells, "other"));
  EXPECT_FALSE(parse_tile_state(bytes, "x", window(0, 0, 2, 3), "key"));
  EXPECT_FALSE(parse_tile_state(bytes.substr(0, bytes.size() - 1), "x", cells, "key"));
  EXPECT_THROW(
      parse_tile_state(with_metadata(bytes, "format", "fluxtile-state 7"), "x", cells, "key"),
      Error);
}

CellDigest total(const std::vector<std::vector<CellIndex>>& tiles) {
  CellDigest sum;
  for (const auto& cells : tiles) sum += cell_digest(year_over(cells));
  return sum;
}

TEST(CellDigest, IsTheSameForAnyTiling) {
  const CellDigest whole = total({window(0, 0, 6, 4)});
  const CellDigest halves = total({window(3, 0, 3, 4), window(0, 0, 3, 4)});
  std::vector<std::vector<CellIndex>> single;
  for (const auto& cell : window(0, 0, 6, 4)) single.push_back({cell});
  const CellDigest cells = total(single);
  EXPECT_EQ(whole.first, halves.first);
  EXPECT_EQ(whole.second, halves.second);
  EXPECT_EQ(whole.first, cells.first);
  EXPECT_EQ(whole.second, cells.second);
}

TEST(CellDigest, ChangesWithEveryValueAndWithWhereItStands) {
  const TileYear year = year_over(window(0, 0, 3, 2));
  const auto differs = [&](const TileYear& other) {
    const CellDigest a = cell_digest(year), b = cell_digest(other);
    return a.first != b.first && a.second != b.second;
  };
  EXPECT_FALSE(differs(year));
  TileYear other = year;
  other.members[1].result.monthly[17] += 1;
  EXPECT_TRUE(differs(other));
  other = year;
  other.members[0].result.flags.back() ^= 4;
  EXPECT_TRUE(differs(other));
  other = year;
  other.members[0].result.annual[2] += 1;
  EXPECT_TRUE(differs(other));
  other = year;
  other.members[0].weight[2] += 1;
  EXPECT_TRUE(differs(other));
  other = year;
  other.members[0].result.daily[100] += 1;
  EXPECT_TRUE(differs(other));
  other = year;
  std::swap(other.cells[0], other.cells[1]);  // two cells that change places
  EXPECT_TRUE(differs(other));
  other = year;
  std::swap(other.cells[0], other.cells[3]);  // of one column
  EXPECT_TRUE(differs(other));
  other = year;
  ++other.step.year;
  EXPECT_TRUE(differs(other));
  EXPECT_NE(cell_digest(year).first, cell_digest(year).second);
}

class WriteTileTest : public StageTest {};

TEST_F(WriteTileTest, WritesYearsAndKeepsTheNewestStates) {
  const WriteTile write(file("tiles"), {2, 4});
  TileYear year = year_over(window(-7, 40, 5, 6));
  TileState state;
  state.members = {{std::vector<float>(30 * 4, 1.5F)}};
  for (int k = 0; k < 12; ++k) {
    year.step.year = 2010 + k;
    year.step.spinup = k == 0;
    write(year, {&state, nullptr, ""}, "IA", static_cast<size_t>(k));
  }
  EXPECT_EQ(year.unit.name(), "c-7_r40_5x6");
  EXPECT_FALSE(std::filesystem::exists(write.tile_year_path("IA", year.unit, 0, 2010)));
  for (int k = 1; k < 12; ++k)
    EXPECT_TRUE(parse_tile_year(
        read_file(write.tile_year_path("IA", year.unit, static_cast<size_t>(k), 2010 + k)), "x"));
  int states = 0;
  for (int k = 0; k < 12; ++k)
    states += std::filesystem::exists(
        write.state_path("IA", year.unit, static_cast<size_t>(k), 2010 + k));
  EXPECT_EQ(states, 2);
  EXPECT_TRUE(std::filesystem::exists(write.state_path("IA", year.unit, 10, 2020)));
  EXPECT_TRUE(std::filesystem::exists(write.state_path("IA", year.unit, 11, 2021)));
}

TEST_F(WriteTileTest, KeepsTheInputsOfTheNewestYearAndNoStateThatNobodyWants) {
  const WriteTile write(file("tiles"), {2, 4});
  TileYear year = year_over(window(-7, 40, 5, 6));
  for (int k = 0; k < 3; ++k) {
    year.step.year = 2010 + k;
    write(year, {nullptr, nullptr, "inputs of " + std::to_string(year.step.year)}, "IA",
          static_cast<size_t>(k));
    EXPECT_FALSE(std::filesystem::exists(
        write.state_path("IA", year.unit, static_cast<size_t>(k), 2010 + k)));
  }
  EXPECT_FALSE(std::filesystem::exists(write.inputs_path("IA", year.unit, 1, 2011)));
  EXPECT_EQ(read_file(write.inputs_path("IA", year.unit, 2, 2012)), "inputs of 2012");
}

TEST_F(WriteTileTest, StatesOfDaysThatRanAgainAreWrittenAnewOrGo) {
  const WriteTile write(file("tiles"), {2, 9});
  TileYear year = year_over(window(-7, 40, 5, 6), 1, false);
  year.step.year = 2018;
  const auto night = [&](int days, size_t from, const std::vector<size_t>& kept) {
    year.step.days = days;
    std::vector<TileState> open;
    for (const size_t day : kept) {
      TileState state;
      state.members = {{std::vector<float>(30 * 4, 1.5F)}};
      state.day = day;
      open.push_back(state);
    }
    write(year, {nullptr, &open, "", from}, "IA", 3);
    return write.open_days("IA", year.unit, 3, 2018);
  };
  using Days = std::vector<size_t>;
  EXPECT_EQ(night(239, 0, {170, 190, 210, 230, 239}), (Days{239, 230, 210, 190, 170}));
  EXPECT_EQ(night(240, 239, {240}), (Days{240, 239, 230, 210, 190, 170})) << "one day more";
  EXPECT_EQ(night(240, 170, {180, 200, 220, 240}), (Days{240, 220, 200, 180, 170})) << "revised";
  EXPECT_EQ(night(205, 180, {200, 205}), (Days{240, 220, 205, 200, 180, 170})) << "a shorter year";
}

}  // namespace
}  // namespace fluxtile
