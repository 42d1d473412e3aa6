//===- HostCutTest.cpp - What must pass the host port's router ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts `way in` and `way out` of the lower bound (semantics, section 11):
// numbers by hand, the minimum cut beside one by trying everything, and runs of
// random programs on random machines, none of which may be faster.
//
//===----------------------------------------------------------------------===//

#include "HostCut.h"
#include "BusyProgram.h"
#include "TestRun.h"

#include <algorithm>
#include <bit>
#include <random>

using namespace octo;
using namespace octo::test;

namespace {

constexpr uint64_t heavy = uint64_t(1) << 40;

/// Two PEAs of 100, a link of 10 bytes a cycle, a host port of 20: prices of a
/// PEA-cycle are 15 bytes (the largest), 10, 7.5, 5, ... 10 / 1024.
HostCut smallCut() { return HostCut(2, 100, 10, 20, 20); }

/// An argument to a task that runs elsewhere at every price: all of it passes.
/// 1,000 bytes over 10 a cycle, and what two PEAs of the cluster could do in
/// these cycles at the least price, 1/512 of that.
TEST(HostCut, OneTask) {
  HostCut cut = smallCut();
  ASSERT_TRUE(cut.matters());
  cut.open(0);
  uint32_t task = cut.addNode(0, heavy);
  cut.use(0, cut.addFlow(0, HostCut::host, 1000), task);
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 100u);
  EXPECT_EQ(cut.cyclesOut(), 0u);
}

/// 1,000 bytes to a task of 100 PEA-cycles, which makes 10 for one that must
/// run elsewhere. Per price p the cheapest is min(1000, 10 + 100 p), over
/// 10 + 2 p: at p = 10 that is 1000 / 30, at 5 it is 510 / 20.
TEST(HostCut, Chain) {
  HostCut cut = smallCut();
  cut.open(0);
  uint32_t first = cut.addNode(0, 100), second = cut.addNode(0, heavy);
  cut.use(0, cut.addFlow(0, HostCut::host, 1000), first);
  cut.use(0, cut.addFlow(0, first, 10), second);
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 34u);
}

/// A cheap task runs beside the host port: what it hands to sixteen others
/// passes, 25 bytes each, not the 1,600 that it takes.
TEST(HostCut, CheapTaskBeforeMany) {
  HostCut cut = smallCut();
  cut.open(0);
  uint32_t deal = cut.addNode(0, 20);
  cut.use(0, cut.addFlow(0, HostCut::host, 1600), deal);
  for (unsigned i = 0; i < 16; ++i)
    cut.use(0, cut.addFlow(0, deal, 25), cut.addNode(0, heavy));
  cut.close(0, true);
  // (400 + 20 p) / (10 + 2 p), most at the least price.
  EXPECT_EQ(cut.cyclesIn(), 40u);
}

/// What several take passes once; what is taken beside the host port does not.
TEST(HostCut, SharedValue) {
  HostCut cut = smallCut();
  cut.open(0);
  uint32_t value = cut.addFlow(0, HostCut::host, 300);
  for (unsigned i = 0; i < 3; ++i)
    cut.use(0, value, cut.addNode(0, heavy));
  cut.use(0, value, cut.addNode(0, 0)); // a join
  cut.use(0, value, HostCut::host);     // is a result, too
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 30u);
  EXPECT_EQ(cut.cyclesOut(), 0u);
}

/// Results come back: 600 bytes of two tasks that a third, cheap one makes 900
/// of. It runs beside the host port.
TEST(HostCut, WayOut) {
  HostCut cut = smallCut();
  cut.open(0);
  uint32_t collect = cut.addNode(0, 3);
  for (unsigned i = 0; i < 2; ++i)
    cut.use(0, cut.addFlow(0, cut.addNode(0, heavy), 300), collect);
  cut.use(0, cut.addFlow(0, collect, 900), HostCut::host);
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 0u);
  EXPECT_EQ(cut.cyclesOut(), 60u);
}

