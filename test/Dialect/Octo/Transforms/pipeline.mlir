// The passes one after the other on a small program: a static chain, then a
// switch with a rare case.
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 | FileCheck %s --check-prefix=PLACE
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 --octo-static-schedule | FileCheck %s --check-prefix=SLOT
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 --octo-static-schedule --octo-runtime-tables --octo-verify-schedule | FileCheck %s --check-prefix=TABLE
// RUN: octo-opt %s --octo-allocate-peas --octo-runtime-tables=tail-percent=80 | FileCheck %s --check-prefix=PERCENT
// RUN: octo-opt %s --octo-allocate-peas | FileCheck %s --check-prefix=LANES
// RUN: octo-opt %s --octo-allocate-peas --octo-static-schedule --octo-runtime-tables --octo-verify-schedule -o %t.1.mlir
// RUN: octo-opt %t.1.mlir --octo-static-schedule --octo-runtime-tables --octo-verify-schedule -o %t.2.mlir
// RUN: diff %t.1.mlir %t.2.mlir
// RUN: octo-opt %s --octo-allocate-peas --octo-static-schedule --octo-runtime-tables --octo-verify-schedule --emit-bytecode | octo-opt | diff %t.1.mlir -
// RUN: octo-opt %s --octo-allocate-peas=decisions=off | FileCheck %s --check-prefix=QUIET
// QUIET-NOT: decision

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  controlPlane = {localDispatchCycles = 2},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4, switchCycles = 3}}}

// Speed-up p^0.5: 46341 / 65536 is the square root of one half.
// PLACE: octo.kernel @k profiled on general
// PLACE-SAME: variants = [#octo.variant<gang = 1, scale_q16 = 65536>, #octo.variant<gang = 2, scale_q16 = 46341>]
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {scaling = #octo.scaling<alpha_permille = 500>}

// 100 + 200 + 50 in one of four: a variance of 50^2 x 1/4 x 3/4. The tail of the
// rare task is nothing or itself.
// The path differs by the rare case alone, so its tail is with it.
// TABLE: octo.program @p
// TABLE-SAME: octo.request_path = #octo.request_path<cycles = 511, deviation = 50, tail = 600, percent = 9.900000e+01 : f64, samples = 4096>
// TABLE-SAME: octo.request_work = #octo.request_work<cycles = 313, deviation = 22, tail = 365, percent = 9.900000e+01 : f64>
// PERCENT: octo.program @p
// PERCENT-SAME: octo.request_work = #octo.request_work<cycles = 313, deviation = 22, tail = 331, percent = 8.000000e+01 : f64>
// PERCENT: octo.tb "p/c/case0/d"
// PERCENT-SAME: count_q16 = 16384, variation_q16 = 196608, tail = 50
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // PLACE: octo.tb "p/a"
  // PLACE-SAME: place <[{cluster {{[01]}}, tbu {{[01]}}, pea 0 + 2
  // PLACE-SAME: #octo.decision<share
  // PLACE-SAME: #octo.decision<home
  // LANES: octo.tb "p/a"
  // LANES-SAME: place <[{cluster {{[0-9]+}}, {{.*}}}, {cluster
  // Dispatch 2 and switch 3 come first.
  // SLOT: octo.tb "p/a"
  // SLOT-SAME: slot <segment = 0, replica = 0, start = 5, cycles = 71>
  // TABLE: octo.tb "p/a"
  // TABLE-SAME: policy <static_time, static_frequency, "known at compile time", priority = {{[0-9]+}}, cycles = 100, p95 = 100, count_q16 = 65536, tail = 100, next = [1]>
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  // PLACE: octo.tb "p/b"
  // PLACE-SAME: place <[{cluster 1, tbu 1, pea 0 + 2, share
  // SLOT: octo.tb "p/b"
  // SLOT-SAME: slot <segment = 0, replica = 0, start = {{[0-9]+}}, cycles = 142>
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<200>}]>
    pin <cluster = 1, tbu = 1, gang = 2>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  // PLACE: octo.switch "p/c"
  // PLACE-SAME: place <[{cluster
  // TABLE: octo.switch "p/c"
  // TABLE-SAME: policy <static_time, static_frequency
  %c, %case0, %x0, %case1, %x1 = octo.switch "p/c" in %body (%b) captures(%b) scopes [[1], [1]]
    profile <[{frequencies = [1073741824, 3221225472]}]>
    : (!octo.act, !octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>)
    -> (!octo.block, !octo.act, !octo.flow<!octo.data, 64>, !octo.act, !octo.flow<!octo.data, 64>)
  %y = octo.merge %c yields(%d, %x1) : (!octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
  // PLACE: octo.tb "p/c/case0/d"
  // PLACE-SAME: share 0, standby
  // SLOT: octo.tb "p/c/case0/d"
  // SLOT-NOT: slot <
  // SLOT: octo.segment in %body interval {{[0-9]+}} lanes 1
  // TABLE: octo.tb "p/c/case0/d"
  // TABLE-SAME: policy <static_time, dynamic_frequency, "frequency: 'p/c' decides", priority = {{[0-9]+}}, cycles = 50, p95 = 50, count_q16 = 16384, variation_q16 = 196608, tail = 50
  %d = octo.tb "p/c/case0/d" in %case0 @k(%x0) profile <[{draw = #octo.dist<50>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
}
