// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of every bound: a product, one with a run-time dimension, a chain on
// scalars, a product whose operands do not fit an SRAM.

func.func private @product(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = linalg.matmul ins(%a, %b : tensor<64x64xf32>, tensor<64x64xf32>)
                     outs(%f : tensor<64x64xf32>) -> tensor<64x64xf32>
  return %r : tensor<64x64xf32>
}

func.func private @rows(%a: tensor<?x64xf32>, %b: tensor<64x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %n = tensor.dim %a, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %r = linalg.matmul ins(%a, %b : tensor<?x64xf32>, tensor<64x64xf32>)
                     outs(%f : tensor<?x64xf32>) -> tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}

func.func private @chain(%x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 1000 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%t = %x) -> f32 {
    %s = arith.addf %t, %t : f32
    scf.yield %s : f32
  }
  return %r : f32
}

func.func private @large(%a: tensor<512x512xf32>, %b: tensor<512x512xf32>, %c: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %r = linalg.matmul ins(%a, %b : tensor<512x512xf32>, tensor<512x512xf32>)
                     outs(%c : tensor<512x512xf32>) -> tensor<512x512xf32>
  return %r : tensor<512x512xf32>
}

owg.workflow @kernels(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>, %d: tensor<?x64xf32>, %x: f32,
                      %l: tensor<512x512xf32>) -> (tensor<64x64xf32>, tensor<?x64xf32>, f32, tensor<512x512xf32>) {
  %0 = owg.task "product"(%a : tensor<64x64xf32>, %b : tensor<64x64xf32>) -> tensor<64x64xf32> calls @product
  %1 = owg.task "rows"(%d : tensor<?x64xf32>, %b : tensor<64x64xf32>) -> tensor<?x64xf32> calls @rows
  %2 = owg.task "chain"(%x : f32) -> f32 calls @chain
  %3 = owg.task "large"(%l : tensor<512x512xf32>, %l : tensor<512x512xf32>, %l : tensor<512x512xf32>) -> tensor<512x512xf32> calls @large
  owg.return %0, %1, %2, %3 : tensor<64x64xf32>, tensor<?x64xf32>, f32, tensor<512x512xf32>
}
