//===- ShortestFirst.cpp - A policy outside of the tree -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instances go where the program has their tasks. A TBU starts what is expected
// to be shortest, each on one gang of at most `gang` PEAs.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/PolicyPlugin.h"

#include <bit>

using namespace octo;

namespace {

class ShortestFirst : public Policy {
public:
  explicit ShortestFirst(uint32_t gang) : gang(gang) {}

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.reach = Reach::Clusters;
    traits.onlyQueued = true;
    return traits;
  }

  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      while (startShortest(s, tbu, lane)) {
      }
  }

  std::optional<std::string> saveState() const override { return ""; }

private:
  bool startShortest(Scheduler &s, uint32_t tbu, uint32_t lane) {
    InstanceId shortest = noIndex;
    uint64_t least = 0;
    for (InstanceId id : s.queue(lane))
      if (uint64_t cycles = s.info(id).expectedCycles;
          shortest == noIndex || cycles < least) {
        shortest = id;
        least = cycles;
      }
    if (shortest == noIndex)
      return false;
    uint32_t kernel = s.info(shortest).kernel;
    PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, kernel);
    uint32_t peas =
        s.variantGang(kernel, std::min<uint32_t>(std::popcount(free), gang));
    PeaMask mask = 0;
    for (; peas; --peas, free &= free - 1)
      mask |= free & -free;
    return mask && s.start(shortest, tbu, mask);
  }

  uint32_t gang;
};

} // namespace

OCTO_POLICY_PLUGIN(registry) {
  registry.add({"shortest-first",
                "the compiled places, what is expected to be shortest first",
                [](const PolicyOptions &options) -> std::unique_ptr<Policy> {
                  return std::make_unique<ShortestFirst>(
                      static_cast<uint32_t>(options.values[0]));
                },
                {},
                {{"gang", "the most PEAs that a task gets", 64, 1, 64}}});
}
