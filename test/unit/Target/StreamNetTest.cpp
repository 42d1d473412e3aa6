//===- StreamNetTest.cpp - Buffers of streams that meet again -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Target/StreamNet.h"

#include <gtest/gtest.h>

using namespace octo;

namespace {

TEST(StreamNet, ChainsAndTreesNeedNothing) {
  std::vector<StreamEdge> streams;
  for (uint32_t i = 0; i < 100; ++i)
    streams.push_back({i, i + 1, 2 + i % 15, 1});
  EXPECT_FALSE(findStreamDeadlock(streams));
  EXPECT_FALSE(findStreamDeadlock({}));
}

/// Two ways in equal chunks: whoever is waited for has made its chunk before
/// the other way is full.
TEST(StreamNet, EqualChunksNeedNothing) {
  for (uint32_t n : {2u, 5u, 16u}) {
    std::vector<StreamEdge> streams = {
        {0, 1, n, 1}, {1, 2, n, 1}, {2, 3, n, 1}, {0, 3, n, 1}};
    EXPECT_FALSE(findStreamDeadlock(streams));
  }
}

/// The long way goes in halves: at the half, task 2 needs the second half of
/// what 1 makes of the second half of what 0 makes.
TEST(StreamNet, CoarseWayBesideFineOne) {
  std::vector<StreamEdge> streams = {{0, 1, 2, 1}, {1, 2, 2, 1}, {0, 2, 16, 1}};
  auto found = findStreamDeadlock(streams);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->streams.size(), 3u);
  EXPECT_EQ(found->widen, 2u);
  // 1/16 + B/16 above 2 (1/2 - 1/16).
  EXPECT_EQ(found->buffer, 14u);
  streams[2].buffer = 13;
  EXPECT_TRUE(findStreamDeadlock(streams));
  streams[2].buffer = 14;
  EXPECT_FALSE(findStreamDeadlock(streams));
}

/// Only the group that is at fault is named.
TEST(StreamNet, GroupsAreApart) {
  std::vector<StreamEdge> streams = {{0, 1, 4, 1},   {1, 2, 4, 1},
                                     {0, 2, 4, 1},   {10, 11, 2, 1},
                                     {11, 12, 2, 1}, {10, 12, 8, 1}};
  auto found = findStreamDeadlock(streams);
  ASSERT_TRUE(found);
  for (uint32_t s : found->streams)
    EXPECT_GE(s, 3u);
  EXPECT_EQ(found->widen, 5u);
}

/// Raising what is named ends, with a net that passes.
TEST(StreamNet, WideningEnds) {
  uint32_t state = 12345;
  auto next = [&](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  unsigned refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<StreamEdge> streams;
    uint32_t tasks = 3 + next(8);
    for (uint32_t to = 1; to < tasks; ++to)
      for (uint32_t k = 0; k < 1 + next(3); ++k) {
        uint32_t n = 2 + next(15);
        streams.push_back({next(to), to, n, 1 + next(n)});
      }
    auto found = findStreamDeadlock(streams);
    refused += found.has_value();
    for (int steps = 0; found; ++steps) {
      ASSERT_LT(steps, 1000);
      ASSERT_NE(found->widen, noStream);
      ASSERT_GT(found->buffer, streams[found->widen].buffer);
      ASSERT_LT(found->buffer, streams[found->widen].chunks);
      streams[found->widen].buffer = found->buffer;
      found = findStreamDeadlock(streams);
    }
  }
  EXPECT_GT(refused, 200u);
  EXPECT_LT(refused, 1900u);
}

TEST(StreamNet, TooManyTasksAreRefused) {
  std::vector<StreamEdge> streams;
  for (uint32_t i = 0; i < maxMixedStreamTasks; ++i) {
    streams.push_back({i, i + 1, 2, 2});
    streams.push_back({i, i + 1, 3, 3});
  }
  auto found = findStreamDeadlock(streams);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->widen, noStream);
  streams.resize(streams.size() - 2);
  EXPECT_FALSE(findStreamDeadlock(streams));
}

} // namespace
