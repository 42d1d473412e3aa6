//===- EngineStreams.cpp - Values that go in chunks -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Streamed flows (docs/semantics.md, section 4). Values are those of whole
// flows: the producer's outputs are known when it is dispatched, and the
// consumer's code gets them as they are. Chunks only say when.
//
// A stream cannot block for ever. A producer waits for space only while its
// consumer holds PEAs, and a consumer gets PEAs only when the first chunks of
// all its streams are there, so those who wait for each other all run; that
// their buffers suffice is a rule that programs keep (octo/Target/StreamNet.h).
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

//===----------------------------------------------------------------------===//
// Opening and closing
//===----------------------------------------------------------------------===//

StreamTask &Engine::streamTaskOf(Instance &instance) {
  if (instance.streams == noIndex) {
    instance.streams = streamTasks.allocate();
    StreamTask &task = streamTasks[instance.streams];
    task.tick = task.next = 0;
    task.version = 0;
    task.stalled = false;
    task.waited = task.notBefore = 0;
    task.in.clear();
    task.out.clear();
  }
  return streamTasks[instance.streams];
}

/// The producer is about to compute. What it makes is known; consumers get
/// space for their buffers. A kernel that traps sends nothing, and a value
/// without bytes has no chunks: it comes as a whole.
void Engine::openStreams(uint32_t id) {
  Instance &producer = instances[id];
  const BlockInfo &block = t.blocks[producer.block];
  if (producer.results != noIndex && !traps[producer.results].empty())
    return;
  uint32_t cluster = clusterOf(producer.tbu), value = noIndex, last = noIndex;
  for (uint32_t s : t.streamsFrom(producer.block)) {
    const StreamInfo &info = t.streams[s];
    const BlockInfo &to = t.blocks[info.consumer];
    uint32_t slot = t.inputs[info.input], output = slot - block.outputBegin;
    uint64_t bytes = outputBytes(producer, output);
    if (!bytes)
      continue;
    if (slot != last) {
      // Beside the value that is committed, for those who take it whole: this
      // one takes no space of its own.
      last = slot;
      value = newValue(0, pathThrough(producer), cluster, producer.tbu,
                       producer.request, false);
      values[value].idleFrom = producer.idleFrom;
      values[value].idleTo = producer.idleTo;
      values[value].idleDepth = producer.idleDepth;
      notePath(value, producer);
      if (producer.results != noIndex &&
          output < resultPool[producer.results].size())
        tensors[value] = resultPool[producer.results][output];
    } else {
      retain(value);
    }
    uint32_t consumerId = instanceFor(producer.frame, info.consumer, clusterOf(producer.tbu));
    Instance &consumer = instances[consumerId];
    uint32_t id2 = streams.allocate();
    Stream &stream = streams[id2];
    stream.info = s;
    stream.producer = id;
    stream.producerGeneration = producer.generation;
    stream.consumer = consumerId;
    stream.value = value;
    stream.cause = noIndex;
    stream.cluster = cluster;
    stream.tbu = producer.tbu;
    stream.bytes = bytes;
    stream.arrived = 0;
    stream.chunks = info.chunks;
    stream.buffer = info.buffer;
    stream.produced = stream.sent = stream.consumed = stream.credited = 0;
    inputWords(frames[producer.frame], to)[info.input - to.inputBegin] =
        value + 1;
    retain(value);
    uint64_t space = info.buffer * ceilDiv(bytes, info.chunks);
    consumer.parkedBytes += space;
    park(clusterOf(consumer.tbu), space);
    streamTaskOf(consumer).in.push_back(id2);
    streamTaskOf(producer).out.emplace_back(id2, stream.generation);
    ++counters.streams;
  }
}

/// The consumer is done with it, or will not be.
void Engine::closeStream(uint32_t id) {
  Stream &stream = streams[id];
  for (unsigned chunk = stream.sent; chunk < stream.produced; ++chunk)
    unpark(stream.cluster, stream.chunkBytes(chunk));
  release(stream.value);
  blame.release(stream.cause);
  streams.release(id);
}

