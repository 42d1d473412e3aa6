// RUN: octo-opt %s --octo-kernel-tiling="bits=100" -verify-diagnostics

// expected-error @below {{octo-kernel-tiling needs bits=64..2048, a power of 2, and registers=8 or more}}
module {
}
