//===- kernels.cpp - Speed of compiled bodies -----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles bodies of tasks, runs them through the loader, and compares each
// with a peer: matrix products with a BLAS, a convolution and a softmax with
// code vectorised by hand (kernels_reference.cpp).
//
//   kernels-bench [--cpu=host|portable|...] [--runs=9] [--json=FILE]
//                 [--blas=FILE] [--keep=DIR]
//
// Runs of the two alternate; each pair gives one ratio, and the median is
// printed: time of the peer / time of the kernel, so 1 is as fast as the peer
// and more is faster. Times are CPU times of the one thread. The results of
// both are compared. Without --blas the usual names of OpenBLAS are tried;
// without any the products have no peer. Set OPENBLAS_NUM_THREADS=1, and
// OPENBLAS_CORETYPE where it takes the CPU for a lesser one.
//
//===----------------------------------------------------------------------===//

#include "kernels_reference.h"

#include "octo-c/Kernel.h"
#include "octo/KernelCodegen/KernelCodegen.h"
#include "octo/KernelLoader/KernelLoader.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace octo;

namespace {

using Sgemm = void (*)(int order, int transposeA, int transposeB, int m, int n,
                       int k, float alpha, const float *a, int lda,
                       const float *b, int ldb, float beta, float *c, int ldc);

Sgemm findBlas(const std::string &given) {
  std::vector<std::string> names = {given};
  if (given.empty())
    names = {"libopenblas.so.0", "libopenblas.so", "libcblas.so.3"};
  for (const std::string &name : names)
    if (void *library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL))
      if (void *symbol = dlsym(library, "cblas_sgemm"))
        return reinterpret_cast<Sgemm>(symbol);
  return nullptr;
}

struct Case {
  std::string name;
  std::string body;
  std::vector<std::vector<int64_t>> inputs;
  std::vector<int64_t> output;
  double work; // floating-point operations
  /// Null: there is no peer.
  std::function<void(const std::vector<Tensor> &, float *)> peer;
  unsigned counters = 0;
};

struct Result {
  std::string name;
  double seconds = 0;
  double peerSeconds = 0;
  double ratio = 0;
  double difference = 0; // largest, relative to the largest value
  double gigaflops = 0;
};

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "kernels-bench: %s\n", message.c_str());
  std::exit(1);
}

Tensor randomTensor(std::vector<int64_t> dims, uint32_t seed) {
  Tensor tensor = Tensor::allocate(ElementKind::F32, std::move(dims));
  uint32_t state = seed * 2654435761u + 1;
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    state = state * 1664525u + 1013904223u;
    tensor.as<float>()[i] = float(state >> 8) * 0x1p-23f - 1.0f;
  }
  return tensor;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Time of this thread, which the other work of the machine stretches least.
double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

template <class Code>
double secondsOf(Code code) {
  double start = threadSeconds();
  code();
  return threadSeconds() - start;
}

Result run(const Case &test, const KernelTarget &target, unsigned runs,
           const std::string &keep) {
  std::vector<KernelSource> sources = {{test.name, test.body}};
  KernelImage image = compileKernels(sources, target, 1)[0];
  if (!image.errors.empty())
    fail(test.name + ": " + image.errors[0]);
  if (!keep.empty()) {
    std::ofstream file(keep + "/" + test.name + ".o", std::ios::binary);
    if (!(file << image.object))
      fail("cannot write to " + keep);
  }
  KernelCode code;
  code.name = test.name;
  code.object = reinterpret_cast<const uint8_t *>(image.object.data());
  code.objectBytes = image.object.size();
  code.symbol = OCTO_KERNEL_SYMBOL;
  std::vector<Tensor> inputs;
  for (const std::vector<int64_t> &dims : test.inputs) {
    code.inputs.push_back({ElementKind::F32, false, dims});
    inputs.push_back(randomTensor(dims, uint32_t(inputs.size())));
  }
  code.outputs.push_back({ElementKind::F32, false, test.output});
  code.numCounters = test.counters;
  std::string error;
  std::unique_ptr<KernelExecutor> executor(
      octoCreateExecutorOfKernels({code}, target.cpu, KernelLimits(), error));
  if (!executor)
    fail(error);

  std::vector<Tensor> outputs(1);
  std::vector<int64_t> counters(test.counters);
  auto ours = [&] {
    outputs[0] = Tensor();
    Expected<void> done = executor->call(0, inputs, outputs, counters);
    if (!done)
      fail(test.name + ": " + done.error().message);
  };
  Tensor expected = Tensor::allocate(ElementKind::F32, test.output);
  auto theirs = [&] { test.peer(inputs, expected.as<float>()); };

  Result result;
  result.name = test.name;
  // Short cases run several times a measurement.
  ours();
  unsigned repeat = std::clamp<unsigned>(
      unsigned(0.02 / std::max(secondsOf(ours), 1e-6)), 1, 1000);
  if (test.peer) {
    theirs();
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < expected.numElements(); ++i) {
      largest = std::max(largest, std::abs(double(expected.as<float>()[i])));
      difference =
          std::max(difference, std::abs(double(outputs[0].as<float>()[i]) -
                                        double(expected.as<float>()[i])));
    }
    result.difference = difference / largest;
    if (!(result.difference < 1e-4))
      fail(test.name + ": the results differ from those of the peer");
  }
  std::vector<double> own, other, ratios;
  for (unsigned i = 0; i < runs; ++i) {
    own.push_back(secondsOf([&] {
                    for (unsigned j = 0; j < repeat; ++j)
                      ours();
                  }) /
                  repeat);
    if (!test.peer)
      continue;
    other.push_back(secondsOf([&] {
                      for (unsigned j = 0; j < repeat; ++j)
                        theirs();
                    }) /
                    repeat);
    ratios.push_back(other.back() / own.back());
  }
  result.seconds = median(own);
  result.gigaflops = test.work / result.seconds * 1e-9;
  if (test.peer) {
    result.peerSeconds = median(other);
    result.ratio = median(ratios);
  }
  return result;
}

