//===- KernelVariants.h - Cycles of a kernel on gangs of PEAs ---*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From work and rates to variants: docs/timing-model.md, "Cycles of a task
// block".
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OCTO_TRANSFORMS_KERNELVARIANTS_H
#define OCTO_DIALECT_OCTO_TRANSFORMS_KERNELVARIANTS_H

#include "octo/Dialect/Octo/IR/Octo.h"

#include <array>
#include <vector>

namespace octo::spatial {

struct EstimateAssumptions {
  uint64_t defaultDim = 64;
  uint64_t defaultTrips = 8;
};

/// The class of PEAs for a kernel: its own preference unless the machine lacks
/// it or another class is more than twice as fast. `livePeas` by class.
PeaClass chooseClass(KernelOp kernel, const TargetDesc &target,
                     const std::array<uint64_t, 3> &livePeas,
                     const EstimateAssumptions &assume);

/// Variants of a kernel for gangs of 1, 2, 4, ... and `maxGang` PEAs of its
/// class, each phase mapped for the expected sizes. Fails, with an error that
/// says what is needed and what there is, when not even tiles of the kernel fit
/// a PEA, or when what it spills has no place.
mlir::FailureOr<std::vector<VariantAttr>>
makeVariants(KernelOp kernel, const TargetDesc &target, uint32_t maxGang,
             const EstimateAssumptions &assume);

/// Cycles of one instance by a variant, at the expected work. For profiled
/// kernels, of the drawn `cycles`.
uint64_t variantCycles(KernelOp kernel, VariantAttr variant,
                       const TargetDesc &target, uint64_t drawn,
                       const EstimateAssumptions &assume);

/// Expected operations of each class in one call.
std::array<double, 5> expectedWorkOf(KernelOp kernel,
                                     const EstimateAssumptions &assume);

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_KERNELVARIANTS_H
