// RUN: octo-opt %s --octo-kernel-entry -verify-diagnostics

// expected-error @below {{octo-kernel-entry needs the module of a kernel on the LLVM dialect; run octo-kernel-to-llvm instead}}
module {
}
