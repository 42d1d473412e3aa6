// Workflows without code: profiles as tables, kernels shared by what matters,
// sizes that follow from what is known.
// RUN: octo-opt %s --convert-owg-to-octo --verify-roundtrip | FileCheck %s

// Curves print once, under a name.
// CHECK: #[[EXP:curve.*]] = #octo.curve<[0: 0,
// CHECK: #[[TWO:curve.*]] = #octo.curve<discrete, [0: 1, 9223372036854775808: 2]>
// CHECK: #[[GEO:curve.*]] = #octo.curve<[0: 0, 4611686018427387904: 1,

octo.machine @m {target = {clockHz = 1000000000, pea = {sramBytes = 65536,
    layout = ["matrix", "general"], rates = {
      general = {macQ16 = 65536, vectorQ16 = 131072, specialQ16 = 4096, scalarQ16 = 65536},
      matrix = {macQ16 = 6553600, vectorQ16 = 65536, specialQ16 = 4096, scalarQ16 = 65536}}},
  peasPerTbu = 2, scratchpad = {bytes = 1048576, bytesPerCycle = 10}, configStore = {bytes = 65536}}}

// CHECK: octo.kernel @profiled profiled on general code 0 : () -> () {scaling = #octo.scaling<>}
// CHECK: octo.kernel @profiled.1 profiled on general code 512 : () -> () {scaling = #octo.scaling<alpha_permille = 900, max_gang = 4, state_bytes = 64>}
// Work scales in full, and decides on the class of PEAs.
// CHECK: octo.kernel @profiled.2 profiled on matrix code 0 : () -> () {scaling = #octo.scaling<alpha_permille = 1000>}
// CHECK: octo.kernel @profiled.3 profiled on general code 0 : () -> () {scaling = #octo.scaling<alpha_permille = 1000>}
// CHECK: octo.weight @const : !octo.data {value = dense<> : tensor<0xi8>}
// CHECK: octo.kernel @join.concat join(concat) on vector code 0 : (!octo.data) -> !octo.data {num_counters = 1 : i32, work = []}
// CHECK-NOT: octo.kernel

