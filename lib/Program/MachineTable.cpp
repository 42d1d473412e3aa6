//===- MachineTable.cpp - Targets in program files ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two translations between TargetDesc and fb::Machine.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/MachineTable.h"

#include "octo/Program/Columns.h"
#include "octo/Program/program_generated.h"

using namespace octo;

static uint32_t peaNumber(const TargetDesc &target, const PartRef &part) {
  return (target.clusterAt(part.cluster) * target.tbusPerCluster + part.unit) *
             target.peasPerTbu +
         part.pea;
}

std::unique_ptr<fb::MachineT> octo::makeMachineTable(const TargetDesc &source) {
  TargetDesc target = expandDefects(source);
  auto machine = std::make_unique<fb::MachineT>();
  machine->name = target.name;
  machine->clock_hz = target.clockHz;
  machine->dies_x = target.dies.x;
  machine->dies_y = target.dies.y;
  machine->clusters_x = target.clustersPerDie.x;
  machine->clusters_y = target.clustersPerDie.y;
  machine->tbus = target.tbusPerCluster;
  machine->peas = target.peasPerTbu;
  machine->pe_rows = target.pea.rows;
  machine->pe_cols = target.pea.cols;
  for (PeaClass peaClass : target.pea.layout)
    machine->pea_class.push_back(uint8_t(peaClass));
  for (const PeaRatesDesc &rates : target.pea.rates)
    machine->rates.emplace_back(rates.macQ16, rates.vectorQ16, rates.specialQ16,
                                rates.scalarQ16);
  machine->pea_sram = target.pea.sramBytes;
  machine->scratchpad = target.scratchpad.bytes;
  machine->scratchpad_bytes_per_cycle = target.scratchpad.bytesPerCycle;
  machine->config_store = target.configStore.bytes;
  machine->config_bytes_per_cycle = target.configStore.bytesPerCycle;
  machine->config_switch_cycles = target.configStore.switchCycles;
  machine->link_bytes_per_cycle = target.dataPlane.linkBytesPerCycle;
  machine->hop_cycles = target.dataPlane.hopCycles;
  machine->link_buffer = target.dataPlane.linkBufferBytes;
  machine->interface_cycles = target.dataPlane.interfaceCycles;
  machine->die_link_bytes_per_cycle = target.dieLink.bytesPerCycle;
  machine->die_hop_cycles = target.dieLink.hopCycles;
  const ControlPlaneDesc &control = target.controlPlane;
  machine->cb_decision_cycles = control.cbDecisionCycles;
  machine->token_hop_cycles = control.tokenHopCycles;
  machine->command_cycles = control.commandCycles;
  machine->local_dispatch_cycles = control.localDispatchCycles;
  machine->central_dispatch_cycles = control.centralDispatchCycles;
  machine->resize_fixed_cycles = control.resizeCycles;
  machine->control_bytes_per_token = control.tokenBytes;
  machine->cb_cycles_per_scalar_q16 = control.cbCyclesPerScalarQ16;
  machine->host_cluster = target.clusterAt(target.host.at);
  machine->host_in_bytes_per_cycle = target.host.ingressBytesPerCycle;
  machine->host_out_bytes_per_cycle = target.host.egressBytesPerCycle;
  machine->host_latency = target.host.latencyCycles;
  for (const HbmPortDesc &port : target.hbmPorts)
    machine->hbm.emplace_back(target.clusterAt(port.at), port.bytesPerCycle,
                              port.latencyCycles, 0, port.bytes);
  const EnergyDesc &e = target.energy;
  machine->energy = std::make_unique<fb::EnergyCosts>(
      e.macQ16, e.vectorQ16, e.specialQ16, e.scalarQ16, e.scratchpadByteQ16,
      e.linkByteQ16, e.hbmByteQ16, e.configByteQ16, e.tokenHopQ16,
      e.peaLeakageQ16, e.hostByteQ16, e.dieLinkByteQ16, e.cbDecisionQ16,
      e.clusterLeakageQ16);
  for (const PartRef &part : target.defects.parts) {
    if (part.kind == PartKind::Pea) {
      machine->dead_peas.push_back(peaNumber(target, part));
      continue;
    }
    uint32_t from = target.clusterAt(part.cluster);
    uint32_t to = target.clusterAt(part.to);
    machine->dead_links.emplace_back(from, to);
    machine->dead_links.emplace_back(to, from);
  }
  for (const FaultDesc &fault : target.faults) {
    const PartRef &part = fault.part;
    uint32_t cluster = target.clusterAt(part.cluster), unit = cluster,
             other = 0;
    switch (part.kind) {
    case PartKind::Pea:
      unit = peaNumber(target, part);
      break;
    case PartKind::Tbu:
      unit = cluster * target.tbusPerCluster + part.unit;
      break;
    case PartKind::Cbu:
    case PartKind::Cluster:
      break;
    case PartKind::Link:
      other = target.clusterAt(part.to);
      break;
    case PartKind::Hbm:
      unit = part.unit;
      break;
    }
    machine->faults.emplace_back(fault.cycle, unit, other,
                                 fb::FaultKind(part.kind));
  }
  return machine;
}

