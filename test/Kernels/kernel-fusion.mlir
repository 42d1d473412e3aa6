// RUN: octo-opt %s --octo-kernel-fusion --canonicalize --cse -split-input-file | FileCheck %s

// Each operation is used once: one loop nest.

// CHECK-LABEL: @chain
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: arith.mulf
// CHECK-NOT: linalg.generic
func.func @chain(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.add ins(%x, %y : tensor<?x8xf32>, tensor<?x8xf32>)
         outs(%x : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = linalg.mul ins(%0, %y : tensor<?x8xf32>, tensor<?x8xf32>)
         outs(%x : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// Rows: the maximum and what uses it run in one loop over the rows.

// CHECK-LABEL: @rows
// CHECK: scf.for %{{.*}} to %c256
// CHECK: linalg.fill
// CHECK: linalg.generic
// CHECK: arith.maximumf
// CHECK: linalg.generic
// CHECK: arith.subf
// CHECK: tensor.insert_slice
// CHECK-NOT: linalg
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @rows(%x: tensor<256x256xf32>) -> tensor<256x256xf32> {
  %least = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<256xf32>
  %r = tensor.empty() : tensor<256x256xf32>
  %f = linalg.fill ins(%least : f32) outs(%e : tensor<256xf32>) -> tensor<256xf32>
  %most = linalg.reduce { arith.maximumf } ins(%x : tensor<256x256xf32>)
            outs(%f : tensor<256xf32>) dimensions = [1]
  %0 = linalg.generic {indexing_maps = [#all, #row, #all],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %most : tensor<256x256xf32>, tensor<256xf32>)
      outs(%r : tensor<256x256xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %1 = arith.subf %a, %m : f32
    linalg.yield %1 : f32
  } -> tensor<256x256xf32>
  return %0 : tensor<256x256xf32>
}

// -----

// The maxima are returned too: they are computed once, and not in the rows.

// CHECK-LABEL: @shared
// CHECK-NOT: scf.for
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @shared(%x: tensor<256x256xf32>, %f: tensor<256xf32>)
    -> (tensor<256x256xf32>, tensor<256xf32>) {
  %r = tensor.empty() : tensor<256x256xf32>
  %most = linalg.reduce { arith.maximumf } ins(%x : tensor<256x256xf32>)
            outs(%f : tensor<256xf32>) dimensions = [1]
  %0 = linalg.generic {indexing_maps = [#all, #row, #all],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %most : tensor<256x256xf32>, tensor<256xf32>)
      outs(%r : tensor<256x256xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %1 = arith.subf %a, %m : f32
    linalg.yield %1 : f32
  } -> tensor<256x256xf32>
  return %0, %most : tensor<256x256xf32>, tensor<256xf32>
}

// -----

// Sums of columns are the same for every row: they stay outside of its loop,
// while the rest runs by rows.

// CHECK-LABEL: @columns
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]
// CHECK: scf.for
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK-NOT: iterator_types = ["reduction", "parallel"]
// CHECK: return
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
func.func @columns(%x: tensor<256x256xf32>, %f: tensor<256xf32>)
    -> tensor<256x256xf32> {
  %r = tensor.empty() : tensor<256x256xf32>
  %sums = linalg.generic {indexing_maps = [#all, #column],
                          iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<256x256xf32>) outs(%f : tensor<256xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.addf %o, %a : f32
    linalg.yield %1 : f32
  } -> tensor<256xf32>
  %y = linalg.generic {indexing_maps = [#all, #column, #all],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %sums : tensor<256x256xf32>, tensor<256xf32>)
      outs(%r : tensor<256x256xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %1 = arith.subf %a, %m : f32
    linalg.yield %1 : f32
  } -> tensor<256x256xf32>
  %most = linalg.generic {indexing_maps = [#all, #row],
                          iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<256x256xf32>) outs(%f : tensor<256xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.maximumf %o, %a : f32
    linalg.yield %1 : f32
  } -> tensor<256xf32>
  %0 = linalg.generic {indexing_maps = [#all, #row, #all],
                       iterator_types = ["parallel", "parallel"]}
      ins(%y, %most : tensor<256x256xf32>, tensor<256xf32>)
      outs(%r : tensor<256x256xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %1 = arith.mulf %a, %m : f32
    linalg.yield %1 : f32
  } -> tensor<256x256xf32>
  return %0 : tensor<256x256xf32>
}
