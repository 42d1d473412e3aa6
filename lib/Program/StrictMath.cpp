//===- StrictMath.cpp - Functions that are equal everywhere ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Textbook argument reduction and series. Contraction to fused multiply-add is
// off in the whole build (cmake/modules/OctoTargets.cmake).
//
//===----------------------------------------------------------------------===//

#include "octo/Program/StrictMath.h"

#include <bit>
#include <cstdint>

using namespace octo;

// ln 2 in two parts; the high one has 32 significant bits, so that its product
// with a small integer is exact.
static constexpr double ln2High = 0x1.62e42feep-1;
static constexpr double ln2Low = 0x1.a39ef35793c76p-33;

/// 2 atanh(s) = log((1 + s) / (1 - s)), for |s| <= 0.1716.
static double twiceAtanh(double s) {
  double square = s * s;
  double sum = 0;
  for (int n = 25; n >= 3; n -= 2)
    sum = (sum + 1.0 / n) * square;
  return 2 * s + 2 * s * sum;
}

double strict::log(double x) {
  uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = int(bits >> 52 & 0x7ff) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffull) |
                                          0x3ff0000000000000ull);
  // The mantissa goes to [1/sqrt 2, sqrt 2).
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  double part = twiceAtanh((mantissa - 1) / (mantissa + 1));
  return exponent * ln2High + (part + exponent * ln2Low);
}

double strict::log1p(double x) {
  if (x > -0.29 && x < 0.41)
    return twiceAtanh(x / (2 + x));
  return strict::log(1 + x);
}

double strict::exp(double x) {
  if (!(x >= -700))
    return 0;
  if (x > 700)
    x = 700;
  double scaled = x * 1.4426950408889634;
  int64_t k = int64_t(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  double r = (x - double(k) * ln2High) - double(k) * ln2Low;
  double sum = 1;
  for (int n = 17; n >= 1; --n)
    sum = 1 + sum * r / n;
  return sum * std::bit_cast<double>(uint64_t(k + 1023) << 52);
}

double strict::normalTail(double z) {
  if (z < 0)
    return 1 - normalTail(-z);
  constexpr double inverseSqrt2Pi = 0.3989422804014327;
  double density = inverseSqrt2Pi * exp(-0.5 * z * z);
  if (z < 3) {
    // 1/2 - phi(z) (z + z^3/3 + z^5/(3 5) + ...), Abramowitz and
    // Stegun 26.2.11.
    double term = z, sum = z;
    for (int n = 3; n < 200 && term > sum * 1e-18; n += 2) {
      term = term * z * z / n;
      sum += term;
    }
    return 0.5 - density * sum;
  }
  // The continued fraction z + 1/(z + 2/(z + 3/...)), 26.2.14.
  double fraction = z;
  for (int n = 200; n >= 1; --n)
    fraction = z + n / fraction;
  return density / fraction;
}

double strict::normalQuantile(double p) {
  double low = -9, high = 9;
  while (high - low > 1e-10) {
    const double z = (low + high) / 2;
    (normalTail(z) > p ? low : high) = z;
  }
  return (low + high) / 2;
}
