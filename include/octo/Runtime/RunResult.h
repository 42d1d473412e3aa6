//===- RunResult.h - What a run measured ------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All numbers of a run, as plain data. Cycles are of the machine's clock, bytes
// are bytes. Everything but `host` is a pure function of program, scenario,
// policy and options.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_RUNRESULT_H
#define OCTO_RUNTIME_RUNRESULT_H

#include "octo/Runtime/Tensor.h"
#include "octo/Target/TargetDesc.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

/// Exclusive states of a PEA (semantics, section 9).
enum class PeaState : uint8_t {
  Computing,
  Configuring,
  MovingData,
  Waiting,
  Idle,
  Faulty,
  Unallocated
};
inline constexpr unsigned numPeaStates = 7;
/// "computing", "configuring", "moving_data", "waiting", "idle", "faulty",
/// "unallocated": the keys of `pea_cycles`.
std::string_view stringifyPeaState(PeaState state);

/// A sample of cycles. `ciHalfWidth` is half the width of the 95 % confidence
/// interval of the mean, by batch means (20 batches in order of arrival); 0
/// when there are fewer than 40 values.
struct SampleSummary {
  uint64_t count = 0;
  double mean = 0;
  double ciHalfWidth = 0;
  uint64_t min = 0;
  uint64_t p50 = 0;
  uint64_t p95 = 0;
  uint64_t p99 = 0;
  uint64_t max = 0;
};

/// Of one block over all requests.
struct BlockStatistics {
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint32_t outcomeBegin = 0, numOutcomes = 0; ///< see RunResult::outcomesOf
  uint64_t instances = 0;
  /// Cycles that instances computed (tasks) or decided (control blocks).
  uint64_t busyCycles = 0;
  /// PEA-cycles of the compute phases.
  uint64_t computePeaCycles = 0;
  /// Cycles from ready to the start of compute: queue, dispatch, configuration,
  /// data.
  uint64_t waitCycles = 0;
  uint64_t maxWaitCycles = 0;
  uint64_t configLoads = 0;
  uint64_t resizes = 0;
  /// Realised work in cycles on one PEA, the same under every policy.
  uint64_t workCycles = 0;
  /// What the compiler expected: instances of a request, in 1/65536, and cycles
  /// of one on the gang of the first replica.
  uint64_t expectedInstancesQ16 = 0;
  uint64_t predictedCycles = 0;
};

/// Of a task with a slot in a timetable, under a policy that knows timetables.
/// All cycles are after the admission of the segment.
struct SlotStatistics {
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint64_t instances = 0;
  uint64_t predictedStart = 0;
  uint64_t predictedEnd = 0;
  /// Of the compute phases, summed over the instances. What is there early may
  /// start before the admission.
  int64_t startCycles = 0;
  int64_t endCycles = 0;
};

/// What the instances of task blocks that run a kernel did, together.
struct KernelStatistics {
  uint64_t instances = 0;
  /// Of these, with cycles from a profile: they add nothing to `work`.
  uint64_t drawnInstances = 0;
  /// Realised work by class: mac, vector, special, scalar, bytes.
  std::array<uint64_t, 5> work{};
};

struct TenantStatistics {
  std::string name;
  uint32_t workflow = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  SampleSummary latency;
  /// Of those in `latency` that no other request was beside, from arrival to
  /// end, or of requests that were run apart (Session::measureAlone).
  SampleSummary aloneLatency;
  /// Of its first request, which finds nothing resident, also in the warm-up;
  /// 0: it did not complete.
  uint64_t firstLatency = 0;
};

/// Why a request failed (semantics, section 6).
struct RequestFailure {
  uint64_t request = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint64_t cycle = 0;
  std::string path; ///< path id of the block
  std::string file; ///< source of the block, if known
  uint32_t line = 0;
  std::string reason;
};

/// One line of the watchdog's report: who waits, for what, and who holds that.
struct BlockedInstance {
  uint64_t request = 0;
  std::string path;
  std::string file;
  uint32_t line = 0;
  std::string waitsFor;
  std::string heldBy;
  uint64_t sinceCycle = 0;
};

/// One step of a chain of waits: the next one is what it waits for.
struct WaitStep {
  uint64_t request = 0;
  std::string path;
  std::string file;
  uint32_t line = 0;
  std::string waitsFor;
};

/// A loop that has not ended.
struct OpenLoop {
  uint64_t request = 0;
  std::string path;
  std::string file;
  uint32_t line = 0;
  uint64_t iterations = 0; ///< that have begun
  uint64_t bound = 0;      ///< 0: none
};

