//===- Entities.h - What there is in a run ----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Records of the engine: values, instances of regions, tasks and control
// blocks, requests, messages, and what TBUs and clusters hold. They live in
// pools and tables of Engine and refer to each other by index.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_ENTITIES_H
#define OCTO_LIB_RUNTIME_ENTITIES_H

#include "ProgramTables.h"

#include "octo/Program/KernelCosts.h"
#include "octo/Program/Tag.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/Simulator.h"

#include <array>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace octo {

inline constexpr uint64_t never = ~uint64_t(0);
/// A frame's word for a block whose instance is over.
inline constexpr uint32_t overMark = 0xffffffffu;
/// Mark of an input word of a task: its value is pinned where it lies.
inline constexpr uint32_t pinMark = 0x80000000u;

/// A chain of what a request has executed, each after the one before.
struct Chain {
  uint64_t cycles = 0; ///< at best variants
  /// What its time adds to the least price of the request, where time has a
  /// price (Engine::timePriceQ16).
  uint64_t extra = 0;

  auto operator<=>(const Chain &) const = default;
  Chain operator+(const Chain &next) const {
    return {cycles + next.cycles, extra + next.extra};
  }
  /// Without its end.
  Chain operator-(const Chain &end) const {
    return {cycles - end.cycles, extra - end.extra};
  }
  /// A part of it, as long as 1/n.
  Chain part(uint64_t n) const { return {cycles / n, extra / n}; }
};

/// A value that exists. Parked in the scratchpad of `cluster`, or behind HBM
/// port `hbm` after a spill; `copy` is the port behind which it is too while it
/// is parked (noIndex: none).
struct alignas(64) Value {
  uint32_t generation = 0;
  uint32_t refs;
  uint64_t bytes;
  Chain path; ///< the longest one up to here
  /// Idle interval of the PEAs that the producer claimed.
  uint64_t idleFrom, idleTo;
  uint32_t cluster;
  uint32_t tbu;
  uint32_t hbm;
  uint16_t idleDepth; ///< of the idle interval; 0: not contagious
  bool token;
  bool lost : 1;     ///< known, but its data are gone
  bool hasEntry : 1; ///< an argument for which `entry` keeps space

  // What is looked at less.
  uint32_t entry; ///< cluster
  uint32_t flow;  ///< in hostCut's graph of the request; noIndex: not there
  uint32_t request;
  uint32_t pins; ///< instances that use it where it lies
  /// Spilled: when the write has reached memory. Brought back: when it is
  /// there.
  uint64_t readyAt;
  uint64_t sequence; ///< of its last use
  uint64_t age;      ///< ageOf the request; never: not to be spilled
  uint32_t copy;

  /// It is nowhere any more.
  void lose() {
    lost = true;
    hbm = copy = noIndex;
  }
};

struct Frame {
  uint32_t generation = 0;
  uint32_t region;
  uint32_t owner; ///< control instance; noIndex: body
  uint32_t request;
  uint32_t home;
  uint32_t index; ///< case, member, iteration or copy
  uint32_t copy;  ///< index of the innermost enclosing fan-out copy
  /// Blocks that are not over, yields that have not arrived, imports that have
  /// not come.
  uint32_t outstanding;
  uint32_t previous, next; ///< frames of the request
  uint32_t sibling;        ///< next open child frame of the owner
  uint32_t activations;    ///< into segmentActivations; noIndex: none
  uint64_t tag;
  uint64_t flowKey; ///< of the arrows in it (see Engine::flowOf)
  Chain path;       ///< of the decision that opened it
  uint64_t activatedAt;
  uint32_t cause;           ///< what opened it
  uint32_t previousSibling; ///< the child frame that was opened after it
  /// Instances by block (+1), then inputs by position (value + 1); for what is
  /// made again only the inputs of one block.
  uint32_t *words;
};

enum class InstanceState : uint8_t { Gathering, Ready, Held, Computing };

/// In the order of its life: a few lines of cache at a time.
struct alignas(64) Instance {
  uint32_t generation = 0;
  uint32_t frame;
  uint32_t block;
  uint32_t request;
  uint32_t tbu;
  uint32_t replica;
  uint32_t lane;
  uint32_t pending;
  uint64_t inputsAt;   ///< latest arrival so far
  uint64_t producerAt; ///< of the latest input
  Chain path;          ///< longest over the inputs

