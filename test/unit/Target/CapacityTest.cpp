//===- CapacityTest.cpp - What fits where ---------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both sides of every limit, and the words of each refusal.
//
//===----------------------------------------------------------------------===//

#include "TargetText.h"

#include "octo/Target/Capacity.h"

#include "gtest/gtest.h"

using namespace octo;

namespace {

struct CapacityTest : testing::Test {
  Topology topology{*parseTarget(test::targetText, "t.yaml")};
  Capacity capacity{topology};

  static std::string say(const Expected<void> &answer) {
    return answer ? std::string("yes") : answer.error().message;
  }
};

TEST_F(CapacityTest, Shares) {
  // Cluster (1, 1) is number 5, its TBU 0 is number 10 and has lost PEA 3.
  EXPECT_EQ(say(capacity.checkShare("task `a`", {10, 0, 3}, 3)), "yes");
  EXPECT_EQ(say(capacity.checkShare("task `a`", {10, 2, 2}, 1)), "yes");
  EXPECT_TRUE(capacity.fitsGang(10, 3));
  EXPECT_FALSE(capacity.fitsGang(10, 4));
  EXPECT_FALSE(capacity.fitsGang(10, 0));
  EXPECT_EQ(say(capacity.checkShare("task `a`", {10, 0, 4}, 4)),
            "task `a` may grow to a gang of 4 PEAs, but cluster (1, 1), TBU 0 "
            "has 3 live PEAs of 4; lower the gang or place it elsewhere");
  EXPECT_EQ(
      say(capacity.checkShare("task `a`", {10, 3, 1}, 1)),
      "task `a` needs a live PEA, but none of positions 3 to 3 of cluster "
      "(1, 1), TBU 0 is alive; place it elsewhere");
  for (PeaRange range : {PeaRange{10, 0, 0}, PeaRange{10, 4, 1},
                         PeaRange{10, 3, 2}, PeaRange{10, 1, 0xffffffff}})
    EXPECT_NE(say(capacity.checkShare("task `a`", range, 1))
                  .find("which has 4 PEAs; place it on positions 0 to 3"),
              std::string::npos);
  EXPECT_EQ(
      say(capacity.checkShare("task `a`", {24, 0, 1}, 1)),
      "task `a` is placed on TBU 24, but 'small' has 24 TBUs; compile for "
      "this machine");
}

TEST_F(CapacityTest, Gangs) {
  EXPECT_EQ(say(capacity.checkGang("task `a`", 4)), "yes");
  EXPECT_EQ(say(capacity.checkGang("task `a`", 5)),
            "task `a` needs a gang of 5 PEAs, but no TBU of 'small' has more "
            "than 4 live PEAs; lower the gang or choose a target with larger "
            "TBUs");
  EXPECT_EQ(say(capacity.checkGang("task `a`", 0)),
            "task `a` asks for a gang of 0 PEAs; the least is 1");
}

TEST_F(CapacityTest, Bytes) {
  EXPECT_EQ(say(capacity.checkFootprint("kernel `k`", 65536, 2)), "yes");
  EXPECT_EQ(
      say(capacity.checkFootprint("kernel `k`", 65537, 2)),
      "kernel `k` needs 64.0 KiB of SRAM in each PEA of a gang of 2, but a "
      "PEA of 'small' has 64.0 KiB; use a larger gang, smaller tiles or a "
      "target with more SRAM");
  EXPECT_EQ(say(capacity.checkCode("kernel `k`", 32768)), "yes");
  EXPECT_EQ(say(capacity.checkCode("kernel `k`", 40000)),
            "kernel `k` has 39.1 KiB of code, but the configuration store of a "
            "TBU of 'small' holds 32.0 KiB; split the task or choose a target "
            "with a larger store");
  EXPECT_EQ(say(capacity.checkWeight("weight `w`", 1 << 20)), "yes");
  EXPECT_EQ(
      say(capacity.checkWeight("weight `w`", 2 << 20)),
      "weight `w` has 2.0 MiB, but the scratchpad of a cluster of 'small' "
      "holds 1.0 MiB; split the weight or choose a target with a larger "
      "scratchpad");
}

TEST_F(CapacityTest, AllWeights) {
  EXPECT_EQ(capacity.hbmBytes(), uint64_t(3) << 30);
  EXPECT_EQ(say(capacity.checkWeights(uint64_t(3) << 30, 0)), "yes");
  EXPECT_EQ(say(capacity.checkWeights((uint64_t(3) << 30) + (1 << 28), 0)),
            "the weights have 3.2 GiB together, but the HBM ports of 'small' "
            "have 3.0 GiB; add ports or choose a larger target");
  PartRef port;
  port.kind = PartKind::Hbm;
  topology.kill(port);
  EXPECT_EQ(capacity.hbmBytes(), uint64_t(2) << 30);
  port.unit = 1;
  topology.kill(port);
  EXPECT_EQ(say(capacity.checkWeights(1 << 30, 1 << 20)), "yes");
  EXPECT_EQ(
      say(capacity.checkWeights(1 << 30, 2 << 20)),
      "the blocks of one cluster use 2.0 MiB of weights, but its "
      "scratchpad holds 1.0 MiB and 'small' has no HBM port to bring them "
      "in turn; spread the blocks or add an HBM port");
}

TEST_F(CapacityTest, PeaTime) {
  EXPECT_EQ(say(capacity.checkPeaTime(41, 65536)), "yes");
  EXPECT_EQ(say(capacity.checkPeaTime(41, 98304)),
            "PEA 1 of cluster (1, 1), TBU 0 is promised for 150.00 % of its "
            "time; lower the shares of its blocks to 100 % together or move "
            "one");
}

TEST_F(CapacityTest, FormatBytes) {
  EXPECT_EQ(formatBytes(0), "0 bytes");
  EXPECT_EQ(formatBytes(1023), "1023 bytes");
  EXPECT_EQ(formatBytes(1536), "1.5 KiB");
  EXPECT_EQ(formatBytes(uint64_t(5) << 40), "5.0 TiB");
}

} // namespace
