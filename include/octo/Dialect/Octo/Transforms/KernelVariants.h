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

/// Cycles of an output-stationary PE array of `rows` x `cols` for `count`
/// products of an m x k by a k x n matrix on `gang` arrays: folds of the output
/// are split over the arrays in the best way. Formula of SCALE-Sim (Samajdar et
/// al., ISPASS 2020): (2 rows + cols + k - 2) ceil(m / rows) ceil(n / cols).
uint64_t foldCycles(int64_t m, int64_t n, int64_t k, int64_t count,
                    uint32_t rows, uint32_t cols, uint32_t gang);

/// The class of PEAs for a kernel: its own preference unless the machine lacks
/// it or another class is more than twice as fast. `livePeas` by class.
PeaClass chooseClass(KernelOp kernel, const TargetDesc &target,
                     const std::array<uint64_t, 3> &livePeas,
                     const EstimateAssumptions &assume);

/// Variants of a kernel for gangs of 1, 2, 4, ... and `maxGang` PEAs of its
/// class.
std::vector<VariantAttr> makeVariants(KernelOp kernel, const TargetDesc &target,
                                      uint32_t maxGang,
                                      const EstimateAssumptions &assume);

/// Cycles of one instance by a variant, at the expected work. For profiled
/// kernels, of the drawn `cycles`.
uint64_t variantCycles(KernelOp kernel, VariantAttr variant, uint64_t drawn,
                       const EstimateAssumptions &assume);

/// Expected operations of each class in one call.
std::array<double, 5> expectedWorkOf(KernelOp kernel,
                                     const EstimateAssumptions &assume);

} // namespace octo::spatial

#endif // OCTO_DIALECT_OCTO_TRANSFORMS_KERNELVARIANTS_H
