//===- ProgramTranslation.h - octo modules and program files ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between modules of the dialect `octo` and program files (.octo).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TRANSLATION_PROGRAMTRANSLATION_H
#define OCTO_TRANSLATION_PROGRAMTRANSLATION_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <cstdint>
#include <vector>

namespace octo {

class Program;

/// The program file of a module: its one octo.machine, all its kernels, images
/// and weights, and a workflow for each octo.program. The module must be
/// verified and complete: every block has a place and a policy, every kernel
/// its variants; what is missing is an error that names the pass to run. Equal
/// modules give equal bytes. Time is linear in the module (and a sort).
mlir::FailureOr<std::vector<uint8_t>>
translateToProgram(mlir::ModuleOp module);

/// The module of a program file. Translating it again gives the same bytes.
/// Kernels have their images, not their bodies. Loads the dialect `octo`.
/// Null, after an error in `context`, if the program does not make a module
/// that verifies.
mlir::OwningOpRef<mlir::ModuleOp> importProgram(const Program &program,
                                                mlir::MLIRContext *context);

/// Registers `--mlir-to-octo`, `--octo-to-mlir` and `--octo-to-json` with the
/// translations of octo-translate.
void registerProgramTranslations();

} // namespace octo

#endif // OCTO_TRANSLATION_PROGRAMTRANSLATION_H
