//===- StrictMathTest.cpp - Functions that are equal everywhere -----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Strict functions against the C library's; and their bits, which must be the
// same on every machine that this test runs on.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/StrictMath.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <cstdint>

using namespace octo;

static void expectClose(double found, double wanted, double x) {
  EXPECT_NEAR(found, wanted, 1e-13 * std::abs(wanted)) << "at " << x;
}

TEST(StrictMath, Log) {
  for (int exponent = -1000; exponent <= 1000; exponent += 7)
    for (int step = 0; step < 97; ++step) {
      double x = std::ldexp(1 + step / 97.0, exponent);
      expectClose(strict::log(x), std::log(x), x);
    }
  EXPECT_EQ(strict::log(1), 0);
  for (double x = 1e-12; x < 1e-3; x *= 3) {
    expectClose(strict::log(1 + x), std::log(1 + x), 1 + x);
    expectClose(strict::log(1 - x), std::log(1 - x), 1 - x);
  }
}

TEST(StrictMath, Log1p) {
  for (double x = 1e-18; x < 1e6; x *= 1.7)
    expectClose(strict::log1p(x), std::log1p(x), x);
  for (double x = 1e-18; x < 0.999; x *= 1.7)
    expectClose(strict::log1p(-x), std::log1p(-x), -x);
}

TEST(StrictMath, Exp) {
  for (int i = -70000; i <= 70000; i += 11) {
    double x = i / 100.0;
    expectClose(strict::exp(x), std::exp(x), x);
  }
  for (double x = 1e-18; x < 1; x *= 2.3) {
    expectClose(strict::exp(x), std::exp(x), x);
    expectClose(strict::exp(-x), std::exp(-x), -x);
  }
  EXPECT_EQ(strict::exp(0), 1);
  EXPECT_EQ(strict::exp(-1e300), 0);
  EXPECT_EQ(strict::exp(1e300), strict::exp(700));
}

TEST(StrictMath, NormalTail) {
  for (int i = 0; i <= 3000; ++i) {
    double z = i / 100.0;
    double wanted = 0.5 * std::erfc(z / std::sqrt(2.0));
    // glibc's erfc is within a few units in the last place, but z / sqrt 2 is
    // rounded, which far out moves the result by z^2 such units.
    EXPECT_NEAR(strict::normalTail(z), wanted, 3e-13 * wanted) << "at " << z;
    EXPECT_NEAR(strict::normalTail(-z), 1 - wanted, 1e-15) << "at " << -z;
  }
}

TEST(StrictMath, SameBitsEverywhere) {
  uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](double value) {
    hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001b3;
  };
  for (int i = 1; i <= 1000; ++i) {
    add(strict::log(i * 0.37));
    add(strict::log1p(i * 1e-4 - 0.05));
    add(strict::exp(i * 0.11 - 55));
    add(strict::normalTail(i * 0.012 - 3));
  }
  EXPECT_EQ(hash, 0xe11932cbe353acabu) << std::hex << hash;
}

TEST(StrictMath, NormalQuantile) {
  for (double z = -7; z <= 8; z += 0.0625)
    EXPECT_NEAR(strict::normalQuantile(strict::normalTail(z)), z, 1e-3) << z;
  EXPECT_NEAR(strict::normalQuantile(0.01), 2.3263478740408408, 1e-9);
  EXPECT_NEAR(strict::normalQuantile(0.95), -1.6448536269514722, 1e-9);
}
