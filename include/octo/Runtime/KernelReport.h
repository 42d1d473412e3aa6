//===- KernelReport.h - What kernels cost, and why --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `octo-run info --kernels`. The numbers are those that the simulator charges:
// both come from KernelCosts.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_KERNELREPORT_H
#define OCTO_RUNTIME_KERNELREPORT_H

#include <string>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// For people: per kernel its phases, then its variants with cycles, speed-up,
/// what bounds them, and why a gang is less than half as good as its size.
std::string formatKernels(const fb::Program &program);

/// The same as JSON; docs/timing-model.md tells the keys.
std::string formatKernelsJson(const fb::Program &program);

} // namespace octo

#endif // OCTO_RUNTIME_KERNELREPORT_H
