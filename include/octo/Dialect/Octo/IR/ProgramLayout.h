//===- ProgramLayout.h - Regions and blocks of a program --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The scopes and blocks of an octo.program in the order of the program file:
// what the verifier, the passes and the translation number them by.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_IR_PROGRAMLAYOUT_H
#define OCTO_DIALECT_OCTO_IR_PROGRAMLAYOUT_H

#include "octo/Dialect/Octo/IR/Octo.h"

#include "llvm/ADT/DenseMap.h"

#include <string>
#include <vector>

namespace octo::spatial {

/// A program as the tables of its file see it. Computed in time linear in the
/// number of ops (and a logarithm, where ops are not in a topological order).
struct ProgramLayout {
  static constexpr uint32_t none = ~0u;

  struct Scope {
    mlir::Value act;
    ScopeRole role = ScopeRole::Body;
    /// File number of the control block that owns the scope; none for the body.
    uint32_t owner = none;
    /// Which scope of its owner it is.
    unsigned number = 0;
    /// Blocks [blockBegin, blockEnd) belong to it.
    uint32_t blockBegin = 0;
    uint32_t blockEnd = 0;
  };

  struct Block {
    BlockOpInterface op;
    uint32_t scope = 0;
    /// First of the scopes that the block owns; they are contiguous.
    uint32_t scopeBegin = 0;
    uint32_t numScopes = 0;
    /// Number of the block in the order of the ops.
    uint32_t ordinal = 0;
  };

  /// Scope 0 is the body; a scope comes after its owner's scope.
  std::vector<Scope> scopes;
  /// Contiguous by scope, in a topological order within each; that of the ops
  /// where it is one.
  std::vector<Block> blocks;
  /// File numbers of the blocks in the order of the ops.
  std::vector<uint32_t> byOrdinal;
  /// octo.segment ops, in order.
  std::vector<SegmentOp> segments;
  llvm::DenseMap<mlir::Operation *, uint32_t> blockOf;
  llvm::DenseMap<mlir::Value, uint32_t> scopeOfAct;
};

/// Computes the layout. The program must have passed `verifyScopes`, as every
/// verified program has. Fails, with an error at the ops involved, if blocks of
/// a scope wait for one another in a circle.
mlir::FailureOr<ProgramLayout> computeLayout(ProgramOp program);

/// Checks that every value is used in its own scope, that every control block
/// is closed once and by the right op, and that scopes form a tree. Linear.
mlir::LogicalResult verifyScopes(ProgramOp program);

/// "the body", "case 1 of 'w/c'", "before of 'w/l'".
std::string describeScope(mlir::Value act);

/// What a value is before any octo.flow: how it travels is not its identity.
mlir::Value skipFlows(mlir::Value value);

/// The streamed octo.flow on the way to `value`, or null if it travels whole.
FlowOp getStream(mlir::Value value);

/// The block (octo.tb, or the op that opens a control block) that gives `value`
/// as an output, or null if it is an import, an argument or a weight.
mlir::Operation *getProducer(mlir::Value value);

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_IR_PROGRAMLAYOUT_H
