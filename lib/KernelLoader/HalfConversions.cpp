//===- HalfConversions.cpp - Conversions that images import ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HalfConversions.h"

#include <bit>
#include <cmath>

namespace octo {

uint16_t roundToHalf(double value, int mantissa, int bias) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint16_t sign = static_cast<uint16_t>(bits >> 63 << 15);
  int exponentBits = 15 - mantissa;
  uint16_t infinity =
      static_cast<uint16_t>(((1u << exponentBits) - 1) << mantissa);
  if (std::isnan(value))
    return sign | infinity | static_cast<uint16_t>(1u << (mantissa - 1));
  if (std::isinf(value))
    return sign | infinity;
  int biased = static_cast<int>(bits >> 52 & 0x7ff);
  if (biased == 0) // zero, or far below the smallest half
    return sign;
  int exponent = biased - 1023;
  uint64_t significand = (bits & ((uint64_t(1) << 52) - 1)) | uint64_t(1) << 52;
  int shift = 52 - mantissa;
  int minimum = 1 - bias;
  bool subnormal = exponent < minimum;
  if (subnormal)
    shift += minimum - exponent;
  if (shift > 54)
    return sign;
  uint64_t quotient = significand >> shift;
  uint64_t rest = significand & ((uint64_t(1) << shift) - 1);
  uint64_t half = uint64_t(1) << (shift - 1);
  if (rest > half || (rest == half && (quotient & 1)))
    ++quotient;
  // A carry out of the mantissa moves into the exponent, as it should.
  int64_t result =
      subnormal ? static_cast<int64_t>(quotient)
                : (static_cast<int64_t>(exponent + bias) << mantissa) +
                      static_cast<int64_t>(quotient) - (int64_t(1) << mantissa);
  if (result > infinity)
    result = infinity;
  return sign | static_cast<uint16_t>(result);
}

#if defined(__x86_64__)
namespace {

// Half-precision arguments and results travel in the low 16 bits of a vector
// register, where a float's low half is.
float inLowHalf(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits)); }

float truncFloatToHalf(float value) {
  return inLowHalf(roundToHalf(value, 10, 15));
}
float truncDoubleToHalf(double value) {
  return inLowHalf(roundToHalf(value, 10, 15));
}
float truncFloatToBfloat(float value) {
  return inLowHalf(roundToHalf(value, 7, 127));
}
float truncDoubleToBfloat(double value) {
  return inLowHalf(roundToHalf(value, 7, 127));
}
float extendHalfToFloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value) & 0xffff;
  uint32_t sign = (bits & 0x8000) << 16;
  int exponent = static_cast<int>(bits >> 10 & 0x1f);
  uint32_t fraction = bits & 0x3ff;
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  float magnitude = exponent
                        ? std::ldexp(float(fraction | 0x400), exponent - 25)
                        : std::ldexp(float(fraction), -24);
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

} // namespace
#endif

std::vector<std::pair<const char *, void *>> halfConversions() {
#if defined(__x86_64__)
  auto address = [](auto *function) {
    return reinterpret_cast<void *>(function);
  };
  return {{"__truncsfhf2", address(truncFloatToHalf)},
          {"__truncdfhf2", address(truncDoubleToHalf)},
          {"__truncsfbf2", address(truncFloatToBfloat)},
          {"__truncdfbf2", address(truncDoubleToBfloat)},
          {"__extendhfsf2", address(extendHalfToFloat)}};
#else
  return {};
#endif
}

} // namespace octo
