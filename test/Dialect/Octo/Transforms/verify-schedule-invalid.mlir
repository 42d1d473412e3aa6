// Decisions written by hand that break a rule.
// RUN: octo-opt %s --split-input-file --octo-verify-schedule --verify-diagnostics

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-note @below {{'p/a' is here}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/b' starts at cycle 100, but its input from task 'p/a' is there at cycle 119 at the earliest; move the slot by 19 cycles}}
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<100>}]> place <[{cluster 1, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 100, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/a' needs 100 cycles on 1 PEA, but its slot has 99; lengthen the slot or give it more PEAs}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 99>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 200, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{segment 0 may be activated every 50 cycles, but PEA 0 works 100 cycles for each activation; raise the interval}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  // expected-error @below {{segment 0 may be activated every 50 cycles, but PEA 1 works 100 cycles for each activation; raise the interval}}
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 200, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 50 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{'p/a' has a slot in a timetable, but its row in the run-time tables says that it is dynamic (written by hand)}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <dynamic_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 200, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/a' is pinned to cluster 1, but placed in cluster 0}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> pin <cluster = 1> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %b = octo.tb "p/b" in %body @k(%a) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 200, cycles = 100>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 100 lanes 1
}

// -----

// Streams: the first chunk of 100 cycles and 2 of the port; the last one, and
// half of the work.
octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-note @below {{'p/a' is here}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<200>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 200, p95 = 200, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 200>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %s = octo.flow %a streamed 2 : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/b' ends at cycle 253, but it has the last chunk from task 'p/a' to work on until cycle 254 at the earliest; lengthen the slot by 1 cycles}}
  // expected-error @below {{task 'p/b' starts at cycle 103, but the first chunk from task 'p/a' is there at cycle 104 at the earliest; move the slot by 1 cycles}}
  %b = octo.tb "p/b" in %body @k(%s) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 103, cycles = 150>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 200 lanes 1
}

// -----

// Two ways that meet again, one in halves, the other in sixteenths.
octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  dataPlane = {linkBytesPerCycle = 8, hopCycles = 5, interfaceCycles = 2, linkBufferBytes = 64},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/a' and the tasks that it streams to on several ways can wait for each other for ever: its stream to task 'p/b' has a buffer of 2 of 16 chunks; give it 7, or all of them the same number of chunks}}
  %a = octo.tb "p/a" in %body @k(%x) profile <[{draw = #octo.dist<200>}]> place <[{cluster 0, tbu 0, pea 0 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 200, p95 = 200, count_q16 = 65536> slot <segment = 0, replica = 0, start = 0, cycles = 200>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  %s = octo.flow %a streamed 2 : !octo.flow<!octo.data, 64>
  %t = octo.flow %a streamed 16 : !octo.flow<!octo.data, 64>
  %b = octo.tb "p/b" in %body @k(%s, %t) profile <[{draw = #octo.dist<100>}]> place <[{cluster 0, tbu 0, pea 1 + 1, max 1, share 65536}]> policy <static_time, static_frequency, "written by hand", priority = 1, cycles = 100, p95 = 100, count_q16 = 65536> slot <segment = 0, replica = 0, start = 104, cycles = 200>
    : (!octo.flow<!octo.data, 64>, !octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%b) : !octo.flow<!octo.data, 64>
  octo.segment in %body interval 200 lanes 1
}
