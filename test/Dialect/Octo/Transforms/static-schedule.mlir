// Five tasks after one on two PEAs. By falling rank they take 300 + 200 + 200 on
// one PEA; the search finds 300 + 300 beside 200 + 200 + 200, moves tasks for it
// and records that. Without a budget, or where tasks may not move, all stays.
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 --octo-static-schedule --octo-runtime-tables --octo-verify-schedule -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: octo-opt %t.mlir --octo-static-schedule --octo-runtime-tables --octo-verify-schedule | FileCheck %s --check-prefix=AGAIN
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 --octo-static-schedule=search-steps=0 | FileCheck %s --check-prefix=LIST
// RUN: octo-opt %s --octo-allocate-peas=lanes=1 --octo-static-schedule=rehome=false | FileCheck %s --check-prefix=LIST

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 2000, bytesPerCycle = 4}}}

octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}

// 100 for the first, a cycle for its value, then 600 instead of 700.
// CHECK-NOT: start = 601
// CHECK: #octo.decision<slot, [{cluster 0, tbu 0, gang 1, score 801, worse}, {cluster 0, tbu 0, gang 1, score 701, chosen}]>
// CHECK-NOT: start = 601
// Another run starts from the new places: it has nothing to move, and what was
// recorded before goes.
// AGAIN-NOT: start = 601
// AGAIN-NOT: decision<slot
// LIST-NOT: decision<slot
// LIST: slot <segment = 0, replica = 0, start = 601, cycles = 200>
// LIST-NOT: decision<slot
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  %s = octo.tb "p/s" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %a = octo.tb "p/a" in %body @k(%s) profile <[{draw = #octo.dist<300>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %b = octo.tb "p/b" in %body @k(%s) profile <[{draw = #octo.dist<300>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %c = octo.tb "p/c" in %body @k(%s) profile <[{draw = #octo.dist<200>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %d = octo.tb "p/d" in %body @k(%s) profile <[{draw = #octo.dist<200>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %e = octo.tb "p/e" in %body @k(%s) profile <[{draw = #octo.dist<200>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%a, %b, %c, %d, %e) : !octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>
}
