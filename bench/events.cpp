//===- events.cpp - Speed of the event wheel ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The hold test: with so many events pending, take the next one and add one
// after an exponential delay, again and again.
//
//   events-bench [pending] [mean delay] [million holds] [rounds]
//
// `bare` is a wheel of the same slots and events, one list a slot, without an
// order within a cycle, without overflow and without events for the present
// cycle: what such a wheel can do at all. Delays are those of both, cut at its
// slots. Rounds alternate; the best of each counts.
//
//===----------------------------------------------------------------------===//

#include "../lib/Runtime/EventWheel.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

using namespace octo;

namespace {

class BareWheel {
public:
  BareWheel() : heads(EventWheel::numSlots, none) {}

  uint64_t now() const { return time; }

  void push(uint64_t at, const Event &event) {
    uint32_t node = freeNodes;
    if (node != none) {
      freeNodes = nodes[node].next;
    } else {
      node = static_cast<uint32_t>(nodes.size());
      nodes.emplace_back();
    }
    uint32_t &head = heads[at % EventWheel::numSlots];
    nodes[node] = {event, head};
    head = node;
  }

  bool pop(Event &event) {
    while (heads[time % EventWheel::numSlots] == none)
      ++time;
    uint32_t &head = heads[time % EventWheel::numSlots];
    uint32_t node = head;
    event = nodes[node].event;
    head = nodes[node].next;
    nodes[node].next = freeNodes;
    freeNodes = node;
    return true;
  }

private:
  static constexpr uint32_t none = 0xffffffffu;
  struct Node {
    Event event;
    uint32_t next;
  };
  uint64_t time = 0;
  std::vector<Node> nodes;
  std::vector<uint32_t> heads;
  uint32_t freeNodes = none;
};

struct Delays {
  std::vector<uint32_t> values;

  explicit Delays(double mean) : values(1 << 16) {
    uint64_t state = 1;
    for (uint32_t &value : values) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      double uniform = (double(state >> 11) + 0.5) * 0x1p-53;
      double delay = std::ceil(-mean * std::log(uniform));
      value = static_cast<uint32_t>(
          std::fmin(delay, double(EventWheel::numSlots - 1)));
    }
  }
};

/// Processor seconds a hold. Events have the entities 0 to pending - 1 and the
/// classes of a simulation.
template <class Wheel>
double hold(const Delays &delays, uint32_t pending, uint64_t holds) {
  Wheel wheel;
  size_t next = 0;
  auto delay = [&] { return delays.values[next++ & 0xffff]; };
  for (uint32_t i = 0; i < pending; ++i)
    wheel.push(delay(), {i, static_cast<EventClass>(1 + i % 5), 0, 0, i, 0});
  Event event;
  auto turn = [&](uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      wheel.pop(event);
      wheel.push(wheel.now() + delay(), event);
    }
  };
  turn(holds / 4);
  std::clock_t begin = std::clock();
  turn(holds);
  return double(std::clock() - begin) / CLOCKS_PER_SEC / double(holds);
}

} // namespace

int main(int argc, char **argv) {
  auto number = [&](int i, double standard) {
    return argc > i ? std::atof(argv[i]) : standard;
  };
  uint32_t pending = static_cast<uint32_t>(number(1, 100000));
  double mean = number(2, 1000);
  uint64_t holds = static_cast<uint64_t>(number(3, 4) * 1e6);
  int rounds = static_cast<int>(number(4, 7));
  if (pending < 1 || mean < 1 || holds < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: events-bench [pending] [mean delay] [million "
                         "holds] [rounds], all positive\n");
    return 2;
  }
  Delays delays(mean);
  double wheel = 1, bare = 1;
  for (int round = 0; round < rounds; ++round) {
    wheel = std::fmin(wheel, hold<EventWheel>(delays, pending, holds));
    bare = std::fmin(bare, hold<BareWheel>(delays, pending, holds));
  }
  std::printf("hold test: %u pending, delays of mean %g cycles\n", pending,
              mean);
  std::printf("%-22s %8.2f M holds/s\n", "event wheel", 1e-6 / wheel);
  std::printf("%-22s %8.2f M holds/s\n", "bare wheel", 1e-6 / bare);
  std::printf("%-22s %8.2f\n", "ratio", bare / wheel);
  return 0;
}
