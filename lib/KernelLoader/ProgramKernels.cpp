//===- ProgramKernels.cpp - The kernels of a program ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads signatures and images out of a program file.
//
//===----------------------------------------------------------------------===//

#include "octo/KernelLoader/KernelLoader.h"
#include "octo/Program/Columns.h"
#include "octo/Program/program_generated.h"

using namespace octo;

extern "C" __attribute__((visibility("default"))) KernelExecutor *
octoCreateKernelExecutor(const fb::Program &program, std::string &error) {
  const fb::KernelTable &table = *program.kernels();
  const fb::TypeTable &types = *program.types();
  std::vector<KernelCode> kernels(sizeOf(table.kind()));
  for (size_t k = 0; k < kernels.size(); ++k) {
    KernelCode &code = kernels[k];
    uint32_t name = entryOf(table.name(), k);
    if (program.strings() && name < program.strings()->size())
      code.name = program.strings()->Get(name)->str();
    if (entryOf(table.kind(), k) != fb::KernelKind::Image || !table.image() ||
        !program.images() || table.image()->Get(k) >= program.images()->size())
      continue;
    const fb::Image &image = *program.images()->Get(table.image()->Get(k));
    if (!image.object() || image.object()->size() == 0)
      continue;
    code.object = image.object()->data();
    code.objectBytes = image.object()->size();
    code.symbol = image.symbol()->str();
    code.numCounters = entryOf(table.num_counters(), k);
    code.donated = entryOf(table.donated(), k);
    size_t numInputs = entryOf(table.num_inputs(), k);
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
  return octoCreateExecutorOfKernels(kernels, cpu, {}, error);
}
