//===- Explain.h - Why a block is where it is -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decisions as readable text.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_COMPILER_EXPLAIN_H
#define OCTO_LIB_COMPILER_EXPLAIN_H

#include "octo/Support/Diagnostic.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace octo {

/// What was decided about the blocks whose path is `name`, or ends in
/// `/name`: class, shares, homes, slot, with the candidates that lost. The
/// error lists similar paths.
Expected<std::string> explainBlock(mlir::ModuleOp module, llvm::StringRef name);

} // namespace octo

#endif // OCTO_LIB_COMPILER_EXPLAIN_H
