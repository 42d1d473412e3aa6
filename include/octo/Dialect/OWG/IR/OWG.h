//===- OWG.h - The owg dialect ----------------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything a user of the dialect includes: types, attributes, interfaces and
// operations.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWG_H
#define OCTO_DIALECT_OWG_IR_OWG_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "octo/Dialect/OWG/IR/OWGDialect.h.inc"
#include "octo/Dialect/OWG/IR/OWGEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "octo/Dialect/OWG/IR/OWGTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "octo/Dialect/OWG/IR/OWGAttributes.h.inc"

namespace octo::owg {

/// The resource that profiled blocks write: the work that they stand for.
struct ProfiledWorkResource
    : public mlir::SideEffects::Resource::Base<ProfiledWorkResource> {
  llvm::StringRef getName() final { return "owg.profiled-work"; }
};

/// The resource that a bounded loop writes: the fate of the request.
struct RequestResource
    : public mlir::SideEffects::Resource::Base<RequestResource> {
  llvm::StringRef getName() final { return "owg.request"; }
};

} // namespace octo::owg

#include "octo/Dialect/OWG/IR/OWGInterfaces.h.inc"

#define GET_OP_CLASSES
#include "octo/Dialect/OWG/IR/OWGOps.h.inc"

namespace octo::owg {

/// Whether values of this type exist only as sizes or order: `!owg.data`,
/// `!owg.token`.
bool isTimingOnlyType(mlir::Type type);

/// Whether the symbols of these forms exist: counters below `numCounters`, sizes
/// in order.
llvm::LogicalResult
verifyForms(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
            llvm::ArrayRef<SizeAttr> sizes, llvm::ArrayRef<PhaseAttr> phases,
            uint64_t numCounters);

/// Whether `op` may stand between blocks: constants, tensor.empty, tensor.dim,
/// tensor.cast, and arithmetic on scalars.
bool isWiring(mlir::Operation *op);

/// The values from outside that the regions of `op` use, in order of first use,
/// without the operands of `op`, each once. Cost: the size of the regions,
/// without the bodies of tasks.
llvm::SmallVector<mlir::Value> getImplicitCaptures(mlir::Operation *op);

/// The same for one region.
llvm::SmallVector<mlir::Value> getImplicitCaptures(mlir::Region &region);

} // namespace octo::owg

#endif // OCTO_DIALECT_OWG_IR_OWG_H
