//===- Octo.h - The dialect `octo` ------------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect `octo`: a workflow as a flat program of a spatial machine. See
// docs/reference/octo.md, generated from OctoOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_OCTO_H
#define OCTO_DIALECT_OCTO_IR_OCTO_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <optional>

#include "octo/Target/TargetDesc.h"

#include "octo/Dialect/Octo/IR/OctoDialect.h.inc"
#include "octo/Dialect/Octo/IR/OctoEnums.h.inc"

namespace octo::spatial {

class DistributionAttr;

/// One epoch of a profile: from request `from` on. `frequencies` are in 2^-32.
struct Epoch {
  uint64_t from = 0;
  /// A DistributionAttr, or null.
  mlir::Attribute draw;
  llvm::SmallVector<uint64_t, 4> frequencies;

  DistributionAttr getDraw() const;
  bool operator==(const Epoch &other) const {
    return from == other.from && draw == other.draw &&
           frequencies == other.frequencies;
  }
};
llvm::hash_code hash_value(const Epoch &epoch);

/// One place where instances of a block may run: `Replica` of the program file.
struct Replica {
  uint32_t cluster = 0;
  uint16_t tbu = 0;
  uint16_t peaFirst = 0;
  /// 0 for a control block.
  uint16_t peaCount = 0;
  uint16_t maxGang = 0;
  /// Part of the PEAs' time, in 1/65536.
  uint32_t shareQ16 = 0;
  bool standby = false;

  bool operator==(const Replica &) const = default;
};
llvm::hash_code hash_value(const Replica &replica);

/// One candidate of a decision: `Candidate` of the program file.
struct Candidate {
  uint32_t cluster = 0;
  uint16_t tbu = 0;
  uint16_t gang = 0;
  /// Lower is better.
  int64_t score = 0;
  Outcome outcome = Outcome::Worse;

  bool operator==(const Candidate &) const = default;
};
llvm::hash_code hash_value(const Candidate &candidate);

class EntryOp;
class ExitOp;

/// Definitions behind the interfaces.
namespace detail {
mlir::OperandRange getBlockInputs(mlir::Operation *block);
mlir::ResultRange getBlockOutputs(mlir::Operation *block);
bool isTask(mlir::Operation *block);
mlir::Operation *getCloser(mlir::Operation *control);
} // namespace detail

} // namespace octo::spatial

#define GET_ATTRDEF_CLASSES
#include "octo/Dialect/Octo/IR/OctoAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "octo/Dialect/Octo/IR/OctoTypes.h.inc"

inline octo::spatial::DistributionAttr octo::spatial::Epoch::getDraw() const {
  return llvm::cast_or_null<DistributionAttr>(draw);
}

#include "octo/Dialect/Octo/IR/OctoInterfaces.h.inc"

#define GET_OP_CLASSES
#include "octo/Dialect/Octo/IR/OctoOps.h.inc"

#endif // OCTO_DIALECT_OCTO_IR_OCTO_H