// CHECK-LABEL: octo.program @p on @m {
owg.workflow @p(%q: !owg.data<100>) -> (!owg.data<?>, !owg.data<100>) {
  // CHECK: octo.tb "p/a" in %{{.*}} @profiled(%{{.*}}) profile <[{draw = #octo.dist<#[[EXP]], mean_q16 = 786{{[0-9]+}}, scale = 786432000, shift = 0>}]> : (!octo.flow<!octo.data, 100>) -> !octo.flow<!octo.data, 100>
  %a = owg.task "a"(%q : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<cycles = exp<12000>>
  // Equal but for the profile: the kernel is shared.
  // CHECK: octo.tb "p/b" in %{{.*}} @profiled(%{{.*}}) profile <[{draw = #octo.dist<7>}, {from = 10, draw = #octo.dist<8>}]> pin <cluster = 1, tbu = 0, gang = 2>
  %b = owg.task "b"(%a : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<cycles = const<7>, drift = [from 10 <cycles = const<8>>]>
    pin #owg.pin<cluster = 1, tbu = 0, gang = 2>
  // CHECK: octo.tb "p/c" in %{{.*}} @profiled.1(%{{.*}}) profile <[{draw = #octo.dist<7>}]> pin <max_gang = 4>
  %c = owg.task "c"(%b : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<cycles = const<7>, alpha = 0.9, max_gang = 4, code_bytes = 512, state_bytes = 64>
  // 1000 multiply-accumulates at 100 a cycle; 30 bytes at 10 a cycle.
  // CHECK: octo.tb "p/d" in %{{.*}} @profiled.2(%{{.*}}) profile <[{draw = #octo.dist<10>}]>
  %d = owg.task "d"(%c : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {mac = const<1000>, bytes = const<30>}>
  // CHECK: octo.tb "p/e" in %{{.*}} @profiled.3(%{{.*}}) profile <[{draw = #octo.dist<50>}]>
  %e = owg.task "e"(%d : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<work = {vector = const<10>, bytes = const<500>}>
  // Exact in 2^-32, whatever the decimals.
  // CHECK: octo.switch "p/s" in %{{.*}}(%{{.*}}) captures(%{{.*}}) scopes {{\[\[}}1], [], [1]] profile <[{frequencies = [1431655765, 1431655765, 1431655766]}]>
  // CHECK: octo.merge {{.*}} -> !octo.flow<!octo.data, 133>
  %s = owg.branch "s"(%e : !owg.data<100>) -> !owg.data<?>
    profile #owg.profile<frequencies = [0.33333333333, 0.33333333333, 0.33333333334]>
  case {
    %t = owg.task "t"(%a : !owg.data<100>) -> !owg.data<?>
      profile #owg.profile<cycles = const<1>, out_bytes = [const<200>]>
    owg.yield %t : !owg.data<?>
  } case {
    %none = owg.nothing : !owg.data<0>
    %t = owg.task "u"(%none : !owg.data<0>) -> !owg.data<?>
      profile #owg.profile<cycles = const<1>, out_bytes = [const<100>]>
    owg.yield %t : !owg.data<?>
  } default {
    %t = owg.task "v"(%a : !owg.data<100>) -> !owg.data<?>
      profile #owg.profile<cycles = const<1>, out_bytes = [uniform<50, 150>]>
    owg.yield %t : !owg.data<?>
  }
  // CHECK: octo.select "p/e2" in %{{.*}}(%{{.*}}) inits(%{{.*}}) captures(%{{.*}}) scopes {{\[\[}}2], [3]] profile <[{frequencies = [2147483648, 4294967296]}]>
  // CHECK: octo.join {{.*}} -> !octo.flow<!octo.data, 150>
  %none = owg.nothing : !owg.data<0>
  %e2 = owg.select "e2"(%s : !owg.data<?>) init(concat %none : !owg.data<0>) -> !owg.data<?>
    profile #owg.profile<frequencies = [0.5, 1.0]>
  member {
    owg.yield %a : !owg.data<100>
  } member {
    owg.yield %b : !owg.data<100>
  }
  // CHECK: octo.fork "p/f" in %{{.*}} inits(%{{.*}}) captures(%{{.*}}) scopes {{\[\[}}index, 1]] profile <[{draw = #octo.dist<#[[TWO]], mean_q16 = 98304>}]>
  // CHECK: octo.join {{.*}} -> !octo.flow<!octo.data, 60>
  %f = owg.fanout "f"(%x = %e2 : !owg.data<?>) init(concat %none : !owg.data<0>) -> !owg.data<?>
    profile #owg.profile<count = empirical<[1, 2], [0.5, 0.5]>>
  each (%i) {
    %t:2 = owg.task "w"(%x : !owg.data<?>) -> (!owg.data<40>, !owg.token)
      profile #owg.profile<cycles = const<1>>
    owg.yield %t#0 : !owg.data<40>
  }
  // A loop without before: its values pass through one.
  // CHECK: %[[L:.*]], %{{.*}}, %[[IN:.*]], %{{.*}}, %{{.*}} = octo.loop "p/l" in %{{.*}} inits(%{{.*}}) next(%{{.*}}) scopes {{\[\[}}0], [forward 0]] profile <[{draw = #octo.dist<#[[GEO]], mean_q16 = 196608>}]>
  // CHECK: octo.decide %[[L]]() forwards(%[[IN]])
  %l = owg.loop "l"(%x = %a : !owg.data<100>) -> !owg.data<100>
    profile #owg.profile<trips = geometric<0.25>>
  after {
    %t = owg.task "y"(%x : !owg.data<100>) -> !owg.data<100>
      profile #owg.profile<cycles = const<1>>
    owg.yield %t : !owg.data<100>
  }
  // The size of what is drawn.
  // CHECK: octo.tb "p/s/default/v" {{.*}} -> !octo.flow<!octo.data, 100, #{{.*}}>
  owg.return %f, %l : !owg.data<?>, !owg.data<100>
}
