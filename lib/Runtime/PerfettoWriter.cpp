//===- PerfettoWriter.cpp - Timelines as Perfetto protobuf ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The native format of ui.perfetto.dev: a sequence of TracePacket messages of
// the public schema (protos/perfetto/trace in github.com/google/perfetto).
// Packets of one kind are nearly all of a trace and are put together in place;
// what is rare goes through protozero's writer. Lengths that are not known
// before are varints of a fixed size, padded with zeroes, as Perfetto's own
// writer has them.
//
//===----------------------------------------------------------------------===//

#include "TraceFile.h"

#include <fmt/compile.h>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

#include <bit>
#include <cassert>

using namespace octo;

namespace {

// Numbers of the public schema.
namespace packet {
enum : uint32_t {
  timestamp = 8,
  sequenceId = 10,
  trackEvent = 11,
  internedData = 12,
  sequenceFlags = 13,
  trackDescriptor = 60
};
}
namespace descriptor {
enum : uint32_t {
  uuid = 1,
  name = 2,
  parentUuid = 5,
  counter = 8,
  childOrdering = 11,
  siblingOrderRank = 12
};
}
namespace event {
enum : uint32_t {
  annotations = 4,
  type = 9,
  nameIid = 10,
  trackUuid = 11,
  name = 23,
  counterValue = 30,
  doubleCounterValue = 44,
  flowIds = 47,
  terminatingFlowIds = 48
};
}
namespace interned {
enum : uint32_t { eventNames = 2, annotationNames = 3, iid = 1, name = 2 };
}
namespace annotation {
enum : uint32_t { nameIid = 1, uintValue = 3, pointerValue = 7 };
}
enum EventType : uint32_t {
  SliceBegin = 1,
  SliceEnd = 2,
  Instant = 3,
  Counter = 4
};
enum SequenceFlags : uint32_t { stateCleared = 1, needsState = 2 };
enum CounterUnit : uint32_t { countUnit = 2, byteUnit = 3 };

/// Names that every trace has; those of blocks follow.
enum Name : uint32_t {
  Held = 1,
  Configuring,
  MovingData,
  Reforming,
  Computing,
  Joining,
  Kept,
  Broken,
  Dead,
  Admission,
  Argument,
  HandsOver,
  FirstTransfer, ///< one a kind
  FirstBlock = FirstTransfer + 8
};
enum Annotation : uint32_t {
  Request = 1,
  Tag,
  Gang,
  Outcome,
  Bytes,
  ToCluster,
  Failed,
  Open,
  Slot,
  Lost,
  Remade,
  SetBack,
  ValuesLost,
  LostPeaCycles,
  numAnnotations = LostPeaCycles
};

/// Puts fields of a message together; the caller sees to the room, and to 8
/// bytes behind it.
struct Encoder {
  char *to;

