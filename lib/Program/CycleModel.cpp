//===- CycleModel.cpp - From phases of a kernel to cycles -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas and their sources: docs/timing-model.md, "Cycles of a task block".
//
//===----------------------------------------------------------------------===//

#include "octo/Program/CycleModel.h"

using namespace octo;

using Wide = unsigned __int128;

static constexpr uint64_t most = uint64_t(mostCount);

static uint64_t clamp(Wide value) {
  return value > most ? most : static_cast<uint64_t>(value);
}

static uint64_t multiply(uint64_t a, uint64_t b) { return clamp(Wide(a) * b); }

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t c) {
  return multiply(multiply(a, b), c);
}

uint64_t octo::arrayCycles(Dataflow dataflow, uint64_t m, uint64_t n,
                           uint64_t k, uint64_t count, uint32_t rows,
                           uint32_t cols) {
  if (!m || !n || !k || !count)
    return 0;
  uint64_t overRows = k, overCols = n, stream = m;
  // Results leave the array while the next fold starts.
  uint64_t fill = rows;
  if (dataflow == Dataflow::InputStationary) {
    overCols = m, stream = n;
  } else if (dataflow == Dataflow::OutputStationary) {
    overRows = m, stream = k, fill = 0;
  }
  uint64_t folds = multiply(divideUp(overRows, rows), divideUp(overCols, cols));
  // The first cycle has number 0; what counts is the number of the last one.
  return multiply(folds, count, stream + fill + rows + cols - 2) - 1;
}

/// The numbers of the largest part of a phase.
namespace {
struct Part {
  uint64_t count, m, n, k;
  Part(const PhaseValues &phase, const PhaseMapping &mapping)
      : count(divideUp(phase[PhaseForm::Count], mapping.parts[0])),
        m(divideUp(phase[PhaseForm::M], mapping.parts[1])),
        n(divideUp(phase[PhaseForm::N], mapping.parts[2])),
        k(divideUp(phase[PhaseForm::K], mapping.parts[3])) {}
  uint64_t points() const {
    return multiply(multiply(m, n), multiply(k, count));
  }
};
} // namespace

static uint64_t pointsOf(const PhaseValues &phase) {
  return Part(phase, PhaseMapping()).points();
}

uint64_t octo::residentBytes(const PhaseValues &phase,
                             const PhaseMapping &mapping, uint32_t gang) {
  // Each part holds its own rows and columns of the operands; everything else
  // is spread evenly.
  uint64_t left = phase[PhaseForm::Left], right = phase[PhaseForm::Right],
           result = phase[PhaseForm::Result], live = phase[PhaseForm::Live];
  uint64_t own = left + right + result;
  uint64_t others = live > own ? live - own : 0;
  const uint16_t *parts = mapping.parts;
  if (!right)
    return divideUp(std::max(live, own), gang);
  return divideUp(others, gang) +
         divideUp(left, uint64_t(parts[0]) * parts[1] * parts[3]) +
         divideUp(right, uint64_t(parts[0]) * parts[2] * parts[3]) +
         divideUp(result, uint64_t(parts[0]) * parts[1] * parts[2]);
}

/// The least buffer of an operand that streams: a line of 64 bytes. Assumed.
static constexpr uint64_t leastBuffer = 64;

uint64_t octo::tileBytes(const PhaseValues &phase, PhaseKind kind,
                         const PhaseMapping &mapping) {
  if (kind != PhaseKind::Matrix)
    return 2 * 2 * leastBuffer;
  Part part(phase, mapping);
  uint64_t m = phase[PhaseForm::M], n = phase[PhaseForm::N],
           k = phase[PhaseForm::K],
           count = std::max<uint64_t>(phase[PhaseForm::Count], 1);
  if (!m || !n || !k)
    return 0;
  uint64_t tileM =
      mapping.tileM ? std::min<uint64_t>(mapping.tileM, part.m) : part.m;
  uint64_t tileN =
      mapping.tileN ? std::min<uint64_t>(mapping.tileN, part.n) : part.n;
  uint64_t tileK =
      mapping.tileK ? std::min<uint64_t>(mapping.tileK, part.k) : part.k;
  // A tile's share of each operand of one product. Of the operands one tile is
  // worked on while the next arrives; of the result one while the last leaves.
  auto share = [&](PhaseForm form, uint64_t a, uint64_t b, uint64_t wholeA,
                   uint64_t wholeB) {
    uint64_t whole = divideUp(phase[form], count);
    return clamp((Wide(whole) * multiply(a, b) + multiply(wholeA, wholeB) - 1) /
                 multiply(wholeA, wholeB));
  };
  return 2 * (share(PhaseForm::Left, tileM, tileK, m, k) +
              share(PhaseForm::Right, tileK, tileN, k, n) +
              share(PhaseForm::Result, tileM, tileN, m, n));
}

/// How often a dimension of a part is gone through in tiles.
static uint64_t passes(uint64_t size, uint32_t tile) {
  return tile && size > tile ? divideUp(size, tile) : 1;
}

