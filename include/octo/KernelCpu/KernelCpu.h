//===- KernelCpu.h - CPUs that kernels run on -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler may use of this host, and what the loader wants of it.
// Links LLVM, not MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_KERNELCPU_KERNELCPU_H
#define OCTO_KERNELCPU_KERNELCPU_H

#include "octo/Support/Diagnostic.h"

#include <string>
#include <vector>

namespace octo {

/// What this host lacks of `cpu`, a name of LLVM's, as far as code that
/// computes may use it: names of features. Features of whole systems do not
/// count; virtual machines hide many. Of a program without images, whose CPU is
/// "", nothing. An error if LLVM knows no such CPU here.
Expected<std::vector<std::string>> missingFeatures(const std::string &cpu);

/// The best CPU of which this host lacks nothing: its own, or else the highest
/// level of x86-64.
std::string hostCpu();

} // namespace octo

#endif // OCTO_KERNELCPU_KERNELCPU_H
