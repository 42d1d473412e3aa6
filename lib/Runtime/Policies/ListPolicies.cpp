//===- ListPolicies.cpp - heft and mct ------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The classics for graphs, as one central mapper:
//
//  mct   maps each instance, when its first input comes, to the PEAs that would
//        complete it first (Maheswaran et al., "Dynamic mapping of a class of
//        independent tasks onto heterogeneous computing systems", JPDC 59,
//        1999).
//  heft  plans a request as a whole when it begins: tasks by falling upward
//  rank,
//        each into the earliest gap of the PEAs that would finish it first
//        (Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002). Requests that are
//        under way keep what they were given. It needs to know all tasks ahead,
//        so programs with control flow are refused.
//
// PEAs are cut into gangs of one size. Of thousands of them the eight that are
// free first are looked at, and those of the producers; the rest would be free
// later and are no nearer. Both know expected times and the machine as planned,
// not what it does.
//
//===----------------------------------------------------------------------===//

#include "Seats.h"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>

using namespace octo;

namespace {

class ListPolicy : public SeatPolicy {
public:
  explicit ListPolicy(uint32_t gang) : gang(gang) {}

  Expected<void> begin(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

protected:
  /// A gang and when it will be through with what it was given.
  struct Unit {
    Seat seat;
    uint32_t group;
    uint64_t until = 0;
    /// Times before `until` in which nothing is planned, the latest few.
    std::vector<std::pair<uint64_t, uint64_t>> gaps;
  };
  static constexpr size_t looks = 8;
  static constexpr size_t maxGaps = 8;

  uint32_t groupOf(Scheduler &s, uint32_t kernel) const {
    return s.peaClass(kernel);
  }
  void setUntil(uint32_t unit, uint64_t until) {
    order[units[unit].group].erase({units[unit].until, unit});
    units[unit].until = until;
    order[units[unit].group].insert({until, unit});
  }
  /// When a unit could begin `length` cycles of work from `ready` on.
  uint64_t startAt(const Unit &unit, uint64_t ready, uint64_t length) const {
    for (auto [from, to] : unit.gaps)
      if (std::max(from, ready) + length <= to)
        return std::max(from, ready);
    return std::max(unit.until, ready);
  }
  void book(uint32_t unit, uint64_t start, uint64_t length);
  void addCandidates(uint32_t group, std::vector<uint32_t> &result) const {
    size_t looked = 0;
    for (auto [until, unit] : order[group]) {
      result.push_back(unit);
      if (++looked == looks)
        break;
    }
  }

  uint32_t gang;
  std::vector<Unit> units;
  std::vector<std::set<std::pair<uint64_t, uint32_t>>> order; ///< by class
  std::vector<uint32_t> candidates;
};

class MctPolicy : public ListPolicy {
public:
  using ListPolicy::ListPolicy;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
};

class HeftPolicy : public ListPolicy {
public:
  using ListPolicy::ListPolicy;
  Expected<void> begin(Scheduler &s) override;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

private:
  struct Plan {
    std::vector<uint32_t> unitOf; ///< by block
    uint32_t left;                ///< tasks that have not asked for it
  };
  void plan(Scheduler &s, uint32_t workflow, Plan &result);

