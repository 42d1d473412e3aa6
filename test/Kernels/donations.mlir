// RUN: octo-compile %s --target %targets/edge.yaml --kernel-opt=0 \
// RUN:   --until=octo-lower-kernels -o %t.mlir
// RUN: sed 's/object dense<.*//' %t.mlir | FileCheck %s
// RUN: octo-compile %s --target %targets/edge.yaml -o %t.octo
// RUN: %python %S/Inputs/values.py donations %t.octo %t.run | FileCheck %s --check-prefix=VALUES

// A task may overwrite an input when it is the last to read it: not what the
// caller passes in (the arguments), not a weight, not what somebody else reads
// too, not what a decision reads; and only where its code would do so.

// CHECK-DAG: octo.kernel @k.w.first {{.*}} : (tensor<64xf32>, i64) -> tensor<64xf32> {octo.rows
// CHECK-DAG: octo.kernel @k.w.update {{.*}} : (tensor<64xf32>, i64) -> tensor<64xf32> {donated = array<i32: 0>
// CHECK-DAG: octo.kernel @k.w.read {{.*}} : (tensor<64xf32>) -> f32 {octo.rows
// CHECK-DAG: octo.kernel @k.w.mix {{.*}} : (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {donated = array<i32: 2>
// CHECK-DAG: octo.kernel @k.w.inner {{.*}} : (tensor<64xf32>) -> tensor<64xf32> {donated = array<i32: 0>
// CHECK-DAG: octo.kernel @k.w.last {{.*}} : (tensor<64xf32>) -> tensor<64xf32> {octo.rows

// VALUES: 6 requests match

owg.weight @start : tensor<64xf32> seed 1 scale 1.0

owg.workflow @w(%x: tensor<64xf32> {owg.name = "x"}, %n: i64 {owg.name = "n"})
    -> (tensor<64xf32> {owg.name = "o"}, tensor<64xf32> {owg.name = "z"},
        f32 {owg.name = "s"}) {
  %w = owg.get_weight @start : tensor<64xf32>
  %a = owg.task "first"(%v = %x : tensor<64xf32>, %i = %n : i64)
      -> tensor<64xf32> {
    %k = arith.index_cast %i : i64 to index
    %one = arith.constant 1.0 : f32
    %0 = tensor.insert %one into %v[%k] : tensor<64xf32>
    owg.yield %0 : tensor<64xf32>
  }
  // What is carried is new in every iteration.
  %r, %m = owg.loop "again"(%tc = %a : tensor<64xf32>, %cc = %n : i64)
      -> (tensor<64xf32>, i64) bound 1000
  before {
    %zero = arith.constant 0 : i64
    %go = arith.cmpi sgt, %cc, %zero : i64
    owg.decide %go : i1 forward(%tc, %cc : tensor<64xf32>, i64)
  } after (%ta : tensor<64xf32>, %ca : i64) {
    %u = owg.task "update"(%v = %ta : tensor<64xf32>, %i = %ca : i64)
        -> tensor<64xf32> {
      %k = arith.index_cast %i : i64 to index
      %two = arith.constant 2.0 : f32
      %0 = tensor.insert %two into %v[%k] : tensor<64xf32>
      owg.yield %0 : tensor<64xf32>
    }
    %one = arith.constant 1 : i64
    %d = arith.subi %ca, %one : i64
    owg.yield %u, %d : tensor<64xf32>, i64
  }
  // Two readers, neither is known to be the last.
  %s = owg.task "read"(%v = %r : tensor<64xf32>) -> f32 {
    %c0 = arith.constant 0 : index
    %0 = tensor.extract %v[%c0] : tensor<64xf32>
    owg.yield %0 : f32
  }
  %b = owg.task "copy"(%v = %x : tensor<64xf32>) -> tensor<64xf32> {
    %0 = arith.addf %v, %v : tensor<64xf32>
    owg.yield %0 : tensor<64xf32>
  }
  %p, %q, %z = owg.task "mix"(%v = %r : tensor<64xf32>, %y = %w : tensor<64xf32>,
      %u = %b : tensor<64xf32>)
      -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %0 = tensor.insert %one into %v[%c0] : tensor<64xf32>
    %1 = tensor.insert %one into %y[%c0] : tensor<64xf32>
    %2 = tensor.insert %one into %u[%c0] : tensor<64xf32>
    owg.yield %0, %1, %2 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
  }
  // One case runs; the value that it captures is of no use to others. What the
  // decision reads might be.
  %o = owg.branch "which"(%d = %p : tensor<64xf32>) -> tensor<64xf32>
  decide {
    %c0 = arith.constant 0 : index
    %e = tensor.extract %d[%c0] : tensor<64xf32>
    %g = arith.cmpf ogt, %e, %s : f32
    owg.decide %g : i1
  } case {
    %i = owg.task "inner"(%v = %q : tensor<64xf32>) -> tensor<64xf32> {
      %c1 = arith.constant 1 : index
      %one = arith.constant 1.0 : f32
      %0 = tensor.insert %one into %v[%c1] : tensor<64xf32>
      owg.yield %0 : tensor<64xf32>
    }
    owg.yield %i : tensor<64xf32>
  } default {
    %i = owg.task "last"(%v = %p : tensor<64xf32>) -> tensor<64xf32> {
      %c1 = arith.constant 2 : index
      %one = arith.constant 1.0 : f32
      %0 = tensor.insert %one into %v[%c1] : tensor<64xf32>
      owg.yield %0 : tensor<64xf32>
    }
    owg.yield %i : tensor<64xf32>
  }
  owg.return %o, %z, %s : tensor<64xf32>, tensor<64xf32>, f32
}
