//===- ValidateKernels.cpp - Checks of kernels and their work -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validator.h"

#include "octo/Program/CycleModel.h"
#include "octo/Target/Capacity.h"

using namespace octo;
using namespace octo::validation;

uint32_t Validator::rankOf(uint32_t type) const {
  const Vector<uint32_t> *begin = program.types()->dim_offsets();
  return begin->Get(type + 1) - begin->Get(type);
}

std::string Validator::kernelName(uint32_t k) const {
  return fmt::format("kernel {} ('{}')", k,
                     string(entryOf(program.kernels()->name(), k, none)));
}

void Validator::checkKernels() {
  const fb::KernelTable &table = *program.kernels();
  where = "kernels.";
  numKernels = sizeOf(table.kind());
  enumeration(table.kind(), "kind");
  enumeration(table.combine(), "combine");
  column(table.name(), numKernels, "name");
  column(table.code_bytes(), numKernels, "code_bytes");
  column(table.num_inputs(), numKernels, "num_inputs");
  column(table.num_outputs(), numKernels, "num_outputs");
  optional(table.pea_class(), numKernels, "pea_class");
  optional(table.num_counters(), numKernels, "num_counters");
  optional(table.donated(), numKernels, "donated");
  optional(table.image(), numKernels, "image");
  optional(table.combine(), numKernels, "combine");
  offsets(table.variant_offsets(), numKernels, sizeOf(table.variants()),
          "variant_offsets");
  offsets(table.signature_offsets(), numKernels, sizeOf(table.signature()),
          "signature_offsets");
  for (uint32_t i = 0; i < sizeOf(table.signature()); ++i)
    index(table.signature()->Get(i), numTypes, "signature", i, "types");

  Capacity capacity(*topology);
  uint32_t largest = topology->desc().peasPerTbu;
  leastGang.assign(numKernels, 0);
  for (uint32_t k = 0; k < numKernels; ++k) {
    index(table.name()->Get(k), strings, "name", k, "strings");
    index(entryOf(table.pea_class(), k), numPeaClasses, "pea_class", k,
          "PEA classes");
    fb::KernelKind kind = table.kind()->Get(k);
    uint32_t inputs = table.num_inputs()->Get(k);
    uint32_t outputs = table.num_outputs()->Get(k);
    uint32_t types = table.signature_offsets()->Get(k + 1) -
                     table.signature_offsets()->Get(k);
    if ((kind == fb::KernelKind::Image || types) &&
        types != uint64_t(inputs) + outputs)
      broken("{} has {} types for {} inputs and {} outputs", kernelName(k),
             types, inputs, outputs);
    uint64_t donated = entryOf(table.donated(), k);
    if (inputs < 64 && donated >> inputs)
      broken("{} donates an input beyond its {}", kernelName(k), inputs);
    uint32_t image = entryOf(table.image(), k, none);
    indexOrNone(image, numImages, "image", k, "images");
    if (image != none && kind != fb::KernelKind::Image)
      broken("{} has an image, but its kind has none", kernelName(k));
    fb::Combine combine = entryOf(table.combine(), k, fb::Combine::None);
    if ((combine != fb::Combine::None) != (kind == fb::KernelKind::Join))
      broken("{} is {} and combines by {}", kernelName(k),
             fb::EnumNameKernelKind(kind), fb::EnumNameCombine(combine));
    if (!capacity.fitsCode(table.code_bytes()->Get(k)))
      require(capacity.checkCode(kernelName(k), table.code_bytes()->Get(k)),
              "");

    // Variants: gangs 1 = g0 < g1 < ..., and the least one whose footprint
    // fits.
    uint32_t begin = table.variant_offsets()->Get(k);
    uint32_t end = table.variant_offsets()->Get(k + 1);
    if (begin == end)
      broken("{} has no variant", kernelName(k));
    uint32_t before = 0;
    for (uint32_t v = begin; v < end; ++v) {
      const fb::Variant *variant = table.variants()->Get(v);
      if (v == begin ? variant->gang() != 1 : variant->gang() <= before)
        broken("{} has variants of {} after {} PEAs; expected ascending "
               "gangs from 1",
               kernelName(k), variant->gang(), before);
      before = variant->gang();
      if (!leastGang[k] && capacity.fitsFootprint(variant->footprint()))
        leastGang[k] = variant->gang();
    }
    if (before > largest)
      fail("{} has a variant for {} PEAs, but a TBU of '{}' has {}; compile "
           "for this machine",
           kernelName(k), before, topology->desc().name, largest);
    if (!leastGang[k]) {
      const fb::Variant *last = table.variants()->Get(end - 1);
      require(capacity.checkFootprint(kernelName(k), last->footprint(),
                                      last->gang()),
              "");
    }
  }
  checkWork(table);
  checkPhases(table);
}

