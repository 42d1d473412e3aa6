//===- Passes.h - Passes on the owg dialect ---------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entry points of the passes that stay inside the owg dialect.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_TRANSFORMS_PASSES_H
#define OCTO_DIALECT_OWG_TRANSFORMS_PASSES_H

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Pass/Pass.h"

namespace octo::owg {

#define GEN_PASS_DECL
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"

} // namespace octo::owg

#endif // OCTO_DIALECT_OWG_TRANSFORMS_PASSES_H
