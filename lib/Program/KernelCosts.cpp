//===- KernelCosts.cpp - Work and cycles of calls of kernels --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Program/KernelCosts.h"
#include "octo/Program/Columns.h"
#include "octo/Program/Program.h"
#include "octo/Program/Tag.h"
#include "octo/Program/program_generated.h"

using namespace octo;

/// Different calls that are remembered; a program whose calls all differ would
/// need a memory for every one.
static constexpr size_t mostKnown = 1 << 16;

std::vector<int64_t> octo::expectedDims(std::span<const int64_t> given,
                                        uint64_t elementBytes, uint64_t bytes) {
  std::vector<int64_t> dims(given.begin(), given.end());
  uint64_t known = std::max<uint64_t>(elementBytes, 1);
  unsigned dynamic = 0;
  for (int64_t dim : dims) {
    if (dim < 0)
      ++dynamic;
    else
      known *= static_cast<uint64_t>(std::max<int64_t>(dim, 1));
  }
  if (!dynamic)
    return dims;
  uint64_t rest = std::max<uint64_t>(bytes / known, 1);
  // The integer root: largest r with r^dynamic <= rest.
  uint64_t low = 1, high = rest;
  while (low < high) {
    uint64_t middle = low + (high - low + 1) / 2;
    unsigned __int128 power = 1;
    for (unsigned i = 0; i < dynamic && power <= rest; ++i)
      power *= middle;
    if (power <= rest)
      low = middle;
    else
      high = middle - 1;
  }
  for (int64_t &dim : dims)
    if (dim < 0)
      dim = static_cast<int64_t>(low);
  return dims;
}

KernelCosts::KernelCosts(const fb::Program &program) : program(program) {
  const fb::Machine &m = *program.machine();
  target.rows = std::max(m.pe_rows(), 1u);
  target.cols = std::max(m.pe_cols(), 1u);
  target.sram = m.pea_sram();
  target.scratchpad = m.scratchpad();
  if (m.hbm())
    for (const fb::HbmPort *port : *m.hbm()) {
      uint32_t width = std::max(port->bytes_per_cycle(), 1u);
      if (!target.hbmBytesPerCycle || width < target.hbmBytesPerCycle)
        target.hbmBytesPerCycle = width;
      target.hbmLatency = std::max(target.hbmLatency, port->latency());
    }

  const fb::KernelTable &k = *program.kernels();
  const fb::PhaseTable *p = k.phases();
  if (k.variants())
    for (const fb::Variant *v : *k.variants()) {
      VariantCosts &costs = variants.emplace_back();
      costs.fixed = v->fixed();
      costs.costQ16 = {v->mac_q16(), v->vector_q16(), v->special_q16(),
                       v->scalar_q16(), v->bytes_q16()};
      costs.scaleQ16 = v->scale_q16();
      costs.footprint = v->footprint();
      costs.gang = std::max<uint32_t>(v->gang(), 1);
      costs.sync = v->sync();
    }
  for (uint32_t v = 0; v <= variants.size(); ++v)
    mappingBegin.push_back(entryOf(k.mapping_offsets(), v));
  if (k.mappings())
    for (const fb::PhaseMapping *m : *k.mappings()) {
      PhaseMapping &mapping = allMappings.emplace_back();
      mapping.tileM = m->tile_m();
      mapping.tileN = m->tile_n();
      mapping.tileK = m->tile_k();
      mapping.parts[0] = m->parts_count();
      mapping.parts[1] = m->parts_m();
      mapping.parts[2] = m->parts_n();
      mapping.parts[3] = m->parts_k();
      mapping.dataflow = static_cast<Dataflow>(m->dataflow());
    }
  if (p) {
    for (uint32_t i = 0; p->kind() && i < p->kind()->size(); ++i)
      phaseKinds.push_back(static_cast<PhaseKind>(p->kind()->Get(i)));
    forms.offsets = spanOf(p->form_offsets());
    forms.coefficients = spanOf(p->coefficient());
    forms.symbolOffsets = spanOf(p->symbol_offsets());
    forms.symbols = spanOf(p->symbols());
    if (p->size_kind())
      forms.sizeKinds = {
          reinterpret_cast<const uint8_t *>(p->size_kind()->Data()),
          p->size_kind()->size()};
    forms.numPhases = static_cast<uint32_t>(phaseKinds.size());
  }
  uint32_t numKernels = sizeOf(k.kind());
  for (uint32_t i = 0; i < numKernels; ++i) {
    Kernel &kernel = kernels.emplace_back();
    kernel.phaseBegin = p ? entryOf(p->phase_offsets(), i) : 0;
    kernel.phaseEnd = p ? entryOf(p->phase_offsets(), i + 1) : 0;
    kernel.sizeBegin = p ? entryOf(p->size_offsets(), i) : 0;
    kernel.sizeEnd = p ? entryOf(p->size_offsets(), i + 1) : 0;
    kernel.variantBegin = entryOf(k.variant_offsets(), i);
    kernel.variantEnd = entryOf(k.variant_offsets(), i + 1);
    kernel.codeBytes = k.code_bytes()->Get(i);
    uint32_t peaClass = std::min<uint32_t>(entryOf(k.pea_class(), i), 2u);
    kernel.macRate = m.rates() && peaClass < m.rates()->size()
                         ? m.rates()->Get(peaClass)->mac_q16()
                         : 0;
    kernel.symbols = workSymbols(k, i);
  }
  calls.emplace_back();
}

