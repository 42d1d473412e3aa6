//===- TargetDesc.cpp - A machine, as its target file states it -----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes a target valid, its one canonical spelling, and its digest.
//
//===----------------------------------------------------------------------===//

#include "octo/Target/TargetDesc.h"

#include "octo/Support/Sha256.h"
#include "octo/Target/Topology.h"

#include <algorithm>
#include <iterator>

using namespace octo;

std::string_view octo::stringifyPeaClass(PeaClass peaClass) {
  switch (peaClass) {
  case PeaClass::Matrix:
    return "matrix";
  case PeaClass::Vector:
    return "vector";
  case PeaClass::General:
    return "general";
  }
  return "unknown";
}

std::string_view octo::stringifyPartKind(PartKind kind) {
  switch (kind) {
  case PartKind::Pea:
    return "pea";
  case PartKind::Tbu:
    return "tbu";
  case PartKind::Cbu:
    return "cbu";
  case PartKind::Link:
    return "link";
  case PartKind::Cluster:
    return "cluster";
  case PartKind::Hbm:
    return "hbm";
  }
  return "unknown";
}

std::string octo::describe(const PartRef &part) {
  std::string cluster =
      fmt::format("cluster ({}, {})", part.cluster.x, part.cluster.y);
  switch (part.kind) {
  case PartKind::Pea:
    return fmt::format("PEA {} of TBU {} of {}", part.pea, part.unit, cluster);
  case PartKind::Tbu:
    return fmt::format("TBU {} of {}", part.unit, cluster);
  case PartKind::Cbu:
    return "the CBU of " + cluster;
  case PartKind::Link:
    return fmt::format("the link between {} and cluster ({}, {})", cluster,
                       part.to.x, part.to.y);
  case PartKind::Cluster:
    return cluster;
  case PartKind::Hbm:
    return fmt::format("HBM port {}", part.unit);
  }
  return "unknown part";
}

//===----------------------------------------------------------------------===//
// Validity
//===----------------------------------------------------------------------===//

namespace {

constexpr uint64_t maxBytes = uint64_t(1) << 50;
constexpr uint64_t maxBytesPerCycle = 1 << 20;
constexpr uint64_t maxCycles = 100'000'000;
constexpr uint64_t maxEnergyQ16 = uint64_t(1) << 46;

/// Collects the first thing that is wrong.
class Checker {
public:
  explicit Checker(const TargetDesc &target) : target(target) {}

  Expected<void> run() {
    checkParameters();
    if (!ok())
      return makeError("{}", problem);
    for (size_t i = 0; ok() && i < target.defects.parts.size(); ++i) {
      const PartRef &part = target.defects.parts[i];
      std::string path = fmt::format("defects.parts[{}]", i);
      if (part.kind == PartKind::Cbu || part.kind == PartKind::Hbm)
        fail(path, "expected a PEA, a TBU, a link or a cluster");
      else
        checkPart(path, part);
    }
    uint64_t cycle = 0;
    for (size_t i = 0; ok() && i < target.faults.size(); ++i) {
      std::string path = fmt::format("faults[{}]", i);
      checkPart(path, target.faults[i].part);
      if (ok() && target.faults[i].cycle < cycle)
        fail(path, fmt::format("comes at cycle {}, after a fault at cycle {}; "
                               "list faults in the order of their cycles",
                               target.faults[i].cycle, cycle));
      cycle = target.faults[i].cycle;
    }
    if (!ok())
      return makeError("{}", problem);

    Topology topology(target);
    if (!topology.clusterUsable(topology.hostCluster()))
      fail("host.at", fmt::format("the host port is at cluster ({}, {}), which "
                                  "the defects make dead; move one of them",
                                  target.host.at.x, target.host.at.y));
    else if (!topology.livePeas())
      fail("defects", "no PEA that the host port can reach is left; list fewer "
                      "defects or lower the rates");
    if (!ok())
      return makeError("{}", problem);
    return {};
  }

private:
  bool ok() const { return problem.empty(); }

  void fail(std::string_view path, std::string_view message) {
    if (ok())
      problem = fmt::format("`{}`: {}", path, message);
  }

  void range(std::string_view path, uint64_t value, uint64_t low,
             uint64_t high) {
    if (ok() && (value < low || value > high))
      fail(path, fmt::format("expected an integer from {} to {}, found {}", low,
                             high, value));
  }

  void rangeQ16(std::string_view path, uint64_t value, uint64_t high) {
    if (ok() && (value < 1 || value > high))
      fail(path, fmt::format("expected a number above 0 and up to {}, found {}",
                             high / 65536, double(value) / 65536));
  }

