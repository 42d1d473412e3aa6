//===- HostMemory.cpp - Whether the records of a run fit ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostMemory.h"

#include "octo/Target/Capacity.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

using namespace octo;

/// What the kernel could give before it ends a process: pages that are free or
/// can be freed, and swap. All memory of the host where it does not say.
static uint64_t freeOnHost() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  uint64_t kib = 0, free = 0;
  bool known = false;
  while (file >> key >> kib && std::getline(file, unit)) {
    if (key == "MemAvailable:" || key == "SwapFree:")
      free += kib << 10;
    known |= key == "MemAvailable:";
  }
  return known ? free
               : uint64_t(sysconf(_SC_PHYS_PAGES)) *
                     uint64_t(sysconf(_SC_PAGE_SIZE));
}

/// The limit of the container or of the shell, where there is one.
static uint64_t limitOfProcess() {
  uint64_t limit = std::numeric_limits<uint64_t>::max(), group = 0;
  if (std::ifstream file("/sys/fs/cgroup/memory.max"); file >> group)
    limit = group;
  rlimit space{};
  if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    limit = std::min<uint64_t>(limit, space.rlim_cur);
  return limit;
}

uint64_t octo::memoryLeft() { return std::min(freeOnHost(), limitOfProcess()); }

Expected<void> octo::checkRequestMemory(uint64_t requests, uint64_t bytesEach) {
  if (requests > mostRequests)
    return makeError("the run has {} requests; there may be up to {}", requests,
                     mostRequests);
  const uint64_t need = requests * bytesEach;
  // Few requests are not worth a look at the host.
  if (need < uint64_t(64) << 20)
    return {};
  if (const uint64_t budget = memoryLeft(); need > budget)
    return makeError("there is not enough memory for the run: the records of "
                     "{} requests need {} ({} bytes each), and {} are left; "
                     "give it at most {} requests",
                     requests, formatBytes(need), bytesEach,
                     formatBytes(budget), budget / bytesEach);
  return {};
}
