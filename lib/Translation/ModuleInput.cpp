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
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <algorithm>
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

LogicalResult octo::emitDiagnostic(MLIRContext *context,
                                   const Diagnostic &diagnostic) {
  return mlir::emitError(FileLineColLoc::get(
             context, diagnostic.file, diagnostic.line, diagnostic.column))
         << diagnostic.message;
}

octo::Expected<void> octo::checkNesting(llvm::MemoryBufferRef buffer) {
  if (isBytecode(buffer))
    return {};
  // A third of what the parser can do on a stack of 8 MiB.
  constexpr size_t mostNesting = 1000;
  StringRef text = buffer.getBuffer();
  SmallString<128> open;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      // A new line ends what is no string after all.
      inString = c != '"' && c != '\n';
      i += c == '\\';
      continue;
    }
    switch (c) {
    case '"':
      inString = true;
      break;
    case '/':
      if (text.substr(i).starts_with("//"))
        i = std::min(text.find('\n', i), text.size());
      break;
    case '{':
    case '[':
    case '(':
    case '<':
      open.push_back(c);
      break;
    case '>':
      // Also the end of an arrow.
      if (!open.empty() && open.back() == '<' && text[i - 1] != '-')
        open.pop_back();
      break;
    case '}':
    case ']':
    case ')': {
      // With what was no bracket in it ("a < b").
      size_t begin = open.rfind(c == '}' ? '{' : c == ']' ? '[' : '(');
      if (begin != StringRef::npos)
        open.truncate(begin);
      break;
    }
    }
    if (open.size() > mostNesting) {
      StringRef before = text.take_front(i);
      unsigned line = unsigned(before.count('\n')) + 1;
      size_t lineBegin = before.rfind('\n') + 1;
      return makeErrorAt(std::string_view(buffer.getBufferIdentifier()), line,
                         unsigned(i - lineBegin) + 1,
                         "brackets are nested more than {} deep; move inner "
                         "parts to workflows "
                         "of their own and call them (owg.call)",
                         mostNesting);
    }
  }
  return {};
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
        if (octo::Expected<void> good =
                checkNesting(sources->getMemoryBuffer(sources->getMainFileID())
                                 ->getMemBufferRef());
            !good)
          return emitDiagnostic(context, good.error());
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
