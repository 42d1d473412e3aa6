//===- StrictMath.h - Functions that are equal everywhere -------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Logarithm, exponential and normal tail from IEEE additions, multiplications
// and divisions alone. The C library's differ in the last bit from one system
// to the next, and a table of a program must not. Relative error below 1e-13
// over the ranges stated.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_STRICTMATH_H
#define OCTO_PROGRAM_STRICTMATH_H

namespace octo::strict {

/// Natural logarithm of a positive normal number.
double log(double x);

/// log(1 + x) for x > -1, accurate near 0.
double log1p(double x);

/// e to the x for |x| <= 700; beyond that 0 or the value at 700.
double exp(double x);

/// Probability that a standard normal variable is above z, for |z| <= 30.
double normalTail(double z);

/// The z with normalTail(z) = p, in [-9, 9], for p in (0, 1): to 1e-10.
double normalQuantile(double p);

} // namespace octo::strict

#endif // OCTO_PROGRAM_STRICTMATH_H
