// SPDX-License-Identifier: Apache-2.0
#include "geo/unit.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/error.h"

namespace fluxtile {
namespace {

double factor(const char* from, const char* to) {
  const UnitConversion c = convert_unit(parse_unit(from), parse_unit(to));
  EXPECT_EQ(c.offset, 0) << from << " -> " << to;
  return c.factor;
}

TEST(ParseUnit, SpeciesAreTakenOut) {
  for (const char* text :
       {"gC m-2 d-1", "g C m-2 d-1", "gC/m2/day", "gC m^-2 day^-1", "gC m**-2 d**-1", "g C/m^2/d",
        "gC.m-2.d-1", "g_C m-2 d-1", "grams C m-2 d-1", "g(C) m-2 d-1", "gC m⁻² d⁻¹"}) {
    const Unit u = parse_unit(text);
    EXPECT_EQ(u.species, "C") << text;
    EXPECT_DOUBLE_EQ(convert_unit(u, parse_unit("kgC ha-1 d-1")).factor, 10) << text;
  }
  EXPECT_EQ(parse_unit("kg CO2 m-2 s-1").species, "CO2");
  EXPECT_EQ(parse_unit("umolCO2 m-2 s-1").species, "CO2");
  EXPECT_EQ(parse_unit("umol CO2 m-2 s-1").species, "CO2");
  EXPECT_EQ(parse_unit("\xC2\xB5mol m-2 s-1").species, "");
  EXPECT_EQ(parse_unit("umol(CO2) m-2 s-1").species, "CO2");
  EXPECT_EQ(parse_unit("g N ha-1").species, "N");
  EXPECT_EQ(parse_unit("kgN ha-1").species, "N");
  EXPECT_EQ(parse_unit("g N2O-N ha-1 d-1").species, "N");
  EXPECT_EQ(parse_unit("mg CH4 m-2 d-1").species, "CH4");
  EXPECT_EQ(parse_unit("gC kg-1").species, "C");
}

TEST(ParseUnit, WhatIsNoSpecies) {
  for (const char* text : {"degC", "N m-2", "mN", "K", "cmol kg-1", "mm h-1", "kPa", "degrees C",
                           "C", "Celsius", "m3 m-3", "%", "W m-2"})
    EXPECT_EQ(parse_unit(text).species, "") << text;
  EXPECT_EQ(parse_unit("degrees C").udunits, "degC");
  EXPECT_EQ(parse_unit("C").udunits, "degC");
}

TEST(ParseUnit, PlainNumbersConvertAmongThemselves) {
  for (const char* a : {"", "1", "-", "year", "none", "unitless", " ", "pH"})
    for (const char* b : {"1", "year", ""}) {
      const UnitConversion c = convert_unit(parse_unit(a), parse_unit(b));
      EXPECT_EQ(c.factor, 1) << a << " -> " << b;
      EXPECT_EQ(c.offset, 0);
    }
  EXPECT_DOUBLE_EQ(factor("%", "1"), 0.01);
  EXPECT_DOUBLE_EQ(factor("m3 m-3", "1"), 1);
  EXPECT_DOUBLE_EQ(factor("cm3/cm3", "m3 m-3"), 1);
}

TEST(ParseUnit, RefusesYearsAndMonths) {
  for (const char* text : {"gC m-2 yr-1", "gC m-2 year-1", "g C/m2/yr", "kg ha-1 a-1", "mm month-1",
                           "mm/month", "gC m-2 common_year-1", "kgC m-2 yr^-1"}) {
    try {
      parse_unit(text);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data);
      EXPECT_NE(std::string(e.what()).find("calendar days"), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos);
    }
  }
  EXPECT_NO_THROW(parse_unit("kg ha-1"));  // a hectare is no annum
}

TEST(ParseUnit, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"bananas", "gC m-2 d-1 x", "kg CO2e m-2", "g C m-2 d-1)"})
    EXPECT_THROW(parse_unit(text), Error) << text;
}