  void varint(uint64_t value) {
    if (value < 0x80) {
      *to++ = static_cast<char>(value);
      return;
    }
    if (value < 0x4000) {
      store16((value & 0x7f) | 0x80 | (value & 0x3f80) << 1);
      to += 2;
      return;
    }
    if (value >> 56) [[unlikely]] {
      to += protozero::add_varint_to_buffer(to, value);
      return;
    }
    // Groups of 7 bits move apart, all at a time; all but the last one go on.
    unsigned more = (static_cast<unsigned>(std::bit_width(value)) - 1) / 7;
    value = (value & 0x0fffffff) | (value & 0xfffffff0000000) << 4;
    value = (value & 0x3fff00003fff) | (value & 0xfffc0000fffc000) << 2;
    value = (value & 0x7f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
    value |= 0x8080808080808080 & ((uint64_t(1) << 8 * more) - 1);
    store(value);
    to += more + 1;
  }
  /// A tag. Those of up to 15 take one byte, of up to 2047 two.
  template <uint32_t number, uint32_t wire = 0>
  void tag() {
    constexpr uint32_t tag = number << 3 | wire;
    static_assert(tag < 1 << 14);
    if constexpr (tag >= 0x80)
      *to++ = static_cast<char>((tag & 0x7f) | 0x80);
    *to++ = static_cast<char>(tag < 0x80 ? tag : tag >> 7);
  }
  template <uint32_t number>
  void field(uint64_t value) {
    tag<number>();
    varint(value);
  }
  /// One of less than 128.
  template <uint32_t number>
  void small(uint32_t value) {
    tag<number>();
    assert(value < 0x80);
    *to++ = static_cast<char>(value);
  }
  template <uint32_t number>
  void fixed(uint64_t value) {
    tag<number, 1>();
    store(value);
    to += 8;
  }
  template <uint32_t number>
  void bytes(std::string_view text) {
    tag<number, 2>();
    varint(text.size());
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
  /// A message whose length takes `width` bytes; returns where it begins.
  template <uint32_t number>
  char *open(unsigned width) {
    tag<number, 2>();
    to += width;
    return to;
  }
  void close(char *begin, unsigned width) {
    size_t length = static_cast<size_t>(to - begin);
    assert(length < size_t(1) << 7 * width);
    for (unsigned i = 0; i < width; ++i) {
      begin[int(i) - int(width)] =
          static_cast<char>((length & 0x7f) | (i + 1 < width ? 0x80 : 0));
      length >>= 7;
    }
  }

private:
  void store16(uint64_t value) {
    to[0] = static_cast<char>(value);
    to[1] = static_cast<char>(value >> 8);
  }
  void store(uint64_t value) {
    if constexpr (std::endian::native == std::endian::big)
      value = __builtin_bswap64(value);
    std::memcpy(to, &value, 8);
  }
};

class PerfettoWriter final : public TraceWriter {
public:
  PerfettoWriter(std::unique_ptr<TraceFile> file, const fb::Program &program);

  void task(const TaskSpan &span) override;
  void hold(const HoldSpan &span) override;
  void decision(const DecisionSpan &span) override;
  void join(const JoinSpan &span) override;
  void transfer(const TransferSpan &span) override;
  void handOver(const HandOver &event) override;
  void request(const RequestSpan &span) override;
  void dead(const DeadPeas &event) override;
  void fault(const FaultSpan &span) override;
  void sample(const MachineSample &sample) override;

  Expected<void> finish() override { return file->close(); }

private:
  // Tracks are numbered; small numbers are short.
  uint32_t peaTrack(uint32_t tbu, uint32_t pea) {
    uint32_t track = peaBase + tbu * peas + pea;
    if (!described[track]) [[unlikely]]
      describePea(tbu, pea);
    return track;
  }
  uint32_t cbuTrack(uint32_t cluster);
  uint32_t joinTrack(uint32_t cluster);
  void describePea(uint32_t tbu, uint32_t pea);
  uint32_t describeTbu(uint32_t tbu);
  uint32_t describeCluster(uint32_t cluster);
  void describe(uint32_t track, uint32_t parent, std::string_view name,
                uint32_t rank, bool ordered = false,
                const CounterUnit *unit = nullptr);
  void counter(uint32_t track, uint64_t at, uint64_t value, uint64_t &last);
  void lane(std::vector<uint32_t> &tracks, uint32_t index, uint32_t parent,
            std::string_view name);

  void begin(uint64_t at, uint32_t track, uint32_t name) {
    Encoder e{file->room(64)};
    char *whole = packetBegin(e, at, needsState);
    char *body = e.open<packet::trackEvent>(1);
    e.small<event::type>(SliceBegin);
    e.field<event::trackUuid>(track);
    e.field<event::nameIid>(name);
    e.close(body, 1);
    packetEnd(e, whole);
  }
  /// Refers to no name: it needs no state.
  void end(uint64_t at, uint32_t track) {
    Encoder e{file->room(64)};
    char *whole = packetBegin(e, at, 0);
    char *body = e.open<packet::trackEvent>(1);
    e.small<event::type>(SliceEnd);
    e.field<event::trackUuid>(track);
    e.close(body, 1);
    packetEnd(e, whole);
  }
  void phase(uint32_t name, uint32_t track, uint64_t from, uint64_t to) {
    if (to <= from)
      return;
    begin(from, track, name);
    end(to, track);
  }
  /// A packet whose length takes `width` bytes; returns where it begins.
  char *packetBegin(Encoder &e, uint64_t at, uint32_t flags,
                    unsigned width = 1) {
    char *whole = e.open<1>(width);
    e.field<packet::timestamp>(at);
    e.small<packet::sequenceId>(1);
    if (flags)
      e.small<packet::sequenceFlags>(flags);
    return whole;
  }
  void packetEnd(Encoder &e, char *whole, unsigned width = 1) {
    e.close(whole, width);
    file->written(e.to);
    ++events;
  }

  /// An event with annotations or flows.
  struct Extra {
    std::pair<uint32_t, uint64_t> annotations[5];
    unsigned numAnnotations = 0;
    std::span<const uint64_t> flowsIn, flowsOut;
    std::string_view text; ///< a name of its own, instead
    void add(Annotation name, uint64_t value) {
      annotations[numAnnotations++] = {name, value};
    }
  };
  void full(EventType type, uint64_t at, uint32_t track, uint32_t name,
            const Extra &extra);
  uint32_t blockName(uint32_t workflow, uint32_t block) {
    uint32_t number = names.numberOf(workflow, block);
    if (!named[number]) [[unlikely]]
      nameBlocks(workflow, block);
    return FirstBlock + number;
  }
  void nameBlocks(uint32_t workflow, uint32_t block);

  std::unique_ptr<TraceFile> file;
  BlockNames names;
  uint32_t dieWidth, dieHeight, diesX, width, clusters, tbus, peas;
  enum : uint32_t { machineTrack = 1, requestsTrack, hostTrack, peaBase };
  uint32_t tbuBase, clusterBase, dieBase, cbuBase, joinBase, dynamicBase;
  uint32_t nextTrack;
  std::vector<bool> described; ///< tracks below dynamicBase
  std::vector<bool> named;     ///< blocks
  std::string scratch;

  std::vector<Lanes> messageLanes; ///< by cluster
  std::vector<std::vector<uint32_t>> messageTracks;
  std::vector<Lanes> requestLanes; ///< by tenant
  std::vector<std::vector<uint32_t>> requestTracks;
  Lanes faultLanes;
  std::vector<uint32_t> faultTracks;

  struct CounterTrack {
    uint32_t track = 0;
    uint64_t last = ~uint64_t(0);
  };
  CounterTrack ready, computing, held, open, load;
  std::vector<CounterTrack> scratchpads;
};

} // namespace

PerfettoWriter::PerfettoWriter(std::unique_ptr<TraceFile> target,
                               const fb::Program &program)
    : file(std::move(target)), names(program) {
  const fb::Machine &m = *program.machine();
  dieWidth = m.clusters_x();
  dieHeight = m.clusters_y();
  diesX = m.dies_x();
  width = diesX * dieWidth;
  clusters = width * m.dies_y() * dieHeight;
  tbus = m.tbus();
  peas = m.peas();
  tbuBase = peaBase + clusters * tbus * peas;
  clusterBase = tbuBase + clusters * tbus;
  dieBase = clusterBase + clusters;
  cbuBase = dieBase + diesX * m.dies_y();
  joinBase = cbuBase + clusters;
  dynamicBase = nextTrack = joinBase + clusters;
  described.assign(dynamicBase, false);
  named.assign(names.size(), false);
  messageLanes.resize(clusters);
  messageTracks.resize(clusters);

  // The first packet begins the sequence and gives the names.
  std::string text;
  protozero::pbf_writer first(text);
  first.add_uint32(packet::sequenceId, 1);
  first.add_uint32(packet::sequenceFlags, stateCleared);
  {
    protozero::pbf_writer table(first, packet::internedData);
    auto add = [&](uint32_t field, uint32_t iid, std::string_view name) {
      protozero::pbf_writer entry(table, field);
      entry.add_uint64(interned::iid, iid);
      entry.add_string(interned::name, name.data(), name.size());
    };
    static constexpr const char *fixed[] = {
        "held",      "configuring", "moving data", "re-forming",
        "computing", "joining",     "kept",        "broken gang",
        "dead",      "admission",   "argument",    "hands over"};
    static_assert(std::size(fixed) + 1 == FirstTransfer);
    for (uint32_t i = 0; i < std::size(fixed); ++i)
      add(interned::eventNames, i + 1, fixed[i]);
    for (uint32_t kind = 0; kind < FirstBlock - FirstTransfer; ++kind)
      add(interned::eventNames, FirstTransfer + kind,
          stringifyTransferKind(TransferSpan::Kind(kind)));
    static constexpr const char *keys[] = {
        "request",    "tag",      "gang",        "outcome",        "bytes",
        "to cluster", "failed",   "open",        "slot of",        "lost",
        "remade",     "set back", "values lost", "lost PEA-cycles"};
    static_assert(std::size(keys) == numAnnotations);
    for (uint32_t i = 0; i < std::size(keys); ++i)
      add(interned::annotationNames, i + 1, keys[i]);
  }
  protozero::pbf_writer(scratch).add_message(1, text);
  file->write(scratch);

  static constexpr CounterUnit count = countUnit;
  describe(machineTrack, 0, m.name()->string_view(), 0, true);
  describe(requestsTrack, 0, "requests", 1, true);
  describe(hostTrack, machineTrack, "host port", 0);
  uint32_t rank = 1;
  auto counter = [&](std::string_view name) {
    uint32_t track = nextTrack++;
    describe(track, machineTrack, name, rank++, false, &count);
    return track;
  };
  ready.track = counter("ready instances");
  computing.track = counter("computing PEAs");
  held.track = counter("held PEAs");
  open.track = counter("open requests");
  load.track = counter("link load, % of link cycles");
}

//===----------------------------------------------------------------------===//
// Tracks
//===----------------------------------------------------------------------===//

void PerfettoWriter::describe(uint32_t track, uint32_t parent,
                              std::string_view name, uint32_t rank,
                              bool ordered, const CounterUnit *unit) {
  if (track < dynamicBase)
    described[track] = true;
  scratch.clear();
  {
    protozero::pbf_writer trace(scratch);
    protozero::pbf_writer one(trace, 1);
    one.add_uint32(packet::sequenceId, 1);
    protozero::pbf_writer message(one, packet::trackDescriptor);
    message.add_uint64(descriptor::uuid, track);
    message.add_string(descriptor::name, name.data(), name.size());
    if (parent)
      message.add_uint64(descriptor::parentUuid, parent);
    if (ordered)
      message.add_enum(descriptor::childOrdering, 3); // EXPLICIT
    message.add_int32(descriptor::siblingOrderRank, int32_t(rank));
    if (unit) {
      protozero::pbf_writer counter(message, descriptor::counter);
      counter.add_enum(3, *unit);
    }
  }
  file->write(scratch);
}

uint32_t PerfettoWriter::describeCluster(uint32_t cluster) {
  uint32_t track = clusterBase + cluster;
  if (described[track])
    return track;
  uint32_t x = cluster % width, y = cluster / width;
  uint32_t die = y / dieHeight * diesX + x / dieWidth;
  if (!described[dieBase + die])
    describe(dieBase + die, machineTrack, fmt::format("die {}", die), 16 + die,
             true);
  describe(track, dieBase + die,
           fmt::format("cluster {} ({}, {})", cluster, x, y), cluster, true);
  return track;
}

uint32_t PerfettoWriter::describeTbu(uint32_t tbu) {
  uint32_t track = tbuBase + tbu;
  if (!described[track])
    describe(track, describeCluster(tbu / tbus),
             fmt::format("TBU {}", tbu % tbus), 16 + tbu % tbus, true);
  return track;
}

void PerfettoWriter::describePea(uint32_t tbu, uint32_t pea) {
  describe(peaBase + tbu * peas + pea, describeTbu(tbu),
           fmt::format("PEA {}", pea), pea);
}

uint32_t PerfettoWriter::cbuTrack(uint32_t cluster) {
  uint32_t track = cbuBase + cluster;
  if (!described[track])
    describe(track, describeCluster(cluster), "CBU", 0);
  return track;
}

uint32_t PerfettoWriter::joinTrack(uint32_t cluster) {
  uint32_t track = joinBase + cluster;
  if (!described[track])
    describe(track, describeCluster(cluster), "joins", 1);
  return track;
}

/// The track of a lane; all lanes of a parent have one name, by which viewers
/// show them as one.
void PerfettoWriter::lane(std::vector<uint32_t> &tracks, uint32_t index,
                          uint32_t parent, std::string_view name) {
  if (index < tracks.size())
    return;
  tracks.push_back(nextTrack++);
  describe(tracks.back(), parent, name, 2);
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Gives the name of a block, and of those beside it: what lies together in
/// memory is read at a time.
void PerfettoWriter::nameBlocks(uint32_t workflow, uint32_t block) {
  constexpr uint32_t together = 16;
  uint32_t base = names.numberOf(workflow, 0);
  uint32_t begin = block / together * together;
  uint32_t end =
      std::min(begin + together, names.numberOf(workflow + 1, 0) - base);
  std::string_view list[together];
  size_t texts = 0;
  for (uint32_t at = begin; at < end; ++at) {
    named[base + at] = true;
    std::string_view &name = list[at - begin] = names.path(workflow, at);
    if (name.empty())
      name = "?";
    texts += name.size();
  }
  Encoder e{file->room(64 + 32 * together + texts)};
  char *whole = e.open<1>(4);
  e.small<packet::sequenceId>(1);
  e.small<packet::sequenceFlags>(needsState);
  char *table = e.open<packet::internedData>(4);
  for (uint32_t at = begin; at < end; ++at) {
    std::string_view name = list[at - begin];
    unsigned width = name.size() < 16000 ? 2 : 4;
    char *entry = e.open<interned::eventNames>(width);
    e.field<interned::iid>(FirstBlock + base + at);
    e.bytes<interned::name>(name);
    e.close(entry, width);
  }
  e.close(table, 4);
  e.close(whole, 4);
  file->written(e.to);
}

void PerfettoWriter::full(EventType type, uint64_t at, uint32_t track,
                          uint32_t name, const Extra &extra) {
  size_t flows = extra.flowsIn.size() + extra.flowsOut.size();
  Encoder e{file->room(256 + 10 * flows + extra.text.size())};
  // Lengths that are less than 2^14 take two bytes.
  unsigned width = 10 * flows + extra.text.size() < 16000 ? 2 : 4;
  char *whole = packetBegin(e, at, needsState, width);
  char *body = e.open<packet::trackEvent>(width);
  e.small<event::type>(type);
  e.field<event::trackUuid>(track);
  if (extra.text.empty())
    e.field<event::nameIid>(name);
  else
    e.bytes<event::name>(extra.text);
  for (unsigned i = 0; i < extra.numAnnotations; ++i) {
    auto [key, value] = extra.annotations[i];
    char *entry = e.open<event::annotations>(1);
    e.small<annotation::nameIid>(key);
    if (key == Tag)
      e.field<annotation::pointerValue>(value);
    else
      e.field<annotation::uintValue>(value);
    e.close(entry, 1);
  }
  for (uint64_t flow : extra.flowsOut)
    e.fixed<event::flowIds>(flow);
  for (uint64_t flow : extra.flowsIn)
    e.fixed<event::terminatingFlowIds>(flow);
  e.close(body, width);
  packetEnd(e, whole, width);
}

void PerfettoWriter::task(const TaskSpan &span) {
  uint64_t rest = span.peaMask;
  uint32_t leader = peaTrack(span.tbu, uint32_t(std::countr_zero(rest)));
  Extra extra;
  uint32_t name = blockName(span.workflow, span.block);
  extra.add(Request, span.request);
  if (span.tag)
    extra.add(Tag, span.tag);
  if (uint32_t gang = uint32_t(std::popcount(rest)); gang > 1)
    extra.add(Gang, gang);
  if (span.lost)
    extra.add(Lost, 1);
  if (span.remade)
    extra.add(Remade, 1);
  full(SliceBegin, span.dispatched, leader, name, extra);
  // The phases stand on the first PEA of the gang.
  phase(Held, leader, span.dispatched, span.configBegin);
  phase(Configuring, leader, span.configBegin, span.configured);
  phase(span.first ? MovingData : Reforming, leader, span.configured,
        span.started);
  if (span.finished > span.started || span.completed) {
    if (span.flowsIn.empty() && span.flowsOut.empty()) {
      begin(span.started, leader, Computing);
    } else {
      Extra arrows;
      arrows.flowsIn = span.flowsIn;
      arrows.flowsOut = span.flowsOut;
      full(SliceBegin, span.started, leader, Computing, arrows);
    }
    end(span.finished, leader);
  }
  end(span.finished, leader);
  for (rest &= rest - 1; rest; rest &= rest - 1) {
    uint32_t track = peaTrack(span.tbu, uint32_t(std::countr_zero(rest)));
    begin(span.dispatched, track, name);
    end(span.finished, track);
  }
}

void PerfettoWriter::hold(const HoldSpan &span) {
  if (span.finish <= span.start)
    return;
  Extra extra;
  if (span.kind != HoldSpan::Broken)
    extra.add(Slot, names.numberOf(span.workflow, span.block));
  uint32_t name = span.kind == HoldSpan::Joining ? Joining
                  : span.kind == HoldSpan::Kept  ? Kept
                                                 : Broken;
  for (uint64_t rest = span.peaMask; rest; rest &= rest - 1) {
    uint32_t track = peaTrack(span.tbu, uint32_t(std::countr_zero(rest)));
    full(SliceBegin, span.start, track, name, extra);
    end(span.finish, track);
  }
}

void PerfettoWriter::decision(const DecisionSpan &span) {
  uint32_t track = cbuTrack(span.cluster);
  Extra extra;
  uint32_t name = blockName(span.workflow, span.block);
  extra.add(Request, span.request);
  extra.add(Outcome, span.outcome);
  if (span.tag)
    extra.add(Tag, span.tag);
  full(SliceBegin, span.start, track, name, extra);
  end(span.finish, track);
}

void PerfettoWriter::join(const JoinSpan &span) {
  uint32_t track = joinTrack(span.cluster);
  Extra extra;
  uint32_t name = blockName(span.workflow, span.block);
  extra.add(Request, span.request);
  full(SliceBegin, span.start, track, name, extra);
  end(span.finish, track);
}

void PerfettoWriter::transfer(const TransferSpan &span) {
  uint32_t from = span.fromCluster;
  uint32_t index = messageLanes[from].take(span.start, span.finish);
  if (index == messageTracks[from].size()) [[unlikely]]
    lane(messageTracks[from], index, describeCluster(from), "messages");
  uint32_t track = messageTracks[from][index];
  Extra extra;
  if (span.request != ~uint64_t(0))
    extra.add(Request, span.request);
  extra.add(Bytes, span.bytes);
  extra.add(ToCluster, span.toCluster);
  if (span.flow)
    extra.flowsOut = {&span.flow, 1};
  full(SliceBegin, span.start, track, FirstTransfer + uint32_t(span.kind),
       extra);
  end(span.finish, track);
}

void PerfettoWriter::handOver(const HandOver &event) {
  Extra extra;
  extra.add(Request, event.request);
  extra.flowsOut = {&event.flow, 1};
  if (event.host)
    full(Instant, event.at, hostTrack, Argument, extra);
  else
    full(Instant, event.at, cbuTrack(event.cluster), HandsOver, extra);
}

void PerfettoWriter::request(const RequestSpan &span) {
  if (span.tenant >= requestLanes.size()) {
    requestLanes.resize(span.tenant + 1);
    requestTracks.resize(span.tenant + 1);
  }
  uint32_t index = requestLanes[span.tenant].take(span.arrival, span.finish);
  std::vector<uint32_t> &tracks = requestTracks[span.tenant];
  if (index == tracks.size())
    lane(tracks, index, requestsTrack, fmt::format("tenant {}", span.tenant));
  uint32_t track = tracks[index];
  char text[32];
  size_t length = static_cast<size_t>(
      fmt::format_to(text, FMT_COMPILE("request {}"), span.request) - text);
  Extra extra;
  extra.text = {text, length};
  extra.add(Request, span.request);
  if (span.failed)
    extra.add(Failed, 1);
  if (span.open)
    extra.add(Open, 1);
  full(SliceBegin, span.arrival, track, 0, extra);
  phase(Admission, track, span.arrival, span.admitted);
  end(span.finish, track);
}

void PerfettoWriter::dead(const DeadPeas &event) {
  for (uint64_t rest = event.peaMask; rest; rest &= rest - 1)
    full(Instant, event.at,
         peaTrack(event.tbu, uint32_t(std::countr_zero(rest))), Dead, {});
}

void PerfettoWriter::fault(const FaultSpan &span) {
  uint32_t index = faultLanes.take(span.start, span.finish);
  if (index == faultTracks.size())
    lane(faultTracks, index, machineTrack, "faults");
  std::string text = octo::describe(span.part) + " dies";
  Extra extra;
  extra.text = text;
  extra.add(SetBack, span.instancesSetBack);
  extra.add(ValuesLost, span.valuesLost);
  extra.add(LostPeaCycles, span.lostPeaCycles);
  full(SliceBegin, span.start, faultTracks[index], 0, extra);
  end(span.finish, faultTracks[index]);
}

void PerfettoWriter::counter(uint32_t track, uint64_t at, uint64_t value,
                             uint64_t &last) {
  if (value == last)
    return;
  last = value;
  Encoder e{file->room(64)};
  char *whole = packetBegin(e, at, 0);
  char *body = e.open<packet::trackEvent>(1);
  e.small<event::type>(Counter);
  e.field<event::trackUuid>(track);
  e.field<event::counterValue>(value);
  e.close(body, 1);
  packetEnd(e, whole);
}

void PerfettoWriter::sample(const MachineSample &sample) {
  auto put = [&](CounterTrack &counter, uint64_t value) {
    this->counter(counter.track, sample.cycle, value, counter.last);
  };
  put(ready, sample.ready);
  put(computing, sample.computingPeas);
  put(held, sample.heldPeas);
  put(open, sample.openRequests);
  // The load since the sample before.
  unsigned __int128 all =
      static_cast<unsigned __int128>(sample.links) * sample.elapsed;
  if (all)
    put(load,
        static_cast<uint64_t>(
            (static_cast<unsigned __int128>(sample.linkBusy) * 200 + all) /
            (2 * all)));
  scratchpads.resize(sample.scratchpad.size());
  for (uint32_t c = 0; c < scratchpads.size(); ++c) {
    CounterTrack &counter = scratchpads[c];
    if (!counter.track && !sample.scratchpad[c])
      continue;
    if (!counter.track) {
      static constexpr CounterUnit unit = byteUnit;
      counter.track = nextTrack++;
      describe(counter.track, describeCluster(c), "scratchpad", 3, false,
               &unit);
    }
    put(counter, sample.scratchpad[c]);
  }
}

Expected<std::unique_ptr<TraceWriter>>
octo::createPerfettoWriter(const std::string &path,
                           const fb::Program &program) {
  Expected<std::unique_ptr<TraceFile>> file = TraceFile::open(path);
  if (!file)
    return Error(file.error());
  return std::make_unique<PerfettoWriter>(std::move(*file), program);
}