std::string tensorType(const std::vector<int64_t> &dims) {
  std::string text = "tensor<";
  for (int64_t dim : dims)
    text += std::to_string(dim) + "x";
  return text + "f32>";
}

/// a: m x k, b: k x n or, `transposed`, n x k.
Case product(int64_t m, int64_t n, int64_t k, bool transposed, Sgemm sgemm) {
  std::vector<int64_t> shapeB = {k, n};
  std::string maps;
  if (transposed) {
    shapeB = {n, k};
    maps = " indexing_maps = [affine_map<(m, n, k) -> (m, k)>, "
           "affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]";
  }
  std::string a = tensorType({m, k}), b = tensorType(shapeB),
              c = tensorType({m, n});
  std::string body = "func.func @k(%a: " + a + ", %b: " + b + ") -> " + c +
                     " {\n%zero = arith.constant 0.0 : f32\n"
                     "%e = tensor.empty() : " +
                     c + "\n%f = linalg.fill ins(%zero : f32) outs(%e : " + c +
                     ") -> " + c + "\n%c = linalg.matmul" + maps +
                     " ins(%a, %b : " + a + ", " + b + ") outs(%f : " + c +
                     ") -> " + c + "\nreturn %c : " + c + " }";
  std::function<void(const std::vector<Tensor> &, float *)> peer;
  if (sgemm)
    peer = [=](const std::vector<Tensor> &inputs, float *out) {
      // Row major; the left operand as it is.
      sgemm(101, 111, transposed ? 112 : 111, int(m), int(n), int(k), 1,
            inputs[0].as<float>(), int(k), inputs[1].as<float>(),
            int(transposed ? k : n), 0, out, int(n));
    };
  std::string name = "matmul-" + std::to_string(m) + "x" + std::to_string(n) +
                     "x" + std::to_string(k) + (transposed ? "-bt" : "");
  return {name,
          body,
          {{m, k}, shapeB},
          {m, n},
          2.0 * double(m) * double(n) * double(k),
          peer};
}

Case convolution() {
  return {"conv-3x3-56x56x64-64",
          R"(func.func @k(%i: tensor<1x58x58x64xf32>, %w: tensor<3x3x64x64xf32>)
                 -> tensor<1x56x56x64xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1x56x56x64xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x56x56x64xf32>)
           -> tensor<1x56x56x64xf32>
    %c = linalg.conv_2d_nhwc_hwcf
           ins(%i, %w : tensor<1x58x58x64xf32>, tensor<3x3x64x64xf32>)
           outs(%f : tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32>
    return %c : tensor<1x56x56x64xf32> })",
          {{1, 58, 58, 64}, {3, 3, 64, 64}},
          {1, 56, 56, 64},
          2.0 * 56 * 56 * 64 * 64 * 9,
          [](const std::vector<Tensor> &inputs, float *out) {
            referenceConvolution(inputs[0].as<float>(), inputs[1].as<float>(),
                                 out);
          }};
}

Case softmax() {
  return {"softmax-1024x1024",
          R"(func.func @k(%x: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
    %e = tensor.empty() : tensor<1024x1024xf32>
    %s = linalg.softmax dimension(1) ins(%x : tensor<1024x1024xf32>)
           outs(%e : tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    return %s : tensor<1024x1024xf32> })",
          {{1024, 1024}},
          {1024, 1024},
          5.0 * 1024 * 1024,
          [](const std::vector<Tensor> &inputs, float *out) {
            referenceSoftmax(inputs[0].as<float>(), out, 1024, 1024);
          }};
}

