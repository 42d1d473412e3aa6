//===- octo-translate.cpp - Reads and writes other formats ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-translate with the formats that come to owg and go from octo.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/ImportStg.h"
#include "octo/Translation/ImportYaml.h"
#include "octo/Translation/MlirToDot.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/Support/LogicalResult.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "octo-translate " OCTO_VERSION " (MLIR " OCTO_MLIR_VERSION ")\n";
  });
  octo::registerImportStg();
  octo::registerImportYaml();
  octo::registerMlirToDot();
  octo::registerProgramTranslations();
  return mlir::failed(
      mlir::mlirTranslateMain(argc, argv, "Octopus translation driver\n"));
}
