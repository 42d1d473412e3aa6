//===- ApplyProfile.h - Recorded profiles on workflows ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a run recorded becomes the profiles of the blocks.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_COMPILER_APPLYPROFILE_H
#define OCTO_LIB_COMPILER_APPLYPROFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace octo {

/// Reads the profile `text` (of `octo-run run --record-profile`, called `file`
/// in messages) and gives every block of an owg.workflow whose path it has the
/// observed distribution: cycles of tasks, frequencies of cases and members,
/// trips, copies. Needs paths (owg-assign-path-ids). Fails after an error.
mlir::LogicalResult applyProfile(mlir::ModuleOp module, llvm::StringRef text,
                                 llvm::StringRef file);

} // namespace octo

#endif // OCTO_LIB_COMPILER_APPLYPROFILE_H
