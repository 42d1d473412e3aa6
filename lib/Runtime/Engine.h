//===- Engine.h - The simulator's state -------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One run. What there is in it is in Entities.h. Files: EnginePrepare.cpp (what
// is set up before), Engine.cpp (requests, frames, the event loop),
// EngineEntry.cpp (where requests come in), EngineControl.cpp (control blocks),
// EngineLoops.cpp (their iterations), EngineTasks.cpp (task instances and
// PEAs), EnginePlaces.cpp (where tasks wait), EngineSegments.cpp (timetables),
// EngineElastic.cpp (gangs and places that change), EngineStreams.cpp (values
// that go in chunks), EngineMemory.cpp (messages, memory, residencies),
// EngineFaultDraws.cpp (which parts die), EngineFaults.cpp (what their death
// changes), EngineSetBack.cpp (what begins again because of it),
// EngineLineage.cpp (values that are made again), EngineBlame.cpp (what came
// last), EngineEnergy.cpp (joules), EngineHostCut.cpp (what had to pass the
// host port's router), EngineTrace.cpp (what is told to a TraceSink),
// EngineBlocked.cpp (why nothing goes on), EngineResult.cpp (numbers after the
// run), EngineState.cpp (checkpoints: a new member is to be added there).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_ENGINE_H
#define OCTO_LIB_RUNTIME_ENGINE_H

#include "Blame.h"
#include "Entities.h"
#include "EventWheel.h"
#include "FaultState.h"
#include "FlitNetwork.h"
#include "HostCut.h"
#include "LaneRouter.h"
#include "LinkNetwork.h"
#include "Network.h"
#include "Pool.h"
#include "ProgramTables.h"
#include "ReadyQueue.h"
#include "SteadySeries.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/KernelCosts.h"
#include "octo/Program/Tag.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/Simulator.h"

#include <bit>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace octo {

struct Checkpoint;

class Engine {
public:
  Engine(const ProgramTables &tables, const SimulationOptions &options,
         KernelExecutor *executor, TraceSink *trace,
         const ProgressCallback &progress);

  /// Checks options and scenario against the program and sets the run up.
  Expected<void> prepare();
  Expected<RunResult> run();

private:
  friend class Scheduler;

  enum EventType : uint8_t {
    ArrivalEvent,
    HostInEvent,
    SendEvent,
    NetworkEvent,
    MessageEvent,
    TokenEvent,
    ReadyEvent,
    CompletionEvent,
    BoundaryEvent,
    DecisionEvent,
    JoinEvent,
    ResultEvent,
    DispatchEvent,
    CentralEvent,
    EpochEvent,
    WeightEvent,
    TickEvent,
    ChunkEvent,
    SpaceEvent,
    StrikeEvent,
    LimboEvent,
    RestoreEvent,
    SpaceBackEvent
  };

  enum TokenKind : uint8_t { ControlInput, ControlYield };

  // Engine.cpp: requests and frames.
  void push(uint64_t at, EventClass eventClass, EventType type, uint32_t entity,
            uint32_t payload, uint32_t version, uint16_t aux = 0) {
    wheel.push(at, {entity, eventClass, type, aux, payload, version});
  }
  struct SaveTimes;
  /// How far the run was when it was last told.
  struct Reported {
    uint64_t events;
    std::chrono::steady_clock::time_point time;
  };
  void handle(const Event &event);
  Expected<RunStatus> handleEvents(HostStatistics &host);
  Expected<void> save(HostStatistics &host);
  bool tellProgress(Reported &last);
  void fetchAhead();
  void pushFirstEvents();
  void arrive(uint32_t tenant);
  void scheduleArrival(uint32_t tenant);
  LaneRouter makeLaneRouter(const WorkflowInfo &workflow) const;
  void startBody(uint32_t request);
  void finishRequest(uint32_t request);
  void storeOutputs(OpenRequest &request);
  void closeRequest(uint32_t request);
  void reportFailure(const OpenRequest &request, uint32_t block,
                     std::string reason);
  void failRequest(uint32_t request, uint32_t block, std::string reason);
  Expected<void> makeArguments(OpenRequest &request);

  // EnginePrepare.cpp.
  Expected<void> prepareTenants();
  Expected<void> checkInputs(const Tenant &tenant) const;
  bool hasCode(const std::vector<uint8_t> &usedWorkflow) const;
  bool passesValues(const std::vector<uint8_t> &usedWorkflow) const;
  bool hasOutcomes(const BlockInfo &block) const;
  Expected<void> checkBlock(uint32_t block) const;
  Expected<void> checkTask(uint32_t block) const;
  void prepareKernels();
  void expectedSymbols(const BlockInfo &block,
                       std::vector<uint64_t> &symbols) const;
  void scaleVariants(const KernelInfo &kernel, uint32_t call);
  Expected<void> loadWeights(const std::vector<uint8_t> &usedWorkflow);
  std::vector<PeaMask>
  peasInReach(const std::vector<uint8_t> &usedWorkflow) const;
  Expected<void> prepareMachine(const std::vector<uint8_t> &usedWorkflow);
  void prepareQueues();
  void findLanePeas();
  void prepareSegments();
  uint64_t predictedCycles(const BlockInfo &block) const;
  void prepareNumbers();
  bool hasSeveralClasses() const;
  uint64_t requestBytes() const;
  Expected<void> prepareRequests();

