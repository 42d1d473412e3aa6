//===- Policy.h - Run-time scheduling policies ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface of a scheduling policy, the registry of policies, and what a
// policy may see and do. A policy decides where an instance goes, when it
// starts, on which PEAs, and when its gang changes; the engine charges every
// action. What a policy sees are queues, compile-time estimates, means of what
// has completed, and the status of other clusters as old as the control plane
// makes it (semantics, section 10). It never sees what an instance that has not
// completed is going to cost.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_POLICY_H
#define OCTO_RUNTIME_POLICY_H

#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

class Engine;

/// Handle of a task instance; valid until the instance has completed.
using InstanceId = uint32_t;
inline constexpr uint32_t noIndex = 0xffffffffu;

/// A set of PEAs of one TBU, bit i being its PEA i. Machines have up to 64 PEAs
/// a TBU.
using PeaMask = uint64_t;

/// Which PEAs a program may use under a policy; the other live ones count as
/// unallocated.
enum class Reach : uint8_t {
  /// The PEA ranges of the active replicas.
  Shares,
  /// All PEAs of the clusters that hold a replica.
  Clusters,
  /// All PEAs of the machine.
  Machine
};

/// How the engine has to serve a policy.
struct PolicyTraits {
  /// False: an instance is bound to a TBU when its first input is on the way;
  /// inputs are sent there and the TBU's local scheduler dispatches. True: one
  /// central queue; an instance is ready when its inputs exist anywhere and is
  /// bound when it is dispatched; inputs move while it holds its PEAs.
  bool central = false;
  /// Segment slots are kept for their owners (semantics, section 10).
  bool segments = false;
  /// `epoch` is called every PolicyTable.epoch_cycles.
  bool epochs = false;
  /// With `central` false: `dispatch` is not called for a TBU with nothing in
  /// its queues. For policies that would do nothing then.
  bool onlyQueued = false;
  /// With `central` false: an instance is bound to a cluster first. Inputs go
  /// to the scratchpad of the cluster, what is ready waits in one queue a class
  /// of the cluster, and `dispatch` is called with the first TBU of the
  /// cluster; it may start or stage an instance at any TBU of the cluster. The
  /// scheduler of the cluster decides one thing at a time and commands the
  /// TBUs.
  bool clusterQueues = false;
  /// With neither of them: a TBU has one queue a PEA, and the policy says which
  /// one an instance waits in (Place::lane).
  bool queuePerPea = false;
  Reach reach = Reach::Shares;
  /// The host port chooses the lane of a request instead of counting requests:
  /// it weighs the load of lanes in use against filling one more with code and
  /// weights (semantics, section 10).
  bool warmLanes = false;
};

/// What a policy may know of a waiting or running instance.
struct InstanceInfo {
  uint64_t request;
  uint64_t priority; ///< compile-time upward rank, cycles
  uint64_t readySince;
  uint64_t expectedCycles; ///< on one PEA: table, or mean of what completed
  uint64_t inputBytes;     ///< parked at its present TBU's cluster
  uint32_t workflow;
  uint32_t block;
  uint32_t kernel;
  uint32_t tbu;     ///< where it is queued or runs, global number
  uint32_t replica; ///< of its block; noIndex when moved off all
  uint32_t note;    ///< what the policy has given it with its place
  bool moved;       ///< handed over by an action before
  bool staged;      ///< waits at a TBU of its cluster (Scheduler::stage)
};

/// Where a new instance waits.
struct Place {
  uint32_t tbu = noIndex;
  /// With traits.queuePerPea: the queue of the TBU, by the number of a PEA.
  uint32_t lane = 0;
  /// Anything; it comes back with InstanceInfo.
  uint32_t note = 0;
  /// The central dispatcher has decided this: its time is charged, and the way
  /// of its command.
  bool central = false;
};

/// What is known of a task block.
struct BlockOutlook {
  uint32_t kernel;
  /// How often it runs a request: the compiler's number, and once a few
  /// requests have ended what the CBUs count.
  uint64_t countQ16;
  /// Of one instance on one PEA: the compiler's number, then a moving average
  /// of what has completed.
  uint64_t cycles;
};

/// What a policy works with. Queries cost host time only; every action costs
/// simulated time and energy as docs/timing-model.md says.
class Scheduler {
public:
  explicit Scheduler(Engine &engine) : engine(engine) {}

  /// The present cycle.
  uint64_t now() const;