  uint64_t producerIdleFrom, producerIdleTo; ///< of the latest input
  uint16_t producerIdleDepth, idleDepth;
  uint32_t cause;       ///< the latest input; once it computes: its own step
  uint64_t parkedBytes; ///< copies of inputs at its cluster
  uint32_t away;        ///< inputs left in memory, by position (leaveAway)
  uint32_t lent;        ///< inputs that lie in the cluster, not held yet
  uint32_t note;        ///< the policy's
  uint32_t ticket;      ///< of its entry in a queue
  uint16_t resizes;     ///< version of the completion event
  InstanceState state;
  bool causeIsToken;
  bool weightLast; ///< the last of operands and weights is a weight
  bool orphan;     ///< its request failed; completes and is discarded
  bool resizing;
  bool drawnCycles; ///< `drawn` counts, not `call`
  bool moved;
  bool staged;    ///< waits at `tbu`, out of the queue of the cluster
  bool atTbu;     ///< inputs of the cluster have passed the port of `tbu`
  bool awayAsked; ///< inputs left in memory are on their way
  bool realised;  ///< what it costs and makes is known
  bool untimed;   ///< serves no slot of a timetable
  bool replay;    ///< makes values again that were lost

  uint64_t backlog; ///< its part of the backlog of TBU and cluster
  uint64_t readyAt;
  PeaMask peas;
  uint64_t dispatched, configBegin, configured, started, finish;

  uint64_t idleFrom, idleTo;      ///< what its claim ended
  uint64_t oneCycles;             ///< realised work on one PEA
  uint64_t capacityCycles;        ///< least p * T(p)
  Chain best;                     ///< at its best variant
  uint64_t remainingQ16, fullQ16; ///< of the compute phase, present variant

  uint32_t variant, nextVariant;
  uint32_t queueAt; ///< position among the running ones of its TBU
  uint32_t call;    ///< what its code did, into costs
  uint64_t drawn;
  uint32_t results;  ///< into resultPool: tensors; noIndex
  uint32_t streams;  ///< its StreamTask; noIndex: all its flows are whole
  PeaMask nextPeas;  ///< after the resize under way
  uint64_t boundary; ///< when it takes effect
};

/// A value that goes from a running task to another one in chunks. Lives from
/// the start of the producer to the end of the consumer, which holds its
/// buffer.
struct Stream {
  uint32_t generation = 0;
  uint32_t cause;                        ///< its first chunk
  uint32_t info;                         ///< into ProgramTables::streams
  uint32_t producer, producerGeneration; ///< gone when it has completed
  uint32_t consumer;                     ///< instance
  uint32_t value;                        ///< what the consumer's code reads
  uint32_t cluster, tbu;                 ///< where it is made
  uint64_t bytes;
  uint32_t arrived; ///< bit by chunk
  uint8_t chunks, buffer;
  /// Numbers of chunks: made; sent, the others lie where they were made; whose
  /// part of the consumer is done; whose space the producer knows to be free.
  uint8_t produced, sent, consumed, credited;
  std::array<uint64_t, 16> sentAt;

  bool hasSpace() const { return sent - credited < buffer; }
  uint64_t chunkBytes(unsigned chunk) const {
    return bytes * (chunk + 1) / chunks - bytes * chunk / chunks;
  }
};

/// What an instance with streams needs beside. Its work is divided into ticks,
/// so that the chunks of every stream end at whole numbers of them.
struct StreamTask {
  static constexpr uint32_t ticks = 720720; ///< lcm of 1 to 16
  uint32_t generation = 0;
  uint32_t tick;    ///< reached
  uint32_t next;    ///< to stop at
  uint16_t version; ///< of the event of `next`
  bool stalled;
  uint64_t waited;    ///< before its start
  uint64_t notBefore; ///< stalled while being resized: when that is done
  std::vector<uint32_t> in;
  std::vector<std::pair<uint32_t, uint32_t>> out; ///< stream, generation
};

