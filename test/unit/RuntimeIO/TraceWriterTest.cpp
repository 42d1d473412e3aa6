//===- TraceWriterTest.cpp - Tests of timelines and logs ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files are read back with protozero's reader; python/tests/test_traces.py does
// so with the public schema.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/TraceWriter.h"
#include "EmptyProgram.h"

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using namespace octo;

namespace {

std::string contents(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Two dies of one cluster each with a TBU of four PEAs, and three blocks that
/// differ before a hundred that do not.
class TraceWriterTest : public testing::Test {
protected:
  TraceWriterTest() {
    fb::ProgramT program = emptyProgram(4);
    program.strings = {"w/a, \"b\"", "w/choose", std::string(20000, 'x')};
    program.machine->dies_x = 2;
    fb::BlockTableT &blocks = *program.workflows[0]->blocks;
    blocks.kind = {fb::BlockKind::Task, fb::BlockKind::Switch,
                   fb::BlockKind::Task};
    blocks.path = {0, 1, 2};
    for (uint32_t i = 0; i < 100; ++i) {
      blocks.kind.push_back(fb::BlockKind::Task);
      blocks.path.push_back(uint32_t(program.strings.size()));
      program.strings.push_back(fmt::format("w/more/{}", i));
    }
    builder.Finish(fb::Program::Pack(builder, &program));
  }
  const fb::Program &program() {
    return *flatbuffers::GetRoot<fb::Program>(builder.GetBufferPointer());
  }
  std::string pathOf(const char *name) { return testing::TempDir() + name; }

  /// A gang of two, the second task on one PEA of it.
  static void tell(TraceSink &sink, std::vector<uint64_t> &flows) {
    TaskSpan a;
    a.request = 7;
    a.tag = 0xabc;
    a.tbu = 1;
    a.peaMask = 0b0110;
    a.ready = 90;
    a.dispatched = 100;
    a.configBegin = 104;
    a.configured = 150;
    a.started = 150;
    a.finished = 300;
    a.cause = WaitCause::Configuration;
    a.flowsOut = {flows.data(), 1};
    sink.task(a);
    TaskSpan b;
    b.request = 8;
    b.block = 2;
    b.tbu = 1;
    b.peaMask = 0b0100;
    b.ready = 290;
    b.dispatched = b.configBegin = b.configured = 300;
    b.started = 310;
    b.finished = 310;
    b.flowsIn = flows;
    sink.task(b);
    sink.decision({7, 1, 0, 1, /*cluster=*/0, 20, 22, 1});
    sink.join({7, 0, 1, 1, 400, 410});
    sink.transfer({TransferSpan::Operand, 7, 1, 0, 64, 301, 305, flows[0]});
    sink.transfer({TransferSpan::Weight, ~uint64_t(0), 1, 0, 64, 302, 306, 0});
    sink.transfer({TransferSpan::Operand, 7, 1, 0, 64, 305, 309, 0});
    sink.handOver({7, 12, 0, true, flows[1]});
    sink.request({7, 0, 10, 15, 500, false, false});
  }

  flatbuffers::FlatBufferBuilder builder;
};

struct Track {
  uint64_t parent = 0;
  std::string name;
};
struct Slice {
  uint64_t begin, end;
  std::string name;
  size_t depth;
};
struct Decoded {
  std::map<uint64_t, Track> tracks;
  std::map<uint64_t, std::string> names;
  std::map<uint64_t, std::vector<Slice>> slices; ///< by track
  std::vector<uint64_t> flowsOut, flowsIn;
  uint64_t events = 0;

  std::string placeOf(uint64_t track) const {
    std::string place;
    for (; track; track = tracks.at(track).parent)
      place = "/" + tracks.at(track).name + place;
    return place;
  }
};

Decoded decode(const std::string &bytes) {
  struct Event {
    uint64_t at = 0, order = 0, track = 0, type = 0;
    std::string name;
  };
  Decoded d;
  std::vector<Event> events;
  protozero::pbf_reader trace(bytes);
  bool first = true;
  while (trace.next(1)) {
    protozero::pbf_reader packet = trace.get_message();
    uint64_t at = 0, flags = 0;
    std::string eventBytes;
    while (packet.next())
      switch (packet.tag()) {
      case 8:
        at = packet.get_uint64();
        break;
      case 10:
        EXPECT_EQ(packet.get_uint32(), 1u);
        break;
      case 11:
        eventBytes = std::string(packet.get_view());
        break;
      case 12: {
        protozero::pbf_reader table = packet.get_message();
        while (table.next()) {
          bool name = table.tag() == 2;
          protozero::pbf_reader entry = table.get_message();
          uint64_t iid = 0;
          std::string text;
          while (entry.next())
            if (entry.tag() == 1)
              iid = entry.get_uint64();
            else
              text = entry.get_string();
          if (name)
            EXPECT_TRUE(d.names.emplace(iid, text).second);
        }
        break;
      }
      case 13:
        flags = packet.get_uint32();
        break;
      case 60: {
        protozero::pbf_reader message = packet.get_message();
        uint64_t uuid = 0;
        Track track;
        while (message.next())
          switch (message.tag()) {
          case 1:
            uuid = message.get_uint64();
            break;
          case 2:
            track.name = message.get_string();
            break;
          case 5:
            track.parent = message.get_uint64();
            EXPECT_TRUE(d.tracks.count(track.parent));
            break;
          default:
            message.skip();
          }
        EXPECT_TRUE(d.tracks.emplace(uuid, track).second);
        break;
      }
      default:
        ADD_FAILURE() << "field " << packet.tag();
        packet.skip();
      }
    if (first)
      EXPECT_EQ(flags, 1u);
    first = false;
    if (eventBytes.empty())
      continue;
    ++d.events;
    Event event;
    event.at = at;
    event.order = d.events;
    protozero::pbf_reader message(eventBytes);
    bool refers = false; // to what was interned
    while (message.next())
      switch (message.tag()) {
      case 4:
        refers = true;
        message.skip();
        break;
      case 9:
        event.type = message.get_uint64();
        break;
      case 10:
        refers = true;
        event.name = d.names.at(message.get_uint64());
        break;
      case 11:
        event.track = message.get_uint64();
        break;
      case 23:
        event.name = message.get_string();
        break;
      case 47:
        d.flowsOut.push_back(message.get_fixed64());
        break;
      case 48:
        d.flowsIn.push_back(message.get_fixed64());
        break;
      default:
        message.skip();
      }
    EXPECT_TRUE(flags == 2 || (flags == 0 && !refers));
    events.push_back(event);
  }
  // As the trace processor does: by time, then in the order of the file.
  std::ranges::sort(events, {}, [](const Event &event) {
    return std::pair(event.at, event.order);
  });
  std::map<uint64_t, std::vector<Event>> open;
  for (const Event &event : events) {
    EXPECT_TRUE(d.tracks.count(event.track));
    std::vector<Event> &stack = open[event.track];
    if (event.type == 1) {
      stack.push_back(event);
    } else if (event.type == 2) {
      if (stack.empty()) {
        ADD_FAILURE() << "an end without a beginning";
        continue;
      }
      d.slices[event.track].push_back(
          {stack.back().at, event.at, stack.back().name, stack.size()});
      stack.pop_back();
    }
  }
  for (const auto &[track, stack] : open)
    EXPECT_TRUE(stack.empty()) << d.placeOf(track);
  return d;
}

TEST_F(TraceWriterTest, PerfettoIsReadBack) {
  std::string path = pathOf("octo_trace.pftrace");
  auto writer = TraceWriter::create(path, program());
  ASSERT_TRUE(writer) << writer.error().str();
  // More arrows than lengths of two bytes hold.
  std::vector<uint64_t> flows;
  for (uint64_t i = 0; i < 3000; ++i)
    flows.push_back(i << 40 | 1);
  tell(**writer, flows);
  std::vector<uint64_t> use = {100, 0};
  (*writer)->sample({1000, 1, 2, 3, 4, 1000, 500, 4, use});
  uint64_t events = (*writer)->numEvents();
  ASSERT_TRUE((*writer)->finish());

  Decoded d = decode(contents(path));
  EXPECT_EQ(d.events, events);
  EXPECT_EQ(d.flowsIn, flows);
  EXPECT_EQ(d.flowsOut, (std::vector<uint64_t>{flows[0], flows[0], flows[1]}));
  std::map<std::string, std::vector<std::string>> seen;
  for (const auto &[track, slices] : d.slices)
    for (const Slice &s : slices)
      seen[d.placeOf(track)].push_back(
          fmt::format("{}{} {}-{}", std::string(s.depth - 1, '>'),
                      s.name.substr(0, 12), s.begin, s.end));
  using List = std::vector<std::string>;
  std::string cluster = "/tiny/die 1/cluster 1 (1, 0)";
  EXPECT_EQ(seen[cluster + "/TBU 0/PEA 1"],
            (List{">held 100-104", ">configuring 104-150", ">computing 150-300",
                  "w/a, \"b\" 100-300"}));
  EXPECT_EQ(seen[cluster + "/TBU 0/PEA 2"],
            (List{"w/a, \"b\" 100-300", ">moving data 300-310",
                  ">computing 310-310", "xxxxxxxxxxxx 300-310"}));
  EXPECT_EQ(seen[cluster + "/joins"], List{"w/choose 400-410"});
  EXPECT_EQ(seen["/tiny/die 0/cluster 0 (0, 0)/CBU"], List{"w/choose 20-22"});
  EXPECT_EQ(seen["/requests/tenant 0"],
            (List{">admission 10-15", "request 7 10-500"}));
  // Two messages overlap, the third follows the first on its lane.
  EXPECT_EQ(seen[cluster + "/messages"],
            (List{"operand 301-305", "operand 305-309", "weight 302-306"}));
  // Names come 64 at a time.
  EXPECT_EQ(d.names.size(), 20u + 64u);
}

/// Each block has its name, wherever it begins and however many there are.
TEST_F(TraceWriterTest, NamesOfBlocks) {
  for (uint32_t first : {0u, 60u, 61u, 99u}) {
    std::string path = pathOf("octo_names.pftrace");
    auto writer = TraceWriter::create(path, program());
    ASSERT_TRUE(writer) << writer.error().str();
    std::vector<std::string> expected;
    for (uint32_t i = 0; i < 100; ++i) {
      TaskSpan span;
      span.block = 3 + (first + 7 * i) % 100;
      span.peaMask = 1;
      span.dispatched = span.configBegin = 10 * i;
      span.configured = span.started = span.finished = 10 * i + 5;
      span.completed = false;
      (*writer)->task(span);
      expected.push_back(fmt::format("w/more/{}", span.block - 3));
    }
    ASSERT_TRUE((*writer)->finish());
    Decoded d = decode(contents(path));
    ASSERT_EQ(d.slices.size(), 1u);
    std::vector<std::string> names;
    for (const Slice &slice : d.slices.begin()->second)
      if (slice.depth == 1)
        names.push_back(slice.name);
    EXPECT_EQ(names, expected);
    EXPECT_EQ(d.names.size(), 20u + 103u);
  }
}

/// Events around the sizes from which on lengths take more bytes.
TEST_F(TraceWriterTest, ArrowsOfEveryNumber) {
  std::string path = pathOf("octo_arrows.pftrace");
  auto writer = TraceWriter::create(path, program());
  ASSERT_TRUE(writer) << writer.error().str();
  std::vector<uint64_t> some(1700), all;
  uint64_t next = 0;
  auto tell = [&](size_t arrows, uint64_t at) {
    TaskSpan span;
    span.request = span.tag = at;
    span.tbu = 1;
    span.peaMask = 0b1010;
    span.dispatched = span.configBegin = at;
    span.configured = span.started = at + 1;
    span.finished = at + 2;
    for (size_t i = 0; i < arrows; ++i)
      all.push_back(some[i] = ++next);
    span.flowsIn = std::span(some).first(arrows);
    (*writer)->task(span);
  };
  for (size_t arrows = 0; arrows < 30; ++arrows) {
    tell(arrows, 4 * arrows);
    tell(arrows, (uint64_t(1) << 60) + 4 * arrows);
  }
  for (size_t arrows = 1580; arrows < 1650; ++arrows)
    tell(arrows, (uint64_t(1) << 61) + 4 * arrows);
  uint64_t events = (*writer)->numEvents();
  ASSERT_TRUE((*writer)->finish());
  Decoded d = decode(contents(path));
  EXPECT_EQ(d.events, events);
  EXPECT_EQ(d.flowsIn, all);
  EXPECT_EQ(d.slices.size(), 2u);
}

/// Numbers of every size are read back.
TEST_F(TraceWriterTest, NumbersOfEverySize) {
  std::string path = pathOf("octo_numbers.pftrace");
  auto writer = TraceWriter::create(path, program());
  ASSERT_TRUE(writer) << writer.error().str();
  std::vector<uint64_t> numbers = {0};
  for (unsigned bit = 0; bit < 64; ++bit)
    for (uint64_t number : {(uint64_t(1) << bit) - 1, uint64_t(1) << bit,
                            0x123456789abcdef0u >> bit | uint64_t(1) << bit})
      numbers.push_back(number);
  std::ranges::sort(numbers);
  for (uint64_t number : numbers)
    (*writer)->transfer({TransferSpan::Operand, ~uint64_t(0), 0, 1, number,
                         number, number, number});
  ASSERT_TRUE((*writer)->finish());

  std::vector<uint64_t> times, bytes, flows;
  std::string file = contents(path);
  protozero::pbf_reader trace(file);
  while (trace.next(1)) {
    protozero::pbf_reader packet = trace.get_message();
    while (packet.next())
      if (packet.tag() == 8) {
        times.push_back(packet.get_uint64());
      } else if (packet.tag() == 11) {
        protozero::pbf_reader event = packet.get_message();
        while (event.next())
          if (event.tag() == 4) {
            protozero::pbf_reader note = event.get_message();
            uint64_t key = 0, value = 0;
            while (note.next())
              (note.tag() == 1 ? key : value) = note.get_uint64();
            if (key == 5) // bytes
              bytes.push_back(value);
          } else if (event.tag() == 47) {
            flows.push_back(event.get_fixed64());
          } else {
            event.skip();
          }
      } else {
        packet.skip();
      }
  }
  // A beginning and an end each; a flow of 0 is none.
  std::vector<uint64_t> twice, some;
  for (uint64_t number : numbers) {
    twice.insert(twice.end(), 2, number);
    if (number)
      some.push_back(number);
  }
  EXPECT_EQ(times, twice);
  EXPECT_EQ(bytes, numbers);
  EXPECT_EQ(flows, some);
}

TEST_F(TraceWriterTest, FormatByNameOrChoice) {
  auto firstByte = [&](const char *name, TraceFormat format) {
    std::string path = pathOf(name);
    auto writer = TraceWriter::create(path, program(), format);
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->finish());
    return contents(path)[0];
  };
  EXPECT_EQ(firstByte("octo.json", TraceFormat::ByName), '{');
  EXPECT_EQ(firstByte("octo.pftrace", TraceFormat::ByName), '\n');
  EXPECT_EQ(firstByte("octo.json", TraceFormat::Perfetto), '\n');
  EXPECT_EQ(firstByte("octo.pftrace", TraceFormat::Chrome), '{');
  EXPECT_FALSE(TraceWriter::create("/nonexistent/t.pftrace", program()));
  EXPECT_FALSE(TraceWriter::createLog("/nonexistent/t.csv", program()));
}

TEST_F(TraceWriterTest, AFullDiskIsAnError) {
  auto writer = TraceWriter::create("/dev/full", program());
  if (!writer)
    GTEST_SKIP() << "no /dev/full";
  auto written = (*writer)->finish();
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().str().find("No space left"), std::string::npos);
}

