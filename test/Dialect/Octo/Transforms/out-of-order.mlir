// A pass that comes too early says which one comes first.
// RUN: split-file %s %t
// RUN: not octo-opt %t/workflow.mlir --octo-allocate-peas 2>&1 | FileCheck %s --check-prefix=CONVERT
// RUN: not octo-opt %t/empty.mlir --octo-allocate-peas 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not octo-opt %t/program.mlir --octo-allocate-peas 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not octo-opt %t/program.mlir --octo-set-machine=target=%targets/edge.yaml --octo-static-schedule 2>&1 | FileCheck %s --check-prefix=VARIANTS
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-static-schedule 2>&1 | FileCheck %s --check-prefix=STATIC
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-runtime-tables 2>&1 | FileCheck %s --check-prefix=TABLES
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-verify-schedule 2>&1 | FileCheck %s --check-prefix=VERIFY
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-allocate-peas --octo-verify-schedule 2>&1 | FileCheck %s --check-prefix=ROW
// RUN: not octo-opt %t/program.mlir --octo-set-machine 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not octo-opt %t/program.mlir --octo-set-machine=target=%t/none.yaml 2>&1 | FileCheck %s --check-prefix=NOFILE
// RUN: not octo-opt %t/program.mlir --octo-set-machine=target=%targets/edge.yaml --octo-allocate-peas=decisions=maybe 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not octo-opt %t/program.mlir --octo-set-machine=target=%targets/edge.yaml --octo-allocate-peas=gang-efficiency=2 2>&1 | FileCheck %s --check-prefix=EFFICIENCY
// RUN: not octo-opt %t/program.mlir --octo-set-machine=target=%targets/edge.yaml --octo-allocate-peas=load-slack=-1 2>&1 | FileCheck %s --check-prefix=SLACK
// RUN: not octo-opt %t/program.mlir --octo-runtime-tables=tail-percent=100 2>&1 | FileCheck %s --check-prefix=PERCENT
// RUN: not octo-opt %t/program.mlir --octo-runtime-tables=tail-percent=49.9 2>&1 | FileCheck %s --check-prefix=PERCENT
// RUN: not octo-opt %t/program.mlir --octo-runtime-tables=tail-percent=nan 2>&1 | FileCheck %s --check-prefix=PERCENT
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-stream-flows 2>&1 | FileCheck %s --check-prefix=STREAMS
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-stream-flows=max-chunks=17 2>&1 | FileCheck %s --check-prefix=CHUNKS
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-stream-flows=overhead=nan 2>&1 | FileCheck %s --check-prefix=OVERHEAD
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-stream-flows=stretch=-1 2>&1 | FileCheck %s --check-prefix=STRETCH
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-static-schedule=load-slack=inf 2>&1 | FileCheck %s --check-prefix=SEARCH
// RUN: not octo-opt %t/variants.mlir --octo-set-machine=target=%targets/edge.yaml --octo-verify-schedule=limit=0 2>&1 | FileCheck %s --check-prefix=LIMIT

// CONVERT: octo-allocate-peas works on octo.program; run convert-owg-to-octo first
// EMPTY: octo-allocate-peas: the module has no octo.program; write a workflow and run convert-owg-to-octo first
// MACHINE: has no machine to be placed on; run octo-set-machine before octo-allocate-peas
// VARIANTS: has no variants yet; run octo-allocate-peas first
// STATIC: 'p/t' has no place; run octo-allocate-peas before octo-static-schedule
// TABLES: 'p/t' has no place; run octo-allocate-peas before octo-runtime-tables
// VERIFY: 'p/t' has no place; run octo-allocate-peas before octo-verify-schedule
// ROW: 'p/t' has no row in the run-time tables; run octo-runtime-tables before octo-verify-schedule
// TARGET: octo-set-machine needs a target file: octo-set-machine{target=FILE}
// NOFILE: none.yaml
// OPTION: octo-allocate-peas: decisions is on, off or auto, not 'maybe'
// EFFICIENCY: octo-allocate-peas: gang-efficiency is between 0 and 1
// SLACK: octo-allocate-peas: load-slack is between 0 and 1000
// PERCENT: octo-runtime-tables: tail-percent is between 50 and 99.9999
// STREAMS: 'p/t' has no place; run octo-allocate-peas before octo-stream-flows
// CHUNKS: octo-stream-flows: max-chunks is 17; expected 2 to 16
// OVERHEAD: octo-stream-flows: overhead is between 0 and 1000
// STRETCH: octo-stream-flows: stretch is between 0 and 1000
// SEARCH: octo-static-schedule: load-slack is between 0 and 1000
// LIMIT: octo-verify-schedule: limit is at least 1

//--- workflow.mlir
owg.workflow @w(%x: f32) -> f32 {
  owg.return %x : f32
}
//--- empty.mlir
module {}
//--- program.mlir
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}
//--- variants.mlir
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}
