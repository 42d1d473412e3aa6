//===- CycleModel.h - From phases of a kernel to cycles ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a gang of PEAs takes for a kernel, in integers: used by the compiler to
// choose mappings and by the runtime with the real sizes. Every formula and
// its source: docs/timing-model.md, "Cycles of a task block".
//
// Units: cycles of the machine's clock, bytes, operations; costs are cycles an
// operation in 1/65536. Counts saturate at 2^62. Nothing here fails.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_CYCLEMODEL_H
#define OCTO_PROGRAM_CYCLEMODEL_H

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace octo {

// The enumerations have the numbers of program.fbs.

/// What a phase does: the work that decides where it runs best.
enum class PhaseKind : uint8_t { Matrix, Vector, Special, Scalar, Move };

/// What stays in the PE array while the other operands stream through it.
enum class Dataflow : uint8_t {
  None, ///< no array: multiply-accumulates at the rate of the class
  WeightStationary,
  OutputStationary,
  InputStationary
};

/// The numbers of a phase. Each is a form: a sum of products of run-time sizes.
enum class PhaseForm : uint8_t {
  Times,   ///< executions a call
  M,       ///< rows of the result of one product; points of other phases
  N,       ///< columns of the result
  K,       ///< length of the reduction
  Count,   ///< products (points) an execution
  Mac,     ///< multiply-accumulates a call
  Vector,  ///< vector operations a call
  Special, ///< special functions a call
  Scalar,  ///< scalar operations a call
  Load,    ///< bytes of inputs of the kernel that are first needed here
  Store,   ///< bytes of results of the kernel that are made here
  Left,    ///< bytes of the first operand of a product, of all operands of
           ///< other phases; an execution
  Right,   ///< bytes of the second operand of a product; an execution
  Result,  ///< bytes of the result; an execution
  Live,    ///< bytes of all tensors that are needed now or later
  Held,    ///< of those, the ones that are no inputs of the kernel
};
inline constexpr unsigned numPhaseForms = 16;

/// The numbers of a phase in one call.
struct PhaseValues {
  std::array<uint64_t, numPhaseForms> value{};
  uint64_t operator[](PhaseForm form) const { return value[unsigned(form)]; }
  uint64_t &operator[](PhaseForm form) { return value[unsigned(form)]; }
};

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

/// A size that is no sum of products.
enum class SizeKind : uint8_t { FloorDiv, CeilDiv, Min, Max };

/// Encoding of symbols: (input << 8) | dim is a run-time dimension of an input,
/// the others have a mark.
inline constexpr uint32_t counterMark = 0x80000000u;
inline constexpr uint32_t sizeMark = 0x40000000u;

/// Forms of all kernels as in the program file (PhaseTable): form f is the sum
/// of coefficients [offsets[f], offsets[f + 1]), each times its symbols. Phase
/// p has the forms from numPhaseForms * p on; the two operands of size s are
/// sizeForm(s) and the next.
struct FormTable {
  std::span<const uint32_t> offsets;
  std::span<const int64_t> coefficients;
  std::span<const uint32_t> symbolOffsets;
  std::span<const uint32_t> symbols;
  std::span<const uint8_t> sizeKinds;
  uint32_t numPhases = 0;

  uint32_t sizeForm(uint32_t size) const {
    return numPhases * numPhaseForms + 2 * size;
  }
};

/// Counts above this are this.
inline constexpr int64_t mostCount = int64_t(1) << 62;

constexpr int64_t saturate(__int128 value) {
  return value > mostCount    ? mostCount
         : value < -mostCount ? -mostCount
                              : static_cast<int64_t>(value);
}

/// The value of a form. `symbol(s)` gives that of dimensions and counters,
/// `sizes` are those of the kernel that are known so far.
template <class SymbolFn>
int64_t evaluateForm(const FormTable &table, uint32_t form,
                     std::span<const int64_t> sizes, SymbolFn &&symbol) {
  __int128 sum = 0;
  for (uint32_t t = table.offsets[form]; t < table.offsets[form + 1]; ++t) {
    int64_t product = table.coefficients[t];
    for (uint32_t s = table.symbolOffsets[t]; s < table.symbolOffsets[t + 1];
         ++s) {
      uint32_t name = table.symbols[s];
      int64_t factor = (name & (counterMark | sizeMark)) == sizeMark
                           ? sizes[name & ~sizeMark]
                           : static_cast<int64_t>(symbol(name));
      product = saturate(static_cast<__int128>(product) * factor);
    }
    sum += product;
  }
  return saturate(sum);
}

/// Division rounded down; by zero or less it is 0.
constexpr int64_t floorDivide(int64_t a, int64_t b) {
  return b <= 0 ? 0 : a / b - (a % b < 0);
}

/// Evaluates the sizes [sizeBegin, sizeEnd) and then the phases [phaseBegin,
/// phaseEnd) of a kernel. `scratch` is kept between calls to save allocations.
template <class SymbolFn>
void evaluatePhases(const FormTable &table, uint32_t phaseBegin,
                    uint32_t phaseEnd, uint32_t sizeBegin, uint32_t sizeEnd,
                    std::vector<int64_t> &scratch,
                    std::vector<PhaseValues> &phases, SymbolFn &&symbol) {
  scratch.clear();
  for (uint32_t s = sizeBegin; s < sizeEnd; ++s) {
    int64_t a = evaluateForm(table, table.sizeForm(s), scratch, symbol);
    int64_t b = evaluateForm(table, table.sizeForm(s) + 1, scratch, symbol);
    int64_t value = 0;
    switch (static_cast<SizeKind>(table.sizeKinds[s])) {
    case SizeKind::FloorDiv:
      value = floorDivide(a, b);
      break;
    case SizeKind::CeilDiv:
      value = -floorDivide(-a, b);
      break;
    case SizeKind::Min:
      value = std::min(a, b);
      break;
    case SizeKind::Max:
      value = std::max(a, b);
      break;
    }
    scratch.push_back(value);
  }
  phases.resize(phaseEnd - phaseBegin);
  for (uint32_t p = phaseBegin; p < phaseEnd; ++p)
    for (unsigned f = 0; f < numPhaseForms; ++f)
      phases[p - phaseBegin].value[f] = static_cast<uint64_t>(std::max<int64_t>(
          evaluateForm(table, p * numPhaseForms + f, scratch, symbol), 0));
}

//===----------------------------------------------------------------------===//
// Cycles
//===----------------------------------------------------------------------===//

constexpr uint64_t divideUp(uint64_t a, uint64_t b) {
  return a / b + (a % b != 0);
}

/// amount * costQ16 / 65536, rounded up.
constexpr uint64_t costOf(uint64_t amount, uint64_t costQ16) {
  unsigned __int128 cycles =
      (static_cast<unsigned __int128>(amount) * costQ16 + 65535) >> 16;
  return cycles > uint64_t(mostCount) ? uint64_t(mostCount)
                                      : static_cast<uint64_t>(cycles);
}

/// Cycles of an array of `rows` x `cols` PEs for `count` products of an m x k
/// by a k x n matrix, one after the other: those of SCALE-Sim 3.0.0.
/// Two of the three loops are laid over rows and columns, in folds; the third
/// streams. Weight stationary: k over rows, n over columns, m streams; input
/// stationary: k, m, n; output stationary: m, n, k. Each fold takes the length
/// of the stream, rows + cols - 2 cycles of skew, and, where an operand stays,
/// `rows` more to fill it in. 0 for an empty product.
uint64_t arrayCycles(Dataflow dataflow, uint64_t m, uint64_t n, uint64_t k,
                     uint64_t count, uint32_t rows, uint32_t cols);

/// What the model knows of the machine.
struct CycleMachine {
  uint32_t rows = 1, cols = 1;   ///< PEs of a PEA
  uint64_t sram = 0;             ///< bytes of a PEA
  uint64_t scratchpad = 0;       ///< bytes of a cluster
  uint32_t hbmBytesPerCycle = 0; ///< of the narrowest port; 0: no memory
  uint32_t hbmLatency = 0;
};

/// The costs of a variant, as in the program file.
struct VariantCosts {
  uint64_t fixed = 0;                ///< once a call
  std::array<uint64_t, 5> costQ16{}; ///< by work class
  uint64_t scaleQ16 = 0;             ///< of drawn cycles
  uint64_t footprint = 0;
  uint32_t gang = 1;
  uint32_t sync = 0; ///< once an execution of a phase that is parted
};

/// How a phase lies on the gang of a variant: parts of its products and of
/// their dimensions, at most as many as PEAs together, and the tiles in which
/// operands that do not fit stream through the SRAM (0: whole).
struct PhaseMapping {
  uint32_t tileM = 0, tileN = 0, tileK = 0;
  uint16_t parts[4] = {1, 1, 1, 1}; ///< of count, m, n, k
  Dataflow dataflow = Dataflow::None;

  uint32_t numParts() const {
    return uint32_t(parts[0]) * parts[1] * parts[2] * parts[3];
  }
};

/// Where the cycles of a phase come from.
struct PhaseCycles {
  uint64_t mac = 0, vector = 0, special = 0, scalar = 0; ///< one after another
  uint64_t transfer = 0; ///< scratchpad, beside the work
  uint64_t spill = 0;    ///< to external memory and back, after both
  uint64_t sync = 0;     ///< barriers, and partial results added up
  uint64_t total = 0;
  uint64_t bytes = 0;    ///< through the scratchpad
  uint64_t hbmBytes = 0; ///< spilled and read back
  uint64_t compute() const { return mac + vector + special + scalar; }
};

/// Tiles that a phase is cut into when its operands stay in the SRAM: the next
/// sixteenth is loaded while one is worked on. Assumed.
inline constexpr uint64_t residentTiles = 16;

/// A barrier of a gang: 8 cycles a level of a binary tree. Assumed.
constexpr uint32_t barrierCycles(uint32_t gang) {
  return gang > 1 ? 8 * uint32_t(std::bit_width(gang - 1)) : 0;
}

/// Bytes of the phase's tensors in the SRAM of each PEA while they stay there.
uint64_t residentBytes(const PhaseValues &phase, const PhaseMapping &mapping,
                       uint32_t gang);

/// Bytes of the tiles, double buffers and all, when they stream through.
uint64_t tileBytes(const PhaseValues &phase, PhaseKind kind,
                   const PhaseMapping &mapping);

/// Cycles of a phase. `resident`: the tensors of the call fit in the SRAM.
PhaseCycles phaseCycles(PhaseKind kind, const PhaseValues &phase,
                        const PhaseMapping &mapping, const VariantCosts &costs,
                        uint64_t macRateQ16, const CycleMachine &machine,
                        bool resident);

/// Cycles and bytes of a call.
struct CallCycles {
  uint64_t cycles = 0;
  uint64_t bytes = 0;
  uint64_t hbmBytes = 0;
  bool resident = true;
};

/// The sum over the phases and the variant's fixed part. A call whose tensors
/// fit in the SRAM of the gang beside `codeBytes` keeps them there; otherwise
/// the operands of every phase stream through. `each`, where given, receives
/// the cycles of every phase.
CallCycles callCycles(std::span<const PhaseKind> kinds,
                      std::span<const PhaseValues> phases,
                      std::span<const PhaseMapping> mappings,
                      const VariantCosts &costs, uint64_t codeBytes,
                      uint64_t macRateQ16, const CycleMachine &machine,
                      std::vector<PhaseCycles> *each = nullptr);

/// Kernels without phases: work by class, evenly spread as the costs say,
/// beside the scratchpad.
uint64_t workCycles(const VariantCosts &costs,
                    const std::array<uint64_t, 5> &work);

/// True if the class has an array of multiply-accumulate units: it does at
/// least half of one a PE and cycle.
constexpr bool hasArray(uint64_t macRateQ16, uint32_t rows, uint32_t cols) {
  return macRateQ16 / 65536 >= uint64_t(rows) * cols / 2 && macRateQ16;
}

/// The mapping with the fewest cycles for a phase of these sizes on a gang; of
/// equals the one with fewer parts. Tiles are left whole.
PhaseMapping chooseMapping(PhaseKind kind, const PhaseValues &phase,
                           const VariantCosts &costs, uint64_t macRateQ16,
                           const CycleMachine &machine);

/// Sets the tiles that move the fewest bytes of those that fit in `budget`
/// bytes. False if even the least tile, one fill of the array, does not.
bool chooseTiles(PhaseKind kind, const PhaseValues &phase,
                 const CycleMachine &machine, uint64_t budget,
                 PhaseMapping &mapping);

} // namespace octo

#endif // OCTO_PROGRAM_CYCLEMODEL_H
