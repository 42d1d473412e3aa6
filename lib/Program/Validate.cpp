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
//===----------------------------------------------------------------------===//

#include "Validator.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Support/Sha256.h"
#include "octo/Target/Capacity.h"

#include <cmath>
#include <unordered_set>

using namespace octo;
using namespace octo::validation;

void Validator::run() {
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

template <class T>
static size_t alignmentOf(const Vector<T> *) {
  return alignof(T);
}

template <class T>
static size_t alignmentOf(const Vector<const T *> *) {
  return alignof(T);
}

void Validator::checkAlignment() {
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
    check(f.values()->bytes(), f.blocks()->decide_inputs(), f.blocks()->bound(),
          f.profiles()->first_request(), f.profiles()->frequencies(),
          f.placement()->replicas(), f.segments()->slots(),
          f.segments()->initiation_interval());
    const fb::PolicyTable &y = *f.policy();
    check(y.priority(), y.expected_cycles(), y.expected_cycles_p95(),
          y.expected_count_q16());
    if (f.decisions())
      check(f.decisions()->candidates());
    if (f.records())
      check(f.records()->tag(), f.records()->values());
  }
}

void Validator::checkMachine() {
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

void Validator::checkTypes() {
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

void Validator::checkDistributions() {
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

void Validator::checkImages() {
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

uint64_t Validator::bytesOf(uint32_t type) const {
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

bool Validator::isDigest(std::string_view text) const {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

void Validator::checkWeights() {
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
      broken("weight '{}' states {} bytes, which its type does not have", name,
             bytes);
    total += bytes;
    if (total >> 62)
      broken("the weights have more than 2^62 bytes together");
    if (!capacity.fitsWeight(bytes))
      require(capacity.checkWeight(fmt::format("weight '{}'", name), bytes),
              "");
    fb::WeightSource source = table.source()->Get(w);
    uint32_t path = entryOf(table.path(), w, none);
    uint32_t digestIndex = entryOf(table.digest(), w, none);
    indexOrNone(path, strings, "path", w, "strings");
    indexOrNone(digestIndex, strings, "digest", w, "strings");
    switch (source) {
    case fb::WeightSource::Seed:
      if (double scale = entryOf(table.scale(), w);
          !std::isfinite(scale) || scale < 0)
        broken("weight '{}' has scale {}; expected a finite number that is "
               "not negative",
               name, scale);
      break;
    case fb::WeightSource::File:
      if (path == none || digestIndex == none || !isDigest(string(digestIndex)))
        broken("weight '{}' lies in a file but has no path or no SHA-256",
               name);
      break;
    case fb::WeightSource::Inline: {
      uint64_t offset = entryOf(table.data_offset(), w);
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

Expected<void> octo::validateProgram(const fb::Program &program) {
  try {
    Validator(program).run();
    return {};
  } catch (const Invalid &invalid) {
    return makeError("{}", invalid.message);
  }
}