void KernelCosts::phases(uint32_t kernel, std::span<const uint64_t> symbols,
                         std::vector<PhaseValues> &values) const {
  const Kernel &of = kernels[kernel];
  std::vector<int64_t> sizes;
  evaluatePhases(forms, of.phaseBegin, of.phaseEnd, of.sizeBegin, of.sizeEnd,
                 sizes, values, [&](uint32_t symbol) -> int64_t {
                   auto found = std::lower_bound(of.symbols.begin(),
                                                 of.symbols.end(), symbol);
                   return static_cast<int64_t>(std::min<uint64_t>(
                       symbols[found - of.symbols.begin()], mostCount));
                 });
}

CallCycles KernelCosts::cycles(uint32_t kernel, uint32_t variant,
                               std::span<const PhaseValues> phases,
                               std::vector<PhaseCycles> *each) const {
  const Kernel &of = kernels[kernel];
  return callCycles(kinds(kernel), phases, mappings(variant), variants[variant],
                    of.codeBytes, of.macRate, target, each);
}

void KernelCosts::evaluate(Call &call) {
  const Kernel &of = kernels[call.kernel];
  call.firstVariant = of.variantBegin;
  call.variants.clear();
  call.work = {};
  auto add = [&](unsigned workClass, unsigned __int128 amount) {
    unsigned __int128 sum = call.work[workClass] + amount;
    call.work[workClass] = sum > uint64_t(mostCount)
                               ? uint64_t(mostCount)
                               : static_cast<uint64_t>(sum);
  };
  if (of.phaseBegin == of.phaseEnd) {
    if (const fb::WorkTable *w = program.kernels()->work())
      for (uint32_t t = entryOf(w->term_offsets(), call.kernel);
           t < entryOf(w->term_offsets(), call.kernel + 1); ++t) {
        unsigned __int128 product = w->coefficient()->Get(t);
        for (uint32_t s = w->symbol_offsets()->Get(t);
             s < w->symbol_offsets()->Get(t + 1); ++s) {
          auto found = std::lower_bound(of.symbols.begin(), of.symbols.end(),
                                        w->symbols()->Get(s));
          product *= std::min<uint64_t>(
              call.symbols[found - of.symbols.begin()], mostCount);
          product = std::min<unsigned __int128>(product, mostCount);
        }
        add(static_cast<unsigned>(w->work_class()->Get(t)), product);
      }
    for (uint32_t v = of.variantBegin; v < of.variantEnd; ++v)
      call.variants.push_back({workCycles(variants[v], call.work), 0, 0});
    return;
  }
  phases(call.kernel, call.symbols, scratch);
  for (const PhaseValues &phase : scratch) {
    for (unsigned c = 0; c < 4; ++c)
      add(c, phase.value[unsigned(PhaseForm::Mac) + c]);
    add(4, phase[PhaseForm::Load]);
    add(4, phase[PhaseForm::Store]);
  }
  for (uint32_t v = of.variantBegin; v < of.variantEnd; ++v) {
    CallCycles taken = cycles(call.kernel, v, scratch);
    call.variants.push_back(
        {taken.cycles,
         taken.bytes > call.work[4] ? taken.bytes - call.work[4] : 0,
         taken.hbmBytes});
  }
}

static uint64_t hashOf(uint32_t kernel, std::span<const uint64_t> symbols) {
  uint64_t hash = splitmix64(kernel);
  for (uint64_t symbol : symbols)
    hash = splitmix64(hash ^ symbol);
  return hash;
}

/// Finds calls by what they are again after they have been read. False if they
/// are not calls of this program.
bool KernelCosts::indexCalls() {
  known.clear();
  for (uint32_t number = 1; number < calls.size(); ++number) {
    const Call &call = calls[number];
    if (call.kernel >= kernels.size())
      return false;
    Kernel &of = kernels[call.kernel];
    if (call.symbols.size() != of.symbols.size() ||
        call.firstVariant != of.variantBegin ||
        call.variants.size() != of.variantEnd - of.variantBegin)
      return false;
    if (of.symbols.empty())
      of.fixedCall = number;
    else if (call.shared)
      known.emplace(hashOf(call.kernel, call.symbols), number);
  }
  return !calls.empty() &&
         std::all_of(unused.begin(), unused.end(),
                     [&](uint32_t number) { return number < calls.size(); });
}

uint32_t KernelCosts::call(uint32_t kernel, std::span<const uint64_t> symbols,
                           bool keep) {
  Kernel &of = kernels[kernel];
  if (of.symbols.empty() && of.fixedCall)
    return of.fixedCall;
  uint64_t hash = hashOf(kernel, symbols);
  auto [first, last] = known.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    const Call &other = calls[it->second];
    if (other.kernel == kernel &&
        std::equal(symbols.begin(), symbols.end(), other.symbols.begin(),
                   other.symbols.end()))
      return it->second;
  }
  bool shared = keep || of.symbols.empty() || known.size() < mostKnown;
  uint32_t number;
  if (!shared && !unused.empty()) {
    number = unused.back();
    unused.pop_back();
  } else {
    number = static_cast<uint32_t>(calls.size());
    calls.emplace_back();
  }
  Call &made = calls[number];
  made.kernel = kernel;
  made.symbols.assign(symbols.begin(), symbols.end());
  made.shared = shared;
  evaluate(made);
  if (of.symbols.empty())
    of.fixedCall = number;
  else if (shared)
    known.emplace(hash, number);
  return number;
}

void KernelCosts::release(uint32_t call) {
  if (calls[call].shared)
    return;
  unused.push_back(call);
}
