//===- run.h - Runs a program with the simulator ----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef EMBED_RUN_H
#define EMBED_RUN_H

#include "octo/Runtime/Driver.h"

/// Runs two requests of the workflow `embed` and prints what they gave and how
/// long they took. Returns what main returns.
int runAndPrint(octo::Expected<std::unique_ptr<octo::Session>> session);

#endif // EMBED_RUN_H
