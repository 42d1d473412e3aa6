//===- Queueing.h - Queues with known answers on the simulator --*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs without any cost but the times of their tasks are queues of
// textbooks: M/M/c, M/D/1, closed networks, and lines of stations of which the
// first one is held up when the room behind it is used up. Each oracle has the
// exact answer and a run that measures it; bench/queueing.cpp and
// QueueingTest.cpp compare them.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_QUEUEING_H
#define OCTO_TEST_UNIT_RUNTIME_QUEUEING_H

#include "TestProgram.h"

#include "octo/Runtime/Simulator.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <ostream>

namespace octo::test {

/// One number that theory gives, and the same measured by a run of so many
/// requests (or iterations, or copies).
struct QueueOracle {
  std::string name;
  std::string theory;
  double expected;
  std::function<double(uint64_t size, uint64_t seed)> measure;
  /// Cycles between departures vary less than waits in a queue: so many times
  /// fewer of them tell as much.
  uint64_t fewer = 1;

  friend void PrintTo(const QueueOracle &oracle, std::ostream *out) {
    *out << oracle.name;
  }
};

/// Mean and half-width of its 99 % confidence interval over independent runs.
struct Pooled {
  double mean = 0;
  double halfWidth = 0;
};

inline Pooled pool(const std::vector<double> &values) {
  Pooled result;
  double n = double(values.size()), squares = 0;
  for (double value : values)
    result.mean += value / n;
  for (double value : values)
    squares += (value - result.mean) * (value - result.mean);
  // Student's quantile by the Cornish-Fisher expansion around the normal one.
  const double z = 2.5758293035, dof = n - 1;
  double t = z + (z * z * z + z) / (4 * dof) +
             (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * dof * dof);
  result.halfWidth = t * std::sqrt(squares / dof / n);
  return result;
}

inline RunResult runQueue(TestProgram &p, SimulationOptions options) {
  options.timingOnly = true;
  options.keepRequests = false;
  auto result = simulate(p.build(), options);
  if (!result || result->status != RunStatus::Completed) {
    std::fprintf(stderr, "%s\n",
                 result ? "a queue did not finish"
                        : result.error().str().c_str());
    std::abort();
  }
  return std::move(*result);
}

/// A task that takes `service` on one PEA of the `tbu`-th TBU.
inline BlockSpec &station(TestProgram &p, RegionSpec &region,
                          const std::string &path, uint16_t tbu, uint16_t peas,
                          const Distribution &service, double mean, Val from) {
  BlockSpec &task =
      p.task(region, path, p.profiledKernel(), int64_t(mean), {from});
  task.profile = p.profile(service);
  task.replicas = {TestProgram::replica(0, tbu, 0, peas)};
  return task;
}

//===----------------------------------------------------------------------===//
// One station, Poisson arrivals
//===----------------------------------------------------------------------===//

/// Mean waiting time of M/M/c (Erlang C) at `load` per server.
inline double erlangWait(unsigned servers, double load, double service) {
  double offered = load * servers, term = 1, sum = 1;
  for (unsigned k = 1; k < servers; ++k) {
    term *= offered / k;
    sum += term;
  }
  double last = term * offered / servers / (1 - load);
  double waits = last / (sum + last);
  return waits * service / (servers * (1 - load));
}

/// Mean waiting time of M/G/1 (Pollaczek and Khinchine); `variation` is the
/// squared coefficient of variation of the service: 0 for M/D/1.
inline double pollaczekWait(double load, double service, double variation) {
  return load * service * (1 + variation) / (2 * (1 - load));
}

/// Mean waiting time of the tasks in one run on a pool of `servers` PEAs.
inline double simulateQueue(unsigned servers, double load,
                            const Distribution &service, double mean,
                            uint64_t requests, uint64_t seed) {
  TestProgram p(1, 1, 1, servers);
  p.body.addImport(0, p.token);
  station(p, p.body, "main/t", 0, uint16_t(servers), service, mean, import(0));
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "pool";
  options.scenario.requests = requests;
  options.scenario.warmUpRequests = requests / 20;
  options.scenario.seed = seed;
  Tenant tenant;
  tenant.arrivals.kind = Arrivals::Kind::Poisson;
  tenant.arrivals.meanGapCycles =
      static_cast<uint64_t>(std::llround(mean / (load * servers)));
  options.scenario.tenants.push_back(tenant);
  return runQueue(p, options).taskWait.mean;
}

//===----------------------------------------------------------------------===//
// A closed network
//===----------------------------------------------------------------------===//

/// Where customers of a closed network go: `demand` is the mean time that one
/// spends in service there in a cycle, over all its visits.
struct NetworkStation {
  double demand;
  bool delay = false; ///< a server for every customer
};

/// Cycles between departures with so many customers: exact mean value analysis
/// (Reiser and Lavenberg, JACM 27(2), 1980).
inline double meanValueCycle(const std::vector<NetworkStation> &stations,
                             unsigned customers) {
  std::vector<double> queue(stations.size(), 0.0);
  double cycle = 0;
  for (unsigned n = 1; n <= customers; ++n) {
    std::vector<double> stay;
    double total = 0;
    for (size_t i = 0; i < stations.size(); ++i) {
      stay.push_back(stations[i].demand *
                     (stations[i].delay ? 1 : 1 + queue[i]));
      total += stay.back();
    }
    cycle = total / n;
    for (size_t i = 0; i < stations.size(); ++i)
      queue[i] = stay[i] / cycle;
  }
  return cycle;
}

/// A central server: terminals, a processor and two disks between which a
/// switch chooses. So many requests in flight; each is a customer for one
/// cycle. The order within a queue is that of age, which no mean depends on
/// where times are exponential.
struct CentralServer {
  unsigned customers;
  double think, processor, disk[2], first; ///< `first`: part for disk 0

