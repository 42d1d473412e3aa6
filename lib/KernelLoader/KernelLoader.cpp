//===- KernelLoader.cpp - The code loader, opened on demand ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds and opens libOctoKernels.so.
//
//===----------------------------------------------------------------------===//

#include "octo/KernelLoader/KernelLoader.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

using namespace octo;

Expected<std::unique_ptr<KernelExecutor>>
octo::loadKernelExecutor(const fb::Program &program) {
  constexpr const char *library = "libOctoKernels.so";
  std::vector<std::filesystem::path> candidates;
  Dl_info info;
  static const char anchor = 0; // lies in this executable or module
  if (dladdr(&anchor, &info) && info.dli_fname) {
    // An executable that was found in PATH is known by its name alone, which
    // may be that of something else in the current folder.
    std::filesystem::path name = info.dli_fname;
    if (!name.has_parent_path())
      name = "/proc/self/exe";
    std::error_code error;
    std::filesystem::path own = std::filesystem::canonical(name, error);
    if (error)
      own = std::filesystem::canonical("/proc/self/exe", error);
    if (!error) {
      candidates.push_back(own.parent_path() / library);
      candidates.push_back(own.parent_path().parent_path() / "lib" / library);
      // The Python package: build/python/octopus beside build/lib.
      candidates.push_back(own.parent_path().parent_path().parent_path() /
                           "lib" / library);
    }
  }
  candidates.emplace_back(library);
  void *handle = nullptr;
  std::string reason;
  for (const std::filesystem::path &candidate : candidates) {
    std::error_code error;
    if (candidate.has_parent_path() &&
        !std::filesystem::exists(candidate, error))
      continue;
    handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle)
      break;
    // The first that exists and does not load is the one to report.
    if (const char *text = dlerror(); text && reason.empty())
      reason = text;
  }
  if (!handle)
    return makeError("the program has code to run, and the library that "
                     "executes it cannot be loaded: {}; run with timing only, "
                     "or install {} beside this program",
                     reason, library);
  // The library stays open: executors and their code live in it.
  constexpr const char *symbol = "octoCreateKernelExecutor";
  auto create = reinterpret_cast<decltype(&octoCreateKernelExecutor)>(
      dlsym(handle, symbol));
  if (!create)
    return makeError("{} is of another version: it does not export {}", library,
                     symbol);
  std::string message;
  std::unique_ptr<KernelExecutor> executor(create(program, message));
  if (!executor)
    return makeError("{}", message);
  return executor;
}
