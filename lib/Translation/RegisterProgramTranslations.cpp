//===- RegisterProgramTranslations.cpp - Flags of octo-translate ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --mlir-to-octo, --octo-to-mlir and --octo-to-json.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Program.h"
#include "octo/Translation/ModuleInput.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace octo;

/// Loads the program in a buffer; the error goes to `context`.
static FailureOr<Program> load(const llvm::MemoryBuffer &buffer,
                               MLIRContext *context) {
  StringRef name = buffer.getBufferIdentifier();
  Expected<Program> program =
      parseProgram({reinterpret_cast<const uint8_t *>(buffer.getBufferStart()),
                    buffer.getBufferSize()},
                   std::string_view(name.data(), name.size()));
  if (!program)
    return emitDiagnostic(context, program.error());
  return std::move(*program);
}

void octo::registerProgramTranslations() {
  registerModuleTranslation(
      "mlir-to-octo", "octo module to a program file (.octo)",
      [](ModuleOp module, raw_ostream &os) -> LogicalResult {
        FailureOr<std::vector<uint8_t>> bytes = translateToProgram(module);
        if (failed(bytes))
          return failure();
        os.write(reinterpret_cast<const char *>(bytes->data()), bytes->size());
        return success();
      });

  // Printed here, because the source map is in the locations.
  static TranslateRegistration octoToMlir(
      "octo-to-mlir", "program file (.octo) to an octo module",
      [](const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &os,
         MLIRContext *context) -> LogicalResult {
        FailureOr<Program> program =
            load(*sources->getMemoryBuffer(sources->getMainFileID()), context);
        if (failed(program))
          return failure();
        OwningOpRef<ModuleOp> module = importProgram(*program, context);
        if (!module)
          return failure();
        module->print(os, OpPrintingFlags().enableDebugInfo(true));
        return success();
      });

  static TranslateRegistration octoToJson(
      "octo-to-json", "program file (.octo) as JSON",
      [](const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &os,
         MLIRContext *context) -> LogicalResult {
        FailureOr<Program> program =
            load(*sources->getMemoryBuffer(sources->getMainFileID()), context);
        if (failed(program))
          return failure();
        os << programToJson(program->get()) << '\n';
        return success();
      });
}