/// A loop whose trips data decides, with or without the counter of its work.
Case loop(int64_t n, bool counted) {
  std::string type = tensorType({n});
  return {"loop-" + std::to_string(n),
          "func.func @k(%x: " + type + ") -> " + type +
              " {\n"
              "  %zero = arith.constant 0 : index\n"
              "  %one = arith.constant 1 : index\n"
              "  %trips = arith.constant 2000 : index\n"
              "  %a = arith.constant dense<0.9> : " +
              type + "\n  %b = arith.constant dense<0.1> : " + type +
              "\n  %r:2 = scf.while (%v = %x, %i = %zero) : (" + type +
              ", index) -> (" + type +
              ", index) {\n"
              "    %go = arith.cmpi slt, %i, %trips : index\n"
              "    scf.condition(%go) %v, %i : " +
              type +
              ", index\n"
              "  } do {\n"
              "  ^bb0(%v: " +
              type +
              ", %i: index):\n"
              "    %m = arith.mulf %v, %a : " +
              type + "\n    %s = arith.addf %m, %b : " + type +
              "\n    %j = arith.addi %i, %one : index\n"
              "    scf.yield %s, %j : " +
              type + ", index\n  }" +
              (counted ? " attributes {octo.counter = 0}" : "") +
              "\n  return %r#0 : " + type + "\n}\n",
          {{n}},
          {n},
          4000.0 * double(n),
          nullptr,
          counted ? 1u : 0u};
}

} // namespace

int main(int argc, char **argv) {
  std::string cpu = "host", json, blas, keep;
  unsigned runs = 9;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    auto take = [&](const char *name, std::string &value) {
      if (argument.rfind(name, 0) != 0)
        return false;
      value = argument.substr(std::string(name).size());
      return true;
    };
    std::string number;
    if (take("--cpu=", cpu) || take("--json=", json) || take("--blas=", blas) ||
        take("--keep=", keep))
      continue;
    if (take("--runs=", number) && std::atoi(number.c_str()) > 0) {
      runs = unsigned(std::atoi(number.c_str()));
      continue;
    }
    std::fprintf(stderr,
                 "usage: kernels-bench [--cpu=host|portable|CPU] [--runs=N] "
                 "[--json=FILE] [--blas=FILE] [--keep=DIR]\n");
    return 2;
  }
  std::string error;
  mlir::FailureOr<KernelTarget> target = resolveKernelTarget(cpu, 2, error);
  if (mlir::failed(target))
    fail(error);
  Sgemm sgemm = findBlas(blas);
  if (!sgemm) {
    if (!blas.empty())
      fail(blas + " has no cblas_sgemm");
    std::printf("no BLAS found, so matrix products have no peer; install "
                "libopenblas0-pthread or give --blas=FILE\n");
  }

  std::vector<Result> results;
  std::printf("%-24s %10s %10s %10s %8s %12s\n", "kernel", "ms", "GFLOP/s",
              "peer ms", "ratio", "difference");
  for (const Case &test :
       {product(512, 512, 512, false, sgemm),
        product(1024, 1024, 1024, false, sgemm),
        product(509, 509, 509, false, sgemm),
        product(512, 512, 512, true, sgemm),
        product(32, 2048, 1024, false, sgemm),
        product(1, 2048, 1024, false, sgemm),
        product(1, 2048, 1024, true, sgemm), convolution(), softmax()}) {
    results.push_back(run(test, *target, runs, keep));
    const Result &r = results.back();
    if (test.peer)
      std::printf("%-24s %10.3f %10.1f %10.3f %8.2f %12.1e\n", r.name.c_str(),
                  r.seconds * 1e3, r.gigaflops, r.peerSeconds * 1e3, r.ratio,
                  r.difference);
    else
      std::printf("%-24s %10.3f %10.1f %10s %8s %12s\n", r.name.c_str(),
                  r.seconds * 1e3, r.gigaflops, "-", "-", "-");
    std::fflush(stdout);
  }
  std::printf("\ncounting the work of a loop costs\n");
  for (int64_t n : {64, 1024}) {
    double plain = run(loop(n, false), *target, runs, keep).seconds;
    double counted = run(loop(n, true), *target, runs, keep).seconds;
    std::printf("  %+.2f %% with %lld elements an iteration\n",
                100 * (counted / plain - 1), static_cast<long long>(n));
  }
  if (json.empty())
    return 0;
  FILE *file = std::fopen(json.c_str(), "w");
  if (!file)
    fail("cannot write " + json);
  std::fprintf(file, "{\"cpu\": \"%s\", \"runs\": %u, \"kernels\": [",
               target->cpu.c_str(), runs);
  for (size_t i = 0; i < results.size(); ++i) {
    const Result &r = results[i];
    std::fprintf(file,
                 "%s\n  {\"name\": \"%s\", \"seconds\": %.9g, \"gflops\": %.6g",
                 i ? "," : "", r.name.c_str(), r.seconds, r.gigaflops);
    if (r.peerSeconds > 0)
      std::fprintf(file,
                   ", \"peer_seconds\": %.9g, \"ratio\": %.6g, "
                   "\"difference\": %.3g",
                   r.peerSeconds, r.ratio, r.difference);
    std::fprintf(file, "}");
  }
  std::fprintf(file, "\n]}\n");
  std::fclose(file);
  return 0;
}
