//===- HostCut.h - What must pass the host port's router --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of the lower bound (docs/semantics.md, section 11). Arguments come in at
// the cluster of the host port, and results leave there. Whatever else runs
// elsewhere gets its data through the one port by which that cluster sends into
// its router, and gives them back through the one by which it receives; both
// are a link wide. A policy may spare bytes by running tasks beside the host
// port, where PEAs are few. With a price on their cycles the cheapest choice
// for a request is a minimum cut of the graph of what it executed, and every
// price gives a bound for all policies.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_HOSTCUT_H
#define OCTO_LIB_RUNTIME_HOSTCUT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace octo {

/// Maximum flow by Dinic's algorithm ("Algorithm for solution of a problem of
/// maximum flow in a network with power estimation", 1970). Written out because
/// capacities are raised price by price and what flows already stays, and
/// because nothing is allocated for a graph once the largest one has been seen.
class MaxFlow {
public:
  static constexpr uint32_t source = 0;
  static constexpr uint64_t unlimited = uint64_t(1) << 62;

  /// Vertices 0 to `vertices` - 1, no arcs, no flow.
  void reset(uint32_t vertices);
  uint32_t addArc(uint32_t from, uint32_t to, uint64_t capacity);
  void raise(uint32_t arc, uint64_t by) { arcs[arc].left += by; }
  /// Sends as much more to `sink` as there is a way for; less, if that takes
  /// more than `effort` looks at arcs. Returns how much.
  uint64_t augment(uint32_t sink, uint64_t &effort);
  std::size_t numArcs() const { return arcs.size(); }

private:
  static constexpr uint32_t none = 0xffffffff;
  struct Arc {
    uint32_t to;
    uint32_t next; ///< of the same vertex; arc ^ 1 goes back
    uint64_t left;
  };
  bool findLevels(uint32_t sink, uint64_t &effort);

  std::vector<Arc> arcs;
  std::vector<uint32_t> first, current, level, queue, path;
};

class HostCut {
public:
  static constexpr uint32_t none = 0xffffffff;
  /// Number of the host in every graph: it makes arguments and takes results.
  static constexpr uint32_t host = 0;

  HostCut() = default;
  /// `peas`: live ones of the host port's cluster, and of the machine. Where a
  /// link is as wide as the host port, that port is as tight, and there is
  /// nothing to find.
  HostCut(uint64_t peas, uint64_t allPeas, uint64_t link, uint64_t hostIn,
          uint64_t hostOut);
  bool matters() const { return ways[0].wanted || ways[1].wanted; }

  /// Requests are known by small numbers, which are used again.
  void open(uint32_t request);
  /// What was executed at one place. `work`: the least PEA-cycles that it
  /// takes, 0 for what needs no PEA.
  uint32_t addNode(uint32_t request, uint64_t work);
  /// A value that it made.
  uint32_t addFlow(uint32_t request, uint32_t producer, uint64_t bytes);
  void use(uint32_t request, uint32_t flow, uint32_t node);
  bool isOpen(uint32_t request) const { return graphs[request].isOpen; }
  /// The request is over; one that failed does not count.
  void close(uint32_t request, bool counts);

  /// No run that has completed all that was closed takes less: because of what
  /// leaves the host port's cluster, and of what comes in.
  uint64_t cyclesIn() const { return bound(0); }
  uint64_t cyclesOut() const { return bound(1); }

  /// See State.h.
  template <class Archive>
  void state(Archive &a) {
    a.all(*this, a.fixed(peas), a.fixed(allPeas), a.fixed(link), ways, graphs,
          closed, work, a.fixed(flow), a.fixed(sinkArcs),
          a.fixed(sharedVertex));
  }

private:
  struct Flow {
    uint64_t bytes;
    uint32_t producer;
    uint32_t uses;
  };
  struct Use {
    uint32_t flow, node;
  };
  struct Graph {
    bool isOpen = false;
    std::vector<uint64_t> work; ///< by node
    std::vector<Flow> flows;
    std::vector<Use> uses;
  };
  /// Prices of a PEA-cycle of the cluster, as parts of what its port carries in
  /// that time: powers of two and half as much again. From the largest one on
  /// the host port itself is as tight.
  static constexpr unsigned numPrices = 22;
  struct Price {
    uint64_t num, den;
  };
  /// After so many requests only the best price is looked at, and a way is left
  /// alone if the work of these requests, on all PEAs, takes so many times as
  /// long.
  static constexpr uint64_t trial = 64;
  static constexpr uint64_t farAway = 4;
  /// Bytes are counted in 1/256, so that cheap tasks have a price.
  static constexpr unsigned byteShift = 8;
  /// Larger graphs do not count: they would have to be kept as a whole.
  static constexpr std::size_t maxNodes = std::size_t(1) << 16;
  /// So often is each arc of a graph looked at, at most, on average.
  static constexpr uint64_t looksPerArc = 256;
  struct Way {
    bool wanted = false;
    int largest = 0;                     ///< exponent of the largest price
    unsigned first = 0, end = numPrices; ///< prices that are looked at
    std::array<uint64_t, numPrices> bytes{};
  };

  static Price price(const Way &way, unsigned number);
  uint64_t priceOf(uint64_t work, Price price) const;
  void solve(const Graph &graph, bool outwards);
  uint64_t bound(const Way &way, unsigned price) const;
  uint64_t bound(unsigned way) const;
  void settle(Way &way) const;
  void clear(Graph &graph);

  uint64_t peas = 0, allPeas = 1, link = 1;
  std::array<Way, 2> ways; ///< into the mesh, out of it
  std::vector<Graph> graphs;
  uint64_t closed = 0; ///< requests that count
  uint64_t work = 0;   ///< of the first ones, in PEA-cycles
  // Of the graph that is being solved.
  MaxFlow flow;
  std::vector<uint32_t> sinkArcs;     ///< by node
  std::vector<uint32_t> sharedVertex; ///< by flow
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_HOSTCUT_H
