//===- Capacity.cpp - What fits where -------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The capacity model's answers in words: need, budget and remedy.
//
//===----------------------------------------------------------------------===//

#include "octo/Target/Capacity.h"

using namespace octo;

std::string octo::formatBytes(uint64_t bytes) {
  if (bytes < 1024)
    return fmt::format("{} bytes", bytes);
  constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = double(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string Capacity::describeTbu(uint32_t tbu) const {
  Coord at = target().coordOf(tbu / target().tbusPerCluster);
  return fmt::format("cluster ({}, {}), TBU {}", at.x, at.y,
                     tbu % target().tbusPerCluster);
}

Expected<void> Capacity::checkShare(std::string_view what, PeaRange range,
                                    uint32_t maxGang) const {
  const TargetDesc &desc = target();
  if (range.tbu >= desc.numTbus())
    return makeError("{} is placed on TBU {}, but '{}' has {} TBUs; compile "
                     "for this machine",
                     what, range.tbu, desc.name, desc.numTbus());
  if (range.count == 0 || range.first >= desc.peasPerTbu ||
      range.count > desc.peasPerTbu - range.first)
    return makeError("{} is placed on {} PEAs from position {} of {}, which "
                     "has {} PEAs; place it on positions 0 to {}",
                     what, range.count, range.first, describeTbu(range.tbu),
                     desc.peasPerTbu, desc.peasPerTbu - 1);
  if (topology->livePeas(range.tbu, range.first, range.count) == 0)
    return makeError("{} needs a live PEA, but none of positions {} to {} of "
                     "{} is alive; place it elsewhere",
                     what, range.first, range.first + range.count - 1,
                     describeTbu(range.tbu));
  if (!fitsGang(range.tbu, maxGang))
    return makeError("{} may grow to a gang of {} PEAs, but {} has {} live "
                     "PEAs of {}; lower the gang or place it elsewhere",
                     what, maxGang, describeTbu(range.tbu),
                     topology->livePeas(range.tbu), desc.peasPerTbu);
  return {};
}

Expected<void> Capacity::checkGang(std::string_view what, uint32_t gang) const {
  if (gang == 0)
    return makeError("{} asks for a gang of 0 PEAs; the least is 1", what);
  if (uint32_t most = topology->largestTbu(); gang > most)
    return makeError("{} needs a gang of {} PEAs, but no TBU of '{}' has more "
                     "than {} live PEAs; lower the gang or choose a target "
                     "with larger TBUs",
                     what, gang, target().name, most);
  return {};
}

Expected<void> Capacity::checkFootprint(std::string_view what, uint64_t bytes,
                                        uint32_t gang) const {
  if (fitsFootprint(bytes))
    return {};
  return makeError("{} needs {} of SRAM in each PEA of a gang of {}, but a PEA "
                   "of '{}' has {}; use a larger gang, smaller tiles or a "
                   "target with more SRAM",
                   what, formatBytes(bytes), gang, target().name,
                   formatBytes(target().pea.sramBytes));
}

Expected<void> Capacity::checkCode(std::string_view what,
                                   uint64_t bytes) const {
  if (fitsCode(bytes))
    return {};
  return makeError("{} has {} of code, but the configuration store of a TBU of "
                   "'{}' holds {}; split the task or choose a target with a "
                   "larger store",
                   what, formatBytes(bytes), target().name,
                   formatBytes(target().configStore.bytes));
}

Expected<void> Capacity::checkWeight(std::string_view what,
                                     uint64_t bytes) const {
  if (fitsWeight(bytes))
    return {};
  return makeError("{} has {}, but the scratchpad of a cluster of '{}' holds "
                   "{}; split the weight or choose a target with a larger "
                   "scratchpad",
                   what, formatBytes(bytes), target().name,
                   formatBytes(target().scratchpad.bytes));
}

uint64_t Capacity::hbmBytes() const {
  uint64_t sum = 0;
  for (uint32_t port = 0; port < target().hbmPorts.size(); ++port)
    if (topology->hbmLive(port))
      sum += target().hbmPorts[port].bytes;
  return sum;
}

Expected<void> Capacity::checkWeights(uint64_t totalBytes,
                                      uint64_t mostInOneCluster) const {
  if (uint64_t budget = hbmBytes(); budget && totalBytes > budget)
    return makeError("the weights have {} together, but the HBM ports of '{}' "
                     "have {}; add ports or choose a larger target",
                     formatBytes(totalBytes), target().name,
                     formatBytes(budget));
  else if (!budget && mostInOneCluster > target().scratchpad.bytes)
    return makeError("the blocks of one cluster use {} of weights, but its "
                     "scratchpad holds {} and '{}' has no HBM port to bring "
                     "them in turn; spread the blocks or add an HBM port",
                     formatBytes(mostInOneCluster),
                     formatBytes(target().scratchpad.bytes), target().name);
  return {};
}

Expected<void> Capacity::checkPeaTime(uint32_t pea, uint64_t sharesQ16) const {
  if (sharesQ16 <= fullShareQ16)
    return {};
  uint32_t tbu = pea / target().peasPerTbu;
  return makeError("PEA {} of {} is promised for {:.2f} % of its time; lower "
                   "the shares of its blocks to 100 % together or move one",
                   pea % target().peasPerTbu, describeTbu(tbu),
                   double(sharesQ16) * 100 / fullShareQ16);
}
