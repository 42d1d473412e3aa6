//===- EngineResult.cpp - Numbers after the run ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "octo/Support/Sha256.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>

using namespace octo;

std::string_view octo::stringifyPeaState(PeaState state) {
  static constexpr std::string_view names[numPeaStates] = {
      "computing", "configuring", "moving_data", "waiting",
      "idle",      "faulty",      "unallocated"};
  return names[static_cast<unsigned>(state)];
}

std::string_view octo::stringifyNetworkModel(NetworkModel model) {
  switch (model) {
  case NetworkModel::Message:
    return "message";
  case NetworkModel::Flit:
    return "flit";
  case NetworkModel::Link:
    return "link";
  }
  return "unknown";
}

std::string_view octo::stringifyRunStatus(RunStatus status) {
  switch (status) {
  case RunStatus::Completed:
    return "completed";
  case RunStatus::Deadlock:
    return "deadlock";
  case RunStatus::CycleLimit:
    return "cycle-limit";
  case RunStatus::EventLimit:
    return "event-limit";
  case RunStatus::Cancelled:
    return "cancelled";
  case RunStatus::MachineLost:
    return "machine-lost";
  }
  return "unknown";
}

uint64_t LowerBound::cycles() const {
  return std::max(
      {path, capacity, arrivals, host, hbm, wayIn, wayOut, inFlight});
}