namespace {

/// Reads the parts of a machine one after the other. Numbers of parts are
/// turned into coordinates, so the shape is read before anything else.
class MachineReader {
public:
  explicit MachineReader(const fb::Machine &machine) : machine(machine) {}

  Expected<TargetDesc> read();

private:
  Expected<void> readShape();
  Expected<void> readPeas();
  void readCosts();
  void readEnergy(const fb::EnergyCosts &costs);
  Expected<void> readPorts();
  Expected<void> readDefects();
  Expected<void> readFault(const fb::FaultEvent &fault);
  PartRef peaRef(uint32_t pea) const;
  PartRef tbuRef(uint32_t tbu) const;

  const fb::Machine &machine;
  TargetDesc target;
  uint32_t clusters = 0;
};

} // namespace

Expected<void> MachineReader::readShape() {
  target.name = machine.name()->str();
  target.clockHz = machine.clock_hz();
  target.dies = {machine.dies_x(), machine.dies_y()};
  target.clustersPerDie = {machine.clusters_x(), machine.clusters_y()};
  target.tbusPerCluster = machine.tbus();
  target.peasPerTbu = machine.peas();
  uint64_t peas = 1;
  for (uint64_t factor :
       {target.dies.x, target.dies.y, target.clustersPerDie.x,
        target.clustersPerDie.y, target.tbusPerCluster, target.peasPerTbu}) {
    if (factor < 1 || factor > maxTargetPeas)
      return makeError(
          "machine: a count of dies, clusters, TBUs or PEAs is {}; "
          "expected 1 to {}",
          factor, maxTargetPeas);
    peas *= factor;
    if (peas > maxTargetPeas)
      return makeError("machine: more than {} PEAs", maxTargetPeas);
  }
  if (target.peasPerTbu > 64)
    return makeError("machine: {} PEAs a TBU; the most is 64",
                     target.peasPerTbu);
  clusters = target.numClusters();
  return {};
}

Expected<void> MachineReader::readPeas() {
  target.pea.rows = machine.pe_rows();
  target.pea.cols = machine.pe_cols();
  if (machine.pea_class())
    for (uint8_t peaClass : *machine.pea_class())
      target.pea.layout.push_back(PeaClass(peaClass));
  if (sizeOf(machine.rates()) != numPeaClasses)
    return makeError("machine: expected rates of {} PEA classes, found {}",
                     numPeaClasses, sizeOf(machine.rates()));
  for (unsigned i = 0; i < numPeaClasses; ++i) {
    const fb::PeaRates *rates = machine.rates()->Get(i);
    target.pea.rates[i] = {rates->mac_q16(), rates->vector_q16(),
                           rates->special_q16(), rates->scalar_q16()};
  }
  target.pea.sramBytes = machine.pea_sram();
  return {};
}

void MachineReader::readCosts() {
  target.scratchpad = {machine.scratchpad(),
                       machine.scratchpad_bytes_per_cycle()};
  target.configStore = {machine.config_store(),
                        machine.config_bytes_per_cycle(),
                        machine.config_switch_cycles()};
  target.dataPlane.linkBytesPerCycle = machine.link_bytes_per_cycle();
  target.dataPlane.hopCycles = machine.hop_cycles();
  target.dataPlane.linkBufferBytes = machine.link_buffer();
  target.dataPlane.interfaceCycles = machine.interface_cycles();
  target.dieLink = {machine.die_link_bytes_per_cycle(),
                    machine.die_hop_cycles()};
  ControlPlaneDesc &control = target.controlPlane;
  control.cbDecisionCycles = machine.cb_decision_cycles();
  control.tokenHopCycles = machine.token_hop_cycles();
  control.commandCycles = machine.command_cycles();
  control.localDispatchCycles = machine.local_dispatch_cycles();
  control.centralDispatchCycles = machine.central_dispatch_cycles();
  control.resizeCycles = machine.resize_fixed_cycles();
  control.tokenBytes = machine.control_bytes_per_token();
  control.cbCyclesPerScalarQ16 = machine.cb_cycles_per_scalar_q16();
}

void MachineReader::readEnergy(const fb::EnergyCosts &costs) {
  EnergyDesc &energy = target.energy;
  energy.macQ16 = costs.mac();
  energy.vectorQ16 = costs.vector();
  energy.specialQ16 = costs.special();
  energy.scalarQ16 = costs.scalar();
  energy.scratchpadByteQ16 = costs.scratchpad_byte();
  energy.linkByteQ16 = costs.link_byte_hop();
  energy.dieLinkByteQ16 = costs.die_link_byte();
  energy.hbmByteQ16 = costs.hbm_byte();
  energy.hostByteQ16 = costs.host_byte();
  energy.configByteQ16 = costs.config_byte();
  energy.cbDecisionQ16 = costs.cb_decision();
  energy.tokenHopQ16 = costs.control_token();
  energy.peaLeakageQ16 = costs.pea_leakage_cycle();
  energy.clusterLeakageQ16 = costs.cluster_leakage_cycle();
}

