//===- TargetReader.cpp - Target files ------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From YAML to a TargetDesc. The keys and their types are here; what makes the
// values sensible is in checkTarget, whose findings get a line and a column.
//
//===----------------------------------------------------------------------===//

#include "octo/Target/PartReader.h"
#include "octo/Target/Topology.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace octo;
using yaml::Map;
using yaml::Value;

/// A target file of a wafer with all its defects listed stays far below this.
static constexpr uintmax_t maxFileBytes = uintmax_t(64) << 20;

static uint64_t q16(const Value &value) {
  return value.fixedPoint(1e9, 65536.0);
}

static Extent readExtent(const Value &value) {
  Map map = value.map({"x", "y"});
  return {map.get("x").integer32(), map.get("y").integer32()};
}

static Coord readCoord(const Value &value) {
  if (!value.isList())
    value.expected("the coordinates of a cluster as [x, y]");
  std::vector<Value> list = value.list(2, 2);
  return {list[0].integer32(), list[1].integer32()};
}

PartRef octo::readPart(const Map &map, const Value &owner) {
  PartRef part;
  std::optional<std::string_view> given;
  auto numbers = [&](std::string_view key, PartKind kind, size_t count,
                     std::string_view form) -> std::vector<uint32_t> {
    std::optional<Value> value = map.find(key);
    if (!value)
      return {};
    if (given)
      owner.fail(fmt::format("names both a `{}` and a `{}`; make two entries",
                             *given, key));
    given = key;
    part.kind = kind;
    if (!value->isList())
      value->expected(fmt::format("{}", form));
    std::vector<uint32_t> result;
    std::vector<Value> list = value->list(count, count);
    for (const Value &element : list)
      result.push_back(element.integer32());
    return result;
  };
  if (auto n = numbers("pea", PartKind::Pea, 4, "[x, y, TBU, PEA]");
      given && !n.empty())
    part.cluster = {n[0], n[1]}, part.unit = n[2], part.pea = n[3];
  if (auto n = numbers("tbu", PartKind::Tbu, 3, "[x, y, TBU]"); !n.empty())
    part.cluster = {n[0], n[1]}, part.unit = n[2];
  if (auto n = numbers("cluster", PartKind::Cluster, 2, "[x, y]"); !n.empty())
    part.cluster = {n[0], n[1]};
  if (auto n = numbers("cbu", PartKind::Cbu, 2, "[x, y]"); !n.empty())
    part.cluster = {n[0], n[1]};
  if (auto n = numbers("link", PartKind::Link, 4, "[x, y, x, y], its two ends");
      !n.empty())
    part.cluster = {n[0], n[1]}, part.to = {n[2], n[3]};
  if (std::optional<Value> value = map.find("hbm")) {
    if (given)
      owner.fail(fmt::format("names both a `{}` and an `hbm` port; make two "
                             "entries",
                             *given));
    given = "hbm";
    part.kind = PartKind::Hbm;
    part.unit = value->integer32();
  }
  if (!given)
    owner.fail("names no part; expected one of `pea`, `tbu`, `cluster`, `cbu`, "
               "`link` or `hbm`");
  return part;
}

static PeaDesc readPea(const Value &value, uint32_t peasPerTbu) {
  PeaDesc pea;
  Map map = value.map({"rows", "cols", "sram", "layout", "rates"});
  pea.rows = map.get("rows").integer32();
  pea.cols = map.get("cols").integer32();
  pea.sramBytes = map.get("sram").bytes();

  constexpr std::string_view names[] = {"matrix", "vector", "general"};
  Value ratesValue = map.get("rates");
  Map rates = ratesValue.map({"matrix", "vector", "general"});
  std::vector<PeaClass> given;
  for (unsigned i = 0; i < numPeaClasses; ++i) {
    std::optional<Value> entry = rates.find(names[i]);
    if (!entry)
      continue;
    given.push_back(PeaClass(i));
    Map numbers = entry->map({"mac", "vector", "special", "scalar"});
    auto rate = [&](std::string_view key) {
      Value value = numbers.get(key);
      uint64_t result = value.fixedPoint(1e9, 65536.0);
      if (!result)
        value.fail("expected a number above 0; a class that is bad at a kind "
                   "of work has a small rate for it");
      return result;
    };
    pea.rates[i] = {rate("mac"), rate("vector"), rate("special"),
                    rate("scalar")};
  }
  if (given.empty())
    ratesValue.fail("expected the rates of at least one of `matrix`, `vector` "
                    "or `general`");

  std::optional<Value> layout = map.find("layout");
  if (!layout) {
    if (given.size() > 1)
      value.fail("`layout` is missing: with several classes it says which PEA "
                 "of a TBU is of which class");
    pea.layout.assign(std::min<uint32_t>(peasPerTbu, 64), given[0]);
    return pea;
  }
  for (const Value &element : layout->list(1, 64))
    pea.layout.push_back(PeaClass(element.oneOf(names)));
  return pea;
}