/// One iteration of a loop that is active, or the next one, for which values
/// have come.
struct LoopRow {
  uint64_t iteration;     ///< never: the row is free
  uint32_t before, after; ///< frames; noIndex
  uint32_t openFrames;
  uint32_t decidePending;
  uint64_t decideAt; ///< end of its decision at the CBU; never: none there
  bool active, decided, going;
  uint32_t cause = noIndex; ///< the latest carried value, then the decision
  uint64_t causeAt;         ///< when that value came
  std::vector<uint32_t> carried, forwarded, decide; ///< value + 1
};

struct Control {
  uint32_t generation = 0;
  uint32_t frame;
  uint32_t block;
  uint32_t request;
  uint32_t cluster;
  uint32_t decidePending;
  uint32_t openFrames;
  uint32_t firstChild; ///< open frames
  uint32_t joinPending;
  uint32_t numTaken; ///< members or copies
  uint32_t nextCopy;
  bool decided, joined;
  Chain path; ///< of the decision
  Chain joinPath;
  uint64_t joinAt;
  uint64_t decideAt; ///< as in LoopRow, where the block is none
  uint64_t waitingSince;
  uint32_t cause; ///< the decision or the join; before: what opened the frame
  /// Select, fan-out: result values (+1) by (member or copy, output); the
  /// inits.
  std::vector<uint32_t> results, inits;
  std::vector<uint32_t> members; ///< Select: taken members
  std::vector<LoopRow> rows;
  uint64_t nextIteration;
  uint32_t activeIterations;
  uint64_t trips; ///< profiled loops
  bool stopped;
};

struct OpenRequest {
  uint32_t generation = 0;
  uint64_t number; ///< index into records
  uint64_t index;  ///< of its tenant
  uint64_t lane;   ///< what the routing rule counts by
  uint32_t record; ///< of the program; RequestRecords::noRecord
  uint32_t tenant;
  uint32_t order; ///< of arrival
  uint32_t workflow;
  uint32_t firstFrame;
  uint32_t resultsLeft;
  uint32_t holds; ///< instances that still hold PEAs
  bool failed, finished, admitted;
  uint32_t cause;   ///< the last result
  uint64_t causeAt; ///< when it was at the host port
  Chain path;
  uint64_t argumentBytes;
  uint32_t entry;                    ///< cluster where the arguments go
  uint64_t capacityWork;             ///< sum of min p * T(p)
  std::array<uint64_t, 3> classWork; ///< the part that only a class can do
  uint64_t work;                     ///< realised, on one PEA
  std::vector<uint32_t> arguments;   ///< values
  std::vector<Tensor> results;
};

/// Values of younger requests are spilled first: they have the lower age.
inline uint64_t ageOf(const OpenRequest &request) {
  return never - 1 - request.order;
}

enum class MessageKind : uint8_t {
  Input,
  Decide,
  Join,
  Result,
  Weight,
  Spill,
  Chunk,
  Arguments,
  Remake ///< input of a join that is made again
};

/// A line of cache.
struct alignas(64) Message {
  uint32_t generation = 0;
  MessageKind kind;
  bool onMesh;
  uint32_t target, targetGeneration;
  uint32_t aux;
  uint32_t value; ///< held; noIndex: none
  uint32_t cause;
  uint64_t request; ///< number, for traces
  uint32_t to, from;
  uint64_t bytes;
  uint64_t start;
};
static_assert(sizeof(Message) == 64);

/// A value on its way to a frame or control block as a token.
struct Token {
  uint32_t generation = 0;
  uint32_t target, targetGeneration;
  uint32_t frame, frameGeneration; ///< of a yield
  uint32_t input;                  ///< or yield
  uint32_t value;
  uint32_t cause;
  uint8_t kind;
};

struct Delivery {
  uint32_t frame, frameGeneration;
  uint32_t slot; ///< global value
  uint32_t value;
  uint32_t cause;
};

struct SegmentActivation {
  uint64_t at;
  uint32_t lane;
};

/// Slots of one segment activation on one TBU that are not all over.
struct Keep {
  uint32_t frame, frameGeneration;
  uint32_t cursor, end; ///< into slotOrder
  uint64_t at;
  uint32_t lane;
};

struct ResidentCode {
  uint32_t kernel;
  uint32_t uses;
  uint64_t bytes;
  uint64_t readyAt;
  uint64_t lastUse;
};

