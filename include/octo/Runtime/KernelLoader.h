//===- KernelLoader.h - The code loader, opened on demand -------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Images are executed by the shared library OctoKernels, which links LLVM.
// Programs that simulate open it when code is to run and not before, so that
// they start in milliseconds.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_KERNELLOADER_H
#define OCTO_RUNTIME_KERNELLOADER_H

#include "octo/Runtime/KernelExecutor.h"
#include "octo/Support/Diagnostic.h"

#include <memory>
#include <string>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// What the library OctoKernels exports as `octoCreateKernelExecutor`: an
/// executor for the images of `program`, which must outlive it. On failure
/// returns null and sets `error` to a message (without "error:").
using CreateKernelExecutor = KernelExecutor *(*)(const fb::Program &program,
                                                 std::string &error);
inline constexpr const char *createKernelExecutorSymbol =
    "octoCreateKernelExecutor";

/// Opens libOctoKernels.so, from beside this library or executable, from ../lib
/// next to it, or from where the dynamic linker looks, and makes an executor.
Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const fb::Program &program);

} // namespace octo

#endif // OCTO_RUNTIME_KERNELLOADER_H