  void coord(std::string_view path, Coord at) {
    if (ok() && (at.x >= target.meshWidth() || at.y >= target.meshHeight()))
      fail(path,
           fmt::format("cluster ({}, {}) is off the mesh, which has "
                       "{} x {} clusters, numbered from 0",
                       at.x, at.y, target.meshWidth(), target.meshHeight()));
  }

  void index(std::string_view path, std::string_view what, uint64_t value,
             uint64_t count) {
    if (ok() && value >= count)
      fail(path,
           fmt::format("there is no {} {}: {}", what, value,
                       count ? fmt::format("the last one is {}", count - 1)
                             : std::string("the machine has none")));
  }

  void checkPart(const std::string &path, const PartRef &part) {
    switch (part.kind) {
    case PartKind::Pea:
      index(path, "PEA", part.pea, target.peasPerTbu);
      [[fallthrough]];
    case PartKind::Tbu:
      index(path, "TBU", part.unit, target.tbusPerCluster);
      [[fallthrough]];
    case PartKind::Cbu:
    case PartKind::Cluster:
      coord(path, part.cluster);
      break;
    case PartKind::Hbm:
      index(path, "HBM port", part.unit, target.hbmPorts.size());
      break;
    case PartKind::Link: {
      coord(path, part.cluster);
      coord(path, part.to);
      uint64_t dx = uint64_t(std::max(part.cluster.x, part.to.x)) -
                    std::min(part.cluster.x, part.to.x);
      uint64_t dy = uint64_t(std::max(part.cluster.y, part.to.y)) -
                    std::min(part.cluster.y, part.to.y);
      if (ok() && dx + dy != 1)
        fail(path,
             fmt::format("clusters ({}, {}) and ({}, {}) are not "
                         "neighbours, so no link joins them",
                         part.cluster.x, part.cluster.y, part.to.x, part.to.y));
      break;
    }
    }
  }

  void checkParameters();

  const TargetDesc &target;
  std::string problem;
};

void Checker::checkParameters() {
  if (target.name.empty() || target.name.size() > 128 ||
      std::any_of(target.name.begin(), target.name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      }))
    fail("name", "expected 1 to 128 printable characters");
  if (target.clockHz < 1000 || target.clockHz > uint64_t(1000) * 1000000000)
    fail("clock_mhz", fmt::format("expected a number from 0.001 to 1000000, "
                                  "found {}",
                                  double(target.clockHz) / 1e6));
  range("mesh.dies.x", target.dies.x, 1, 256);
  range("mesh.dies.y", target.dies.y, 1, 256);
  range("mesh.clusters_per_die.x", target.clustersPerDie.x, 1, 1024);
  range("mesh.clusters_per_die.y", target.clustersPerDie.y, 1, 1024);
  range("mesh.tbus_per_cluster", target.tbusPerCluster, 1, 64);
  range("mesh.peas_per_tbu", target.peasPerTbu, 1, 64);
  if (!ok())
    return;
  uint64_t peas = uint64_t(target.dies.x) * target.dies.y *
                  target.clustersPerDie.x * target.clustersPerDie.y *
                  target.tbusPerCluster * target.peasPerTbu;
  if (peas > maxTargetPeas)
    fail("mesh", fmt::format("the machine has {} PEAs; the most that Octopus "
                             "takes is {}",
                             peas, maxTargetPeas));

  range("pea.rows", target.pea.rows, 1, 4096);
  range("pea.cols", target.pea.cols, 1, 4096);
  range("pea.sram", target.pea.sramBytes, 1, maxBytes);
  if (ok() && target.pea.layout.size() != target.peasPerTbu)
    fail("pea.layout",
         fmt::format("expected one class for each of the {} PEAs "
                     "of a TBU, found {}",
                     target.peasPerTbu, target.pea.layout.size()));
  for (unsigned i = 0; ok() && i < numPeaClasses; ++i) {
    auto peaClass = PeaClass(i);
    const PeaRatesDesc &rates = target.pea.rates[i];
    std::string path = fmt::format("pea.rates.{}", stringifyPeaClass(peaClass));
    if (rates == PeaRatesDesc{}) {
      if (std::find(target.pea.layout.begin(), target.pea.layout.end(),
                    peaClass) != target.pea.layout.end())
        fail("pea.layout", fmt::format("the class `{}` has no rates; add them "
                                       "under `pea.rates`",
                                       stringifyPeaClass(peaClass)));
      continue;
    }
    constexpr uint64_t most = uint64_t(1) << 40;
    rangeQ16(path + ".mac", rates.macQ16, most);
    rangeQ16(path + ".vector", rates.vectorQ16, most);
    rangeQ16(path + ".special", rates.specialQ16, most);
    rangeQ16(path + ".scalar", rates.scalarQ16, most);
  }
  for (PeaClass peaClass : target.pea.layout)
    if (ok() && size_t(peaClass) >= numPeaClasses)
      fail("pea.layout", fmt::format("there is no class {}", int(peaClass)));

