// A program file holds everything that a module says: the second translation
// gives the same bytes, whatever way the module went.
// RUN: octo-translate --mlir-to-octo %s -o %t.octo
// RUN: octo-translate --octo-to-mlir %t.octo -o %t.mlir
// RUN: octo-translate --mlir-to-octo %t.mlir -o %t.2.octo
// RUN: cmp %t.octo %t.2.octo
// RUN: octo-opt %t.mlir --emit-bytecode --mlir-print-debuginfo -o %t.mlirbc
// RUN: octo-translate --mlir-to-octo %t.mlirbc -o %t.3.octo
// RUN: cmp %t.octo %t.3.octo
// RUN: FileCheck %s --check-prefix=BACK < %t.mlir
// RUN: octo-translate --octo-to-json %t.octo | FileCheck %s --check-prefix=JSON

// BACK: octo.machine @small {target = {
octo.machine @m {target = {name = "small", clockHz = 1000000000, tbusPerCluster = 2,
  clustersPerDie = [2, 1], peasPerTbu = 2,
  pea = {sramBytes = 65536, layout = ["general", "general"],
    rates = {general = {macQ16 = 65536, vectorQ16 = 65536, specialQ16 = 4096,
                        scalarQ16 = 65536}}},
  defects = {parts = [{kind = "pea", cluster = [1, 0], unit = 1, pea = 1}]},
  hbmPorts = [{at = [0, 0], bytes = 1073741824}],
  scratchpad = {bytes = 1048576}, configStore = {bytes = 65536}}}

// BACK: octo.image @image.0 entry "k" cpu "x86-64-v3" digest "9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a" object dense<[1, 2, 3, 4]> : tensor<4xi8>
octo.image @obj entry "k" cpu "x86-64-v3" digest
  "9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a"
  object dense<[1, 2, 3, 4]> : tensor<4xi8>