/// What failed does not count, nor what is wider than the host port.
TEST(HostCut, DoesNotCount) {
  HostCut cut = smallCut();
  for (bool counts : {false, true}) {
    cut.open(3);
    cut.use(3, cut.addFlow(3, HostCut::host, 50), cut.addNode(3, heavy));
    cut.close(3, counts);
    EXPECT_EQ(cut.cyclesIn(), counts ? 5u : 0u);
  }
  EXPECT_FALSE(HostCut(2, 100, 20, 20, 10).matters());
}

/// Of many requests alike only the first ones are tried at all prices.
TEST(HostCut, ManyRequests) {
  // On its own the work takes 3 cycles of all PEAs, or 5,000.
  for (uint64_t later : {250, 500000}) {
    HostCut cut = smallCut();
    for (unsigned i = 0; i < 1000; ++i) {
      cut.open(i % 7);
      uint32_t first = cut.addNode(i % 7, 100);
      uint32_t second = cut.addNode(i % 7, later);
      cut.use(i % 7, cut.addFlow(i % 7, HostCut::host, 1000), first);
      cut.use(i % 7, cut.addFlow(i % 7, first, 500), second);
      EXPECT_EQ(cut.isOpen(i % 7), later == 250 || i < 64);
      cut.close(i % 7, true);
    }
    // min(1000, 100 p + min(500, 250 p)) over 10 + 2 p, at p = 2.5 or 5.
    EXPECT_EQ(cut.cyclesIn(), later == 250 ? 50000u : 0u);
  }
}

/// Graphs beyond what is kept are left out, and do no harm.
TEST(HostCut, LargeGraphs) {
  HostCut cut = smallCut();
  cut.open(0);
  uint32_t last = HostCut::host;
  for (unsigned i = 0; i < 70000; ++i) {
    uint32_t next = cut.addNode(0, heavy);
    cut.use(0, cut.addFlow(0, last, 1000), next);
    last = next;
  }
  EXPECT_EQ(last, HostCut::none);
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 0u);
  // A long chain, whose last task only may not run beside the host port.
  cut.open(0);
  last = HostCut::host;
  for (unsigned i = 0; i < 5000; ++i) {
    uint32_t next = cut.addNode(0, i + 1 < 5000 ? 0 : heavy);
    cut.use(0, cut.addFlow(0, last, 1000), next);
    last = next;
  }
  cut.close(0, true);
  EXPECT_EQ(cut.cyclesIn(), 100u);
}

