// RUN: octo-opt %s --convert-owg-to-scf --verify-roundtrip | FileCheck %s
// Nothing of our own is left: the stock tool reads it.
// RUN: octo-opt %s --convert-owg-to-scf | mlir-opt -o /dev/null

// CHECK: func.func private @owg.philox(%{{.*}}: i64, %{{.*}}: i32, %{{.*}}: i32) -> i32
// CHECK-LABEL: func.func private @given() -> tensor<2xf32>
// CHECK-NEXT: %[[V:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: return %[[V]]
owg.weight @given : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>

// CHECK-LABEL: func.func private @seeded() -> tensor<2x3xbf16>
// CHECK-DAG: %[[K0:.*]] = arith.constant 5 : i32
// CHECK-DAG: %[[K1:.*]] = arith.constant 1 : i32
// CHECK: tensor.generate
// CHECK: %[[U:.*]] = func.call @owg.philox(%{{.*}}, %[[K0]], %[[K1]])
// CHECK: arith.shrui %[[U]]
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to bf16
owg.weight @seeded : tensor<2x3xbf16> seed 0x100000005 scale 0.5

func.func private @body(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// CHECK-LABEL: func.func private @tasks(
// CHECK-SAME: %[[X:.*]]: f32) -> f32 {
// CHECK-NEXT: %[[W:.*]] = call @given() : () -> tensor<2xf32>
// CHECK-NEXT: %[[A:.*]] = arith.addf %[[X]], %[[X]]
// CHECK-NEXT: %[[B:.*]] = call @body(%[[A]]) : (f32) -> f32
// CHECK-NEXT: return %[[B]]
owg.workflow private @tasks(%x: f32 {owg.name = "x"}) -> (f32 {owg.name = "y"}) {
  %w = owg.get_weight @given : tensor<2xf32>
  %0 = owg.task "inline"(%a = %x : f32) -> f32 {
    %1 = arith.addf %a, %a : f32
    owg.yield %1 : f32
  }
  %1 = owg.task "outlined"(%0 : f32) -> f32 calls @body
  owg.return %1 : f32
}

// CHECK-LABEL: func.func @branches(
// CHECK-SAME: %[[X:.*]]: f32, %[[I:.*]]: index, %[[C:.*]]: i1)
owg.workflow @branches(%x: f32, %i: index, %c: i1) -> (f32, f32) {
  // CHECK: %[[A:.*]] = scf.index_switch %[[I]] -> f32
  // CHECK-NEXT: case 0 {
  // CHECK-NEXT: %[[T:.*]] = func.call @tasks(%[[X]]) : (f32) -> f32
  // CHECK-NEXT: scf.yield %[[T]]
  // CHECK: case 1 {
  // CHECK: default {
  %a = owg.branch "index"(%d = %i : index) -> f32 decide {
    owg.decide %d : index
  } case {
    %0 = owg.call "call" @tasks(%x : f32) -> f32
    owg.yield %0 : f32
  } case {
    owg.yield %x : f32
  } default {
    owg.yield %x : f32
  }
  // true is case 0, false the default.
  // CHECK: %[[S:.*]] = arith.select %[[C]], %c0{{.*}}, %c1{{.*}} : index
  // CHECK: %[[B:.*]] = scf.index_switch %[[S]] -> f32
  // CHECK-NEXT: case 0 {
  // CHECK-NEXT: scf.yield %[[A]]
  // CHECK: default {
  // CHECK-NEXT: scf.yield %[[X]]
  %b = owg.branch "bit"(%d = %c : i1) -> f32 decide {
    owg.decide %d : i1
  } case {
    owg.yield %a : f32
  } default {
    owg.yield %x : f32
  }
  // CHECK: return %[[A]], %[[B]]
  owg.return %a, %b : f32, f32
}

// CHECK-LABEL: func.func @select(
// CHECK-SAME: %[[M:.*]]: tensor<2xi1>, %[[X:.*]]: tensor<?x4xi32>)
owg.workflow @select(%m: tensor<2xi1>, %x: tensor<?x4xi32>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // CHECK: %[[B0:.*]] = tensor.extract %[[M]][%c0
  // CHECK: %[[R0:.*]]:2 = scf.if %[[B0]] -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  // Sizes that may differ are checked.
  // CHECK: cf.assert %{{.*}}, "combined values differ in dimension 0"
  // CHECK: %[[MAX:.*]] = arith.maxsi %[[X]], %[[X]] : tensor<?x4xi32>
  // CHECK: tensor.empty(%{{.*}}) : tensor<?x4xi32>
  // CHECK: tensor.insert_slice %[[X]] into %{{.*}}[0, 0]
  // CHECK: %[[CAT:.*]] = tensor.insert_slice %[[X]] into
  // CHECK: scf.yield %[[MAX]], %[[CAT]]
  // CHECK: } else {
  // CHECK: scf.yield %[[X]], %[[X]]
  // CHECK: %[[B1:.*]] = tensor.extract %[[M]][%c1
  // CHECK: %[[R1:.*]]:2 = scf.if %[[B1]]
  // CHECK: arith.maxsi %[[R0]]#0, %[[X]]
  // CHECK: } else {
  // CHECK: scf.yield %[[R0]]#0, %[[R0]]#1
  // CHECK: return %[[R1]]#0, %[[R1]]#1
  %r:2 = owg.select "s"(%k = %m : tensor<2xi1>) init(max %x : tensor<?x4xi32>, concat %x : tensor<?x4xi32>) -> (tensor<?x4xi32>, tensor<?x4xi32>) decide {
    owg.decide %k : tensor<2xi1>
  } member {
    owg.yield %x, %x : tensor<?x4xi32>, tensor<?x4xi32>
  } member {
    owg.yield %x, %x : tensor<?x4xi32>, tensor<?x4xi32>
  }
  owg.return %r#0, %r#1 : tensor<?x4xi32>, tensor<?x4xi32>
}

// CHECK-LABEL: func.func @loops(
// CHECK-SAME: %[[X:.*]]: f32, %[[I:.*]]: index)
owg.workflow @loops(%x: f32, %i: index) -> (i1, f32) {
  // CHECK: %[[L:.*]] = scf.while (%[[V:.*]] = %[[X]]) : (f32) -> i1 {
  // CHECK: %[[D:.*]] = arith.cmpf ogt, %[[V]]
  // CHECK: scf.condition(%[[D]]) %[[D]] : i1
  // CHECK: ^bb0(%[[W:.*]]: i1):
  // CHECK: scf.yield %[[X]] : f32
  %l = owg.loop "free"(%v = %x : f32) -> i1 before {
    %one = arith.constant 1.0 : f32
    %0 = arith.cmpf ogt, %v, %one : f32
    owg.decide %0 : i1 forward(%0 : i1)
  } after (%w: i1) {
    owg.yield %x : f32
  }
  // CHECK: %[[B:.*]]:2 = scf.while (%[[V:.*]] = %[[X]], %[[N:.*]] = %{{.*}}) : (f32, i64) -> (f32, i64) {
  // CHECK: %[[LEFT:.*]] = arith.cmpi slt, %[[N]], %c5_i64
  // CHECK: cf.assert %{{.*}}, "loop 'bounded' exceeds its bound of 5 iterations"
  // CHECK: scf.condition(%{{.*}}) %[[V]], %[[N]] : f32, i64
  // CHECK: ^bb0(%{{.*}}: f32, %[[P:.*]]: i64):
  // CHECK: %[[Q:.*]] = arith.addi %[[P]], %c1_i64
  // CHECK: scf.yield %{{.*}}, %[[Q]] : f32, i64
  %b = owg.loop "bounded"(%v = %x : f32) -> f32 bound 5 before {
    %one = arith.constant 1.0 : f32
    %0 = arith.cmpf ogt, %v, %one : f32
    owg.decide %0 : i1 forward(%v : f32)
  } after (%w: f32) {
    owg.yield %w : f32
  }
  // CHECK: return %[[L]], %[[B]]#0
  owg.return %l, %b : i1, f32
}

// CHECK-LABEL: func.func @fanouts(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<2xf32>, %[[N:.*]]: index)
owg.workflow @fanouts(%x: tensor<?xf32>, %y: tensor<2xf32>, %n: index) -> (tensor<?xf32>, index, tensor<?xf32>) {
  // The same number of rows each: the result is made first.
  // CHECK: %[[COUNT:.*]] = arith.maxsi %[[N]], %c0
  // CHECK: %[[START:.*]] = tensor.dim %[[X]]
  // CHECK: arith.muli %[[COUNT]], %c2
  // CHECK: %[[WHOLE:.*]] = tensor.insert_slice %[[X]] into %{{.*}}[0]
  // CHECK: %[[F:.*]]:2 = scf.for %[[I:.*]] = %{{.*}} to %[[COUNT]] step %{{.*}} iter_args(%[[P:.*]] = %[[WHOLE]], %[[Q:.*]] = %[[N]]) -> (tensor<?xf32>, index) {
  // CHECK: %[[SUM:.*]] = arith.addi %[[Q]], %[[I]]
  // CHECK: scf.yield %{{.*}}, %[[SUM]]
  %f:2 = owg.fanout "fixed"(%v = %y : tensor<2xf32>) count %n init(concat %x : tensor<?xf32>, add %n : index) -> (tensor<?xf32>, index) each (%i) {
    owg.yield %v, %i : tensor<2xf32>, index
  }
  // Any number of rows each: a while, whose tensor grows.
  // CHECK: %[[G:.*]]:2 = scf.while (%{{.*}} = %{{.*}}, %[[A:.*]] = %[[X]]) : (index, tensor<?xf32>) -> (index, tensor<?xf32>)
  %g = owg.fanout "growing"() count %n init(concat %x : tensor<?xf32>) -> tensor<?xf32> each (%i) {
    owg.yield %x : tensor<?xf32>
  }
  // CHECK: scf.for
  owg.fanout "nothing"() count %n each (%i) {
    owg.yield
  }
  // CHECK: return %[[F]]#0, %[[F]]#1, %[[G]]#1
  owg.return %f#0, %f#1, %g : tensor<?xf32>, index, tensor<?xf32>
}
