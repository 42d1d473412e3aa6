// RUN: octo-opt %s --octo-kernel-tiling -split-input-file | FileCheck %s
// RUN: octo-opt %s --octo-kernel-tiling="bits=512 registers=32" \
// RUN:   -split-input-file | FileCheck %s --check-prefix=WIDE
// RUN: octo-opt %s --octo-kernel-tiling="fma=false" -split-input-file \
// RUN:   | FileCheck %s --check-prefix=NOFMA

// A matrix product: the right operand is packed into a panel; 4 rows (they
// divide 64) of 16 columns are in registers over the inner loop.

// CHECK-LABEL: @product
// CHECK: %[[PANEL:.*]] = memref.alloc() : memref<128x16xf32>
// CHECK: vector.load %arg1
// CHECK: vector.store %{{.*}}, %[[PANEL]]
// CHECK: vector.load %arg2[{{.*}}vector<16xf32>
// CHECK: scf.for {{.*}} iter_args(%{{[^,]*}} = %{{[^,]*}}, %{{[^,]*}} = %{{[^,]*}}, %{{[^,]*}} = %{{[^,]*}}, %{{[^,]*}} = %{{[^,]*}})
// CHECK: vector.load %[[PANEL]]
// CHECK-COUNT-4: math.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: math.fma
// CHECK: vector.store
// CHECK: memref.dealloc %[[PANEL]]
// CHECK-NOT: linalg

// WIDE-LABEL: @product
// WIDE: memref.alloc() : memref<128x32xf32>
// WIDE-COUNT-8: math.fma %{{.*}} : vector<32xf32>

// NOFMA-LABEL: @product
// NOFMA: arith.mulf %{{.*}} : vector<16xf32>
// NOFMA-NEXT: arith.addf %{{.*}} : vector<16xf32>
func.func @product(%a: memref<64x128xf32>, %b: memref<128x64xf32>,
                   %c: memref<64x64xf32>) {
  linalg.matmul ins(%a, %b : memref<64x128xf32>, memref<128x64xf32>)
    outs(%c : memref<64x64xf32>)
  return
}

// -----

// Columns that remain have a mask, rows that remain a tile of their own.

// CHECK-LABEL: @ragged
// CHECK: vector.create_mask
// CHECK: vector.maskedload %arg2
// CHECK: vector.maskedstore
func.func @ragged(%a: memref<?x?xf32>, %b: memref<?x?xf32>,
                  %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>)
    outs(%c : memref<?x?xf32>)
  return
}

// -----

// A sum along memory: 32 lanes, combined pairwise, whatever the registers.

// CHECK-LABEL: @sum
// CHECK: arith.constant -0.000000e+00 : f32
// CHECK: scf.for {{.*}}vector<32xf32>
// CHECK: arith.addf %{{.*}} : vector<32xf32>
// CHECK: arith.addf %{{.*}} : vector<16xf32>
// CHECK: arith.addf %{{.*}} : vector<8xf32>
// CHECK: arith.addf %{{.*}} : vector<1xf32>
// WIDE-LABEL: @sum
// WIDE: scf.for {{.*}}vector<32xf32>
func.func @sum(%x: memref<4x1024xf32>, %s: memref<4xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                   affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x1024xf32>) outs(%s : memref<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Small operations stay as they are, but for the multiply-add.

// CHECK-LABEL: @small
// CHECK: linalg.generic
// CHECK: math.fma %{{.*}} : f32
// CHECK-NOT: vector
func.func @small(%a: memref<4x4xf32>, %b: memref<4x4xf32>,
                 %c: memref<4x4xf32>) {
  linalg.matmul ins(%a, %b : memref<4x4xf32>, memref<4x4xf32>)
    outs(%c : memref<4x4xf32>)
  return
}

// -----

// A division may trap, so its elements are taken one by one.

// CHECK-LABEL: @divides
// CHECK: linalg.generic
// CHECK: arith.divsi %{{.*}} : i32
func.func @divides(%x: memref<64x64xi32>, %s: memref<64xi32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                   affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<64x64xi32>) outs(%s : memref<64xi32>) {
  ^bb0(%a: i32, %o: i32):
    %0 = arith.divsi %o, %a : i32
    linalg.yield %0 : i32
  }
  return
}
