//===- LowerKernels.h - Bodies of kernels become images ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass octo-lower-kernels: compiles the body of every octo.kernel and puts
// the object files into octo.image ops.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCODEGEN_LOWERKERNELS_H
#define OCTO_KERNELCODEGEN_LOWERKERNELS_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace octo {

struct LowerKernelsOptions {
  /// As resolveKernelTarget takes it.
  std::string kernelCpu = "portable";
  /// 2: optimised; 0: quick to compile.
  unsigned kernelOpt = 2;
  /// Folder of the kernel cache, and what it keeps (see KernelCache); "": none.
  std::string cache;
  std::string cachePolicy;
  /// Most threads to compile on; 0: those of this machine.
  unsigned threads = 0;
};

/// For every kernel of kind `image` with a body and no image yet: compiles the
/// function `body` (with the functions it calls and the counters of its
/// data-dependent loops), refers to the octo.image with the object, and drops
/// the reference to the body. Kernels with equal code share an image. Functions
/// that nothing refers to any more are erased. Errors are emitted at the
/// kernel.
std::unique_ptr<mlir::Pass>
createLowerKernelsPass(const LowerKernelsOptions &options = {});

/// Registers octo-lower-kernels, and the pipeline octo-kernel-to-llvm with its
/// steps.
void registerKernelPasses();

} // namespace octo

#endif // OCTO_KERNELCODEGEN_LOWERKERNELS_H
