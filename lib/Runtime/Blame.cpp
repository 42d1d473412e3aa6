//===- Blame.cpp - What made each request late ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Blame.h"

#include <algorithm>
#include <cassert>
#include <tuple>

using namespace octo;

std::string_view octo::stringifyBlameCause(BlameCause cause) {
  static constexpr std::string_view names[numBlameCauses] = {
      "admission", "host_port", "token",         "transfer",
      "queue",     "dispatch",  "configuration", "weights",
      "resize",    "compute",   "cbu_queue",     "decision",
      "credits",   "join",      "stream",        "lost"};
  return names[static_cast<unsigned>(cause)];
}

uint32_t Blame::add(uint32_t parent, uint32_t block, uint64_t end,
                    std::span<const BlamePart> parts) {
  assert(parts.size() <= BlameStep::maxParts);
  uint32_t id = steps.allocate();
  BlameStep &step = steps[id];
  step.references = 1;
  step.parent = parent;
  step.block = block;
  step.end = end;
  step.numParts = static_cast<uint8_t>(parts.size());
  step.wide = step.open = false;
  step.causes = 0;
  for (unsigned i = 0; i < parts.size(); ++i) {
    step.causes |= static_cast<uint32_t>(parts[i].cause) << 4 * i;
    setCycles(step, i, parts[i].cycles);
  }
  retain(parent);
  return id;
}

/// The first part with more than 32 bits takes the others along.
void Blame::setWide(BlameStep &step, unsigned part, uint64_t cycles) {
  if (!step.wide) {
    uint32_t id = wide.allocate();
    std::copy(step.cycles.begin(), step.cycles.end(), wide[id].cycles.begin());
    step.cycles[0] = id;
    step.wide = true;
  }
  wide[step.cycles[0]].cycles[part] = cycles;
}

static bool byBlockAndCause(const BlameOfRequest::Entry &a,
                            const BlameOfRequest::Entry &b) {
  return std::tie(a.block, a.cause) < std::tie(b.block, b.cause);
}

void Blame::addTo(std::vector<BlockSums> &sums,
                  const std::vector<BlameOfRequest::Entry> &entries) {
  auto less = [](const BlockSums &a, const BlockSums &b) {
    return a.block < b.block;
  };
  size_t known = sums.size(), from = 0, place = 0;
  for (const BlameOfRequest::Entry &entry : entries) {
    if (place >= sums.size() || sums[place].block != entry.block) {
      auto begin = sums.begin();
      from = static_cast<size_t>(
          std::lower_bound(begin + static_cast<ptrdiff_t>(from),
                           begin + static_cast<ptrdiff_t>(known),
                           BlockSums{entry.block, {}}, less) -
          begin);
      place = from;
      if (place == known || sums[place].block != entry.block) {
        // New ones go to the end, in order too, and to their places at last.
        place = sums.size();
        sums.push_back({entry.block, {}});
      }
    }
    sums[place].cycles[unsigned(entry.cause)] += entry.cycles;
  }
  if (sums.size() != known)
    std::sort(sums.begin(), sums.end(), less);
}

uint32_t Blame::copy(uint32_t other) {
  uint32_t id = steps.allocate();
  uint32_t generation = steps[id].generation;
  steps[id] = steps[other];
  steps[id].generation = generation;
  steps[id].references = 1;
  retain(steps[id].parent);
  if (steps[id].wide) {
    uint32_t parts = wide.allocate();
    wide[parts].cycles = wide[steps[id].cycles[0]].cycles;
    steps[id].cycles[0] = parts;
  }
  return id;
}

/// Of a slow request so many pairs of block and cause are kept one by one.
static constexpr size_t keptEntries = 64;

