//===- Pool.cpp - One pool behind a central dispatcher --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Policies.h"

#include <algorithm>

using namespace octo;

namespace {

/// One pool of all PEAs and one queue, first fit.
class PoolPolicy : public LibraryPolicy {
public:
  explicit PoolPolicy(uint32_t maxGang) : maxGang(maxGang) {}

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.central = true;
    traits.reach = Reach::Machine;
    return traits;
  }

  void dispatch(Scheduler &s, uint32_t, Trigger) override {
    bool progress = true;
    while (progress) {
      progress = false;
      for (uint32_t peaClass = 0; peaClass < 3; ++peaClass) {
        uint32_t waiting = s.centralQueueSize(peaClass);
        if (!waiting)
          continue;
        if (s.dispatcherBusy())
          return;
        InstanceId head = s.centralQueue(peaClass).front();
        uint32_t kernel = s.info(head).kernel;
        // The share of each that waits, then what fits.
        uint64_t each = s.numFreePeas(kernel) / waiting;
        uint32_t gang = s.variantGang(
            kernel,
            static_cast<uint32_t>(std::clamp<uint64_t>(each, 1, maxGang)));
        if (!gang)
          gang = s.variantGang(kernel, 64);
        for (; gang; gang = gang > 1 ? s.variantGang(kernel, gang - 1) : 0) {
          uint32_t tbu = s.findTbu(kernel, gang);
          if (tbu == noIndex)
            continue;
          PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, kernel);
          progress |= s.start(head, tbu, lowestPeas(free, gang));
          break;
        }
      }
    }
  }

private:
  uint32_t maxGang;
};

} // namespace

std::unique_ptr<Policy> octo::makePoolPolicy(const PolicyOptions &options) {
  return std::make_unique<PoolPolicy>(static_cast<uint32_t>(options.values[0]));
}
