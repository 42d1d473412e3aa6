//===- KernelLoader.h - Runs the images of a program ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads the code of a program into this process. The loader proper links LLVM
// and is a shared library, libOctoKernels.so, which loadKernelExecutor opens on
// demand; what links OctoKernelLoader links no LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELLOADER_KERNELLOADER_H
#define OCTO_KERNELLOADER_KERNELLOADER_H

#include "octo/Runtime/KernelExecutor.h"
#include "octo/Support/Diagnostic.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// What a kernel takes and returns.
struct KernelValueType {
  ElementKind element = ElementKind::F32;
  bool scalar = false;
  std::vector<int64_t> dims; // -1: any size
};

/// A kernel to load. `object` is borrowed until the executor is made.
struct KernelCode {
  std::string name;                // for messages
  const uint8_t *object = nullptr; // null: the kernel has no code
  size_t objectBytes = 0;
  std::string symbol;
  std::vector<KernelValueType> inputs;
  std::vector<KernelValueType> outputs;
  unsigned numCounters = 0;
  uint64_t donated = 0; // bit i: input i may be overwritten
};

/// Limits of one call.
struct KernelLimits {
  /// Bytes that a call may hold at a time; 0: the memory of this machine.
  uint64_t bytes = 0;
  /// Iterations of data-dependent loops; see OctoKernelCall.
  int64_t fuel = int64_t(1) << 36;
};

/// The kernels of `program` that are images. `program` is to have passed the
/// validator. An executor may be used by several threads at once. Fails when
/// libOctoKernels.so cannot be opened, when this CPU lacks a feature that the
/// images were compiled for, or when an image is no object file for this host
/// or imports what kernels may not.
Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const fb::Program &program, const KernelLimits &limits = {});

/// The same for kernels that are in no program. `cpu` is what they were
/// compiled for.
Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const std::vector<KernelCode> &kernels,
                   const std::string &cpu, const KernelLimits &limits = {});

/// The entry point of libOctoKernels.so: null and `error` on failure.
using CreateKernelExecutorFunction = KernelExecutor *(
    const std::vector<KernelCode> &kernels, const std::string &cpu,
    const KernelLimits &limits, std::string &error);
inline constexpr const char *createKernelExecutorName =
    "octoCreateKernelExecutor";

} // namespace octo

#endif // OCTO_KERNELLOADER_KERNELLOADER_H
