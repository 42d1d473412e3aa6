//===- Validate.cpp - The semantic check of programs ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that the runtime relies on and that FlatBuffers' own verifier does
// not know: indices, offsets, orders, sums, the shape of the region tree, and
// whether the placement fits the machine. One pass over each table.
//
// Columns whose absence has a meaning (zero, none, or what program.fbs says)
// may be left out whole; all others have one entry an item.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/CycleModel.h"
#include "octo/Program/Distribution.h"
#include "octo/Program/Limits.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/Sha256.h"
#include "octo/Target/Capacity.h"
#include "octo/Target/StreamNet.h"

#include <cmath>
#include <unordered_map>
#include <unordered_set>

using namespace octo;
using flatbuffers::Vector;

namespace {

constexpr uint32_t none = 0xffffffff;
constexpr uint32_t weightFlag = 0x80000000;
constexpr uint32_t forwardedFlag = 0x80000000;
constexpr uint32_t copyIndex = 0x40000000;
constexpr uint64_t one32 = uint64_t(1) << 32;

/// Leaves the check; caught by validateProgram.
struct Invalid {
  std::string message;
};

/// For what no compiler writes: the remedy is always the same.
template <class... Args>
[[noreturn]] void broken(fmt::format_string<Args...> format, Args &&...args) {
  throw Invalid{fmt::format(format, std::forward<Args>(args)...) +
                "; the file is damaged or its writer is at fault: compile it "
                "again"};
}

/// For what states its own remedy.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args &&...args) {
  throw Invalid{fmt::format(format, std::forward<Args>(args)...)};
}

void require(const Expected<void> &answer, std::string_view prefix) {
  if (!answer)
    throw Invalid{fmt::format("{}{}", prefix, answer.error().message)};
}