void Validator::checkWork(const fb::KernelTable &table) {
  if (!table.work())
    return;
  const fb::WorkTable &work = *table.work();
  where = "kernels.work.";
  uint32_t terms = sizeOf(work.coefficient());
  if (!terms && !sizeOf(work.term_offsets()))
    return;
  offsets(work.term_offsets(), numKernels, terms, "term_offsets");
  enumeration(work.work_class(), "work_class");
  column(work.work_class(), terms, "work_class");
  offsets(work.symbol_offsets(), terms, sizeOf(work.symbols()),
          "symbol_offsets");
  for (uint32_t k = 0; k < numKernels && terms; ++k)
    for (uint32_t t = work.term_offsets()->Get(k);
         t < work.term_offsets()->Get(k + 1); ++t)
      for (uint32_t s = work.symbol_offsets()->Get(t);
           s < work.symbol_offsets()->Get(t + 1); ++s)
        checkSymbol(table, k, work.symbols()->Get(s));
}

void Validator::checkSymbol(const fb::KernelTable &table, uint32_t k,
                            uint32_t symbol) {
  if (symbol & counterMark) {
    if (uint32_t counters = entryOf(table.num_counters(), k);
        (symbol & ~counterMark) >= counters)
      broken("the work of {} uses counter {} of {}", kernelName(k),
             symbol & ~counterMark, counters);
    return;
  }
  uint32_t input = symbol >> 8, dim = symbol & 0xff;
  if (input >= table.num_inputs()->Get(k))
    broken("the work of {} uses input {} of {}", kernelName(k), input,
           table.num_inputs()->Get(k));
  uint32_t signature = table.signature_offsets()->Get(k);
  if (table.signature_offsets()->Get(k + 1) == signature)
    return;
  uint32_t rank = rankOf(table.signature()->Get(signature + input));
  if (dim >= rank)
    broken("the work of {} uses dimension {} of input {}, which has rank {}",
           kernelName(k), dim, input, rank);
}

