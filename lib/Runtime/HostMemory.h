//===- HostMemory.h - Whether the records of a run fit ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A system that promises more memory than it has ends who uses it: what a run
// takes for each request is compared with what is left before it is taken.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_HOSTMEMORY_H
#define OCTO_LIB_RUNTIME_HOSTMEMORY_H

#include "octo/Runtime/RunResult.h"
#include "octo/Support/Diagnostic.h"

#include <cstdint>

namespace octo {

/// Requests are numbered in 32 bits.
constexpr uint64_t mostRequests = 0xffffffffu;

/// What a run keeps of each request, whatever it does: its record, its work and
/// path, and at the end its arrival among all others.
constexpr uint64_t leastRequestBytes = sizeof(RequestRecord) + 5 * 8;

/// Bytes that this process may still take.
uint64_t memoryLeft();

/// An error that names need and budget if so many requests do not fit.
Expected<void> checkRequestMemory(uint64_t requests,
                                  uint64_t bytesEach = leastRequestBytes);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_HOSTMEMORY_H