/// An instance is over. What it made goes on to its consumers.
void Engine::endStreams(uint32_t id) {
  Instance &instance = instances[id];
  for (uint32_t s : streamTasks[instance.streams].in)
    closeStream(s);
  streamTasks.release(instance.streams);
  instance.streams = noIndex;
}

/// An instance of a failed request waits for nobody any more. Consumers are of
/// the same frame and go with it.
void Engine::leaveStreams(uint32_t id) {
  Instance &instance = instances[id];
  if (isStalled(instance))
    resumeStalled(id, now());
  for (auto [s, generation] : streamTasks[instance.streams].out)
    if (streams.current(s, generation)) {
      Instance &consumer = instances[streams[s].consumer];
      std::erase(streamTasks[consumer.streams].in, s);
      closeStream(s);
    }
  endStreams(id);
  if (instance.state == InstanceState::Computing)
    schedule(id);
}

/// Does everybody who takes the output take it in chunks?
bool Engine::onlyStreamed(const Instance &instance, uint32_t output) const {
  uint32_t slot = t.blocks[instance.block].outputBegin + output;
  uint32_t begin = t.values[slot].consumerBegin;
  uint32_t end = t.values[slot + 1].consumerBegin;
  for (uint32_t c = begin; c < end; ++c) {
    const Consumer &consumer = t.consumers[c];
    if (consumer.block == noIndex ||
        t.blocks[consumer.block].kind != BlockKind::Task ||
        !inputWords(frames[instance.frame],
                    t.blocks[consumer.block])[consumer.input])
      return false;
  }
  return begin < end;
}

//===----------------------------------------------------------------------===//
// Work from chunk to chunk
//===----------------------------------------------------------------------===//

/// What of the work, in 1/65536 cycles of the present gang, comes before a
/// tick.
static uint64_t workBefore(const Instance &instance, uint32_t tick) {
  return static_cast<uint64_t>(
      static_cast<unsigned __int128>(instance.fullQ16) * tick /
      StreamTask::ticks);
}

/// The event of the next tick at which a chunk ends.
void Engine::scheduleTick(uint32_t id) {
  Instance &instance = instances[id];
  StreamTask &task = streamTasks[instance.streams];
  task.next = StreamTask::ticks;
  auto chunksOf = [&](uint32_t chunks) {
    uint32_t length = StreamTask::ticks / chunks;
    task.next = std::min(task.next, (task.tick / length + 1) * length);
  };
  for (uint32_t s : task.in)
    chunksOf(streams[s].chunks);
  for (auto [s, generation] : task.out)
    if (streams.current(s, generation))
      chunksOf(streams[s].chunks);
  uint64_t done = instance.fullQ16 - instance.remainingQ16;
  uint64_t until = std::max(workBefore(instance, task.next), done);
  push(instance.started + ((until - done + 65535) >> 16),
       EventClass::Completion, TickEvent, t.blocks[instance.block].local, id,
       instance.generation, ++task.version);
}

/// An instance has come to its next tick: chunks of its inputs are used up,
/// chunks of its outputs are made.
void Engine::tick(uint32_t id) {
  Instance &instance = instances[id];
  StreamTask &task = streamTasks[instance.streams];
  task.tick = task.next;
  auto chunksDone = [&](uint32_t chunks) {
    return task.tick / (StreamTask::ticks / chunks);
  };
  uint32_t local = t.blocks[instance.block].local;
  for (uint32_t s : task.in) {
    Stream &stream = streams[s];
    if (stream.consumed == chunksDone(stream.chunks))
      continue;
    // Of the last ones nobody waits for the space.
    if (++stream.consumed + stream.buffer <= stream.chunks)
      push(now() + tokenDelay(clusterOf(instance.tbu), stream.cluster),
           EventClass::Token, SpaceEvent, local, s, stream.generation);
  }
  for (auto [s, generation] : task.out) {
    if (!streams.current(s, generation))
      continue;
    Stream &stream = streams[s];
    if (stream.produced == chunksDone(stream.chunks))
      continue;
    if (!stream.produced++)
      firstChunkStep(instance, stream);
    if (stream.sent + 1 == stream.produced && stream.hasSpace())
      sendChunk(s);
    else
      park(stream.cluster, stream.chunkBytes(stream.produced - 1u));
  }
  if (task.tick == StreamTask::ticks)
    complete(id);
  else if (isBlocked(task))
    stall(id);
  else
    scheduleTick(id);
}

