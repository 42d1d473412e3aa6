//===- HalfConversions.h - Conversions that images import -------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The conversions of half-precision numbers that the code generator calls where
// the CPU has no instruction. They are in compiler run-time libraries, but not
// in all versions.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_KERNELLOADER_HALFCONVERSIONS_H
#define OCTO_LIB_KERNELLOADER_HALFCONVERSIONS_H

#include <cstdint>
#include <utility>
#include <vector>

namespace octo {

/// `value` rounded to nearest even, as the bits of a format with `mantissa`
/// explicit mantissa bits and the exponent bias `bias`. NaN stays NaN.
uint16_t roundToHalf(double value, int mantissa, int bias);

/// Names and addresses of the functions, for this architecture.
std::vector<std::pair<const char *, void *>> halfConversions();

} // namespace octo

#endif // OCTO_LIB_KERNELLOADER_HALFCONVERSIONS_H
