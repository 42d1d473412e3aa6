// Every op, in its canonical spelling; a program with each control block, a
// block inside a block, weights everywhere, streamed flows and all decisions.
// RUN: octo-opt %s --verify-roundtrip | FileCheck %s
// RUN: octo-opt %s --emit-bytecode | octo-opt | FileCheck %s
// RUN: octo-opt %s --mlir-print-op-generic | octo-opt | FileCheck %s

// CHECK: octo.machine @m {target = {clockHz = 1000000000 : i64
octo.machine @m {target = {clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 65536, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}

// CHECK: octo.image @obj entry "k" cpu "x86-64-v3" digest "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"{{$}}
octo.image @obj entry "k" cpu "x86-64-v3" digest
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
// CHECK: octo.image @obj2 entry "k" cpu "generic" digest "{{.*}}" object dense<1> : tensor<4xi8>
octo.image @obj2 entry "k" cpu "generic" digest
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  object dense<1> : tensor<4xi8>

// CHECK: octo.kernel @k image on matrix code 512 image @obj : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-SAME: donated = array<i32: 0>, num_counters = 1 : i32
octo.kernel @k image on matrix code 512 image @obj : (tensor<4xf32>) -> tensor<4xf32>
  {num_counters = 1 : i32, donated = array<i32: 0>,
   work = [#octo.work<mac, 4, [dim(0, 0), counter(0)]>],
   variants = [#octo.variant<gang = 1, fixed = 10>, #octo.variant<gang = 2, fixed = 5>]}
// CHECK: octo.kernel @kw image on vector code 64 body @f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
octo.kernel @kw image on vector code 64 body @f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK: octo.kernel @index image on general code 64 : (tensor<4xf32>) -> index
octo.kernel @index image on general code 64 : (tensor<4xf32>) -> index
octo.kernel @mask image on general code 64 : (tensor<4xf32>) -> tensor<2xi1>
octo.kernel @more image on general code 64 : (tensor<4xf32>) -> i1
// CHECK: octo.kernel @p profiled on general code 0 : () -> !octo.data {scaling = #octo.scaling<max_gang = 2>}
octo.kernel @p profiled on general code 0 : () -> !octo.data
  {scaling = #octo.scaling<max_gang = 2>}
// CHECK: octo.kernel @add join(add) on vector code 0 : (tensor<4xf32>) -> tensor<4xf32>
octo.kernel @add join(add) on vector code 0 : (tensor<4xf32>) -> tensor<4xf32>
// CHECK: octo.kernel @concat join(concat) on vector code 0 : (tensor<0x4xf32>) -> tensor<?x4xf32>
octo.kernel @concat join(concat) on vector code 0 : (tensor<0x4xf32>) -> tensor<?x4xf32>
octo.kernel @row image on general code 64 : (tensor<4xf32>, index) -> tensor<1x4xf32>

// CHECK: octo.weight @seeded : tensor<4xf32> {scale = 1.250000e-01 : f64, seed = 7 : i64}
octo.weight @seeded : tensor<4xf32> {seed = 7 : i64, scale = 0.125 : f64}
// CHECK: octo.weight @file : tensor<4xf32> {digest = "{{.*}}", file = "w.bin"}
octo.weight @file : tensor<4xf32> {file = "w.bin", digest =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
// CHECK: octo.weight @value : tensor<0x4xf32> {value = dense<> : tensor<0x4xf32>}
octo.weight @value : tensor<0x4xf32> {value = dense<> : tensor<0x4xf32>}
// CHECK: octo.weight @three : index {value = dense<3> : tensor<index>}
octo.weight @three : index {value = dense<3> : tensor<index>}

func.func private @f(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>

// CHECK: octo.program @empty {
// CHECK-NEXT: %[[ACT:.*]] = octo.entry
// CHECK-NEXT: octo.exit in %[[ACT]]
// CHECK-NEXT: }
octo.program @empty {
  %body = octo.entry
  octo.exit in %body
}

// CHECK: octo.program @all on @m attributes {age_cycles = 2 : i64, arg_names = ["x"], epoch_cycles = 1 : i64, policy_version = 3 : i32, result_names = ["y", "z"]} {
octo.program @all on @m attributes {arg_names = ["x"], result_names = ["y", "z"],
    policy_version = 3 : i32, epoch_cycles = 1 : i64, age_cycles = 2 : i64} {
  // CHECK: %[[BODY:.*]], %[[X:.*]] = octo.entry : !octo.flow<tensor<4xf32>>
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  // CHECK: octo.use_weight @seeded
  %w = octo.use_weight @seeded : !octo.flow<tensor<4xf32>>
  %none = octo.use_weight @value : !octo.flow<tensor<0x4xf32>>
  %three = octo.use_weight @three : !octo.flow<index>
  // CHECK: %[[A:.*]] = octo.tb "all/a" in %[[BODY]] @k(%[[X]])
  // CHECK-SAME: pin <cluster = 0>
  // CHECK-SAME: place <[{cluster 0, tbu 0, pea 0 + 1, share 100}]>
  // CHECK-SAME: policy <static_time, static_frequency, "always", priority = 9, cycles = 10, p95 = 10, count_q16 = 65536, next = [1]>
  // CHECK-SAME: slot <segment = 0, replica = 0, start = 0, cycles = 10>
  // CHECK-SAME: {decisions = [#octo.decision<home, [{cluster 0, tbu 0, gang 1, score 0, chosen}]>]}
  %a = octo.tb "all/a" in %body @k(%x) pin <cluster = 0>
      place <[{cluster 0, tbu 0, pea 0 + 1, share 100}]>
      policy <static_time, static_frequency, "always", priority = 9, cycles = 10,
              p95 = 10, count_q16 = 65536, next = [1]>
      slot <segment = 0, replica = 0, start = 0, cycles = 10>
      {decisions = [#octo.decision<home, [{cluster 0, tbu 0, gang 1, score 0, chosen}]>]}
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: octo.segment in %[[BODY]] interval 20 lanes 1
  octo.segment in %body interval 20 lanes 1
  // CHECK: %[[FAST:.*]] = octo.flow %[[A]] streamed 4 : <tensor<4xf32>>
  %fast = octo.flow %a streamed 4 : !octo.flow<tensor<4xf32>>
  // CHECK: octo.tb "all/a2" in %[[BODY]] @k(%[[FAST]])
  %a2 = octo.tb "all/a2" in %body @k(%fast)
      place <[{cluster 0, tbu 0, pea 1 + 1, share 100}]>
      slot <segment = 0, replica = 0, start = 10, cycles = 10>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: octo.flow %{{.*}} : <tensor<4xf32>>
  %slow = octo.flow %a2 : !octo.flow<tensor<4xf32>>
  // Not scheduled yet, one buffer for all chunks.
  // CHECK: octo.flow %{{.*}} streamed 16 buffer 16 : <tensor<4xf32>>
  %deep = octo.flow %b2 streamed 16 buffer 16 : !octo.flow<tensor<4xf32>>
  %b2 = octo.tb "all/b2" in %body @k(%slow)
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  %unused = octo.tb "all/b3" in %body @k(%deep)
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: %[[S:.*]], %[[C0:.*]], %[[I0:.*]], %[[C1:.*]], %[[I1:.*]] = octo.switch "all/s" in %[[BODY]] decide @index(%{{.*}}) captures(%[[X]]) scopes {{\[\[}}1], [1]]
  %s, %c0, %x0, %c1, %x1 = octo.switch "all/s" in %body decide @index(%slow)
      captures(%x) scopes [[1], [1]]
      profile <[{frequencies = [1073741824, 3221225472]}]> place <[{cluster 1}]>
      : (!octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>>, !octo.act, !octo.flow<tensor<4xf32>>)
  // CHECK: octo.merge %[[S]] yields(%{{.*}}, %[[I1]])
  %b = octo.merge %s yields(%inner, %x1)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // A loop in a case.
  // CHECK: %[[L:.*]], %[[BEFORE:.*]], %[[B:.*]], %[[AFTER:.*]], %[[N:.*]] = octo.loop "all/s/case0/l" in %[[C0]] decide @more inits(%[[I0]]) next(%[[NEXT:.*]]) scopes {{\[\[}}0], [forward 0]]
  // CHECK-SAME: {bound = 7 : i64}
  %l, %before, %lb, %after, %la = octo.loop "all/s/case0/l" in %c0 decide @more
      inits(%x0) next(%n) scopes [[0], [forward 0]] {bound = 7 : i64}
      : (!octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>>, !octo.act, !octo.flow<tensor<4xf32>>)
  // CHECK: octo.decide %[[L]](%[[B]]) forwards(%[[B]])
  %inner = octo.decide %l(%lb) forwards(%lb)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: %[[NEXT]] = octo.tb "all/s/case0/l/after/t" in %[[AFTER]] @kw(%[[N]], %{{.*}})
  %n = octo.tb "all/s/case0/l/after/t" in %after @kw(%la, %w)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: octo.select "all/e" in %[[BODY]] decide @mask(%{{.*}}) inits(%{{.*}}) captures(%[[X]]) scopes {{\[\[}}2, 0], []]
  %e, %m0, %e0:2, %m1 = octo.select "all/e" in %body decide @mask(%b) inits(%w)
      captures(%x) scopes [[2, 0], []]
      : (!octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>, !octo.act)
  // CHECK: octo.join %{{.*}} by @add yields(%{{.*}}#1, %{{.*}})
  %y = octo.join %e by @add yields(%e0#1, %w)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  // CHECK: octo.fork "all/f" in %[[BODY]] count(%{{.*}}) inits(%{{.*}}) captures(%{{.*}}) scopes {{\[\[}}index, 2]]
  %f, %each, %fi:2 = octo.fork "all/f" in %body count(%three) inits(%none)
      captures(%y) scopes [[index, 2]]
      : (!octo.act, !octo.flow<index>, !octo.flow<tensor<0x4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<index>, !octo.flow<tensor<4xf32>>)
  // CHECK: octo.tb "all/f/each/row"
  %r = octo.tb "all/f/each/row" in %each @row(%fi#1, %fi#0)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<index>) -> !octo.flow<tensor<1x4xf32>>
  // CHECK: octo.join %{{.*}} by @concat yields
  %z = octo.join %f by @concat yields(%r)
      : (!octo.flow<tensor<1x4xf32>>) -> !octo.flow<tensor<?x4xf32>, 48>
  // A fan-out and a select without results, both profiled.
  // CHECK: octo.fork "all/g" in %[[BODY]] scopes {{\[\[}}]] profile <[{draw = #octo.dist<3>}]>
  %g, %copy = octo.fork "all/g" in %body scopes [[]]
      profile <[{draw = #octo.dist<3>}]> : (!octo.act) -> (!octo.block, !octo.act)
  // CHECK: octo.join %{{.*}} yields() : () -> ()
  octo.join %g yields() : () -> ()
  // CHECK: octo.tb "all/g/each/p" in %{{.*}} @p() profile <[{draw = #octo.dist<50>}]> : () -> !octo.flow<!octo.data, 32>
  %d = octo.tb "all/g/each/p" in %copy @p() profile <[{draw = #octo.dist<50>}]>
      : () -> !octo.flow<!octo.data, 32>
  // A profiled branch waits for its decide inputs too.
  %h, %h0, %h1 = octo.switch "all/h" in %body (%z) scopes [[], []]
      profile <[{frequencies = [4294967296, 0]}]>
      : (!octo.act, !octo.flow<tensor<?x4xf32>, 48>) -> (!octo.block, !octo.act, !octo.act)
  octo.merge %h yields() : () -> ()
  // CHECK: octo.exit in %[[BODY]](%{{.*}}, %{{.*}}) : !octo.flow<tensor<4xf32>>, !octo.flow<tensor<?x4xf32>, 48>
  octo.exit in %body (%y, %z) : !octo.flow<tensor<4xf32>>, !octo.flow<tensor<?x4xf32>, 48>
}
