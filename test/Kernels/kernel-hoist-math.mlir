// RUN: octo-opt %s --octo-kernel-hoist -split-input-file | FileCheck %s
// RUN: octo-opt %s --octo-kernel-math -split-input-file \
// RUN:   | FileCheck %s --check-prefix=MATH

// A temporary of a loop that carries nothing is allocated once.

// CHECK-LABEL: @temporary
// CHECK: memref.alloc
// CHECK: scf.for
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @temporary(%m: memref<?xf32>, %x: f32, %c0: index, %c1: index) {
  %n = memref.dim %m, %c0 : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.alloc(%n) : memref<?xf32>
    memref.store %x, %t[%i] : memref<?xf32>
  }
  return
}

// -----

// Its size could be negative where the loop never runs.

// CHECK-LABEL: @unknown
// CHECK: scf.for
// CHECK: memref.alloc
func.func @unknown(%n: index, %x: f32, %c0: index, %c1: index) {
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.alloc(%n) : memref<?xf32>
    memref.store %x, %t[%i] : memref<?xf32>
  }
  return
}

// -----

// A buffer that goes from iteration to iteration is another one each time.

// CHECK-LABEL: @carried
// CHECK: scf.for
// CHECK: memref.alloc
func.func @carried(%n: index, %m: memref<4xf32>, %c0: index, %c1: index)
    -> memref<4xf32> {
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%o = %m) -> memref<4xf32> {
    %t = memref.alloc() : memref<4xf32>
    memref.copy %o, %t : memref<4xf32> to memref<4xf32>
    scf.yield %t : memref<4xf32>
  }
  return %r : memref<4xf32>
}

// -----

// f32 becomes a polynomial, f64 and the other functions stay.

// MATH-LABEL: @functions
// MATH-NOT: math.exp %{{.*}} : f32
// MATH: math.exp %{{.*}} : f64
// MATH: math.sin %{{.*}} : f32
func.func @functions(%x: f32, %y: f64) -> (f32, f64, f32) {
  %0 = math.exp %x : f32
  %1 = math.exp %y : f64
  %2 = math.sin %x : f32
  return %0, %1, %2 : f32, f64, f32
}
