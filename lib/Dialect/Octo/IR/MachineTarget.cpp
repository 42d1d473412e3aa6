//===- MachineTarget.cpp - The target as IR -------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// octo.machine to and from octo::TargetDesc. One list of parameters serves both
// directions.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Target/Topology.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

namespace {
/// Calls `v(name, field)` for each parameter of a part of a target.
template <class V>
void visit(PeaRatesDesc &d, V &&v) {
  v("macQ16", d.macQ16);
  v("vectorQ16", d.vectorQ16);
  v("specialQ16", d.specialQ16);
  v("scalarQ16", d.scalarQ16);
}
template <class V>
void visit(PeaDesc &d, V &&v) {
  v("rows", d.rows);
  v("cols", d.cols);
  v("sramBytes", d.sramBytes);
  v("layout", d.layout);
  v("rates", d.rates);
}
template <class V>
void visit(ScratchpadDesc &d, V &&v) {
  v("bytes", d.bytes);
  v("bytesPerCycle", d.bytesPerCycle);
}
template <class V>
void visit(ConfigStoreDesc &d, V &&v) {
  v("bytes", d.bytes);
  v("bytesPerCycle", d.bytesPerCycle);
  v("switchCycles", d.switchCycles);
}
template <class V>
void visit(DataPlaneDesc &d, V &&v) {
  v("linkBytesPerCycle", d.linkBytesPerCycle);
  v("hopCycles", d.hopCycles);
  v("interfaceCycles", d.interfaceCycles);
  v("linkBufferBytes", d.linkBufferBytes);
}
template <class V>
void visit(DieLinkDesc &d, V &&v) {
  v("bytesPerCycle", d.bytesPerCycle);
  v("hopCycles", d.hopCycles);
}
template <class V>
void visit(ControlPlaneDesc &d, V &&v) {
  v("cbDecisionCycles", d.cbDecisionCycles);
  v("cbCyclesPerScalarQ16", d.cbCyclesPerScalarQ16);
  v("tokenHopCycles", d.tokenHopCycles);
  v("tokenBytes", d.tokenBytes);
  v("commandCycles", d.commandCycles);
  v("localDispatchCycles", d.localDispatchCycles);
  v("centralDispatchCycles", d.centralDispatchCycles);
  v("resizeCycles", d.resizeCycles);
}
template <class V>
void visit(HostDesc &d, V &&v) {
  v("at", d.at);
  v("ingressBytesPerCycle", d.ingressBytesPerCycle);
  v("egressBytesPerCycle", d.egressBytesPerCycle);
  v("latencyCycles", d.latencyCycles);
}
template <class V>
void visit(HbmPortDesc &d, V &&v) {
  v("at", d.at);
  v("bytes", d.bytes);
  v("bytesPerCycle", d.bytesPerCycle);
  v("latencyCycles", d.latencyCycles);
}
template <class V>
void visit(EnergyDesc &d, V &&v) {
  v("macQ16", d.macQ16);
  v("vectorQ16", d.vectorQ16);
  v("specialQ16", d.specialQ16);
  v("scalarQ16", d.scalarQ16);
  v("scratchpadByteQ16", d.scratchpadByteQ16);
  v("linkByteQ16", d.linkByteQ16);
  v("dieLinkByteQ16", d.dieLinkByteQ16);
  v("hbmByteQ16", d.hbmByteQ16);
  v("hostByteQ16", d.hostByteQ16);
  v("configByteQ16", d.configByteQ16);
  v("cbDecisionQ16", d.cbDecisionQ16);
  v("tokenHopQ16", d.tokenHopQ16);
  v("peaLeakageQ16", d.peaLeakageQ16);
  v("clusterLeakageQ16", d.clusterLeakageQ16);
}
template <class V>
void visit(PartRef &d, V &&v) {
  v("kind", d.kind);
  v("cluster", d.cluster);
  v("unit", d.unit);
  v("pea", d.pea);
  v("to", d.to);
}
template <class V>
void visit(DefectsDesc &d, V &&v) {
  v("parts", d.parts);
  v("seed", d.seed);
  v("peaRateQ32", d.peaRateQ32);
  v("tbuRateQ32", d.tbuRateQ32);
  v("linkRateQ32", d.linkRateQ32);
}
template <class V>
void visit(FaultDesc &d, V &&v) {
  v("cycle", d.cycle);
  v("part", d.part);
}
template <class V>
void visit(TargetDesc &d, V &&v) {
  v("name", d.name);
  v("clockHz", d.clockHz);
  v("dies", d.dies);
  v("clustersPerDie", d.clustersPerDie);
  v("tbusPerCluster", d.tbusPerCluster);
  v("peasPerTbu", d.peasPerTbu);
  v("pea", d.pea);
  v("scratchpad", d.scratchpad);
  v("configStore", d.configStore);
  v("dataPlane", d.dataPlane);
  v("dieLink", d.dieLink);
  v("controlPlane", d.controlPlane);
  v("host", d.host);
  v("hbmPorts", d.hbmPorts);
  v("energy", d.energy);
  v("defects", d.defects);
  v("faults", d.faults);
}

constexpr unsigned numPartKinds = 6;

/// Builds attributes. Parameters that have their defaults are left out.
class Writer {
public:
  explicit Writer(MLIRContext *context) : builder(context) {}