  range("scratchpad.bytes", target.scratchpad.bytes, 1, maxBytes);
  range("scratchpad.bytes_per_cycle", target.scratchpad.bytesPerCycle, 1,
        maxBytesPerCycle);
  range("config_store.bytes", target.configStore.bytes, 1, maxBytes);
  range("config_store.bytes_per_cycle", target.configStore.bytesPerCycle, 1,
        maxBytesPerCycle);
  range("config_store.switch_cycles", target.configStore.switchCycles, 0,
        maxCycles);

  const DataPlaneDesc &data = target.dataPlane;
  range("data_plane.link_bytes_per_cycle", data.linkBytesPerCycle, 1,
        maxBytesPerCycle);
  range("data_plane.hop_cycles", data.hopCycles, 1, maxCycles);
  range("data_plane.interface_cycles", data.interfaceCycles, 0, maxCycles);
  if (ok() && data.linkBufferBytes < data.linkBytesPerCycle)
    fail("data_plane.link_buffer",
         fmt::format("a buffer of {} bytes does not hold one flit of {} bytes",
                     data.linkBufferBytes, data.linkBytesPerCycle));
  range("die_link.bytes_per_cycle", target.dieLink.bytesPerCycle, 1,
        maxBytesPerCycle);
  range("die_link.hop_cycles", target.dieLink.hopCycles, 1, maxCycles);

  const ControlPlaneDesc &control = target.controlPlane;
  range("control_plane.cb_decision_cycles", control.cbDecisionCycles, 0,
        maxCycles);
  if (control.cbCyclesPerScalarQ16 > 65536u * 10000)
    fail("control_plane.cb_cycles_per_scalar",
         fmt::format("expected a number from 0 to 10000, found {}",
                     control.cbCyclesPerScalarQ16 / 65536.0));
  range("control_plane.token_hop_cycles", control.tokenHopCycles, 0, maxCycles);
  range("control_plane.token_bytes", control.tokenBytes, 1, 4096);
  range("control_plane.command_cycles", control.commandCycles, 0, maxCycles);
  range("control_plane.local_dispatch_cycles", control.localDispatchCycles, 0,
        maxCycles);
  range("control_plane.central_dispatch_cycles", control.centralDispatchCycles,
        0, maxCycles);
  range("control_plane.resize_cycles", control.resizeCycles, 0, maxCycles);

  coord("host.at", target.host.at);
  range("host.ingress_bytes_per_cycle", target.host.ingressBytesPerCycle, 1,
        maxBytesPerCycle);
  range("host.egress_bytes_per_cycle", target.host.egressBytesPerCycle, 1,
        maxBytesPerCycle);
  range("host.latency_cycles", target.host.latencyCycles, 0, maxCycles);

  range("hbm", target.hbmPorts.size(), 0, 65536);
  for (size_t i = 0; ok() && i < target.hbmPorts.size(); ++i) {
    const HbmPortDesc &port = target.hbmPorts[i];
    std::string path = fmt::format("hbm[{}]", i);
    coord(path + ".at", port.at);
    range(path + ".bytes", port.bytes, 1, maxBytes);
    range(path + ".bytes_per_cycle", port.bytesPerCycle, 1, maxBytesPerCycle);
    range(path + ".latency_cycles", port.latencyCycles, 0, maxCycles);
  }

  const EnergyDesc &energy = target.energy;
  for (uint64_t value :
       {energy.macQ16, energy.vectorQ16, energy.specialQ16, energy.scalarQ16,
        energy.scratchpadByteQ16, energy.linkByteQ16, energy.dieLinkByteQ16,
        energy.hbmByteQ16, energy.hostByteQ16, energy.configByteQ16,
        energy.cbDecisionQ16, energy.tokenHopQ16, energy.peaLeakageQ16,
        energy.clusterLeakageQ16})
    if (value > maxEnergyQ16)
      fail("energy_pj", fmt::format("{} pJ is more than the {} pJ that an "
                                    "event may cost",
                                    value / 65536, maxEnergyQ16 / 65536));

