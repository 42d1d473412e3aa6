//===- target.cpp - Any text as a target file -----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Target/TargetDesc.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace octo;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Expected<TargetDesc> target =
      parseTarget({reinterpret_cast<const char *>(data), size}, "fuzz");
  if (!target)
    return 0;
  // What can be read can be written, and says the same then.
  std::string text = writeTarget(*target);
  Expected<TargetDesc> again = parseTarget(text, "written");
  if (!again || writeTarget(*again) != text)
    std::abort();
  return 0;
}
