//===- ImportYaml.h - YAML workflows to the owg dialect ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the YAML form of a profiled workflow (docs/yaml-workflows.md) and
// builds the owg module it stands for.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_IMPORTYAML_H
#define OCTO_TRANSLATION_IMPORTYAML_H

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class MLIRContext;
class ModuleOp;
} // namespace mlir

namespace octo {

/// Builds a verified module of one `owg.workflow` per workflow of the YAML
/// text. `file` is the name that messages and `#owg.source` attributes carry.
/// Every fault of the text is an error diagnostic of `context` at
/// file:line:column that names the remedy; the result is then null. Time and
/// memory are linear in the text. The owg dialect is loaded into `context`.
mlir::OwningOpRef<mlir::ModuleOp> importYaml(llvm::StringRef text,
                                             llvm::StringRef file,
                                             mlir::MLIRContext *context);

/// Registers `--import-yaml` with the translations of octo-translate.
void registerImportYaml();

} // namespace octo

#endif // OCTO_TRANSLATION_IMPORTYAML_H
