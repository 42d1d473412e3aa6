//===- HostCpu.h - What this processor can run ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whether code for a CPU runs here. Only for what links LLVM: the compiler of
// kernels, which chooses the CPU, and their loader, which checks it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_HOSTCPU_H
#define OCTO_SUPPORT_HOSTCPU_H

#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Host.h"

#include <string>
#include <vector>

namespace octo {

/// Features of whole systems: nothing that is computed is ever compiled to
/// them, and virtual machines hide some of them.
inline bool isSystemFeature(llvm::StringRef name) {
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

/// What this processor lacks of the CPU that `info` describes.
inline std::vector<std::string>
missingHostFeatures(const llvm::MCSubtargetInfo &info) {
  std::vector<std::string> missing;
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  for (const llvm::SubtargetFeatureKV &feature :
       info.getEnabledProcessorFeatures()) {
    // Tuning flags are no features of the host and are not listed there.
    auto found = host.find(feature.Key);
    if (found != host.end() && !found->second && !isSystemFeature(feature.Key))
      missing.push_back(feature.Key);
  }
  return missing;
}

} // namespace octo

#endif // OCTO_SUPPORT_HOSTCPU_H
