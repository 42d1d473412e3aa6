//===- ImportStg.h - Standard Task Graphs as workflows ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format of the Standard Task Graph set of the Kasahara laboratory: the
// number of tasks, then a line for each with its number, its time, how many
// predecessors it has, and their numbers; `#` starts a comment.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_IMPORTSTG_H
#define OCTO_TRANSLATION_IMPORTSTG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace octo {

/// The graph as one workflow of profiled tasks, named after the file, that
/// exchange tokens. A unit of time is `cyclesPerUnit` cycles. Tasks of no time
/// at either end (the set adds an entry and an exit) are left out; in between
/// they take a cycle. Empty, with an error at the place in the file, where the
/// text is no such graph.
mlir::OwningOpRef<mlir::ModuleOp> importStg(llvm::StringRef text,
                                            llvm::StringRef file,
                                            uint64_t cyclesPerUnit,
                                            mlir::MLIRContext *context);

/// Registers --import-stg with mlir-translate.
void registerImportStg();

} // namespace octo

#endif // OCTO_TRANSLATION_IMPORTSTG_H
