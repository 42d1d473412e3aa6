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

#include "octo/KernelCodegen/KernelCodegen.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace octo {

/// Makes objects for a target, one after the other.
class ObjectEmitter {
public:
  explicit ObjectEmitter(const KernelTarget &target);
  ~ObjectEmitter();

  /// The object file of `module`, in `object`; errors are emitted at the
  /// module.
  mlir::LogicalResult emit(mlir::ModuleOp module, std::string &object);

private:
  const KernelTarget target;
  /// Null if the target has no code generator: see `problem`.
  std::unique_ptr<llvm::TargetMachine> machine;
  std::string problem;
};

} // namespace octo

#endif // OCTO_LIB_KERNELCODEGEN_KERNELOBJECT_H
