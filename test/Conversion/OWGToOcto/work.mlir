// Work of one shape takes cycles of that shape: no task needs a table of its own.
// RUN: octo-opt %s --convert-owg-to-octo --verify-roundtrip | FileCheck %s

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536,
    layout = ["matrix", "general"], rates = {
      general = {macQ16 = 65536, vectorQ16 = 131072, specialQ16 = 4096, scalarQ16 = 65536},
      matrix = {macQ16 = 6553600, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  peasPerTbu = 2, scratchpad = {bytes = 1048576, bytesPerCycle = 10}, configStore = {bytes = 65536}}}

// CHECK-DAG: #[[SHAPE:curve.*]] = #octo.curve<[0: -{{[0-9]+}},
// CHECK-DAG: #[[CUT:curve.*]] = #octo.curve<[0: 10000,
// CHECK-DAG: #[[SMALL:curve.*]] = #octo.curve<[0: {{[0-9]}},

// CHECK-LABEL: octo.program @p on @m {
owg.workflow @p(%q: !owg.data<100>) -> !owg.data<100> {
  // 10000 cycles in the mean with a deviation of 4000.
  // CHECK: octo.tb "p/a" {{.*}} profile <[{draw = #octo.dist<#[[SHAPE]], mean_q16 = 65{{[0-9]+}}, scale = 262144000, shift = 655360000>}]>
  %a = owg.task "a"(%q : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = lognormal<1000000.0, 0.4>, bytes = const<30>}>
  // The bytes take longer at every draw.
  // CHECK: octo.tb "p/b" {{.*}} profile <[{draw = #octo.dist<#[[SHAPE]], mean_q16 = 65{{[0-9]+}}, scale = 2621440000, shift = 6553600000>}]>
  %b = owg.task "b"(%a : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = lognormal<1000000.0, 0.4>, bytes = lognormal<1000000.0, 0.4>}>
  // Kinds of operations add up, constant ones too.
  // CHECK: octo.tb "p/c" {{.*}} profile <[{draw = #octo.dist<#[[SHAPE]], mean_q16 = 13{{[0-9]+}}, scale = 524288000, shift = 1317273600>}]>
  %c = owg.task "c"(%b : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = lognormal<1000000.0, 0.4>, vector = lognormal<10000.0, 0.4>, scalar = const<100>}>
  // Here the bytes, there the operations: a table of its own.
  // CHECK: octo.tb "p/d" {{.*}} profile <[{draw = #octo.dist<#[[CUT]], mean_q16 = {{[0-9]+}}>}]>
  %d = owg.task "d"(%c : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = lognormal<1000000.0, 0.4>, bytes = const<100000>}>
  // Few cycles: every part is rounded up.
  // CHECK: octo.tb "p/e" {{.*}} profile <[{draw = #octo.dist<#[[SMALL]], mean_q16 = {{[0-9]+}}>}]>
  %e = owg.task "e"(%d : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = lognormal<10000.0, 0.4>}>
  owg.return %e : !owg.data<100>
}
