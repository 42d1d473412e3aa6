// Work phase by phase, one form of operation after the other.
// RUN: octo-opt %s --owg-estimate-cost | FileCheck %s
// RUN: octo-opt %s --owg-estimate-cost=default-trips=100 | FileCheck %s --check-prefix=TRIPS
// RUN: octo-opt %s --owg-estimate-cost | octo-opt | FileCheck %s
// RUN: octo-opt %s --owg-estimate-cost --emit-bytecode | octo-opt | FileCheck %s

// A product with a run-time dimension: 32 x 16 multiply-accumulates a row, the
// fill of the result, and inputs and results once over the scratchpad port.
// CHECK-LABEL: @product
// CHECK-SAME: #owg.cost<on matrix, code {{[0-9]+}}, phases = [<move "linalg.fill" {m = 16 * dim(0, 0), vector = 16 * dim(0, 0), result = 64 * dim(0, 0), live = 2048 + 192 * dim(0, 0), held = 64 * dim(0, 0)}>,
// CHECK-SAME: <matrix "linalg.matmul" {m = dim(0, 0), n = 16, k = 32, mac = 512 * dim(0, 0), load = 2048 + 128 * dim(0, 0), store = 64 * dim(0, 0), left = 128 * dim(0, 0), right = 2048, result = 64 * dim(0, 0), live = 2048 + 192 * dim(0, 0), held = 64 * dim(0, 0)}>]>
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

// Shapes are kept for the fold formulas; a loop of 3 does three products. What
// the loop begins with is loaded when it is entered, the factors in the product.
// CHECK-LABEL: @known
// CHECK-SAME: <scalar "scalar" {scalar = 1, load = 512,
// CHECK-SAME: <matrix "linalg.matmul" {times = 3, m = 8, n = 16, k = 32, mac = 12288, load = 3072, store = 512,
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
// times multiplies the count. `before` runs once more than `after`; entering the
// loop counts one.
// CHECK-LABEL: @until
// CHECK-SAME: counters = [8]
// CHECK-SAME: <scalar "scalar" {scalar = 3 + 3 * counter(0),
// CHECK-SAME: <special "math.exp" {times = 10 * counter(0), m = 8, special = 80 * counter(0),
// CHECK-SAME: <vector "arith.addf" {times = 10 * counter(0), m = 8, vector = 80 * counter(0),
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
// CHECK-SAME: <scalar "scalar" {special = counter(1), scalar = 2 + counter(0) + counter(2),
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
// CHECK-SAME: phases = [<scalar "scalar" {scalar = 1, load = 1}>, <scalar "scalar" {special = 3, load = 4, store = 4}>]
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
// CHECK-SAME: <matrix "linalg.conv_2d_nhwc_hwcf" {m = 36, n = 4, k = 18, mac = 2592,
func.func private @conv(%x: tensor<1x8x8x2xf32>, %w: tensor<3x3x2x4xf32>, %o: tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32> {
  %r = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>)
                                outs(%o : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  return %r : tensor<1x6x6x4xf32>
}

// Sizes that are no sums of products are kept as they are: half of the rows,
// rounded up, at least 4 of them.
// CHECK-LABEL: @halves
// CHECK-SAME: sizes = [ceildiv(dim(0, 0), 2), max(size(0), 4)]
// CHECK-SAME: <move "linalg.fill" {m = 8 * size(1), vector = 8 * size(1), store = 32 * size(1), result = 32 * size(1),
func.func private @halves(%a: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %z = arith.constant 0.0 : f32
  %n = tensor.dim %a, %c0 : tensor<?x8xf32>
  %h = arith.ceildivui %n, %c2 : index
  %m = arith.maxui %h, %c4 : index
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %f : tensor<?x8xf32>
}

// A difference may be negative: a loop from 5 to dim runs max(dim - 5, 0) times.
// CHECK-LABEL: @tail
// CHECK-SAME: sizes = [max(-5 + dim(0, 0), 0)]
// CHECK-SAME: scalar = 1 + size(0)
func.func private @tail(%a: tensor<?xf32>, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %r = scf.for %i = %c5 to %n step %c1 iter_args(%s = %x) -> f32 {
    %e = arith.addf %s, %s : f32
    scf.yield %e : f32
  }
  return %r : f32
}

// Tensors are alive from where they are made to their last use; the inputs that
// a phase reads first are loaded there. Here the first sum is overwritten by
// nothing: three tensors of 64 bytes at the second one.
// CHECK-LABEL: @chain
// CHECK-SAME: <vector "arith.addf" {m = 16, vector = 16, load = 64, left = 128, result = 64, live = 192, held = 64}>
// CHECK-SAME: <special "math.exp" {m = 16, special = 16, left = 64, result = 64, live = 192, held = 128}>
// CHECK-SAME: <vector "arith.mulf" {m = 16, vector = 16, load = 64, store = 64, left = 128, result = 64, live = 192, held = 128}>
func.func private @chain(%a: tensor<16xf32>, %b: tensor<16xf32>) -> tensor<16xf32> {
  %0 = arith.addf %a, %a : tensor<16xf32>
  %1 = math.exp %0 : tensor<16xf32>
  %2 = arith.mulf %1, %b : tensor<16xf32>
  return %2 : tensor<16xf32>
}

// CHECK-LABEL: owg.workflow @w
owg.workflow @w(%a: tensor<?x32xf32>, %b: tensor<32x16xf32>, %k: tensor<8x32xf32>,
                %z: tensor<8x16xf32>, %v: tensor<8xf32>, %n: index, %m: index, %s: f32, %c: i1,
                %x: tensor<1x8x8x2xf32>, %f: tensor<3x3x2x4xf32>, %o: tensor<1x6x6x4xf32>,
                %h: tensor<?x8xf32>, %g: tensor<?xf32>, %p: tensor<16xf32>)
    -> (tensor<?x16xf32>, tensor<8x16xf32>, tensor<8xf32>, f32, f32, tensor<1x6x6x4xf32>, f32,
        tensor<?x8xf32>, f32, tensor<16xf32>) {
  %7 = owg.task "halves"(%h : tensor<?x8xf32>) -> tensor<?x8xf32> calls @halves
  %8 = owg.task "tail"(%g : tensor<?xf32>, %s : f32) -> f32 calls @tail
  %9 = owg.task "chain"(%p : tensor<16xf32>, %p : tensor<16xf32>) -> tensor<16xf32> calls @chain
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
  owg.return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9
    : tensor<?x16xf32>, tensor<8x16xf32>, tensor<8xf32>, f32, f32, tensor<1x6x6x4xf32>, f32, tensor<?x8xf32>, f32, tensor<16xf32>
}
