//===- kernel_rates.cpp - How many kernels a second -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes distinct small tasks (3 to 6 operations of linalg and arith) and says
// how many a second are compiled in each tier, taken from the cache, loaded and
// called. Every kernel is called once and its result compared with that of the
// other tier.
//
//   kernel-rates-bench [--kernels N] [--threads N] [--json] [--print]
//
//===----------------------------------------------------------------------===//

#include "octo-c/Kernel.h"
#include "octo/KernelCodegen/KernelCache.h"
#include "octo/KernelLoader/KernelLoader.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

using namespace octo;

namespace {

struct Task {
  std::string module;
  std::vector<KernelValueType> inputs;
  KernelValueType output;
};

/// Task number `i`: a chain of operations that only this number has, on two
/// matrices.
Task makeTask(uint64_t i) {
  uint64_t state = i * 0x9e3779b97f4a7c15ull + 1;
  auto pick = [&](uint64_t n) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (state >> 33) % n;
  };
  int64_t m = 8 + int64_t(pick(57)), n = 8 + int64_t(pick(57));
  auto shape = [](int64_t rows, int64_t columns) {
    return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) +
           "xf32>";
  };
  std::string a = shape(m, n);
  std::string text = "func.func @kernel(%x0: " + a + ", %w: " + a + ") -> ";
  std::string body;
  // What makes it the only one of its kind.
  body += "  %k = arith.constant dense<" +
          std::to_string(double(i) / 1024 + 1) + "> : " + a +
          "\n  %zero = arith.constant 0.0 : f32\n";
  std::string value = "%x0";
  unsigned number = 0;
  auto emit = [&](const std::string &code, const std::string &type) {
    std::string name = "%v" + std::to_string(++number);
    body += "  " + name + " = " + code + " : " + type + "\n";
    value = name;
  };
  auto emitLinalg = [&](const std::string &op, const std::string &ins,
                        const std::string &insTypes, const std::string &out) {
    std::string name = "%v" + std::to_string(++number);
    body += "  %e" + name.substr(1) + " = tensor.empty() : " + out + "\n";
    body += "  %f" + name.substr(1) +
            " = linalg.fill ins(%zero : f32) outs(%e" + name.substr(1) + " : " +
            out + ") -> " + out + "\n";
    body += "  " + name + " = " + op + " ins(" + ins + " : " + insTypes +
            ") outs(%f" + name.substr(1) + " : " + out + ") -> " + out + "\n";
    value = name;
  };
  emit("arith.mulf " + value + ", %k", a);
  for (unsigned ops = 1 + unsigned(pick(4)); ops > 0; --ops)
    switch (pick(5)) {
    case 0:
      emit("arith.addf " + value + ", %w", a);
      break;
    case 1:
      emit("math.tanh " + value, a);
      break;
    case 2:
      emit("arith.maximumf " + value + ", %w", a);
      break;
    case 3:
      emitLinalg("linalg.sub", value + ", %w", a + ", " + a, a);
      break;
    default:
      emitLinalg("linalg.mul", value + ", %w", a + ", " + a, a);
      break;
    }
  std::string result = a;
  KernelValueType output{ElementKind::F32, false, {m, n}};
  if (pick(2)) {
    // x * transposed(w)
    result = shape(m, m);
    output.dims = {m, m};
    std::string t = shape(n, m);
    body += "  %te = tensor.empty() : " + t + "\n";
    body += "  %t = linalg.transpose ins(%w : " + a + ") outs(%te : " + t +
            ") permutation = [1, 0]\n";
    emitLinalg("linalg.matmul", value + ", %t", a + ", " + t, result);
  } else {
    result = "tensor<" + std::to_string(m) + "xf32>";
    output.dims = {m};
    body += "  %re = tensor.empty() : " + result + "\n";
    body += "  %rf = linalg.fill ins(%zero : f32) outs(%re : " + result +
            ") -> " + result + "\n";
    body += "  %r = linalg.reduce {arith.addf} ins(" + value + " : " + a +
            ") outs(%rf : " + result + ") dimensions = [1]\n";
    value = "%r";
  }
  text +=
      result + " {\n" + body + "  return " + value + " : " + result + "\n}\n";
  KernelValueType input{ElementKind::F32, false, {m, n}};
  return {text, {input, input}, output};
}

