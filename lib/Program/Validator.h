//===- Validator.h - The semantic check of programs -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parts of the check share: Validate.cpp has the tables of the whole
// program, ValidateKernels.cpp kernels, ValidateWorkflow.cpp regions, blocks
// and profiles, ValidatePlacement.cpp where and when, ValidateTables.cpp what
// is read beside that.
//
// Columns whose absence has a meaning (zero, none, or what program.fbs says)
// may be left out whole; all others have one entry an item.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_PROGRAM_VALIDATOR_H
#define OCTO_LIB_PROGRAM_VALIDATOR_H

#include "octo/Program/Columns.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/Diagnostic.h"
#include "octo/Target/Topology.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace octo::validation {

using flatbuffers::Vector;

inline constexpr uint32_t none = 0xffffffff;
inline constexpr uint32_t weightFlag = 0x80000000;
inline constexpr uint32_t forwardedFlag = 0x80000000;
inline constexpr uint32_t copyIndex = 0x40000000;
inline constexpr uint64_t one32 = uint64_t(1) << 32;

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

inline void require(const Expected<void> &answer, std::string_view prefix) {
  if (!answer)
    throw Invalid{fmt::format("{}{}", prefix, answer.error().message)};
}

class Validator {
public:
  explicit Validator(const fb::Program &program) : program(program) {}
  void run();

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

  /// FlatBuffers' verifier looks at where the length of a vector stands, not at
  /// where its elements do.
  void checkAlignment();
  void checkMachine();
  void checkTypes();
  uint32_t rankOf(uint32_t type) const;
  void checkDistributions();
  void checkImages();
  std::string kernelName(uint32_t k) const;
  void checkKernels();
  void checkWork(const fb::KernelTable &table);
  /// A symbol of the work of kernel k: a counter, or a dimension of an input.
  void checkSymbol(const fb::KernelTable &table, uint32_t k, uint32_t symbol);
  void checkPhases(const fb::KernelTable &table);
  /// The symbols of a form of kernel k exist; of its sizes the first `sizes`.
  void checkForm(const fb::KernelTable &table, uint32_t k, uint32_t form,
                 uint32_t sizes);
  /// Bytes of a tensor type without dimensions known at run time; none64 when
  /// it has some or when the size passes 2^62.
  static constexpr uint64_t none64 = ~uint64_t(0);
  uint64_t bytesOf(uint32_t type) const;
  bool isDigest(std::string_view text) const;
  void checkWeights();

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

  std::string blockName(const Flow &flow, uint32_t b) const;
  uint32_t inputCount(const Flow &flow, uint32_t b) const;
  uint32_t outputEnd(const Flow &flow, uint32_t b) const;
  uint32_t outputCount(const Flow &flow, uint32_t b) const;
  uint32_t yieldCount(const Flow &flow, uint32_t r) const;
  void checkWorkflow(const fb::Workflow &workflow);
  void checkValues(Flow &flow);
  void checkRegions(Flow &flow);
  void checkBlockColumns(Flow &flow);
  /// Blocks belong to the regions that list them, regions to the blocks that
  /// own them, owners come first.
  void checkRegionTree(Flow &flow);
  /// Values follow their region's order, and are used in their own region after
  /// they are made: so a region's blocks can have no cycle.
  void checkDataflow(Flow &flow);
  void checkImports(Flow &flow, uint32_t r);
  void checkProfiles(Flow &flow);
  /// Whether every epoch of the block's profile has a distribution.
  bool hasDistribution(const Flow &flow, uint32_t profile) const;
  /// Checks the frequencies of a control block with `cases` regions.
  void checkFrequencies(const Flow &flow, uint32_t b, uint32_t profile,
                        uint32_t cases, bool sumToOne, bool needed);
  void checkBlock(Flow &flow, uint32_t b);
  /// Same element kind and rank, and no two different sizes.
  bool compatible(uint32_t a, uint32_t b) const;
  void checkSignature(const Flow &flow, uint32_t b, uint32_t kernel,
                      uint32_t inputs, uint32_t outputs);
  void checkInterface(Flow &flow);

  //===--------------------------------------------------------------------===//
  // Decisions
  //===--------------------------------------------------------------------===//

  void checkPlacement(Flow &flow);
  /// After all workflows: they share the machine.
  void checkSharing();
  void checkSegments(Flow &flow);
  /// The block that makes each value, or none.
  std::vector<uint32_t> producers(const Flow &flow) const;
  /// Slots of a segment neither overlap on a PEA nor start before their inputs.
  void checkTimetables(Flow &flow, const std::vector<uint32_t> &slotOf);
  /// The chunks of the stream to an input (into BlockTable.inputs); 0: whole.
  /// The table has not been checked yet.
  static uint32_t chunksOf(const Flow &flow, uint32_t input);
  /// Streams lead from task to task within a segment.
  void checkFlows(Flow &flow);
  void checkPolicy(Flow &flow);
  void checkRequestPath(const Flow &flow);
  void checkDecisions(Flow &flow);
  /// Whether the size of a value is not the same in every request.
  bool sizeVaries(const Flow &flow, uint32_t value) const;
  uint32_t varyingSizes(const Flow &flow, uint32_t begin, uint32_t end) const;
  uint32_t symbolCount(uint32_t kernel);
  void checkRecords(Flow &flow);
  void checkRecordEntry(const Flow &flow, const fb::RecordTable &table,
                        uint32_t i);

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

} // namespace octo::validation

#endif // OCTO_LIB_PROGRAM_VALIDATOR_H
