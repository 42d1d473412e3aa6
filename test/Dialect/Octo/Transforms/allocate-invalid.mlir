// What cannot be placed: need, budget, remedy.
// RUN: octo-opt %s --split-input-file --octo-allocate-peas --verify-diagnostics

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
  {scaling = #octo.scaling<state_bytes = 4096>}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/t'}}
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 4000 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{the code of task 'p/t'}}
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/t' is pinned to cluster 7, but machine 'm' has 2 (0 to 1); change the pin}}
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> pin <cluster = 7>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/t' is pinned to TBU 5, but a cluster of machine 'm' has 2 (0 to 1); change the pin}}
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> pin <cluster = 1, tbu = 5>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 65536,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576, bytesPerCycle = 8}, configStore = {bytes = 2000, bytesPerCycle = 4}}}
octo.kernel @k profiled on general code 64 : (!octo.data) -> !octo.data
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<!octo.data, 64>
  // expected-error @below {{task 'p/t' is pinned to 3 PEAs of class general in any cluster, which has 2 live next to each other; change the pin or take a smaller gang}}
  %y = octo.tb "p/t" in %body @k(%x) profile <[{draw = #octo.dist<100>}]> pin <gang = 3>
    : (!octo.flow<!octo.data, 64>) -> !octo.flow<!octo.data, 64>
  octo.exit in %body (%y) : !octo.flow<!octo.data, 64>
}
