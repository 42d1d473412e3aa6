// A workflow with every control block, a call, and seeded weights, run by the
// stock tools. The expected values are those of NumPy.

// RUN: split-file %s %t
// RUN: octo-opt %t/workflow.mlir --convert-owg-to-scf -o %t/converted.mlir
// RUN: %python %S/Inputs/run_stock.py %t/converted.mlir %t/driver.mlir | FileCheck %s
// The same after the passes that tidy the workflow.
// RUN: octo-opt %t/workflow.mlir --owg-assign-path-ids --inline --owg-outline-tasks --canonicalize --cse --convert-owg-to-scf -o %t/tidied.mlir
// RUN: %python %S/Inputs/run_stock.py %t/tidied.mlir %t/driver.mlir | FileCheck %s
// And after stock analyses that follow values through the blocks.
// RUN: octo-opt %t/workflow.mlir --inline --sccp --control-flow-sink --remove-dead-values --loop-invariant-code-motion --convert-owg-to-scf -o %t/analysed.mlir
// RUN: %python %S/Inputs/run_stock.py %t/analysed.mlir %t/driver.mlir | FileCheck %s

// Branch 0: x + w.
// CHECK: sizes = [4]
// CHECK-NEXT: [-0.0908058, -1.4997, 2.22835, -4.82868]
// Select: no element of (branch 0)[0:2] is positive, so the init.
// CHECK: sizes = [4]
// CHECK-NEXT: [0.5, 0.5, 0.5, 0.5]
// Fan-out of 3: one row each; index many elements; a sum; a maximum.
// CHECK: sizes = [4, 4]
// CHECK-NEXT: {{\[\[}}7, 7, 7, 7],
// CHECK-NEXT: [0, 0, 0, 0],
// CHECK-NEXT: [0.5, 0.5, 0.5, 0.5],
// CHECK-NEXT: [1, 1, 1, 1]]
// CHECK: sizes = [3]
// CHECK-NEXT: [1, 2, 2]
// CHECK: sizes = [4]
// CHECK-NEXT: [1.5, 1.5, 1.5, 1.5]
// Loop: 100 halved until at most 1, in 7 iterations.
// CHECK: sizes = [2]
// CHECK-NEXT: [0.78125, 7]

// Branch 1: x + w + w; one member runs; no copy at all; no iteration.
// CHECK: sizes = [4]
// CHECK-NEXT: [0.818388, -0.999391, 1.45671, -5.65737]
// CHECK: sizes = [4]
// CHECK-NEXT: [1.31839, -0.499391, 1.95671, -5.15737]
// CHECK: sizes = [1, 4]
// CHECK-NEXT: {{\[\[}}7, 7, 7, 7]]
// CHECK: sizes = [0]
// CHECK: sizes = [4]
// CHECK-NEXT: [0, 0, 0, 0]
// CHECK: sizes = [2]
// CHECK-NEXT: [0.25, 0]

// A number that is no case: the default, -(x + w); both members run.
// CHECK: sizes = [4]
// CHECK-NEXT: [0.0908058, 1.4997, -2.22835, 4.82868]
// CHECK: sizes = [4]
// CHECK-NEXT: [0.772417, 4.99909, -6.18506, 14.9861]

//--- workflow.mlir
owg.weight @w : tensor<4xf32> seed 7 scale 1.0

owg.workflow private @add_w(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = owg.get_weight @w : tensor<4xf32>
  %y = owg.task "add"(%a = %x : tensor<4xf32>, %b = %w : tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.addf %a, %b : tensor<4xf32>
    owg.yield %0 : tensor<4xf32>
  }
  owg.return %y : tensor<4xf32>
}

