//===- OctoDialect.cpp - The dialect `octo` -------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registration of the dialect, its interfaces and enumerations.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"

using namespace mlir;
using namespace octo::spatial;

#include "octo/Dialect/Octo/IR/OctoDialect.cpp.inc"
#include "octo/Dialect/Octo/IR/OctoEnums.cpp.inc"

namespace {
/// Curves are long and shared: they print once, under a name.
struct OctoAsmInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Attribute attribute, raw_ostream &os) const final {
    auto curve = dyn_cast<CurveAttr>(attribute);
    if (!curve || curve.getU().size() < 2)
      return AliasResult::NoAlias;
    os << "curve";
    return AliasResult::FinalAlias;
  }
};
} // namespace

void OctoDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "octo/Dialect/Octo/IR/OctoOps.cpp.inc"
      >();
  addInterfaces<OctoAsmInterface>();
  registerAttributes();
  registerTypes();
}
