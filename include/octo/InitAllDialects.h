//===- InitAllDialects.h - Registration of all dialects ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers the dialects of Octopus, for tools and for other compilers that
// embed it. The dialects of MLIR are registered by the caller.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_INITALLDIALECTS_H
#define OCTO_INITALLDIALECTS_H

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"

namespace octo {

inline void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<owg::OWGDialect, spatial::OctoDialect>();
}

} // namespace octo

#endif // OCTO_INITALLDIALECTS_H
