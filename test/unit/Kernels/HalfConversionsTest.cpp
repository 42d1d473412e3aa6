//===- HalfConversionsTest.cpp --------------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The conversions that images import, against LLVM's software floats.
//
//===----------------------------------------------------------------------===//

#include "HalfConversions.h"

#include "llvm/ADT/APFloat.h"
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace {

uint16_t reference(double value, const llvm::fltSemantics &semantics) {
  llvm::APFloat number(value);
  bool losesInfo = false;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<uint16_t>(number.bitcastToAPInt().getZExtValue());
}

void compare(double value) {
  EXPECT_EQ(octo::roundToHalf(value, 10, 15),
            reference(value, llvm::APFloat::IEEEhalf()))
      << "f16 of " << value;
  EXPECT_EQ(octo::roundToHalf(value, 7, 127),
            reference(value, llvm::APFloat::BFloat()))
      << "bf16 of " << value;
}

TEST(HalfConversions, EveryHalfAndItsNeighbours) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    for (const llvm::fltSemantics *semantics :
         {&llvm::APFloat::IEEEhalf(), &llvm::APFloat::BFloat()}) {
      llvm::APFloat half(*semantics, llvm::APInt(16, bits));
      if (half.isNaN())
        continue;
      bool losesInfo = false;
      half.convert(llvm::APFloat::IEEEdouble(),
                   llvm::APFloat::rmNearestTiesToEven, &losesInfo);
      double value = half.convertToDouble();
      compare(value);
      compare(std::nextafter(value, INFINITY));
      compare(std::nextafter(value, -INFINITY));
      // Close to the middle between two halves.
      compare(value * (1 + std::ldexp(1.0, -11)));
      compare(value * (1 + std::ldexp(1.0, -8)));
    }
  }
}

TEST(HalfConversions, RandomDoubles) {
  std::mt19937_64 generator(1);
  for (int i = 0; i < 200000; ++i) {
    double value = std::bit_cast<double>(generator());
    if (!std::isnan(value))
      compare(value);
  }
}

TEST(HalfConversions, NotANumberStaysOne) {
  EXPECT_EQ(octo::roundToHalf(NAN, 10, 15) & 0x7fff, 0x7e00);
  EXPECT_EQ(octo::roundToHalf(NAN, 7, 127) & 0x7fff, 0x7fc0);
}

} // namespace