/// What a measured piece of work took.
struct Rate {
  std::string name;
  double wall = 0; // seconds
  double user = 0; // seconds of all threads
  unsigned count = 0;
  unsigned threads = 1;
  double wanted = 0; // a second

  double perSecond() const { return count / wall; }
  /// What the machine would give if nothing else ran on it.
  double perSecondOfUser() const { return count / user * threads; }
};

double userSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval &t) {
    return double(t.tv_sec) + double(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Rate measure(std::string name, unsigned count, unsigned threads, double wanted,
             const std::function<void()> &work) {
  double user = userSeconds();
  auto begin = std::chrono::steady_clock::now();
  work();
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {std::move(name), wall.count(), userSeconds() - user,
          count,           threads,      wanted};
}

[[noreturn]] void fail(const std::string &message) {
  std::fprintf(stderr, "kernel-rates-bench: error: %s\n", message.c_str());
  std::exit(1);
}

std::unique_ptr<KernelExecutor> load(const std::vector<Task> &tasks,
                                     const std::vector<KernelImage> &images,
                                     const KernelTarget &target) {
  std::vector<KernelCode> codes(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    codes[i].name = "task" + std::to_string(i);
    codes[i].object =
        reinterpret_cast<const uint8_t *>(images[i].object.data());
    codes[i].objectBytes = images[i].object.size();
    codes[i].symbol = OCTO_KERNEL_SYMBOL;
    codes[i].inputs = tasks[i].inputs;
    codes[i].outputs = {tasks[i].output};
  }
  std::string error;
  std::unique_ptr<KernelExecutor> executor(
      octoCreateExecutorOfKernels(codes, target.cpu, {}, error));
  if (!executor)
    fail(error);
  return executor;
}

std::vector<Tensor> call(KernelExecutor &executor,
                         const std::vector<Task> &tasks) {
  std::vector<Tensor> results(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    std::vector<Tensor> inputs, outputs(1);
    for (const KernelValueType &type : tasks[i].inputs) {
      Tensor tensor = Tensor::allocate(type.element, type.dims);
      for (int64_t e = 0; e < tensor.numElements(); ++e)
        tensor.as<float>()[e] =
            0.01f * float((e * 7 + int64_t(inputs.size()) * 13) % 101 - 50);
      inputs.push_back(std::move(tensor));
    }
    Expected<void> done =
        executor.call(static_cast<uint32_t>(i), inputs, outputs, {});
    if (!done)
      fail("task " + std::to_string(i) + ": " + done.error().message);
    results[i] = std::move(outputs[0]);
  }
  return results;
}

/// Calls of a kernel that does nothing but return a scalar.
Rate emptyCalls(const KernelTarget &target) {
  std::vector<KernelSource> source = {
      {"empty", "func.func @k(%a: i64) -> i64 { return %a : i64 }"}};
  std::vector<KernelImage> images = compileKernels(source, target, 1);
  for (const std::string &message : images[0].errors)
    fail(message);
  KernelValueType type{ElementKind::I64, true, {}};
  std::unique_ptr<KernelExecutor> executor =
      load({{source[0].module, {type}, type}}, images, target);
  std::vector<Tensor> inputs = {Tensor::scalar<int64_t>(ElementKind::I64, 7)},
                      outputs(1);
  constexpr unsigned count = 1000000;
  return measure("calls of an empty kernel", count, 1, 1e6, [&] {
    for (unsigned i = 0; i < count; ++i)
      if (!executor->call(0, inputs, outputs, {}))
        fail("the empty kernel failed");
  });
}

} // namespace

int main(int argc, char **argv) {
  unsigned count = 1000, threads = std::thread::hardware_concurrency();
  bool json = false, print = false;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    auto number = [&] {
      char *end = nullptr;
      unsigned long value =
          i + 1 < argc ? std::strtoul(argv[++i], &end, 10) : 0;
      if (!end || *end || value == 0 || value > 1000000)
        fail(flag + " needs a number from 1 to 1000000");
      return static_cast<unsigned>(value);
    };
    if (flag == "--kernels")
      count = number();
    else if (flag == "--threads")
      threads = number();
    else if (flag == "--json")
      json = true;
    else if (flag == "--print")
      print = true;
    else
      fail("unknown option '" + flag +
           "'; there are --kernels N, --threads N, --json and --print");
  }

  std::vector<Task> tasks;
  std::vector<KernelSource> sources;
  for (unsigned i = 0; i < count; ++i) {
    tasks.push_back(makeTask(i));
    sources.push_back({"task" + std::to_string(i), tasks.back().module});
    if (print)
      std::puts(tasks.back().module.c_str());
  }
  if (print)
    return 0;

  std::vector<Rate> rates;
  std::vector<Tensor> reference;
  for (unsigned tier : {2u, 0u}) {
    std::string error;
    mlir::FailureOr<KernelTarget> target =
        resolveKernelTarget("portable", tier, error);
    if (mlir::failed(target))
      fail(error);
    std::vector<KernelImage> images;
    const char *names[] = {"quick", "", "optimised"};
    rates.push_back(measure(
        std::string("compile, ") + names[tier], count, threads, tier ? 40 : 150,
        [&] { images = compileKernels(sources, *target, threads); }));
    size_t bytes = 0;
    for (const KernelImage &image : images) {
      for (const std::string &message : image.errors)
        fail(message);
      bytes += image.object.size();
    }
    std::fprintf(stderr, "%s: %zu bytes an object\n", names[tier],
                 bytes / count);
    // A folder of its own, which is empty before and gone after.
    std::string folder =
        (std::filesystem::temp_directory_path() / "kernel-rates-XXXXXX")
            .string();
    if (!mkdtemp(folder.data()))
      fail("cannot make a folder for the cache: " + folder);
    std::unique_ptr<KernelCache> cache = KernelCache::open(folder, "", error);
    if (!cache)
      fail(error);
    for (unsigned i = 0; i < count; ++i)
      cache->write(KernelCache::key(sources[i].module, *target), images[i]);
    std::vector<KernelImage> cached;
    rates.push_back(measure(std::string("from the cache, ") + names[tier],
                            count, threads, 2000, [&] {
                              cached = compileKernels(sources, *target, threads,
                                                      cache.get());
                            }));
    for (unsigned i = 0; i < count; ++i)
      if (cached[i].object != images[i].object)
        fail("task " + std::to_string(i) + ": the cache has another object");
    std::filesystem::remove_all(folder);
    if (cache->getHits() != count)
      fail("only " + std::to_string(cache->getHits()) + " of " +
           std::to_string(count) + " kernels were in the cache");

    std::unique_ptr<KernelExecutor> executor;
    rates.push_back(measure(std::string("load, ") + names[tier], count, 1, 8000,
                            [&] { executor = load(tasks, images, *target); }));
    std::vector<Tensor> results;
    rates.push_back(measure(std::string("first call, ") + names[tier], count, 1,
                            0, [&] { results = call(*executor, tasks); }));
    if (tier)
      rates.push_back(emptyCalls(*target));
    if (reference.empty()) {
      reference = std::move(results);
      continue;
    }
    for (unsigned i = 0; i < count; ++i)
      for (int64_t e = 0; e < results[i].numElements(); ++e) {
        float a = reference[i].as<float>()[e], b = results[i].as<float>()[e];
        if (!(std::abs(a - b) <= 1e-4f * std::max(1.0f, std::abs(a))))
          fail("task " + std::to_string(i) + ": the tiers differ, " +
               std::to_string(a) + " and " + std::to_string(b));
      }
  }

  if (json) {
    std::printf("{\"kernels\": %u, \"threads\": %u, \"rates\": [", count,
                threads);
    const char *comma = "";
    for (const Rate &rate : rates) {
      std::printf("%s\n  {\"name\": \"%s\", \"wall_seconds\": %.6f, "
                  "\"cpu_seconds\": %.6f, \"per_second\": %.1f, "
                  "\"per_second_of_cpu\": %.1f, \"wanted\": %.0f}",
                  comma, rate.name.c_str(), rate.wall, rate.user,
                  rate.perSecond(), rate.perSecondOfUser(), rate.wanted);
      comma = ",";
    }
    std::printf("\n]}\n");
    return 0;
  }
  std::printf("%u distinct kernels, %u threads\n\n", count, threads);
  std::printf("%-24s %10s %12s %14s %10s\n", "", "wall s", "a second",
              "of free cores", "wanted");
  for (const Rate &rate : rates)
    std::printf("%-24s %10.3f %12.1f %14.1f %10.0f\n", rate.name.c_str(),
                rate.wall, rate.perSecond(), rate.perSecondOfUser(),
                rate.wanted);
  return 0;
}
