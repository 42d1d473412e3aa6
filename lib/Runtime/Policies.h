//===- Policies.h - The policies of the library -----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the built-in policies share.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_POLICIES_H
#define OCTO_LIB_RUNTIME_POLICIES_H

#include "octo/Runtime/Policy.h"

namespace octo {

/// The `count` lowest PEAs of a set that has as many.
inline PeaMask lowestPeas(PeaMask peas, uint32_t count) {
  PeaMask result = 0;
  for (; count && peas; --count) {
    PeaMask lowest = peas & -peas;
    result |= lowest;
    peas ^= lowest;
  }
  return result;
}

std::unique_ptr<Policy> makeOctopusPolicy(const PolicyOptions &options);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_POLICIES_H