  // EngineEntry.cpp: where requests come in.
  void prepareEntries();
  void tryAdmit();
  bool chooseEntry(OpenRequest &request);
  uint32_t clusterOfLane(const OpenRequest &request) const;
  void pastHostPort(uint32_t request);
  void argumentGone(Value &value);
  void requestLeft(const OpenRequest &request);

  uint64_t draw(const OpenRequest &request, uint32_t block, uint64_t tag,
                uint64_t number) const;
  /// What the request's record says of a block (number within the workflow) in
  /// the frame with this tag.
  std::span<const uint64_t> recorded(const OpenRequest &request, uint32_t block,
                                     uint64_t tag) const {
    return t.workflows[request.workflow].records.find(request.record, block,
                                                      tag);
  }
  bool sizeVaries(uint32_t value) const {
    return t.types[t.values[value].type].dynamic ||
           t.bytesDistribution(value) != noIndex;
  }
  uint64_t outputBytes(const Instance &instance, uint32_t output) const;
  uint64_t requestForProfile(const OpenRequest &request) const {
    return request.index + options.scenario.driftOffset;
  }
  bool profileDistribution(uint32_t profile, uint64_t request,
                           uint32_t &distribution) const;

  uint32_t openFrame(uint32_t region, uint32_t owner, uint32_t request,
                     uint32_t home, uint32_t index, uint32_t copy, uint64_t tag,
                     const Chain &path);
  void activateBlocks(uint32_t frame);
  void settleFrame(uint32_t frame, uint32_t count = 1);
  void freeFrame(uint32_t frame);
  void deliver(uint32_t frame, uint32_t slot, uint32_t value);
  void drain() {
    if (!deliveries.empty() || !resumes.empty() || faults)
      serveDeliveries();
  }
  void serveDeliveries();
  void consume(uint32_t frame, uint32_t slot, uint32_t value);
  void yielded(uint32_t frame, uint32_t yield, uint32_t value);
  void blockOver(uint32_t frame, uint32_t block);

  uint32_t newValue(uint64_t bytes, const Chain &path, uint32_t cluster,
                    uint32_t tbu, uint32_t request, bool token);
  void retain(uint32_t value) { ++values[value].refs; }
  void release(uint32_t value) {
    if (!--values[value].refs)
      dispose(value);
  }
  void dispose(uint32_t value);

  // EngineControl.cpp.
  uint32_t controlFor(uint32_t frame, uint32_t block);
  void controlInput(uint32_t frame, uint32_t block, uint32_t input,
                    uint32_t value);
  void controlArrived(uint32_t control, uint32_t input, uint32_t value);
  void controlYield(uint32_t control, uint32_t frame, uint32_t yield,
                    uint32_t value);
  void yieldArrived(uint32_t control, uint32_t frame, uint32_t yield,
                    uint32_t value);
  void requestDecision(uint32_t control, uint64_t iteration);
  /// End of the decision that the CBU was asked for last.
  uint64_t &decideAt(Control &control, uint64_t iteration) {
    return t.blocks[control.block].kind == BlockKind::Loop
               ? rowOf(control, iteration).decideAt
               : control.decideAt;
  }
  void decide(uint32_t control, uint64_t iteration);
  std::optional<uint64_t> evaluate(uint32_t control, uint64_t iteration);
  std::optional<uint64_t> callDecision(uint32_t control, uint64_t iteration);
  uint64_t drawDecision(Control &control);
  void openChild(uint32_t control, uint32_t region, uint32_t index,
                 uint32_t copy, LoopRow *row);
  void startCopies(uint32_t control);
  /// The row of an iteration, of which frames keep the lower half of the
  /// number; null if it is over, or nothing of it is there yet.
  static const LoopRow *findRow(const Control &control, uint64_t iteration) {
    for (const LoopRow &row : control.rows)
      if (row.iteration != never &&
          uint32_t(row.iteration) == uint32_t(iteration))
        return &row;
    return nullptr;
  }
  static LoopRow &rowOf(Control &control, uint64_t iteration) {
    return const_cast<LoopRow &>(*findRow(control, iteration));
  }
  void childFreed(uint32_t control, uint32_t frame);
  void requestJoin(uint32_t control);
  void finishJoin(uint32_t control);
  void maybeOver(uint32_t control);
  void freeControl(uint32_t control);
  void resume(uint32_t control);
  void sendToken(TokenKind kind, uint32_t control, uint32_t frame,
                 uint32_t input, uint32_t value);
  void joinArrived(uint32_t control, uint32_t slot, uint32_t value);
  void decideArrived(uint32_t control, uint32_t slot, uint32_t value);
  void resetRow(LoopRow &row);
  uint32_t regionOf(const BlockInfo &block, RegionRole role) const;
  uint32_t beforeRegion(const BlockInfo &block) const {
    return regionOf(block, RegionRole::Before);
  }
  uint32_t afterRegion(const BlockInfo &block) const {
    return regionOf(block, RegionRole::After);
  }
  bool importIsCarried(const BlockInfo &block, uint32_t region,
                       uint32_t import) const;
  uint32_t *inputWords(const Frame &frame, const BlockInfo &block) const {
    const RegionInfo &region = t.regions[frame.region];
    return frame.words + (region.blockEnd - region.blockBegin) +
           (block.inputBegin - region.inputBegin);
  }
  uint64_t decisionCycles(uint32_t block) const;
  std::array<uint64_t, 5> joinWork(const Control &control) const;
  uint64_t joinCycles(uint32_t block,
                      const std::array<uint64_t, 5> &work) const;
  uint64_t chargeJoin(uint32_t cluster, uint32_t block,
                      const std::array<uint64_t, 5> &work);
  uint32_t routedReplica(const BlockInfo &block, const Frame &frame) const;
  uint32_t weightValue(uint32_t weight, uint32_t request);
  /// What the block's kernel does at the sizes that are expected.
  uint32_t nominalCall(uint32_t block) const {
    return nominalCalls.empty() ? 0 : nominalCalls[block];
  }

