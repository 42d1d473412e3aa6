//===- PlacementVerifier.h - Decisions against the machine ------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of the verifier of octo.program that knows the machine.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_DIALECT_OCTO_IR_PLACEMENTVERIFIER_H
#define OCTO_LIB_DIALECT_OCTO_IR_PLACEMENTVERIFIER_H

#include "octo/Dialect/Octo/IR/ProgramLayout.h"

namespace octo::spatial {

/// Checks places and slots against the machine: ranges, dead parts, routes, PEA
/// time, footprints, code, overlaps, order. `lookup` resolves kernels of tasks.
mlir::LogicalResult
verifyPlacement(ProgramOp program, MachineOp machine,
                llvm::function_ref<KernelOp(mlir::FlatSymbolRefAttr)> lookup);

} // namespace octo::spatial

#endif // OCTO_LIB_DIALECT_OCTO_IR_PLACEMENTVERIFIER_H
