//===- run.cpp - Runs a program with the simulator ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime floor: no header of MLIR or LLVM, and neither is linked. A
// Session is a program that has passed every check; errors are values with a
// place.
//
//===----------------------------------------------------------------------===//

#include "run.h"

#include <algorithm>
#include <cstdio>

static int fail(const octo::Diagnostic &error) {
  std::fprintf(stderr, "%s\n", error.str().c_str());
  return 1;
}

int runAndPrint(octo::Expected<std::unique_ptr<octo::Session>> session) {
  if (!session)
    return fail(session.error());

  // An array with one more dimension than the argument has one item a request.
  constexpr float inputs[] = {2, 3, 4, 5, 0.5, 1, 1.5, 2};
  octo::Tensor x = octo::Tensor::allocate(octo::ElementKind::F32, {2, 4});
  std::copy(std::begin(inputs), std::end(inputs), x.as<float>());

  octo::RunRequest request;
  request.requests = 2;
  request.inputArrays = {{"x", x}};
  request.keepOutputs = true;
  octo::Expected<octo::SimulationOptions> options =
      (*session)->prepare(request);
  if (!options)
    return fail(options.error());

  octo::Expected<octo::RunResult> result = (*session)->run(*options);
  if (!result)
    return fail(result.error());

  for (size_t i = 0; i < result->requests.size(); ++i) {
    const octo::RequestRecord &record = result->requests[i];
    if (record.failed || result->outputs[i].empty()) {
      std::fprintf(stderr, "request %zu failed\n", i);
      return 1;
    }
    const octo::Tensor &y = result->outputs[i].front();
    std::printf("request %zu:", i);
    for (int64_t e = 0; e < y.numElements(); ++e)
      std::printf(" %g", y.as<float>()[e]);
    std::printf("   (%llu cycles)\n", static_cast<unsigned long long>(
                                          record.finished - record.arrival));
  }
  std::printf("%s in %llu cycles on %llu PEAs\n", result->policy.c_str(),
              static_cast<unsigned long long>(result->makespanCycles),
              static_cast<unsigned long long>(result->totalPeas));
  return 0;
}
