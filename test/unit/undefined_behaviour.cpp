//===- undefined_behaviour.cpp - What the sanitizers must stop ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ends with 0 unless it is stopped.
//
//===----------------------------------------------------------------------===//

#include <climits>

int main(int argc, char **) {
  int most = INT_MAX - 1 + argc;
  int sum = most + argc;
  return sum == most;
}