  // The machine. Clusters, TBUs and HBM ports have numbers from 0; TBUs are
  // numbered over all clusters, `tbusPerCluster` a cluster. PEAs of a TBU are
  // bits of a mask, the lowest PEA 0.
  uint32_t numClusters() const;
  /// Clusters in a row of the mesh; cluster = y * meshWidth + x.
  uint32_t meshWidth() const;
  uint32_t tbusPerCluster() const;
  /// The cluster of the host port, where requests enter and leave.
  uint32_t hostCluster() const;
  uint32_t numTbus() const;
  /// PEAs that are alive and that the host port can reach.
  PeaMask livePeas(uint32_t tbu) const;
  /// Live PEAs of the TBU that can run `kernel`: those of its class, or all
  /// when the machine has none of that class.
  PeaMask eligiblePeas(uint32_t tbu, uint32_t kernel) const;
  /// PEAs of the TBU that the program may use and nobody holds.
  PeaMask freePeas(uint32_t tbu) const;
  /// Hops of the control plane between two clusters.
  uint32_t distance(uint32_t clusterA, uint32_t clusterB) const;
  /// Cycles to load the median kernel of the program: idle time shorter than
  /// this does not pay a reconfiguration.
  uint64_t breakEven() const;
  /// Cycles to load a kernel into a TBU of `cluster`, its port being free.
  uint64_t codeLoadCycles(uint32_t cluster, uint32_t kernel) const;
  /// The store of a TBU has no room for all code of the program.
  bool codeIsScarce() const;
  /// Cycles of `bytes` from one cluster to another on an idle mesh.
  uint64_t transferCycles(uint32_t from, uint32_t to, uint64_t bytes) const;
  /// Since when PEA `pea` of a TBU has been idle; ~0 if it is not.
  uint64_t idleSince(uint32_t tbu, uint32_t pea) const;

  // Waiting and running instances.
  /// Ready instances wait in lanes: with Reach::Shares one a distinct share of
  /// the TBU, else one a class of PEAs. The lanes of a TBU are [firstLane(tbu),
  /// firstLane(tbu + 1)).
  uint32_t firstLane(uint32_t tbu) const;
  /// The best up to 32 instances of a lane: slots of timetables by planned
  /// start, then older requests first, then higher priority, then order of
  /// readiness. Valid until the next action.
  std::span<const InstanceId> queue(uint32_t lane) const;
  /// Instances in a lane, also beyond those that `queue` shows.
  uint32_t queueSize(uint32_t lane) const;
  /// What waits at the front of a lane, and the PEAs that the lane serves.
  struct Head {
    InstanceId instance;
    PeaMask share;
  };
  /// The fronts of the lanes of a TBU that are not empty and serve any of
  /// `peas`, best first as by `precedes`.
  void heads(uint32_t tbu, PeaMask peas, std::vector<Head> &result) const;
  /// The order of a lane between instances of different lanes.
  bool precedes(InstanceId a, InstanceId b) const;
  /// The central queue (traits.central) of a class of PEAs, in order of
  /// readiness, up to 32, and its full length.
  std::span<const InstanceId> centralQueue(uint32_t peaClass) const;
  uint32_t centralQueueSize(uint32_t peaClass) const;
  /// The central dispatcher is busy with a decision; it will be asked again.
  bool dispatcherBusy() const;
  /// With traits.central: free PEAs that can run `kernel`, and the first TBU
  /// with at least `peas` of them (noIndex: none).
  uint64_t numFreePeas(uint32_t kernel) const;
  uint32_t findTbu(uint32_t kernel, uint32_t peas) const;
  /// Instances that hold PEAs of the TBU, in no order. Valid until the next
  /// action.
  std::span<const InstanceId> running(uint32_t tbu) const;
  /// Which queue of its TBU an instance waits in (traits.queuePerPea).
  uint32_t laneOf(InstanceId instance) const;
  InstanceInfo info(InstanceId instance) const;
  /// The kernel alone, which costs less.
  uint32_t kernelOf(InstanceId instance) const;
  /// The live PEAs of its replica's share; none when it was moved off all.
  PeaMask shareOf(InstanceId instance) const;
  /// The PEAs that a running instance holds at present, before a resize that is
  /// under way.
  PeaMask gangOf(InstanceId instance) const;
  /// Cycles since the compute phase of a running instance began, or since its
  /// last resize; ~0 if it does not compute or is being resized.
  uint64_t runningFor(InstanceId instance) const;
  /// What re-forming a gang costs beside moving its footprint.
  uint64_t resizeCycles() const;
  /// Expected cycles of an instance of this block on a gang of `peas`, by the
  /// best variant of at most that size.
  uint64_t expectedCycles(uint32_t workflow, uint32_t block,
                          uint32_t peas) const;
  /// The program has workflows of tasks only: no branch, loop or fan-out.
  bool isGraph() const;
  uint32_t numWorkflows() const;
  uint32_t numBlocks(uint32_t workflow) const;
  bool isTask(uint32_t workflow, uint32_t block) const;
  /// The compiler's: upward rank with communication, in cycles.
  uint64_t priority(uint32_t workflow, uint32_t block) const;
  /// Bytes of all inputs but weights, as the compiler expects them.
  uint64_t expectedInputBytes(uint32_t workflow, uint32_t block) const;
  BlockOutlook outlook(uint32_t workflow, uint32_t block) const;
  /// Bytes of its weights that a cluster does not hold, nor waits for.
  uint64_t missingWeightBytes(uint32_t cluster, uint32_t workflow,
                              uint32_t block) const;
  /// Producers in the same region of a block's inputs, with bytes.
  void producers(uint32_t workflow, uint32_t block,
                 std::vector<std::pair<uint32_t, uint64_t>> &result) const;
  /// Largest variant of at most `peas` PEAs.
  uint32_t variantGang(uint32_t kernel, uint32_t peas) const;
  /// The largest of all, and the smallest.
  uint32_t maxVariantGang(uint32_t kernel) const;
  uint32_t smallestGang(uint32_t kernel) const;
  /// Class of the PEAs that run a kernel, 0 to 2.
  uint32_t peaClass(uint32_t kernel) const;
  /// The code is in the TBU's store, or on its way there.
  bool codeResident(uint32_t tbu, uint32_t kernel) const;
  /// The code is resident, or there is room for it beside code that running
  /// and staged instances use.
  bool codeFits(uint32_t tbu, uint32_t kernel) const;
  /// The code is resident, or replaces nothing.
  bool codeHasRoom(uint32_t tbu, uint32_t kernel) const;
  /// Cycles until the code could be used at the TBU if it were asked for now:
  /// what is on its way there, the queue of its port, and the load.
  uint64_t codeDelay(uint32_t tbu, uint32_t kernel) const;
  /// What a load takes from others: of each kernel that would be replaced, the
  /// cycles of its load less those since its last use. 0 with room to spare; ~0
  /// if what runs and is staged there leaves none.
  uint64_t codeLoss(uint32_t tbu, uint32_t kernel) const;
  /// Instances staged at a TBU, oldest first.
  std::span<const InstanceId> staged(uint32_t tbu) const;

