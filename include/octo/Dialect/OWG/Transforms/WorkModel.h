//===- WorkModel.h - The work of a body of ordinary MLIR --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How much a task body or decide region has to do, phase by phase, in closed
// forms over the run-time dimensions of its inputs and counters of
// data-dependent loops.
// The numbering of the counters is shared with the lowering of kernels, which
// inserts them.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_TRANSFORMS_WORKMODEL_H
#define OCTO_DIALECT_OWG_TRANSFORMS_WORKMODEL_H

#include "octo/Dialect/OWG/IR/OWG.h"

namespace octo::owg {

/// What is assumed where neither the code nor a profile tells.
struct WorkModelOptions {
  /// Iterations of a data-dependent loop, per time it is entered.
  uint64_t expectedTrips = 8;
  /// Size of a dimension that is no function of the dimensions of the inputs.
  uint64_t expectedDim = 64;
};

struct WorkEstimate {
  CostAttr cost;
  /// The data-dependent loops of the body: the loop at position c has counter
  /// c. A counter is the number of times the loop's body (for scf.while: the
  /// `after` region) ran during one call of the kernel, over all the times
  /// that the loop was entered.
  ///
  /// The order is pre-order: a loop before the loops in it, operations and
  /// regions in textual order, a call as if its callee stood there. Loops are
  /// `scf.while`, and `scf.for` whose trip count is no polynomial in the sizes
  /// of the inputs. The lowering of kernels inlines calls first and then asks
  /// this function, so that both see the same order.
  llvm::SmallVector<mlir::Operation *> countedLoops;
};

/// Estimates the work of one execution of `body` (one block). The symbols
/// `dim(i, d)` speak of argument i of the block. Callees are looked up from
/// `body`'s parent through `symbols`. Fails, with an error at the place, when a
/// call cannot be followed (unknown callee, recursion) or when the expansion
/// of calls passes a million operations. Cost: linear in the operations.
mlir::FailureOr<WorkEstimate>
estimateWork(mlir::Region &body, mlir::SymbolTableCollection &symbols,
             const WorkModelOptions &options = {});

/// The cost on `callable` (a function, or an inline task), or null before
/// owg-estimate-cost has run.
CostAttr getCost(mlir::Operation *callable);

} // namespace octo::owg

#endif // OCTO_DIALECT_OWG_TRANSFORMS_WORKMODEL_H
