// Work as polynomials, one form of operation after the other.
// RUN: octo-opt %s --owg-estimate-cost | FileCheck %s
// RUN: octo-opt %s --owg-estimate-cost=default-trips=100 | FileCheck %s --check-prefix=TRIPS
// RUN: octo-opt %s --owg-estimate-cost | octo-opt | FileCheck %s
// RUN: octo-opt %s --owg-estimate-cost --emit-bytecode | octo-opt | FileCheck %s

// A product with a run-time dimension: 32 x 16 multiply-accumulates a row, the
// fill of the result, and inputs and results once over the scratchpad port.
// CHECK-LABEL: @product
// CHECK-SAME: #owg.cost<on matrix, code {{[0-9]+}}, terms = [<mac, 512, [dim(0, 0)]>, <vector, 16, [dim(0, 0)]>, <bytes, 2048>, <bytes, 192, [dim(0, 0)]>]>
func.func private @product(%a: tensor<?x32xf32>, %b: tensor<32x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %n = tensor.dim %a, %c0 : tensor<?x32xf32>
  %e = tensor.empty(%n) : tensor<?x16xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %r = linalg.matmul ins(%a, %b : tensor<?x32xf32>, tensor<32x16xf32>)
                     outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// Known shapes are kept for the fold formula; a loop of 3 does three of them.
// CHECK-LABEL: @known
// CHECK-SAME: matmuls = {{\[}}[8, 16, 32, 3]]
// CHECK-SAME: <mac, 12288>
func.func private @known(%a: tensor<8x32xf32>, %b: tensor<32x16xf32>, %c: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%t = %c) -> tensor<8x16xf32> {
    %s = linalg.matmul ins(%a, %b : tensor<8x32xf32>, tensor<32x16xf32>)
                       outs(%t : tensor<8x16xf32>) -> tensor<8x16xf32>
    scf.yield %s : tensor<8x16xf32>
  }
  return %r : tensor<8x16xf32>
}

// Loops that data stops are counted; a loop inside that runs a known number of
// times multiplies the count. `before` runs once more than `after`.
// CHECK-LABEL: @until
// CHECK-SAME: counters = [8]
// CHECK-SAME: <vector, 80, [counter(0)]>, <special, 80, [counter(0)]>, <scalar, 2>, <scalar, 3, [counter(0)]>
// TRIPS-LABEL: @until
// TRIPS-SAME: counters = [100]
func.func private @until(%a: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  %eps = arith.constant 0.5 : f32
  %r = scf.while (%x = %a) : (tensor<8xf32>) -> tensor<8xf32> {
    %v = tensor.extract %x[%c0] : tensor<8xf32>
    %c = arith.cmpf ogt, %v, %eps : f32
    scf.condition(%c) %x : tensor<8xf32>
  } do {
  ^bb0(%x: tensor<8xf32>):
    %y = scf.for %i = %c0 to %c10 step %c1 iter_args(%t = %x) -> tensor<8xf32> {
      %s = math.exp %t : tensor<8xf32>
      %u = arith.addf %s, %t : tensor<8xf32>
      scf.yield %u : tensor<8xf32>
    }
    scf.yield %y : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// Counters are numbered in pre-order: the outer loop 0, the inner loop 1, the
// loop after them 2. Only the innermost body is in a term of its own counter.
// CHECK-LABEL: @nested
// CHECK-SAME: counters = [8, 64, 8]
// CHECK-SAME: <special, 1, [counter(1)]>
// CHECK-SAME: <scalar, 1, [counter(2)]>
func.func private @nested(%n: index, %m: index, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> f32 {
    %q = scf.for %j = %c0 to %i step %c1 iter_args(%t = %s) -> f32 {
      %e = math.exp %t : f32
      scf.yield %e : f32
    }
    scf.yield %q : f32
  }
  %w = scf.for %i = %c0 to %m step %c1 iter_args(%s = %r) -> f32 {
    %e = arith.addf %s, %s : f32
    scf.yield %e : f32
  }
  return %w : f32
}

// Of two arms the dearer counts; a call counts as what it calls.
// CHECK-LABEL: @arms
// CHECK-SAME: terms = [<special, 3>, <scalar, 1>, <bytes, 9>]
func.func private @arms(%c: i1, %x: f32) -> f32 {
  %r = scf.if %c -> f32 {
    %0 = func.call @three(%x) : (f32) -> f32
    scf.yield %0 : f32
  } else {
    %0 = math.exp %x : f32
    scf.yield %0 : f32
  }
  return %r : f32
}
func.func private @three(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  %1 = math.sqrt %0 : f32
  %2 = math.tanh %1 : f32
  return %2 : f32
}

// Convolutions are products by im2col: m the pixels, n the channels, k the window.
// CHECK-LABEL: @conv
// CHECK-SAME: on matrix
// CHECK-SAME: matmuls = {{\[}}[36, 4, 18, 1]]
// CHECK-SAME: <mac, 2592>
func.func private @conv(%x: tensor<1x8x8x2xf32>, %w: tensor<3x3x2x4xf32>, %o: tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32> {
  %r = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>)
                                outs(%o : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  return %r : tensor<1x6x6x4xf32>
}

// CHECK-LABEL: owg.workflow @w
owg.workflow @w(%a: tensor<?x32xf32>, %b: tensor<32x16xf32>, %k: tensor<8x32xf32>,
                %z: tensor<8x16xf32>, %v: tensor<8xf32>, %n: index, %m: index, %s: f32, %c: i1,
                %x: tensor<1x8x8x2xf32>, %f: tensor<3x3x2x4xf32>, %o: tensor<1x6x6x4xf32>)
    -> (tensor<?x16xf32>, tensor<8x16xf32>, tensor<8xf32>, f32, f32, tensor<1x6x6x4xf32>, f32) {
  %0 = owg.task "product"(%a : tensor<?x32xf32>, %b : tensor<32x16xf32>) -> tensor<?x16xf32> calls @product
  %1 = owg.task "known"(%k : tensor<8x32xf32>, %b : tensor<32x16xf32>, %z : tensor<8x16xf32>) -> tensor<8x16xf32> calls @known
  %2 = owg.task "until"(%v : tensor<8xf32>) -> tensor<8xf32> calls @until
  %3 = owg.task "nested"(%n : index, %m : index, %s : f32) -> f32 calls @nested
  %4 = owg.task "arms"(%c : i1, %s : f32) -> f32 calls @arms
  %5 = owg.task "conv"(%x : tensor<1x8x8x2xf32>, %f : tensor<3x3x2x4xf32>, %o : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32> calls @conv
  // An inline body carries its own, a decision too.
  // CHECK: owg.branch{{.*}}owg.decide_cost = #owg.cost<on general
  // CHECK: owg.task "inline"{{.*}}owg.cost = #owg.cost<on general
  %6 = owg.branch "b"(%i = %s : f32) -> f32
  decide {
    %zero = arith.constant 0.0 : f32
    %neg = arith.cmpf olt, %i, %zero : f32
    owg.decide %neg : i1
  } case {
    %t = owg.task "inline"(%u = %s : f32) -> f32 {
      %e = arith.addf %u, %u : f32
      owg.yield %e : f32
    }
    owg.yield %t : f32
  } default {
    owg.yield %s : f32
  }
  owg.return %0, %1, %2, %3, %4, %5, %6 : tensor<?x16xf32>, tensor<8x16xf32>, tensor<8xf32>, f32, f32, tensor<1x6x6x4xf32>, f32
}