  // Replicas of a block, standby ones last.
  uint32_t numReplicas(uint32_t workflow, uint32_t block) const;
  uint32_t replicaTbu(uint32_t workflow, uint32_t block,
                      uint32_t replica) const;
  bool replicaStandby(uint32_t workflow, uint32_t block,
                      uint32_t replica) const;
  /// The share of a replica: its PEA range, live ones only.
  PeaMask replicaPeas(uint32_t workflow, uint32_t block,
                      uint32_t replica) const;
  /// The most PEAs that an elastic policy may give an instance there.
  uint32_t replicaMaxGang(uint32_t workflow, uint32_t block,
                          uint32_t replica) const;
  /// The replica that the program's routing rule gives to an instance.
  uint32_t routedReplica(InstanceId instance) const;
  /// What the routing rule counts for an instance: its request, and the copy
  /// where fan-outs are spread.
  uint64_t turn(InstanceId instance) const;

  /// Expected work waiting and running at a TBU or cluster in PEA-cycles, as
  /// known at cluster `observer`: own cluster as of now, others as of the last
  /// status that has reached it.
  uint64_t backlogOfTbu(uint32_t tbu, uint32_t observer) const;
  uint64_t backlogOfCluster(uint32_t cluster, uint32_t observer) const;
  /// Free PEAs of a cluster, as known at cluster `observer`.
  uint32_t freePeasOfCluster(uint32_t cluster, uint32_t observer) const;
  /// Which part of the time a cluster has lately sent, or received, on the mesh
  /// (the larger one), in 1/65536; as of its last status that has reached
  /// cluster `observer`.
  uint64_t meshLoadQ16(uint32_t cluster, uint32_t observer) const;
  /// Cycles that the PEAs of a TBU computed up to now, together.
  uint64_t computedOfTbu(uint32_t tbu) const;
  /// Requests that are open.
  uint64_t openRequests() const;

