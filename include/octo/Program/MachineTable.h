//===- MachineTable.h - Targets in program files ----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between TargetDesc (target files) and the Machine table of program files. The
// table has the defects spelled out; all else is the same.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_MACHINETABLE_H
#define OCTO_PROGRAM_MACHINETABLE_H

#include "octo/Target/TargetDesc.h"

#include <memory>

namespace octo {

namespace fb {
struct Machine;
struct MachineT;
} // namespace fb

/// The table for a target. Its digest for Program.target_digest is
/// digest(target).
std::unique_ptr<fb::MachineT> makeMachineTable(const TargetDesc &target);

/// The target of a table: equal to expandDefects of the one it was made from,
/// so their digests are equal. Checks what TargetDesc cannot hold; the result
/// still has to pass checkTarget.
Expected<TargetDesc> readMachineTable(const fb::Machine &machine);

} // namespace octo

#endif // OCTO_PROGRAM_MACHINETABLE_H