/// What a cycle of a request's latency was spent on (semantics, section 12).
enum class BlameCause : uint8_t {
  Admission,
  HostPort,
  Token,
  Transfer,
  Queue,
  Dispatch,
  Configuration,
  Weights,
  Resize,
  Compute,
  CbuQueue,
  Decision,
  Credits,
  Join,
  Stream,
  Lost
};
inline constexpr unsigned numBlameCauses = 16;
/// "admission", "host_port", "token", "transfer", "queue", "dispatch",
/// "configuration", "weights", "resize", "compute", "cbu_queue", "decision",
/// "credits", "join", "stream", "lost".
std::string_view stringifyBlameCause(BlameCause cause);

/// What the requests that completed after the warm-up owe to one block.
struct BlameOfBlock {
  uint32_t workflow = 0;
  uint32_t block = 0;
  std::array<uint64_t, numBlameCauses> cycles{};
  std::array<uint64_t, numBlameCauses> slowestCycles{};
  uint64_t total() const {
    uint64_t sum = 0;
    for (uint64_t cause : cycles)
      sum += cause;
    return sum;
  }
};

/// Sums over requests; divided by their number they add up to the mean latency.
struct BlameResult {
  uint64_t requests = 0;
  std::array<uint64_t, numBlameCauses> cycles{};
  /// Of the slowest 1 %, rounded up, at most 10,000.
  uint64_t slowestRequests = 0;
  std::array<uint64_t, numBlameCauses> slowestCycles{};
  /// The one with the most cycles first.
  std::vector<BlameOfBlock> blocks;
};

/// How deep contagious idleness went: interval by interval, over how many
/// producers that had been idle themselves (semantics, section 9).
struct IdleDepth {
  static constexpr unsigned bins = 32;
  uint64_t intervals = 0;
  uint64_t sum = 0;
  uint64_t max = 0;
  /// By depth, from 1; the last one has all that are deeper.
  std::array<uint64_t, bins> histogram{};
  std::array<uint64_t, bins> peaCycles{};
};

/// What a run does when it has settled (docs/scenarios.md, "Warm-up").
struct SteadyState {
  /// Requests that were cut off at the front, in order of their ends.
  uint64_t truncatedRequests = 0;
  uint64_t requests = 0; ///< the rest
  uint64_t fromCycle = 0;
  /// False: too few requests, or the rule would cut off half of them.
  bool reached = false;
  double latencyMean = 0, latencyHalfWidth = 0;
  double throughput = 0, throughputHalfWidth = 0;
};

/// How the run ended.
enum class RunStatus : uint8_t {
  Completed,
  Deadlock,
  CycleLimit,
  EventLimit,
  /// The progress callback asked to stop.
  Cancelled,
  /// What faults left of the machine cannot run the program.
  MachineLost
};
std::string_view stringifyRunStatus(RunStatus status);

/// One request.
struct RequestRecord {
  uint64_t arrival = 0;
  /// When its arguments were let in.
  uint64_t admitted = 0;
  /// When its results had left, or when it failed; ~0: still open.
  uint64_t finished = ~uint64_t(0);
  /// PEA-cycles that its realised tasks take at least: each with the gang for
  /// which these are the fewest. 0 while it is open.
  uint64_t work = 0;
  /// The same of all tasks of all requests that had ended when it finished.
  uint64_t workSoFar = 0;
  uint32_t tenant = 0;
  bool failed = false;
};

/// One realised outcome, for profiles that keep whole requests. Records are in
/// order of (request, block, tag, index).
struct OutcomeRecord {
  uint64_t request = 0;
  uint64_t tag = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  /// Task: cycles on one PEA. Switch: case. Select: mask of the first 64
  /// members. Loop: trips. Fan-out: copies. Arguments: 0.
  uint64_t value = 0;
  /// Task: outcomeDetails[sizes, symbols) are the bytes of its outputs of
  /// varying size, [symbols, detailEnd) the symbols of its kernel's work.
  /// Arguments (block ~0): [sizes, symbols) are the bytes of those of varying
  /// size. Select: of the other members, 64 a word.
  uint64_t sizes = 0;
  uint64_t symbols = 0;
  uint64_t detailEnd = 0;
  /// Task: the cycles were drawn, so there are no symbols.
  bool drawn = false;
};

/// How the mesh is simulated.
enum class NetworkModel : uint8_t { Message, Flit, Link };
/// "message", "flit" or "link".
std::string_view stringifyNetworkModel(NetworkModel model);

/// What the links of the mesh did. Link cluster * 4 + direction goes to +x, -x,
/// +y, -y.
struct NetworkUse {
  NetworkModel model = NetworkModel::Message;
  uint64_t liveLinks = 0;
  /// Cycles that links were taken, over all links.
  uint64_t busyCycles = 0;
  /// Cycles that messages at the head of a queue waited for a link, also for
  /// those into clusters. Flit by flit: cycles in which an input with something
  /// to send did not.
  uint64_t waitedCycles = 0;
  std::vector<uint64_t> linkBusyCycles;
  std::vector<uint64_t> linkWaitedCycles;
};