/// Bytes of one execution of a product whose operands stream: the result stays
/// while the reduction streams by, the first operand comes once for each tile
/// of columns, the second once for each tile of rows.
static uint64_t streamedBytes(const PhaseValues &phase, const Part &part,
                              const PhaseMapping &mapping) {
  return clamp(
      Wide(multiply(phase[PhaseForm::Left], passes(part.n, mapping.tileN))) +
      multiply(phase[PhaseForm::Right], passes(part.m, mapping.tileM)) +
      phase[PhaseForm::Result]);
}

PhaseCycles octo::phaseCycles(PhaseKind kind, const PhaseValues &phase,
                              const PhaseMapping &mapping,
                              const VariantCosts &costs, uint64_t macRateQ16,
                              const CycleMachine &machine, bool resident) {
  PhaseCycles cycles;
  Part part(phase, mapping);
  const uint64_t times = phase[PhaseForm::Times];
  const uint64_t whole = pointsOf(phase), mine = part.points();
  // The largest part's share of the work.
  auto work = [&](PhaseForm form) -> uint64_t {
    uint64_t all = phase[form];
    if (mine >= whole || !all)
      return all;
    return clamp((Wide(all) * mine + whole - 1) / whole);
  };
  uint64_t tiles = residentTiles;
  if (kind == PhaseKind::Matrix && mapping.dataflow != Dataflow::None) {
    uint64_t one = arrayCycles(mapping.dataflow, part.m, part.n, part.k,
                               part.count, machine.rows, machine.cols);
    // PEs that do more, or less, than one multiply-accumulate a cycle.
    Wide pes = Wide(uint64_t(machine.rows) * machine.cols) << 16;
    if (macRateQ16 && pes != macRateQ16)
      one = clamp((Wide(one) * pes + macRateQ16 - 1) / macRateQ16);
    cycles.mac = multiply(one, times);
  } else {
    cycles.mac = costOf(work(PhaseForm::Mac), costs.costQ16[0]);
  }
  cycles.vector = costOf(work(PhaseForm::Vector), costs.costQ16[1]);
  cycles.special = costOf(work(PhaseForm::Special), costs.costQ16[2]);
  cycles.scalar = costOf(phase[PhaseForm::Scalar], costs.costQ16[3]);

  uint64_t bytes =
      clamp(Wide(phase[PhaseForm::Load]) + phase[PhaseForm::Store]);
  if (!resident) {
    uint64_t moved;
    if (kind == PhaseKind::Matrix) {
      moved = streamedBytes(phase, part, mapping);
      tiles = multiply(multiply(passes(part.m, mapping.tileM),
                                passes(part.n, mapping.tileN),
                                passes(part.k, mapping.tileK)),
                       multiply(std::max<uint64_t>(part.count, 1),
                                std::max<uint64_t>(times, 1)));
    } else {
      moved = clamp(Wide(phase[PhaseForm::Left]) + phase[PhaseForm::Right] +
                    phase[PhaseForm::Result]);
    }
    bytes = std::max(bytes, multiply(moved, times));
    uint64_t held = phase[PhaseForm::Held];
    if (held > machine.scratchpad && machine.hbmBytesPerCycle) {
      cycles.hbmBytes = multiply(held - machine.scratchpad, 2);
      cycles.spill = divideUp(cycles.hbmBytes, machine.hbmBytesPerCycle) +
                     2 * uint64_t(machine.hbmLatency);
    }
  }
  cycles.bytes = bytes;
  cycles.transfer = costOf(bytes, costs.costQ16[4]);

  if (mapping.numParts() > 1) {
    cycles.sync = multiply(costs.sync, times);
    if (uint64_t parts = mapping.parts[3]; parts > 1) {
      // All partial results but one are written and read; each PEA adds up its
      // share of the elements.
      uint64_t elements = multiply(phase[PhaseForm::M], phase[PhaseForm::N],
                                   multiply(phase[PhaseForm::Count], times));
      uint64_t moved = multiply(elements, 2 * 4 * (parts - 1));
      uint64_t own = multiply(part.m, part.n, multiply(part.count, times));
      cycles.bytes = clamp(Wide(cycles.bytes) + moved);
      cycles.sync = clamp(
          Wide(cycles.sync) + costOf(moved, costs.costQ16[4]) +
          costOf(divideUp(multiply(own, parts - 1), parts), costs.costQ16[1]));
    }
  }
  // Two stages, loading and working, over equal tiles.
  Wide compute = cycles.compute();
  Wide transfer = cycles.transfer;
  Wide overlapped = std::max(compute + (transfer + tiles - 1) / tiles,
                             transfer + (compute + tiles - 1) / tiles);
  cycles.total = clamp(overlapped + cycles.spill + cycles.sync);
  return cycles;
}

