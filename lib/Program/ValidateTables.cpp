//===- ValidateTables.cpp - Checks of what stands beside it ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validator.h"

#include "octo/Program/Program.h"

using namespace octo;
using namespace octo::validation;

void Validator::checkPolicy(Flow &flow) {
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
    index(policy.successors_hint()->Get(i), n, "successors_hint", i, "blocks");
}

void Validator::checkRequestPath(const Flow &flow) {
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

void Validator::checkDecisions(Flow &flow) {
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

bool Validator::sizeVaries(const Flow &flow, uint32_t value) const {
  const fb::TypeTable &types = *program.types();
  uint32_t type = flow.values.type()->Get(value);
  for (uint32_t d = types.dim_offsets()->Get(type);
       d < types.dim_offsets()->Get(type + 1); ++d)
    if (types.dims()->Get(d) < 0)
      return true;
  return entryOf(flow.values.bytes_distribution(), value, none) != none;
}

uint32_t Validator::varyingSizes(const Flow &flow, uint32_t begin,
                                 uint32_t end) const {
  uint32_t count = 0;
  for (uint32_t v = begin; v < end; ++v)
    count += sizeVaries(flow, v);
  return count;
}

uint32_t Validator::symbolCount(uint32_t kernel) {
  auto [it, isNew] = symbolCounts.try_emplace(kernel, 0);
  if (isNew)
    it->second =
        static_cast<uint32_t>(workSymbols(*program.kernels(), kernel).size());
  return it->second;
}

void Validator::checkRecords(Flow &flow) {
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

void Validator::checkRecordEntry(const Flow &flow, const fb::RecordTable &table,
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
  uint32_t owned = flow.blocks.region_begin()->Get(b + 1) -
                   flow.blocks.region_begin()->Get(b);
  // The mask of a select has 64 members a word.
  uint32_t need = kind == fb::BlockKind::Select ? (owned + 63) / 64 : 1;
  if (have != need)
    broken("{}entry {} has {} values for {}; its outcome has {}", where, i,
           have, blockName(flow, b), need);
  uint64_t last = table.values()->Get(first + need - 1);
  bool fits = kind == fb::BlockKind::Switch ? last < owned
              : kind == fb::BlockKind::Select
                  ? owned % 64 == 0 || last >> (owned % 64) == 0
              : kind == fb::BlockKind::Fanout ? last <= uint64_t(1) << 24
                                              : true;
  if (!fits)
    broken("{}entry {} has outcome {} for {}, which has {} regions", where, i,
           last, blockName(flow, b), owned);
}