  // EngineLoops.cpp.
  LoopRow *rowFor(Control &control, uint64_t iteration);
  void beginIteration(uint32_t control, uint64_t iteration);
  void carriedArrived(uint32_t control, uint64_t iteration, uint32_t k,
                      uint32_t value);
  void forwardedArrived(uint32_t control, uint64_t iteration, uint32_t j,
                        uint32_t value);
  bool isOnlyReader(uint32_t frame, uint32_t value);

  // EngineTasks.cpp.
  uint32_t instanceFor(uint32_t frame, uint32_t block, uint32_t first);
  uint32_t makeInstance(uint32_t frame, uint32_t block, uint32_t first);
  /// Words of the inputs of a task instance.
  uint32_t *taskWords(const Instance &instance) const {
    // The frame of a replay has nothing but them.
    return instance.replay
               ? frames[instance.frame].words
               : inputWords(frames[instance.frame], t.blocks[instance.block]);
  }
  void taskInput(uint32_t frame, uint32_t block, uint32_t input,
                 uint32_t value);
  void sendInput(uint32_t instance, uint32_t input, uint32_t value,
                 uint64_t at);
  uint64_t readThroughPort(uint32_t tbu, uint64_t bytes, uint64_t at);
  void inputDone(uint32_t instance, uint64_t at, uint32_t value);
  void allInputs(uint32_t instance);
  void makeReady(uint32_t instance);
  void enqueue(uint32_t instance);
  void unqueue(uint32_t instance);
  /// Takes an instance out of the backlog of its cluster, and of its TBU unless
  /// it was in the queue of the cluster.
  void subtractBacklog(Instance &instance) {
    if (instance.state >= InstanceState::Held || !traits.clusterQueues)
      tbus[instance.tbu].backlog -= instance.backlog;
    clusters[clusterOf(instance.tbu)].backlog -= instance.backlog;
    instance.backlog = 0;
  }
  void requestDispatch(uint32_t tbu);
  /// Something changed at a TBU: its scheduler, or the central one, is asked.
  void askScheduler(uint32_t tbu) {
    if (traits.central)
      requestCentral(now());
    else
      requestDispatch(tbu);
  }
  void requestCentral(uint64_t at);
  bool startInstance(uint32_t instance, uint32_t tbu, PeaMask peas);
  void realise(uint32_t instance);
  void findWork(Instance &instance, std::vector<uint64_t> &symbols);
  std::vector<Tensor> kernelInputs(const Instance &instance);
  void callKernel(Instance &instance, std::vector<uint64_t> &symbols);
  void priceWork(Instance &instance);
  void recordOutcome(const Instance &instance,
                     std::span<const uint64_t> symbols);
  uint64_t cyclesOf(const Instance &instance, uint32_t variant) const;
  void maybeCompute(uint32_t instance);
  void complete(uint32_t instance);
  const BlockInfo *firstTaker(uint32_t output) const;
  void fetchForEnd(uint32_t block);
  /// The records of TBUs and clusters are not in the nearest caches.
  bool isSpacious() const { return m.tbus >= 1024; }
  void fetchForStart(const Instance &instance) const;
  void fetchForCommit(const Instance &instance);
  void fetchTakers(const Frame &frame, uint32_t slot) const;
  void countTask(const Instance &instance);
  void learn(uint32_t block, uint64_t cycles);
  void commit(Instance &instance, const Chain &path, uint32_t lineage,
              uint32_t node);
  void freeInstance(uint32_t instance);
  /// Why a gang ends: with its instance, for another gang, or for nothing.
  enum class GangEnd : uint8_t { Completed, GoesOn, Cancelled, Lost };
  void account(Instance &instance, uint64_t until,
               GangEnd end = GangEnd::Cancelled);
  bool isContagious(const Instance &by, uint64_t since, uint64_t until) const;
  void claim(Instance &instance, uint32_t tbu, PeaMask peas);
  void freePeas(uint32_t tbu, PeaMask peas);
  void idleEnded(uint32_t tbu, uint32_t pea, uint64_t until,
                 const Instance *by);
  void cancelInstance(uint32_t instance);
  void releaseInputs(Instance &instance);
  void letGo(Instance &instance);
  bool holdInputs(uint32_t instance);
  void pinInput(const Instance &instance, uint32_t &word);
  uint32_t classOf(uint32_t kernel) const { return t.kernels[kernel].peaClass; }
  uint32_t leastGang(uint32_t kernel) const {
    return t.variants[t.kernels[kernel].variantBegin].gang;
  }
  /// Are these PEAs enough for a kernel?
  bool suffice(PeaMask peas, uint32_t kernel) const {
    return uint32_t(std::popcount(peas)) >= leastGang(kernel);
  }
  void wakeAt(uint32_t tbu, uint64_t at);
  void removeRunning(uint32_t instance);
  uint32_t variantFor(uint32_t kernel, uint32_t gang) const;
  uint64_t expectedCycles(uint32_t block, uint32_t gang) const;
  bool hasSlot(const Instance &instance) const;
  bool isKept(const SegmentInfo &segment) const {
    return !traits.clusterQueues || segment.slotEnd - segment.slotBegin > 1;
  }
  uint64_t plannedStart(const Instance &instance) const;
  void setFree(uint32_t tbu, PeaMask free);
  void schedule(uint32_t instance);

