//===- Policies.cpp - The registry, static and pool -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Policies.h"

#include <algorithm>
#include <bit>
#include <mutex>

using namespace octo;

//===----------------------------------------------------------------------===//
// static
//===----------------------------------------------------------------------===//

namespace {

/// The compiler's decisions as they stand: an instance runs on the share of its
/// replica with a fixed gang.
class StaticPolicy : public Policy {
public:
  std::optional<std::string> saveState() const override { return ""; }

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.segments = true;
    traits.onlyQueued = true;
    traits.reach = Reach::Shares;
    return traits;
  }

  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    // Heads of the queues of all shares, best first. A head that does not fit
    // keeps what it needs from those behind it, so that large gangs get their
    // turn.
    while (true) {
      heads.clear();
      for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1);
           ++lane)
        if (s.queueSize(lane))
          heads.push_back(s.queue(lane).front());
      if (heads.size() > 1)
        std::sort(heads.begin(), heads.end(),
                  [&](InstanceId a, InstanceId b) { return s.precedes(a, b); });
      PeaMask taken = 0;
      bool started = false;
      for (InstanceId head : heads) {
        InstanceInfo info = s.info(head);
        PeaMask share = s.replicaPeas(info.workflow, info.block, info.replica);
        uint32_t gang = s.variantGang(info.kernel, std::popcount(share));
        PeaMask free = s.freePeas(tbu) & share & ~taken;
        if (gang && uint32_t(std::popcount(free)) >= gang &&
            s.start(head, tbu, lowestPeas(free, gang))) {
          started = true;
          break;
        }
        taken |= share;
      }
      if (!started)
        return;
    }
  }

private:
  std::vector<InstanceId> heads;
};

//===----------------------------------------------------------------------===//
// pool
//===----------------------------------------------------------------------===//

/// One pool of all PEAs and one queue, first fit.
class PoolPolicy : public Policy {
public:
  std::optional<std::string> saveState() const override { return ""; }

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
            kernel, static_cast<uint32_t>(std::clamp<uint64_t>(each, 1, 64)));
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
};

} // namespace

//===----------------------------------------------------------------------===//
// The registry
//===----------------------------------------------------------------------===//

namespace {
struct Registry {
  std::mutex mutex;
  std::vector<PolicyInfo> policies;

  Registry() {
    policies.push_back(
        {"static",
         "the compiled placement with fixed gangs, timetables in order",
         [](const PolicyOptions &) -> std::unique_ptr<Policy> {
           return std::make_unique<StaticPolicy>();
         },
         {}});
    policies.push_back(
        {"pool",
         "one pool of all PEAs behind a central dispatcher, first fit",
         [](const PolicyOptions &) -> std::unique_ptr<Policy> {
           return std::make_unique<PoolPolicy>();
         },
         {}});
    policies.push_back(
        {"octopus",
         "timetables honoured, dynamic work fills around them, malleable "
         "gangs, spill-over between clusters",
         makeOctopusPolicy,
         {"ddsm", "atss", "pcss"}});
  }
};
} // namespace

static Registry &registry() {
  static Registry instance;
  return instance;
}

Expected<void> octo::registerPolicy(PolicyInfo info, unsigned version) {
  if (version != policyInterfaceVersion)
    return makeError("policy '{}' was built for version {} of the policy "
                     "interface, this is version {}: build it again",
                     info.name, version, policyInterfaceVersion);
  if (info.name.empty() || !info.make)
    return makeError("a policy needs a name and a way to make it");
  Registry &all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  for (const PolicyInfo &other : all.policies)
    if (other.name == info.name)
      return makeError("there is a policy '{}' already ({}): choose another "
                       "name",
                       other.name, other.summary);
  all.policies.push_back(std::move(info));
  return {};
}

std::vector<PolicyInfo> octo::registeredPolicies() {
  Registry &all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  return all.policies;
}

Expected<std::unique_ptr<Policy>>
octo::createPolicy(std::string_view name,
                   const std::vector<std::string> &disable) {
  std::string names;
  for (const PolicyInfo &info : registeredPolicies()) {
    if (info.name != name) {
      names += names.empty() ? info.name : ", " + info.name;
      continue;
    }
    PolicyOptions options;
    for (const std::string &off : disable) {
      if (std::find(info.switches.begin(), info.switches.end(), off) ==
          info.switches.end())
        return makeError(
            "policy '{}' has no mechanism '{}' to disable; it has "
            "{}",
            name, off,
            info.switches.empty()
                ? "none"
                : fmt::format("{}", fmt::join(info.switches, ", ")));
      options.ddsm &= off != "ddsm";
      options.atss &= off != "atss";
      options.pcss &= off != "pcss";
    }
    return info.make(options);
  }
  return makeError("there is no policy '{}'; there are: {}", name, names);
}