TEST(ConvertUnit, BridgesToTheModelsInputs) {
  EXPECT_DOUBLE_EQ(factor("W m-2", "MJ m-2 d-1"), 0.0864);
  EXPECT_DOUBLE_EQ(factor("m s-1", "km d-1"), 86.4);
  EXPECT_DOUBLE_EQ(factor("m s**-1", "km d-1"), 86.4);
  EXPECT_DOUBLE_EQ(factor("hPa", "kPa"), 0.1);
  EXPECT_DOUBLE_EQ(factor("Pa", "kPa"), 0.001);
  EXPECT_DOUBLE_EQ(factor("%", "g kg-1"), 10);
  EXPECT_DOUBLE_EQ(factor("um s-1", "mm h-1"), 3.6);
  EXPECT_DOUBLE_EQ(factor("kg m-3", "Mg m-3"), 0.001);
  EXPECT_DOUBLE_EQ(factor("g cm-3", "Mg m-3"), 1);
  EXPECT_DOUBLE_EQ(factor("cmol(+) kg-1", "cmol kg-1"), 1);
  EXPECT_DOUBLE_EQ(factor("mmol(c)/kg", "cmol kg-1"), 0.1);
  EXPECT_DOUBLE_EQ(factor("millimeter", "mm"), 1);
  EXPECT_DOUBLE_EQ(factor("J m-2 d-1", "MJ m-2 d-1"), 1e-6);
}

TEST(ConvertUnit, TemperaturesAndTheirDifferences) {
  const UnitConversion c = convert_unit(parse_unit("K"), parse_unit("degC"));
  EXPECT_EQ(c.factor, 1);
  EXPECT_EQ(c.offset, -273.15);
  const UnitConversion f = convert_unit(parse_unit("degF"), parse_unit("degC"));
  EXPECT_NEAR(212 * f.factor + f.offset, 100, 1e-10);
  EXPECT_NEAR(32 * f.factor + f.offset, 0, 1e-10);
  for (const auto& [from, to] : std::vector<std::pair<const char*, const char*>>{
           {"K", "degC"}, {"degC", "K"}, {"degree_Celsius", "K"}}) {
    const UnitConversion d = convert_unit(parse_unit(from), parse_unit(to), true);
    EXPECT_EQ(d.factor, 1);
    EXPECT_EQ(d.offset, 0);
  }
  EXPECT_NEAR(convert_unit(parse_unit("degF"), parse_unit("K"), true).factor, 5.0 / 9, 1e-14);
}

TEST(ConvertUnit, MassOfMolecules) {
  EXPECT_NEAR(factor("gCO2 m-2 d-1", "gC m-2 d-1"), 12.011 / 44.009, 1e-12);
  EXPECT_NEAR(factor("gC m-2 d-1", "gCO2 m-2 d-1"), 44.009 / 12.011, 1e-12);
  EXPECT_NEAR(factor("kg CH4 m-2", "g C m-2"), 1000 * 12.011 / 16.043, 1e-9);
  EXPECT_NEAR(factor("g N2O ha-1", "g N ha-1"), 2 * 14.007 / 44.013, 1e-12);
  EXPECT_NEAR(factor("g N ha-1", "g N2O ha-1"), 44.013 / (2 * 14.007), 1e-12);
  // 1 umol m-2 s-1 of CO2 is 12.011e-6 * 86400 gC m-2 d-1.
  EXPECT_NEAR(factor("umolCO2 m-2 s-1", "gC m-2 d-1"), 1.0377504, 1e-10);
  EXPECT_NEAR(factor("umol m-2 s-1", "gC m-2 d-1"), 1.0377504, 1e-10);
  EXPECT_NEAR(factor("gC m-2 d-1", "umol CO2 m-2 s-1"), 1 / 1.0377504, 1e-10);
  EXPECT_NEAR(factor("mol N2O", "mol N"), 2, 1e-12);
  EXPECT_NEAR(factor("umol N2O m-2 s-1", "g N m-2 s-1"), 2 * 14.007e-6, 1e-15);
  EXPECT_NEAR(factor("kg C m-2 s-1", "gC m-2 d-1"), 86400e3, 1e-3);
  EXPECT_NEAR(factor("kg m-2 s-1", "gC m-2 d-1"), 86400e3, 1e-3);
}

