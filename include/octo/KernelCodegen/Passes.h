//===- Passes.h - Passes on kernels -----------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes of Passes.td, and the pipeline of their steps.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCODEGEN_PASSES_H
#define OCTO_KERNELCODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace octo {

#define GEN_PASS_DECL
#include "octo/KernelCodegen/Passes.h.inc"

/// Registers octo-lower-kernels, and the pipeline octo-kernel-to-llvm with its
/// steps.
void registerKernelPasses();

} // namespace octo

#endif // OCTO_KERNELCODEGEN_PASSES_H
