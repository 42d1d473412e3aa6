//===- Allocator.cpp - Large pages for whoever simulates ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state of a machine and of its tasks is looked at here and there all the
// time. In large pages few entries of the processor's table of addresses cover
// it, and it comes from the system in few pieces. Linked to executables, not to
// libraries: which allocator a program has is its own affair.
//
//===----------------------------------------------------------------------===//

extern "C" {
/// jemalloc reads it before main; the environment's MALLOC_CONF goes first. What
/// is freed is kept: the next run, or a table that grows, takes it again.
extern const char *malloc_conf;
const char *malloc_conf = "thp:always,dirty_decay_ms:-1";
}
