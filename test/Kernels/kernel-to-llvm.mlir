// RUN: octo-opt %s --octo-kernel-to-llvm -split-input-file | FileCheck %s

// The exported function checks the call, unpacks the inputs, calls the body and
// packs the outputs. Memory comes from the call; no malloc is left.

// CHECK-NOT: @malloc
// CHECK: llvm.func internal @octo.body(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr {llvm.noalias}
// CHECK: llvm.call @octo.allocate
// CHECK-NOT: @free
// CHECK: llvm.func internal @octo.allocate(%{{.*}}: !llvm.ptr, %{{.*}}: i64) -> (!llvm.ptr {llvm.noalias})
// CHECK: llvm.func @octo_kernel_v2(%{{.*}}: !llvm.ptr) -> i32
// CHECK: llvm.call @octo.body
func.func @double(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = arith.addf %x, %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// A failed assertion is a call of the trap function with its message, and so is
// a division by zero.

// CHECK-DAG: llvm.mlir.global internal constant @octo.message.0("odd\00")
// CHECK-DAG: "integer division by zero\00"
// CHECK: llvm.func internal @octo.body
// CHECK: llvm.cond_br
// CHECK: llvm.call @octo.trap
// CHECK-NEXT: llvm.unreachable
// CHECK: llvm.func internal @octo.trap({{.*}}passthrough = ["noreturn", "cold", "noinline"]
func.func @checked(%x: i32, %y: i32) -> i32 {
  %one = arith.constant 1 : i32
  %low = arith.andi %x, %one : i32
  %even = arith.cmpi ne, %low, %one : i32
  cf.assert %even, "odd"
  %q = arith.divui %x, %y : i32
  return %q : i32
}

// -----

// A division by a constant needs no check.

// CHECK: llvm.func internal @octo.body
// CHECK-NOT: llvm.unreachable
// CHECK: llvm.udiv
// CHECK-NEXT: llvm.return
func.func @by_three(%x: i32) -> i32 {
  %three = arith.constant 3 : i32
  %q = arith.divui %x, %three : i32
  return %q : i32
}

// -----

// Loops that are marked count, in a variable; every scf.while burns fuel.

// CHECK: llvm.mlir.global internal constant @octo.message.fuel
// CHECK: llvm.func internal @octo.body
// CHECK: llvm.call @octo.burn(%{{.*}}, %{{.*}}) : (!llvm.ptr, i64) -> ()
// CHECK: llvm.call @octo.count(%{{.*}}, %{{.*}}, %{{.*}}) : (!llvm.ptr, i64, i64) -> ()
// CHECK-NOT: octo.counter
func.func @count(%n: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %two = arith.constant 2 : i32
  %r = scf.while (%v = %n) : (i32) -> i32 {
    %go = arith.cmpi sgt, %v, %zero : i32
    scf.condition(%go) %v : i32
  } do {
  ^bb0(%v: i32):
    %h = arith.divsi %v, %two : i32
    scf.yield %h : i32
  } attributes {octo.counter = 0}
  return %r : i32
}