  // EngineSegments.cpp.
  uint64_t keptUntil(uint32_t tbu, PeaMask peas, uint64_t expected,
                     uint32_t instance);
  bool slotBegun(const Keep &keep, uint32_t slot) const;
  bool slotPassed(const Keep &keep, uint32_t slot);
  void activateSegments(uint32_t frame);
  void layOutLane(uint32_t segment, uint32_t lane);
  uint64_t sharedInterval(uint32_t segment, uint32_t lane) const;
  const ReplicaInfo &replicaOfSlot(uint32_t slot, uint32_t lane) const;

  // EngineElastic.cpp.
  bool resizeInstance(uint32_t instance, PeaMask peas);
  void boundary(uint32_t instance);
  bool moveInstance(uint32_t instance, const Place &place, bool asked = false);

  // EngineStreams.cpp.
  StreamTask &streamTaskOf(Instance &instance);
  void openStreams(uint32_t instance);
  void scheduleTick(uint32_t instance);
  void tick(uint32_t instance);
  bool isBlocked(const StreamTask &task) const;
  void stall(uint32_t instance);
  void resumeStalled(uint32_t instance, uint64_t movingSince);
  void sendChunk(uint32_t stream);
  void chunkArrived(uint32_t stream, uint32_t generation, uint32_t chunk);
  void spaceFreed(uint32_t stream);
  void closeStream(uint32_t stream);
  void endStreams(uint32_t instance);
  void leaveStreams(uint32_t instance);
  bool comesInChunks(uint32_t block, uint32_t input) const {
    return streaming && t.streamTo(t.blocks[block].inputBegin + input);
  }
  bool isStalled(const Instance &instance) const {
    return instance.streams != noIndex && streamTasks[instance.streams].stalled;
  }
  bool reportStall(const Instance &instance, BlockedInstance &report) const;
  bool onlyStreamed(const Instance &instance, uint32_t output) const;
  Chain pathTo(const Instance &instance, uint32_t value) const;
  Chain pathThrough(const Instance &instance) const;
  void notePath(uint32_t value, const Instance &instance);

  // EnginePlaces.cpp.
  void place(uint32_t instance, uint32_t first);
  uint32_t queueOf(const Instance &instance, uint32_t lane) const;
  bool moveTo(uint32_t instance, const Place &place);
  bool stage(uint32_t instance, uint32_t tbu);
  void unstage(Instance &instance, uint32_t id);
  bool codeFits(uint32_t tbu, uint32_t kernel) const;
  void bringToTbu(Instance &instance, uint64_t at);
  uint64_t commandTbu(uint32_t tbu);
  void releaseCode(uint32_t tbu, uint32_t kernel);
  void showStatus(uint32_t cluster);
  void report(uint32_t cluster);
  /// The TBU that stands for the place where an instance is queued.
  uint32_t dispatchUnit(uint32_t tbu) const {
    return traits.clusterQueues ? tbu - tbu % m.tbusPerCluster : tbu;
  }