static EnergyDesc readEnergy(const Value &value) {
  Map map = value.map({"mac", "vector", "special", "scalar", "scratchpad_byte",
                       "link_byte", "die_link_byte", "hbm_byte", "host_byte",
                       "config_byte", "cb_decision", "token_hop",
                       "pea_leakage_cycle", "cluster_leakage_cycle"});
  EnergyDesc energy;
  energy.macQ16 = q16(map.get("mac"));
  energy.vectorQ16 = q16(map.get("vector"));
  energy.specialQ16 = q16(map.get("special"));
  energy.scalarQ16 = q16(map.get("scalar"));
  energy.scratchpadByteQ16 = q16(map.get("scratchpad_byte"));
  energy.linkByteQ16 = q16(map.get("link_byte"));
  energy.hbmByteQ16 = q16(map.get("hbm_byte"));
  energy.hostByteQ16 = q16(map.get("host_byte"));
  energy.configByteQ16 = q16(map.get("config_byte"));
  energy.cbDecisionQ16 = q16(map.get("cb_decision"));
  energy.tokenHopQ16 = q16(map.get("token_hop"));
  energy.peaLeakageQ16 = q16(map.get("pea_leakage_cycle"));
  energy.clusterLeakageQ16 = q16(map.get("cluster_leakage_cycle"));
  std::optional<Value> dieLink = map.find("die_link_byte");
  energy.dieLinkByteQ16 = dieLink ? q16(*dieLink) : energy.linkByteQ16;
  return energy;
}

static DefectsDesc readDefects(const Value &value) {
  DefectsDesc defects;
  Map map = value.map({"parts", "seed", "rates"});
  if (std::optional<Value> parts = map.find("parts"))
    for (const Value &element : parts->list(0, 4 * maxTargetPeas)) {
      Map part = element.map({"pea", "tbu", "cluster", "link"});
      defects.parts.push_back(readPart(part, element));
    }
  std::optional<Value> seed = map.find("seed");
  if (seed)
    defects.seed = seed->integer(0, std::numeric_limits<uint64_t>::max());
  if (std::optional<Value> rates = map.find("rates")) {
    Map numbers = rates->map({"pea", "tbu", "link"});
    auto rate = [&](std::string_view key) -> uint64_t {
      std::optional<Value> number = numbers.find(key);
      return number ? number->fixedPoint(1, 4294967296.0) : 0;
    };
    defects.peaRateQ32 = rate("pea");
    defects.tbuRateQ32 = rate("tbu");
    defects.linkRateQ32 = rate("link");
    if (!seed)
      value.fail(
          "`seed` is missing: with `rates` it says which parts are dead");
  }
  return defects;
}

