//===- InitAllPasses.h - Registration of all passes -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers the passes and pipelines of Octopus, for tools and for other
// compilers that embed it. The passes of MLIR are registered by the caller.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_INITALLPASSES_H
#define OCTO_INITALLPASSES_H

#include "octo/Compiler/Pipelines.h"
#include "octo/Conversion/Passes.h"
#include "octo/Dialect/OWG/Transforms/Passes.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/KernelCodegen/Passes.h"

namespace octo {

inline void registerAllPasses() {
  owg::registerOWGPasses();
  registerOctoConversionPasses();
  registerKernelPasses();
  spatial::registerOctoPasses();
  registerOctoPipelines();
}

} // namespace octo

#endif // OCTO_INITALLPASSES_H
