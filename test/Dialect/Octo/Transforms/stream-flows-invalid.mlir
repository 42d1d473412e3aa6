// RUN: octo-opt %s --split-input-file --octo-stream-flows --verify-diagnostics

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{'p/a' has no slot in a timetable; run octo-static-schedule before octo-stream-flows}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%a) : !octo.flow<!octo.data, 64>
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{expected 'octo.rows' to be {rows = 64 : i64, inputs = array<i32: 0>, outputs = array<i32: 0>}; found 8 : i32}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 0, cycles = 100> {octo.rows = 8 : i32}
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%a) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 1,
  clustersPerDie = [1, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 64}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{'octo.rows' names an input or output that 'p/a' does not have: it has 1 inputs and 1 outputs}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> slot <segment = 0, replica = 0, start = 0, cycles = 100> {octo.rows = {rows = 8 : i64, inputs = array<i32: 0, 1>, outputs = array<i32: 0>}}
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%a) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}