  double expected() const {
    return meanValueCycle({{think, true},
                           {processor},
                           {first * disk[0]},
                           {(1 - first) * disk[1]}},
                          customers);
  }

  double simulate(uint64_t requests, uint64_t seed) const {
    TestProgram p(1, 1, 4, customers);
    p.body.addImport(0, p.token);
    station(p, p.body, "main/think", 0, uint16_t(customers),
            Distribution::exponential(think), think, import(0));
    station(p, p.body, "main/cpu", 1, 1, Distribution::exponential(processor),
            processor, output(0));
    BlockSpec &choice = p.body.add(fb::BlockKind::Switch, "main/disk");
    choice.inputs = {output(1), output(1)};
    choice.decideInputs = 1;
    choice.outputs = {p.token};
    choice.outputBytes = {0};
    choice.profile =
        p.frequencies({uint64_t(std::llround(first * 0x1p32)),
                       uint64_t(std::llround((1 - first) * 0x1p32))});
    for (uint16_t d = 0; d < 2; ++d) {
      RegionSpec &region = choice.region(fb::RegionRole::Case);
      region.addImport(1, p.token);
      station(p, region, "main/disk/" + std::to_string(d), 2 + d, 1,
              Distribution::exponential(disk[d]), disk[d], import(0));
      region.yields = {output(0)};
    }
    p.body.yields = {output(2)};
    SimulationOptions options;
    options.policy = "static";
    options.scenario.requests = requests;
    options.scenario.seed = seed;
    Tenant tenant;
    tenant.arrivals.inFlight = customers;
    options.scenario.tenants.push_back(tenant);
    return double(runQueue(p, options).makespanCycles) / double(requests);
  }
};

//===----------------------------------------------------------------------===//
// Lines with blocking
//===----------------------------------------------------------------------===//

/// Cycles between departures of a line of exponential stations that is never
/// short of work, where the first station may not begin while `room` items have
/// left it and not yet the line. Solved as the Markov chain that it is: states
/// are the numbers of items at the later stations, the balance equations are
/// iterated (Gauss-Seidel) until they hold.
inline double blockedLineCycle(const std::vector<double> &service,
                               unsigned room) {
  size_t later = service.size() - 1, base = room + 1, states = 1;
  for (size_t i = 0; i < later; ++i)
    states *= base;
  auto items = [&](size_t state, size_t i) {
    while (i--)
      state /= base;
    return state % base;
  };
  auto sum = [&](size_t state) {
    size_t total = 0;
    for (size_t i = 0; i < later; ++i)
      total += items(state, i);
    return total;
  };
  std::vector<size_t> step(later + 1, 1); // of one item at a station
  for (size_t i = 1; i <= later; ++i)
    step[i] = step[i - 1] * base;
  std::vector<double> p(states, 0.0);
  for (size_t s = 0; s < states; ++s)
    p[s] = sum(s) <= room ? 1.0 : 0.0;
  for (unsigned round = 0; round < 20000; ++round) {
    double change = 0, total = 0;
    for (size_t s = 0; s < states; ++s) {
      if (sum(s) > room)
        continue;
      double out = 0, in = 0;
      if (sum(s) < room)
        out += 1 / service[0];
      // A departure of the first station led here.
      if (items(s, 0))
        in += p[s - step[0]] / service[0];
      for (size_t i = 0; i < later; ++i) {
        if (items(s, i))
          out += 1 / service[1 + i];
        // One of a later station did: it had one more, the next one fewer.
        if (i + 1 == later) {
          if (sum(s) < room)
            in += p[s + step[i]] / service[1 + i];
        } else if (items(s, i + 1)) {
          in += p[s + step[i] - step[i + 1]] / service[1 + i];
        }
      }
      double next = in / out;
      change = std::max(change, std::fabs(next - p[s]));
      p[s] = next;
      total += next;
    }
    for (double &probability : p)
      probability /= total;
    if (change < 1e-14)
      break;
  }
  double working = 0;
  for (size_t s = 0; s < states; ++s)
    if (sum(s) < room)
      working += p[s];
  return service[0] / working;
}

/// A loop whose next iteration needs the first of its two tasks only: a line of
/// two stations. The two credits of a loop are the room: while two iterations
/// wait for the second station the first one stands still.
inline double simulateLoopLine(double first, double second, uint64_t iterations,
                               uint64_t seed) {
  TestProgram p(1, 1, 2, 1);
  p.body.addImport(0, p.token);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/line");
  loop.inputs = {import(0)};
  loop.outputs = {p.token};
  loop.outputBytes = {0};
  loop.profile = p.constantProfile(int64_t(iterations));
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.token);
  station(p, after, "main/line/a", 0, 1, Distribution::exponential(first),
          first, import(0));
  station(p, after, "main/line/b", 1, 1, Distribution::exponential(second),
          second, output(0));
  after.yields = {output(0)};
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "static";
  options.scenario.seed = seed;
  return double(runQueue(p, options).makespanCycles) / double(iterations);
}

