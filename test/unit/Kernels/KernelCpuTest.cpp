//===- KernelCpuTest.cpp - CPUs that kernels run on -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/KernelCpu/KernelCpu.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <gtest/gtest.h>

using namespace octo;

/// Virtual machines hide features that the name of their CPU promises.
TEST(KernelCpu, HostLacksNothingOfWhatIsCompiledForIt) {
  Expected<std::vector<std::string>> missing = missingFeatures(hostCpu());
  ASSERT_TRUE(missing) << missing.error().str();
  EXPECT_TRUE(missing->empty()) << hostCpu() << " lacks " << missing->front();
}

TEST(KernelCpu, WhatTheHostLacksIsNamed) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  if (!host.contains("sse4.2"))
    GTEST_SKIP() << "not an x86-64";
  const std::pair<const char *, const char *> some[] = {
      {"knl", "avx512f"}, {"amdfam10", "sse4a"}, {"bdver1", "fma4"}};
  for (auto [cpu, feature] : some) {
    Expected<std::vector<std::string>> missing = missingFeatures(cpu);
    ASSERT_TRUE(missing) << missing.error().str();
    EXPECT_EQ(llvm::is_contained(*missing, feature), !host.lookup(feature))
        << cpu;
  }
}

TEST(KernelCpu, NamesThatAreNone) {
  EXPECT_FALSE(missingFeatures("abacus"));
  Expected<std::vector<std::string>> none = missingFeatures("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}