void Validator::checkPhases(const fb::KernelTable &table) {
  where = "kernels.";
  uint32_t variants = sizeOf(table.variants());
  if (sizeOf(table.mapping_offsets()) || sizeOf(table.mappings()))
    offsets(table.mapping_offsets(), variants, sizeOf(table.mappings()),
            "mapping_offsets");
  where = "kernels.phases.";
  const fb::PhaseTable *phases = table.phases();
  uint32_t numPhases = phases ? sizeOf(phases->kind()) : 0;
  if (phases) {
    enumeration(phases->kind(), "kind");
    enumeration(phases->size_kind(), "size_kind");
    offsets(phases->phase_offsets(), numKernels, numPhases, "phase_offsets");
    column(phases->name(), numPhases, "name");
    for (uint32_t p = 0; p < numPhases; ++p)
      index(phases->name()->Get(p), strings, "name", p, "strings");
    offsets(phases->size_offsets(), numKernels, sizeOf(phases->size_kind()),
            "size_offsets");
    if (numPhases > (1u << 26) || sizeOf(phases->size_kind()) > (1u << 26))
      broken("{} of {} phases and {} sizes are more than a program can have",
             where, numPhases, sizeOf(phases->size_kind()));
    uint32_t terms = sizeOf(phases->coefficient());
    offsets(phases->form_offsets(),
            numPhaseForms * numPhases + 2 * sizeOf(phases->size_kind()), terms,
            "form_offsets");
    offsets(phases->symbol_offsets(), terms, sizeOf(phases->symbols()),
            "symbol_offsets");
    for (uint32_t k = 0; k < numKernels && numPhases; ++k) {
      uint32_t begin = phases->phase_offsets()->Get(k);
      uint32_t end = phases->phase_offsets()->Get(k + 1);
      if (begin != end && table.work() &&
          sizeOf(table.work()->term_offsets()) &&
          table.work()->term_offsets()->Get(k) !=
              table.work()->term_offsets()->Get(k + 1))
        broken("{} has both phases and terms of work; the sum of the phases "
               "is its work",
               kernelName(k));
      uint32_t firstSize = phases->size_offsets()->Get(k);
      uint32_t sizes = phases->size_offsets()->Get(k + 1) - firstSize;
      uint32_t sizeForms = numPhaseForms * numPhases + 2 * firstSize;
      for (uint32_t s = 0; s < sizes; ++s) {
        checkForm(table, k, sizeForms + 2 * s, s);
        checkForm(table, k, sizeForms + 2 * s + 1, s);
      }
      for (uint32_t f = numPhaseForms * begin; f < numPhaseForms * end; ++f)
        checkForm(table, k, f, sizes);
    }
  }
  for (uint32_t k = 0; k < numKernels && sizeOf(table.mappings()); ++k) {
    uint32_t own = numPhases ? phases->phase_offsets()->Get(k + 1) -
                                   phases->phase_offsets()->Get(k)
                             : 0;
    for (uint32_t v = table.variant_offsets()->Get(k);
         v < table.variant_offsets()->Get(k + 1); ++v) {
      uint32_t begin = table.mapping_offsets()->Get(v);
      uint32_t end = table.mapping_offsets()->Get(v + 1);
      if (begin != end && end - begin != own)
        broken("a variant of {} has {} mappings for {} phases", kernelName(k),
               end - begin, own);
      uint64_t gang = table.variants()->Get(v)->gang();
      for (uint32_t m = begin; m < end; ++m) {
        const fb::PhaseMapping &map = *table.mappings()->Get(m);
        if (map.dataflow() > fb::Dataflow::MAX)
          broken("a mapping of {} has dataflow {}; the last one is {}",
                 kernelName(k), int(map.dataflow()), int(fb::Dataflow::MAX));
        // Two products of 16-bit numbers each.
        uint64_t outer = uint64_t(map.parts_count()) * map.parts_m();
        uint64_t inner = uint64_t(map.parts_n()) * map.parts_k();
        if (!outer || !inner || outer > gang || inner > gang ||
            outer * inner > gang)
          broken("a mapping of {} has {} x {} x {} x {} parts for a gang of "
                 "{} PEAs",
                 kernelName(k), map.parts_count(), map.parts_m(), map.parts_n(),
                 map.parts_k(), gang);
      }
    }
  }
}

void Validator::checkForm(const fb::KernelTable &table, uint32_t k,
                          uint32_t form, uint32_t sizes) {
  const fb::PhaseTable &phases = *table.phases();
  for (uint32_t t = phases.form_offsets()->Get(form);
       t < phases.form_offsets()->Get(form + 1); ++t)
    for (uint32_t s = phases.symbol_offsets()->Get(t);
         s < phases.symbol_offsets()->Get(t + 1); ++s) {
      uint32_t symbol = phases.symbols()->Get(s);
      if ((symbol & (counterMark | sizeMark)) != sizeMark)
        checkSymbol(table, k, symbol);
      else if ((symbol & ~sizeMark) >= sizes)
        broken("the work of {} uses size {} where {} are known", kernelName(k),
               symbol & ~sizeMark, sizes);
    }
}
