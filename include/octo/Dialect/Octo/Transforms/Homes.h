//===- Homes.h - What octo-allocate-peas says of homes ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_TRANSFORMS_HOMES_H
#define OCTO_DIALECT_OCTO_TRANSFORMS_HOMES_H

#include "llvm/ADT/StringRef.h"

namespace octo::spatial {

/// On a program whose lanes have several clusters: whether homes follow time or
/// data and why, for --explain.
inline constexpr llvm::StringLiteral homesNoteName = "octo.homes_note";

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_HOMES_H
