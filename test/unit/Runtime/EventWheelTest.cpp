//===- EventWheelTest.cpp - The order of events  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EventWheel.h"

#include "octo/Program/Philox.h"

#include <gtest/gtest.h>

#include <queue>
#include <tuple>

using namespace octo;

namespace {

struct Reference {
  uint64_t time;
  uint64_t key;
  uint64_t sequence;
  uint32_t payload;
  bool operator<(const Reference &other) const {
    return std::tie(time, key, sequence) >
           std::tie(other.time, other.key, other.sequence);
  }
};

/// Random pushes, also at the present cycle and far ahead, against a
/// std::priority_queue with the full order; entities are below `entities`. An
/// event that is pushed at the present cycle can only be served after those
/// that were served already; both sides see it so.
void runStream(uint64_t seed, uint64_t horizon, unsigned steps,
               uint64_t entities = 5, unsigned pending = 50) {
  EventWheel wheel;
  std::priority_queue<Reference> reference;
  uint64_t draws = 0, sequence = 0;
  auto draw = [&](uint64_t limit) {
    return philox64(seed, draws++, 0) % limit;
  };
  auto push = [&] {
    uint64_t delay = draw(4) == 0   ? 0
                     : draw(8) == 0 ? draw(horizon * 20)
                                    : draw(horizon);
    uint64_t at = wheel.now() + delay;
    Event event = {static_cast<uint32_t>(draw(entities)),
                   static_cast<EventClass>(draw(8)),
                   0,
                   0,
                   static_cast<uint32_t>(sequence),
                   0};
    wheel.push(at, event);
    reference.push({at, event.key(), sequence, event.payload});
    ++sequence;
  };
  for (unsigned i = 0; i < pending; ++i)
    push();
  for (unsigned step = 0; step < steps; ++step) {
    ASSERT_EQ(wheel.size(), reference.size());
    Event event;
    bool got = wheel.pop(event);
    ASSERT_EQ(got, !reference.empty());
    if (!got) {
      push();
      continue;
    }
    EXPECT_EQ(event.payload, reference.top().payload) << "step " << step;
    ASSERT_EQ(wheel.now(), reference.top().time);
    reference.pop();
    for (uint64_t n = draw(3); n; --n)
      push();
  }
  Event event;
  while (wheel.pop(event)) {
    ASSERT_FALSE(reference.empty());
    EXPECT_EQ(event.payload, reference.top().payload);
    reference.pop();
  }
  EXPECT_TRUE(reference.empty());
  EXPECT_TRUE(wheel.empty());
}

TEST(EventWheel, MatchesPriorityQueueNear) { runStream(1, 40, 20000); }
TEST(EventWheel, MatchesPriorityQueueAroundTheHorizon) {
  runStream(2, EventWheel::numSlots, 20000);
}
TEST(EventWheel, MatchesPriorityQueueFar) { runStream(3, 1u << 20, 20000); }
TEST(EventWheel, MatchesPriorityQueueCrowded) { runStream(4, 3, 20000); }
TEST(EventWheel, MatchesPriorityQueueManyACycle) {
  runStream(5, 40, 20000, uint64_t(1) << 32, 4000);
  runStream(6, 40, 20000, 200, 4000);
  runStream(7, 4, 20000, 3, 4000);
}

TEST(EventWheel, SkipsOnlyOverNothing) {
  EventWheel wheel;
  Event event = {};
  EXPECT_TRUE(wheel.skipTo(7));
  EXPECT_EQ(wheel.now(), 7u);
  wheel.push(7, event);
  EXPECT_FALSE(wheel.skipTo(8));
  ASSERT_TRUE(wheel.pop(event));
  event.payload = 1;
  wheel.push(20, event);
  event.payload = 2;
  wheel.push(20 + EventWheel::numSlots, event);
  EXPECT_FALSE(wheel.skipTo(20));
  EXPECT_EQ(wheel.now(), 7u);
  EXPECT_TRUE(wheel.skipTo(19));
  // The far event is near now: it comes before one that is added later.
  ASSERT_TRUE(wheel.pop(event));
  EXPECT_EQ(event.payload, 1u);
  EXPECT_TRUE(wheel.skipTo(30));
  event.payload = 3;
  wheel.push(20 + EventWheel::numSlots, event);
  ASSERT_TRUE(wheel.pop(event));
  EXPECT_EQ(event.payload, 2u);
  ASSERT_TRUE(wheel.pop(event));
  EXPECT_EQ(event.payload, 3u);
  EXPECT_FALSE(wheel.pop(event));
}

TEST(EventWheel, NextTimeSeesEveryPlace) {
  EventWheel wheel;
  Event event = {};
  wheel.push(5, event);
  wheel.push(100000, event);
  EXPECT_EQ(wheel.nextTime(), 5u);
  ASSERT_TRUE(wheel.pop(event));
  EXPECT_EQ(wheel.nextTime(), 100000u);
  wheel.push(5, event);
  EXPECT_EQ(wheel.nextTime(), 5u);
}

} // namespace