uint64_t RunResult::predictedInstancesQ16(const BlockStatistics &block) const {
  uint64_t completed = 0;
  for (const TenantStatistics &tenant : tenants)
    if (tenant.workflow == block.workflow)
      completed += tenant.completed;
  return completed * block.expectedInstancesQ16;
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

static constexpr size_t maxBatches = 64;

static size_t binOf(uint64_t value) {
  if (value < 256)
    return value;
  unsigned octave = std::bit_width(value) - 1; // at least 8
  return 256 + (octave - 8) * 128 + (value >> (octave - 7) & 127);
}

static uint64_t valueOfBin(size_t bin) {
  if (bin < 256)
    return bin;
  unsigned octave = 8 + static_cast<unsigned>((bin - 256) / 128);
  return (128 + (bin - 256) % 128) << (octave - 7);
}

void WaitTotals::add(uint64_t value) {
  ++count;
  sum += value;
  max = std::max(max, value);
  min = std::min(min, value);
  if (exact.size() < exactValues)
    exact.push_back(value);
  size_t bin = binOf(value);
  if (histogram.size() <= bin)
    histogram.resize(bin + 1, 0);
  ++histogram[bin];
  if (batches.empty() || batches.back().second == batchSize) {
    if (batches.size() == maxBatches) {
      for (size_t i = 0; i < maxBatches / 2; ++i)
        batches[i] = {batches[2 * i].first + batches[2 * i + 1].first,
                      batchSize * 2};
      batches.resize(maxBatches / 2);
      batchSize *= 2;
    }
    batches.emplace_back(0, 0);
  }
  batches.back().first += value;
  ++batches.back().second;
}

SampleSummary WaitTotals::summary() const {
  SampleSummary result;
  result.count = count;
  if (!count)
    return result;
  result.mean = static_cast<double>(sum) / static_cast<double>(count);
  result.min = min;
  result.max = max;
  std::vector<uint64_t> values; // of one bin
  auto percentile = [&](unsigned percent) -> uint64_t {
    uint64_t rank = (count * percent + 99) / 100;
    rank = std::max<uint64_t>(rank, 1) - 1;
    // The bin has the rank-th value; where all are kept they tell which it is.
    size_t bin = 0;
    for (; rank >= histogram[bin]; ++bin)
      rank -= histogram[bin];
    const uint64_t least = valueOfBin(bin);
    if (count > exact.size())
      return std::clamp(least, min, max);
    const uint64_t width = valueOfBin(bin + 1) - least;
    values.clear();
    std::ranges::copy_if(exact, std::back_inserter(values),
                         [&](uint64_t v) { return v - least < width; });
    std::ranges::nth_element(values, values.begin() + ptrdiff_t(rank));
    return values[rank];
  };
  result.p50 = percentile(50);
  result.p95 = percentile(95);
  result.p99 = percentile(99);
  // Full batches only; 1.96 + 2.4 / (n - 1) is Student's quantile within 0.5 %
  // for n of 20 and more.
  size_t full = 0;
  double mean = 0;
  for (const auto &[total, size] : batches)
    if (size == batchSize) {
      ++full;
      mean += static_cast<double>(total) / static_cast<double>(size);
    }
  if (count >= 40 && full >= 20) {
    mean /= static_cast<double>(full);
    double squares = 0;
    for (const auto &[total, size] : batches)
      if (size == batchSize) {
        double batch = static_cast<double>(total) / static_cast<double>(size);
        squares += (batch - mean) * (batch - mean);
      }
    double n = static_cast<double>(full);
    result.ciHalfWidth =
        (1.96 + 2.4 / (n - 1)) * std::sqrt(squares / (n - 1) / n);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

static void append64(std::string &bytes, uint64_t value) {
  for (unsigned i = 0; i < 8; ++i)
    bytes.push_back(static_cast<char>(value >> (8 * i)));
}

void Engine::storeOutputs(OpenRequest &request) {
  request.results.resize(t.workflows[request.workflow].numResults);
  std::string canonical;
  for (const Tensor &tensor : request.results) {
    append64(canonical, static_cast<uint64_t>(tensor.kind()));
    append64(canonical, tensor.rank());
    for (int64_t dim : tensor.dims())
      append64(canonical, static_cast<uint64_t>(dim));
    if (tensor.valid())
      canonical.append(static_cast<const char *>(tensor.data()),
                       tensor.bytes());
  }
  auto digest = sha256(canonical.data(), canonical.size());
  outputDigests[request.number].assign(
      reinterpret_cast<const char *>(digest.data()), digest.size());
  if (options.keepOutputs)
    outputs[request.number] = std::move(request.results);
  request.results.clear();
}

//===----------------------------------------------------------------------===//
// Accounts
//===----------------------------------------------------------------------===//

void Engine::closeAccounts(uint64_t end) {
  for (uint32_t i = 0; i < instances.size(); ++i) {
    Instance &instance = instances[i];
    if (!(instance.generation & 1) || instance.state < InstanceState::Held)
      continue;
    account(instance, end);
    PeaMask joining = instance.nextPeas & ~instance.peas;
    if (!instance.resizing || !joining)
      continue;
    peaCycles[unsigned(PeaState::MovingData)] +=
        uint64_t(std::popcount(joining)) * (end - instance.boundary);
    if (trace)
      traceHold(HoldSpan::Joining, instance.block, instance.tbu, joining,
                instance.boundary, end);
  }
  for (uint32_t i = 0; i < m.tbus; ++i) {
    for (PeaMask rest = tbus[i].usable; rest; rest &= rest - 1) {
      uint32_t pea = std::countr_zero(rest);
      if (idleSince[size_t(i) * m.peasPerTbu + pea] != never)
        idleEnded(i, pea, end, nullptr);
    }
    peaCycles[unsigned(PeaState::Faulty)] +=
        uint64_t(std::popcount(m.dead[i])) * end;
    if (!faults)
      peaCycles[unsigned(PeaState::Unallocated)] +=
          uint64_t(std::popcount(m.live[i] & ~tbus[i].usable)) * end;
  }
  if (trace)
    traceEnd(end);
  if (faults)
    closeFaultAccounts(end);
  uint64_t sum = 0;
  for (uint64_t cycles : peaCycles)
    sum += cycles;
  uint64_t expected = uint64_t(m.tbus) * m.peasPerTbu * end;
  if (sum != expected && fatal.empty())
    fatal = fmt::format("internal error: the PEA-cycles of all states are {}, "
                        "but PEAs x makespan is {}; please report this with "
                        "the program and the scenario",
                        sum, expected);
}

uint64_t Engine::workDoneBy(uint64_t from, uint64_t work, unsigned c) const {
  if (!work)
    return 0;
  if (faults)
    return capacityReached(from, work, c);
  const uint64_t peas =
      c < 3 ? m.livePerClass[c]
            : m.livePerClass[0] + m.livePerClass[1] + m.livePerClass[2];
  return peas ? from + ceilDiv(work, peas) : 0;
}

/// From any cycle on there is at least the work of the requests that arrive
/// after it, all of it and that of each class.
uint64_t Engine::arrivalBound() const {
  std::vector<std::pair<uint64_t, uint64_t>> open; // arrival, number
  for (const TenantState &tenant : tenants)
    if (tenant.arrivals.kind != Arrivals::Kind::ClosedLoop)
      for (uint64_t r = 0; r < tenant.arrived; ++r)
        if (records[tenant.base + r].finished != never)
          open.emplace_back(records[tenant.base + r].arrival, tenant.base + r);
  std::sort(open.begin(), open.end());
  uint64_t bound = 0, after = 0;
  std::array<uint64_t, 3> afterOf{};
  for (size_t i = open.size(); i-- > 0;) {
    auto [arrival, number] = open[i];
    after += requestWork[number];
    bound = std::max(bound, workDoneBy(arrival, after, 3));
    if (requestClassWork.empty())
      continue;
    for (unsigned c = 0; c < 3; ++c) {
      afterOf[c] += requestClassWork[number][c];
      bound = std::max(bound, workDoneBy(arrival, afterOf[c], c));
    }
  }
  return bound;
}

/// Requests that closed loops have in flight at most.
uint64_t Engine::inClosedLoops() const {
  uint64_t sum = 0;
  for (const TenantState &tenant : tenants)
    if (tenant.arrivals.kind == Arrivals::Kind::ClosedLoop)
      sum += tenant.arrivals.inFlight;
  return sum;
}

/// At a price for the time of a request, against that of a PEA, everything that
/// was executed has a least price: larger gangs shorten the chains, and cost
/// more PEA-cycles. A cycle of the machine has the time of the requests in
/// flight and of the live PEAs to give.
uint64_t Engine::inFlightBound() const {
  if (!timePriceQ16)
    return 0;
  using Wide = unsigned __int128;
  Wide spent = chainExtra;
  for (uint64_t work : capacityByClass)
    spent += work;
  Wide cycle =
      Wide(inClosedLoops()) * timePriceQ16 +
      (Wide(m.livePerClass[0] + m.livePerClass[1] + m.livePerClass[2]) << 16);
  return uint64_t(((spent << 16) + cycle - 1) / cycle);
}

LowerBound Engine::lowerBound(RunStatus status) const {
  LowerBound bound;
  // A task runs on PEAs of its kernel's class, or, where the machine lacks the
  // class, on any. So the linear program over classes has a closed form: each
  // class does its own work, all do what is left.
  uint64_t total = 0;
  for (unsigned c = 0; c < 4; ++c) {
    total += capacityByClass[c];
    bound.capacity =
        std::max(bound.capacity, workDoneBy(0, capacityByClass[c], c));
  }
  bound.capacity = std::max(bound.capacity, workDoneBy(0, total, 3));
  bound.arrivals = arrivalBound();
  bound.inFlight = inFlightBound();
  for (size_t i = 0; i < tenants.size(); ++i) {
    const TenantState &tenant = tenants[i];
    bool closed = tenant.arrivals.kind == Arrivals::Kind::ClosedLoop;
    unsigned __int128 chain = 0;
    for (uint64_t r = 0; r < tenant.arrived; ++r) {
      uint64_t number = tenant.base + r;
      if (records[number].finished == never)
        continue;
      chain += requestPath[number];
      uint64_t arrival = closed ? 0 : records[number].arrival;
      bound.path = std::max(bound.path, arrival + requestPath[number]);
    }
    // At most inFlight requests of a closed loop overlap.
    if (closed)
      bound.path = std::max(
          bound.path,
          static_cast<uint64_t>((chain + tenant.arrivals.inFlight - 1) /
                                tenant.arrivals.inFlight));
  }
  bound.host = std::max(ceilDiv(hostInTotal, m.hostInBytesPerCycle),
                        ceilDiv(hostOutTotal, m.hostOutBytesPerCycle));
  // A value may be read from memory before all of its message there has passed
  // the port: only at the end of the run it certainly has.
  if (hostCut && status == RunStatus::Completed) {
    bound.wayIn = hostCut->cyclesIn();
    bound.wayOut = hostCut->cyclesOut();
  }
  uint64_t width = 0, bytes = 0;
  for (const HbmInfo &port : m.hbm)
    width += port.bytesPerCycle;
  for (uint32_t w = 0; w < t.weights.size(); ++w)
    if (weightUsed[w])
      bytes += t.weights[w].bytes;
  if (width)
    bound.hbm = bytes / width;
  return bound;
}

/// The latencies of requests that had the machine to themselves.
void Engine::latenciesAlone(RunResult &r) const {
  std::vector<std::tuple<uint64_t, size_t, uint64_t>> arrivals;
  for (size_t i = 0; i < tenants.size(); ++i)
    for (uint64_t q = 0; q < tenants[i].arrived; ++q)
      arrivals.emplace_back(records[tenants[i].base + q].arrival, i,
                            tenants[i].base + q);
  if (tenants.size() > 1)
    std::sort(arrivals.begin(), arrivals.end());
  std::vector<WaitTotals> alone(tenants.size());
  uint64_t busyUntil = 0;
  for (size_t k = 0; k < arrivals.size(); ++k) {
    const auto [arrival, tenant, number] = arrivals[k];
    const RequestRecord &record = records[number];
    const uint64_t next =
        k + 1 < arrivals.size() ? std::get<0>(arrivals[k + 1]) : never;
    const bool completed = record.finished != never && !record.failed;
    if (completed && number == tenants[tenant].base)
      r.tenants[tenant].firstLatency = record.finished - arrival;
    if (completed && k >= options.scenario.warmUpRequests &&
        busyUntil <= arrival && record.finished <= next)
      alone[tenant].add(record.finished - arrival);
    busyUntil = std::max(busyUntil, record.finished);
  }
  for (size_t i = 0; i < tenants.size(); ++i)
    r.tenants[i].aloneLatency = alone[i].summary();
}

/// Requests and latencies by tenant, and how many of them there were a cycle.
void Engine::requestResult(RunResult &r) {
  for (size_t i = 0; i < tenants.size(); ++i) {
    TenantStatistics statistics;
    statistics.name = options.scenario.tenants[i].name;
    statistics.workflow = options.scenario.tenants[i].workflow;
    for (uint64_t q = 0; q < tenants[i].arrived; ++q) {
      const RequestRecord &record = records[tenants[i].base + q];
      if (record.finished == never)
        continue;
      ++(record.failed ? statistics.failed : statistics.completed);
    }
    r.requestsArrived += tenants[i].arrived;
    r.requestsCompleted += statistics.completed;
    r.requestsFailed += statistics.failed;
    statistics.latency = latency[1 + i].summary();
    r.tenants.push_back(std::move(statistics));
  }
  latenciesAlone(r);
  r.sloCycles = options.scenario.sloCycles;
  r.requestsInTime = requestsInTime;
  if (r.makespanCycles) {
    auto end = static_cast<double>(r.makespanCycles);
    r.throughputRequestsPerMegacycle =
        static_cast<double>(r.requestsCompleted) * 1e6 / end;
    r.goodputRequestsPerMegacycle =
        static_cast<double>(requestsInTime) * 1e6 / end;
  }
  r.latency = latency[0].summary();
  r.admissionWait = admissionWait.summary();
  r.taskWait = taskWait.summary();
  r.steady = steady.summary();
  r.blame = blame.result(t);
}

/// What the PEAs did.
void Engine::peaResult(RunResult &r) const {
  r.peaCycles = peaCycles;
  r.totalPeas = uint64_t(m.tbus) * m.peasPerTbu;
  r.livePeas = r.totalPeas;
  for (PeaMask mask : m.dead)
    r.livePeas -= uint64_t(std::popcount(mask));
  // Those that die in the run count until then.
  if (uint64_t live = r.totalPeas * r.makespanCycles -
                      peaCycles[unsigned(PeaState::Faulty)])
    r.peaUtilization =
        static_cast<double>(peaCycles[unsigned(PeaState::Computing)]) /
        static_cast<double>(live);
  r.idleTransientPeaCycles = idleTransient;
  r.idleStructuralPeaCycles = idleStructural;
  r.idleContagiousPeaCycles = idleContagious;
  r.idleDepth = idleDepth;
  r.breakEvenCycles = breakEvenCycles;
  for (const ClusterState &cluster : clusters) {
    r.clusterComputingPeaCycles.push_back(cluster.computing);
    r.clusterIdlePeaCycles.push_back(cluster.idle);
  }
}

/// Outputs, requests and outcomes, where they are wanted.
void Engine::takeRecords(RunResult &r) {
  if (functional) {
    std::string all;
    for (uint64_t i = 0; i < totalRequests; ++i) {
      append64(all, i);
      if (outputDigests[i].empty())
        all.append(32, '\xff');
      else
        all += outputDigests[i];
    }
    r.outputsSha256 = sha256Hex(all);
    r.outputs = std::move(outputs);
  }
  if (options.keepRequests) {
    for (uint64_t i = 0; i < records.size(); ++i)
      records[i].work = requestWork[i];
    r.requests = std::move(records);
  }
  if (options.recordOutcomes) {
    std::sort(outcomes.begin(), outcomes.end(),
              [](const OutcomeRecord &a, const OutcomeRecord &b) {
                return std::tie(a.request, a.block, a.tag, a.value) <
                       std::tie(b.request, b.block, b.tag, b.value);
              });
    r.outcomes = std::move(outcomes);
    r.outcomeDetails = std::move(outcomeDetails);
  }
}

/// The result of a run that has ended at cycle `end`; takes what the engine
/// has.
RunResult Engine::result(RunStatus status, uint64_t end) {
  RunResult r;
  r.policy = options.policy;
  r.disabled = options.disable;
  r.policyOptions = options.policyOptions;
  r.seed = options.scenario.seed;
  r.timingOnly = !functional;
  r.status = status;
  r.makespanCycles = end;
  requestResult(r);
  peaResult(r);
  if (faults)
    r.faults = faultResult();
  r.lowerBound = lowerBound(status);
  uint64_t bound = r.lowerBound.cycles();
  r.ratioToLowerBound =
      bound ? static_cast<double>(end) / static_cast<double>(bound) : 0;
  networkResult(r.network);
  energyResult(r, end);
  r.counters = counters;
  r.events = events;
  r.realisedWorkCycles = realisedWork;
  r.blocks = std::move(totals);
  r.outcomeCounts = std::move(outcomeCounts);
  r.slots = std::move(slotTotals);
  r.kernels = std::move(kernelTotals);
  r.failures = std::move(failures);
  if (status != RunStatus::Completed)
    reportBlocked(r);
  takeRecords(r);
  return r;
}
