//===- Blame.h - What made each request late --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whatever happens in a request happens because something came last. Steps
// remember what they waited for last, so from the end of a request one way
// leads back to its arrival, and the lengths on it add up to its latency
// (docs/semantics.md, section 12). A step lives as long as something may still
// be blamed on it: steps are counted by their references.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_BLAME_H
#define OCTO_LIB_RUNTIME_BLAME_H

#include "Pool.h"
#include "ProgramTables.h"

#include "octo/Runtime/RunResult.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace octo {

struct BlamePart {
  BlameCause cause;
  uint64_t cycles;
};

/// A step that ended at `end`; what it waited for last is `parent`. A line of
/// cache: many lie about for long, and most are looked at two or three times.
struct alignas(64) BlameStep {
  uint32_t generation = 0;
  uint32_t references;
  uint32_t parent; ///< noIndex: the request arrived
  uint32_t block;  ///< noIndex: of the request as a whole
  uint64_t end;
  static constexpr unsigned maxParts = 8;
  std::array<uint32_t, maxParts> cycles; ///< see Blame::cyclesOf
  uint32_t causes;                       ///< four bits a part
  uint8_t numParts;
  bool wide; ///< a part has more than 32 bits
  bool open; ///< an instance that still computes

  BlameCause cause(unsigned part) const {
    return static_cast<BlameCause>(causes >> 4 * part & 15);
  }
};
static_assert(numBlameCauses <= 16 && sizeof(BlameStep) == 64);

/// The way back of one request, by block and cause.
struct BlameOfRequest {
  uint64_t request = 0;
  uint32_t tenant = 0;
  uint64_t arrival = 0;
  uint64_t latency = 0;
  std::array<uint64_t, numBlameCauses> cycles{};
  struct Entry {
    uint32_t block;
    BlameCause cause;
    uint64_t cycles;
  };
  std::vector<Entry> entries; ///< ascending by block, then cause
};

class Blame {
public:
  void retain(uint32_t step) {
    if (step != noIndex)
      ++steps[step].references;
  }
  /// Gives a reference back; steps that nothing refers to any more go.
  void release(uint32_t step) {
    while (step != noIndex && --steps[step].references == 0) {
      uint32_t parent = steps[step].parent;
      if (steps[step].wide) [[unlikely]]
        wide.release(steps[step].cycles[0]);
      steps.release(step);
      step = parent;
    }
  }
  void assign(uint32_t &holder, uint32_t step) {
    retain(step);
    release(holder);
    holder = step;
  }
  uint64_t endOf(uint32_t step) const {
    return step == noIndex ? 0 : steps[step].end;
  }
  /// The one that ended later; the first if both did at once.
  uint32_t later(uint32_t a, uint32_t b) const {
    if (a == noIndex || b == noIndex)
      return a == noIndex ? b : a;
    return steps[b].end > steps[a].end ? b : a;
  }
  /// A new step with one reference. Its parts follow one another up to `end`.
  uint32_t add(uint32_t parent, uint32_t block, uint64_t end,
               std::span<const BlamePart> parts);
  /// A step like another one, with one reference.
  uint32_t copy(uint32_t step);
  uint64_t cyclesOf(const BlameStep &step, unsigned part) const {
    return step.wide ? wide[step.cycles[0]].cycles[part] : step.cycles[part];
  }
  void setCycles(BlameStep &step, unsigned part, uint64_t cycles) {
    if (!step.wide && !(cycles >> 32)) [[likely]]
      step.cycles[part] = static_cast<uint32_t>(cycles);
    else
      setWide(step, part, cycles);
  }
  void addCycles(BlameStep &step, unsigned part, uint64_t cycles) {
    setCycles(step, part, cyclesOf(step, part) + cycles);
  }
  BlameStep &operator[](uint32_t step) { return steps[step]; }
  const BlameStep &operator[](uint32_t step) const { return steps[step]; }
  uint32_t numLive() const { return steps.numLive(); }

  /// How many of the slowest requests are kept.
  void keepSlowest(uint64_t requests) { slowestLimit = requests; }
  /// Walks back from the end of a request, whose last `tail` cycles are not in
  /// a step. False if the parts do not add up to the latency.
  bool account(BlameOfRequest &request, uint32_t last,
               std::span<const BlamePart> tail);
  BlameResult result(const ProgramTables &tables) const;

  /// See State.h.
  template <class Archive>
  void state(Archive &a) {
    a.all(*this, steps, wide, requests, all, byBlock, a.fixed(slowestLimit),
          slowest, a.fixed(gathered), a.fixed(gatheredAt), a.fixed(order));
  }

private:
  using Sums = std::array<uint64_t, numBlameCauses>;
  struct BlockSums {
    uint32_t block;
    Sums cycles;
  };
  /// Adds entries in the order of blocks to sums in that order.
  static void addTo(std::vector<BlockSums> &sums,
                    const std::vector<BlameOfRequest::Entry> &entries);

  /// Parts of a step of which one takes more than 32 bits.
  struct WideParts {
    uint32_t generation = 0;
    std::array<uint64_t, BlameStep::maxParts> cycles;
  };
  void setWide(BlameStep &step, unsigned part, uint64_t cycles);

  Pool<BlameStep> steps;
  Pool<WideParts> wide;
  uint64_t requests = 0;
  Sums all{};
  std::vector<BlockSums> byBlock; ///< ascending
  uint64_t slowestLimit = 0;
  std::vector<BlameOfRequest> slowest; ///< a heap: the least slow first
  // Of one request, while it is accounted for.
  std::vector<BlockSums> gathered;
  std::array<uint32_t, 64> gatheredAt; ///< by low bits of the block
  std::vector<std::pair<uint32_t, uint32_t>> order; ///< block, its place above
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_BLAME_H
