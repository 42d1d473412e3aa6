// RUN: octo-opt %s --split-input-file | FileCheck %s
// RUN: octo-opt %s --emit-bytecode | octo-opt | FileCheck %s
// Recorded requests are kept as they are.

octo.kernel @k profiled on general code 1 : () -> ()

// CHECK-LABEL: octo.program @p
// CHECK-SAME: records = [array<i64: 0, 0, 1, 250>, array<i64: -1, 0, 0, 0, -7, 2, 300, 8>]
octo.program @p attributes {records = [array<i64: 0, 0, 1, 250>, array<i64: -1, 0, 0, 0, -7, 2, 300, 8>]} {
  %body = octo.entry
  octo.tb "p/t" in %body @k() profile <[{draw = #octo.dist<100>}]> : () -> ()
  octo.exit in %body
}