TEST(ConvertUnit, NoSpeciesIsTheTargets) {
  EXPECT_DOUBLE_EQ(factor("g kg-1", "gC kg-1"), 1);
  EXPECT_DOUBLE_EQ(factor("gC kg-1", "g kg-1"), 1);
  EXPECT_DOUBLE_EQ(factor("%", "gC kg-1"), 10);
}

TEST(ConvertUnit, RefusesClashes) {
  for (const auto& [from, to] :
       std::vector<std::pair<const char*, const char*>>{{"gN m-2 d-1", "gC m-2 d-1"},
                                                        {"gCO2 m-2 d-1", "g m-2 d-1"},
                                                        {"gC m-2", "gC m-2 d-1"},
                                                        {"mm", "mm d-1"},
                                                        {"K", "kPa"},
                                                        {"", "gC m-2 d-1"},
                                                        {"gC m-2 d-1", "mm d-1"},
                                                        {"kg m-2 s-1", "W m-2"},
                                                        {"kg m-3", "1"}}) {
    try {
      convert_unit(parse_unit(from), parse_unit(to));
      FAIL() << from << " -> " << to;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::data);
      EXPECT_NE(std::string(e.what()).find(to), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(from), std::string::npos) << e.what();
    }
  }
}

TEST(ConvertUnit, WaterIsAThousandKilogramsACubicMetre) {
  EXPECT_DOUBLE_EQ(factor("kg m-2 s-1", "mm d-1"), 86400);
  EXPECT_DOUBLE_EQ(factor("kg m-2 d-1", "mm/day"), 1);
  EXPECT_DOUBLE_EQ(factor("mm d-1", "kg m-2 d-1"), 1);
  EXPECT_DOUBLE_EQ(factor("mm", "kg m-2"), 1);
  EXPECT_DOUBLE_EQ(factor("m d-1", "kg m-2 d-1"), 1000);
  EXPECT_THROW(convert_unit(parse_unit("kgC m-2 s-1"), parse_unit("mm d-1")), Error);
}

TEST(IntervalSum, HasNoTime) {
  const Unit rate = parse_unit("gC m-2 d-1");
  EXPECT_TRUE(is_interval_sum(parse_unit("kgC m-2"), rate));
  EXPECT_TRUE(is_interval_sum(parse_unit("kg m-2"), rate));
  EXPECT_TRUE(is_interval_sum(parse_unit("g CO2 m-2"), rate));
  EXPECT_FALSE(is_interval_sum(parse_unit("gC m-2 d-1"), rate));
  EXPECT_FALSE(is_interval_sum(parse_unit("kg m-2 s-1"), rate));
  EXPECT_FALSE(is_interval_sum(parse_unit("K"), rate));
  EXPECT_FALSE(is_interval_sum(parse_unit("g N m-2"), rate));
  EXPECT_TRUE(is_interval_sum(parse_unit("mm"), parse_unit("mm d-1")));
  EXPECT_TRUE(is_interval_sum(parse_unit("kg m-2"), parse_unit("mm d-1")));
}

TEST(IntervalSum, CompositesThatNameTheirDays) {
  for (const char* text : {"kgC/m^2/8day", "kg C/m^2/8d", "kgC m-2 8d-1", "kgC/m^2/16days"}) {
    const Unit u = parse_unit(text);
    EXPECT_TRUE(is_interval_sum(u, parse_unit("gC m-2 d-1"))) << text;
    EXPECT_DOUBLE_EQ(convert_unit(per_day(u), parse_unit("gC m-2 d-1")).factor, 1000) << text;
  }
  EXPECT_DOUBLE_EQ(convert_unit(per_day(parse_unit("kgC/m2")), parse_unit("gC m-2 d-1")).factor,
                   1000);
}

TEST(Unit, ThreadsShareTheDatabase) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&wrong, t] {
      for (int i = 0; i < 200; ++i)
        if (convert_unit(parse_unit("W m-2"), parse_unit("MJ m-2 d-1")).factor != 0.0864)
          ++wrong[t];
    });
  for (auto& thread : threads) thread.join();
  for (const int n : wrong) EXPECT_EQ(n, 0);
}

}  // namespace
}  // namespace fluxtile