owg.workflow @all(%x: tensor<4xf32>, %which: index, %n: index, %start: f32)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>, f32, f32) {
  %c = owg.call "shared" @add_w(%x : tensor<4xf32>) -> tensor<4xf32>
  %b = owg.branch "which"(%i = %which : index) -> tensor<4xf32> decide {
    owg.decide %i : index
  } case {
    owg.yield %c : tensor<4xf32>
  } case {
    %1 = owg.call "again" @add_w(%c : tensor<4xf32>) -> tensor<4xf32>
    owg.yield %1 : tensor<4xf32>
  } default {
    %1 = owg.task "negate"(%a = %c : tensor<4xf32>) -> tensor<4xf32> {
      %0 = arith.negf %a : tensor<4xf32>
      owg.yield %0 : tensor<4xf32>
    }
    owg.yield %1 : tensor<4xf32>
  }
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %s = owg.select "experts"(%m = %b : tensor<4xf32>) init(add %half : tensor<4xf32>) -> tensor<4xf32> decide {
    %t = tensor.extract_slice %m[0] [2] [1] : tensor<4xf32> to tensor<2xf32>
    %zero = arith.constant dense<0.0> : tensor<2xf32>
    %k = arith.cmpf ogt, %t, %zero : tensor<2xf32>
    owg.decide %k : tensor<2xi1>
  } member {
    owg.yield %b : tensor<4xf32>
  } member {
    %1 = owg.task "double"(%a = %b : tensor<4xf32>) -> tensor<4xf32> {
      %0 = arith.addf %a, %a : tensor<4xf32>
      owg.yield %0 : tensor<4xf32>
    }
    owg.yield %1 : tensor<4xf32>
  }
  %seven = arith.constant dense<7.0> : tensor<1x4xf32>
  %none = tensor.empty() : tensor<0xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %f:2 = owg.fanout "rows"(%v = %s : tensor<4xf32>) count %n
      init(concat %seven : tensor<1x4xf32>, add %zero : tensor<4xf32>) -> (tensor<?x4xf32>, tensor<4xf32>) each (%i) {
    %r:2 = owg.task "row"(%a = %v : tensor<4xf32>, %j = %i : index) -> (tensor<1x4xf32>, tensor<4xf32>) {
      %ji = arith.index_cast %j : index to i32
      %jf = arith.sitofp %ji : i32 to f32
      %sp = tensor.splat %jf : tensor<4xf32>
      %0 = arith.mulf %a, %sp : tensor<4xf32>
      %1 = tensor.expand_shape %0 [[0, 1]] output_shape [1, 4] : tensor<4xf32> into tensor<1x4xf32>
      owg.yield %1, %0 : tensor<1x4xf32>, tensor<4xf32>
    }
    owg.yield %r#0, %r#1 : tensor<1x4xf32>, tensor<4xf32>
  }
  %g = owg.fanout "ragged"() count %n init(concat %none : tensor<0xf32>) -> tensor<?xf32> each (%i) {
    %r = owg.task "part"(%j = %i : index) -> tensor<?xf32> {
      %ji = arith.index_cast %j : index to i32
      %jf = arith.sitofp %ji : i32 to f32
      %0 = tensor.splat %jf[%j] : tensor<?xf32>
      owg.yield %0 : tensor<?xf32>
    }
    owg.yield %r : tensor<?xf32>
  }
  %zeroth = arith.constant 0.0 : f32
  %l:2 = owg.loop "halve"(%v = %start : f32, %k = %zeroth : f32) -> (f32, f32) bound 10 before {
    %one = arith.constant 1.0 : f32
    %big = arith.cmpf ogt, %v, %one : f32
    owg.decide %big : i1 forward(%v, %k : f32, f32)
  } after (%w: f32, %q: f32) {
    %1:2 = owg.task "half"(%a = %w : f32, %count = %q : f32) -> (f32, f32) {
      %h = arith.constant 0.5 : f32
      %one = arith.constant 1.0 : f32
      %0 = arith.mulf %a, %h : f32
      %2 = arith.addf %count, %one : f32
      owg.yield %0, %2 : f32, f32
    }
    owg.yield %1#0, %1#1 : f32, f32
  }
  owg.return %b, %s, %f#0, %g, %f#1, %l#0, %l#1
    : tensor<4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>, f32, f32
}

//--- driver.mlir
func.func private @printMemrefF32(tensor<*xf32>)
func.func private @show(%which: index, %n: index, %start: f32) {
  %x = arith.constant dense<[-1.0, -2.0, 3.0, -4.0]> : tensor<4xf32>
  %r:7 = call @all(%x, %which, %n, %start) : (tensor<4xf32>, index, index, f32)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>, f32, f32)
  %a = tensor.cast %r#0 : tensor<4xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  %b = tensor.cast %r#1 : tensor<4xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  %c = tensor.cast %r#2 : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  %d = tensor.cast %r#3 : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%d) : (tensor<*xf32>) -> ()
  %e = tensor.cast %r#4 : tensor<4xf32> to tensor<*xf32>
  call @printMemrefF32(%e) : (tensor<*xf32>) -> ()
  %l = tensor.from_elements %r#5, %r#6 : tensor<2xf32>
  %f = tensor.cast %l : tensor<2xf32> to tensor<*xf32>
  call @printMemrefF32(%f) : (tensor<*xf32>) -> ()
  return
}
func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %cm = arith.constant -1 : index
  %hundred = arith.constant 100.0 : f32
  %quarter = arith.constant 0.25 : f32
  call @show(%c0, %c3, %hundred) : (index, index, f32) -> ()
  call @show(%c1, %cm, %quarter) : (index, index, f32) -> ()
  call @show(%cm, %c0, %quarter) : (index, index, f32) -> ()
  return
}
