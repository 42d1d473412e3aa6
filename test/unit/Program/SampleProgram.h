//===- SampleProgram.h - A program with one of everything -------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small valid program that uses every table of the format, for tests to
// break.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_PROGRAM_SAMPLEPROGRAM_H
#define OCTO_TEST_UNIT_PROGRAM_SAMPLEPROGRAM_H

#include "octo/Program/program_generated.h"
#include "octo/Target/TargetDesc.h"

#include <vector>

namespace octo::test {

/// 2 x 2 clusters of 2 TBUs of 4 PEAs, with a dead PEA, a dead link and a
/// fault.
TargetDesc sampleTarget();

/// Task, switch, select, loop and fan-out; code, profiled and join kernels;
/// weights of all three sources; a segment with a stream, decisions, two
/// epochs.
fb::ProgramT sampleProgram();

/// `chain` profiled tasks one after another, on the die target.
fb::ProgramT chainProgram(uint32_t chain);

/// The bytes of a program that nothing has checked.
std::vector<uint8_t> pack(fb::ProgramT &program);

} // namespace octo::test

#endif // OCTO_TEST_UNIT_PROGRAM_SAMPLEPROGRAM_H
