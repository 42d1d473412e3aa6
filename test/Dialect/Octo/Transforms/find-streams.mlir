// What bodies can do row by row, and why not.
// RUN: octo-opt %s --octo-find-streams | FileCheck %s

// A product, a bias and a maximum: rows of the first operand in order; the
// weights and the bias are needed as wholes.
// CHECK: octo.kernel @dense
// CHECK-SAME: octo.rows = {inputs = array<i32: 0>, outputs = array<i32: 0>, rows = 64 : i64}
octo.kernel @dense image on matrix code 64 body @dense_body
  : (tensor<64x32xf32>, tensor<32x16xf32>, tensor<16xf32>) -> tensor<64x16xf32>
func.func private @dense_body(%x: tensor<64x32xf32>, %w: tensor<32x16xf32>, %b: tensor<16xf32>) -> tensor<64x16xf32> {
  %zero = arith.constant 0.0 : f32
  %zeros = arith.constant dense<0.0> : tensor<64x16xf32>
  %e = tensor.empty() : tensor<64x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64x16xf32>) -> tensor<64x16xf32>
  %p = linalg.matmul ins(%x, %w : tensor<64x32xf32>, tensor<32x16xf32>) outs(%f : tensor<64x16xf32>) -> tensor<64x16xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
    ins(%p, %b : tensor<64x16xf32>, tensor<16xf32>) outs(%e : tensor<64x16xf32>) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %sum = arith.addf %l, %r : f32
    linalg.yield %sum : f32
  } -> tensor<64x16xf32>
  %m = arith.maximumf %s, %zeros : tensor<64x16xf32>
  return %m : tensor<64x16xf32>
}

// A square product: only the left operand goes by rows.
// CHECK: octo.kernel @square
// CHECK-SAME: inputs = array<i32: 0>, outputs = array<i32: 0>, rows = 8
octo.kernel @square image on matrix code 64 body @square_body
  : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
func.func private @square_body(%x: tensor<8x8xf32>, %y: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<8x8xf32>
  %p = linalg.matmul ins(%x, %y : tensor<8x8xf32>, tensor<8x8xf32>) outs(%zeros : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %p : tensor<8x8xf32>
}

// Softmax over each row, then rows that are cut and put together.
// CHECK: octo.kernel @rows
// CHECK-SAME: inputs = array<i32: 0, 1>, outputs = array<i32: 0, 1>, rows = 8
octo.kernel @rows image on vector code 64 body @rows_body
  : (tensor<8x4xf32>, tensor<8x4xf32>) -> (tensor<8x8xf32>, tensor<8x2x2xf32>)
func.func private @rows_body(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> (tensor<8x8xf32>, tensor<8x2x2xf32>) {
  %e = tensor.empty() : tensor<8x4xf32>
  %s = linalg.softmax dimension(1) ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %c = tensor.concat dim(1) %s, %y : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %cut = tensor.extract_slice %c[0, 2] [8, 4] [1, 1] : tensor<8x8xf32> to tensor<8x4xf32>
  %shaped = tensor.expand_shape %cut [[0], [1, 2]] output_shape [8, 2, 2] : tensor<8x4xf32> into tensor<8x2x2xf32>
  return %c, %shaped : tensor<8x8xf32>, tensor<8x2x2xf32>
}

// The sum over all rows is needed before the first one: the outputs are whole,
// and so is the input. The other input still goes by rows.
// CHECK: octo.kernel @normalise
// CHECK-SAME: inputs = array<i32: 1>, outputs = array<i32>, rows = 8 : i64, why = "it computes 'linalg.reduce' as a whole"
octo.kernel @normalise image on vector code 64 body @normalise_body
  : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
func.func private @normalise_body(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<4xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<8x4xf32>) outs(%fs : tensor<4xf32>) dimensions = [0]
  %e = tensor.empty() : tensor<8x4xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
    ins(%y, %sum : tensor<8x4xf32>, tensor<4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%l: f32, %d: f32, %o: f32):
    %q = arith.divf %l, %d : f32
    linalg.yield %q : f32
  } -> tensor<8x4xf32>
  return %r : tensor<8x4xf32>
}

// Columns become rows; rows that are looked up; rows in another order.
// CHECK: octo.kernel @others
// CHECK-SAME: inputs = array<i32>, outputs = array<i32: 0>, rows = 8
octo.kernel @others image on vector code 64 body @others_body
  : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
func.func private @others_body(%x: tensor<8x8xf32>, %y: tensor<8x8xf32>, %z: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = tensor.empty() : tensor<8x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (7 - i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
    ins(%x, %y : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%l: f32, %d: f32, %o: f32):
    %i = linalg.index 1 : index
    %v = tensor.extract %z[%i, %i] : tensor<8x8xf32>
    %q = arith.addf %l, %d : f32
    %s = arith.addf %q, %v : f32
    linalg.yield %s : f32
  } -> tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}

// CHECK: octo.kernel @scalar
// CHECK-SAME: inputs = array<i32>, outputs = array<i32>, rows = 0 : i64, why = "it has a result without dimensions"
octo.kernel @scalar image on general code 64 body @scalar_body : (tensor<8xf32>) -> f32
func.func private @scalar_body(%x: tensor<8xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %v = tensor.extract %x[%c0] : tensor<8xf32>
  return %v : f32
}

// CHECK: octo.kernel @dynamic
// CHECK-SAME: why = "the rows of its results are known only at run time"
octo.kernel @dynamic image on general code 64 body @dynamic_body : (tensor<?xf32>) -> tensor<?xf32>
func.func private @dynamic_body(%x: tensor<?xf32>) -> tensor<?xf32> {
  %v = math.exp %x : tensor<?xf32>
  return %v : tensor<?xf32>
}

// CHECK: octo.kernel @differ
// CHECK-SAME: why = "its results have different numbers of rows"
octo.kernel @differ image on general code 64 body @differ_body : (tensor<8xf32>, tensor<4xf32>) -> (tensor<8xf32>, tensor<4xf32>)
func.func private @differ_body(%x: tensor<8xf32>, %y: tensor<4xf32>) -> (tensor<8xf32>, tensor<4xf32>) {
  %v = math.exp %x : tensor<8xf32>
  return %v, %y : tensor<8xf32>, tensor<4xf32>
}

// CHECK: octo.kernel @single
// CHECK-SAME: why = "its results have one row"
octo.kernel @single image on general code 64 body @single_body : (tensor<1x8xf32>) -> tensor<1x8xf32>
func.func private @single_body(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %v = math.exp %x : tensor<1x8xf32>
  return %v : tensor<1x8xf32>
}

// A loop is not looked into.
// CHECK: octo.kernel @loop
// CHECK-SAME: inputs = array<i32>, outputs = array<i32>, rows = 8 : i64, why = "it computes 'scf.for' as a whole"
octo.kernel @loop image on general code 64 body @loop_body : (tensor<8xf32>) -> tensor<8xf32>
func.func private @loop_body(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%v = %x) -> tensor<8xf32> {
    %w = math.exp %v : tensor<8xf32>
    scf.yield %w : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// A kernel without a body says nothing.
// CHECK: octo.kernel @measured profiled on general code 64
// CHECK-NOT: octo.rows
octo.kernel @measured profiled on general code 64 : () -> ()
