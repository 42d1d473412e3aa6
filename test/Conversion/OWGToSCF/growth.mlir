// Tensors that grow keep their rows through the stock canonicaliser, which in
// MLIR 22 narrows an scf.for that carries a cast tensor to its first size.
// RUN: split-file %s %t
// RUN: octo-opt %t/workflow.mlir --convert-owg-to-scf --inline --canonicalize -o %t/a.mlir
// RUN: %python %S/Inputs/run_stock.py %t/a.mlir %t/driver.mlir | FileCheck %s
// RUN: octo-opt %t/workflow.mlir --canonicalize --convert-owg-to-scf -o %t/b.mlir
// RUN: %python %S/Inputs/run_stock.py %t/b.mlir %t/driver.mlir | FileCheck %s

// CHECK: sizes = [3, 2]
// CHECK-NEXT: {{\[\[}}0, 0],
// CHECK-NEXT: [1, 1],
// CHECK-NEXT: [2, 2]]
// CHECK: sizes = [3]
// CHECK-NEXT: [1, 2, 2]
// CHECK: sizes = [4]
// CHECK-NEXT: [0, 1, 2, 3]

//--- workflow.mlir
owg.workflow @f() -> (tensor<?x2xf32>, tensor<?xf32>, tensor<?xf32>) {
  %n = arith.constant 3 : index
  %e = tensor.empty() : tensor<0x2xf32>
  %v = tensor.empty() : tensor<0xf32>
  %f = owg.fanout "a"() count %n init(concat %e : tensor<0x2xf32>) -> tensor<?x2xf32> each (%i) {
    %0 = owg.task "t"(%j = %i : index) -> tensor<1x2xf32> {
      %ji = arith.index_cast %j : index to i32
      %jf = arith.sitofp %ji : i32 to f32
      %1 = tensor.splat %jf : tensor<1x2xf32>
      owg.yield %1 : tensor<1x2xf32>
    }
    owg.yield %0 : tensor<1x2xf32>
  }
  %g = owg.fanout "b"() count %n init(concat %v : tensor<0xf32>) -> tensor<?xf32> each (%i) {
    %0 = owg.task "t2"(%j = %i : index) -> tensor<?xf32> {
      %ji = arith.index_cast %j : index to i32
      %jf = arith.sitofp %ji : i32 to f32
      %1 = tensor.splat %jf[%j] : tensor<?xf32>
      owg.yield %1 : tensor<?xf32>
    }
    owg.yield %0 : tensor<?xf32>
  }
  %start = tensor.cast %v : tensor<0xf32> to tensor<?xf32>
  %zero = arith.constant 0.0 : f32
  %l:2 = owg.loop "append"(%t = %start : tensor<?xf32>, %x = %zero : f32) -> (tensor<?xf32>, f32) before {
    %four = arith.constant 4.0 : f32
    %c = arith.cmpf olt, %x, %four : f32
    owg.decide %c : i1 forward(%t, %x : tensor<?xf32>, f32)
  } after (%u: tensor<?xf32>, %y: f32) {
    %1:2 = owg.task "push"(%a = %u : tensor<?xf32>, %b = %y : f32) -> (tensor<?xf32>, f32) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %one = arith.constant 1.0 : f32
      %size = tensor.dim %a, %c0 : tensor<?xf32>
      %more = arith.addi %size, %c1 : index
      %e0 = tensor.empty(%more) : tensor<?xf32>
      %e1 = tensor.insert_slice %a into %e0[0] [%size] [1] : tensor<?xf32> into tensor<?xf32>
      %e2 = tensor.insert %b into %e1[%size] : tensor<?xf32>
      %next = arith.addf %b, %one : f32
      owg.yield %e2, %next : tensor<?xf32>, f32
    }
    owg.yield %1#0, %1#1 : tensor<?xf32>, f32
  }
  owg.return %f, %g, %l#0 : tensor<?x2xf32>, tensor<?xf32>, tensor<?xf32>
}

//--- driver.mlir
func.func private @printMemrefF32(tensor<*xf32>)
func.func @main() {
  %r:3 = call @f() : () -> (tensor<?x2xf32>, tensor<?xf32>, tensor<?xf32>)
  %a = tensor.cast %r#0 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%a) : (tensor<*xf32>) -> ()
  %b = tensor.cast %r#1 : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%b) : (tensor<*xf32>) -> ()
  %c = tensor.cast %r#2 : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%c) : (tensor<*xf32>) -> ()
  return
}
