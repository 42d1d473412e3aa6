//===- ModuleInput.h - Modules that tools read ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's bytecode reader wants its buffer aligned as the most aligned section
// in it (64 for the blobs of resources), which a buffer on the heap is only by
// chance.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_MODULEINPUT_H
#define OCTO_TRANSLATION_MODULEINPUT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <memory>

namespace llvm {
class MemoryBuffer;
} // namespace llvm

namespace octo {

/// `buffer` itself if it is text or lies well, else a copy that does.
std::unique_ptr<llvm::MemoryBuffer>
alignBytecode(std::unique_ptr<llvm::MemoryBuffer> buffer);

/// Registers a translation from a module, text or bytecode, with
/// octo-translate. The dialects of MLIR and of Octopus may be in it.
void registerModuleTranslation(
    llvm::StringRef name, llvm::StringRef description,
    std::function<mlir::LogicalResult(mlir::ModuleOp, llvm::raw_ostream &)>
        translate);

} // namespace octo

#endif // OCTO_TRANSLATION_MODULEINPUT_H