/// The host port and the memory ports.
Expected<void> MachineReader::readPorts() {
  if (machine.host_cluster() >= clusters)
    return makeError("machine: the host port is at cluster {} of {}",
                     machine.host_cluster(), clusters);
  target.host = {target.coordOf(machine.host_cluster()),
                 machine.host_in_bytes_per_cycle(),
                 machine.host_out_bytes_per_cycle(), machine.host_latency()};
  if (machine.hbm())
    for (const fb::HbmPort *port : *machine.hbm()) {
      if (port->cluster() >= clusters)
        return makeError("machine: HBM port {} is at cluster {} of {}",
                         target.hbmPorts.size(), port->cluster(), clusters);
      target.hbmPorts.push_back({target.coordOf(port->cluster()), port->bytes(),
                                 port->bytes_per_cycle(), port->latency()});
    }
  return {};
}

PartRef MachineReader::tbuRef(uint32_t tbu) const {
  return {PartKind::Tbu,
          target.coordOf(tbu / target.tbusPerCluster),
          tbu % target.tbusPerCluster,
          0,
          {}};
}

PartRef MachineReader::peaRef(uint32_t pea) const {
  PartRef part = tbuRef(pea / target.peasPerTbu);
  part.kind = PartKind::Pea;
  part.pea = pea % target.peasPerTbu;
  return part;
}

Expected<void> MachineReader::readDefects() {
  if (machine.dead_peas()) {
    uint64_t least = 0;
    for (uint32_t pea : *machine.dead_peas()) {
      if (pea >= target.numPeas() || pea < least)
        return makeError("machine: dead PEA {} is {}", pea,
                         pea < least ? "out of ascending order"
                                     : "beyond the last one");
      least = uint64_t(pea) + 1;
      target.defects.parts.push_back(peaRef(pea));
    }
  }
  if (machine.dead_links()) {
    if (machine.dead_links()->size() % 2)
      return makeError("machine: {} directed dead links; both directions of "
                       "each must be listed",
                       machine.dead_links()->size());
    for (uint32_t i = 0; i < machine.dead_links()->size(); i += 2) {
      const fb::LinkId *there = machine.dead_links()->Get(i);
      const fb::LinkId *back = machine.dead_links()->Get(i + 1);
      if (there->from() >= clusters || there->to() >= clusters)
        return makeError("machine: dead link {} joins clusters {} and {} of {}",
                         i, there->from(), there->to(), clusters);
      if (back->from() != there->to() || back->to() != there->from())
        return makeError("machine: dead link {} from cluster {} to {} is not "
                         "followed by its other direction",
                         i, there->from(), there->to());
      PartRef part;
      part.kind = PartKind::Link;
      part.cluster = target.coordOf(there->from());
      part.to = target.coordOf(there->to());
      target.defects.parts.push_back(part);
    }
  }
  return {};
}

Expected<void> MachineReader::readFault(const fb::FaultEvent &fault) {
  auto number = target.faults.size();
  if (fault.kind() > fb::FaultKind::MAX)
    return makeError("machine: fault {} is of unknown kind {}", number,
                     int(fault.kind()));
  uint32_t count = fault.kind() == fb::FaultKind::Pea   ? target.numPeas()
                   : fault.kind() == fb::FaultKind::Tbu ? target.numTbus()
                   : fault.kind() == fb::FaultKind::Hbm
                       ? uint32_t(target.hbmPorts.size())
                       : clusters;
  if (fault.unit() >= count ||
      (fault.kind() == fb::FaultKind::Link && fault.other() >= clusters))
    return makeError("machine: fault {} names unit {} of {}", number,
                     fault.unit(), count);
  PartRef part;
  switch (fault.kind()) {
  case fb::FaultKind::Pea:
    part = peaRef(fault.unit());
    break;
  case fb::FaultKind::Tbu:
    part = tbuRef(fault.unit());
    break;
  case fb::FaultKind::Hbm:
    part.unit = fault.unit();
    break;
  case fb::FaultKind::Link:
    part.to = target.coordOf(fault.other());
    [[fallthrough]];
  case fb::FaultKind::Cbu:
  case fb::FaultKind::Cluster:
    part.cluster = target.coordOf(fault.unit());
    break;
  }
  part.kind = PartKind(fault.kind());
  target.faults.push_back({fault.cycle(), part});
  return {};
}

Expected<TargetDesc> MachineReader::read() {
  if (auto done = readShape(); !done)
    return Error(done.error());
  if (auto done = readPeas(); !done)
    return Error(done.error());
  readCosts();
  if (auto done = readPorts(); !done)
    return Error(done.error());
  if (machine.energy())
    readEnergy(*machine.energy());
  if (auto done = readDefects(); !done)
    return Error(done.error());
  if (machine.faults())
    for (const fb::FaultEvent *fault : *machine.faults())
      if (auto done = readFault(*fault); !done)
        return Error(done.error());
  return std::move(target);
}

Expected<TargetDesc> octo::readMachineTable(const fb::Machine &machine) {
  return MachineReader(machine).read();
}