  template <class T>
  DictionaryAttr dictionary(T &value) {
    SmallVector<NamedAttribute> entries;
    T defaults{};
    SmallVector<Attribute> plain;
    visit(defaults,
          [&](StringRef, auto &field) { plain.push_back(write(field)); });
    unsigned next = 0;
    visit(value, [&](StringRef name, auto &field) {
      Attribute attribute = write(field);
      if (attribute != plain[next++])
        entries.push_back(builder.getNamedAttr(name, attribute));
    });
    return builder.getDictionaryAttr(entries);
  }

private:
  Attribute write(uint32_t &value) { return builder.getI64IntegerAttr(value); }
  Attribute write(uint64_t &value) {
    return builder.getI64IntegerAttr(static_cast<int64_t>(value));
  }
  Attribute write(std::string &value) { return builder.getStringAttr(value); }
  Attribute write(octo::PeaClass &value) {
    return builder.getStringAttr(StringRef(stringifyPeaClass(value)));
  }
  Attribute write(PartKind &value) {
    return builder.getStringAttr(StringRef(stringifyPartKind(value)));
  }
  Attribute write(Extent &value) {
    return builder.getI64ArrayAttr({value.x, value.y});
  }
  Attribute write(Coord &value) {
    return builder.getI64ArrayAttr({value.x, value.y});
  }
  Attribute write(std::array<PeaRatesDesc, numPeaClasses> &rates) {
    SmallVector<NamedAttribute> entries;
    for (unsigned i = 0; i < numPeaClasses; ++i)
      if (rates[i] != PeaRatesDesc())
        entries.push_back(builder.getNamedAttr(
            StringRef(stringifyPeaClass(static_cast<octo::PeaClass>(i))),
            dictionary(rates[i])));
    return builder.getDictionaryAttr(entries);
  }
  template <class T>
  Attribute write(std::vector<T> &values) {
    SmallVector<Attribute> elements;
    for (T &value : values)
      elements.push_back(write(value));
    return builder.getArrayAttr(elements);
  }
  template <class T>
  Attribute write(T &value) {
    return dictionary(value);
  }

  Builder builder;
};

/// Reads attributes; keeps the first error.
class Reader {
public:
  std::string error;

  template <class T>
  void dictionary(DictionaryAttr dict, T &value, const std::string &place) {
    size_t used = 0;
    visit(value, [&](StringRef name, auto &field) {
      if (Attribute attribute = dict.get(name)) {
        ++used;
        read(attribute, field, place + "." + name.str());
      }
    });
    if (used == dict.size())
      return;
    for (NamedAttribute entry : dict) {
      bool known = false;
      visit(value, [&](StringRef name, auto &) {
        known |= name == entry.getName().getValue();
      });
      if (!known)
        fail(place, "has no parameter '" + entry.getName().str() + "'");
    }
  }

private:
  void fail(const std::string &place, const std::string &message) {
    if (error.empty())
      error = "`" + place + "` " + message;
  }

