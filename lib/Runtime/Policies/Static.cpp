//===- Static.cpp - The compiled placement as it stands -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Policies.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

/// The compiler's decisions as they stand: an instance runs on the share of its
/// replica with a fixed gang.
class StaticPolicy : public LibraryPolicy {
public:
  explicit StaticPolicy(uint32_t maxGang) : maxGang(maxGang) {}

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.segments = true;
    traits.onlyQueued = true;
    traits.reach = Reach::Shares;
    return traits;
  }

  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    // Heads of the queues of shares, best first. A head that does not fit keeps
    // what it needs from those behind it, so that large gangs get their turn;
    // of a share without a free PEA it can keep nothing.
    while (PeaMask free = s.freePeas(tbu)) {
      s.heads(tbu, free, heads);
      bool started = false;
      for (auto [head, share] : heads) {
        PeaMask own = free & share;
        if (own) {
          uint32_t gang =
              s.variantGang(s.kernelOf(head),
                            std::min<uint32_t>(std::popcount(share), maxGang));
          if (gang && uint32_t(std::popcount(own)) >= gang &&
              s.start(head, tbu, lowestPeas(own, gang))) {
            started = true;
            break;
          }
        }
        free &= ~share;
      }
      if (!started)
        return;
    }
  }

private:
  uint32_t maxGang;
  std::vector<Scheduler::Head> heads;
};

} // namespace

std::unique_ptr<Policy> octo::makeStaticPolicy(const PolicyOptions &options) {
  return std::make_unique<StaticPolicy>(
      static_cast<uint32_t>(options.values[0]));
}