struct Counters {
  uint64_t taskInstances = 0;
  uint64_t controlDecisions = 0;
  uint64_t joins = 0;
  uint64_t frames = 0;
  uint64_t peakFrames = 0;
  uint64_t peakScratchpadBytes = 0; ///< in one cluster, after spilling
  uint64_t transfers = 0;
  uint64_t transferBytes = 0;
  uint64_t byteHops = 0;
  uint64_t dieLinkByteHops = 0;
  uint64_t localBytes = 0;
  uint64_t hbmBytes = 0;
  uint64_t hostInBytes = 0;
  uint64_t hostOutBytes = 0;
  uint64_t configLoads = 0;
  uint64_t configBytes = 0;
  uint64_t configSwitches = 0;
  uint64_t prefetches = 0;
  uint64_t weightLoads = 0;
  uint64_t weightBytes = 0;
  uint64_t weightEvictions = 0;
  uint64_t spills = 0;
  uint64_t spillBytes = 0;
  uint64_t resizes = 0;
  uint64_t migrations = 0;
  uint64_t migratedBytes = 0;
  uint64_t tokens = 0;
  uint64_t tokenHops = 0;
  uint64_t dispatches = 0;
  uint64_t creditWaits = 0;
  uint64_t streams = 0;
  uint64_t streamChunks = 0;
  uint64_t streamStalls = 0;
};

/// What died during a run and what that cost (semantics, section 12).
struct FaultStatistics {
  struct Part {
    uint64_t cycle = 0;
    PartRef part;
    /// It was dead or cut off already.
    bool already = false;
    /// PEA-cycles that gangs had spent on what they had to begin again.
    uint64_t lostPeaCycles = 0;
    /// From its death until all that it set back was at work again.
    uint64_t recoveryCycles = 0;
    uint64_t instancesSetBack = 0;
    uint64_t valuesLost = 0;
    uint64_t decisionsRepeated = 0;
    uint64_t messagesRepeated = 0;
  };
  struct Block {
    uint32_t workflow = 0;
    uint32_t block = 0;
    uint64_t setBack = 0;
    uint64_t reexecuted = 0;
  };
  /// The run had faults, though perhaps none before its end.
  bool enabled = false;
  uint64_t detectionCycles = 0;
  std::vector<Part> parts;
  std::vector<Block> blocks; ///< those with a number
  uint64_t lostPeaCycles = 0;
  uint64_t recoveryCycles = 0; ///< sum over the parts
  uint64_t instancesSetBack = 0;
  uint64_t valuesLost = 0;
  uint64_t valuesRemade = 0;
  uint64_t tasksReexecuted = 0;
  uint64_t reexecutedPeaCycles = 0;
  uint64_t joinsReexecuted = 0;
  uint64_t argumentsFetched = 0;
  /// Requests that went back to their arguments.
  uint64_t requestsRestarted = 0;
  uint64_t messagesRepeated = 0;
  uint64_t bytesRepeated = 0;
  uint64_t duplicatesDropped = 0;
  uint64_t decisionsRepeated = 0;
  uint64_t controlsMoved = 0;
  uint64_t replicasMoved = 0;
  /// MachineLost: what there is not enough of.
  std::string lacking;
};

/// Parts of an energy, in joules.
struct EnergyBreakdown {
  double compute = 0;
  double scratchpad = 0;
  double network = 0;
  double hbm = 0;
  double host = 0;
  double configuration = 0;
  double control = 0;
  double leakage = 0;
  /// Of the above: between dies (network), decisions of CBUs (control),
  /// clusters without their PEAs (leakage).
  double networkBetweenDies = 0;
  double decisions = 0;
  double clusterLeakage = 0;

  double total() const {
    return compute + scratchpad + network + hbm + host + configuration +
           control + leakage;
  }
};

/// The parts of the lower bound (semantics, section 11); the bound is the
/// largest.
struct LowerBound {
  uint64_t path = 0;
  uint64_t capacity = 0;
  uint64_t arrivals = 0;
  uint64_t host = 0;
  uint64_t hbm = 0;
  /// From the host port's cluster to the others, and back.
  uint64_t wayIn = 0;
  uint64_t wayOut = 0;
  /// Chains of the requests in flight, with gangs as large as that takes.
  uint64_t inFlight = 0;
  uint64_t cycles() const;
};

/// Measured on the host; the only part that differs between equal runs.
struct HostStatistics {
  double wallSeconds = 0;
  double eventsPerSecond = 0;
  double taskInstancesPerSecond = 0;
  uint64_t peakMemoryBytes = 0;
  /// Checkpoints that were written, and where in the run the last one was.
  uint64_t checkpoints = 0;
  uint64_t checkpointEvents = 0;
  uint64_t checkpointCycle = 0;
};

