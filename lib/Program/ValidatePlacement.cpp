//===- ValidatePlacement.cpp - Checks of where and when -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validator.h"

#include "octo/Target/Capacity.h"
#include "octo/Target/StreamNet.h"

using namespace octo;
using namespace octo::validation;

void Validator::checkPlacement(Flow &flow) {
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
             name(), replica->max_gang(), kernelName(kernel), leastGang[kernel],
             formatBytes(target.pea.sramBytes));
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

void Validator::checkSharing() {
  Capacity capacity(*topology);
  for (uint32_t pea = 0; pea < shares.size(); ++pea)
    if (shares[pea] > Capacity::fullShareQ16)
      require(capacity.checkPeaTime(pea, shares[pea]), "");
}

void Validator::checkSegments(Flow &flow) {
  const fb::SegmentTable &segments = *flow.workflow.segments();
  const fb::PlacementTable &placement = *flow.workflow.placement();
  where = inWorkflow + "segments.";
  uint32_t n = sizeOf(segments.region());
  column(segments.initiation_interval(), n, "initiation_interval");
  column(segments.lanes(), n, "lanes");
  offsets(segments.slot_offsets(), n, sizeOf(segments.slots()), "slot_offsets");
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
        return fmt::format("{}the slot of {}", inWorkflow, blockName(flow, b));
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

std::vector<uint32_t> Validator::producers(const Flow &flow) const {
  std::vector<uint32_t> producer(flow.numValues, none);
  for (uint32_t b = 0; b < flow.numBlocks; ++b)
    for (uint32_t v = flow.blocks.output_begin()->Get(b);
         v < outputEnd(flow, b); ++v)
      producer[v] = b;
  return producer;
}

void Validator::checkTimetables(Flow &flow,
                                const std::vector<uint32_t> &slotOf) {
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
          fail("{}the slot of {} starts at cycle {}, but its input from {} is "
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
                 inWorkflow, blockName(flow, use.block), blockName(flow, b), p,
                 slot->start());
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

uint32_t Validator::chunksOf(const Flow &flow, uint32_t input) {
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

void Validator::checkFlows(Flow &flow) {
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
      broken("{} has a buffer for {} chunks; expected 1 to {}", name(), buffer,
             chunks);
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
