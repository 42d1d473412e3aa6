//===- KernelCpu.cpp - CPUs that kernels run on ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/KernelCpu/KernelCpu.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace octo;

/// Nothing that is computed is ever compiled to them.
static bool isSystemFeature(llvm::StringRef name) {
  static const llvm::StringSet<> features = {
      "cldemote", "clflushopt", "clwb",    "clzero",   "enqcmd",
      "fsgsbase", "fxsr",       "hreset",  "invpcid",  "movdir64b",
      "movdiri",  "mwaitx",     "pconfig", "pku",      "prefetchi",
      "ptwrite",  "rdpid",      "rdpru",   "rdrnd",    "rdseed",
      "rtm",      "serialize",  "sgx",     "shstk",    "tsxldtrk",
      "uintr",    "usermsr",    "waitpkg", "wbnoinvd", "xsave",
      "xsavec",   "xsaveopt",   "xsaves"};
  return features.contains(name);
}

Expected<std::vector<std::string>>
octo::missingFeatures(const std::string &cpu) {
  if (cpu.empty())
    return {};
  llvm::InitializeNativeTarget();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string reason;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target)
    return makeError("no code can be loaded on this host: {}", reason);
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!info->isCPUStringValid(cpu))
    return makeError("the images were compiled for '{}', which is no CPU of "
                     "this host ({}); compile the program again here, or run "
                     "with --timing-only",
                     cpu, triple.str());
  info.reset(target->createMCSubtargetInfo(triple, cpu, ""));
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> missing;
  for (const llvm::SubtargetFeatureKV &feature :
       info->getEnabledProcessorFeatures()) {
    // Tuning flags are no features of the host and are not listed there.
    auto found = host.find(feature.Key);
    if (found != host.end() && !found->second && !isSystemFeature(feature.Key))
      missing.push_back(feature.Key);
  }
  return missing;
}

std::string octo::hostCpu() {
  std::string own = llvm::sys::getHostCPUName().str();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  if (triple.getArch() != llvm::Triple::x86_64)
    return own;
  for (const std::string &cpu :
       {own, std::string("x86-64-v4"), std::string("x86-64-v3"),
        std::string("x86-64-v2")})
    if (auto missing = missingFeatures(cpu); missing && missing->empty())
      return cpu;
  return "x86-64";
}