/// Has what comes next no chunk to work on, or no space for what is made?
bool Engine::isBlocked(const StreamTask &task) const {
  for (uint32_t s : task.in) {
    const Stream &stream = streams[s];
    uint32_t needed = task.tick / (StreamTask::ticks / stream.chunks);
    if (uint32_t(std::countr_one(stream.arrived)) <= needed)
      return true;
  }
  // What waits for PEAs holds nobody up: chunks stay where they were made until
  // it has some.
  for (auto [s, generation] : task.out)
    if (streams.current(s, generation) &&
        streams[s].sent < streams[s].produced &&
        instances[streams[s].consumer].state >= InstanceState::Held)
      return true;
  return false;
}

void Engine::stall(uint32_t id) {
  Instance &instance = instances[id];
  StreamTask &task = streamTasks[instance.streams];
  account(instance, now(), GangEnd::GoesOn);
  totals[instance.block].busyCycles += now() - instance.started;
  workedStep(instance, now() - instance.started);
  task.stalled = true;
  // What it computes next is another phase.
  instance.resizes += instance.resizes != 0xffff;
  task.waited = instance.started - instance.readyAt;
  task.notBefore = 0;
  instance.remainingQ16 = instance.fullQ16 - workBefore(instance, task.tick);
  // Waiting until it goes on.
  instance.dispatched = now();
  instance.configBegin = instance.configured = instance.started = never;
}

