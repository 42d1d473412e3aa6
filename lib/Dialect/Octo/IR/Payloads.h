//===- Payloads.h - What flows carry ----------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the verifiers of operations and of programs ask of payloads.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_DIALECT_OCTO_IR_PAYLOADS_H
#define OCTO_LIB_DIALECT_OCTO_IR_PAYLOADS_H

#include "octo/Dialect/Octo/IR/Octo.h"

#include "mlir/IR/TypeUtilities.h"

namespace octo::spatial {

/// Payloads are the same up to dimensions that are not known.
inline bool sameContent(mlir::Type a, mlir::Type b) {
  if (a == b)
    return true;
  auto x = mlir::dyn_cast<mlir::RankedTensorType>(a);
  auto y = mlir::dyn_cast<mlir::RankedTensorType>(b);
  return x && y && x.getElementType() == y.getElementType() &&
         mlir::succeeded(mlir::verifyCompatibleShape(x, y));
}

inline mlir::Type payloadOf(mlir::Value flow) {
  return mlir::cast<FlowType>(flow.getType()).getPayload();
}

} // namespace octo::spatial

#endif // OCTO_LIB_DIALECT_OCTO_IR_PAYLOADS_H