  // EngineMemory.cpp.
  uint32_t newMessage(MessageKind kind, uint32_t target,
                      uint32_t targetGeneration, uint32_t aux, uint32_t value,
                      uint32_t request, uint32_t from, uint32_t to,
                      uint64_t bytes);
  void send(uint32_t message, uint64_t at);
  void sendValue(MessageKind kind, uint32_t target, uint32_t targetGeneration,
                 uint32_t aux, uint32_t value, uint32_t to, uint64_t at);
  Expected<void> prepareNetwork();
  void enterMesh(uint32_t message);
  void moveMesh();
  void wakeMesh(uint64_t at);
  void leaveMesh(uint32_t message);
  void countHops(const Message &message);
  uint64_t transferCycles(uint32_t from, uint32_t to, uint64_t bytes);
  /// All requests are over, and what was written is in memory.
  bool isOver() const {
    return finishedRequests == totalRequests && !heldInstances &&
           !spillsUnderWay;
  }
  void networkResult(NetworkUse &use) const;
  void arrived(uint32_t message);
  void deliverMessage(MessageKind kind, uint32_t target,
                      uint32_t targetGeneration, uint32_t aux, uint32_t value,
                      uint64_t at);
  uint64_t tokenDelay(uint32_t from, uint32_t to);
  uint64_t loadCode(uint32_t tbu, uint32_t kernel, uint64_t at, uint64_t &begin,
                    uint32_t block);
  uint64_t codeLoadCycles(uint32_t cluster, uint32_t kernel) const;
  bool isResident(uint32_t tbu, uint32_t kernel) const;
  static const ResidentCode *leastRecent(const TbuState &tbu,
                                         const ResidentCode *previous);
  uint64_t codeDelay(uint32_t tbu, uint32_t kernel) const;
  uint64_t codeLoss(uint32_t tbu, uint32_t kernel) const;
  bool codeHasRoom(uint32_t tbu, uint32_t kernel) const {
    return !m.configStore || isResident(tbu, kernel) ||
           tbus[tbu].codeBytes + t.kernels[kernel].codeBytes <= m.configStore;
  }
  ResidentWeight &weightAt(uint32_t cluster, uint32_t weight, uint64_t at);
  void fetchWeight(uint32_t cluster, uint32_t weight, uint64_t at);
  void weightArrived(uint32_t cluster, uint32_t weight, uint64_t at);
  void park(uint32_t cluster, uint64_t bytes);
  void unpark(uint32_t cluster, uint64_t bytes);
  void makeRoom(uint32_t cluster);
  void spill(uint32_t value);
  void touch(uint32_t value);
  void bringHome(uint32_t instance, uint32_t input, uint32_t value,
                 uint32_t others, uint64_t at);
  bool leaveAway(uint32_t instance, uint32_t input, uint32_t value);
  void fetchAway(uint32_t instance, uint64_t at);
  uint64_t hbmService(uint32_t port, uint64_t bytes, uint64_t at);

  // EngineBlame.cpp.
  /// What follows happens because of this step.
  void because(uint32_t step) { blame.assign(cause, step); }
  uint32_t openingStep(uint32_t control, LoopRow *row);
  uint32_t begunBy(uint32_t step) const;
  void decisionStep(uint32_t control, uint64_t iteration, uint64_t start,
                    uint64_t finish);
  void joinStep(uint32_t control, uint64_t start, uint64_t finish);
  void hostStep(uint32_t request);
  BlameCause arrivalCause(const Instance &instance) const;
  void lostStep(Instance &instance);
  void computeStep(Instance &instance);
  void endComputeStep(Instance &instance);
  void resizeStep(Instance &instance, uint64_t cycles);
  void workedStep(Instance &instance, uint64_t cycles);
  void firstChunkStep(const Instance &producer, Stream &stream);
  void carriedStep(LoopRow &row);
  void blameRequest(const OpenRequest &request);

  // EngineTrace.cpp; all but flowKey for who watches only.
  void prepareTrace();
  static uint64_t flowOf(uint64_t frameKey, uint32_t block, uint32_t input);
  uint64_t flowKey(const Frame &frame) const;
  void traceGang(const Instance &instance, uint64_t until, GangEnd end);
  WaitCause waitCauseOf(const Instance &instance) const;
  void traceBroken(uint32_t tbu, PeaMask peas, uint64_t since, uint64_t until);
  void traceHold(HoldSpan::Kind kind, uint32_t block, uint32_t tbu,
                 PeaMask peas, uint64_t start, uint64_t finish);
  void traceTransfer(const Message &message);
  void traceHandOver(uint32_t frame, const Consumer &consumer);
  void traceBlame(const BlameOfRequest &request);
  void traceSample();
  void traceEnd(uint64_t end);

  // EngineFaultDraws.cpp.
  Expected<void> prepareFaults(const std::vector<uint8_t> &usedWorkflow);
  Expected<void> addNamedFault(const FaultRule &rule);
  std::vector<std::pair<MachineFault, uint32_t>> liveParts(PartKind kind) const;
  Expected<void> drawFaults(const FaultRule &rule, uint32_t number);

