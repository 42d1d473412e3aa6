// RUN: octo-opt %s --octo-lower-kernels | FileCheck %s
// RUN: octo-opt %s --octo-lower-kernels=threads=1 -o %t.1
// RUN: octo-opt %s --octo-lower-kernels=threads=4 -o %t.4
// RUN: cmp %t.1 %t.4
// RUN: octo-opt %t.1 --octo-lower-kernels -o %t.again
// RUN: cmp %t.1 %t.again
// RUN: octo-opt %s --octo-lower-kernels=kernel-cpu=generic | FileCheck %s --check-prefix=GENERIC

// Equal code is compiled once; the image of the second kernel is that of the
// first. Bodies leave the kernels, and what nobody refers to leaves the module.

// CHECK-NOT: func.func private @twice
// CHECK: func.func private @kept
// CHECK-NOT: func.func private @helper
// CHECK: octo.kernel @a image on vector code 128 image @a_image : (tensor<?xf32>) -> tensor<?xf32>
// CHECK: octo.kernel @b image on vector code 128 image @a_image : (tensor<?xf32>) -> tensor<?xf32>
// CHECK: octo.kernel @c image on general code 128 image @c_image : (i32) -> i32 {num_counters = 1 : i32}
// CHECK: octo.image @a_image entry "octo_kernel_v2" cpu "{{.*}}" digest "{{[0-9a-f]+}}" object dense<"0x7F454C46
// CHECK: octo.image @c_image entry "octo_kernel_v2"
// CHECK-NOT: octo.image
// CHECK: octo.kernel @d profiled on general

// GENERIC: octo.image @a_image entry "octo_kernel_v2" cpu "{{x86-64|generic}}" digest

func.func private @twice(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = arith.addf %x, %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @also_twice(%y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = arith.addf %y, %y : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @kept(%x: i32) -> i32 {
  return %x : i32
}
func.func @user(%x: i32) -> i32 {
  %0 = func.call @kept(%x) : (i32) -> i32
  return %0 : i32
}
// The loop is in a callee: it is counted where the call is.
func.func private @helper(%n: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %two = arith.constant 2 : i32
  %r = scf.while (%v = %n) : (i32) -> i32 {
    %go = arith.cmpi sgt, %v, %zero : i32
    scf.condition(%go) %v : i32
  } do {
  ^bb0(%v: i32):
    %h = arith.divsi %v, %two : i32
    scf.yield %h : i32
  }
  return %r : i32
}
func.func private @halve(%n: i32) -> i32 {
  %0 = func.call @helper(%n) : (i32) -> i32
  return %0 : i32
}

octo.kernel @a image on vector code 128 body @twice : (tensor<?xf32>) -> tensor<?xf32>
octo.kernel @b image on vector code 128 body @also_twice : (tensor<?xf32>) -> tensor<?xf32>
octo.kernel @c image on general code 128 body @halve : (i32) -> i32 {num_counters = 1 : i32}
octo.kernel @d profiled on general code 64 : (!octo.data) -> !octo.data
