//===- embed-run.cpp - Runs a program file, without MLIR ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "run.h"

#include <cstdio>

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: embed-run PROGRAM.octo\n");
    return 2;
  }
  return runAndPrint(octo::Session::open(argv[1]));
}
