//===- LaneRouter.h - Which lane a new request takes -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The replicas of a program lie in lanes: replica i of every block. A request
// that opens a lane waits until its code and weights have come from memory; one
// that joins a lane in use waits for the requests there. The host port, where
// all requests enter, weighs one against the other with what the compiler
// expects and what it has sent where itself.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_LANEROUTER_H
#define OCTO_LIB_RUNTIME_LANEROUTER_H

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace octo {

class LaneRouter {
public:
  /// `numLanes`: lanes of the workflow, at least 1. `coldCycles`: cycles in
  /// which the machine's memory ports can fill one lane. `work`: PEA-cycles of
  /// a request. `livePeas`, `clusterPeas`: PEAs of the machine and of a
  /// cluster.
  LaneRouter(uint32_t numLanes, uint64_t coldCycles, uint64_t work,
             uint64_t livePeas, uint64_t clusterPeas)
      : numLanes(numLanes), coldCycles(coldCycles), work(work),
        livePeas(livePeas), clusterPeas(clusterPeas), lanes(numLanes) {
    // The golden section of their number, without a common divisor.
    for (stride = std::max(numLanes * 5 / 8, 1u);
         std::gcd(stride, numLanes) > 1;)
      ++stride;
  }

  /// The lane of a request that enters now.
  uint32_t enter() {
    bool open = byLoad.empty();
    // Lanes fill at the same ports: one more waits for those before it.
    if (!open && opened < numLanes)
      open = (filling + 1) * coldCycles <
             byLoad.begin()->first * work / peasOfLane();
    uint32_t lane;
    if (open) {
      // Far from those before it: requests then find idle neighbours.
      lane = static_cast<uint32_t>(uint64_t(opened++) * stride % numLanes);
      ++filling;
    } else {
      lane = byLoad.begin()->second;
      byLoad.erase(byLoad.begin());
    }
    byLoad.emplace(++lanes[lane].requests, lane);
    return lane;
  }

  /// A request that `enter` gave `lane` has left.
  void leave(uint32_t lane) {
    Lane &state = lanes[lane];
    byLoad.erase({state.requests, lane});
    byLoad.emplace(--state.requests, lane);
    if (!state.filled) {
      state.filled = true;
      --filling;
    }
  }

  template <class A>
  void state(A &a) {
    a.all(*this, a.fixed(numLanes), a.fixed(coldCycles), a.fixed(work),
          a.fixed(livePeas), a.fixed(clusterPeas), a.fixed(stride), opened,
          filling, lanes, byLoad);
  }

private:
  struct Lane {
    uint64_t requests = 0;
    bool filled = false;
  };

  /// PEAs that work for a lane in use: all of its cluster while other lanes
  /// there are not, since clusters have one queue for all of their PEAs.
  uint64_t peasOfLane() const {
    uint64_t part = std::min(clusterPeas, livePeas / std::max(opened, 1u));
    return std::max({part, livePeas / numLanes, uint64_t(1)});
  }

  uint32_t numLanes;
  uint64_t coldCycles, work, livePeas, clusterPeas;
  uint32_t stride = 1, opened = 0;
  uint64_t filling = 0; ///< lanes that no request has left yet
  std::vector<Lane> lanes;
  /// Lanes in use: (requests, lane): the least loaded one, lowest number first.
  std::set<std::pair<uint64_t, uint32_t>> byLoad;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_LANEROUTER_H