/// A stalled instance goes on. From `movingSince` on what it waited for was on
/// its way.
void Engine::resumeStalled(uint32_t id, uint64_t movingSince) {
  Instance &instance = instances[id];
  StreamTask &task = streamTasks[instance.streams];
  task.stalled = false;
  counters.streamStalls += now() > instance.dispatched;
  instance.configBegin = instance.configured =
      std::clamp(movingSince, instance.dispatched, now());
  instance.started = std::max(now(), task.notBefore);
  instance.finish = instance.started + ((instance.remainingQ16 + 65535) >> 16);
  instance.readyAt = instance.started - task.waited;
  schedule(id);
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// Sends the next chunk to the buffer: over the mesh, or through the scratchpad
/// port of the TBU that reads it.
void Engine::sendChunk(uint32_t id) {
  Stream &stream = streams[id];
  const Instance &consumer = instances[stream.consumer];
  uint32_t chunk = stream.sent++, to = clusterOf(consumer.tbu);
  uint64_t bytes = stream.chunkBytes(chunk), at = now();
  stream.sentAt[chunk] = at;
  ++counters.streamChunks;
  if (!bytes) {
    at += tokenDelay(stream.cluster, to);
  } else if (stream.cluster != to) {
    send(newMessage(MessageKind::Chunk, id, stream.generation, chunk, noIndex,
                    consumer.request, stream.cluster, to, bytes),
         at);
    return;
  } else if (stream.tbu != consumer.tbu) {
    at = readThroughPort(consumer.tbu, bytes, at);
  }
  push(at, EventClass::Transfer, ChunkEvent, t.blocks[consumer.block].local, id,
       stream.generation, static_cast<uint16_t>(chunk));
}

/// A chunk is in the buffer. One that was there already is dropped.
void Engine::chunkArrived(uint32_t id, uint32_t generation, uint32_t chunk) {
  if (!streams.current(id, generation))
    return;
  Stream &stream = streams[id];
  if (stream.arrived >> chunk & 1)
    return;
  stream.arrived |= 1u << chunk;
  uint32_t consumer = stream.consumer;
  if (chunk == 0) {
    because(stream.cause);
    inputDone(consumer, now(), stream.value);
  } else if (isStalled(instances[consumer]) &&
             !isBlocked(streamTasks[instances[consumer].streams])) {
    resumeStalled(consumer, stream.sentAt[chunk]);
  }
}

/// The producer learns that a chunk's space is free again.
void Engine::spaceFreed(uint32_t id) {
  Stream &stream = streams[id];
  ++stream.credited;
  if (stream.sent < stream.produced) {
    unpark(stream.cluster, stream.chunkBytes(stream.sent));
    sendChunk(id);
  }
  if (instances.current(stream.producer, stream.producerGeneration) &&
      isStalled(instances[stream.producer]) &&
      !isBlocked(streamTasks[instances[stream.producer].streams]))
    resumeStalled(stream.producer, now());
}

/// For the watchdog: which chunk or space the instance waits for.
bool Engine::reportStall(const Instance &instance,
                         BlockedInstance &report) const {
  if (instance.streams == noIndex)
    return false;
  const StreamTask &task = streamTasks[instance.streams];
  for (uint32_t s : task.in) {
    const Stream &stream = streams[s];
    uint32_t needed = task.tick / (StreamTask::ticks / stream.chunks);
    if (stream.arrived >> needed & 1)
      continue;
    const StreamInfo &info = t.streams[stream.info];
    report.waitsFor =
        fmt::format("chunk {} of {} of input {} from {}", needed, stream.chunks,
                    info.input - t.blocks[info.consumer].inputBegin,
                    t.place(info.producer));
    report.heldBy =
        needed < stream.sent ? "the data plane"
        : !instances.current(stream.producer, stream.producerGeneration)
            ? "it is over"
        : isStalled(instances[stream.producer]) ? "it waits itself"
                                                : "it runs";
    return true;
  }
  for (auto [s, generation] : task.out)
    if (streams.current(s, generation) &&
        streams[s].sent < streams[s].produced) {
      report.waitsFor =
          fmt::format("space in its stream to {}",
                      t.place(t.streams[streams[s].info].consumer));
      report.heldBy = "chunks that are not used yet";
      return true;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// The lower bound
//===----------------------------------------------------------------------===//

/// The longest chain of realised work up to the presence of an input of the
/// instance: of a stream, its first chunk. Whether this run streamed or not, as
/// the bound holds for all.
Chain Engine::pathTo(const Instance &instance, uint32_t value) const {
  const BlockInfo &block = t.blocks[instance.block];
  if (!block.takesStreams)
    return values[value].path;
  Chain path;
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i) {
    if ((words[i] & ~pinMark) != value + 1)
      continue;
    const StreamInfo *info = t.streamTo(block.inputBegin + i);
    path = std::max(path, info ? madeOn[value].start +
                                     madeOn[value].best.part(info->chunks)
                               : values[value].path);
  }
  return path;
}

/// The longest chain through the instance: after the last chunk of a stream the
/// part for it is still to do.
Chain Engine::pathThrough(const Instance &instance) const {
  const BlockInfo &block = t.blocks[instance.block];
  Chain path = instance.path + instance.best;
  if (!block.takesStreams)
    return path;
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (const StreamInfo *info = t.streamTo(block.inputBegin + i))
      path = std::max(path, values[(words[i] & ~pinMark) - 1].path +
                                instance.best.part(info->chunks));
  return path;
}

/// For pathTo: how the value was made.
void Engine::notePath(uint32_t value, const Instance &instance) {
  if (madeOn.size() <= value)
    madeOn.resize(value + 1);
  madeOn[value] = {instance.path, instance.best};
}
