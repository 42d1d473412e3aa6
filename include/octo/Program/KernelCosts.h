//===- KernelCosts.h - Work and cycles of calls of kernels ------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of a program with the cycle model applied to them: what a call
// with given sizes and counts has to do, and what it takes by each variant. The
// simulator charges these numbers, and `octo-run info --kernels` prints them.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_KERNELCOSTS_H
#define OCTO_PROGRAM_KERNELCOSTS_H

#include "octo/Program/CycleModel.h"

#include <unordered_map>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// Sizes to assume for the dimensions of a value of which some (negative ones)
/// are known only at run time: those are taken as equal, the largest integer
/// with which `bytes` are not exceeded.
std::vector<int64_t> expectedDims(std::span<const int64_t> dims,
                                  uint64_t elementBytes, uint64_t bytes);

class KernelCosts {
public:
  /// The program has passed the validator and outlives this.
  explicit KernelCosts(const fb::Program &program);

  /// What a call takes by one variant.
  struct Variant {
    uint64_t cycles;
    uint64_t bytes; ///< through the scratchpad beyond the work's bytes: tiles
                    ///< that are loaded again, partial results
    uint64_t hbmBytes; ///< spilled and read back
  };

  /// The number of a call of a kernel with these values of its symbols, in the
  /// order of workSymbols. Equal calls share a number as long as there are not
  /// too many different ones: give back with release() what is no longer used.
  /// Call 0 is no work at all. What is to stay is asked for with `keep`;
  /// release() leaves it.
  uint32_t call(uint32_t kernel, std::span<const uint64_t> symbols,
                bool keep = false);
  void release(uint32_t call);

  /// Operations of each class, bytes last.
  const std::array<uint64_t, 5> &work(uint32_t call) const {
    return calls[call].work;
  }
  /// Variants are numbered over all kernels.
  const Variant &variant(uint32_t call, uint32_t variant) const {
    const Call &of = calls[call];
    return of.variants[variant - of.firstVariant];
  }

  /// The phases of a kernel in a call with these values of its symbols.
  void phases(uint32_t kernel, std::span<const uint64_t> symbols,
              std::vector<PhaseValues> &values) const;
  /// The same call by one variant, phase by phase.
  CallCycles cycles(uint32_t kernel, uint32_t variant,
                    std::span<const PhaseValues> phases,
                    std::vector<PhaseCycles> *each = nullptr) const;

  std::span<const PhaseKind> kinds(uint32_t kernel) const {
    const Kernel &of = kernels[kernel];
    return std::span(phaseKinds)
        .subspan(of.phaseBegin, of.phaseEnd - of.phaseBegin);
  }
  std::span<const PhaseMapping> mappings(uint32_t variant) const {
    return std::span(allMappings)
        .subspan(mappingBegin[variant],
                 mappingBegin[variant + 1] - mappingBegin[variant]);
  }
  const VariantCosts &costs(uint32_t variant) const {
    return variants[variant];
  }
  const CycleMachine &machine() const { return target; }
  /// Multiply-accumulates a cycle of one PEA of the kernel's class, in 1/65536.
  uint64_t macRateQ16(uint32_t kernel) const { return kernels[kernel].macRate; }
  std::span<const uint32_t> symbolsOf(uint32_t kernel) const {
    return kernels[kernel].symbols;
  }

  /// Calls that have a number, for checkpoints (lib/Runtime/State.h).
  template <class Archive>
  void state(Archive &a) {
    a.all(*this, a.reference(program), a.fixed(target), a.fixed(kernels),
          a.fixed(variants), a.fixed(phaseKinds), a.fixed(allMappings),
          a.fixed(mappingBegin), a.fixed(forms), calls, a.fixed(known), unused,
          a.fixed(scratch));
    if (Archive::reading && !(a.ok() && indexCalls()))
      a.fail();
  }

private:
  struct Kernel {
    uint32_t phaseBegin, phaseEnd;
    uint32_t sizeBegin, sizeEnd;
    uint32_t variantBegin, variantEnd;
    uint64_t codeBytes;
    uint64_t macRate;
    uint32_t fixedCall = 0; ///< of a kernel without symbols
    std::vector<uint32_t> symbols;
  };
  struct Call {
    std::array<uint64_t, 5> work{};
    std::vector<Variant> variants;
    std::vector<uint64_t> symbols;
    uint32_t kernel = 0;
    uint32_t firstVariant = 0;
    bool shared = true;
  };

  void evaluate(Call &call);
  bool indexCalls();

  const fb::Program &program;
  CycleMachine target;
  std::vector<Kernel> kernels;
  std::vector<VariantCosts> variants;
  std::vector<PhaseKind> phaseKinds;
  std::vector<PhaseMapping> allMappings;
  std::vector<uint32_t> mappingBegin; ///< by variant, + 1
  FormTable forms;
  std::vector<Call> calls;
  std::unordered_multimap<uint64_t, uint32_t> known;
  std::vector<uint32_t> unused;
  std::vector<PhaseValues> scratch;
};

} // namespace octo

#endif // OCTO_PROGRAM_KERNELCOSTS_H
