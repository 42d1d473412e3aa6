//===- HostCut.cpp - What must pass the host port's router ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostCut.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace octo;

//===----------------------------------------------------------------------===//
// Maximum flow
//===----------------------------------------------------------------------===//

void MaxFlow::reset(uint32_t vertices) {
  arcs.clear();
  first.assign(vertices, none);
}

uint32_t MaxFlow::addArc(uint32_t from, uint32_t to, uint64_t capacity) {
  uint32_t id = uint32_t(arcs.size());
  arcs.push_back({to, first[from], capacity});
  first[from] = id;
  arcs.push_back({from, first[to], 0});
  first[to] = id + 1;
  return id;
}

/// Distances from the source over arcs that have something left.
bool MaxFlow::findLevels(uint32_t sink, uint64_t &effort) {
  level.assign(first.size(), none);
  queue.clear();
  queue.push_back(source);
  level[source] = 0;
  for (size_t i = 0; i < queue.size() && level[sink] == none; ++i) {
    uint32_t at = queue[i];
    for (uint32_t a = first[at]; a != none; a = arcs[a].next) {
      if (!effort)
        return false;
      --effort;
      const Arc &arc = arcs[a];
      if (!arc.left || level[arc.to] != none)
        continue;
      level[arc.to] = level[at] + 1;
      queue.push_back(arc.to);
    }
  }
  return level[sink] != none;
}

uint64_t MaxFlow::augment(uint32_t sink, uint64_t &effort) {
  uint64_t total = 0;
  while (findLevels(sink, effort)) {
    current = first;
    path.clear();
    uint32_t at = source;
    for (;;) {
      if (at == sink) {
        uint64_t amount = unlimited;
        for (uint32_t a : path)
          amount = std::min(amount, arcs[a].left);
        size_t full = path.size();
        for (size_t i = path.size(); i-- > 0;) {
          arcs[path[i]].left -= amount;
          arcs[path[i] ^ 1].left += amount;
          if (!arcs[path[i]].left)
            full = i;
        }
        total += amount;
        effort -= std::min<uint64_t>(effort, path.size());
        at = arcs[path[full] ^ 1].to;
        path.resize(full);
        continue;
      }
      uint32_t &a = current[at];
      while (a != none && effort &&
             !(arcs[a].left && level[arcs[a].to] == level[at] + 1)) {
        a = arcs[a].next;
        --effort;
      }
      if (!effort)
        return total;
      if (a != none) {
        path.push_back(a);
        at = arcs[a].to;
        continue;
      }
      if (path.empty())
        break;
      // A dead end.
      at = arcs[path.back() ^ 1].to;
      path.pop_back();
      current[at] = arcs[current[at]].next;
    }
  }
  return total;
}

//===----------------------------------------------------------------------===//
// Graphs of requests
//===----------------------------------------------------------------------===//

HostCut::HostCut(uint64_t peas, uint64_t allPeas, uint64_t link,
                 uint64_t hostIn, uint64_t hostOut)
    : peas(peas), allPeas(allPeas), link(link) {
  const uint64_t widths[] = {hostIn, hostOut};
  for (unsigned w = 0; w < 2; ++w) {
    ways[w].wanted = widths[w] > link;
    if (ways[w].wanted)
      ways[w].largest = std::bit_width(widths[w] / link) - 1;
  }
}

void HostCut::clear(Graph &graph) {
  graph.isOpen = false;
  graph.work.clear();
  graph.flows.clear();
  graph.uses.clear();
}

void HostCut::open(uint32_t request) {
  if (graphs.size() <= request)
    graphs.resize(request + 1);
  Graph &graph = graphs[request];
  clear(graph);
  graph.isOpen = matters();
  graph.work.push_back(0);
}

uint32_t HostCut::addNode(uint32_t request, uint64_t work) {
  Graph &graph = graphs[request];
  if (graph.work.size() == maxNodes)
    clear(graph);
  if (!graph.isOpen)
    return none;
  graph.work.push_back(work);
  return uint32_t(graph.work.size() - 1);
}

uint32_t HostCut::addFlow(uint32_t request, uint32_t producer, uint64_t bytes) {
  Graph &graph = graphs[request];
  if (!graph.isOpen || producer == none || !bytes)
    return none;
  // Nobody has this much; sums must not overflow.
  bytes = std::min(bytes, uint64_t(1) << 44) << byteShift;
  graph.flows.push_back({bytes, producer, 0});
  return uint32_t(graph.flows.size() - 1);
}

void HostCut::use(uint32_t request, uint32_t flow, uint32_t node) {
  Graph &graph = graphs[request];
  if (!graph.isOpen || flow == none || node == none)
    return;
  ++graph.flows[flow].uses;
  graph.uses.push_back({flow, node});
}

