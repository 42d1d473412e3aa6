//===- TraceQueueTest.cpp - Tests of the thread that writes timelines -----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A writer behind a queue makes the file that it makes without.
//
//===----------------------------------------------------------------------===//

#include "TraceQueue.h"
#include "EmptyProgram.h"
#include "TraceFile.h"
#include "octo/Runtime/RunResult.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <vector>

using namespace octo;

namespace {

constexpr uint32_t numClusters = 4096, numBlocks = 100;

class TraceQueueTest : public testing::Test {
protected:
  TraceQueueTest() {
    fb::ProgramT program = emptyProgram(4);
    program.machine->clusters_x = numClusters;
    fb::BlockTableT &blocks = *program.workflows[0]->blocks;
    for (uint32_t i = 0; i < numBlocks; ++i) {
      blocks.kind.push_back(fb::BlockKind::Task);
      blocks.path.push_back(i);
      program.strings.push_back(fmt::format("w/{}", i));
    }
    builder.Finish(fb::Program::Pack(builder, &program));
  }
  const fb::Program &program() {
    return *flatbuffers::GetRoot<fb::Program>(builder.GetBufferPointer());
  }
  std::string pathOf(const char *name) { return testing::TempDir() + name; }
  static std::string contents(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  using Made = Expected<std::unique_ptr<TraceWriter>>;
  Made make(const std::string &kind, const std::string &path) {
    return kind == "perfetto" ? createPerfettoWriter(path, program())
           : kind == "chrome" ? createChromeWriter(path, program())
           : kind == "log"    ? TraceWriter::createLog(path, program())
                              : TraceWriter::createBlame(path, program());
  }

  /// Events of every kind, in rounds; of lists of many lengths, some longer
  /// than a chunk.
  static void tell(TraceSink &sink, uint64_t begin, uint64_t end) {
    std::vector<uint64_t> flows;
    for (uint64_t i = 0; i < 40000; ++i)
      flows.push_back(i << 32 | 1);
    for (uint64_t i = begin; i < end; ++i) {
      uint64_t at = 1000 * i;
      auto cluster = static_cast<uint32_t>(i % numClusters);
      auto block = static_cast<uint32_t>(i % numBlocks);
      TaskSpan task;
      task.request = i;
      task.tag = i * 77;
      task.block = block;
      task.instance = 5;
      task.tbu = cluster;
      task.peaMask = 1 + i % 15;
      task.ready = at;
      task.dispatched = at + 1;
      task.configBegin = at + 5;
      task.configured = at + 9;
      task.started = at + 20;
      task.finished = at + 500;
      task.cause = WaitCause::Configuration;
      task.first = i % 3;
      task.last = i % 5;
      task.lost = i % 7 == 0;
      task.remade = i % 11 == 0;
      size_t most = i % 1000 == 999 ? flows.size() : i % 50;
      task.flowsIn = std::span(flows).first(most);
      task.flowsOut = std::span(flows).last(i % 20);
      sink.task(task);
      sink.hold({HoldSpan::Kept, 0, block, cluster, 8, at + 600, at + 700});
      sink.decision({i, i * 3, 0, block, cluster, at, at + 2, 1});
      sink.join({i, 0, block, cluster, at + 3, at + 4});
      sink.transfer({TransferSpan::Operand, i, cluster, 0, 64, at, at + 40,
                     flows[i % flows.size()]});
      sink.handOver({i, at, cluster, i % 2 == 0, flows[i % flows.size()]});
      sink.request({i, 0, at, at + 7, at + 900, i % 13 == 0, false});
      std::vector<uint64_t> cycles(numBlameCauses, i);
      sink.blame({i, 0, at, 900, cycles, 0, block, i});
      sink.dead({cluster, 1, at + 900});
      FaultSpan fault;
      fault.part.cluster = {cluster, 0};
      fault.start = at;
      fault.finish = at + 10;
      fault.valuesLost = i;
      sink.fault(fault);
      if (i % 100 == 0) {
        std::vector<uint64_t> use(numClusters, i);
        sink.sample({at, 1, 2, 3, i, 1000, 500, 4, use});
      }
    }
  }

  flatbuffers::FlatBufferBuilder builder;
};

/// Some chunks, less than one, and nothing.
TEST_F(TraceQueueTest, FilesAreTheSame) {
  std::string alone = pathOf("octo_queue_alone"),
              behind = pathOf("octo_queue_behind");
  for (const char *kind : {"perfetto", "chrome", "log", "blame"})
    for (uint64_t rounds : {4000, 10, 0}) {
      SCOPED_TRACE(fmt::format("{}, {} rounds", kind, rounds));
      Made writer = make(kind, alone), other = make(kind, behind);
      ASSERT_TRUE(writer && other);
      TraceQueue queue(std::move(*other));
      tell(**writer, 0, rounds);
      tell(queue, 0, rounds);
      EXPECT_EQ(queue.numEvents(), (*writer)->numEvents());
      tell(**writer, rounds, rounds + 2);
      tell(queue, rounds, rounds + 2);
      ASSERT_TRUE((*writer)->finish());
      ASSERT_TRUE(queue.finish());
      EXPECT_EQ(queue.numEvents(), (*writer)->numEvents());
      EXPECT_TRUE(contents(alone) == contents(behind));
    }
}

/// A run that fails leaves what was written of it.
TEST_F(TraceQueueTest, WithoutAnEnd) {
  std::string alone = pathOf("octo_queue_alone"),
              behind = pathOf("octo_queue_behind");
  {
    Made writer = make("perfetto", alone), other = make("perfetto", behind);
    ASSERT_TRUE(writer && other);
    TraceQueue queue(std::move(*other));
    tell(**writer, 0, 4000);
    tell(queue, 0, 4000);
  }
  EXPECT_GT(contents(alone).size(), 1000000u);
  EXPECT_TRUE(contents(alone) == contents(behind));
}

TEST_F(TraceQueueTest, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full"))
    GTEST_SKIP() << "no /dev/full";
  Made writer = make("perfetto", "/dev/full");
  ASSERT_TRUE(writer);
  TraceQueue queue(std::move(*writer));
  tell(queue, 0, 4000);
  Expected<void> written = queue.finish();
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().str().find("No space left"), std::string::npos);
}

/// Has no memory left after some tasks.
class FullWriter final : public TraceWriter {
public:
  void task(const TaskSpan &) override {
    if (++events > 1000)
      throw std::bad_alloc();
  }
  Expected<void> finish() override { return {}; }
};

/// What the writer throws reaches who tells it something, or who ends it.
TEST_F(TraceQueueTest, WhatTheWriterThrows) {
  {
    TraceQueue queue(std::make_unique<FullWriter>());
    EXPECT_THROW(tell(queue, 0, 100000), std::bad_alloc);
    EXPECT_THROW((void)queue.finish(), std::bad_alloc);
  }
  {
    TraceQueue queue(std::make_unique<FullWriter>());
    for (uint32_t i = 0; i < 1001; ++i)
      queue.task({});
    EXPECT_THROW((void)queue.finish(), std::bad_alloc);
  }
}

} // namespace