CallCycles octo::callCycles(std::span<const PhaseKind> kinds,
                            std::span<const PhaseValues> phases,
                            std::span<const PhaseMapping> mappings,
                            const VariantCosts &costs, uint64_t codeBytes,
                            uint64_t macRateQ16, const CycleMachine &machine,
                            std::vector<PhaseCycles> *each) {
  static constexpr PhaseMapping whole;
  auto mapping = [&](size_t p) -> const PhaseMapping & {
    return p < mappings.size() ? mappings[p] : whole;
  };
  CallCycles call;
  for (size_t p = 0; p < phases.size() && call.resident; ++p)
    call.resident =
        Wide(residentBytes(phases[p], mapping(p), costs.gang)) + codeBytes <=
        machine.sram;
  Wide total = costs.fixed, bytes = 0, hbmBytes = 0;
  if (each)
    each->clear();
  for (size_t p = 0; p < phases.size(); ++p) {
    PhaseCycles cycles = phaseCycles(kinds[p], phases[p], mapping(p), costs,
                                     macRateQ16, machine, call.resident);
    total += cycles.total;
    bytes += cycles.bytes;
    hbmBytes += cycles.hbmBytes;
    if (each)
      each->push_back(cycles);
  }
  call.cycles = clamp(total);
  call.bytes = clamp(bytes);
  call.hbmBytes = clamp(hbmBytes);
  return call;
}

uint64_t octo::workCycles(const VariantCosts &costs,
                          const std::array<uint64_t, 5> &work) {
  Wide compute = 0;
  for (unsigned c = 0; c < 4; ++c)
    compute += costOf(work[c], costs.costQ16[c]);
  return clamp(costs.fixed +
               std::max<Wide>(compute, costOf(work[4], costs.costQ16[4])));
}

PhaseMapping octo::chooseMapping(PhaseKind kind, const PhaseValues &phase,
                                 const VariantCosts &costs, uint64_t macRateQ16,
                                 const CycleMachine &machine) {
  PhaseMapping best;
  uint64_t bestCycles = ~uint64_t(0);
  uint32_t bestParts = ~0u;
  const bool onArray = kind == PhaseKind::Matrix &&
                       hasArray(macRateQ16, machine.rows, machine.cols);
  // Large gangs are parted by divisors only, small ones in every way.
  std::vector<uint16_t> factors;
  for (uint32_t f = 1; f <= costs.gang; ++f)
    if (costs.gang <= 8 || costs.gang % f == 0)
      factors.push_back(uint16_t(f));
  auto tryParts = [&](PhaseMapping mapping) {
    for (Dataflow dataflow :
         {Dataflow::WeightStationary, Dataflow::OutputStationary,
          Dataflow::InputStationary}) {
      mapping.dataflow = onArray ? dataflow : Dataflow::None;
      uint64_t cycles =
          phaseCycles(kind, phase, mapping, costs, macRateQ16, machine, true)
              .total;
      if (cycles < bestCycles ||
          (cycles == bestCycles && mapping.numParts() < bestParts)) {
        best = mapping;
        bestCycles = cycles;
        bestParts = mapping.numParts();
      }
      if (!onArray)
        break;
    }
  };
  auto useful = [](uint64_t size, uint32_t parts) {
    return parts == 1 || parts <= size;
  };
  for (uint16_t c : factors)
    for (uint16_t m : factors)
      for (uint16_t n : factors)
        for (uint16_t k : factors) {
          if (uint64_t(c) * m * n * k > costs.gang ||
              !useful(phase[PhaseForm::Count], c) ||
              !useful(phase[PhaseForm::M], m) ||
              !useful(phase[PhaseForm::N], n) ||
              !useful(phase[PhaseForm::K], k))
            continue;
          PhaseMapping mapping;
          mapping.parts[0] = c;
          mapping.parts[1] = m;
          mapping.parts[2] = n;
          mapping.parts[3] = k;
          tryParts(mapping);
        }
  return best;
}

bool octo::chooseTiles(PhaseKind kind, const PhaseValues &phase,
                       const CycleMachine &machine, uint64_t budget,
                       PhaseMapping &mapping) {
  if (kind != PhaseKind::Matrix)
    return tileBytes(phase, kind, mapping) <= budget;
  Part part(phase, mapping);
  // Sizes that double, from one fill of the array up to the whole part.
  auto sizes = [](uint64_t least, uint64_t whole) {
    std::vector<uint32_t> list;
    for (uint64_t size = least; size < whole && size < 0x80000000u; size *= 2)
      list.push_back(uint32_t(size));
    list.push_back(uint32_t(std::min<uint64_t>(whole, 0xffffffffu)));
    return list;
  };
  PhaseMapping best = mapping;
  uint64_t bestBytes = ~uint64_t(0);
  bool found = false;
  for (uint32_t m : sizes(machine.rows, part.m))
    for (uint32_t n : sizes(machine.cols, part.n))
      for (uint32_t k : sizes(machine.rows, part.k)) {
        PhaseMapping tried = mapping;
        tried.tileM = m, tried.tileN = n, tried.tileK = k;
        if (tileBytes(phase, kind, tried) > budget)
          continue;
        uint64_t bytes = streamedBytes(phase, part, tried);
        // Of equals the later one: larger tiles, of which there are fewer.
        if (bytes <= bestBytes) {
          best = tried;
          bestBytes = bytes;
          found = true;
        }
      }
  mapping = best;
  return found;
}
