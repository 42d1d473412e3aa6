//===- refine.mlir - A solver that stops when it has converged ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Denoises a 48x48 image by solving the screened Poisson equation
//
//   lambda (x - image) - laplace(x) = 0,   x = 0 outside of the image,
//
// with Jacobi sweeps until no pixel changes by more than 0.001. The weaker the
// screening (the noisier the image), the more sweeps: from about ten to about
// fifty. How often the body of the loop runs is known to nobody before.
//
//===----------------------------------------------------------------------===//

owg.workflow @refine(%image: tensor<48x48xf32> {owg.name = "image"},
                     %noise: f32 {owg.name = "noise"})
    -> (tensor<48x48xf32> {owg.name = "denoised"}, i64 {owg.name = "sweeps"},
        f32 {owg.name = "roughness"}) {

  // The screening that fits the noise (in [0, 1)), and where to begin.
  %lambda, %start, %far, %none = owg.task "plan"(
      %b = %image : tensor<48x48xf32>, %n = %noise : f32)
      -> (f32, tensor<48x48xf32>, f32, i64) {
    %one = arith.constant 1.0 : f32
    %least = arith.constant 0.25 : f32
    %span = arith.constant 2.0 : f32
    %quiet = arith.subf %one, %n : f32
    %scaled = arith.mulf %quiet, %span : f32
    %l = arith.addf %scaled, %least : f32
    %half = arith.constant dense<0.5> : tensor<48x48xf32>
    %x = arith.mulf %b, %half : tensor<48x48xf32>
    %zero = arith.constant 0 : i64
    owg.yield %l, %x, %one, %zero : f32, tensor<48x48xf32>, f32, i64
  }

  %x, %change, %sweeps = owg.loop "converge"(
      %xc = %start : tensor<48x48xf32>, %cc = %far : f32, %kc = %none : i64)
      -> (tensor<48x48xf32>, f32, i64) bound 500
  before {
    %tolerance = arith.constant 1.0e-3 : f32
    %more = arith.cmpf ogt, %cc, %tolerance : f32
    owg.decide %more : i1
      forward(%xc, %cc, %kc : tensor<48x48xf32>, f32, i64)
  } after (%xa : tensor<48x48xf32>, %ca : f32, %ka : i64) {
    // x' = (lambda image + sum of the four neighbours of x) / (lambda + 4), and
    // the largest change.
    %nx, %nc, %nk = owg.task "sweep"(
        %v = %xa : tensor<48x48xf32>, %b = %image : tensor<48x48xf32>,
        %l = %lambda : f32, %k = %ka : i64)
        -> (tensor<48x48xf32>, f32, i64) {
      %zero = arith.constant 0.0 : f32
      %four = arith.constant 4.0 : f32
      %one = arith.constant 1 : i64
      %denominator = arith.addf %l, %four : f32
      %p = tensor.pad %v low[1, 1] high[1, 1] {
      ^bb0(%i: index, %j: index):
        tensor.yield %zero : f32
      } : tensor<48x48xf32> to tensor<50x50xf32>
      %north = tensor.extract_slice %p[0, 1] [48, 48] [1, 1]
                 : tensor<50x50xf32> to tensor<48x48xf32>
      %south = tensor.extract_slice %p[2, 1] [48, 48] [1, 1]
                 : tensor<50x50xf32> to tensor<48x48xf32>
      %west = tensor.extract_slice %p[1, 0] [48, 48] [1, 1]
                : tensor<50x50xf32> to tensor<48x48xf32>
      %east = tensor.extract_slice %p[1, 2] [48, 48] [1, 1]
                : tensor<50x50xf32> to tensor<48x48xf32>
      %e = tensor.empty() : tensor<48x48xf32>
      %next = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%b, %north, %south, %west, %east
                : tensor<48x48xf32>, tensor<48x48xf32>, tensor<48x48xf32>,
                  tensor<48x48xf32>, tensor<48x48xf32>)
          outs(%e : tensor<48x48xf32>) {
      ^bb0(%bi: f32, %ni: f32, %si: f32, %wi: f32, %ei: f32, %o: f32):
        %data = arith.mulf %l, %bi : f32
        %ns = arith.addf %ni, %si : f32
        %we = arith.addf %wi, %ei : f32
        %around = arith.addf %ns, %we : f32
        %sum = arith.addf %data, %around : f32
        %q = arith.divf %sum, %denominator : f32
        linalg.yield %q : f32
      } -> tensor<48x48xf32>
      %ce = tensor.empty() : tensor<f32>
      %cf = linalg.fill ins(%zero : f32) outs(%ce : tensor<f32>) -> tensor<f32>
      %largest = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> ()>],
          iterator_types = ["reduction", "reduction"]}
          ins(%next, %v : tensor<48x48xf32>, tensor<48x48xf32>)
          outs(%cf : tensor<f32>) {
      ^bb0(%a: f32, %c: f32, %o: f32):
        %d = arith.subf %a, %c : f32
        %m = math.absf %d : f32
        %r = arith.maximumf %m, %o : f32
        linalg.yield %r : f32
      } -> tensor<f32>
      %changed = tensor.extract %largest[] : tensor<f32>
      %k1 = arith.addi %k, %one : i64
      owg.yield %next, %changed, %k1 : tensor<48x48xf32>, f32, i64
    }
    owg.yield %nx, %nc, %nk : tensor<48x48xf32>, f32, i64
  }

  // Root mean square of the horizontal differences of the result.
  %roughness = owg.task "measure"(%v = %x : tensor<48x48xf32>) -> f32 {
    %zero = arith.constant 0.0 : f32
    %count = arith.constant 2256.0 : f32
    %left = tensor.extract_slice %v[0, 0] [48, 47] [1, 1]
              : tensor<48x48xf32> to tensor<48x47xf32>
    %right = tensor.extract_slice %v[0, 1] [48, 47] [1, 1]
               : tensor<48x48xf32> to tensor<48x47xf32>
    %e = tensor.empty() : tensor<f32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
    %sum = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> ()>],
        iterator_types = ["reduction", "reduction"]}
        ins(%left, %right : tensor<48x47xf32>, tensor<48x47xf32>)
        outs(%f : tensor<f32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %d = arith.subf %b, %a : f32
      %s = arith.mulf %d, %d : f32
      %r = arith.addf %o, %s : f32
      linalg.yield %r : f32
    } -> tensor<f32>
    %total = tensor.extract %sum[] : tensor<f32>
    %mean = arith.divf %total, %count : f32
    %root = math.sqrt %mean : f32
    owg.yield %root : f32
  }
  owg.return %x, %sweeps, %roughness : tensor<48x48xf32>, i64, f32
}
