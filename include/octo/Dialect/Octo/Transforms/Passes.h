//===- Passes.h - Passes on the octo dialect --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entry points of the passes that decide where and when.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_H
#define OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace octo {
struct TargetDesc;

namespace spatial {

#define GEN_PASS_DECL
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"

/// What octo-set-machine does, with a target that has been read: puts an
/// octo.machine of this target at the beginning of the module, in place of one
/// that is there, and makes every octo.program one for it.
void setMachine(mlir::ModuleOp module, const TargetDesc &target);

} // namespace spatial
} // namespace octo

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_PASSES_H