TEST_F(TraceWriterTest, LogHasARowAnInstance) {
  std::string path = pathOf("octo_log.csv");
  auto writer = TraceWriter::createLog(path, program());
  ASSERT_TRUE(writer);
  std::vector<uint64_t> flows = {1, 2};
  tell(**writer, flows);
  // Two gangs; the row has the first start and the last gang.
  TaskSpan part;
  part.request = 9;
  part.instance = 4;
  part.peaMask = 1;
  part.ready = 5;
  part.dispatched = 6;
  part.configured = 7;
  part.started = 8;
  part.finished = 20;
  part.cause = WaitCause::Queue;
  part.last = false;
  (*writer)->task(part);
  part.first = false;
  part.last = true;
  part.peaMask = 3;
  part.ready = 17;
  part.dispatched = part.configured = part.started = 20;
  part.finished = 30;
  part.cause = WaitCause::None;
  part.completed = false;
  (*writer)->task(part);
  // A death breaks one off.
  part.instance = 5;
  part.first = part.lost = true;
  part.finished = 40;
  (*writer)->task(part);
  EXPECT_EQ((*writer)->numEvents(), 4u);
  ASSERT_TRUE((*writer)->finish());
  EXPECT_EQ(
      contents(path),
      "request,tenant,path,tag,cluster,tbu,gang,gangs,ready,dispatched,"
      "configured,started,finished,cause,completed,fault\n"
      "7,0,\"w/a, \"\"b\"\"\",0000000000000abc,1,1,2,1,90,100,150,150,"
      "300,configuration,1,none\n"
      "8,0," +
          std::string(20000, 'x') +
          ",0000000000000000,1,1,1,1,290,300,300,310,310,none,1,none\n"
          "9,0,\"w/a, \"\"b\"\"\",0000000000000000,0,0,2,2,5,6,7,8,30,"
          "queue,0,none\n"
          "9,0,\"w/a, \"\"b\"\"\",0000000000000000,0,0,2,1,17,20,20,20,40,"
          "none,0,lost\n");
}

} // namespace
