//===- KernelLoader.h - Runs the images of a program ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executors for the code of a program. The loader proper is the shared library
// libOctoKernels.so, the only part of the runtime that links LLVM; programs
// that simulate open it when code is to run and not before, so that they start
// in milliseconds. They link OctoKernelLoader, which opens it.
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

/// A kernel to load. `object` outlives the executor.
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

/// Opens libOctoKernels.so, from beside this library or executable, from ../lib
/// or ../../lib next to it, or from where the dynamic linker looks, and makes
/// an executor with octoCreateKernelExecutor.
Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const fb::Program &program);

} // namespace octo

// What libOctoKernels.so exports.
extern "C" {

/// An executor for the kernels of `program` that have images; `program` has
/// passed the validator and outlives the executor. Executors may be used by
/// several threads at once. Returns null and sets `error` when this CPU lacks a
/// feature that the images were compiled for, or when an image is no object
/// file for this host or imports what kernels may not.
octo::KernelExecutor *octoCreateKernelExecutor(const octo::fb::Program &program,
                                               std::string &error);

/// The same for kernels that are in no program, with limits. `cpu` is what they
/// were compiled for; empty: nothing is checked.
octo::KernelExecutor *octoCreateExecutorOfKernels(
    const std::vector<octo::KernelCode> &kernels, const std::string &cpu,
    const octo::KernelLimits &limits, std::string &error);
}

#endif // OCTO_KERNELLOADER_KERNELLOADER_H
