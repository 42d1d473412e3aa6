//===- Weights.h - Weights as functions -------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the values of owg.weight come into a module without owg.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_CONVERSION_OWGTOSCF_WEIGHTS_H
#define OCTO_LIB_CONVERSION_OWGTOSCF_WEIGHTS_H

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace octo {

/// The elements of a weight that has elements or a file. A file is looked for
/// in `directory` (unless its name is absolute), and its size and digest are
/// checked. Reports errors at the weight.
mlir::FailureOr<mlir::ElementsAttr> readWeight(owg::WeightOp weight,
                                               llvm::StringRef directory);

/// Builds `func private @owg.philox(%element: i64, %key0: i32, %key1: i32) ->
/// i32` at the insertion point: the word of Philox4x32-10 for one element, as
/// the documentation of owg.weight says.
mlir::func::FuncOp buildPhilox(mlir::OpBuilder &builder, mlir::Location loc);

/// Builds the tensor of a seeded weight at the insertion point, with calls of
/// `philox`.
mlir::Value buildSeededWeight(mlir::OpBuilder &builder, owg::WeightOp weight,
                              mlir::func::FuncOp philox);

} // namespace octo

#endif // OCTO_LIB_CONVERSION_OWGTOSCF_WEIGHTS_H