  // EngineFaults.cpp.
  void strikeNext();
  void strike(const MachineFault &fault);
  bool killParts(const MachineFault &fault, std::vector<PeaMask> &died);
  void removePeas(const std::vector<PeaMask> &before,
                  const std::vector<PeaMask> &died);
  void addUsable();
  void rebuildFreeSets();
  std::string lacking() const;
  bool closeMesh(std::vector<uint32_t> &dropped);
  bool rehomeReplicas();
  uint32_t nearestTbu(uint32_t kernel, uint32_t cluster) const;
  PeaMask eligibleAt(uint32_t tbu, uint32_t kernel) const;
  bool suits(uint32_t tbu, uint32_t kernel) const;
  bool canRun(const Instance &instance) const;
  void loseValues(uint32_t fault);
  bool hasLostInput(const Instance &instance) const;
  void replaceCbus();
  std::vector<VoidCode> voidCode(const std::vector<uint32_t> &ports) const;
  bool isHit(const Instance &instance,
             const std::vector<VoidCode> &codes) const;
  uint32_t newPlace(const Instance &instance) const;
  std::vector<SetBack> whomToSetBack(const std::vector<VoidCode> &codes) const;
  void clearStores(const std::vector<PeaMask> &before,
                   const std::vector<VoidCode> &codes);
  CapacityStep capacityNow() const;
  void closeFaultAccounts(uint64_t end);
  uint64_t capacityReached(uint64_t from, uint64_t work, unsigned c) const;
  FaultStatistics faultResult();

  // EngineSetBack.cpp.
  void beginAgain(const SetBack &entry, uint64_t at);
  void gatherAway(uint64_t at);
  void detach(uint32_t instance, bool keep, uint32_t fault, uint64_t at);
  void gather(uint32_t instance, uint64_t at);
  void keepInputs(uint32_t instance, uint32_t from, uint64_t at);
  void layOutQueues();
  void relayLanes();
  void moveControls(uint64_t at);
  void moveControl(uint32_t control, uint32_t cluster, uint64_t at);
  void endLimbo();
  bool mayEnter(uint32_t message);
  bool mayDeliver(uint32_t message);
  void repeat(uint32_t message, uint64_t at);
  void computesAgain(uint32_t instance);

  // EngineLineage.cpp.
  uint32_t newLineage(MadeBy by, uint32_t block, uint32_t request,
                      uint32_t cluster);
  void madeBy(uint32_t lineage, uint32_t value);
  void addInput(uint32_t lineage, uint32_t word);
  uint32_t taskLineage(Instance &instance);
  void settleLineage(uint32_t lineage);
  bool keepRecord(uint32_t value);
  void want(uint32_t value, uint64_t at);
  void awaitValue(MessageKind kind, uint32_t target, uint32_t targetGeneration,
                  uint32_t aux, uint32_t value, uint64_t at);
  void remakeWanted();
  void remake(uint32_t value, uint64_t at);
  void replayTask(uint32_t lineage, uint64_t at);
  void finishReplay(uint32_t instance);
  void cancelReplays(uint32_t request);
  void remakeArrived(uint32_t lineage);
  bool waiterStands(const LostWaiter &waiter) const;
  template <class Wanted>
  std::vector<LostWaiter> takeWaiters(Wanted wanted);
  void dropWaiters();
  void restore(uint32_t lineage, uint32_t cluster, uint32_t tbu);

  // EngineResult.cpp.
  void closeAccounts(uint64_t end);
  RunResult result(RunStatus status, uint64_t end);
  void requestResult(RunResult &r);
  void peaResult(RunResult &r) const;
  void takeRecords(RunResult &r);
  /// When work that is there from cycle `from` on can be done at the earliest
  /// by the live PEAs of class `c`; 3: by all.
  uint64_t workDoneBy(uint64_t from, uint64_t work, unsigned c) const;
  uint64_t arrivalBound() const;
  LowerBound lowerBound(RunStatus status) const;
  uint64_t inFlightBound() const;
  uint64_t inClosedLoops() const;
  void prepareTimePrice();
  /// Time in which no PEA is held.
  Chain chainOf(uint64_t cycles) const {
    return {
        cycles,
        uint64_t(static_cast<unsigned __int128>(cycles) * timePriceQ16 >> 16)};
  }
  void latenciesAlone(RunResult &r) const;

  // EngineEnergy.cpp.
  void chargeTask(const Instance &instance);
  EnergyBreakdown energyOf(const EnergyCounts &counts, uint64_t hostBytes,
                           uint64_t peaCycles, uint64_t clusterCycles) const;
  void energyResult(RunResult &result, uint64_t end);

  // EngineHostCut.cpp.
  void prepareHostCut();
  void cutArgument(uint32_t request, uint32_t value);
  uint32_t cutTask(const Instance &instance);
  uint32_t cutOutput(const Instance &instance, uint32_t node, uint32_t output);
  uint32_t cutJoin(const Control &control);

