//===- ModuleInput.h - Modules that tools read ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What MLIR expects of a file without checking it. Its bytecode reader wants
// its buffer aligned as the most aligned section in it (64 for the blobs of
// resources), which a buffer on the heap is only by chance. Its parser recurses
// on brackets until the stack is full.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_MODULEINPUT_H
#define OCTO_TRANSLATION_MODULEINPUT_H

#include "octo/Support/Diagnostic.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <memory>

namespace llvm {
class MemoryBuffer;
class MemoryBufferRef;
} // namespace llvm

namespace octo {

/// `buffer` itself if it is text or lies well, else a copy that does.
std::unique_ptr<llvm::MemoryBuffer>
alignBytecode(std::unique_ptr<llvm::MemoryBuffer> buffer);

/// An error if brackets of a text are nested deeper than MLIR's recursive
/// parser and passes can follow; bytecode is not looked at. Control blocks may
/// be nested far less in a program.
Expected<void> checkNesting(llvm::MemoryBufferRef text);

/// Hands an error of the program floor to MLIR; the result is failure.
mlir::LogicalResult emitDiagnostic(mlir::MLIRContext *context,
                                   const Diagnostic &diagnostic);

/// Registers a translation from a module, text or bytecode, with
/// octo-translate. The dialects of MLIR and of Octopus may be in it.
void registerModuleTranslation(
    llvm::StringRef name, llvm::StringRef description,
    std::function<mlir::LogicalResult(mlir::ModuleOp, llvm::raw_ostream &)>
        translate);

} // namespace octo

#endif // OCTO_TRANSLATION_MODULEINPUT_H