  template <class Integer>
  void readInteger(Attribute attribute, Integer &value,
                   const std::string &place) {
    auto integer = dyn_cast<IntegerAttr>(attribute);
    if (!integer || integer.getValue().getBitWidth() > 64)
      return fail(place, "is an integer");
    // 64-bit parameters use all bits of an i64.
    int64_t number = integer.getValue().getSExtValue();
    if (sizeof(Integer) < 8 && (number < 0 || number > 0xffffffffll))
      return fail(place, "is between 0 and 4294967295");
    value = static_cast<Integer>(number);
  }
  void read(Attribute a, uint32_t &value, const std::string &place) {
    readInteger(a, value, place);
  }
  void read(Attribute a, uint64_t &value, const std::string &place) {
    readInteger(a, value, place);
  }
  void read(Attribute a, std::string &value, const std::string &place) {
    if (auto string = dyn_cast<StringAttr>(a))
      value = string.str();
    else
      fail(place, "is a string");
  }
  template <class Enum>
  void readEnum(Attribute a, Enum &value, unsigned count,
                std::string_view (*name)(Enum), const std::string &place) {
    auto string = dyn_cast<StringAttr>(a);
    std::string expected;
    for (unsigned i = 0; i < count; ++i) {
      auto candidate = static_cast<Enum>(i);
      if (string && StringRef(name(candidate)) == string.getValue()) {
        value = candidate;
        return;
      }
      expected += (i ? ", \"" : "\"") + std::string(name(candidate)) + "\"";
    }
    fail(place, "is one of " + expected);
  }
  void read(Attribute a, octo::PeaClass &value, const std::string &place) {
    readEnum(a, value, numPeaClasses, stringifyPeaClass, place);
  }
  void read(Attribute a, PartKind &value, const std::string &place) {
    readEnum(a, value, numPartKinds, stringifyPartKind, place);
  }
  template <class Pair>
  void readPair(Attribute a, Pair &value, const std::string &place) {
    auto pair = dyn_cast<ArrayAttr>(a);
    if (!pair || pair.size() != 2)
      return fail(place, "is a pair [x, y]");
    readInteger(pair[0], value.x, place + ".x");
    readInteger(pair[1], value.y, place + ".y");
  }
  void read(Attribute a, Extent &value, const std::string &place) {
    readPair(a, value, place);
  }
  void read(Attribute a, Coord &value, const std::string &place) {
    readPair(a, value, place);
  }
  void read(Attribute a, std::array<PeaRatesDesc, numPeaClasses> &rates,
            const std::string &place) {
    auto dict = dyn_cast<DictionaryAttr>(a);
    if (!dict)
      return fail(place, "is a dictionary by class");
    for (NamedAttribute entry : dict) {
      octo::PeaClass peaClass;
      readEnum(entry.getName(), peaClass, numPeaClasses, stringifyPeaClass,
               place);
      if (!error.empty())
        return;
      auto values = dyn_cast<DictionaryAttr>(entry.getValue());
      if (!values)
        return fail(place + "." + entry.getName().str(), "is a dictionary");
      dictionary(values, rates[static_cast<unsigned>(peaClass)],
                 place + "." + entry.getName().str());
    }
  }
  template <class T>
  void read(Attribute a, std::vector<T> &values, const std::string &place) {
    auto array = dyn_cast<ArrayAttr>(a);
    if (!array)
      return fail(place, "is a list");
    values.assign(array.size(), T());
    for (auto [i, element] : llvm::enumerate(array))
      read(element, values[i], place + "[" + std::to_string(i) + "]");
  }
  template <class T>
  void read(Attribute a, T &value, const std::string &place) {
    if (auto dict = dyn_cast<DictionaryAttr>(a))
      dictionary(dict, value, place);
    else
      fail(place, "is a dictionary");
  }
};
} // namespace

void MachineOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                      const TargetDesc &target) {
  TargetDesc copy = target;
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.target = Writer(builder.getContext()).dictionary(copy);
}

Expected<TargetDesc> MachineOp::getTargetDesc() {
  TargetDesc target;
  Reader reader;
  reader.dictionary(getTarget(), target, "target");
  if (!reader.error.empty())
    return makeError("{}", reader.error);
  if (target.name.empty())
    target.name = getSymName().str();
  if (Expected<void> checked = checkTarget(target); !checked)
    return makeError("{}", checked.error().message);
  return target;
}

LogicalResult MachineOp::verify() {
  Expected<TargetDesc> target = getTargetDesc();
  if (target)
    return success();
  return emitOpError() << "is not a machine: " << target.error().message;
}