void HostCut::close(uint32_t request, bool counts) {
  Graph &graph = graphs[request];
  if (counts && graph.isOpen) {
    for (unsigned w = 0; w < 2; ++w)
      if (ways[w].wanted)
        solve(graph, w == 1);
    if (++closed <= trial)
      work = std::accumulate(graph.work.begin(), graph.work.end(), work);
    if (closed == trial)
      for (Way &way : ways)
        settle(way);
  }
  clear(graph);
}

/// Looks at how far the trial has come. What is left out from now on makes the
/// bound smaller, never wrong.
void HostCut::settle(Way &way) const {
  unsigned best = 0;
  for (unsigned p = 1; p < numPrices; ++p)
    if (bound(way, p) > bound(way, best))
      best = p;
  way.wanted &= bound(way, best) * farAway > work / allPeas;
  way.first = best;
  way.end = best + 1;
}

//===----------------------------------------------------------------------===//
// The cheapest cut
//===----------------------------------------------------------------------===//

/// Of all PEA-cycles of the cluster, as a part of what its port carries.
HostCut::Price HostCut::price(const Way &way, unsigned number) {
  int exponent = way.largest + 1 - int((numPrices - number + 1) / 2);
  uint64_t halves = number % 2 ? 3 : 2;
  return exponent < 0 ? Price{halves, uint64_t(2) << -exponent}
                      : Price{halves << exponent, 2};
}

/// What work beside the host port costs in bytes, rounded down.
uint64_t HostCut::priceOf(uint64_t work, Price price) const {
  if (!peas)
    return MaxFlow::unlimited / 2; // it cannot run there
  using Wide = unsigned __int128;
  Wide bytes = (Wide(std::min(work, uint64_t(1) << 40)) * link << byteShift) *
               price.num / (Wide(peas) * price.den);
  return uint64_t(std::min<Wide>(bytes, MaxFlow::unlimited / 2));
}

/// Vertices of the flow are the nodes, a vertex for every value that several
/// take (its bytes pass once, whoever takes it) and the sink: what is on the
/// side of the host runs there. A flow that is stopped short is a bound too.
void HostCut::solve(const Graph &graph, bool outwards) {
  Way &way = ways[outwards];
  uint32_t nodes = uint32_t(graph.work.size()), vertices = nodes;
  for (const Flow &value : graph.flows)
    vertices += value.uses > 1;
  const uint32_t sink = vertices;
  flow.reset(vertices + 1);

  // From the host to whoever takes its values, or from the host, who takes
  // results, to whoever makes them.
  auto arc = [&](uint32_t producer, uint32_t consumer, uint64_t capacity) {
    if (outwards)
      std::swap(producer, consumer);
    flow.addArc(producer, consumer, capacity);
  };
  uint32_t shared = nodes;
  uint64_t most = 0;
  sharedVertex.assign(graph.flows.size(), none);
  for (size_t f = 0; f < graph.flows.size(); ++f) {
    const Flow &value = graph.flows[f];
    // What can leave the source at all; of the way out more than that, where
    // the host takes a result twice.
    if (!outwards && value.producer == host)
      most += value.bytes;
    if (value.uses <= 1)
      continue;
    sharedVertex[f] = shared++;
    arc(value.producer, sharedVertex[f], value.bytes);
  }
  for (const Use &use : graph.uses) {
    const Flow &value = graph.flows[use.flow];
    if (value.uses > 1)
      arc(sharedVertex[use.flow], use.node, MaxFlow::unlimited);
    else if (value.producer != use.node)
      arc(value.producer, use.node, value.bytes);
    if (outwards && use.node == host)
      most += value.bytes;
  }
  sinkArcs.assign(nodes, none);
  for (uint32_t n = 1; n < nodes; ++n)
    if (graph.work[n])
      sinkArcs[n] = flow.addArc(n, sink, 0);

  uint64_t effort = looksPerArc * flow.numArcs(), sent = 0;
  for (unsigned p = way.first; p < way.end; ++p) {
    for (uint32_t n = 1; sent < most && n < nodes; ++n)
      if (sinkArcs[n] != none) {
        uint64_t before =
            p == way.first ? 0 : priceOf(graph.work[n], price(way, p - 1));
        flow.raise(sinkArcs[n], priceOf(graph.work[n], price(way, p)) - before);
      }
    if (sent < most)
      sent += flow.augment(sink, effort);
    way.bytes[p] += sent;
  }
}

/// All bytes and all work, at this price, over what a cycle has of both.
uint64_t HostCut::bound(const Way &way, unsigned number) const {
  using Wide = unsigned __int128;
  Price part = price(way, number);
  Wide cycle = (Wide(link) * (part.den + part.num)) << byteShift;
  return uint64_t((Wide(way.bytes[number]) * part.den + cycle - 1) / cycle);
}

uint64_t HostCut::bound(unsigned w) const {
  uint64_t most = 0;
  for (unsigned p = 0; ways[w].wanted && p < numPrices; ++p)
    most = std::max(most, bound(ways[w], p));
  return most;
}
