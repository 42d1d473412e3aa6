// Every operation, in every form, through text and bytecode.
// RUN: octo-opt %s --verify-roundtrip | FileCheck %s
// RUN: octo-opt %s --emit-bytecode | octo-opt | FileCheck %s

// CHECK: owg.weight private @given : tensor<2xf32> = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
owg.weight private @given : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK: owg.weight @file : tensor<4xi8> from "w.bin" at 16 sha256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
owg.weight @file : tensor<4xi8> from "w.bin" at 16 sha256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
// CHECK: owg.weight @seeded : tensor<2x3xbf16> seed -5 scale 2.500000e-01 attributes {kept}
owg.weight @seeded : tensor<2x3xbf16> seed -5 scale 0.25 attributes {kept}

func.func private @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = arith.addf %x, %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: owg.workflow private @inner(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32> {owg.name = "x"}) -> (tensor<?xf32> {owg.name = "y"}) attributes {version = 1 : i64} {
owg.workflow private @inner(%x: tensor<?xf32> {owg.name = "x"}) -> (tensor<?xf32> {owg.name = "y"}) attributes {version = 1} {
  // CHECK: %[[T:.*]] = owg.task "t"(%[[A:.*]] = %[[X]] : tensor<?xf32>) -> tensor<?xf32> path "p/t" profile #owg.profile<cycles = const<5>> pin #owg.pin<cluster = 1, tbu = 0, gang = 2> source #owg.source<"a.yaml" : 3 : 1, "node"> attributes {note = "n"} {
  // CHECK-NEXT: %[[S:.*]] = math.sqrt %[[A]]
  // CHECK-NEXT: owg.yield %[[S]] : tensor<?xf32>
  // CHECK-NEXT: }
  %t = owg.task "t"(%a = %x : tensor<?xf32>) -> tensor<?xf32> pin #owg.pin<gang = 2, cluster = 1, tbu = 0> source #owg.source<"a.yaml":3:1, "node"> profile #owg.profile<cycles = const<5>> path "p/t" attributes {note = "n"} {
    %0 = math.sqrt %a : tensor<?xf32>
    owg.yield %0 : tensor<?xf32>
  }
  // CHECK: owg.task "u"(%[[T]] : tensor<?xf32>) -> tensor<?xf32> calls @twice
  %u = owg.task "u"(%t : tensor<?xf32>) -> tensor<?xf32> calls @twice
  // CHECK: owg.task "nothing in, nothing out"() {
  owg.task "nothing in, nothing out"() {
    owg.yield
  }
  owg.return %u : tensor<?xf32>
}

// CHECK-LABEL: owg.workflow @control(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[I:.*]]: index, %[[C:.*]]: i1)
owg.workflow @control(%x: tensor<?xf32>, %i: index, %c: i1) -> (tensor<?xf32>, f32, i32) {
  // CHECK: owg.call "call" @inner(%[[X]] : tensor<?xf32>) -> tensor<?xf32> path "control/call" attributes {kept}
  %y = owg.call "call" @inner(%x : tensor<?xf32>) -> tensor<?xf32> path "control/call" attributes {kept}
  // CHECK: owg.get_weight @given : tensor<2xf32>
  %w = owg.get_weight @given : tensor<2xf32>
  // CHECK: owg.branch "index"(%[[D:.*]] = %[[I]] : index) -> tensor<?xf32>
  // CHECK-NEXT: decide {
  // CHECK-NEXT: owg.decide %[[D]] : index
  // CHECK-NEXT: } case {
  // CHECK: } case {
  // CHECK: } default {
  %b = owg.branch "index"(%d = %i : index) -> tensor<?xf32> decide {
    owg.decide %d : index
  } case {
    owg.yield %x : tensor<?xf32>
  } case {
    owg.yield %y : tensor<?xf32>
  } default {
    owg.yield %y : tensor<?xf32>
  }
  // CHECK: owg.branch "bit"(%[[D:.*]] = %[[C]] : i1)
  // CHECK-NEXT: decide {
  owg.branch "bit"(%d = %c : i1) decide {
    owg.decide %d : i1
  } case {
    owg.yield
  } default {
    owg.yield
  }
  // CHECK: owg.branch "only default"()
  // CHECK: owg.decide %{{.*}} : index
  // CHECK-NEXT: } default {
  owg.branch "only default"() decide {
    %0 = arith.constant 7 : index
    owg.decide %0 : index
  } default {
    owg.yield
  }
  %f = arith.constant 0.0 : f32
  %n = arith.constant 0 : i32
  // CHECK: owg.select "select"(%{{.*}} = %[[X]] : tensor<?xf32>) init(max %{{.*}} : f32, min %{{.*}} : i32) -> (f32, i32)
  // CHECK-NEXT: decide {
  // CHECK: owg.decide %{{.*}} : tensor<2xi1>
  // CHECK-NEXT: } member {
  // CHECK: } member {
  %s:2 = owg.select "select"(%v = %x : tensor<?xf32>) init(max %f : f32, min %n : i32) -> (f32, i32) decide {
    %0 = arith.constant dense<[true, false]> : tensor<2xi1>
    owg.decide %0 : tensor<2xi1>
  } member {
    owg.yield %f, %n : f32, i32
  } member {
    owg.yield %f, %n : f32, i32
  }
  // CHECK: owg.loop "loop"(%[[L:.*]] = %[[I]] : index) -> i1 bound 3
  // CHECK-NEXT: before {
  // CHECK: owg.decide %[[M:.*]] : i1 forward(%[[M]] : i1)
  // CHECK-NEXT: } after (%{{.*}} : i1) {
  // CHECK: owg.yield %[[I]] : index
  %l = owg.loop "loop"(%v = %i : index) -> i1 bound 3 before {
    %0 = arith.constant 2 : index
    %1 = arith.cmpi ult, %v, %0 : index
    owg.decide %1 : i1 forward(%1 : i1)
  } after (%m: i1) {
    owg.yield %i : index
  }
  // CHECK: owg.loop "empty"()
  // CHECK: owg.decide %{{.*}} : i1{{$}}
  // CHECK-NEXT: } after {
  owg.loop "empty"() before {
    %0 = arith.constant false
    owg.decide %0 : i1
  } after {
    owg.yield
  }
  // CHECK: owg.fanout "fan"(%[[V:.*]] = %[[X]] : tensor<?xf32>) count %[[I]] init(concat %[[X]] : tensor<?xf32>, add %{{.*}} : f32) -> (tensor<?xf32>, f32)
  // CHECK-NEXT: each (%{{.*}}) {
  // CHECK: owg.yield %[[V]], %{{.*}} : tensor<?xf32>, f32
  %r:2 = owg.fanout "fan"(%v = %x : tensor<?xf32>) count %i init(concat %x : tensor<?xf32>, add %f : f32) -> (tensor<?xf32>, f32) each (%j) {
    owg.yield %v, %f : tensor<?xf32>, f32
  }
  // CHECK: owg.fanout "no inputs"() count %[[I]]
  // CHECK-NEXT: each (%{{.*}}) {
  owg.fanout "no inputs"() count %i each (%j) {
    owg.yield
  }
  owg.return %b, %s#0, %s#1 : tensor<?xf32>, f32, i32
}