  // Actions.
  /// Dispatches a waiting instance onto free, eligible PEAs of `tbu`. The
  /// gang's size must be that of a variant of its kernel. False (and nothing
  /// done) if that is not so, or if the PEAs are kept for a slot that is due
  /// earlier.
  bool start(InstanceId instance, uint32_t tbu, PeaMask peas);
  /// With traits.clusterQueues: binds a waiting instance to a TBU of its
  /// cluster ahead of time: code, weights and inputs come while others compute
  /// there. It is started like a waiting one; elsewhere than where it is staged
  /// that costs what it costs others. False if it is staged already, or if the
  /// code does not fit.
  bool stage(InstanceId instance, uint32_t tbu);
  /// Sends a waiting instance with its inputs to another TBU, with
  /// traits.clusterQueues to another cluster.
  bool move(InstanceId instance, uint32_t tbu);
  /// The same, asked for by the other side: the request travels first.
  bool pull(InstanceId instance, uint32_t tbu);
  /// With traits.queuePerPea: sends a waiting instance to another place. Within
  /// its TBU only the queue changes.
  bool moveTo(InstanceId instance, const Place &place);
  /// Calls `dispatch` for a TBU (its cluster) at cycle `at`, now or later.
  void wake(uint32_t tbu, uint64_t at);
  /// Changes the gang of a computing instance at its next tile boundary. PEAs
  /// that join are held from now on.
  bool resize(InstanceId instance, PeaMask peas);
  /// Loads the code of an instance's kernel ahead of its dispatch.
  void prefetchCode(uint32_t tbu, uint32_t kernel);
  /// Loads the weights of a block into a cluster ahead of its dispatch.
  void prefetchWeights(uint32_t cluster, uint32_t workflow, uint32_t block);

private:
  Engine &engine;
};

/// Why `dispatch` is called.
enum class Trigger : uint8_t { Ready, Released, Resized, SlotPassed };

/// A policy. One object serves one run.
class Policy {
public:
  virtual ~Policy();

  /// What the engine has to provide; asked once, before the run.
  virtual PolicyTraits traits() const = 0;
  /// Called once, before the first event. An error ends the run: the program is
  /// not one that the policy is for.
  virtual Expected<void> begin(Scheduler &) { return {}; }
  /// The replica for a new instance (not called when traits().central). The
  /// default is the routing rule of the program.
  virtual uint32_t chooseReplica(Scheduler &scheduler, InstanceId instance) {
    return scheduler.routedReplica(instance);
  }
  /// With traits().queuePerPea or clusterQueues, in place of `chooseReplica`:
  /// any place of the machine. `first` is the cluster where its first input is.
  virtual Place choosePlace(Scheduler &scheduler, InstanceId instance,
                            uint32_t first);
  /// Something changed at a TBU: start what should start. With
  /// traits().central `tbu` is where it changed, or noIndex.
  virtual void dispatch(Scheduler &scheduler, uint32_t tbu,
                        Trigger trigger) = 0;
  /// The coarse scheduler's turn.
  virtual void epoch(Scheduler &) {}

  /// For checkpoints: what the policy remembers from one call to the next, as
  /// bytes of its own; "" if it remembers nothing. A policy that does not say
  /// cannot be checkpointed.
  virtual std::optional<std::string> saveState() const { return std::nullopt; }
  /// Takes back what saveState gave, after `begin` and before anything else.
  /// False if these bytes are not its own.
  virtual bool restoreState(std::string_view state) { return state.empty(); }
};

/// A number that a policy can be given (--policy-option name=value).
struct PolicyParameter {
  std::string name;
  /// One line for messages and --help.
  std::string summary;
  uint64_t fallback;
  uint64_t min, max;
};

/// What a policy is made with.
struct PolicyOptions {
  bool ddsm = true;
  bool atss = true;
  bool pcss = true;
  /// In the order of PolicyInfo::parameters.
  std::vector<uint64_t> values;
};

/// One entry of the registry.
struct PolicyInfo {
  std::string name;
  /// One line for --help.
  std::string summary;
  std::unique_ptr<Policy> (*make)(const PolicyOptions &);
  /// Names that --disable takes with this policy.
  std::vector<std::string> switches;
  std::vector<PolicyParameter> parameters;
};

/// Version of this interface; a plug-in built against another one is refused.
inline constexpr unsigned policyInterfaceVersion = 5;

/// Adds a policy. An error names the one that has the name already, or the
/// versions that do not match.
Expected<void> registerPolicy(PolicyInfo info,
                              unsigned version = policyInterfaceVersion);
/// All policies, in order of registration; those of the library come first.
std::vector<PolicyInfo> registeredPolicies();
/// The policy called `name`, with `disable`d switches and `settings` of its
/// parameters ("name=value"). Errors list what there is.
Expected<std::unique_ptr<Policy>>
createPolicy(std::string_view name, const std::vector<std::string> &disable,
             const std::vector<std::string> &settings = {});

} // namespace octo

#endif // OCTO_RUNTIME_POLICY_H
