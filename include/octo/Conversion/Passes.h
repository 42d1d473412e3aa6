//===- Passes.h - Passes between dialects -----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entry points of the conversions.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_CONVERSION_PASSES_H
#define OCTO_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace octo {

#define GEN_PASS_DECL
#include "octo/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "octo/Conversion/Passes.h.inc"

} // namespace octo

#endif // OCTO_CONVERSION_PASSES_H
