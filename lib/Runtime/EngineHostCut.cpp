//===- EngineHostCut.cpp - What requests executed, for the bound ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tells HostCut which instances made which values and who took them. Weights,
// indices of copies and tokens do not come from the host port's cluster, so
// they have no flow; what control blocks decide on may be taken beside the host
// port, at no price, so it needs no mention.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

/// With faults lost values may be made again in several places, and a link that
/// dies drops what was on its way: nothing is claimed then.
void Engine::prepareHostCut() {
  uint64_t peas = 0, all = 0;
  for (uint32_t i = 0; i < m.tbus; ++i) {
    uint64_t live = uint64_t(std::popcount(m.live[i]));
    all += live;
    peas += clusterOf(i) == m.hostCluster ? live : 0;
  }
  auto cut = std::make_unique<HostCut>(
      peas, std::max<uint64_t>(all, 1), m.linkBytesPerCycle,
      m.hostInBytesPerCycle, m.hostOutBytesPerCycle);
  if (!faults && m.clusters > 1 && cut->matters())
    hostCut = std::move(cut);
}

void Engine::cutArgument(uint32_t request, uint32_t id) {
  Value &value = values[id];
  if (!value.token)
    value.flow = hostCut->addFlow(request, HostCut::host, value.bytes);
}

/// An instance has completed, and holds its inputs still.
uint32_t Engine::cutTask(const Instance &instance) {
  if (!hostCut->isOpen(instance.request))
    return noIndex;
  uint32_t node = hostCut->addNode(instance.request, instance.capacityCycles);
  const BlockInfo &block = t.blocks[instance.block];
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (words[i])
      hostCut->use(instance.request, values[(words[i] & ~pinMark) - 1].flow,
                   node);
  return node;
}

/// The flow of an output, whole or in chunks: those who take it in chunks have
/// got a value of their own.
uint32_t Engine::cutOutput(const Instance &instance, uint32_t node,
                           uint32_t output) {
  uint32_t slot = t.blocks[instance.block].outputBegin + output;
  if (node == noIndex || t.elementOf(slot) == ElementKind::Token)
    return noIndex;
  uint32_t flow =
      hostCut->addFlow(instance.request, node, outputBytes(instance, output));
  if (instance.streams != noIndex)
    for (auto [id, generation] : streamTasks[instance.streams].out)
      if (streams.current(id, generation) &&
          t.inputs[t.streams[streams[id].info].input] == slot)
        values[streams[id].value].flow = flow;
  return flow;
}

/// A join has been made of its inits and parts.
uint32_t Engine::cutJoin(const Control &control) {
  uint32_t node = hostCut->addNode(control.request, 0);
  for (const std::vector<uint32_t> *list : {&control.inits, &control.results})
    for (uint32_t word : *list)
      if (word)
        hostCut->use(control.request, values[word - 1].flow, node);
  return node;
}