  // EngineBlocked.cpp.
  struct BlockInFrame {
    uint32_t frame, block;
    bool operator==(const BlockInFrame &) const = default;
  };
  uint32_t producerOf(uint32_t region, uint32_t value) const;
  uint32_t missingInput(const BlockInFrame &at) const;
  bool findMaker(uint32_t value, BlockInFrame &at) const;
  bool waitsInStream(const Instance &instance, BlockInFrame &at,
                     std::string &what) const;
  bool whoHolds(BlockInFrame &at, std::string &what) const;
  void reportChain(const std::vector<BlockInFrame> &starts,
                   RunResult &result) const;
  void reportLoops(RunResult &result) const;
  struct Waiter {
    uint32_t order; ///< of its request
    uint64_t since;
    bool control;
    uint32_t id; ///< into controls or instances
    BlockInFrame at;
  };
  std::vector<Waiter> waiters() const;
  bool reportMissing(const BlockInFrame &at, BlockedInstance &report) const;
  void reportControl(const Control &control, BlockedInstance &report) const;
  void reportInstance(const Instance &instance, BlockedInstance &report) const;
  void reportBlocked(RunResult &result) const;

  // EngineState.cpp.
  template <class Archive>
  void state(Archive &a);
  template <class Archive>
  void frameWords(Archive &a);
  template <class Archive>
  void changedTables(Archive &a);
  Expected<void> followTables();
  Checkpoint describe();
  Expected<void> checkCheckpoint() const;
  Expected<void> saveCheckpoint();
  Expected<void> loadCheckpoint();

  uint64_t now() const { return wheel.now(); }
  uint64_t epochPeriod() const;
  uint32_t clusterOf(uint32_t tbu) const { return m.clusterOf(tbu); }

  /// With faults the tables change with the machine: a copy of its own.
  std::unique_ptr<ProgramTables> ownTables;
  const ProgramTables &t;
  KernelCosts costs;
  const MachineTables &m;
  SimulationOptions options;
  KernelExecutor *executor;
  TraceSink *trace;
  const ProgressCallback &progress;
  std::unique_ptr<Policy> policy;
  PolicyTraits traits;
  std::unique_ptr<Scheduler> scheduler;
  bool functional = false;

  EventWheel wheel;
  Pool<Value> values;
  std::vector<Tensor> tensors; ///< by value; functional runs
  Pool<Frame> frames;
  Pool<Instance> instances;
  Pool<Control> controls;
  Pool<OpenRequest> requests;
  Pool<Message> messages;
  Pool<Token> tokens;
  Pool<Stream> streams;
  Pool<StreamTask> streamTasks;
  bool streaming = false; ///< the policy admits segments as wholes
  /// By value, where the program has streams: the longest chain up to the start
  /// of the task that made it, and the task at its best.
  struct MadeOn {
    Chain start, best;
  };
  std::vector<MadeOn> madeOn;
  std::vector<std::vector<Tensor>> resultPool;
  std::vector<uint32_t> freeResults;
  std::vector<std::string> traps; ///< by instance of resultPool
  /// Free frames' words, by region.
  std::vector<std::vector<uint32_t *>> freeWords;
  std::vector<std::unique_ptr<uint32_t[]>> wordStorage;
  std::vector<std::vector<SegmentActivation>> segmentActivations;
  std::vector<uint32_t> freeActivations;
  /// Served from `firstDelivery` on, emptied when all are.
  std::vector<Delivery> deliveries;
  size_t firstDelivery = 0;
  std::vector<std::pair<uint32_t, uint32_t>> resumes;

  std::vector<TbuState> tbus;
  std::vector<ClusterState> clusters;
  std::vector<ClusterTraffic> traffic; ///< by cluster
  std::vector<uint64_t> idleSince;     ///< per PEA; never: held or not usable
  std::vector<uint32_t> lastKernel;    ///< per PEA
  std::vector<ReadyQueue> lanes;
  std::vector<uint32_t> laneFirst; ///< per TBU, + 1
  std::vector<PeaMask> lanePeas;   ///< by lane
  std::vector<PeaMask> laneWaits;  ///< the same, of lanes that are not empty
  std::vector<ReadyQueue> central; ///< per PEA class
  uint64_t centralFree = 0;
  uint64_t centralAt = never;
  /// By class and gang: TBUs with at least that many free PEAs of the class.
  struct TbuSet {
    std::vector<uint64_t> words, summary;
    void set(uint32_t i, bool on);
    uint32_t first() const;
  };
  std::vector<TbuSet> freeSets;
  std::array<uint64_t, 3> freePerClass{};
  uint32_t readySequence = 0;

  /// The mesh; one of the three.
  NetworkShape mesh;
  MeshRoutes routes;
  std::unique_ptr<LinkNetwork> linkNetwork;
  std::unique_ptr<Network> network;
  std::unique_ptr<FlitNetwork> flitNetwork;
  std::vector<NetworkDelivery> delivered;
  uint64_t meshAt = never;            ///< its next event
  std::unique_ptr<FaultState> faults; ///< null without faults
  std::vector<uint64_t> hbmFree;
  uint64_t hostInFree = 0, hostOutFree = 0;
  std::vector<Entry> entries;       ///< by cluster
  std::vector<uint32_t> entryBlock; ///< by workflow: task that starts a request

