//===- KernelFixture.h - Compile, load and call a kernel --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of kernels share.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_KERNELS_KERNELFIXTURE_H
#define OCTO_TEST_UNIT_KERNELS_KERNELFIXTURE_H

#include "octo-c/Kernel.h"
#include "octo/KernelCodegen/KernelCodegen.h"
#include "octo/KernelLoader/KernelLoader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

namespace octo::test {

using Type = KernelValueType;

inline KernelTarget portable() {
  std::string error;
  return *resolveKernelTarget("portable", 2, error);
}

inline KernelImage compile(const std::string &module) {
  std::vector<KernelSource> sources = {{"test", module}};
  return compileKernels(sources, portable(), 1)[0];
}

inline Type tensor(ElementKind element, std::vector<int64_t> dims) {
  return {element, false, std::move(dims)};
}
inline Type scalar(ElementKind element) { return {element, true, {}}; }

inline Expected<std::unique_ptr<KernelExecutor>>
load(const KernelCode &code, const std::string &cpu, KernelLimits limits = {}) {
  std::string error;
  std::unique_ptr<KernelExecutor> executor(
      octoCreateExecutorOfKernels({code}, cpu, limits, error));
  if (!executor)
    return makeError("{}", error);
  return executor;
}

/// A compiled and loaded kernel.
struct Kernel {
  KernelImage image;
  KernelCode code;
  std::unique_ptr<KernelExecutor> executor;
  std::vector<int64_t> counters;

  Kernel(const std::string &module, std::vector<Type> inputs,
         std::vector<Type> outputs, unsigned numCounters = 0,
         uint64_t donated = 0, KernelLimits limits = {})
      : image(compile(module)), counters(numCounters) {
    for (const std::string &error : image.errors)
      ADD_FAILURE() << error;
    code.name = "test";
    code.object = reinterpret_cast<const uint8_t *>(image.object.data());
    code.objectBytes = image.object.size();
    code.symbol = OCTO_KERNEL_SYMBOL;
    code.inputs = std::move(inputs);
    code.outputs = std::move(outputs);
    code.numCounters = numCounters;
    code.donated = donated;
    Expected<std::unique_ptr<KernelExecutor>> loaded =
        load(code, portable().cpu, limits);
    if (loaded)
      executor = std::move(*loaded);
    else
      ADD_FAILURE() << loaded.error().str();
  }

  /// Empty on success, else the message of the trap.
  std::string call(const std::vector<Tensor> &inputs,
                   std::vector<Tensor> &outputs) {
    outputs.assign(code.outputs.size(), Tensor());
    std::fill(counters.begin(), counters.end(), 0);
    Expected<void> done = executor->call(0, inputs, outputs, counters);
    return done ? "" : done.error().message;
  }
};

template <class T>
Tensor make(ElementKind kind, std::vector<int64_t> dims,
            const std::vector<T> &values) {
  Tensor tensor = Tensor::allocate(kind, std::move(dims));
  std::copy(values.begin(), values.end(), tensor.as<T>());
  return tensor;
}

template <class T>
std::vector<T> values(const Tensor &tensor) {
  return {tensor.as<T>(), tensor.as<T>() + tensor.numElements()};
}

inline constexpr ElementKind f32 = ElementKind::F32;
inline constexpr ElementKind i32 = ElementKind::I32;

} // namespace octo::test

#endif // OCTO_TEST_UNIT_KERNELS_KERNELFIXTURE_H
