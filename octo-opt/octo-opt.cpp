//===- octo-opt.cpp - Runs passes on MLIR ---------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-opt with the dialects and passes of Octopus beside those of MLIR.
//
//===----------------------------------------------------------------------===//

#include "octo/InitAllDialects.h"
#include "octo/InitAllPasses.h"
#include "octo/Translation/ModuleInput.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

/// What mlir::MlirOptMain does with files, but with bytecode where its reader
/// can take it.
static mlir::LogicalResult run(int argc, char **argv,
                               mlir::DialectRegistry &registry) {
  auto [inputName, outputName] = mlir::registerAndParseCLIOptions(
      argc, argv, "Octopus pass driver\n", registry);
  mlir::MlirOptMainConfig config =
      mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::MlirOptMain(argc, argv, inputName, outputName, registry);

  std::string error;
  auto input = mlir::openInputFile(inputName, &error);
  auto output = input ? mlir::openOutputFile(outputName, &error) : nullptr;
  if (!output) {
    llvm::errs() << error << '\n';
    return mlir::failure();
  }
  if (octo::Expected<void> good = octo::checkNesting(input->getMemBufferRef());
      !good) {
    llvm::errs() << good.error().str() << '\n';
    return mlir::failure();
  }
  if (mlir::failed(mlir::MlirOptMain(output->os(),
                                     octo::alignBytecode(std::move(input)),
                                     registry, config)))
    return mlir::failure();
  output->keep();
  return mlir::success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM initialized(argc, argv);
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "octo-opt " OCTO_VERSION " (MLIR " OCTO_MLIR_VERSION ")\n";
  });
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  octo::registerAllDialects(registry);
  mlir::registerAllPasses();
  octo::registerAllPasses();
  return mlir::asMainReturnCode(run(argc, argv, registry));
}
