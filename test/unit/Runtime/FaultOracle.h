//===- FaultOracle.h - Does what is left of a machine suffice? --*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written from docs/semantics.md, section 12, and independent of the simulator:
// it reads the program file, walks the mesh itself and knows nothing of runs.
// A machine suffices when the host port's cluster works, the program finds a
// CBU, and every kernel a TBU with enough live PEAs for its smallest gang, all
// over live links; and when the weights fit behind the memory ports that are
// left.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_FAULTORACLE_H
#define OCTO_TEST_UNIT_RUNTIME_FAULTORACLE_H

#include "octo/Program/program_generated.h"
#include "octo/Target/TargetDesc.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace octo::test {

class FaultOracle {
public:
  explicit FaultOracle(const fb::Program &program)
      : program(program), m(*program.machine()),
        width(m.dies_x() * m.clusters_x()),
        height(m.dies_y() * m.clusters_y()) {
    if (m.dead_peas())
      for (uint32_t pea : *m.dead_peas())
        deadPeas.insert(pea);
    if (m.dead_links())
      for (const fb::LinkId *link : *m.dead_links())
        deadLinks.insert({link->from(), link->to()});
  }

  void kill(const PartRef &part) {
    uint32_t cluster = part.cluster.y * width + part.cluster.x;
    uint32_t tbu = cluster * m.tbus() + part.unit;
    switch (part.kind) {
    case PartKind::Pea:
      deadPeas.insert(tbu * m.peas() + part.pea);
      break;
    case PartKind::Tbu:
      for (uint32_t p = 0; p < m.peas(); ++p)
        deadPeas.insert(tbu * m.peas() + p);
      break;
    case PartKind::Cbu:
      deadCbus.insert(cluster);
      break;
    case PartKind::Link: {
      uint32_t other = part.to.y * width + part.to.x;
      deadLinks.insert({cluster, other});
      deadLinks.insert({other, cluster});
      break;
    }
    case PartKind::Cluster:
      deadClusters.insert(cluster);
      break;
    case PartKind::Hbm:
      deadPorts.insert(part.unit);
      break;
    }
  }

  /// Empty, or what is missing.
  std::string missing() const {
    if (deadClusters.count(m.host_cluster()))
      return "host";
    std::vector<bool> reached(width * height, false);
    std::vector<uint32_t> work = {m.host_cluster()};
    reached[m.host_cluster()] = true;
    while (!work.empty()) {
      uint32_t at = work.back();
      work.pop_back();
      for (uint32_t next = 0; next < width * height; ++next) {
        uint32_t dx = at % width > next % width ? at % width - next % width
                                                : next % width - at % width;
        uint32_t dy = at / width > next / width ? at / width - next / width
                                                : next / width - at / width;
        if (dx + dy != 1 || reached[next] || deadClusters.count(next) ||
            deadLinks.count({at, next}))
          continue;
        reached[next] = true;
        work.push_back(next);
      }
    }
    // Live PEAs of each class, by TBU.
    std::vector<std::array<uint32_t, 3>> live(size_t(width) * height *
                                              m.tbus());
    std::array<uint64_t, 3> sum = {};
    for (uint32_t tbu = 0; tbu < live.size(); ++tbu) {
      uint32_t cluster = tbu / m.tbus();
      if (!reached[cluster])
        continue;
      for (uint32_t p = 0; p < m.peas(); ++p)
        if (!deadPeas.count(tbu * m.peas() + p)) {
          ++live[tbu][m.pea_class()->Get(p)];
          ++sum[m.pea_class()->Get(p)];
        }
    }
    const fb::KernelTable &k = *program.kernels();
    bool controls = false;
    for (const fb::Workflow *wf : *program.workflows())
      for (uint32_t b = 0; b < wf->blocks()->kind()->size(); ++b) {
        if (fb::BlockKind(wf->blocks()->kind()->Get(b)) !=
            fb::BlockKind::Task) {
          controls = true;
          continue;
        }
        uint32_t kernel = wf->blocks()->kernel()->Get(b);
        uint32_t gang = std::max<uint32_t>(
            k.variants()->Get(k.variant_offsets()->Get(kernel))->gang(), 1);
        uint32_t c = k.pea_class()->Get(kernel);
        bool fits = false;
        for (const std::array<uint32_t, 3> &tbu : live)
          fits |= (sum[c] ? tbu[c] : tbu[0] + tbu[1] + tbu[2]) >= gang;
        if (!fits)
          return "PEAs";
      }
    bool cbu = false;
    for (uint32_t c = 0; c < reached.size(); ++c)
      cbu |= reached[c] && !deadCbus.count(c);
    if (controls && !cbu)
      return "CBU";
    uint64_t behind = 0, weights = 0;
    bool port = false;
    for (uint32_t i = 0; m.hbm() && i < m.hbm()->size(); ++i)
      if (!deadPorts.count(i) && reached[m.hbm()->Get(i)->cluster()]) {
        port = true;
        behind += m.hbm()->Get(i)->bytes();
      }
    if (program.weights() && program.weights()->bytes())
      for (uint64_t bytes : *program.weights()->bytes())
        weights += bytes;
    if (port && behind && weights > behind)
      return "memory";
    return {};
  }

private:
  const fb::Program &program;
  const fb::Machine &m;
  uint32_t width, height;
  std::set<uint32_t> deadPeas, deadCbus, deadClusters, deadPorts;
  std::set<std::pair<uint32_t, uint32_t>> deadLinks;
};

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_FAULTORACLE_H