  constexpr uint64_t one = uint64_t(1) << 32;
  for (auto [path, rate] :
       {std::pair("defects.rates.pea", target.defects.peaRateQ32),
        std::pair("defects.rates.tbu", target.defects.tbuRateQ32),
        std::pair("defects.rates.link", target.defects.linkRateQ32)})
    if (rate > one)
      fail(path, "expected a number from 0 to 1");
}

} // namespace

Expected<void> octo::checkTarget(const TargetDesc &target) {
  return Checker(target).run();
}

//===----------------------------------------------------------------------===//
// Canonical spelling
//===----------------------------------------------------------------------===//

/// A YAML string in double quotes; names have no control characters.
static std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '"';
}

/// A multiple of 2^-fractionBits, exactly, in the shortest form that reads back
/// to the same number.
static std::string fixed(uint64_t value, unsigned fractionBits) {
  return fmt::format("{}", double(value) / double(uint64_t(1) << fractionBits));
}

static std::string q16(uint64_t value) { return fixed(value, 16); }

static std::string writePart(const PartRef &part) {
  std::string at = fmt::format("[{}, {}]", part.cluster.x, part.cluster.y);
  switch (part.kind) {
  case PartKind::Pea:
    return fmt::format("pea: [{}, {}, {}, {}]", part.cluster.x, part.cluster.y,
                       part.unit, part.pea);
  case PartKind::Tbu:
    return fmt::format("tbu: [{}, {}, {}]", part.cluster.x, part.cluster.y,
                       part.unit);
  case PartKind::Cbu:
    return "cbu: " + at;
  case PartKind::Cluster:
    return "cluster: " + at;
  case PartKind::Hbm:
    return fmt::format("hbm: {}", part.unit);
  case PartKind::Link:
    return fmt::format("link: [{}, {}, {}, {}]", part.cluster.x, part.cluster.y,
                       part.to.x, part.to.y);
  }
  return {};
}

