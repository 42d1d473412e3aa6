//===- arrays.cpp - Any bytes as an .npy or .npz file ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Npy.h"
#include "octo/Runtime/ScenarioReader.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace octo;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (Expected<Tensor> tensor =
          parseNpy(std::as_bytes(std::span(data, size)), "fuzz")) {
    // What can be read can be written, and says the same then.
    std::string bytes = formatNpy(*tensor);
    Expected<Tensor> again =
        parseNpy(std::as_bytes(std::span(bytes)), "written");
    if (!again || formatNpy(*again) != bytes)
      std::abort();
    // Of its kind, so that only the shape decides whether it is one item, many
    // or none.
    for (const std::vector<int64_t> &dims :
         {std::vector<int64_t>{}, {-1}, {-1, -1}})
      (void)splitItems(*tensor, {"x", tensor->kind(), false, dims}, "fuzz");
  }
  int file = memfd_create("fuzz", 0);
  if (file < 0)
    return 0;
  if (write(file, data, size) == ssize_t(size))
    (void)readNpz("/proc/self/fd/" + std::to_string(file));
  close(file);
  return 0;
}
