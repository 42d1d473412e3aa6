//===- Capacity.h - What fits where -----------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one model of capacity, shared by allocator, verifiers and simulator:
//
//   PEA      its SRAM holds the footprint of the running instance's variant;
//            the time of a PEA is shared out to at most 65536/65536.
//   TBU      a gang has at most its live PEAs; a share is a range of positions,
//            of which only live ones count; each kernel's code fits in the
//            configuration store (kernels replace each other in it).
//   cluster  each weight fits in the scratchpad (weights replace each other).
//   machine  all weights together fit behind the HBM ports, or, without any,
//            all weights used in a cluster fit in its scratchpad.
//
// Every answer that is no states what is needed, what there is, and a remedy.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_CAPACITY_H
#define OCTO_TARGET_CAPACITY_H

#include "octo/Target/Topology.h"

#include <string_view>

namespace octo {

/// A range of PEA positions of a TBU.
struct PeaRange {
  uint32_t tbu = 0; // global number
  uint32_t first = 0;
  uint32_t count = 0;
};

class Capacity {
public:
  static constexpr uint32_t fullShareQ16 = 65536;

  explicit Capacity(const Topology &topology) : topology(&topology) {}

  /// The yes-or-no questions, for inner loops.
  bool fitsGang(uint32_t tbu, uint32_t gang) const {
    return gang >= 1 && gang <= topology->livePeas(tbu);
  }
  bool fitsFootprint(uint64_t bytes) const {
    return bytes <= target().pea.sramBytes;
  }
  bool fitsCode(uint64_t bytes) const {
    return bytes <= target().configStore.bytes;
  }
  bool fitsWeight(uint64_t bytes) const {
    return bytes <= target().scratchpad.bytes;
  }

  /// The same with reasons. `what` names the block, kernel or weight, with its
  /// article or path: "task `detect/backbone`".

  /// The range is on the machine and holds at least one live PEA; the gang fits
  /// the TBU.
  Expected<void> checkShare(std::string_view what, PeaRange range,
                            uint32_t maxGang) const;
  /// Some TBU of the machine can hold a gang of this size.
  Expected<void> checkGang(std::string_view what, uint32_t gang) const;
  /// Bytes in the SRAM of each PEA of a gang of `gang`.
  Expected<void> checkFootprint(std::string_view what, uint64_t bytes,
                                uint32_t gang) const;
  Expected<void> checkCode(std::string_view what, uint64_t bytes) const;
  Expected<void> checkWeight(std::string_view what, uint64_t bytes) const;
  /// Bytes of all weights of the program together, and the most that one
  /// cluster uses.
  Expected<void> checkWeights(uint64_t totalBytes,
                              uint64_t mostInOneCluster) const;
  /// Bytes of external memory behind live ports.
  uint64_t hbmBytes() const;
  /// The sum of shares of one PEA.
  Expected<void> checkPeaTime(uint32_t pea, uint64_t sharesQ16) const;

  /// "cluster (3, 4), TBU 1".
  std::string describeTbu(uint32_t tbu) const;

private:
  const TargetDesc &target() const { return topology->desc(); }

  const Topology *topology;
};

/// A number of bytes as people read it: "512 bytes", "96.0 KiB", "1.5 MiB".
std::string formatBytes(uint64_t bytes);

} // namespace octo

#endif // OCTO_TARGET_CAPACITY_H