/// Beside all choices of what runs beside the host port.
TEST(HostCut, Exhaustive) {
  struct Value {
    uint64_t bytes;
    uint32_t producer;
    std::vector<uint32_t> users;
  };
  std::mt19937_64 random(7);
  auto below = [&](uint64_t n) { return random() % n; };
  for (unsigned trial = 0; trial < 150; ++trial) {
    const uint64_t peas = 1 + below(8), link = 1 + below(40),
                   hostIn = link * (1 + below(9)), hostOut = link + below(50);
    HostCut cut(peas, 1000, link, hostIn, hostOut);
    const int numPrices = 22;
    std::vector<double> in(numPrices), out(numPrices);
    auto price = [&](uint64_t width, int p) {
      int largest = std::bit_width(width / link) - 1;
      return double(link) / double(peas) *
             std::ldexp(p % 2 ? 1.5 : 1.0, largest - (numPrices - 1 - p) / 2);
    };
    uint64_t slack = 0; // prices are rounded down, to 1/256 bytes
    for (unsigned request = 0; request < 3; ++request) {
      uint32_t tasks = 1 + uint32_t(below(8));
      std::vector<uint64_t> work{0};
      std::vector<Value> values;
      cut.open(request);
      for (unsigned a = 0; a < 1 + below(2); ++a)
        values.push_back({1 + below(2000), HostCut::host, {}});
      for (uint32_t n = 1; n <= tasks; ++n) {
        work.push_back(below(4) ? below(3) ? 1 + below(300) : heavy : 0);
        for (unsigned i = 0; i < 1 + below(3); ++i)
          values[below(values.size())].users.push_back(n);
        for (unsigned o = 0; o < 1 + below(2); ++o)
          values.push_back({1 + below(2000), n, {}});
      }
      for (unsigned r = 0; r < 1 + below(3); ++r)
        values[below(values.size())].users.push_back(HostCut::host);
      for (uint32_t n = 1; n <= tasks; ++n)
        ASSERT_EQ(cut.addNode(request, work[n]), n);
      for (const Value &value : values) {
        uint32_t flow = cut.addFlow(request, value.producer, value.bytes);
        for (uint32_t user : value.users)
          cut.use(request, flow, user);
      }
      cut.close(request, true);
      slack += tasks;
      for (int p = 0; p < numPrices; ++p) {
        double leastIn = 1e300, leastOut = 1e300;
        for (uint32_t set = 0; set < uint32_t(1) << tasks; ++set) {
          auto atHost = [&](uint32_t n) { return !n || (set >> (n - 1) & 1); };
          double cost = 0, leaves = 0, comes = 0;
          for (uint32_t n = 1; n <= tasks; ++n)
            cost += atHost(n) ? double(work[n]) : 0;
          for (const Value &value : values) {
            bool inside = false, outside = false;
            for (uint32_t user : value.users)
              (atHost(user) ? inside : outside) = true;
            leaves += atHost(value.producer) && outside ? value.bytes : 0;
            comes += !atHost(value.producer) && inside ? value.bytes : 0;
          }
          leastIn = std::min(leastIn, leaves + cost * price(hostIn, p));
          leastOut = std::min(leastOut, comes + cost * price(hostOut, p));
        }
        in[size_t(p)] += leastIn;
        out[size_t(p)] += leastOut;
      }
    }
    auto bound = [&](const std::vector<double> &bytes, uint64_t width) {
      double most = 0;
      for (int p = 0; width > link && p < numPrices; ++p)
        most =
            std::max(most, bytes[size_t(p)] /
                               (double(link) + price(width, p) * double(peas)));
      return most;
    };
    for (bool back : {false, true}) {
      double exact = bound(back ? out : in, back ? hostOut : hostIn);
      double seen = double(back ? cut.cyclesOut() : cut.cyclesIn());
      EXPECT_LE(seen, exact + 1 + 1e-6) << trial << back;
      EXPECT_GE(seen, exact - double(slack) / 256 / double(link) - 1e-6)
          << trial << back;
    }
  }
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// An argument of 6,400 bytes for a cheap task beside the
/// host port, which deals it out to four tasks of 4,000 cycles, whose results a
/// cheap one collects. 16 clusters of a PEA, links of 2 bytes a cycle.
void buildDeal(TestProgram &p) {
  fb::MachineT &m = p.machine();
  m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 2;
  m.host_in_bytes_per_cycle = m.host_out_bytes_per_cycle = 16;
  m.hop_cycles = 5;
  p.body.addImport(0, p.data, 6400);
  uint32_t kernel = p.profiledKernel();
  BlockSpec &deal = p.task(p.body, "main/deal", kernel, 10, {import(0)}, 1600);
  deal.outputs.assign(4, p.data);
  deal.outputBytes.assign(4, 1600);
  for (uint32_t k = 0; k < 4; ++k) {
    BlockSpec &tile = p.task(p.body, "main/tile" + std::to_string(k), kernel,
                             4000, {output(0, k)}, 1000);
    for (uint32_t c = 0; c < 15; ++c)
      tile.replicas.push_back(TestProgram::replica(1 + (k + c) % 15, 0, 0, 1));
  }
  p.task(p.body, "main/collect", kernel, 10,
         {output(1), output(2), output(3), output(4)}, 4000);
  p.body.yields = {output(5)};
}

TEST(HostCut, RunThatIsHeldUp) {
  TestProgram p(4, 4, 1, 1);
  buildDeal(p);
  RunResult r = run(p, "static", 60, 12);
  // At the price of a quarter of the link for all PEA-cycles of the cluster,
  // here of one PEA, a tile beside the host port costs 2,000 bytes and passes
  // instead: 60 x 6,400 bytes over 2 + 0.5 a cycle. At an eighth it costs
  // 1,000.
  EXPECT_EQ(r.lowerBound.wayIn, 153600u);
  EXPECT_EQ(r.lowerBound.host, 24000u);
  // Back come 4,000 bytes, over 2 + 0.25 a cycle: a tile makes but 1,000.
  EXPECT_EQ(r.lowerBound.wayOut, 106667u);
  EXPECT_EQ(r.lowerBound.cycles(), 153600u);
  EXPECT_LE(r.ratioToLowerBound, 1.4);
  // Where a link is as wide as the host port that says it all.
  TestProgram wide(4, 4, 1, 1);
  buildDeal(wide);
  wide.machine().link_bytes_per_cycle = 16;
  EXPECT_EQ(run(wide, "static", 12, 12).lowerBound.wayIn, 0u);
}

/// Programs with tasks of one or more inputs and outputs of all sizes.
void buildRandom(TestProgram &p, std::mt19937_64 &random) {
  auto below = [&](uint64_t n) { return random() % n; };
  fb::MachineT &m = p.machine();
  const uint32_t clusters = m.clusters_x * m.clusters_y;
  m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = uint32_t(1) << below(4);
  m.host_in_bytes_per_cycle = m.link_bytes_per_cycle * uint32_t(2 + below(7));
  m.host_out_bytes_per_cycle = m.link_bytes_per_cycle * uint32_t(2 + below(7));
  m.hop_cycles = uint32_t(1 + below(6));
  m.interface_cycles = uint32_t(below(4));
  m.link_buffer = below(2) ? m.link_bytes_per_cycle * 32 : 0;
  m.scratchpad_bytes_per_cycle = 64 << below(8);
  m.token_hop_cycles = uint32_t(below(3));
  m.central_dispatch_cycles = m.local_dispatch_cycles = uint32_t(below(5));
  m.command_cycles = uint32_t(below(4));
  m.scratchpad = below(4) ? uint64_t(1) << 40 : 5000 + below(50000);
  if (below(3))
    m.hbm.emplace_back(uint32_t(below(clusters)), uint32_t(1 << below(8)), 20,
                       0, uint64_t(1) << 40);
  std::vector<uint32_t> kernels;
  for (int k = 0; k < 3; ++k)
    kernels.push_back(p.profiledKernel(100, {{1, 65536}, {2, 36000}}, 64));
  std::vector<Val> values;
  for (unsigned a = 0; a < 1 + below(3); ++a)
    values.push_back(p.body.addImport(a, p.data, 1 + below(12000)));
  // What tasks make is often small beside the arguments.
  const uint64_t largest = below(3) ? 200 : 4000;
  const uint32_t tasks = uint32_t(2 + below(8));
  std::vector<bool> used(values.size());
  for (uint32_t b = 0; b < tasks; ++b) {
    std::vector<Val> inputs;
    for (unsigned i = 0; i < 1 + below(3); ++i) {
      // Mostly what nobody has taken yet.
      size_t chosen = below(values.size());
      for (unsigned look = 0; look < 6 && used[chosen]; ++look)
        chosen = below(values.size());
      used[chosen] = true;
      inputs.push_back(values[chosen]);
    }
    int64_t cycles = 1 + int64_t(below(below(3) ? 100 : 4000));
    BlockSpec &task = p.task(p.body, "main/t" + std::to_string(b),
                             kernels[below(3)], cycles, inputs, 100);
    task.profile = p.profile(Distribution::exponential(double(cycles)));
    uint64_t outputs = 1 + below(3);
    task.outputs.assign(outputs, p.data);
    task.outputBytes.clear();
    for (uint32_t o = 0; o < outputs; ++o) {
      task.outputBytes.push_back(below(largest));
      values.push_back(output(b, o));
      used.push_back(false);
    }
    uint32_t first = uint32_t(below(clusters));
    uint32_t lanes = below(3) ? clusters : 1 + uint32_t(below(clusters));
    for (uint32_t r = 0; r < lanes; ++r)
      task.replicas.push_back(
          TestProgram::replica((first + r) % clusters, 0, 0, 2, 2));
  }
  // Everything leads to a result, so that every policy executes all of it
  // before the request is over.
  for (size_t v = 0; v < values.size(); ++v)
    if (!used[v])
      p.body.yields.push_back(values[v]);
}

struct Runs {
  RunResult best;
  bool binds = false; ///< the way in or out sets the bound
  bool spills = false;
};

/// Runs of all policies; none is faster than the bound of any of them.
Runs runAll(TestProgram &p, uint64_t seed) {
  const fb::Program &program = p.build();
  Runs runs;
  RunResult &best = runs.best;
  uint64_t bound = 0;
  for (const char *policy : generalPolicies)
    for (NetworkModel model : {NetworkModel::Message, NetworkModel::Link}) {
      SimulationOptions options = closedLoop(policy, 40, 32, seed);
      options.network = model;
      RunResult r = run(program, options);
      EXPECT_EQ(r.status, RunStatus::Completed) << seed << policy;
      if (bound)
        EXPECT_EQ(bound, r.lowerBound.cycles()) << seed << policy;
      bound = r.lowerBound.cycles();
      runs.spills |= r.counters.spills > 0;
      if (!best.makespanCycles || r.makespanCycles < best.makespanCycles)
        best = std::move(r);
    }
  EXPECT_LE(bound, best.makespanCycles) << seed;
  runs.binds =
      bound == best.lowerBound.wayIn || bound == best.lowerBound.wayOut;
  return runs;
}

TEST(HostCut, RandomPrograms) {
  unsigned binding = 0;
  for (uint64_t seed = 0; seed < 24; ++seed) {
    std::mt19937_64 random(seed);
    TestProgram p(uint32_t(2 + random() % 4), uint32_t(2 + random() % 3), 1, 2);
    buildRandom(p, random);
    binding += runAll(p, seed).binds;
  }
  EXPECT_GE(binding, 1u);
}

/// Programs that some policy brings near to the bound, with values that are
/// spilled on the way, to memory in the host port's cluster or elsewhere.
TEST(HostCut, RandomDeals) {
  unsigned close = 0, spilled = 0;
  for (uint64_t seed = 0; seed < 24; ++seed) {
    std::mt19937_64 random(seed);
    auto below = [&](uint64_t n) { return random() % n; };
    TestProgram p(4, 4, 1, 1);
    buildDeal(p);
    fb::MachineT &m = p.machine();
    m.host_in_bytes_per_cycle = uint32_t(4 + below(20));
    m.host_out_bytes_per_cycle = uint32_t(4 + below(20));
    p.body.importBytes[0] = 1000 + below(9000);
    p.body.blocks[0].outputBytes.assign(4, 100 + below(3000));
    p.body.blocks[5].outputBytes[0] = below(5000);
    if (below(2))
      m.scratchpad = 12000 + below(30000);
    for (unsigned k = 0; k < below(3); ++k)
      m.hbm.emplace_back(uint32_t(below(16)), 64, 20, 0, uint64_t(1) << 40);
    if (below(2)) // The cheap ones may run anywhere.
      for (uint32_t b : {0, 5})
        for (uint32_t c = 0; c < 16; ++c)
          p.body.blocks[b].replicas.push_back(TestProgram::replica(c, 0, 0, 1));
    Runs runs = runAll(p, seed);
    close += runs.binds && runs.best.ratioToLowerBound < 1.5;
    spilled += runs.spills;
  }
  EXPECT_GE(close, 8u);
  EXPECT_GE(spilled, 3u);
}

/// Loops, choices and joins, weights and spills: every policy, every model.
TEST(HostCut, ControlBlocks) {
  for (uint32_t link : {1, 4})
    for (uint64_t scratchpad : {uint64_t(1500), uint64_t(1) << 40})
      for (const char *policy : generalPolicies) {
        TestProgram p(2, 2, 2, 4);
        buildBusy(p);
        p.machine().link_bytes_per_cycle = link;
        p.machine().die_link_bytes_per_cycle = link;
        p.machine().scratchpad = scratchpad;
        p.machine().host_in_bytes_per_cycle = 64;
        p.machine().host_out_bytes_per_cycle = 64;
        const fb::Program &program = p.build();
        for (NetworkModel model : {NetworkModel::Message, NetworkModel::Flit}) {
          SimulationOptions options = busyOptions(policy);
          options.scenario.requests = 60;
          options.network = model;
          RunResult r = run(program, options);
          EXPECT_GT(r.lowerBound.wayIn, 0u);
          EXPECT_GT(r.lowerBound.wayOut, 0u);
          EXPECT_EQ(r.status, RunStatus::Completed);
        }
      }
}

} // namespace
