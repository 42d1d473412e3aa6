//===- scenario.cpp - Any text as a scenario file -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/ScenarioReader.h"

#include <cstddef>
#include <cstdint>

using namespace octo;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<WorkflowSignature> workflows = {
      {"main",
       {{"x", ElementKind::F32, false, {-1, 4}},
        {"n", ElementKind::I64, true, {}}},
       {{"y", ElementKind::F32, false, {4}}}},
      {"other", {}, {}}};
  // Files that it names are looked for where there are none.
  (void)parseScenario({reinterpret_cast<const char *>(data), size}, "fuzz",
                      "/there/is/nothing", workflows);
  return 0;
}
