//===- Profiles.h - Profiles as integer tables ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From #owg.profile (parametric, in floating point) to #octo.profile (integer
// inverse distribution functions).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_CONVERSION_OWGTOOCTO_PROFILES_H
#define OCTO_LIB_CONVERSION_OWGTOOCTO_PROFILES_H

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Program/Distribution.h"

#include "llvm/ADT/DenseMap.h"

#include <memory>

namespace octo {

class ProfileTable {
public:
  /// `target` turns work into cycles; it may be null.
  explicit ProfileTable(const TargetDesc *target) : target(target) {}

  /// The table of a distribution, rounded to integers. Fails, with an error at
  /// `block`, if there is none.
  mlir::FailureOr<spatial::DistributionAttr>
  convert(mlir::Operation *block, owg::DistributionAttr distribution);

  /// The profile of a block, or null if the block has none that speaks of its
  /// behaviour. Fails, with an error at `block`, where it cannot be written
  /// down.
  mlir::FailureOr<spatial::ProfileAttr> convert(owg::BlockOpInterface block);

  /// The class of PEAs on which the work of a task's profile takes least time,
  /// and the cycles of one PEA of it. Both the kinds of work and the bytes are
  /// as large as their draw says, all by the same draw.
  struct TaskWork {
    spatial::DistributionAttr cycles;
    spatial::PeaClass peaClass = spatial::PeaClass::General;
  };
  mlir::FailureOr<TaskWork> convertWork(mlir::Operation *task,
                                        mlir::DictionaryAttr work);

private:
  const TargetDesc *target;
  llvm::DenseMap<mlir::Attribute, spatial::DistributionAttr> distributions;

  /// Curves have hundreds of knots and many users: each is made an attribute
  /// once. Holding it keeps its address its own.
  struct KnownCurve {
    std::shared_ptr<const Curve> curve;
    spatial::CurveAttr attr;
  };
  llvm::DenseMap<const Curve *, KnownCurve> curves;
  spatial::DistributionAttr toAttr(mlir::MLIRContext *context,
                                   const Distribution &table);
};

} // namespace octo

#endif // OCTO_LIB_CONVERSION_OWGTOOCTO_PROFILES_H