  std::vector<std::vector<uint32_t>> ranked; ///< tasks by workflow
  /// Input edges of all tasks: (producer, bytes), by workflow and block.
  std::vector<std::vector<std::vector<std::pair<uint32_t, uint64_t>>>> edges;
  std::unordered_map<uint64_t, Plan> plans; ///< by request
};

} // namespace

Expected<void> ListPolicy::begin(Scheduler &s) {
  layOut(s);
  order.resize(3);
  std::vector<uint8_t> seen(3, 0);
  for (uint32_t w = 0; w < s.numWorkflows(); ++w)
    for (uint32_t b = 0; b < s.numBlocks(w); ++b) {
      if (!s.isTask(w, b))
        continue;
      uint32_t kernel = s.outlook(w, b).kernel, group = groupOf(s, kernel);
      if (seen[group])
        continue;
      seen[group] = 1;
      for (uint32_t tbu = 0; tbu < s.numTbus(); ++tbu) {
        PeaMask peas = s.eligiblePeas(tbu, kernel);
        while (peas) {
          uint32_t first = std::countr_zero(peas);
          uint32_t count =
              std::min<uint32_t>(std::countr_one(peas >> first), gang);
          Seat seat = {tbu, first, count};
          order[group].insert({0, uint32_t(units.size())});
          units.push_back({seat, group, 0, {}});
          peas &= ~seat.mask();
        }
      }
    }
  return {};
}

/// Plans work that `startAt` has found a time for.
void ListPolicy::book(uint32_t id, uint64_t start, uint64_t length) {
  Unit &unit = units[id];
  uint64_t end = start + length;
  if (start >= unit.until) {
    if (start > unit.until) {
      if (unit.gaps.size() == maxGaps)
        unit.gaps.erase(unit.gaps.begin());
      unit.gaps.emplace_back(unit.until, start);
    }
    setUntil(id, end);
    return;
  }
  for (size_t i = 0; i < unit.gaps.size(); ++i) {
    auto [from, to] = unit.gaps[i];
    if (start < from || end > to)
      continue;
    unit.gaps.erase(unit.gaps.begin() + static_cast<ptrdiff_t>(i));
    if (end < to)
      unit.gaps.insert(unit.gaps.begin() + static_cast<ptrdiff_t>(i),
                       {end, to});
    if (from < start && unit.gaps.size() < maxGaps)
      unit.gaps.insert(unit.gaps.begin() + static_cast<ptrdiff_t>(i),
                       {from, start});
    return;
  }
}

Place MctPolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t first) {
  InstanceInfo info = s.info(id);
  uint32_t per = s.tbusPerCluster();
  candidates.clear();
  addCandidates(groupOf(s, info.kernel), candidates);
  uint32_t best = noIndex;
  uint64_t bestEnd = 0;
  for (uint32_t unit : candidates) {
    const Seat &seat = units[unit].seat;
    uint32_t gangHere = s.variantGang(info.kernel, seat.count);
    if (!gangHere)
      continue;
    uint32_t cluster = seat.tbu / per;
    uint64_t ready = s.now() + s.transferCycles(first, cluster, 64);
    if (!s.codeResident(seat.tbu, info.kernel))
      ready += s.codeLoadCycles(cluster, info.kernel);
    uint64_t length = s.expectedCycles(info.workflow, info.block, gangHere);
    uint64_t start = std::max(units[unit].until, ready);
    // What should be over and still waits comes first.
    if (uint64_t queued = s.queueSize(s.firstLane(seat.tbu) + seat.first))
      start = std::max(start, s.now() + queued * length);
    uint64_t end = start + length;
    if (best == noIndex || end < bestEnd) {
      best = unit;
      bestEnd = end;
    }
  }
  if (best == noIndex)
    return {s.replicaTbu(info.workflow, info.block, s.routedReplica(id)), 0, 0};
  setUntil(best, bestEnd);
  Place place = placeOf(units[best].seat);
  place.central = true;
  return place;
}

Expected<void> HeftPolicy::begin(Scheduler &s) {
  if (!s.isGraph())
    return makeError(
        "policy 'heft' plans a request before it runs, so it needs "
        "workflows without branches, selects, loops and fan-outs: "
        "use 'mct', which maps each task when it comes, or another "
        "policy");
  if (Expected<void> begun = ListPolicy::begin(s); !begun)
    return begun;
  ranked.resize(s.numWorkflows());
  edges.resize(s.numWorkflows());
  for (uint32_t w = 0; w < s.numWorkflows(); ++w) {
    edges[w].resize(s.numBlocks(w));
    for (uint32_t b = 0; b < s.numBlocks(w); ++b)
      if (s.isTask(w, b)) {
        ranked[w].push_back(b);
        s.producers(w, b, edges[w][b]);
      }
    // A consumer's rank is lower than its producers'.
    std::sort(ranked[w].begin(), ranked[w].end(), [&](uint32_t a, uint32_t b) {
      uint64_t ra = s.priority(w, a), rb = s.priority(w, b);
      return ra != rb ? ra > rb : a < b;
    });
  }
  return {};
}