struct ResidentWeight {
  uint32_t weight;
  uint32_t uses;
  uint64_t readyAt; ///< never: on its way
  uint64_t lastUse;
  std::vector<std::pair<uint32_t, uint32_t>> waiters; ///< instance, generation
};

struct TbuState {
  PeaMask free = 0;
  PeaMask usable = 0;
  uint64_t dispatcherFree = 0;
  uint64_t commandFree = 0;
  uint64_t configPortFree = 0;
  uint64_t scratchpadPortFree = 0;
  uint64_t codeBytes = 0;
  uint64_t wakeAt = never;
  uint64_t backlog = 0; ///< expected PEA-cycles of what is queued
  uint32_t queued = 0;
  bool dispatchPending = false;
  std::vector<ResidentCode> code;
  std::vector<uint32_t> running;
  std::vector<uint32_t> staged; ///< oldest first
  uint64_t computed = 0;        ///< PEA-cycles that were booked as computing
  std::vector<Keep> keeps;
};

struct ClusterState {
  uint64_t used = 0;
  uint64_t cbuFree = 0;
  uint64_t joinFree = 0;
  uint64_t computing = 0, idle = 0;
  uint64_t backlog = 0;
  uint64_t dispatcherFree = 0; ///< traits.clusterQueues
  uint32_t freePeas = 0;
  /// Status as of a past moment, for other clusters.
  uint64_t shownBacklog = 0, lastBacklog = 0, shownAt = 0;
  uint32_t shownFree = 0, lastFree = 0;
  uint64_t spilled = 0, shownSpilled = 0,
           lastSpilled = 0;                     ///< bytes, up to then
  uint64_t shownComputed = 0, lastComputed = 0; ///< PEA-cycles, up to then
  /// Which part of the time its way into the mesh or that out of it was taken,
  /// the busier one, in 1/65536.
  uint64_t shownMeshLoadQ16 = 0, lastMeshLoadQ16 = 0;
  std::vector<ResidentWeight> weights;
  bool spilling = false;
  /// Parked values, the next to spill first: youngest request, the value that
  /// was used least recently.
  std::set<std::tuple<uint64_t, uint64_t, uint32_t>> parked;
};

/// Bytes of messages from and to a cluster that have arrived since its last
/// status. Every message counts: apart from what else is known of clusters.
struct ClusterTraffic {
  uint64_t sent = 0, received = 0;
};

/// What the host port knows of a cluster where requests enter.
struct Entry {
  uint64_t bytes = 0; ///< of arguments that it keeps space for
  uint32_t open = 0;  ///< requests that entered there
  uint32_t limit = noIndex;
  /// When the limit was looked at last, and what the cluster had done up to
  /// then.
  uint64_t since = 0, spilled = 0, computed = 0;
};

struct TenantState {
  Arrivals arrivals;
  uint64_t requests = 0;
  uint64_t base = 0; ///< number of its first request
  uint64_t arrived = 0;
  uint64_t finished = 0;
  uint64_t nextArrival = 0;
};

/// What costs energy, of one cluster (docs/timing-model.md, Energy).
struct EnergyCounts {
  std::array<uint64_t, 5> work{}; ///< by class
  uint64_t localBytes = 0, byteHops = 0, dieLinkByteHops = 0, hbmBytes = 0;
  uint64_t configBytes = 0, tokenHops = 0, decisions = 0;

  void add(const std::array<uint64_t, 5> &done) {
    for (unsigned c = 0; c < 5; ++c)
      work[c] += done[c];
  }
};

/// A sample: sums and bins of all values, the values themselves up to a limit.
struct WaitTotals {
  /// So many values are kept; of more only the bins tell percentiles.
  static constexpr size_t exactValues = size_t(1) << 20;
  uint64_t count = 0;
  unsigned __int128 sum = 0;
  uint64_t min = ~uint64_t(0);
  uint64_t max = 0;
  std::vector<uint64_t> exact;
  /// Sums and sizes of batches of equal size in order; merged in pairs when
  /// there are more than 64.
  std::vector<std::pair<unsigned __int128, uint64_t>> batches;
  uint64_t batchSize = 1;
  /// Exact below 256, then 128 bins a power of two (error under 1 %).
  std::vector<uint64_t> histogram;
  void add(uint64_t value);
  SampleSummary summary() const;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_ENTITIES_H
