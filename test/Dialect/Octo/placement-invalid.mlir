// Places and slots against the machine.
// RUN: octo-opt %s --split-input-file --verify-diagnostics

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{task 'p/t' has a replica on cluster 3, but 'm' has 3 clusters, numbered from 0}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 3, tbu 0, pea 0 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{task 'p/t' has a replica on cluster 2, to which no route is alive; move it to a cluster that the host port can reach}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 2, tbu 0, pea 0 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{task 'p/t' has a replica on TBU 2 of a cluster, but 'm' has 2 TBUs a cluster, numbered from 0}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 0, tbu 2, pea 0 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{task 'p/t' is placed on 2 PEAs from position 1 of cluster (0, 0), TBU 1, which has 2 PEAs; place it on positions 0 to 1}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 0, tbu 1, pea 1 + 2, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{task 'p/t' needs a live PEA, but none of positions 1 to 1 of cluster (1, 0), TBU 1 is alive; place it elsewhere}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 1, tbu 1, pea 1 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 3000 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{kernel @k has 2.9 KiB of code, but the configuration store of a TBU of 'm' holds 2.0 KiB; split the task or choose a target with a larger store}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1001>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-error @below {{kernel @k needs 1001 bytes of SRAM in each PEA of a gang of 1, but a PEA of 'm' has 1000 bytes; use a larger gang, smaller tiles or a target with more SRAM}}
  %t = octo.tb "p/t" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{task 'p/a' has a share of 40000 / 65536}}
  %a = octo.tb "p/a" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 2, share 40000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/b' has a share of 30000 / 65536}}
  // expected-error @below {{PEA 1 of cluster (0, 0), TBU 0 is promised for 106.81 % of its time; lower the shares of its blocks to 100 % together or move one}}
  %b = octo.tb "p/b" in %body @k(%x) place <[{cluster 0, tbu 0, pea 1 + 1, share 30000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.segment in %body interval 10 lanes 2
  // expected-error @below {{'p/a' has 1 replicas, but the segment is laid out for 2 lanes from replica 0; add replicas, or take lanes off the segment}}
  %a = octo.tb "p/a" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]> slot <segment = 0, replica = 0, start = 0, cycles = 5> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.segment in %body interval 10 lanes 1
  // expected-error @below {{'p/a' has a slot that ends beyond 2^64 cycles}}
  %a = octo.tb "p/a" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]> slot <segment = 0, replica = 0, start = 18446744073709551615, cycles = 5> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.segment in %body interval 10 lanes 1
  // expected-note @below {{the input is made here, from cycle 3 for 5 cycles}}
  %a = octo.tb "p/a" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]> slot <segment = 0, replica = 0, start = 3, cycles = 5> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-error @below {{'p/b' starts at cycle 7 of its segment, before its input from 'p/a' is there at cycle 8; start it later}}
  %b = octo.tb "p/b" in %body @k(%a) place <[{cluster 0, tbu 0, pea 1 + 1, share 1}]> slot <segment = 0, replica = 0, start = 7, cycles = 1> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  octo.segment in %body interval 10 lanes 1
  // expected-note @below {{the other slot is here}}
  %a = octo.tb "p/a" in %body @k(%x) place <[{cluster 0, tbu 1, pea 0 + 2, share 1}]> slot <segment = 0, replica = 0, start = 3, cycles = 5> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-error @below {{'p/b' is on PEA 1 of cluster (0, 0), TBU 1 from cycle 7, when 'p/a' has it until cycle 8; start it later, or place it elsewhere}}
  %b = octo.tb "p/b" in %body @k(%x) place <[{cluster 0, tbu 1, pea 1 + 1, share 1}]> slot <segment = 0, replica = 0, start = 7, cycles = 1> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{the segment is here}}
  octo.segment in %body interval 10 lanes 1
  %f, %a, %i = octo.fork "p/f" in %body captures(%x) scopes [[0]] profile <[{draw = #octo.dist<1>}]>
    : (!octo.act, !octo.flow<f32>) -> (!octo.block, !octo.act, !octo.flow<f32>)
  octo.join %f yields() : () -> ()
  // expected-error @below {{'p/t' is in each of 'p/f' but has a slot in a segment of the body; a segment has tasks of one scope}}
  %t = octo.tb "p/t" in %a @k(%i) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
    slot <segment = 0, replica = 0, start = 0, cycles = 5> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}

// -----

octo.machine @m {target = {name = "m", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [3, 1], peasPerTbu = 2,
  pea = {sramBytes = 1000, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1},
                      {kind = "link", cluster = [1, 0], to = [2, 0]}]},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 2000}}}
octo.kernel @k image on general code 1 : (f32) -> f32 {variants = [#octo.variant<gang = 1, footprint = 1>]}
octo.program @p on @m {
  %body, %x = octo.entry : !octo.flow<f32>
  // expected-note @below {{task 'p/t0' has a share of 10000 / 65536}}
  %t0 = octo.tb "p/t0" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t1' has a share of 10000 / 65536}}
  %t1 = octo.tb "p/t1" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t2' has a share of 10000 / 65536}}
  %t2 = octo.tb "p/t2" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t3' has a share of 10000 / 65536}}
  %t3 = octo.tb "p/t3" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t4' has a share of 10000 / 65536}}
  %t4 = octo.tb "p/t4" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t5' has a share of 10000 / 65536}}
  %t5 = octo.tb "p/t5" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t6' has a share of 10000 / 65536}}
  %t6 = octo.tb "p/t6" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{task 'p/t7' has a share of 10000 / 65536}}
  %t7 = octo.tb "p/t7" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-note @below {{and 2 more}}
  %t8 = octo.tb "p/t8" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  // expected-error @below {{PEA 0 of cluster (0, 0), TBU 0 is promised for 152.59 % of its time}}
  %t9 = octo.tb "p/t9" in %body @k(%x) place <[{cluster 0, tbu 0, pea 0 + 1, share 10000}]> : (!octo.flow<f32>) -> !octo.flow<f32>
  octo.exit in %body
}