// CHECK-LABEL: owg.workflow @profiled(
owg.workflow @profiled(%q: !owg.data<100>) -> (!owg.data<?>, !owg.token) {
  // CHECK: %[[N:.*]] = owg.nothing : !owg.data<0>
  %none = owg.nothing : !owg.data<0>
  // CHECK: %[[K:.*]] = owg.nothing : !owg.token
  %start = owg.nothing : !owg.token
  // CHECK: %[[T:.*]]:2 = owg.task "t"(%{{.*}} : !owg.data<100>, %[[K]] : !owg.token) -> (!owg.data<?>, !owg.token) profile #owg.profile<work = {mac = const<10>}, out_bytes = [uniform<1, 9>, const<0>]>
  %t:2 = owg.task "t"(%q : !owg.data<100>, %start : !owg.token) -> (!owg.data<?>, !owg.token)
    profile #owg.profile<work = {mac = const<10>}, out_bytes = [uniform<1, 9>, const<0>]>
  // CHECK: %[[B:.*]] = owg.branch "b"(%[[T]]#0 : !owg.data<?>) -> !owg.data<?> profile #owg.profile<frequencies = [0.25, 0.75]>
  // CHECK-NEXT: case {
  // CHECK: } default {
  %b = owg.branch "b"(%t#0 : !owg.data<?>) -> !owg.data<?> profile #owg.profile<frequencies = [0.25, 0.75]> case {
    owg.yield %t#0 : !owg.data<?>
  } default {
    owg.yield %t#0 : !owg.data<?>
  }
  // CHECK: owg.branch "d"() profile #owg.profile<frequencies = [1]>
  // CHECK-NEXT: default {
  owg.branch "d"() profile #owg.profile<frequencies = [1]> default {
    owg.yield
  }
  // CHECK: owg.select "s"(%[[B]] : !owg.data<?>) init(concat %[[N]] : !owg.data<0>, concat %[[K]] : !owg.token) -> (!owg.data<?>, !owg.token) profile #owg.profile<frequencies = [0.5]>
  // CHECK-NEXT: member {
  %s:2 = owg.select "s"(%b : !owg.data<?>) init(concat %none : !owg.data<0>, concat %start : !owg.token) -> (!owg.data<?>, !owg.token)
      profile #owg.profile<frequencies = [0.5]> member {
    owg.yield %b, %start : !owg.data<?>, !owg.token
  }
  // CHECK: owg.loop "l"(%[[V:.*]] = %[[B]] : !owg.data<?>) -> !owg.data<?> bound 9 profile #owg.profile<trips = geometric<0.5>>
  // CHECK-NEXT: after {
  // CHECK: owg.yield %[[V]] : !owg.data<?>
  %l = owg.loop "l"(%v = %b : !owg.data<?>) -> !owg.data<?> bound 9 profile #owg.profile<trips = geometric<0.5>> after {
    owg.yield %v : !owg.data<?>
  }
  // CHECK: owg.fanout "f"(%{{.*}} = %{{.*}} : !owg.data<?>) init(max %[[B]] : !owg.data<?>) -> !owg.data<?> profile #owg.profile<count = const<3>>
  // CHECK-NEXT: each (
  %f = owg.fanout "f"(%v = %l : !owg.data<?>) init(max %b : !owg.data<?>) -> !owg.data<?> profile #owg.profile<count = const<3>> each (%i) {
    owg.yield %v : !owg.data<?>
  }
  owg.return %f, %t#1 : !owg.data<?>, !owg.token
}
