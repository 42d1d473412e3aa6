//===- ProfileTest.cpp - Distributions and profiles -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moments of distributions, and profiles that change with the request.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/AsmParser/AsmParser.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlir;
using namespace octo::owg;

namespace {
class ProfileTest : public ::testing::Test {
protected:
  ProfileTest() { context.loadDialect<OWGDialect>(); }

  DistributionAttr dist(const std::string &text) {
    return dyn_cast_or_null<DistributionAttr>(
        parseAttribute("#owg.dist<" + text + ">", &context));
  }
  ProfileAttr profile(const std::string &text) {
    return dyn_cast_or_null<ProfileAttr>(
        parseAttribute("#owg.profile<" + text + ">", &context));
  }

  MLIRContext context;
};

TEST_F(ProfileTest, Moments) {
  struct Case {
    const char *text;
    double mean, cv;
  };
  const Case cases[] = {
      {"const<7>", 7, 0},
      {"uniform<2, 8>", 5, std::sqrt(3.0) / 5},
      {"exp<10>", 10, 1},
      {"normal<10, 2>", 10, 0.2},
      {"lognormal<10, 0.5>", 10, 0.5},
      {"geometric<0.25>", 3, std::sqrt(0.75) / 0.25 / 3},
      {"bernoulli<0.25>", 0.25, std::sqrt(0.1875) / 0.25},
      {"empirical<[1, 5], [3, 1]>", 2, std::sqrt(3.0) / 2},
      {"empirical<[1, 5]>", 3, 2.0 / 3},
  };
  for (const Case &c : cases) {
    DistributionAttr attr = dist(c.text);
    ASSERT_TRUE(attr) << c.text;
    EXPECT_DOUBLE_EQ(attr.getMean(), c.mean) << c.text;
    EXPECT_DOUBLE_EQ(attr.getCoefficientOfVariation(), c.cv) << c.text;
  }
}

TEST_F(ProfileTest, Constants) {
  EXPECT_TRUE(dist("const<3>").isConstant());
  EXPECT_TRUE(dist("uniform<3, 3>").isConstant());
  EXPECT_TRUE(dist("empirical<[4, 4]>").isConstant());
  EXPECT_TRUE(dist("geometric<1>").isConstant());
  EXPECT_FALSE(dist("exp<3>").isConstant());
  // A mean of 0 has no relative deviation.
  EXPECT_EQ(dist("exp<0>").getCoefficientOfVariation(), 0.0);
}

TEST_F(ProfileTest, Builders) {
  EXPECT_EQ(DistributionAttr::getConst(&context, 3), dist("const<3>"));
  EXPECT_EQ(DistributionAttr::getEmpirical(&context, {1, 2}, {}),
            dist("empirical<[1, 2], [1, 1]>"));
  DistributionAttr empirical =
      DistributionAttr::getEmpirical(&context, {1, 2}, {3, 4});
  EXPECT_EQ(empirical.getValues(), ArrayRef<double>({1, 2}));
  EXPECT_EQ(empirical.getWeights(), ArrayRef<double>({3, 4}));
}

TEST_F(ProfileTest, Entries) {
  ProfileAttr p = profile("work = {mac = const<5>}, alpha = 0.5, gang = 2, "
                          "state_bytes = 3, code_bytes = 4, "
                          "out_bytes = [const<6>]");
  ASSERT_TRUE(p);
  EXPECT_FALSE(p.getCycles());
  EXPECT_EQ(p.getWork("mac"), dist("const<5>"));
  EXPECT_FALSE(p.getWork("vector"));
  EXPECT_EQ(p.getAlpha(), 0.5);
  EXPECT_EQ(p.getGang(), 2);
  EXPECT_FALSE(p.getMaxGang());
  EXPECT_EQ(p.getStateBytes(), 3);
  EXPECT_EQ(p.getCodeBytes(), 4);
  EXPECT_EQ(p.getOutBytes().size(), 1u);
  EXPECT_TRUE(p.getFrequencies().empty());
  EXPECT_FALSE(profile("").getWork());
}

TEST_F(ProfileTest, Drift) {
  ProfileAttr p = profile("cycles = const<1>, max_gang = 4, "
                          "drift = [from 10 <cycles = const<2>>, "
                          "from 20 <work = {mac = const<3>}, gang = 1>]");
  ASSERT_TRUE(p);
  EXPECT_EQ(p.getAt(0), profile("cycles = const<1>, max_gang = 4"));
  EXPECT_EQ(p.getAt(9), p.getAt(0));
  EXPECT_EQ(p.getAt(10), profile("cycles = const<2>, max_gang = 4"));
  // Entries that exclude each other replace each other.
  EXPECT_EQ(p.getAt(20), profile("work = {mac = const<3>}, gang = 1"));
  EXPECT_EQ(p.getAt(1000), p.getAt(20));
  ProfileAttr still = profile("cycles = const<1>");
  EXPECT_EQ(still.getAt(5), still);
}
} // namespace
