//===- ModuleInput.cpp - Modules that tools read --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/ModuleInput.h"
#include "octo/InitAllDialects.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <cstring>

using namespace mlir;

std::unique_ptr<llvm::MemoryBuffer>
octo::alignBytecode(std::unique_ptr<llvm::MemoryBuffer> buffer) {
  const llvm::Align alignment(64);
  if (!isBytecode(buffer->getMemBufferRef()) ||
      llvm::isAddrAligned(alignment, buffer->getBufferStart()))
    return buffer;
  auto copy = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
      buffer->getBufferSize(), buffer->getBufferIdentifier(), alignment);
  std::memcpy(copy->getBufferStart(), buffer->getBufferStart(),
              buffer->getBufferSize());
  return copy;
}

void octo::registerModuleTranslation(
    StringRef name, StringRef description,
    std::function<LogicalResult(ModuleOp, raw_ostream &)> translate) {
  // Not mlir::TranslateFromMLIRRegistration, which parses bytecode where it
  // lies.
  TranslateRegistration(
      name, description,
      [translate](const std::shared_ptr<llvm::SourceMgr> &sources,
                  raw_ostream &os, MLIRContext *context) -> LogicalResult {
        DialectRegistry registry;
        mlir::registerAllDialects(registry);
        octo::registerAllDialects(registry);
        context->appendDialectRegistry(registry);
        auto aligned = std::make_shared<llvm::SourceMgr>();
        aligned->AddNewSourceBuffer(
            alignBytecode(llvm::MemoryBuffer::getMemBuffer(
                sources->getMemoryBuffer(sources->getMainFileID())
                    ->getMemBufferRef())),
            llvm::SMLoc());
        OwningOpRef<ModuleOp> module =
            parseSourceFile<ModuleOp>(aligned, ParserConfig(context));
        return module ? translate(*module, os) : failure();
      });
}