static TargetDesc readRoot(const Value &root) {
  Map map = root.map({"octopus_target", "name", "clock_mhz", "mesh", "pea",
                      "scratchpad", "config_store", "data_plane", "die_link",
                      "control_plane", "host", "hbm", "energy_pj", "defects",
                      "faults"});
  Value version = map.get("octopus_target");
  if (version.integer(0, 1000000) != 1)
    version.fail("this version of Octopus reads target files of version 1; "
                 "use a newer Octopus or write the file for version 1");
  TargetDesc target;
  target.name = map.get("name").string();
  // The product is rounded once; canonical files state whole hertz.
  target.clockHz = map.get("clock_mhz").fixedPoint(1e6, 1e6);

  Map mesh = map.get("mesh").map(
      {"dies", "clusters_per_die", "tbus_per_cluster", "peas_per_tbu"});
  target.dies = readExtent(mesh.get("dies"));
  target.clustersPerDie = readExtent(mesh.get("clusters_per_die"));
  target.tbusPerCluster = mesh.get("tbus_per_cluster").integer32();
  target.peasPerTbu = mesh.get("peas_per_tbu").integer32();

  target.pea = readPea(map.get("pea"), target.peasPerTbu);

  Map scratchpad = map.get("scratchpad").map({"bytes", "bytes_per_cycle"});
  target.scratchpad = {scratchpad.get("bytes").bytes(),
                       scratchpad.get("bytes_per_cycle").integer32()};
  Map config = map.get("config_store")
                   .map({"bytes", "bytes_per_cycle", "switch_cycles"});
  target.configStore = {config.get("bytes").bytes(),
                        config.get("bytes_per_cycle").integer32(),
                        config.get("switch_cycles").integer32()};

  Map data = map.get("data_plane")
                 .map({"link_bytes_per_cycle", "hop_cycles", "interface_cycles",
                       "link_buffer"});
  target.dataPlane.linkBytesPerCycle =
      data.get("link_bytes_per_cycle").integer32();
  target.dataPlane.hopCycles = data.get("hop_cycles").integer32();
  target.dataPlane.interfaceCycles = data.get("interface_cycles").integer32();
  Value buffer = data.get("link_buffer");
  if (buffer.bytes() > std::numeric_limits<uint32_t>::max())
    buffer.expected("fewer bytes than 4GiB");
  target.dataPlane.linkBufferBytes = uint32_t(buffer.bytes());

  if (std::optional<Value> link = map.find("die_link")) {
    Map entries = link->map({"bytes_per_cycle", "hop_cycles"});
    target.dieLink = {entries.get("bytes_per_cycle").integer32(),
                      entries.get("hop_cycles").integer32()};
  } else if (target.dies.x > 1 || target.dies.y > 1) {
    root.fail("`die_link` is missing: the machine has several dies");
  } else {
    target.dieLink = {target.dataPlane.linkBytesPerCycle,
                      target.dataPlane.hopCycles};
  }

  Map control = map.get("control_plane")
                    .map({"cb_decision_cycles", "cb_cycles_per_scalar",
                          "token_hop_cycles", "token_bytes", "command_cycles",
                          "local_dispatch_cycles", "central_dispatch_cycles",
                          "resize_cycles"});
  target.controlPlane.cbDecisionCycles =
      control.get("cb_decision_cycles").integer32();
  target.controlPlane.cbCyclesPerScalarQ16 =
      uint32_t(control.get("cb_cycles_per_scalar").fixedPoint(10000, 65536.0));
  target.controlPlane.tokenHopCycles =
      control.get("token_hop_cycles").integer32();
  target.controlPlane.tokenBytes = control.get("token_bytes").integer32();
  target.controlPlane.commandCycles = control.get("command_cycles").integer32();
  target.controlPlane.localDispatchCycles =
      control.get("local_dispatch_cycles").integer32();
  target.controlPlane.centralDispatchCycles =
      control.get("central_dispatch_cycles").integer32();
  target.controlPlane.resizeCycles = control.get("resize_cycles").integer32();

  Map host = map.get("host").map({"at", "ingress_bytes_per_cycle",
                                  "egress_bytes_per_cycle", "latency_cycles"});
  target.host.at = readCoord(host.get("at"));
  target.host.ingressBytesPerCycle =
      host.get("ingress_bytes_per_cycle").integer32();
  target.host.egressBytesPerCycle =
      host.get("egress_bytes_per_cycle").integer32();
  target.host.latencyCycles = host.get("latency_cycles").integer32();

  for (const Value &element : map.get("hbm").list(0, 65536)) {
    Map port =
        element.map({"at", "bytes", "bytes_per_cycle", "latency_cycles"});
    target.hbmPorts.push_back({readCoord(port.get("at")),
                               port.get("bytes").bytes(),
                               port.get("bytes_per_cycle").integer32(),
                               port.get("latency_cycles").integer32()});
  }

  target.energy = readEnergy(map.get("energy_pj"));
  if (std::optional<Value> defects = map.find("defects"))
    target.defects = readDefects(*defects);
  if (std::optional<Value> faults = map.find("faults"))
    for (const Value &element : faults->list(0, 1000000)) {
      Map fault =
          element.map({"cycle", "pea", "tbu", "cluster", "cbu", "link", "hbm"});
      target.faults.push_back(
          {fault.get("cycle").integer(0, std::numeric_limits<int64_t>::max()),
           readPart(fault, element)});
    }

  if (Expected<void> checked = checkTarget(target); !checked) {
    // The message begins with the path of the parameter; find where it stands,
    // or the nearest thing around it that the file has.
    Diagnostic diagnostic = checked.error();
    std::string path =
        diagnostic.message.substr(1, diagnostic.message.find('`', 1) - 1);
    yaml::Place place = root.placeOf(path);
    diagnostic.line = place.line;
    diagnostic.column = place.column;
    throw yaml::SchemaError{root.withFile(diagnostic)};
  }
  return target;
}

Expected<TargetDesc> octo::parseTarget(std::string_view text,
                                       std::string_view name) {
  if (text.size() > maxFileBytes)
    return makeFileError(
        name, "the file has over {} bytes; a target file has no more",
        maxFileBytes);
  return yaml::read<TargetDesc>(text, name, readRoot);
}

Expected<TargetDesc> octo::readTarget(const std::string &path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return makeFileError(path, "this is a folder; expected a target file");
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return makeFileError(path,
                         "cannot open the target file: {}; check the "
                         "path, or use one of examples/targets",
                         std::strerror(errno));
  std::string text = yaml::readText(file, maxFileBytes);
  if (file.bad())
    return makeFileError(path, "cannot read the target file: {}",
                         std::strerror(errno));
  return parseTarget(text, path);
}