/// A fan-out: its copies pass the stations one after the other. It has as many
/// credits as its widest task has PEAs, and a first task without duration has
/// `credits` of them: the room of the line.
inline double simulateFanoutLine(const std::vector<double> &service,
                                 unsigned credits, uint64_t copies,
                                 uint64_t seed) {
  TestProgram p(1, 1, uint32_t(service.size()) + 1, credits);
  p.body.addImport(0, p.token);
  BlockSpec &line = p.body.add(fb::BlockKind::Fanout, "main/line");
  line.inputs = {import(0), import(0)}; // what no copy gives, what they take
  line.outputs = {p.token};
  line.outputBytes = {0};
  line.profile = p.constantProfile(int64_t(copies));
  RegionSpec &each = line.region(fb::RegionRole::Each);
  each.addImport(1, p.token);
  station(p, each, "main/line/enter", 0, uint16_t(credits),
          Distribution::constant(0), 0, import(0));
  for (size_t i = 0; i < service.size(); ++i)
    station(p, each, "main/line/s" + std::to_string(i), uint16_t(i + 1), 1,
            Distribution::exponential(service[i]), service[i],
            output(uint32_t(i)));
  each.yields = {output(uint32_t(service.size()))};
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "static";
  options.scenario.seed = seed;
  return double(runQueue(p, options).makespanCycles) / double(copies);
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

inline std::vector<QueueOracle> queueOracles() {
  std::vector<QueueOracle> oracles;
  const double service = 10000;
  for (unsigned servers : {1u, 4u})
    for (double load : {0.5, 0.8}) {
      char name[32];
      std::snprintf(name, sizeof name, "M/M/%u load %.1f", servers, load);
      oracles.push_back(
          {name, "Erlang C, wait", erlangWait(servers, load, service),
           [=](uint64_t size, uint64_t seed) {
             return simulateQueue(servers, load,
                                  Distribution::exponential(service), service,
                                  size, seed);
           }});
    }
  for (double load : {0.5, 0.8}) {
    char name[32];
    std::snprintf(name, sizeof name, "M/D/1 load %.1f", load);
    oracles.push_back(
        {name, "Pollaczek-Khinchine, wait", pollaczekWait(load, service, 0),
         [=](uint64_t size, uint64_t seed) {
           return simulateQueue(1, load,
                                Distribution::constant(int64_t(service)),
                                service, size, seed);
         }});
  }
  for (unsigned customers : {4u, 12u}) {
    CentralServer network{customers, 20000, 4000, {9000, 3000}, 0.375};
    oracles.push_back({"closed, " + std::to_string(customers) + " customers",
                       "MVA, cycle", network.expected(),
                       [=](uint64_t size, uint64_t seed) {
                         return network.simulate(size, seed);
                       },
                       10});
  }
  for (auto [first, second] :
       {std::pair{10000.0, 10000.0}, std::pair{6000.0, 10000.0}}) {
    char name[48];
    std::snprintf(name, sizeof name, "loop line %.0f:%.0f", first / 1000,
                  second / 1000);
    oracles.push_back({name, "Markov chain, cycle",
                       blockedLineCycle({first, second}, 2),
                       [=](uint64_t size, uint64_t seed) {
                         return simulateLoopLine(first, second, size, seed);
                       },
                       10});
  }
  for (unsigned credits : {2u, 5u})
    oracles.push_back(
        {"3-station line, room " + std::to_string(credits),
         "Markov chain, cycle", blockedLineCycle({10000, 7000, 12000}, credits),
         [=](uint64_t size, uint64_t seed) {
           return simulateFanoutLine({10000, 7000, 12000}, credits, size, seed);
         },
         10});
  return oracles;
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_QUEUEING_H