template <class T>
uint32_t sizeOf(const Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

/// Entry i, or `absent` of a column that was left out.
template <class T, class V>
V at(const Vector<T> *vector, uint32_t i, V absent) {
  return vector && i < vector->size() ? V(vector->Get(i)) : absent;
}

uint32_t at(const Vector<uint32_t> *vector, uint32_t i) {
  return at(vector, i, uint32_t(0));
}

class Validator {
public:
  explicit Validator(const fb::Program &program) : program(program) {}

  void run() {
    strings = sizeOf(program.strings());
    checkAlignment();
    checkMachine();
    checkTypes();
    checkDistributions();
    checkImages();
    checkKernels();
    checkWeights();
    if (!sizeOf(program.workflows()))
      broken("the program has no workflow");
    std::unordered_set<std::string_view> names;
    for (const fb::Workflow *workflow : *program.workflows()) {
      std::string_view name = workflow->name()->string_view();
      if (name.empty() || !names.insert(name).second)
        broken("workflow '{}' appears twice or has no name", name);
    }
    for (const fb::Workflow *workflow : *program.workflows())
      checkWorkflow(*workflow);
    checkSharing();
  }

private:
  //===--------------------------------------------------------------------===//
  // Columns and pools
  //===--------------------------------------------------------------------===//

  /// One entry for each of n items.
  template <class T>
  void column(const Vector<T> *vector, uint32_t n, const char *name) {
    if (sizeOf(vector) != n)
      broken("{}{} has {} entries for {} items", where, name, sizeOf(vector),
             n);
  }

  /// One entry for each of n items, or left out.
  template <class T>
  void optional(const Vector<T> *vector, uint32_t n, const char *name) {
    if (sizeOf(vector))
      column(vector, n, name);
  }

  /// n + 1 ascending offsets from 0 to the size of a pool.
  void offsets(const Vector<uint32_t> *vector, uint32_t n, uint32_t pool,
               const char *name) {
    if (n == 0 && pool == 0 && sizeOf(vector) == 0)
      return;
    if (sizeOf(vector) != uint64_t(n) + 1)
      broken("{}{} has {} entries for {} items; expected one more than items",
             where, name, sizeOf(vector), n);
    if (vector->Get(0) != 0)
      broken("{}{}[0] is {}; expected 0", where, name, vector->Get(0));
    for (uint32_t i = 0; i < n; ++i)
      if (vector->Get(i + 1) < vector->Get(i))
        broken("{}{}[{}] is {}, below the entry before it", where, name, i + 1,
               vector->Get(i + 1));
    if (vector->Get(n) != pool)
      broken("{}{}[{}] is {}, but its pool has {} entries", where, name, n,
             vector->Get(n), pool);
  }

  void index(uint64_t value, uint64_t count, const char *name, uint32_t item,
             const char *what) {
    if (value >= count)
      broken("{}{}[{}] is {}, but there are {} {}", where, name, item, value,
             count, what);
  }

  void indexOrNone(uint32_t value, uint32_t count, const char *name,
                   uint32_t item, const char *what) {
    if (value != none)
      index(value, count, name, item, what);
  }

  template <class Enum>
  void enumeration(const Vector<Enum> *vector, const char *name) {
    for (uint32_t i = 0; i < sizeOf(vector); ++i)
      if (vector->Get(i) > Enum::MAX)
        broken("{}{}[{}] is {}; the last kind is {}", where, name, i,
               int(vector->Get(i)), int(Enum::MAX));
  }

  std::string_view string(uint32_t i) const {
    return i < strings ? program.strings()->Get(i)->string_view()
                       : std::string_view();
  }

  //===--------------------------------------------------------------------===//
  // Tables of the whole program
  //===--------------------------------------------------------------------===//

  template <class T>
  static size_t alignmentOf(const Vector<T> *) {
    return alignof(T);
  }
  template <class T>
  static size_t alignmentOf(const Vector<const T *> *) {
    return alignof(T);
  }

  /// FlatBuffers' verifier looks at where the length of a vector stands, not at
  /// where its elements do.
  void checkAlignment() {
    auto check = [](const auto *...vectors) {
      auto one = [](const auto *vector) {
        if (vector &&
            reinterpret_cast<uintptr_t>(vector->Data()) % alignmentOf(vector))
          broken("a vector is not aligned to its elements' {} bytes",
                 alignmentOf(vector));
      };
      (one(vectors), ...);
    };
    const fb::Machine &m = *program.machine();
    check(m.rates(), m.hbm(), m.dead_links(), m.faults());
    check(program.types()->dims());
    const fb::KernelTable &k = *program.kernels();
    check(k.code_bytes(), k.donated(), k.variants());
    if (k.work())
      check(k.work()->coefficient());
    if (k.phases())
      check(k.phases()->coefficient());
    const fb::WeightTable &w = *program.weights();
    check(w.bytes(), w.seed(), w.scale(), w.data_offset());
    const fb::DistributionTable &d = *program.distributions();
    check(d.u(), d.x(), d.shift(), d.scale(), d.mean_q16());
    for (uint32_t i = 0; i < sizeOf(program.workflows()); ++i) {
      const fb::Workflow &f = *program.workflows()->Get(i);
      check(f.values()->bytes(), f.blocks()->decide_inputs(),
            f.blocks()->bound(), f.profiles()->first_request(),
            f.profiles()->frequencies(), f.placement()->replicas(),
            f.segments()->slots(), f.segments()->initiation_interval());
      const fb::PolicyTable &y = *f.policy();
      check(y.priority(), y.expected_cycles(), y.expected_cycles_p95(),
            y.expected_count_q16());
      if (f.decisions())
        check(f.decisions()->candidates());
      if (f.records())
        check(f.records()->tag(), f.records()->values());
    }
  }

  void checkMachine() {
    Expected<TargetDesc> target = readMachineTable(*program.machine());
    if (!target)
      broken("{}", target.error().message);
    if (Expected<void> checked = checkTarget(*target); !checked)
      broken("machine: {}", checked.error().message);
    topology = std::make_unique<Topology>(*target);
    std::string_view stated = program.target_digest()
                                  ? program.target_digest()->string_view()
                                  : std::string_view();
    if (!stated.empty() && stated != digest(*target))
      broken("target_digest does not belong to the machine of the program");
    shares.assign(target->numPeas(), 0);
  }

  void checkTypes() {
    const fb::TypeTable &types = *program.types();
    where = "types.";
    numTypes = sizeOf(types.element());
    enumeration(types.element(), "element");
    column(types.scalar(), numTypes, "scalar");
    offsets(types.dim_offsets(), numTypes, sizeOf(types.dims()), "dim_offsets");
    for (uint32_t i = 0; i < numTypes; ++i) {
      uint32_t rank = rankOf(i);
      if (rank && types.scalar()->Get(i))
        broken("{}scalar[{}] is set for a type of rank {}", where, i, rank);
      if (rank > 255)
        broken("{}element[{}] has rank {}; the most is 255", where, i, rank);
      fb::ElementKind element = types.element()->Get(i);
      if (rank && element >= fb::ElementKind::Data)
        broken("{}element[{}] is data or a token and has dimensions", where, i);
    }
    for (uint32_t i = 0; i < sizeOf(types.dims()); ++i)
      if (types.dims()->Get(i) < -1)
        broken("{}dims[{}] is {}; expected a size, or -1 for one known at run "
               "time",
               where, i, types.dims()->Get(i));
  }

  uint32_t rankOf(uint32_t type) const {
    const Vector<uint32_t> *begin = program.types()->dim_offsets();
    return begin->Get(type + 1) - begin->Get(type);
  }

  void checkDistributions() {
    const fb::DistributionTable &table = *program.distributions();
    where = "distributions.";
    uint32_t numCurves = sizeOf(table.discrete());
    column(table.x(), sizeOf(table.u()), "x");
    offsets(table.knot_offsets(), numCurves, sizeOf(table.u()), "knot_offsets");
    for (uint32_t i = 0; i < numCurves; ++i) {
      uint32_t begin = table.knot_offsets()->Get(i);
      uint32_t end = table.knot_offsets()->Get(i + 1);
      if (begin == end)
        broken("curve {} has no knots", i);
      if (table.u()->Get(begin) != 0)
        broken("curve {} starts at draw {}; expected 0", i,
               table.u()->Get(begin));
      for (uint32_t k = begin + 1; k < end; ++k) {
        if (table.u()->Get(k) <= table.u()->Get(k - 1))
          broken("curve {}: the draws of knots {} and {} do not ascend", i,
                 k - begin - 1, k - begin);
        if (table.x()->Get(k) < table.x()->Get(k - 1))
          broken("curve {}: the values of knots {} and {} descend", i,
                 k - begin - 1, k - begin);
      }
    }
    numDistributions = sizeOf(table.mean_q16());
    column(table.curve(), numDistributions, "curve");
    column(table.shift(), numDistributions, "shift");
    column(table.scale(), numDistributions, "scale");
    for (uint32_t i = 0; i < numDistributions; ++i) {
      uint32_t curve = table.curve()->Get(i);
      uint64_t scale = table.scale()->Get(i);
      int64_t shift = table.shift()->Get(i);
      index(curve, numCurves, "curve", i, "curves");
      if (scale > maxScale)
        broken("distribution {} has the scale {}; expected at most 2^63", i,
               scale);
      // The raw numbers of an identity are used as they are.
      int64_t least = table.x()->Get(table.knot_offsets()->Get(curve));
      if (scale == identityScale && shift == 0 && least < 0)
        broken("distribution {} has the negative value {}", i, least);
      int64_t most = table.x()->Get(table.knot_offsets()->Get(curve + 1) - 1);
      if (!scaledFits(most, scale, shift))
        broken("distribution {} has values of 2^63 and more: scale {} and "
               "shift {} of x up to {}",
               i, scale, shift, most);
    }
  }

  void checkImages() {
    numImages = sizeOf(program.images());
    for (uint32_t i = 0; i < numImages; ++i) {
      const fb::Image *image = program.images()->Get(i);
      if (image->symbol()->size() == 0)
        broken("image {} has no symbol", i);
      std::string_view object;
      if (image->object())
        object = {reinterpret_cast<const char *>(image->object()->data()),
                  image->object()->size()};
      if (sha256Hex(object) != image->digest()->string_view())
        broken("image {} ('{}') does not have the SHA-256 that it states", i,
               image->symbol()->string_view());
    }
    if (numImages && (!program.image_cpu() || !program.image_cpu()->size()))
      broken("the program has images but no image_cpu");
  }

  std::string kernelName(uint32_t k) const {
    return fmt::format("kernel {} ('{}')", k,
                       string(at(program.kernels()->name(), k, none)));
  }

  void checkKernels() {
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
      index(at(table.pea_class(), k, uint32_t(0)), numPeaClasses, "pea_class",
            k, "PEA classes");
      fb::KernelKind kind = table.kind()->Get(k);
      uint32_t inputs = table.num_inputs()->Get(k);
      uint32_t outputs = table.num_outputs()->Get(k);
      uint32_t types = table.signature_offsets()->Get(k + 1) -
                       table.signature_offsets()->Get(k);
      if ((kind == fb::KernelKind::Image || types) &&
          types != uint64_t(inputs) + outputs)
        broken("{} has {} types for {} inputs and {} outputs", kernelName(k),
               types, inputs, outputs);
      uint64_t donated = at(table.donated(), k, uint64_t(0));
      if (inputs < 64 && donated >> inputs)
        broken("{} donates an input beyond its {}", kernelName(k), inputs);
      uint32_t image = at(table.image(), k, none);
      indexOrNone(image, numImages, "image", k, "images");
      if (image != none && kind != fb::KernelKind::Image)
        broken("{} has an image, but its kind has none", kernelName(k));
      fb::Combine combine = at(table.combine(), k, fb::Combine::None);
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

  void checkWork(const fb::KernelTable &table) {
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

  /// A symbol of the work of kernel k: a counter, or a dimension of an input.
  void checkSymbol(const fb::KernelTable &table, uint32_t k, uint32_t symbol) {
    if (symbol & counterMark) {
      if (uint32_t counters = at(table.num_counters(), k);
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

  void checkPhases(const fb::KernelTable &table) {
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
              numPhaseForms * numPhases + 2 * sizeOf(phases->size_kind()),
              terms, "form_offsets");
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
                   kernelName(k), map.parts_count(), map.parts_m(),
                   map.parts_n(), map.parts_k(), gang);
        }
      }
    }
  }

  /// The symbols of a form of kernel k exist; of its sizes the first `sizes`.
  void checkForm(const fb::KernelTable &table, uint32_t k, uint32_t form,
                 uint32_t sizes) {
    const fb::PhaseTable &phases = *table.phases();
    for (uint32_t t = phases.form_offsets()->Get(form);
         t < phases.form_offsets()->Get(form + 1); ++t)
      for (uint32_t s = phases.symbol_offsets()->Get(t);
           s < phases.symbol_offsets()->Get(t + 1); ++s) {
        uint32_t symbol = phases.symbols()->Get(s);
        if ((symbol & (counterMark | sizeMark)) != sizeMark)
          checkSymbol(table, k, symbol);
        else if ((symbol & ~sizeMark) >= sizes)
          broken("the work of {} uses size {} where {} are known",
                 kernelName(k), symbol & ~sizeMark, sizes);
      }
  }

  /// Bytes of a tensor type without dimensions known at run time; none64 when
  /// it has some or when the size passes 2^62.
  static constexpr uint64_t none64 = ~uint64_t(0);
  uint64_t bytesOf(uint32_t type) const {
    constexpr uint8_t sizes[] = {1, 1, 2, 4, 8, 8, 2, 2, 4, 8, 0, 0};
    unsigned __int128 bytes =
        sizes[size_t(program.types()->element()->Get(type))];
    const Vector<uint32_t> *begin = program.types()->dim_offsets();
    for (uint32_t d = begin->Get(type); d < begin->Get(type + 1); ++d) {
      int64_t dim = program.types()->dims()->Get(d);
      if (dim < 0)
        return none64;
      bytes *= uint64_t(dim);
      if (bytes >> 62)
        return none64;
    }
    return uint64_t(bytes);
  }

  bool isDigest(std::string_view text) const {
    return text.size() == 64 &&
           text.find_first_not_of("0123456789abcdef") == text.npos;
  }

  void checkWeights() {
    const fb::WeightTable &table = *program.weights();
    where = "weights.";
    numWeights = sizeOf(table.bytes());
    column(table.name(), numWeights, "name");
    column(table.type(), numWeights, "type");
    enumeration(table.source(), "source");
    column(table.source(), numWeights, "source");
    optional(table.seed(), numWeights, "seed");
    optional(table.scale(), numWeights, "scale");
    optional(table.path(), numWeights, "path");
    optional(table.digest(), numWeights, "digest");
    optional(table.data_offset(), numWeights, "data_offset");
    Capacity capacity(*topology);
    uint64_t data = sizeOf(table.data()), total = 0;
    for (uint32_t w = 0; w < numWeights; ++w) {
      index(table.name()->Get(w), strings, "name", w, "strings");
      index(table.type()->Get(w), numTypes, "type", w, "types");
      std::string_view name = string(table.name()->Get(w));
      uint64_t bytes = table.bytes()->Get(w);
      if (bytesOf(table.type()->Get(w)) != bytes)
        broken("weight '{}' states {} bytes, which its type does not have",
               name, bytes);
      total += bytes;
      if (total >> 62)
        broken("the weights have more than 2^62 bytes together");
      if (!capacity.fitsWeight(bytes))
        require(capacity.checkWeight(fmt::format("weight '{}'", name), bytes),
                "");
      fb::WeightSource source = table.source()->Get(w);
      uint32_t path = at(table.path(), w, none);
      uint32_t digestIndex = at(table.digest(), w, none);
      indexOrNone(path, strings, "path", w, "strings");
      indexOrNone(digestIndex, strings, "digest", w, "strings");
      switch (source) {
      case fb::WeightSource::Seed:
        if (double scale = at(table.scale(), w, 0.0);
            !std::isfinite(scale) || scale < 0)
          broken("weight '{}' has scale {}; expected a finite number that is "
                 "not negative",
                 name, scale);
        break;
      case fb::WeightSource::File:
        if (path == none || digestIndex == none ||
            !isDigest(string(digestIndex)))
          broken("weight '{}' lies in a file but has no path or no SHA-256",
                 name);
        break;
      case fb::WeightSource::Inline: {
        uint64_t offset = at(table.data_offset(), w, uint64_t(0));
        if (offset > data || bytes > data - offset)
          broken("weight '{}' takes bytes {} to {} of data that has {}", name,
                 offset, offset + bytes, data);
        if (digestIndex == none)
          break;
        std::string_view content;
        if (bytes)
          content = {reinterpret_cast<const char *>(table.data()->data()) +
                         offset,
                     size_t(bytes)};
        if (sha256Hex(content) != string(digestIndex))
          broken("weight '{}' does not have the SHA-256 that it states", name);
        break;
      }
      }
    }
    require(capacity.checkWeights(total, 0), "");
  }

  //===--------------------------------------------------------------------===//
  // Workflows
  //===--------------------------------------------------------------------===//

  /// What one workflow's checks pass on.
  struct Flow {
    const fb::Workflow &workflow;
    const fb::ValueTable &values;
    const fb::RegionTable &regions;
    const fb::BlockTable &blocks;
    uint32_t numValues = 0;
    uint32_t numRegions = 0;
    uint32_t numBlocks = 0;
    uint32_t numProfiles = 0;
    /// By block: the segment that has a slot for it, or none. Empty without
    /// segments.
    std::vector<uint32_t> segmentOf = {};
  };

  std::string blockName(const Flow &flow, uint32_t b) const {
    uint32_t path = at(flow.blocks.path(), b, none);
    uint32_t file = at(flow.blocks.source_file(), b, none);
    std::string text = fmt::format("block {} ('{}')", b, string(path));
    if (file < strings)
      text += fmt::format(" from {}:{}", string(file),
                          at(flow.blocks.source_line(), b));
    return text;
  }

  uint32_t inputCount(const Flow &flow, uint32_t b) const {
    return flow.blocks.input_offsets()->Get(b + 1) -
           flow.blocks.input_offsets()->Get(b);
  }
  uint32_t outputEnd(const Flow &flow, uint32_t b) const {
    uint32_t region = flow.blocks.region()->Get(b);
    return b + 1 == flow.regions.block_begin()->Get(region + 1)
               ? flow.regions.value_begin()->Get(region + 1)
               : flow.blocks.output_begin()->Get(b + 1);
  }
  uint32_t outputCount(const Flow &flow, uint32_t b) const {
    return outputEnd(flow, b) - flow.blocks.output_begin()->Get(b);
  }
  uint32_t yieldCount(const Flow &flow, uint32_t r) const {
    return flow.regions.yield_offsets()->Get(r + 1) -
           flow.regions.yield_offsets()->Get(r);
  }

  void checkWorkflow(const fb::Workflow &workflow) {
    Flow flow{workflow, *workflow.values(), *workflow.regions(),
              *workflow.blocks()};
    std::string prefix =
        fmt::format("workflow '{}': ", workflow.name()->string_view());
    inWorkflow = prefix;
    flow.numValues = sizeOf(flow.values.type());
    flow.numRegions = sizeOf(flow.regions.role());
    flow.numBlocks = sizeOf(flow.blocks.kind());
    if (!flow.numRegions)
      broken("{}it has no regions", prefix);
    checkValues(flow);
    checkRegions(flow);
    checkBlockColumns(flow);
    checkRegionTree(flow);
    checkDataflow(flow);
    checkProfiles(flow);
    for (uint32_t b = 0; b < flow.numBlocks; ++b)
      checkBlock(flow, b);
    checkInterface(flow);
    checkPlacement(flow);
    checkSegments(flow);
    checkFlows(flow);
    checkPolicy(flow);
    checkDecisions(flow);
    checkRecords(flow);
    checkRequestPath(flow);
  }

  void checkValues(Flow &flow) {
    where = inWorkflow + "values.";
    column(flow.values.bytes(), flow.numValues, "bytes");
    optional(flow.values.bytes_distribution(), flow.numValues,
             "bytes_distribution");
    for (uint32_t v = 0; v < flow.numValues; ++v) {
      index(flow.values.type()->Get(v), numTypes, "type", v, "types");
      indexOrNone(at(flow.values.bytes_distribution(), v, none),
                  numDistributions, "bytes_distribution", v, "distributions");
    }
  }

  void checkRegions(Flow &flow) {
    const fb::RegionTable &regions = flow.regions;
    where = inWorkflow + "regions.";
    uint32_t n = flow.numRegions;
    enumeration(regions.role(), "role");
    column(regions.owner(), n, "owner");
    column(regions.num_imports(), n, "num_imports");
    offsets(regions.block_begin(), n, flow.numBlocks, "block_begin");
    offsets(regions.value_begin(), n, flow.numValues, "value_begin");
    offsets(regions.import_offsets(), n, sizeOf(regions.imports()),
            "import_offsets");
    offsets(regions.yield_offsets(), n, sizeOf(regions.yields()),
            "yield_offsets");
    for (uint32_t r = 0; r < n; ++r) {
      uint32_t imports = regions.num_imports()->Get(r);
      if (regions.import_offsets()->Get(r + 1) -
              regions.import_offsets()->Get(r) !=
          imports)
        broken("{}num_imports[{}] is {}, but the region has {} imports", where,
               r, imports,
               regions.import_offsets()->Get(r + 1) -
                   regions.import_offsets()->Get(r));
      if (imports >
          regions.value_begin()->Get(r + 1) - regions.value_begin()->Get(r))
        broken("{}num_imports[{}] is {}, but the region has {} values", where,
               r, imports,
               regions.value_begin()->Get(r + 1) -
                   regions.value_begin()->Get(r));
    }
  }

  void checkBlockColumns(Flow &flow) {
    const fb::BlockTable &blocks = flow.blocks;
    where = inWorkflow + "blocks.";
    uint32_t n = flow.numBlocks;
    enumeration(blocks.kind(), "kind");
    column(blocks.region(), n, "region");
    column(blocks.path(), n, "path");
    column(blocks.kernel(), n, "kernel");
    optional(blocks.decide_inputs(), n, "decide_inputs");
    optional(blocks.join_kernel(), n, "join_kernel");
    optional(blocks.profile(), n, "profile");
    optional(blocks.bound(), n, "bound");
    optional(blocks.source_file(), n, "source_file");
    optional(blocks.source_line(), n, "source_line");
    optional(blocks.source_column(), n, "source_column");
    offsets(blocks.input_offsets(), n, sizeOf(blocks.inputs()),
            "input_offsets");
    if (n == 0) {
      if (flow.numRegions != 1)
        broken("{}it has {} regions and no block", inWorkflow, flow.numRegions);
      return;
    }
    if (sizeOf(blocks.output_begin()) != uint64_t(n) + 1 ||
        sizeOf(blocks.region_begin()) != uint64_t(n) + 1)
      broken("{}output_begin and region_begin have {} and {} entries for {} "
             "blocks; expected one more than blocks",
             where, sizeOf(blocks.output_begin()),
             sizeOf(blocks.region_begin()), n);
    for (uint32_t b = 0; b < n; ++b) {
      index(blocks.region()->Get(b), flow.numRegions, "region", b, "regions");
      index(blocks.path()->Get(b), strings, "path", b, "strings");
      indexOrNone(blocks.kernel()->Get(b), numKernels, "kernel", b, "kernels");
      indexOrNone(at(blocks.join_kernel(), b, none), numKernels, "join_kernel",
                  b, "kernels");
      indexOrNone(at(blocks.source_file(), b, none), strings, "source_file", b,
                  "strings");
    }
  }

  /// Blocks belong to the regions that list them, regions to the blocks that
  /// own them, owners come first.
  void checkRegionTree(Flow &flow) {
    const fb::RegionTable &regions = flow.regions;
    const fb::BlockTable &blocks = flow.blocks;
    if (regions.role()->Get(0) != fb::RegionRole::Body ||
        regions.owner()->Get(0) != none)
      broken("{}region 0 is not a body without an owner", inWorkflow);
    std::vector<unsigned> depth(flow.numRegions, 0);
    for (uint32_t r = 0; r < flow.numRegions; ++r)
      for (uint32_t b = regions.block_begin()->Get(r);
           b < regions.block_begin()->Get(r + 1); ++b)
        if (blocks.region()->Get(b) != r)
          broken("{}block {} states region {}, but region {} lists it",
                 inWorkflow, b, blocks.region()->Get(b), r);
    if (!flow.numBlocks)
      return;
    const Vector<uint32_t> *begin = blocks.region_begin();
    if (begin->Get(0) != 1 || begin->Get(flow.numBlocks) != flow.numRegions)
      broken("{}blocks.region_begin goes from {} to {}; expected 1 to {}",
             inWorkflow, begin->Get(0), begin->Get(flow.numBlocks),
             flow.numRegions);
    // All of it before any of it is used: what ascends stays below its end.
    for (uint32_t b = 0; b < flow.numBlocks; ++b)
      if (begin->Get(b + 1) < begin->Get(b))
        broken("{}blocks.region_begin[{}] is below the entry before it",
               inWorkflow, b + 1);
    for (uint32_t b = 0; b < flow.numBlocks; ++b) {
      for (uint32_t r = begin->Get(b); r < begin->Get(b + 1); ++r) {
        if (regions.owner()->Get(r) != b)
          broken("{}region {} states owner {}, but block {} lists it",
                 inWorkflow, r, regions.owner()->Get(r), b);
        if (regions.role()->Get(r) == fb::RegionRole::Body)
          broken("{}region {} is a second body", inWorkflow, r);
        uint32_t parent = blocks.region()->Get(b);
        if (parent >= r)
          broken("{}region {} comes before region {}, in which its owner is",
                 inWorkflow, r, parent);
        depth[r] = depth[parent] + 1;
        if (depth[r] > maxNesting)
          fail("{}control blocks are nested more than {} deep at {}; write the "
               "inner ones as code (scf) in the body of a task",
               inWorkflow, maxNesting, blockName(flow, b));
      }
    }
  }

  /// Values follow their region's order, and are used in their own region after
  /// they are made: so a region's blocks can have no cycle.
  void checkDataflow(Flow &flow) {
    const fb::RegionTable &regions = flow.regions;
    const fb::BlockTable &blocks = flow.blocks;
    for (uint32_t r = 0; r < flow.numRegions; ++r) {
      uint32_t first = regions.value_begin()->Get(r);
      uint32_t last = regions.value_begin()->Get(r + 1);
      uint32_t next = first + regions.num_imports()->Get(r);
      uint32_t end = regions.block_begin()->Get(r + 1);
      for (uint32_t b = regions.block_begin()->Get(r); b < end; ++b) {
        uint32_t begin = blocks.output_begin()->Get(b);
        if (begin != next)
          broken("{}the outputs of {} start at value {}; expected {}",
                 inWorkflow, blockName(flow, b), begin, next);
        uint32_t stop = blocks.output_begin()->Get(b + 1);
        if (b + 1 == end ? stop < last : (stop < begin || stop > last))
          broken("{}the outputs of {} end at value {}, outside its region",
                 inWorkflow, blockName(flow, b), stop);
        next = outputEnd(flow, b);
        for (uint32_t i = blocks.input_offsets()->Get(b);
             i < blocks.input_offsets()->Get(b + 1); ++i) {
          uint32_t input = blocks.inputs()->Get(i);
          if (input & weightFlag) {
            if ((input & ~weightFlag) >= numWeights)
              broken("{}{} takes weight {} of {}", inWorkflow,
                     blockName(flow, b), input & ~weightFlag, numWeights);
          } else if (input < first || input >= last) {
            broken("{}{} takes value {}, which is not of its region",
                   inWorkflow, blockName(flow, b), input);
          } else if (input >= begin) {
            broken("{}{} takes value {}, which is made by itself or by a later "
                   "block",
                   inWorkflow, blockName(flow, b), input);
          }
        }
      }
      if (next != last)
        broken("{}region {} has values {} to {} that nothing makes", inWorkflow,
               r, next, last);
      for (uint32_t y = regions.yield_offsets()->Get(r);
           y < regions.yield_offsets()->Get(r + 1); ++y) {
        uint32_t yield = regions.yields()->Get(y);
        if (yield & weightFlag ? (yield & ~weightFlag) >= numWeights
                               : yield < first || yield >= last)
          broken("{}region {} yields {}, which is neither a value of it nor a "
                 "weight",
                 inWorkflow, r, yield);
      }
      checkImports(flow, r);
    }
  }

  void checkImports(Flow &flow, uint32_t r) {
    const fb::RegionTable &regions = flow.regions;
    uint32_t begin = regions.import_offsets()->Get(r);
    uint32_t count = regions.num_imports()->Get(r);
    fb::RegionRole role = regions.role()->Get(r);
    uint32_t inputs = r ? inputCount(flow, regions.owner()->Get(r)) : count;
    for (uint32_t k = 0; k < count; ++k) {
      uint32_t source = regions.imports()->Get(begin + k);
      if (source & forwardedFlag) {
        // Before is the region ahead of After; checkBlock makes sure of it.
        uint32_t decide = r ? at(flow.blocks.decide_inputs(),
                                 regions.owner()->Get(r), uint32_t(0))
                            : 0;
        uint32_t yields = r ? yieldCount(flow, r - 1) : 0;
        uint32_t forwarded = yields > decide ? yields - decide : 0;
        if (role != fb::RegionRole::After ||
            (source & ~forwardedFlag) >= forwarded)
          broken("{}import {} of region {} is forwarded value {}, which there "
                 "is not",
                 inWorkflow, k, r, source & ~forwardedFlag);
      } else if (source & copyIndex) {
        if (role != fb::RegionRole::Each || source != copyIndex)
          broken("{}import {} of region {} is a copy's index, which there is "
                 "not",
                 inWorkflow, k, r);
      } else if (source >= inputs) {
        broken("{}import {} of region {} is input {} of {}", inWorkflow, k, r,
               source, inputs);
      }
    }
  }

  void checkProfiles(Flow &flow) {
    const fb::ProfileTable &profiles = *flow.workflow.profiles();
    where = inWorkflow + "profiles.";
    uint32_t epochs = sizeOf(profiles.first_request());
    flow.numProfiles = sizeOf(profiles.epoch_offsets())
                           ? profiles.epoch_offsets()->size() - 1
                           : 0;
    offsets(profiles.epoch_offsets(), flow.numProfiles, epochs,
            "epoch_offsets");
    optional(profiles.distribution(), epochs, "distribution");
    uint32_t pool = sizeOf(profiles.frequencies());
    if (pool || sizeOf(profiles.frequency_offsets()))
      offsets(profiles.frequency_offsets(), epochs, pool, "frequency_offsets");
    for (uint32_t e = 0; e < epochs; ++e)
      indexOrNone(at(profiles.distribution(), e, none), numDistributions,
                  "distribution", e, "distributions");
    for (uint32_t i = 0; i < pool; ++i)
      if (profiles.frequencies()->Get(i) > one32)
        broken("{}frequencies[{}] is {} / 2^32, more than 1", where, i,
               profiles.frequencies()->Get(i));
    for (uint32_t p = 0; p < flow.numProfiles; ++p) {
      uint32_t begin = profiles.epoch_offsets()->Get(p);
      uint32_t end = profiles.epoch_offsets()->Get(p + 1);
      if (begin == end || profiles.first_request()->Get(begin) != 0)
        broken("{}profile {} does not start at request 0", where, p);
      for (uint32_t e = begin + 1; e < end; ++e)
        if (profiles.first_request()->Get(e) <=
            profiles.first_request()->Get(e - 1))
          broken("{}the epochs of profile {} do not ascend", where, p);
    }
  }

  /// Whether every epoch of the block's profile has a distribution.
  bool hasDistribution(const Flow &flow, uint32_t profile) const {
    if (profile == none)
      return false;
    const fb::ProfileTable &profiles = *flow.workflow.profiles();
    for (uint32_t e = profiles.epoch_offsets()->Get(profile);
         e < profiles.epoch_offsets()->Get(profile + 1); ++e)
      if (at(profiles.distribution(), e, none) == none)
        return false;
    return true;
  }

  /// Checks the frequencies of a control block with `cases` regions.
  void checkFrequencies(const Flow &flow, uint32_t b, uint32_t profile,
                        uint32_t cases, bool sumToOne, bool needed) {
    const fb::ProfileTable &profiles = *flow.workflow.profiles();
    if (profile == none)
      return;
    for (uint32_t e = profiles.epoch_offsets()->Get(profile);
         e < profiles.epoch_offsets()->Get(profile + 1); ++e) {
      uint32_t begin = at(profiles.frequency_offsets(), e);
      uint32_t count = at(profiles.frequency_offsets(), e + 1) - begin;
      if (count == 0 && !needed)
        continue;
      if (count != cases)
        broken("{}{} has {} frequencies for {} cases", inWorkflow,
               blockName(flow, b), count, cases);
      uint64_t sum = 0;
      for (uint32_t i = 0; i < count; ++i)
        sum += profiles.frequencies()->Get(begin + i);
      if (sumToOne && sum != one32)
        broken("{}the frequencies of {} add up to {} / 2^32; expected 1",
               inWorkflow, blockName(flow, b), sum);
    }
  }

  void checkBlock(Flow &flow, uint32_t b) {
    const fb::BlockTable &blocks = flow.blocks;
    auto name = [&] { return inWorkflow + blockName(flow, b); };
    fb::BlockKind kind = blocks.kind()->Get(b);
    uint32_t inputs = inputCount(flow, b), outputs = outputCount(flow, b);
    uint32_t kernel = blocks.kernel()->Get(b);
    uint32_t join = at(blocks.join_kernel(), b, none);
    uint32_t profile = at(blocks.profile(), b, none);
    uint32_t decide = at(blocks.decide_inputs(), b, uint32_t(0));
    uint32_t firstRegion = blocks.region_begin()->Get(b);
    uint32_t regions = blocks.region_begin()->Get(b + 1) - firstRegion;
    if (profile != none && profile >= flow.numProfiles)
      broken("{} has profile {} of {}", name(), profile, flow.numProfiles);

    auto kindOf = [&](uint32_t k) { return program.kernels()->kind()->Get(k); };
    auto expectRegions = [&](fb::RegionRole role) {
      if (!regions)
        broken("{} is a {} without regions", name(),
               fb::EnumNameBlockKind(kind));
      for (uint32_t r = firstRegion; r < firstRegion + regions; ++r) {
        if (flow.regions.role()->Get(r) != role)
          broken("{} is a {} and owns region {}, which is a {}", name(),
                 fb::EnumNameBlockKind(kind), r,
                 fb::EnumNameRegionRole(flow.regions.role()->Get(r)));
        if (yieldCount(flow, r) != outputs)
          broken("{} has {} outputs, but its region {} yields {}", name(),
                 outputs, r, yieldCount(flow, r));
      }
    };
    // A kernel that is code has a signature; its inputs are the block's first
    // ones, or for a loop the first yields of Before.
    auto checkDecide = [&](uint32_t available) {
      if (decide > available)
        broken("{} decides on {} inputs of {}", name(), decide, available);
      if (kernel == none)
        return;
      if (kindOf(kernel) == fb::KernelKind::Join)
        broken("{} decides with a join kernel", name());
      if (kindOf(kernel) == fb::KernelKind::Image &&
          program.kernels()->num_inputs()->Get(kernel) != decide)
        broken("{} decides on {} inputs with {}, which takes {}", name(),
               decide, kernelName(kernel),
               program.kernels()->num_inputs()->Get(kernel));
    };
    auto checkJoin = [&](uint32_t initsAfter) {
      if (uint64_t(initsAfter) + outputs > inputs)
        broken("{} has {} inputs; expected {} and an init for each of {} "
               "outputs",
               name(), inputs, initsAfter, outputs);
      if ((join != none) != (outputs != 0) ||
          (join != none && kindOf(join) != fb::KernelKind::Join))
        broken("{} has {} outputs and {}", name(), outputs,
               join == none ? "no join kernel"
                            : "for a join " + kernelName(join));
    };
    bool joins = kind == fb::BlockKind::Select || kind == fb::BlockKind::Fanout;
    if (!joins && join != none)
      broken("{} is a {} with a join kernel", name(),
             fb::EnumNameBlockKind(kind));

    switch (kind) {
    case fb::BlockKind::Task: {
      if (regions)
        broken("{} is a Task and owns regions", name());
      if (kernel == none)
        broken("{} is a Task without a kernel", name());
      switch (kindOf(kernel)) {
      case fb::KernelKind::Join:
        broken("{} is a Task with a join kernel", name());
      case fb::KernelKind::Profiled:
        if (!hasDistribution(flow, profile))
          broken("{} has a profiled kernel but no distribution of cycles",
                 name());
        break;
      case fb::KernelKind::Image:
        checkSignature(flow, b, kernel, inputs, outputs);
        break;
      }
      break;
    }
    case fb::BlockKind::Switch:
      expectRegions(fb::RegionRole::Case);
      checkDecide(inputs);
      if (kernel == none && profile == none)
        broken("{} is a Switch that neither a kernel nor a profile decides",
               name());
      checkFrequencies(flow, b, profile, regions, /*sumToOne=*/true,
                       kernel == none);
      break;
    case fb::BlockKind::Select:
      expectRegions(fb::RegionRole::Member);
      checkDecide(inputs);
      checkJoin(decide);
      if (kernel == none && profile == none)
        broken("{} is a Select that neither a kernel nor a profile decides",
               name());
      checkFrequencies(flow, b, profile, regions, /*sumToOne=*/false,
                       kernel == none);
      break;
    case fb::BlockKind::Loop: {
      if (regions != 2 ||
          flow.regions.role()->Get(firstRegion) != fb::RegionRole::Before ||
          flow.regions.role()->Get(firstRegion + 1) != fb::RegionRole::After)
        broken("{} is a Loop and owns {} regions; expected Before and After",
               name(), regions);
      uint32_t yields = yieldCount(flow, firstRegion);
      checkDecide(yields);
      if (yields - decide != outputs)
        broken("{} has {} outputs, but its Before forwards {}", name(), outputs,
               yields - decide);
      uint32_t carried = yieldCount(flow, firstRegion + 1);
      if (carried > inputs)
        broken("{} carries {} values, but has {} inputs", name(), carried,
               inputs);
      if (kernel == none && !hasDistribution(flow, profile))
        broken("{} is a Loop without a kernel or a distribution of trips",
               name());
      break;
    }
    case fb::BlockKind::Fanout:
      if (regions != 1)
        broken("{} is a Fanout and owns {} regions; expected 1", name(),
               regions);
      expectRegions(fb::RegionRole::Each);
      if (kernel != none)
        broken("{} is a Fanout with a decide kernel", name());
      if (decide > 1 || decide > inputs)
        broken("{} is a Fanout with {} counts", name(), decide);
      checkJoin(decide);
      if (decide == 0 && !hasDistribution(flow, profile))
        broken("{} is a Fanout without a count or a distribution of copies",
               name());
      break;
    }
  }

  /// Same element kind and rank, and no two different sizes.
  bool compatible(uint32_t a, uint32_t b) const {
    if (a == b)
      return true;
    const fb::TypeTable &types = *program.types();
    if (types.element()->Get(a) != types.element()->Get(b) ||
        types.scalar()->Get(a) != types.scalar()->Get(b) ||
        rankOf(a) != rankOf(b))
      return false;
    for (uint32_t d = 0; d < rankOf(a); ++d) {
      int64_t x = types.dims()->Get(types.dim_offsets()->Get(a) + d);
      int64_t y = types.dims()->Get(types.dim_offsets()->Get(b) + d);
      if (x != y && x >= 0 && y >= 0)
        return false;
    }
    return true;
  }

  void checkSignature(const Flow &flow, uint32_t b, uint32_t kernel,
                      uint32_t inputs, uint32_t outputs) {
    const fb::KernelTable &table = *program.kernels();
    if (table.num_inputs()->Get(kernel) != inputs ||
        table.num_outputs()->Get(kernel) != outputs)
      broken("{}{} has {} inputs and {} outputs, but {} takes {} and gives {}",
             inWorkflow, blockName(flow, b), inputs, outputs,
             kernelName(kernel), table.num_inputs()->Get(kernel),
             table.num_outputs()->Get(kernel));
    uint32_t type = table.signature_offsets()->Get(kernel);
    uint32_t first = flow.blocks.input_offsets()->Get(b);
    for (uint32_t i = 0; i < inputs; ++i) {
      uint32_t input = flow.blocks.inputs()->Get(first + i);
      uint32_t given = input & weightFlag
                           ? program.weights()->type()->Get(input & ~weightFlag)
                           : flow.values.type()->Get(input);
      if (!compatible(table.signature()->Get(type + i), given))
        broken("{}input {} of {} does not have the type that {} takes",
               inWorkflow, i, blockName(flow, b), kernelName(kernel));
    }
    for (uint32_t i = 0; i < outputs; ++i)
      if (!compatible(
              table.signature()->Get(type + inputs + i),
              flow.values.type()->Get(flow.blocks.output_begin()->Get(b) + i)))
        broken("{}output {} of {} does not have the type that {} gives",
               inWorkflow, i, blockName(flow, b), kernelName(kernel));
  }

  void checkInterface(Flow &flow) {
    where = inWorkflow;
    uint32_t arguments = flow.regions.num_imports()->Get(0);
    uint32_t results = yieldCount(flow, 0);
    optional(flow.workflow.argument_names(), arguments, "argument_names");
    optional(flow.workflow.result_names(), results, "result_names");
    column(flow.workflow.result_types(), results, "result_types");
    for (uint32_t i = 0; i < sizeOf(flow.workflow.argument_names()); ++i)
      index(flow.workflow.argument_names()->Get(i), strings, "argument_names",
            i, "strings");
    for (uint32_t i = 0; i < sizeOf(flow.workflow.result_names()); ++i)
      index(flow.workflow.result_names()->Get(i), strings, "result_names", i,
            "strings");
    for (uint32_t i = 0; i < results; ++i)
      index(flow.workflow.result_types()->Get(i), numTypes, "result_types", i,
            "types");
  }

  //===--------------------------------------------------------------------===//
  // Decisions
  //===--------------------------------------------------------------------===//

  void checkPlacement(Flow &flow) {
    const fb::PlacementTable &placement = *flow.workflow.placement();
    const TargetDesc &target = topology->desc();
    Capacity capacity(*topology);
    where = inWorkflow + "placement.";
    offsets(placement.replica_offsets(), flow.numBlocks,
            sizeOf(placement.replicas()), "replica_offsets");
    enumeration(placement.routing(), "routing");
    optional(placement.routing(), flow.numBlocks, "routing");
    for (uint32_t b = 0; b < flow.numBlocks; ++b) {
      bool task = flow.blocks.kind()->Get(b) == fb::BlockKind::Task;
      bool active = false;
      for (uint32_t i = placement.replica_offsets()->Get(b);
           i < placement.replica_offsets()->Get(b + 1); ++i) {
        const fb::Replica *replica = placement.replicas()->Get(i);
        active |= !replica->standby();
        auto name = [&] {
          return fmt::format("{}replica {} of {}", inWorkflow,
                             i - placement.replica_offsets()->Get(b),
                             blockName(flow, b));
        };
        if (replica->cluster() >= target.numClusters() ||
            replica->tbu() >= target.tbusPerCluster)
          broken("{} is at cluster {}, TBU {}, but '{}' has {} clusters of {} "
                 "TBUs",
                 name(), replica->cluster(), replica->tbu(), target.name,
                 target.numClusters(), target.tbusPerCluster);
        Coord at = target.coordOf(replica->cluster());
        if (!topology->clusterUsable(replica->cluster()))
          fail("{} is at cluster ({}, {}), which is dead or which dead links "
               "cut off from the host port; compile again for this machine",
               name(), at.x, at.y);
        if (!task) {
          if (replica->pea_count())
            broken("{} belongs to a control block and has {} PEAs", name(),
                   replica->pea_count());
          if (!topology->cbuLive(replica->cluster()))
            fail("{} needs the CBU of cluster ({}, {}), which is dead; compile "
                 "again for this machine",
                 name(), at.x, at.y);
          continue;
        }
        uint32_t tbu =
            replica->cluster() * target.tbusPerCluster + replica->tbu();
        uint32_t first = replica->pea_first(), count = replica->pea_count();
        if (count == 0 || first + count > target.peasPerTbu ||
            !topology->livePeas(tbu, first, count) ||
            !capacity.fitsGang(tbu, replica->max_gang()))
          require(capacity.checkShare(name(), {tbu, first, count},
                                      replica->max_gang()),
                  "");
        uint32_t kernel = flow.blocks.kernel()->Get(b);
        if (replica->max_gang() < leastGang[kernel])
          fail("{} may use {} PEAs, but {} needs a gang of {} for its "
               "footprint to fit in the {} of SRAM of a PEA; raise the gang or "
               "use smaller tiles",
               name(), replica->max_gang(), kernelName(kernel),
               leastGang[kernel], formatBytes(target.pea.sramBytes));
        if (replica->share_q16() > Capacity::fullShareQ16)
          broken("{} has a share of {} / 65536", name(), replica->share_q16());
        if (!replica->standby())
          for (uint32_t p = first; p < first + count; ++p)
            shares[tbu * target.peasPerTbu + p] += replica->share_q16();
      }
      if (!active)
        fail("{}{} has no active replica; run octo-allocate-peas", inWorkflow,
             blockName(flow, b));
    }
  }

  /// After all workflows: they share the machine.
  void checkSharing() {
    Capacity capacity(*topology);
    for (uint32_t pea = 0; pea < shares.size(); ++pea)
      if (shares[pea] > Capacity::fullShareQ16)
        require(capacity.checkPeaTime(pea, shares[pea]), "");
  }

  void checkSegments(Flow &flow) {
    const fb::SegmentTable &segments = *flow.workflow.segments();
    const fb::PlacementTable &placement = *flow.workflow.placement();
    where = inWorkflow + "segments.";
    uint32_t n = sizeOf(segments.region());
    column(segments.initiation_interval(), n, "initiation_interval");
    column(segments.lanes(), n, "lanes");
    offsets(segments.slot_offsets(), n, sizeOf(segments.slots()),
            "slot_offsets");
    if (!n)
      return;
    // By block.
    std::vector<uint32_t> slotOf(flow.numBlocks, none);
    std::vector<uint32_t> &segmentOf = flow.segmentOf;
    segmentOf.assign(flow.numBlocks, none);
    for (uint32_t s = 0; s < n; ++s) {
      index(segments.region()->Get(s), flow.numRegions, "region", s, "regions");
      if (!segments.lanes()->Get(s))
        broken("{}lanes[{}] is 0", where, s);
      uint64_t before = 0;
      for (uint32_t i = segments.slot_offsets()->Get(s);
           i < segments.slot_offsets()->Get(s + 1); ++i) {
        const fb::Slot *slot = segments.slots()->Get(i);
        index(slot->block(), flow.numBlocks, "slots", i, "blocks");
        uint32_t b = slot->block();
        auto name = [&] {
          return fmt::format("{}the slot of {}", inWorkflow,
                             blockName(flow, b));
        };
        if (flow.blocks.kind()->Get(b) != fb::BlockKind::Task ||
            flow.blocks.region()->Get(b) != segments.region()->Get(s))
          broken("{} is not of a task of region {}, the segment's", name(),
                 segments.region()->Get(s));
        if (slotOf[b] != none)
          broken("{} is its second one", name());
        slotOf[b] = i;
        segmentOf[b] = s;
        if (slot->start() < before)
          broken("{} starts at {}, before the slot ahead of it", name(),
                 slot->start());
        before = slot->start();
        if (slot->start() + slot->cycles() < slot->start() ||
            slot->start() + slot->cycles() > uint64_t(1) << 62)
          broken("{} ends after cycle 2^62", name());
        uint32_t replicas = placement.replica_offsets()->Get(b + 1) -
                            placement.replica_offsets()->Get(b);
        if (uint64_t(slot->replica()) + segments.lanes()->Get(s) > replicas)
          broken("{} takes replicas {} to {} of {}", name(), slot->replica(),
                 uint64_t(slot->replica()) + segments.lanes()->Get(s) - 1,
                 replicas);
      }
    }
    checkTimetables(flow, slotOf);
  }

  /// The block that makes each value, or none.
  std::vector<uint32_t> producers(const Flow &flow) const {
    std::vector<uint32_t> producer(flow.numValues, none);
    for (uint32_t b = 0; b < flow.numBlocks; ++b)
      for (uint32_t v = flow.blocks.output_begin()->Get(b);
           v < outputEnd(flow, b); ++v)
        producer[v] = b;
    return producer;
  }

  /// Slots of a segment neither overlap on a PEA nor start before their inputs.
  void checkTimetables(Flow &flow, const std::vector<uint32_t> &slotOf) {
    const fb::SegmentTable &segments = *flow.workflow.segments();
    const fb::PlacementTable &placement = *flow.workflow.placement();
    const TargetDesc &target = topology->desc();
    const std::vector<uint32_t> &segmentOf = flow.segmentOf;
    std::vector<uint32_t> producer = producers(flow);

    struct Use {
      uint32_t segment = none;
      uint32_t lane = none;
      uint32_t block = none;
      uint64_t end = 0;
      uint64_t busy = 0;
    };
    std::vector<Use> uses(target.numPeas());
    for (uint32_t s = 0; s < sizeOf(segments.region()); ++s) {
      uint32_t begin = segments.slot_offsets()->Get(s);
      uint32_t end = segments.slot_offsets()->Get(s + 1);
      uint64_t interval = segments.initiation_interval()->Get(s);
      for (uint32_t i = begin; i < end; ++i) {
        const fb::Slot *slot = segments.slots()->Get(i);
        uint32_t b = slot->block();
        for (uint32_t k = flow.blocks.input_offsets()->Get(b);
             k < flow.blocks.input_offsets()->Get(b + 1); ++k) {
          uint32_t input = flow.blocks.inputs()->Get(k);
          uint32_t from = input & weightFlag ? none : producer[input];
          if (from == none || segmentOf[from] != s)
            continue;
          const fb::Slot *source = segments.slots()->Get(slotOf[from]);
          if (uint32_t chunks = chunksOf(flow, k)) {
            if (source->start() + source->cycles() / chunks > slot->start() ||
                source->start() + source->cycles() >
                    slot->start() + slot->cycles())
              fail("{}the slot of {}, cycles {} to {}, starts before the first "
                   "chunk, or ends before the last one, of its input from {} "
                   "is made, in cycles {} to {}; run octo-static-schedule "
                   "again",
                   inWorkflow, blockName(flow, b), slot->start(),
                   slot->start() + slot->cycles(), blockName(flow, from),
                   source->start(), source->start() + source->cycles());
            continue;
          }
          if (source->start() + source->cycles() > slot->start())
            fail(
                "{}the slot of {} starts at cycle {}, but its input from {} is "
                "made at cycle {}; run octo-static-schedule again",
                inWorkflow, blockName(flow, b), slot->start(),
                blockName(flow, from), source->start() + source->cycles());
        }
      }
      for (uint32_t lane = 0; lane < segments.lanes()->Get(s) && begin != end;
           ++lane)
        for (uint32_t i = begin; i < end; ++i) {
          const fb::Slot *slot = segments.slots()->Get(i);
          uint32_t b = slot->block();
          const fb::Replica *replica = placement.replicas()->Get(
              placement.replica_offsets()->Get(b) + slot->replica() + lane);
          if (replica->standby())
            broken("{}the slot of {} takes a standby replica", inWorkflow,
                   blockName(flow, b));
          uint32_t pea =
              (replica->cluster() * target.tbusPerCluster + replica->tbu()) *
                  target.peasPerTbu +
              replica->pea_first();
          for (uint32_t p = pea; p < pea + replica->pea_count(); ++p) {
            Use &use = uses[p];
            if (use.segment != s || use.lane != lane)
              use = {s, lane, none, 0, 0};
            else if (slot->start() < use.end)
              fail("{}the slots of {} and {} overlap on PEA {} at cycle {}; "
                   "run octo-static-schedule again",
                   inWorkflow, blockName(flow, use.block), blockName(flow, b),
                   p, slot->start());
            use.block = b;
            use.end = slot->start() + slot->cycles();
            use.busy += slot->cycles();
            if (use.busy > interval)
              fail("{}segment {} starts every {} cycles, but keeps PEA {} busy "
                   "for {}; run octo-static-schedule again",
                   inWorkflow, s, interval, p, use.busy);
          }
        }
    }
  }

  /// The chunks of the stream to an input (into BlockTable.inputs); 0: whole.
  /// The table has not been checked yet.
  static uint32_t chunksOf(const Flow &flow, uint32_t input) {
    const fb::FlowTable *flows = flow.workflow.flows();
    if (!flows || !flows->input() ||
        sizeOf(flows->chunks()) != sizeOf(flows->input()))
      return 0;
    auto found =
        std::lower_bound(flows->input()->begin(), flows->input()->end(), input);
    if (found == flows->input()->end() || *found != input)
      return 0;
    return flows->chunks()->Get(
        static_cast<uint32_t>(found - flows->input()->begin()));
  }

  /// Streams lead from task to task within a segment.
  void checkFlows(Flow &flow) {
    const fb::FlowTable *flows = flow.workflow.flows();
    if (!flows)
      return;
    where = inWorkflow + "flows.";
    uint32_t n = sizeOf(flows->input());
    column(flows->chunks(), n, "chunks");
    column(flows->buffer(), n, "buffer");
    if (!n)
      return;
    std::vector<uint32_t> producer = producers(flow);
    const Vector<uint32_t> *begin = flow.blocks.input_offsets();
    auto isTask = [&](uint32_t b) {
      return flow.blocks.kind()->Get(b) == fb::BlockKind::Task;
    };
    std::vector<StreamEdge> streams;
    uint32_t consumer = 0;
    for (uint32_t i = 0; i < n; ++i) {
      uint32_t input = flows->input()->Get(i);
      index(input, sizeOf(flow.blocks.inputs()), "input", i, "inputs");
      if (i && input <= flows->input()->Get(i - 1))
        broken("{}input[{}] is {}, not above the entry before it", where, i,
               input);
      while (input >= begin->Get(consumer + 1))
        ++consumer;
      auto name = [&] {
        return fmt::format("{}the stream to input {} of {}", inWorkflow,
                           input - begin->Get(consumer),
                           blockName(flow, consumer));
      };
      uint32_t chunks = flows->chunks()->Get(i);
      uint32_t buffer = flows->buffer()->Get(i);
      if (chunks < minStreamChunks || chunks > maxStreamChunks)
        broken("{} has {} chunks; expected {} to {}", name(), chunks,
               minStreamChunks, maxStreamChunks);
      if (buffer < 1 || buffer > chunks)
        broken("{} has a buffer for {} chunks; expected 1 to {}", name(),
               buffer, chunks);
      if (!isTask(consumer))
        broken("{} ends at a control block; streams lead from task to task",
               name());
      uint32_t value = flow.blocks.inputs()->Get(input);
      uint32_t from = value & weightFlag ? none : producer[value];
      if (from == none || !isTask(from))
        broken("{} does not come from a task; streams lead from task to task",
               name());
      uint32_t type = flow.values.type()->Get(value);
      if (program.types()->scalar()->Get(type) ||
          program.types()->element()->Get(type) == fb::ElementKind::Token)
        broken("{} carries a scalar or a token, which has no chunks", name());
      if (flow.segmentOf.empty() || flow.segmentOf[from] == none ||
          flow.segmentOf[from] != flow.segmentOf[consumer])
        broken("{} comes from {}, which is not in the same segment", name(),
               blockName(flow, from));
      streams.push_back({from, consumer, chunks, buffer});
    }
    std::optional<StreamDeadlock> deadlock = findStreamDeadlock(streams);
    if (!deadlock)
      return;
    if (deadlock->widen == noStream)
      fail("{}more than {} tasks, {} among them, are connected by streams that "
           "meet again in different numbers of chunks; give them all the same "
           "number",
           inWorkflow, maxMixedStreamTasks,
           blockName(flow, streams[deadlock->streams[0]].from));
    const StreamEdge &widen = streams[deadlock->widen];
    fail("{}the {} streams between {} and {} and round can wait for each other "
         "for ever: a buffer of {} of {} chunks lets {} be too little ahead; "
         "give this stream a buffer of {} chunks, or all of them the same "
         "number of chunks",
         inWorkflow, deadlock->streams.size(), blockName(flow, widen.from),
         blockName(flow, widen.to), widen.buffer, widen.chunks,
         blockName(flow, widen.from), deadlock->buffer);
  }

  void checkPolicy(Flow &flow) {
    const fb::PolicyTable &policy = *flow.workflow.policy();
    where = inWorkflow + "policy.";
    uint32_t n = flow.numBlocks;
    optional(policy.dynamic_time(), n, "dynamic_time");
    optional(policy.dynamic_frequency(), n, "dynamic_frequency");
    optional(policy.reason(), n, "reason");
    optional(policy.priority(), n, "priority");
    optional(policy.expected_cycles(), n, "expected_cycles");
    optional(policy.expected_cycles_p95(), n, "expected_cycles_p95");
    optional(policy.expected_count_q16(), n, "expected_count_q16");
    for (uint32_t b = 0; b < sizeOf(policy.reason()); ++b)
      indexOrNone(policy.reason()->Get(b), strings, "reason", b, "strings");
    uint32_t hints = sizeOf(policy.successors_hint());
    if (hints || sizeOf(policy.successors_hint_offsets()))
      offsets(policy.successors_hint_offsets(), n, hints,
              "successors_hint_offsets");
    for (uint32_t i = 0; i < hints; ++i)
      index(policy.successors_hint()->Get(i), n, "successors_hint", i,
            "blocks");
  }

  void checkRequestPath(const Flow &flow) {
    const fb::RequestPath *path = flow.workflow.request_path();
    if (!path)
      return;
    where = inWorkflow + "request_path.";
    if (path->tail_per_million() < 500000 || path->tail_per_million() > 999999)
      broken("{}tail_per_million is {}; expected 500000 to 999999", where,
             path->tail_per_million());
    if (!path->samples())
      broken("{}samples is 0; expected at least 1", where);
    if (path->samples() == 1 && path->deviation())
      broken("{}deviation is {} of one sample; expected 0", where,
             path->deviation());
  }

  void checkDecisions(Flow &flow) {
    const fb::DecisionTable *table = flow.workflow.decisions();
    if (!table)
      return;
    where = inWorkflow + "decisions.";
    uint32_t n = sizeOf(table->block());
    enumeration(table->kind(), "kind");
    column(table->kind(), n, "kind");
    offsets(table->candidate_offsets(), n, sizeOf(table->candidates()),
            "candidate_offsets");
    for (uint32_t i = 0; i < n; ++i)
      index(table->block()->Get(i), flow.numBlocks, "block", i, "blocks");
    for (uint32_t i = 0; i < sizeOf(table->candidates()); ++i) {
      const fb::Candidate *candidate = table->candidates()->Get(i);
      if (candidate->outcome() > fb::Rejection::MAX)
        broken("{}candidates[{}] has outcome {}", where, i,
               int(candidate->outcome()));
    }
  }

  /// Whether the size of a value is not the same in every request.
  bool sizeVaries(const Flow &flow, uint32_t value) const {
    const fb::TypeTable &types = *program.types();
    uint32_t type = flow.values.type()->Get(value);
    for (uint32_t d = types.dim_offsets()->Get(type);
         d < types.dim_offsets()->Get(type + 1); ++d)
      if (types.dims()->Get(d) < 0)
        return true;
    return at(flow.values.bytes_distribution(), value, none) != none;
  }
  uint32_t varyingSizes(const Flow &flow, uint32_t begin, uint32_t end) const {
    uint32_t count = 0;
    for (uint32_t v = begin; v < end; ++v)
      count += sizeVaries(flow, v);
    return count;
  }

  uint32_t symbolCount(uint32_t kernel) {
    auto [it, isNew] = symbolCounts.try_emplace(kernel, 0);
    if (isNew)
      it->second =
          static_cast<uint32_t>(workSymbols(*program.kernels(), kernel).size());
    return it->second;
  }

  void checkRecords(Flow &flow) {
    const fb::RecordTable *table = flow.workflow.records();
    if (!table)
      return;
    where = inWorkflow + "records.";
    uint32_t entries = sizeOf(table->block());
    column(table->tag(), entries, "tag");
    if (sizeOf(table->record_offsets()) < 2)
      broken("{}record_offsets has {} entries; expected one more than records, "
             "of which there is at least one",
             where, sizeOf(table->record_offsets()));
    uint32_t n = sizeOf(table->record_offsets()) - 1;
    offsets(table->record_offsets(), n, entries, "record_offsets");
    offsets(table->value_offsets(), entries, sizeOf(table->values()),
            "value_offsets");
    for (uint32_t r = 0; r < n; ++r)
      for (uint32_t i = table->record_offsets()->Get(r);
           i < table->record_offsets()->Get(r + 1); ++i) {
        uint32_t b = table->block()->Get(i);
        uint64_t tag = table->tag()->Get(i);
        indexOrNone(b, flow.numBlocks, "block", i, "blocks");
        if (i > table->record_offsets()->Get(r) &&
            std::make_pair(b, tag) <= std::make_pair(table->block()->Get(i - 1),
                                                     table->tag()->Get(i - 1)))
          broken("{}entry {} does not come after the one before it by block "
                 "and tag",
                 where, i);
        checkRecordEntry(flow, *table, i);
      }
  }

  void checkRecordEntry(const Flow &flow, const fb::RecordTable &table,
                        uint32_t i) {
    uint32_t b = table.block()->Get(i);
    uint32_t first = table.value_offsets()->Get(i);
    uint32_t have = table.value_offsets()->Get(i + 1) - first;
    if (b == none) {
      uint32_t need = varyingSizes(flow, 0, flow.regions.num_imports()->Get(0));
      if (have != need || table.tag()->Get(i))
        broken("{}entry {} has {} values and tag {} for the arguments; "
               "expected {} and 0",
               where, i, have, table.tag()->Get(i), need);
      return;
    }
    fb::BlockKind kind = flow.blocks.kind()->Get(b);
    if (kind == fb::BlockKind::Task) {
      uint32_t sizes = varyingSizes(flow, flow.blocks.output_begin()->Get(b),
                                    outputEnd(flow, b));
      uint32_t symbols = 0;
      if (have && table.values()->Get(first) == ~uint64_t(0))
        symbols = symbolCount(flow.blocks.kernel()->Get(b));
      if (have != 1 + sizes + symbols)
        broken("{}entry {} has {} values for {}; expected its cycles, {} sizes "
               "and {} symbols",
               where, i, have, blockName(flow, b), sizes, symbols);
      return;
    }
    if (have != 1)
      broken("{}entry {} has {} values for {}; a control block has one "
             "outcome",
             where, i, have, blockName(flow, b));
    uint64_t outcome = table.values()->Get(first);
    uint64_t owned = flow.blocks.region_begin()->Get(b + 1) -
                     flow.blocks.region_begin()->Get(b);
    bool fits = kind == fb::BlockKind::Switch ? outcome < owned
                : kind == fb::BlockKind::Select
                    ? owned <= 64 && (owned == 64 || outcome >> owned == 0)
                : kind == fb::BlockKind::Fanout ? outcome <= uint64_t(1) << 24
                                                : true;
    if (!fits)
      broken("{}entry {} has outcome {} for {}, which has {} regions", where, i,
             outcome, blockName(flow, b), owned);
  }

  const fb::Program &program;
  std::unique_ptr<Topology> topology;
  /// Prefix of messages on columns, and of those on a workflow.
  std::string where;
  std::string inWorkflow;
  uint32_t strings = 0;
  uint32_t numTypes = 0;
  uint32_t numDistributions = 0;
  uint32_t numImages = 0;
  uint32_t numKernels = 0;
  uint32_t numWeights = 0;
  std::unordered_map<uint32_t, uint32_t> symbolCounts;
  /// By kernel: the least gang whose footprint fits.
  std::vector<uint32_t> leastGang;
  /// By PEA: the sum of active shares.
  std::vector<uint64_t> shares;
};

} // namespace

Expected<void> octo::validateProgram(const fb::Program &program) {
  try {
    Validator(program).run();
    return {};
  } catch (const Invalid &invalid) {
    return makeError("{}", invalid.message);
  }
}