std::string octo::writeTarget(const TargetDesc &target) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "octopus_target: 1\nname: {}\nclock_mhz: {}\n",
                 quoted(target.name), double(target.clockHz) / 1e6);
  fmt::format_to(out,
                 "mesh:\n  dies: {{x: {}, y: {}}}\n"
                 "  clusters_per_die: {{x: {}, y: {}}}\n"
                 "  tbus_per_cluster: {}\n  peas_per_tbu: {}\n",
                 target.dies.x, target.dies.y, target.clustersPerDie.x,
                 target.clustersPerDie.y, target.tbusPerCluster,
                 target.peasPerTbu);

  fmt::format_to(out, "pea:\n  rows: {}\n  cols: {}\n  sram: {}\n  layout: [",
                 target.pea.rows, target.pea.cols, target.pea.sramBytes);
  for (size_t i = 0; i < target.pea.layout.size(); ++i)
    fmt::format_to(out, "{}{}", i ? ", " : "",
                   stringifyPeaClass(target.pea.layout[i]));
  text += "]\n  rates:\n";
  for (unsigned i = 0; i < numPeaClasses; ++i) {
    const PeaRatesDesc &rates = target.pea.rates[i];
    if (rates != PeaRatesDesc{})
      fmt::format_to(out,
                     "    {}: {{mac: {}, vector: {}, special: {}, scalar: "
                     "{}}}\n",
                     stringifyPeaClass(PeaClass(i)), q16(rates.macQ16),
                     q16(rates.vectorQ16), q16(rates.specialQ16),
                     q16(rates.scalarQ16));
  }

  fmt::format_to(out, "scratchpad: {{bytes: {}, bytes_per_cycle: {}}}\n",
                 target.scratchpad.bytes, target.scratchpad.bytesPerCycle);
  fmt::format_to(
      out,
      "config_store: {{bytes: {}, bytes_per_cycle: {}, switch_cycles: {}}}\n",
      target.configStore.bytes, target.configStore.bytesPerCycle,
      target.configStore.switchCycles);
  fmt::format_to(out,
                 "data_plane: {{link_bytes_per_cycle: {}, hop_cycles: {}, "
                 "interface_cycles: {}, link_buffer: {}}}\n",
                 target.dataPlane.linkBytesPerCycle, target.dataPlane.hopCycles,
                 target.dataPlane.interfaceCycles,
                 target.dataPlane.linkBufferBytes);
  fmt::format_to(out, "die_link: {{bytes_per_cycle: {}, hop_cycles: {}}}\n",
                 target.dieLink.bytesPerCycle, target.dieLink.hopCycles);
  const ControlPlaneDesc &control = target.controlPlane;
  fmt::format_to(
      out,
      "control_plane:\n  cb_decision_cycles: {}\n  cb_cycles_per_scalar: {}\n"
      "  token_hop_cycles: {}\n  token_bytes: {}\n  command_cycles: {}\n"
      "  local_dispatch_cycles: {}\n  central_dispatch_cycles: {}\n"
      "  resize_cycles: {}\n",
      control.cbDecisionCycles, q16(control.cbCyclesPerScalarQ16),
      control.tokenHopCycles, control.tokenBytes, control.commandCycles,
      control.localDispatchCycles, control.centralDispatchCycles,
      control.resizeCycles);
  fmt::format_to(out,
                 "host: {{at: [{}, {}], ingress_bytes_per_cycle: {}, "
                 "egress_bytes_per_cycle: {}, latency_cycles: {}}}\n",
                 target.host.at.x, target.host.at.y,
                 target.host.ingressBytesPerCycle,
                 target.host.egressBytesPerCycle, target.host.latencyCycles);

  if (target.hbmPorts.empty())
    text += "hbm: []\n";
  else
    text += "hbm:\n";
  for (const HbmPortDesc &port : target.hbmPorts)
    fmt::format_to(out,
                   "  - {{at: [{}, {}], bytes: {}, bytes_per_cycle: {}, "
                   "latency_cycles: {}}}\n",
                   port.at.x, port.at.y, port.bytes, port.bytesPerCycle,
                   port.latencyCycles);

  const EnergyDesc &energy = target.energy;
  text += "energy_pj:\n";
  for (auto [key, value] :
       {std::pair("mac", energy.macQ16), std::pair("vector", energy.vectorQ16),
        std::pair("special", energy.specialQ16),
        std::pair("scalar", energy.scalarQ16),
        std::pair("scratchpad_byte", energy.scratchpadByteQ16),
        std::pair("link_byte", energy.linkByteQ16),
        std::pair("die_link_byte", energy.dieLinkByteQ16),
        std::pair("hbm_byte", energy.hbmByteQ16),
        std::pair("host_byte", energy.hostByteQ16),
        std::pair("config_byte", energy.configByteQ16),
        std::pair("cb_decision", energy.cbDecisionQ16),
        std::pair("token_hop", energy.tokenHopQ16),
        std::pair("pea_leakage_cycle", energy.peaLeakageQ16),
        std::pair("cluster_leakage_cycle", energy.clusterLeakageQ16)})
    fmt::format_to(out, "  {}: {}\n", key, q16(value));

  const DefectsDesc &defects = target.defects;
  if (defects != DefectsDesc{}) {
    text += "defects:\n";
    if (!defects.parts.empty()) {
      text += "  parts:\n";
      for (const PartRef &part : defects.parts)
        fmt::format_to(out, "    - {{{}}}\n", writePart(part));
    }
    fmt::format_to(out, "  seed: {}\n  rates: {{pea: {}, tbu: {}, link: {}}}\n",
                   defects.seed, fixed(defects.peaRateQ32, 32),
                   fixed(defects.tbuRateQ32, 32),
                   fixed(defects.linkRateQ32, 32));
  }
  if (!target.faults.empty()) {
    text += "faults:\n";
    for (const FaultDesc &fault : target.faults)
      fmt::format_to(out, "  - {{cycle: {}, {}}}\n", fault.cycle,
                     writePart(fault.part));
  }
  return text;
}

TargetDesc octo::expandDefects(const TargetDesc &target) {
  Topology topology(target);
  TargetDesc result = target;
  result.defects = {};
  std::vector<PartRef> &parts = result.defects.parts;
  for (uint32_t pea = 0; pea < target.numPeas(); ++pea) {
    if (topology.peaIntact(pea))
      continue;
    uint32_t tbu = pea / target.peasPerTbu;
    PartRef part;
    part.kind = PartKind::Pea;
    part.cluster = target.coordOf(tbu / target.tbusPerCluster);
    part.unit = tbu % target.tbusPerCluster;
    part.pea = pea % target.peasPerTbu;
    parts.push_back(part);
  }
  for (uint32_t cluster = 0; cluster < target.numClusters(); ++cluster)
    for (Direction direction : {Direction::East, Direction::South}) {
      uint32_t other = topology.neighbour(cluster, direction);
      if (other == Topology::none ||
          topology.linkLive(topology.linkBetween(cluster, other)))
        continue;
      PartRef part;
      part.kind = PartKind::Link;
      part.cluster = target.coordOf(cluster);
      part.to = target.coordOf(other);
      parts.push_back(part);
    }
  return result;
}

std::string octo::digest(const TargetDesc &target) {
  return sha256Hex(writeTarget(expandDefects(target)));
}
