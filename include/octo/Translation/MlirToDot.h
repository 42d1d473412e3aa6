//===- MlirToDot.h - Workflows and programs as Graphviz ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws owg workflows and octo programs in Graphviz's language.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_MLIRTODOT_H
#define OCTO_TRANSLATION_MLIRTODOT_H

#include "llvm/Support/LogicalResult.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace octo {

/// Writes one digraph: a cluster per `owg.workflow` (regions of control blocks
/// are clusters inside it) and per `octo.program`. Tasks are boxes, control
/// blocks diamonds, edges carry bytes or types. The text depends only on the
/// module; time is linear in it. Fails, with an error at the module, where
/// there is neither a workflow nor a program to draw.
llvm::LogicalResult translateToDot(mlir::ModuleOp module,
                                   llvm::raw_ostream &os);

/// Registers `--mlir-to-dot` with the translations of octo-translate.
void registerMlirToDot();

} // namespace octo

#endif // OCTO_TRANSLATION_MLIRTODOT_H
