//===- Limits.h - What a program can have at most ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Limits that compiler and program check alike.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_LIMITS_H
#define OCTO_PROGRAM_LIMITS_H

namespace octo {

/// Control blocks that stand in each other.
inline constexpr unsigned maxNesting = 200;

} // namespace octo

#endif // OCTO_PROGRAM_LIMITS_H
