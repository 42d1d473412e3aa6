//===- PerfettoWriter.cpp - Timelines as Perfetto protobuf ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The native format of ui.perfetto.dev: a sequence of TracePacket messages of
// the public schema (protos/perfetto/trace in github.com/google/perfetto).
// Packets of events are nearly all of a trace. They are put together in place,
// a word at a time, of numbers that are encoded once for all packets that have
// them; what is rare goes through protozero's writer. Lengths that are not
// known before are varints of a fixed size, padded with zeroes, as Perfetto's
// own writer has them.
//
//===----------------------------------------------------------------------===//

#include "TraceFile.h"

#include <fmt/compile.h>
#include <protozero/pbf_writer.hpp>

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

/// The tag of a field.
constexpr uint64_t tagOf(uint32_t number, uint32_t wire = 0) {
  return number << 3 | wire;
}

/// A number of up to 32 bits as messages have it, for all places that it goes
/// to: groups of 7 bits, the lowest first; all but the last one have a bit
/// above them set. Always inline: how large a number is is known where most of
/// them are made.
struct Short {
  uint64_t bytes;
  uint64_t size;

  [[gnu::always_inline]] Short(uint32_t value) { set(value); }

protected:
  Short() = default;
  /// One of less than 2^56.
  [[gnu::always_inline]] void set(uint64_t value) {
    if (value < 0x80) {
      bytes = value;
      size = 1;
    } else if (value < 0x4000) {
      bytes = (value & 0x7f) | (value & 0x3f80) << 1 | 0x80;
      size = 2;
    } else if (value < 0x200000) {
      bytes = (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 |
              0x8080;
      size = 3;
    } else if (value < 0x10000000) {
      bytes = (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 |
              (value & 0xfe00000) << 3 | 0x808080;
      size = 4;
    } else {
      // The groups move apart all at a time.
      value = (value & 0x0fffffff) | (value & 0xfffffff0000000) << 4;
      value = (value & 0x3fff00003fff) | (value & 0xfffc0000fffc000) << 2;
      bytes = (value & 0x7f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
      unsigned more = static_cast<unsigned>(std::bit_width(bytes) - 1) & ~7u;
      bytes |= 0x8080808080808080 & ((uint64_t(1) << more) - 1);
      size = more / 8 + 1;
    }
  }
};

/// One of up to 64 bits.
struct Varint : Short {
  uint64_t behind = 0; ///< the ninth and tenth byte

  [[gnu::always_inline]] Varint(uint64_t value) {
    if (value >> 56) [[unlikely]]
      setLong(value);
    else
      set(value);
  }

private:
  void setLong(uint64_t value);
};

void Varint::setLong(uint64_t value) {
  bytes = 0;
  for (unsigned i = 0; i < 8; ++i)
    bytes |= (0x80 | (value >> 7 * i & 0x7f)) << 8 * i;
  behind = value >> 56;
  size = behind < 0x80 ? 9 : 10;
  if (size == 10)
    behind |= 0x100;
}

/// Puts fields of messages together; the caller sees to the room, and to
/// `slack` bytes behind it.
struct Encoder {
  static constexpr size_t slack = 16;
  char *to;

  void put(const Short &number) {
    store(number.bytes);
    to += number.size;
  }
  void put(const Varint &number) {
    store(number.bytes);
    store<2>(number.behind, 8);
    to += number.size;
  }
  /// A tag. Those of up to 15 take one byte, of up to 2047 two.
  template <uint32_t number, uint32_t wire = 0>
  void tag() {
    constexpr uint64_t tag = tagOf(number, wire);
    static_assert(tag < 1 << 14);
    constexpr unsigned size = tag < 0x80 ? 1 : 2;
    store<size>(size == 1 ? tag : (tag & 0x7f) | 0x80 | tag >> 7 << 8);
    to += size;
  }
  template <uint32_t number>
  void field(const auto &value) {
    tag<number>();
    put(value);
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
    put(Varint(text.size()));
    copy(text);
  }
  /// Most texts are short: in one or two words, without a call.
  void copy(std::string_view text) {
    const char *from = text.data();
    size_t size = text.size();
    auto ends = [&]<size_t width>() {
      std::memcpy(to, from, width);
      std::memcpy(to + size - width, from + size - width, width);
    };
    if (size > 16)
      std::memcpy(to, from, size);
    else if (size >= 8)
      ends.template operator()<8>();
    else if (size >= 4)
      ends.template operator()<4>();
    else
      for (size_t i = 0; i < size; ++i)
        to[i] = from[i];
    to += size;
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
  /// The low bytes of a word, from `offset` on.
  template <size_t size = 8>
  void store(uint64_t word, size_t offset = 0) {
    if constexpr (std::endian::native == std::endian::big)
      word = __builtin_bswap64(word);
    std::memcpy(to + offset, &word, size);
  }
};

/// What follows the timestamp in the packets that begin or end a slice of one
/// track: up to 16 bytes.
struct Tail {
  uint64_t words[2];
  uint64_t size;
};

/// Refers to no name: it needs no state.
Tail endOf(const Short &track) {
  assert(track.size <= 5);
  return {{tagOf(packet::sequenceId) | 1 << 8 |
               tagOf(packet::trackEvent, 2) << 16 |
               uint64_t(3 + track.size) << 24 | tagOf(event::type) << 32 |
               uint64_t(SliceEnd) << 40 | tagOf(event::trackUuid) << 48 |
               track.bytes << 56,
           track.bytes >> 8},
          7 + track.size};
}
/// All but the name, which takes `nameBytes`.
Tail beginOf(const Short &track, uint64_t nameBytes) {
  assert(track.size <= 5);
  return {{tagOf(packet::sequenceId) | 1 << 8 |
               tagOf(packet::sequenceFlags) << 16 | uint64_t(needsState) << 24 |
               tagOf(packet::trackEvent, 2) << 32 |
               uint64_t(4 + track.size + nameBytes) << 40 |
               tagOf(event::type) << 48 | uint64_t(SliceBegin) << 56,
           tagOf(event::trackUuid) | track.bytes << 8 |
               tagOf(event::nameIid) << 8 * (1 + track.size)},
          10 + track.size};
}

/// Packets of events, one after the other.
struct EventEncoder : Encoder {
  /// Most bytes of a slice from begin() to end(); of an event without notes,
  /// arrows and text; of a note; of an arrow.
  static constexpr size_t sliceBytes = 64, eventBytes = 48, noteBytes = 15,
                          arrowBytes = 10;
  uint64_t events = 0;

  explicit EventEncoder(char *to) : Encoder{to} {}

  void begin(const Varint &at, const Tail &tail, const Short &name) {
    packet(at, tail, name.size);
    put(name);
  }
  void end(const Varint &at, const Tail &tail) { packet(at, tail, 0); }
  void slice(const Short &name, const Tail &beginTail, const Tail &endTail,
             const Varint &from, const Varint &until) {
    begin(from, beginTail, name);
    end(until, endTail);
  }

  /// Begins an event that has notes, arrows or a text, all of which take at
  /// most `more` bytes; close() ends it.
  void open(EventType type, const Varint &at, const Short &track, size_t more) {
    ++events;
    if (more + eventBytes < 0x80) [[likely]] {
      width = 1;
      store<4>(tagOf(1, 2) | tagOf(packet::timestamp) << 16);
      whole = to + 2;
      to += 3;
      put(at);
      store(tagOf(packet::sequenceId) | 1 << 8 |
            tagOf(packet::sequenceFlags) << 16 | uint64_t(needsState) << 24 |
            tagOf(packet::trackEvent, 2) << 32 | tagOf(event::type) << 48 |
            uint64_t(type) << 56);
      body = to + 6;
      to += 8;
    } else {
      width = more < 16000 ? 2 : 4;
      whole = Encoder::open<1>(width);
      field<packet::timestamp>(at);
      field<packet::sequenceId>(Short(1));
      field<packet::sequenceFlags>(Short(needsState));
      body = Encoder::open<packet::trackEvent>(width);
      field<event::type>(Short(type));
    }
    field<event::trackUuid>(track);
  }
  void name(const Short &number) { field<event::nameIid>(number); }
  void text(std::string_view text) { bytes<event::name>(text); }
  void note(Annotation key, const auto &value) {
    uint32_t field =
        key == Tag ? annotation::pointerValue : annotation::uintValue;
    store(tagOf(event::annotations, 2) | uint64_t(3 + value.size) << 8 |
          tagOf(annotation::nameIid) << 16 | uint64_t(key) << 24 |
          tagOf(field) << 32);
    to += 5;
    put(value);
  }
  void arrowsOut(std::span<const uint64_t> arrows) {
    for (uint64_t arrow : arrows)
      fixed<event::flowIds>(arrow);
  }
  void arrowsIn(std::span<const uint64_t> arrows) {
    for (uint64_t arrow : arrows)
      fixed<event::terminatingFlowIds>(arrow);
  }
  void close() {
    if (width == 1) [[likely]] {
      Encoder::close(body, 1);
      Encoder::close(whole, 1);
    } else {
      Encoder::close(body, width);
      Encoder::close(whole, width);
    }
  }

private:
  void packet(const Varint &at, const Tail &tail, uint64_t behind) {
    ++events;
    uint64_t length = 1 + at.size + tail.size + behind;
    store<4>(tagOf(1, 2) | length << 8 | tagOf(packet::timestamp) << 16);
    to += 3;
    put(at);
    store(tail.words[0]);
    store(tail.words[1], 8);
    to += tail.size;
  }

  char *whole, *body;
  unsigned width;
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
  void lane(std::vector<Short> &tracks, uint32_t index, uint32_t parent,
            std::string_view name);

  /// Begins events of at most so many bytes; tracks and names that they refer
  /// to are in the file by then.
  EventEncoder encoder(size_t bytes) {
    return EventEncoder(file->room(bytes + Encoder::slack));
  }
  void written(const EventEncoder &e) {
    file->written(e.to);
    events += e.events;
  }
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
  std::vector<std::vector<Short>> messageTracks;
  std::vector<Lanes> requestLanes; ///< by tenant
  std::vector<std::vector<Short>> requestTracks;
  Lanes faultLanes;
  std::vector<Short> faultTracks;

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
void PerfettoWriter::lane(std::vector<Short> &tracks, uint32_t index,
                          uint32_t parent, std::string_view name) {
  if (index < tracks.size())
    return;
  tracks.push_back(nextTrack);
  describe(nextTrack++, parent, name, 2);
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Gives the name of a block, and of those beside it: what lies together in
/// memory is read at a time.
void PerfettoWriter::nameBlocks(uint32_t workflow, uint32_t block) {
  constexpr uint32_t together = 64;
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
  Encoder e{file->room(64 + 32 * together + texts + Encoder::slack)};
  char *whole = e.open<1>(4);
  e.field<packet::sequenceId>(Short(1));
  e.field<packet::sequenceFlags>(Short(needsState));
  char *table = e.open<packet::internedData>(4);
  for (uint32_t at = begin; at < end; ++at) {
    std::string_view name = list[at - begin];
    unsigned width = name.size() < 16000 ? 2 : 4;
    char *entry = e.open<interned::eventNames>(width);
    e.field<interned::iid>(Short(FirstBlock + base + at));
    e.bytes<interned::name>(name);
    e.close(entry, width);
  }
  e.close(table, 4);
  e.close(whole, 4);
  file->written(e.to);
}

void PerfettoWriter::task(const TaskSpan &span) {
  using E = EventEncoder;
  uint64_t rest = span.peaMask;
  uint32_t leader = peaTrack(span.tbu, uint32_t(std::countr_zero(rest)));
  const Short name = blockName(span.workflow, span.block);
  const Varint dispatched = span.dispatched, finished = span.finished;
  size_t arrows = (span.flowsIn.size() + span.flowsOut.size()) * E::arrowBytes;
  E e = encoder(2 * E::eventBytes + 5 * E::noteBytes + arrows +
                4 * E::sliceBytes);
  const Short track = leader;
  e.open(SliceBegin, dispatched, track, 5 * E::noteBytes);
  e.name(name);
  e.note(Request, Varint(span.request));
  if (span.tag)
    e.note(Tag, Varint(span.tag));
  uint64_t others = rest & (rest - 1);
  if (others)
    e.note(Gang, Short(uint32_t(std::popcount(rest))));
  if (span.lost)
    e.note(Lost, Short(1));
  if (span.remade)
    e.note(Remade, Short(1));
  e.close();
  // The phases stand on the first PEA of the gang.
  const Tail begin = beginOf(track, 1), end = endOf(track);
  const Varint configBegin = span.configBegin, configured = span.configured,
               started = span.started;
  if (span.configBegin > span.dispatched)
    e.slice(Held, begin, end, dispatched, configBegin);
  if (span.configured > span.configBegin)
    e.slice(Configuring, begin, end, configBegin, configured);
  if (span.started > span.configured)
    e.slice(span.first ? MovingData : Reforming, begin, end, configured,
            started);
  if (span.finished > span.started || span.completed) {
    if (!arrows) {
      e.begin(started, begin, Computing);
    } else {
      e.open(SliceBegin, started, track, arrows);
      e.name(Computing);
      e.arrowsOut(span.flowsOut);
      e.arrowsIn(span.flowsIn);
      e.close();
    }
    e.end(finished, end);
  }
  e.end(finished, end);
  written(e);
  for (; others; others &= others - 1) {
    const Short track = peaTrack(span.tbu, uint32_t(std::countr_zero(others)));
    E e = encoder(2 * E::sliceBytes);
    e.slice(name, beginOf(track, name.size), endOf(track), dispatched,
            finished);
    written(e);
  }
}

void PerfettoWriter::hold(const HoldSpan &span) {
  using E = EventEncoder;
  if (span.finish <= span.start)
    return;
  uint32_t name = span.kind == HoldSpan::Joining ? Joining
                  : span.kind == HoldSpan::Kept  ? Kept
                                                 : Broken;
  for (uint64_t rest = span.peaMask; rest; rest &= rest - 1) {
    const Short track = peaTrack(span.tbu, uint32_t(std::countr_zero(rest)));
    E e = encoder(E::eventBytes + E::noteBytes + E::sliceBytes);
    e.open(SliceBegin, span.start, track, E::noteBytes);
    e.name(name);
    if (span.kind != HoldSpan::Broken)
      e.note(Slot, Short(names.numberOf(span.workflow, span.block)));
    e.close();
    e.end(span.finish, endOf(track));
    written(e);
  }
}

void PerfettoWriter::decision(const DecisionSpan &span) {
  using E = EventEncoder;
  const Short track = cbuTrack(span.cluster);
  uint32_t name = blockName(span.workflow, span.block);
  E e = encoder(E::eventBytes + 3 * E::noteBytes + E::sliceBytes);
  e.open(SliceBegin, span.start, track, 3 * E::noteBytes);
  e.name(name);
  e.note(Request, Varint(span.request));
  e.note(Outcome, Varint(span.outcome));
  if (span.tag)
    e.note(Tag, Varint(span.tag));
  e.close();
  e.end(span.finish, endOf(track));
  written(e);
}

void PerfettoWriter::join(const JoinSpan &span) {
  using E = EventEncoder;
  const Short track = joinTrack(span.cluster);
  uint32_t name = blockName(span.workflow, span.block);
  E e = encoder(E::eventBytes + E::noteBytes + E::sliceBytes);
  e.open(SliceBegin, span.start, track, E::noteBytes);
  e.name(name);
  e.note(Request, Varint(span.request));
  e.close();
  e.end(span.finish, endOf(track));
  written(e);
}

void PerfettoWriter::transfer(const TransferSpan &span) {
  using E = EventEncoder;
  uint32_t from = span.fromCluster;
  uint32_t index = messageLanes[from].take(span.start, span.finish);
  if (index == messageTracks[from].size()) [[unlikely]]
    lane(messageTracks[from], index, describeCluster(from), "messages");
  constexpr size_t more = 3 * E::noteBytes + E::arrowBytes;
  const Short track = messageTracks[from][index];
  E e = encoder(E::eventBytes + more + E::sliceBytes);
  e.open(SliceBegin, span.start, track, more);
  e.name(FirstTransfer + uint32_t(span.kind));
  if (span.request != ~uint64_t(0))
    e.note(Request, Varint(span.request));
  e.note(Bytes, Varint(span.bytes));
  e.note(ToCluster, Short(span.toCluster));
  if (span.flow)
    e.arrowsOut({&span.flow, 1});
  e.close();
  e.end(span.finish, endOf(track));
  written(e);
}

void PerfettoWriter::handOver(const HandOver &event) {
  using E = EventEncoder;
  constexpr size_t more = E::noteBytes + E::arrowBytes;
  uint32_t track = event.host ? uint32_t(hostTrack) : cbuTrack(event.cluster);
  E e = encoder(E::eventBytes + more);
  e.open(Instant, event.at, track, more);
  e.name(event.host ? Argument : HandsOver);
  e.note(Request, Varint(event.request));
  e.arrowsOut({&event.flow, 1});
  e.close();
  written(e);
}

void PerfettoWriter::request(const RequestSpan &span) {
  using E = EventEncoder;
  if (span.tenant >= requestLanes.size()) {
    requestLanes.resize(span.tenant + 1);
    requestTracks.resize(span.tenant + 1);
  }
  uint32_t index = requestLanes[span.tenant].take(span.arrival, span.finish);
  std::vector<Short> &tracks = requestTracks[span.tenant];
  if (index == tracks.size())
    lane(tracks, index, requestsTrack, fmt::format("tenant {}", span.tenant));
  const Short track = tracks[index];
  char text[32];
  size_t length = static_cast<size_t>(
      fmt::format_to(text, FMT_COMPILE("request {}"), span.request) - text);
  constexpr size_t more = sizeof text + 3 * E::noteBytes;
  E e = encoder(E::eventBytes + more + 3 * E::sliceBytes);
  e.open(SliceBegin, span.arrival, track, more);
  e.text({text, length});
  e.note(Request, Varint(span.request));
  if (span.failed)
    e.note(Failed, Short(1));
  if (span.open)
    e.note(Open, Short(1));
  e.close();
  const Tail end = endOf(track);
  if (span.admitted > span.arrival)
    e.slice(Admission, beginOf(track, 1), end, span.arrival, span.admitted);
  e.end(span.finish, end);
  written(e);
}

void PerfettoWriter::dead(const DeadPeas &event) {
  using E = EventEncoder;
  for (uint64_t rest = event.peaMask; rest; rest &= rest - 1) {
    uint32_t track = peaTrack(event.tbu, uint32_t(std::countr_zero(rest)));
    E e = encoder(E::eventBytes);
    e.open(Instant, event.at, track, 0);
    e.name(Dead);
    e.close();
    written(e);
  }
}

void PerfettoWriter::fault(const FaultSpan &span) {
  using E = EventEncoder;
  uint32_t index = faultLanes.take(span.start, span.finish);
  if (index == faultTracks.size())
    lane(faultTracks, index, machineTrack, "faults");
  const Short track = faultTracks[index];
  std::string text = octo::describe(span.part) + " dies";
  size_t more = text.size() + 3 * E::noteBytes;
  E e = encoder(E::eventBytes + more + E::sliceBytes);
  e.open(SliceBegin, span.start, track, more);
  e.text(text);
  e.note(SetBack, Varint(span.instancesSetBack));
  e.note(ValuesLost, Varint(span.valuesLost));
  e.note(LostPeaCycles, Varint(span.lostPeaCycles));
  e.close();
  e.end(span.finish, endOf(track));
  written(e);
}

void PerfettoWriter::counter(uint32_t track, uint64_t at, uint64_t value,
                             uint64_t &last) {
  if (value == last)
    return;
  last = value;
  Encoder e{file->room(64)};
  char *whole = e.open<1>(1);
  e.field<packet::timestamp>(Varint(at));
  e.field<packet::sequenceId>(Short(1));
  char *body = e.open<packet::trackEvent>(1);
  e.field<event::type>(Short(Counter));
  e.field<event::trackUuid>(Short(track));
  e.field<event::counterValue>(Varint(value));
  e.close(body, 1);
  e.close(whole, 1);
  file->written(e.to);
  ++events;
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