struct RunResult {
  std::string policy;
  std::vector<std::string> disabled;
  std::vector<std::string> policyOptions;
  uint64_t seed = 0;
  bool timingOnly = true;
  RunStatus status = RunStatus::Completed;

  uint64_t makespanCycles = 0;
  uint64_t requestsArrived = 0;
  uint64_t requestsCompleted = 0;
  uint64_t requestsFailed = 0;
  /// Completed after the warm-up within the scenario's sloCycles.
  uint64_t requestsInTime = 0;
  uint64_t sloCycles = 0; ///< 0: five times the longest chain of each request
  double goodputRequestsPerMegacycle = 0; ///< of those in time
  double throughputRequestsPerMegacycle = 0;
  /// From arrival to the results' leaving, of completed requests after warm-up.
  SampleSummary latency;
  /// From arrival to admission.
  SampleSummary admissionWait;
  /// Of every task instance, from ready to the start of compute.
  SampleSummary taskWait;
  std::vector<TenantStatistics> tenants;
  SteadyState steady;
  BlameResult blame;

  /// Computing PEA-cycles over those of live PEAs.
  double peaUtilization = 0;
  std::array<uint64_t, numPeaStates> peaCycles{};
  uint64_t totalPeas = 0;
  uint64_t livePeas = 0;
  uint64_t idleTransientPeaCycles = 0;
  uint64_t idleStructuralPeaCycles = 0;
  uint64_t idleContagiousPeaCycles = 0;
  IdleDepth idleDepth;
  /// Idle intervals shorter than this are transient.
  uint64_t breakEvenCycles = 0;

  LowerBound lowerBound;
  double ratioToLowerBound = 0;
  double energyJoules = 0;
  EnergyBreakdown energy;
  Counters counters;
  NetworkUse network;
  FaultStatistics faults;
  uint64_t events = 0;
  /// Sum over finished requests of realised work, in cycles on one PEA.
  uint64_t realisedWorkCycles = 0;

  std::vector<BlockStatistics> blocks;
  /// Instances of a block that the compiler expected of the requests that
  /// completed, in 1/65536.
  uint64_t predictedInstancesQ16(const BlockStatistics &block) const;
  /// Control blocks: how often each case or member was taken; loops: iterations
  /// that went on; fan-outs: copies. Task blocks: nothing.
  std::span<const uint64_t> outcomesOf(const BlockStatistics &block) const {
    return std::span(outcomeCounts)
        .subspan(block.outcomeBegin, block.numOutcomes);
  }
  std::vector<uint64_t> outcomeCounts; ///< of all control blocks
  /// In the order of the program's slots.
  std::vector<SlotStatistics> slots;
  /// By kernel of the program.
  std::vector<KernelStatistics> kernels;
  /// Computing PEA-cycles and idle PEA-cycles of each cluster, for heat maps.
  std::vector<uint64_t> clusterComputingPeaCycles;
  std::vector<uint64_t> clusterIdlePeaCycles;
  /// Of each cluster; add up to `energy`, but for roundings.
  std::vector<EnergyBreakdown> clusterEnergy;
  /// Failures in order of request; at most
  /// SimulationOptions::maxFailureReports.
  std::vector<RequestFailure> failures;
  /// Filled for Deadlock and limits.
  std::vector<BlockedInstance> blocked;
  /// From something that waits to what holds it up in the end.
  std::vector<WaitStep> waitChain;
  /// The step that the last one waits for again; ~0: it waits for none of them.
  uint32_t waitCycle = ~uint32_t(0);
  /// The open loops with most iterations, of runs that were ended.
  std::vector<OpenLoop> openLoops;

  /// By request number. Kept if SimulationOptions::keepRequests.
  std::vector<RequestRecord> requests;
  /// By request number, then result; empty for failed requests and in
  /// timing-only runs. Kept if SimulationOptions::keepOutputs.
  std::vector<std::vector<Tensor>> outputs;
  /// SHA-256 (hex) over all requests in order, whether their outputs are kept
  /// or not: for each its number (little-endian, 64 bits) and the 32 bytes of
  /// its own digest. That is the SHA-256 over, per result, element kind, rank
  /// and dims (each little-endian, 64 bits) and the elements; 32 bytes 0xff for
  /// a request without outputs. Empty in timing-only runs.
  std::string outputsSha256;
  /// Kept if SimulationOptions::recordOutcomes.
  std::vector<OutcomeRecord> outcomes;
  std::vector<uint64_t> outcomeDetails;

  HostStatistics host;
};

} // namespace octo

#endif // OCTO_RUNTIME_RUNRESULT_H
