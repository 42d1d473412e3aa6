//===- KernelLoader.cpp - Opens libOctoKernels.so -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the shared library with the loader and reads the kernels of a program.
// No LLVM here.
//
//===----------------------------------------------------------------------===//

#include "octo/KernelLoader/KernelLoader.h"

#include "octo/Program/program_generated.h"

#include <dlfcn.h>

#include <filesystem>

namespace octo {

static void *openLibrary(std::string &reason) {
  constexpr const char *name = "libOctoKernels.so";
  std::vector<std::string> candidates;
  // Beside whatever this code is in (a tool in bin, or the Python module), or
  // in the lib folder next to it.
  Dl_info here;
  if (dladdr(reinterpret_cast<const void *>(&openLibrary), &here) &&
      here.dli_fname) {
    std::error_code error;
    std::filesystem::path self =
        std::filesystem::canonical(here.dli_fname, error);
    if (error)
      self = std::filesystem::canonical("/proc/self/exe", error);
    if (!error) {
      std::filesystem::path folder = self.parent_path();
      candidates.push_back((folder / name).string());
      // Python packages lie one folder deeper.
      for (std::filesystem::path up : {folder / "..", folder / ".." / ".."})
        candidates.push_back((up / "lib" / name).lexically_normal().string());
    }
  }
  candidates.push_back(name);
  for (const std::string &candidate : candidates) {
    if (candidate != name && !std::filesystem::exists(candidate))
      continue;
    if (void *library = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL))
      return library;
    reason = dlerror();
  }
  return nullptr;
}

Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const std::vector<KernelCode> &kernels,
                   const std::string &cpu, const KernelLimits &limits) {
  std::string reason;
  void *library = openLibrary(reason);
  if (!library)
    return makeError("the kernel loader cannot be opened: {}; install "
                     "libOctoKernels.so beside the tool or in its lib folder, "
                     "or run with --timing-only",
                     reason);
  void *symbol = dlsym(library, createKernelExecutorName);
  if (!symbol)
    return makeError("libOctoKernels.so is of another version: it has no {}; "
                     "install the one that came with this tool",
                     createKernelExecutorName);
  auto *create = reinterpret_cast<CreateKernelExecutorFunction *>(symbol);
  std::string error;
  std::unique_ptr<KernelExecutor> executor(create(kernels, cpu, limits, error));
  if (!executor)
    return makeError("{}", error);
  return executor;
}

Expected<std::unique_ptr<KernelExecutor>>
loadKernelExecutor(const fb::Program &program, const KernelLimits &limits) {
  const fb::KernelTable &table = *program.kernels();
  const fb::TypeTable &types = *program.types();
  auto at = [](const auto *vector, size_t i) {
    return vector && i < vector->size() ? vector->Get(i) : 0;
  };
  std::vector<KernelCode> kernels(table.kind() ? table.kind()->size() : 0);
  for (size_t k = 0; k < kernels.size(); ++k) {
    KernelCode &code = kernels[k];
    uint32_t name = at(table.name(), k);
    if (program.strings() && name < program.strings()->size())
      code.name = program.strings()->Get(name)->str();
    if (static_cast<fb::KernelKind>(at(table.kind(), k)) !=
            fb::KernelKind_Image ||
        !table.image() || !program.images() ||
        table.image()->Get(k) >= program.images()->size())
      continue;
    const fb::Image &image = *program.images()->Get(table.image()->Get(k));
    if (!image.object() || image.object()->size() == 0)
      continue;
    code.object = image.object()->data();
    code.objectBytes = image.object()->size();
    code.symbol = image.symbol()->str();
    code.numCounters = at(table.num_counters(), k);
    code.donated = at(table.donated(), k);
    size_t numInputs = at(table.num_inputs(), k);
    for (size_t i = table.signature_offsets()->Get(k),
                e = table.signature_offsets()->Get(k + 1), first = i;
         i < e; ++i) {
      uint32_t type = table.signature()->Get(i);
      KernelValueType value;
      value.element = static_cast<ElementKind>(types.element()->Get(type));
      value.scalar = types.scalar()->Get(type);
      for (size_t d = types.dim_offsets()->Get(type);
           d < types.dim_offsets()->Get(type + 1); ++d)
        value.dims.push_back(types.dims()->Get(d));
      (i - first < numInputs ? code.inputs : code.outputs)
          .push_back(std::move(value));
    }
  }
  std::string cpu = program.image_cpu() ? program.image_cpu()->str() : "";
  return loadKernelExecutor(kernels, cpu, limits);
}

} // namespace octo
