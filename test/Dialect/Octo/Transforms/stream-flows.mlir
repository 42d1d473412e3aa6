// A chain of three profiled tasks that say that they run row by row, on three
// PEAs of one TBU: each starts when the first of 8 chunks is there.
// RUN: octo-opt %s --octo-static-schedule --octo-stream-flows --octo-runtime-tables --octo-verify-schedule -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// Again: what is streamed stays, also when it is timed from the start.
// RUN: octo-opt %t.mlir --octo-stream-flows --octo-runtime-tables --octo-verify-schedule | FileCheck %s
// RUN: octo-opt %t.mlir --octo-static-schedule --octo-stream-flows --octo-runtime-tables --octo-verify-schedule | FileCheck %s
// Options.
// RUN: octo-opt %s --octo-static-schedule --octo-stream-flows=max-chunks=3 | FileCheck %s --check-prefix=TWO
// RUN: octo-opt %s --octo-static-schedule --octo-stream-flows=buffer=1 | FileCheck %s --check-prefix=ONE
// RUN: octo-opt %s --octo-static-schedule --octo-stream-flows=record | FileCheck %s --check-prefix=NOTES
// RUN: octo-opt %s --octo-static-schedule --octo-stream-flows=stretch=1.0 | FileCheck %s --check-prefix=TIGHT

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 4,
  pea = {sramBytes = 1000, layout = ["general", "general", "general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 2000, bytesPerCycle = 4}}}

octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}

// A chunk of 512 bytes takes 8 cycles of the port: the second task starts at
// 100 + 8, and ends with the work on the last chunk; the third one is faster
// and waits for chunks. The fourth one shares the PEA of the third.
// CHECK: octo.tb "p/a"
// CHECK-SAME: slot <segment = 0, replica = 0, start = 0, cycles = 800>
// CHECK: octo.flow %{{.*}} streamed 8
// CHECK: octo.tb "p/b"
// CHECK-SAME: slot <segment = 0, replica = 0, start = 108, cycles = 800>
// CHECK: octo.flow %{{.*}} streamed 8
// CHECK: octo.tb "p/c"
// CHECK-SAME: slot <segment = 0, replica = 0, start = 216, cycles = 788>
// CHECK: octo.tb "p/d"
// CHECK-NOT: streamed

// TWO: streamed 2
// ONE: streamed 8 buffer 1
// NOTES: octo.flow_notes = ["input 0: streamed in 8 chunks, {{[1-8]}} in its buffer; the timetable of the segment takes {{[0-9]+}} cycles instead of {{[0-9]+}}"]
// NOTES: octo.flow_notes = ["input 0: whole: it shares PEAs with 'p/c'"]
// With no waiting at all only the tasks of equal rate stream.
// TIGHT: = octo.flow %{{.*}} streamed 8
// TIGHT: octo.tb "p/b"
// TIGHT-NOT: = octo.flow
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<800>}]>
    place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 20000}]>
    {octo.rows = {rows = 8 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}}
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 4096>
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<800>}]>
    place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 20000}]>
    {octo.rows = {rows = 8 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}}
    : (!octo.flow<!octo.data, 4096>) -> !octo.flow<!octo.data, 4096>
  %c = octo.tb "p/c" in %body @k(%b) profile <[{draw = #octo.dist<700>}]>
    place <[{cluster 0, tbu 0, pea 2 + 1, max 1, share 20000}]>
    {octo.rows = {rows = 8 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}}
    : (!octo.flow<!octo.data, 4096>) -> !octo.flow<!octo.data, 4096>
  %d = octo.tb "p/d" in %body @k(%c) profile <[{draw = #octo.dist<1>}]>
    place <[{cluster 0, tbu 0, pea 2 + 1, max 1, share 20000}]>
    {octo.rows = {rows = 8 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}}
    : (!octo.flow<!octo.data, 4096>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%d) : !octo.flow<!octo.data, 64>
}