bool Blame::account(BlameOfRequest &request, uint32_t last,
                    std::span<const BlamePart> tail) {
  // A request comes to the same blocks again and again: their cycles are added
  // up by block, found by a few low bits of it. Blocks that have them in common
  // may come several times and are joined below.
  gathered.clear();
  gatheredAt.fill(noIndex);
  auto sumsOf = [&](uint32_t block) -> Sums & {
    uint32_t &at = gatheredAt[block % gatheredAt.size()];
    if (at == noIndex || gathered[at].block != block) {
      at = static_cast<uint32_t>(gathered.size());
      gathered.push_back({block, {}});
    }
    return gathered[at].cycles;
  };
  for (const BlamePart &part : tail)
    sumsOf(noIndex)[unsigned(part.cause)] += part.cycles;
  for (uint32_t i = last; i != noIndex; i = steps[i].parent) {
    const BlameStep &step = steps[i];
    Sums &sums = sumsOf(step.block);
    for (unsigned p = 0; p < step.numParts; ++p)
      sums[unsigned(step.cause(p))] += cyclesOf(step, p);
  }
  order.clear();
  for (uint32_t i = 0; i < gathered.size(); ++i)
    order.push_back({gathered[i].block, i});
  std::sort(order.begin(), order.end());
  std::vector<BlameOfRequest::Entry> &entries = request.entries;
  uint64_t sum = 0;
  for (size_t i = 0; i < order.size();) {
    auto [block, first] = order[i];
    Sums &sums = gathered[first].cycles;
    while (++i < order.size() && order[i].first == block)
      for (unsigned c = 0; c < numBlameCauses; ++c)
        sums[c] += gathered[order[i].second].cycles[c];
    for (unsigned c = 0; c < numBlameCauses; ++c)
      if (uint64_t cycles = sums[c]) {
        entries.push_back({block, BlameCause(c), cycles});
        request.cycles[c] += cycles;
        sum += cycles;
      }
  }

  ++requests;
  for (unsigned c = 0; c < numBlameCauses; ++c)
    all[c] += request.cycles[c];
  addTo(byBlock, entries);

  // Of equally slow ones those that ended first.
  auto slower = [](const BlameOfRequest &a, const BlameOfRequest &b) {
    return a.latency > b.latency;
  };
  if (slowestLimit && (slowest.size() < slowestLimit ||
                       request.latency > slowest.front().latency)) {
    if (slowest.size() == slowestLimit) {
      std::pop_heap(slowest.begin(), slowest.end(), slower);
      slowest.pop_back();
    }
    slowest.push_back(request);
    std::vector<BlameOfRequest::Entry> &own = slowest.back().entries;
    if (own.size() > keptEntries) {
      std::sort(own.begin(), own.end(), [](const auto &a, const auto &b) {
        return std::tie(b.cycles, a.block, a.cause) <
               std::tie(a.cycles, b.block, b.cause);
      });
      own.resize(keptEntries);
      std::sort(own.begin(), own.end(), byBlockAndCause);
    }
    own.shrink_to_fit();
    std::push_heap(slowest.begin(), slowest.end(), slower);
  }
  return sum == request.latency;
}

BlameResult Blame::result(const ProgramTables &tables) const {
  BlameResult r;
  r.requests = requests;
  r.cycles = all;
  r.slowestRequests = slowest.size();
  std::vector<BlockSums> late;
  for (const BlameOfRequest &request : slowest) {
    for (unsigned c = 0; c < numBlameCauses; ++c)
      r.slowestCycles[c] += request.cycles[c];
    addTo(late, request.entries);
  }
  auto slow = late.begin();
  for (const auto &[block, cycles] : byBlock) {
    if (block == noIndex)
      continue;
    BlameOfBlock one;
    one.workflow = tables.blocks[block].workflow;
    one.block = tables.blocks[block].local;
    one.cycles = cycles;
    while (slow != late.end() && slow->block < block)
      ++slow;
    if (slow != late.end() && slow->block == block)
      one.slowestCycles = slow->cycles;
    r.blocks.push_back(one);
  }
  // Those that cost the most first; then as in the program.
  std::sort(r.blocks.begin(), r.blocks.end(),
            [](const BlameOfBlock &a, const BlameOfBlock &b) {
              uint64_t x = a.total(), y = b.total();
              return std::tie(y, a.workflow, a.block) <
                     std::tie(x, b.workflow, b.block);
            });
  return r;
}