// BACK: octo.kernel @k image on matrix code 512 image @image.0 : (tensor<4xf32>) -> tensor<4xf32>
// BACK-SAME: donated = array<i32: 0>, num_counters = 1 : i32, variants = [#octo.variant<gang = 1, fixed = 10, footprint = 16>, #octo.variant<gang = 2, fixed = 5>], work = [#octo.work<mac, 4, [dim(0, 0), counter(0)]>]
octo.kernel @k image on matrix code 512 image @obj : (tensor<4xf32>) -> tensor<4xf32>
  {num_counters = 1 : i32, donated = array<i32: 0>,
   work = [#octo.work<mac, 4, [dim(0, 0), counter(0)]>],
   variants = [#octo.variant<gang = 1, fixed = 10, footprint = 16>,
               #octo.variant<gang = 2, fixed = 5>]}
octo.kernel @index image on general code 64 : (tensor<4xf32>) -> index
  {variants = [#octo.variant<gang = 1, fixed = 1>]}
octo.kernel @more image on general code 64 : (tensor<4xf32>) -> i1
  {variants = [#octo.variant<gang = 1, fixed = 1>]}
octo.kernel @p profiled on general code 0 : () -> !octo.data
  {variants = [#octo.variant<gang = 1, scale_q16 = 65536>]}
octo.kernel @concat join(concat) on vector code 0 : (tensor<0x4xf32>) -> tensor<?x4xf32>
  {variants = [#octo.variant<gang = 1, fixed = 1>]}
octo.kernel @row image on general code 64 : (tensor<4xf32>, index) -> tensor<1x4xf32>
  {variants = [#octo.variant<gang = 1, fixed = 1>]}
// BACK: octo.weight @seeded : tensor<4xf32> {scale = 1.250000e-01 : f64, seed = -1 : i64}
octo.weight @seeded : tensor<4xf32> {seed = -1 : i64, scale = 0.125 : f64}
// BACK: octo.weight @file : tensor<4xf32> {digest = "{{.*}}", file = "w.bin"}
octo.weight @file : tensor<4xf32> {file = "w.bin", digest =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
// BACK: octo.weight @none : tensor<0x4xf32> {value = dense<> : tensor<0x4xf32>}
octo.weight @none : tensor<0x4xf32> {value = dense<> : tensor<0x4xf32>}
// BACK: octo.weight @three : index {value = dense<3> : tensor<index>}
octo.weight @three : index {value = dense<3> : tensor<index>}
// BACK: octo.weight @bits : tensor<9xi1> {value = dense<[true, false, false, false, false, false, false, false, true]> : tensor<9xi1>}
octo.weight @bits : tensor<9xi1> {value = dense<[true, false, false, false, false, false, false, false, true]> : tensor<9xi1>}
// BACK: octo.weight @long : tensor<32xi32> {value = dense_resource<long> : tensor<32xi32>}
octo.weight @long : tensor<32xi32> {value = dense<7> : tensor<32xi32>}

// JSON: "image_cpu": "x86-64-v3"
// JSON: "name": "small"

// Blocks come in the order of their regions, those of a region in an order in
// which every value is made before it is used; links by number follow.
// BACK: octo.program @all on @small attributes {age_cycles = 2 : i64, arg_names = ["x"], epoch_cycles = 1 : i64, octo.request_path = #octo.request_path<cycles = 70, deviation = 9, tail = 98, percent = 9.995000e+01 : f64, samples = 4096>, policy_version = 3 : i32, result_names = ["y", ""]} {
// JSON: "request_path": {
// JSON-NEXT: "cycles": 70,
// JSON-NEXT: "deviation": 9,
// JSON-NEXT: "tail": 98,
// JSON-NEXT: "tail_per_million": 999500,
// JSON-NEXT: "samples": 4096
octo.program @all on @m attributes {arg_names = ["x"], result_names = ["y", ""],
    policy_version = 3 : i32, epoch_cycles = 1 : i64, age_cycles = 2 : i64,
    octo.request_path = #octo.request_path<cycles = 70, deviation = 9, tail = 98, percent = 99.95 : f64, samples = 4096>} {
  %body, %x = octo.entry : !octo.flow<tensor<4xf32>>
  %w = octo.use_weight @seeded : !octo.flow<tensor<4xf32>>
  %none = octo.use_weight @none : !octo.flow<tensor<0x4xf32>>
  %three = octo.use_weight @three : !octo.flow<index>
  octo.segment in %body interval 20 lanes 1
  // BACK: %[[A:.*]] = octo.tb "all/a" in %[[BODY:.*]] @k(%[[X:.*]]) place <[{cluster 0, tbu 0, pea 0 + 2, share 100}, {cluster 1, tbu 0, pea 0 + 1, share 0, standby}], by_copy> policy <static_time, static_frequency, "always", priority = 9, cycles = 10, p95 = 11, count_q16 = 65536, next = [1, 2]> slot <segment = 0, replica = 0, start = 0, cycles = 10>
  // BACK-SAME: decisions = [#octo.decision<home, [{cluster 0, tbu 0, gang 1, score -4, chosen}, {cluster 1, tbu 0, gang 1, score 4, worse}]>, #octo.decision<class, []>]
  // BACK-SAME: loc(#[[LOC:.*]])
  // BACK: %[[FAST:.*]] = octo.flow %[[A]] streamed 8 buffer 3 : <tensor<4xf32>>
  // BACK: %[[B:.*]] = octo.tb "all/b" in %[[BODY]] @k(%[[FAST]]) {{.*}} slot <segment = 0, replica = 0, start = 10, cycles = 5>
  %fast = octo.flow %a streamed 8 buffer 3 : !octo.flow<tensor<4xf32>>
  %b = octo.tb "all/b" in %body @k(%fast) place <[{cluster 0, tbu 1, pea 0 + 1, share 1}]>
      policy <dynamic_time, dynamic_frequency, "never", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      slot <segment = 0, replica = 0, start = 10, cycles = 5>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  %a = octo.tb "all/a" in %body @k(%same)
      place <[{cluster 0, tbu 0, pea 0 + 2, share 100}, {cluster 1, tbu 0, pea 0 + 1, standby}], by_copy>
      policy <static_time, static_frequency, "always", priority = 9, cycles = 10,
              p95 = 11, count_q16 = 65536, next = [0, 3]>
      slot <segment = 0, replica = 0, start = 0, cycles = 10>
      {decisions = [#octo.decision<home, [{cluster 0, tbu 0, gang 1, score -4, chosen},
                                          {cluster 1, tbu 0, gang 1, score 4, worse}]>,
                    #octo.decision<class, []>]}
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>> loc("flow.yaml":12:3)
  // A flow that travels as flows do by default leaves no trace.
  %same = octo.flow %x : !octo.flow<tensor<4xf32>>
  // A task of an inner scope between those of the body.
  // BACK: octo.switch "all/s" in %[[BODY]] decide @index(%[[B]]) captures(%[[X]]) scopes {{\[\[}}1], [0]] profile <[{frequencies = [1073741824, 3221225472]}, {from = 9, frequencies = [0, 4294967296]}]>
  // BACK: octo.fork "all/f" {{.*}} scopes {{\[\[}}index, 2]]
  // BACK: octo.loop "all/s/case0/l" {{.*}} {bound = 7 : i64}
  // BACK: octo.tb "all/f/each/row"
  // BACK: octo.tb "all/f/each/p" {{.*}} profile <[{draw = #octo.dist<#curve, mean_q16 = 3276800>}]> {{.*}} !octo.flow<!octo.data, 32, #octo.dist<#curve, mean_q16 = 3276800>>
  // BACK: octo.tb "all/s/case0/l/after/t"
  %n = octo.tb "all/s/case0/l/after/t" in %after @k(%la) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      : (!octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  %s, %c0, %x0, %c1, %x1 = octo.switch "all/s" in %body decide @index(%b)
      captures(%x) scopes [[1], [0]]
      profile <[{frequencies = [1073741824, 3221225472]}, {from = 9, frequencies = [0, 4294967296]}]>
      place <[{cluster 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      : (!octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>>, !octo.act, !octo.flow<tensor<4xf32>>)
  %y = octo.merge %s yields(%inner, %x1)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  %l, %before, %lb, %after, %la = octo.loop "all/s/case0/l" in %c0 decide @more
      inits(%x0) next(%n) scopes [[0], [forward 0]] place <[{cluster 0}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      {bound = 7 : i64}
      : (!octo.act, !octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<tensor<4xf32>>, !octo.act, !octo.flow<tensor<4xf32>>)
  %inner = octo.decide %l(%lb) forwards(%lb)
      : (!octo.flow<tensor<4xf32>>, !octo.flow<tensor<4xf32>>) -> !octo.flow<tensor<4xf32>>
  %f, %each, %fi:2 = octo.fork "all/f" in %body count(%three) inits(%none)
      captures(%w) scopes [[index, 2]] place <[{cluster 0}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      : (!octo.act, !octo.flow<index>, !octo.flow<tensor<0x4xf32>>, !octo.flow<tensor<4xf32>>)
      -> (!octo.block, !octo.act, !octo.flow<index>, !octo.flow<tensor<4xf32>>)
  %r = octo.tb "all/f/each/row" in %each @row(%fi#1, %fi#0) place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      : (!octo.flow<tensor<4xf32>>, !octo.flow<index>) -> !octo.flow<tensor<1x4xf32>>
  %d = octo.tb "all/f/each/p" in %each @p()
      profile <[{draw = #octo.dist<#octo.curve<[0: 0, 9223372036854775808: 100]>, mean_q16 = 3276800>}]>
      place <[{cluster 0, tbu 0, pea 0 + 1, share 1}]>
      policy <static_time, static_frequency, "", priority = 1, cycles = 2, p95 = 3, count_q16 = 4>
      : () -> !octo.flow<!octo.data, 32, #octo.dist<#octo.curve<[0: 0, 9223372036854775808: 100]>, mean_q16 = 3276800>>
  %z = octo.join %f by @concat yields(%r)
      : (!octo.flow<tensor<1x4xf32>>) -> !octo.flow<tensor<?x4xf32>, 48>
  octo.exit in %body (%y, %z) : !octo.flow<tensor<4xf32>>, !octo.flow<tensor<?x4xf32>, 48>
}

// Several workflows share a file.
// BACK: octo.program @empty on @small {
octo.program @empty on @m {
  %body = octo.entry
  octo.exit in %body
}
// BACK: #[[LOC]] = loc("flow.yaml":12:3)
