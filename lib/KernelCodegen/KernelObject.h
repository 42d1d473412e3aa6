//===- KernelObject.h - From LLVM IR to an object ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Optimises a module of the LLVM dialect and emits it as an object file.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_KERNELCODEGEN_KERNELOBJECT_H
#define OCTO_LIB_KERNELCODEGEN_KERNELOBJECT_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace octo {

struct KernelTarget;

/// The object file of `module`, in `object`; errors are emitted at the module.
mlir::LogicalResult emitObject(mlir::ModuleOp module,
                               const KernelTarget &target, std::string &object);

} // namespace octo

#endif // OCTO_LIB_KERNELCODEGEN_KERNELOBJECT_H
