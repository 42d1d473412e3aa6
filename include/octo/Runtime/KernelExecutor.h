//===- KernelExecutor.h - How the simulator runs code -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface behind which the images of a program are executed. The
// simulator itself links no LLVM: the loader that implements this lives in a
// library of its own, and tests implement it with plain functions.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_KERNELEXECUTOR_H
#define OCTO_RUNTIME_KERNELEXECUTOR_H

#include "octo/Runtime/Tensor.h"
#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <span>

namespace octo {

class KernelExecutor {
public:
  virtual ~KernelExecutor();

  /// True if kernel `kernel` (an index of the program's kernel table) can be
  /// executed. The simulator asks once for each kernel, before the run starts.
  virtual bool hasKernel(uint32_t kernel) const = 0;

  /// Executes a kernel. `inputs` are in the order of its signature and must not
  /// be written, except those that are donated in the program *and* unique.
  /// Every element of `outputs` is to be set, with the element kind and rank of
  /// the signature. `counters` has the kernel's num_counters entries, all zero
  /// on entry. The error of a call is a trap: its message ("integer division by
  /// zero") becomes the reason why the request failed; it never ends the run.
  virtual Expected<void> call(uint32_t kernel, std::span<const Tensor> inputs,
                              std::span<Tensor> outputs,
                              std::span<int64_t> counters) = 0;
};

} // namespace octo

#endif // OCTO_RUNTIME_KERNELEXECUTOR_H
