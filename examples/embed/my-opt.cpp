//===- my-opt.cpp - Another compiler with the passes of Octopus -----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All it takes: two calls. What is MLIR's own, or yours, you register yourself.
//
//===----------------------------------------------------------------------===//

#include "octo/InitAllDialects.h"
#include "octo/InitAllPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;

  // The dialects that bodies of tasks are written in. A body may use more:
  // scf, linalg, tosa.
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  mlir::func::registerInlinerExtension(registry);
  mlir::registerTransformsPasses();

  // owg and octo; the passes of both, and octo-default-pipeline.
  octo::registerAllDialects(registry);
  octo::registerAllPasses();

  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "A compiler of my own\n", registry));
}