  /// Per (segment, lane): the last admission, and the least distance of two.
  std::vector<uint64_t> laneAdmitted, laneInterval;
  std::vector<uint32_t> segmentLaneBegin;
  /// Slots of (segment, lane) grouped by TBU in order of start.
  std::vector<uint32_t> slotOrder;
  struct SlotGroup {
    uint32_t tbu, begin, end;
  };
  std::vector<SlotGroup> slotGroups;
  std::vector<std::pair<uint32_t, uint32_t>> laneGroups;

  std::vector<TenantState> tenants;
  std::deque<uint32_t> waitingRequests; ///< arrived, not admitted
  std::vector<RequestRecord> records;
  std::vector<uint64_t> requestWork; ///< by number: capacity work
  /// The same by class; empty where the machine has one class only.
  std::vector<std::array<uint64_t, 3>> requestClassWork;
  std::vector<uint64_t> requestPath;
  std::vector<std::vector<Tensor>> outputs;
  std::vector<std::string> outputDigests;
  uint64_t totalRequests = 0;
  uint64_t openRequests = 0;
  uint64_t requestsInTime = 0;
  uint64_t finishedRequests = 0;
  uint64_t admittedOpen = 0;
  uint64_t heldInstances = 0;
  uint64_t spillsUnderWay = 0; ///< messages
  uint64_t lastEpoch = 0;
  uint32_t quietEpochs = 0; ///< in a row, with nothing before them
  uint32_t arrivalOrder = 0;
  std::vector<LaneRouter> laneRouters; ///< by workflow (traits.warmLanes)
  uint64_t valueSequence = 0;
  std::vector<Distribution> gaps; ///< between arrivals, by tenant

  std::vector<Tensor> weightTensors;
  /// By block: what its kernel does at the sizes that are expected, into costs;
  /// empty without kernels that state work.
  std::vector<uint32_t> nominalCalls;
  std::vector<uint64_t> variantScaleQ16; ///< against one PEA
  std::vector<uint64_t> learnedQ16;      ///< by block: mean of what completed
  std::vector<uint8_t> learnedCount;     ///< by block: of how many, up to 4

  // Numbers.
  Counters counters;
  std::array<uint64_t, numPeaStates> peaCycles{};
  Blame blame;
  uint32_t cause = noIndex; ///< of what happens at present
  IdleDepth idleDepth;
  SteadySeries steady;
  uint64_t idleTransient = 0, idleStructural = 0, idleContagious = 0;
  uint64_t breakEvenCycles = 1;
  uint64_t usablePeas = 0;
  std::vector<BlockStatistics> totals;    ///< by block
  std::vector<uint64_t> outcomeCounts;    ///< of control blocks
  std::vector<SlotStatistics> slotTotals; ///< by slot, if the policy knows them
  std::vector<EnergyCounts> energyCounts; ///< by cluster
  std::vector<KernelStatistics> kernelTotals; ///< by kernel
  std::array<uint64_t, 4> capacityByClass{};  ///< 3: machine lacks the class
  uint64_t realisedWork = 0;
  uint64_t hostInTotal = 0, hostOutTotal = 0;
  /// Price of a request's cycle against that of a PEA's, for the bound by
  /// requests in flight; 0: that bound is none.
  uint64_t timePriceQ16 = 0;
  uint64_t chainExtra = 0; ///< of requests of closed loops that are over
  std::unique_ptr<HostCut> hostCut; ///< null where it cannot set the bound
  WaitTotals taskWait;
  WaitTotals admissionWait;
  std::vector<WaitTotals> latency; ///< all, then by tenant
  std::vector<uint8_t> kernelUsed, weightUsed;
  std::vector<RequestFailure> failures;
  std::vector<OutcomeRecord> outcomes;
  std::vector<uint64_t> outcomeDetails;

  // For who watches.
  uint64_t nextSample = never;
  uint64_t lastSample = 0, lastLinkBusy = 0;
  std::vector<bool> madeByTask; ///< by value of the program
  std::vector<bool> taskBlocks; ///< by block
  std::vector<uint64_t> flowsIn, flowsOut, scratchpadUse;

  std::string fatal; ///< an inconsistency; ends the run with an error
  uint64_t events = 0;
  uint64_t lastActivity = 0;
};

/// Slots of joins that are inits, not results of members or copies.
inline constexpr uint32_t initSlot = 0x80000000u;

/// Cycles of a variant that takes `scaleQ16` of them where the first takes one.
inline uint64_t scaledCycles(uint64_t cycles, uint64_t scaleQ16) {
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(cycles) * scaleQ16 + 65535) >> 16);
}

inline uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/// Writes element `index`, converted from `value` as a C cast or, for f16 and
/// bf16, by rounding to nearest even.
void setElement(Tensor &tensor, int64_t index, double value);

/// Element `index` of a tensor of integers; I1 is 0 or 1. 0 for other kinds.
int64_t integerElement(const Tensor &tensor, int64_t index);

/// Combines `parts` in order onto `init` as a Join kernel does: element by
/// element or along dimension 0. Parts and init have equal kinds.
Expected<Tensor> combineTensors(CombineKind kind, const Tensor &init,
                                std::span<const Tensor> parts);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_ENGINE_H