void HeftPolicy::plan(Scheduler &s, uint32_t workflow, Plan &result) {
  uint32_t per = s.tbusPerCluster();
  result.unitOf.assign(s.numBlocks(workflow), noIndex);
  result.left = static_cast<uint32_t>(ranked[workflow].size());
  std::vector<uint64_t> ends(result.unitOf.size(), s.now());
  for (uint32_t block : ranked[workflow]) {
    uint32_t kernel = s.outlook(workflow, block).kernel;
    const auto &inputs = edges[workflow][block];
    candidates.clear();
    for (auto [producer, bytes] : inputs)
      if (uint32_t unit = result.unitOf[producer];
          unit != noIndex && candidates.size() < looks &&
          units[unit].group == groupOf(s, kernel))
        candidates.push_back(unit);
    addCandidates(groupOf(s, kernel), candidates);
    uint32_t best = noIndex;
    uint64_t bestEnd = 0, bestStart = 0;
    for (uint32_t unit : candidates) {
      const Seat &seat = units[unit].seat;
      uint32_t gangHere = s.variantGang(kernel, seat.count);
      if (!gangHere)
        continue;
      uint32_t cluster = seat.tbu / per;
      uint64_t ready = s.now();
      for (auto [producer, bytes] : inputs) {
        uint32_t from = result.unitOf[producer];
        uint64_t way =
            from == noIndex
                ? 0
                : s.transferCycles(units[from].seat.tbu / per, cluster, bytes);
        ready = std::max(ready, ends[producer] + way);
      }
      uint64_t length = s.expectedCycles(workflow, block, gangHere);
      uint64_t start = startAt(units[unit], ready, length);
      if (best == noIndex || start + length < bestEnd) {
        best = unit;
        bestStart = start;
        bestEnd = start + length;
      }
    }
    if (best == noIndex)
      continue;
    result.unitOf[block] = best;
    ends[block] = bestEnd;
    book(best, bestStart, bestEnd - bestStart);
  }
}

Place HeftPolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t) {
  InstanceInfo info = s.info(id);
  auto [found, fresh] = plans.try_emplace(info.request);
  if (fresh)
    plan(s, info.workflow, found->second);
  uint32_t unit = found->second.unitOf[info.block];
  if (!--found->second.left)
    plans.erase(found);
  if (unit == noIndex)
    return {s.replicaTbu(info.workflow, info.block, s.routedReplica(id)), 0, 0};
  Place place = placeOf(units[unit].seat);
  place.central = true;
  return place;
}

void ListPolicy::save(std::vector<uint64_t> &words) const {
  for (const Unit &unit : units) {
    words.insert(words.end(), {unit.until, unit.gaps.size()});
    for (auto [from, to] : unit.gaps)
      words.insert(words.end(), {from, to});
  }
}

bool ListPolicy::load(std::span<const uint64_t> words) {
  size_t at = 0;
  for (uint32_t unit = 0; unit < units.size(); ++unit) {
    if (words.size() - at < 2 || words[at + 1] > maxGaps ||
        words.size() - at - 2 < 2 * words[at + 1])
      return false;
    setUntil(unit, words[at]);
    units[unit].gaps.clear();
    for (uint64_t g = 0; g < words[at + 1]; ++g)
      units[unit].gaps.emplace_back(words[at + 2 + 2 * g],
                                    words[at + 3 + 2 * g]);
    at += 2 + 2 * words[at + 1];
  }
  return at == words.size();
}

void HeftPolicy::save(std::vector<uint64_t> &words) const {
  std::vector<uint64_t> units;
  ListPolicy::save(units);
  words.push_back(units.size());
  words.insert(words.end(), units.begin(), units.end());
  std::vector<uint64_t> requests;
  for (const auto &[request, plan] : plans)
    requests.push_back(request);
  std::sort(requests.begin(), requests.end());
  for (uint64_t request : requests) {
    const Plan &plan = plans.at(request);
    words.insert(words.end(), {request, plan.left, plan.unitOf.size()});
    words.insert(words.end(), plan.unitOf.begin(), plan.unitOf.end());
  }
}

bool HeftPolicy::load(std::span<const uint64_t> words) {
  if (words.empty() || words[0] > words.size() - 1 ||
      !ListPolicy::load(words.subspan(1, words[0])))
    return false;
  plans.clear();
  for (size_t at = 1 + words[0]; at < words.size();) {
    if (words.size() - at < 3 || words[at + 2] > words.size() - at - 3)
      return false;
    Plan &plan = plans[words[at]];
    plan.left = static_cast<uint32_t>(words[at + 1]);
    for (uint64_t i = 0; i < words[at + 2]; ++i)
      plan.unitOf.push_back(static_cast<uint32_t>(words[at + 3 + i]));
    at += 3 + words[at + 2];
  }
  return true;
}

std::unique_ptr<Policy> octo::makeMctPolicy(const PolicyOptions &options) {
  return std::make_unique<MctPolicy>(static_cast<uint32_t>(options.values[0]));
}

std::unique_ptr<Policy> octo::makeHeftPolicy(const PolicyOptions &options) {
  return std::make_unique<HeftPolicy>(static_cast<uint32_t>(options.values[0]));
}
