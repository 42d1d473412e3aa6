//===- moe.mlir - A decoder block with routed experts ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One decoding step of a transformer block for one token: layer norm, attention
// with four heads over the token and 31 cached ones, residual; layer norm, a
// router with one sigmoid gate per expert, and a feed-forward network for every
// expert whose gate is above 0.55, weighted by its gate; residual. How many of
// the eight experts run depends on the token: usually one to four, and none at
// all is possible. All experts share one kernel and differ in their weights.
//
//===----------------------------------------------------------------------===//

owg.weight @wq : tensor<64x64xf32> seed 301 scale 0.2
owg.weight @wk : tensor<64x64xf32> seed 302 scale 0.2
owg.weight @wv : tensor<64x64xf32> seed 303 scale 0.2
owg.weight @wo : tensor<64x64xf32> seed 304 scale 0.2
owg.weight @router : tensor<64x8xf32> seed 305 scale 0.3
owg.weight @up0 : tensor<64x256xf32> seed 310 scale 0.2
owg.weight @down0 : tensor<256x64xf32> seed 330 scale 0.1
owg.weight @up1 : tensor<64x256xf32> seed 311 scale 0.2
owg.weight @down1 : tensor<256x64xf32> seed 331 scale 0.1
owg.weight @up2 : tensor<64x256xf32> seed 312 scale 0.2
owg.weight @down2 : tensor<256x64xf32> seed 332 scale 0.1
owg.weight @up3 : tensor<64x256xf32> seed 313 scale 0.2
owg.weight @down3 : tensor<256x64xf32> seed 333 scale 0.1
owg.weight @up4 : tensor<64x256xf32> seed 314 scale 0.2
owg.weight @down4 : tensor<256x64xf32> seed 334 scale 0.1
owg.weight @up5 : tensor<64x256xf32> seed 315 scale 0.2
owg.weight @down5 : tensor<256x64xf32> seed 335 scale 0.1
owg.weight @up6 : tensor<64x256xf32> seed 316 scale 0.2
owg.weight @down6 : tensor<256x64xf32> seed 336 scale 0.1
owg.weight @up7 : tensor<64x256xf32> seed 317 scale 0.2
owg.weight @down7 : tensor<256x64xf32> seed 337 scale 0.1

// (x - mean) / sqrt(variance + 1e-5).
func.func private @layer_norm(%x: tensor<64xf32>) -> tensor<64xf32> {
  %zero = arith.constant 0.0 : f32
  %width = arith.constant 64.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %total = linalg.reduce { arith.addf } ins(%x : tensor<64xf32>)
             outs(%f : tensor<f32>) dimensions = [0]
  %t = tensor.extract %total[] : tensor<f32>
  %mean = arith.divf %t, %width : f32
  %means = tensor.splat %mean : tensor<64xf32>
  %centred = arith.subf %x, %means : tensor<64xf32>
  %squares = arith.mulf %centred, %centred : tensor<64xf32>
  %sum = linalg.reduce { arith.addf } ins(%squares : tensor<64xf32>)
           outs(%f : tensor<f32>) dimensions = [0]
  %s = tensor.extract %sum[] : tensor<f32>
  %variance = arith.divf %s, %width : f32
  %shifted = arith.addf %variance, %epsilon : f32
  %deviation = math.sqrt %shifted : f32
  %deviations = tensor.splat %deviation : tensor<64xf32>
  %r = arith.divf %centred, %deviations : tensor<64xf32>
  return %r : tensor<64xf32>
}

func.func private @project(%x: tensor<64xf32>, %w: tensor<64x64xf32>)
    -> tensor<64xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %r = linalg.vecmat ins(%x, %w : tensor<64xf32>, tensor<64x64xf32>)
         outs(%f : tensor<64xf32>) -> tensor<64xf32>
  return %r : tensor<64xf32>
}

// gate * (gelu(x up) down), with gelu(h) = h / 2 (1 + erf(h / sqrt(2))).
func.func private @expert(%x: tensor<64xf32>, %up: tensor<64x256xf32>,
                          %down: tensor<256x64xf32>, %gate: f32)
    -> tensor<64xf32> {
  %zero = arith.constant 0.0 : f32
  %he = tensor.empty() : tensor<256xf32>
  %hf = linalg.fill ins(%zero : f32) outs(%he : tensor<256xf32>)
          -> tensor<256xf32>
  %h = linalg.vecmat ins(%x, %up : tensor<64xf32>, tensor<64x256xf32>)
         outs(%hf : tensor<256xf32>) -> tensor<256xf32>
  %root = arith.constant dense<0.70710678> : tensor<256xf32>
  %half = arith.constant dense<0.5> : tensor<256xf32>
  %one = arith.constant dense<1.0> : tensor<256xf32>
  %scaled = arith.mulf %h, %root : tensor<256xf32>
  %erf = math.erf %scaled : tensor<256xf32>
  %cumulative = arith.addf %erf, %one : tensor<256xf32>
  %halved = arith.mulf %h, %half : tensor<256xf32>
  %gelu = arith.mulf %halved, %cumulative : tensor<256xf32>
  %e = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<64xf32>) -> tensor<64xf32>
  %y = linalg.vecmat ins(%gelu, %down : tensor<256xf32>, tensor<256x64xf32>)
         outs(%f : tensor<64xf32>) -> tensor<64xf32>
  %gates = tensor.splat %gate : tensor<64xf32>
  %r = arith.mulf %y, %gates : tensor<64xf32>
  return %r : tensor<64xf32>
}

// exp(x - max x) over its sum, row by row.
func.func private @softmax_rows(%x: tensor<4x32xf32>) -> tensor<4x32xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %re = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4x32xf32>
  %mf = linalg.fill ins(%lowest : f32) outs(%re : tensor<4xf32>) -> tensor<4xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<4x32xf32>)
           outs(%mf : tensor<4xf32>) dimensions = [1]
  %exp = linalg.generic {
      indexing_maps = [affine_map<(h, t) -> (h, t)>, affine_map<(h, t) -> (h)>,
                       affine_map<(h, t) -> (h, t)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<4x32xf32>, tensor<4xf32>)
      outs(%e : tensor<4x32xf32>) {
  ^bb0(%v: f32, %m: f32, %o: f32):
    %shifted = arith.subf %v, %m : f32
    %r = math.exp %shifted : f32
    linalg.yield %r : f32
  } -> tensor<4x32xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%re : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<4x32xf32>)
           outs(%sf : tensor<4xf32>) dimensions = [1]
  %soft = linalg.generic {
      indexing_maps = [affine_map<(h, t) -> (h, t)>, affine_map<(h, t) -> (h)>,
                       affine_map<(h, t) -> (h, t)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<4x32xf32>, tensor<4xf32>)
      outs(%e : tensor<4x32xf32>) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %r = arith.divf %v, %s : f32
    linalg.yield %r : f32
  } -> tensor<4x32xf32>
  return %soft : tensor<4x32xf32>
}

owg.workflow @moe(%token: tensor<64xf32> {owg.name = "token"},
                  %keys: tensor<31x64xf32> {owg.name = "keys"},
                  %values: tensor<31x64xf32> {owg.name = "values"})
    -> (tensor<64xf32> {owg.name = "hidden"},
        tensor<8xf32> {owg.name = "gates"}) {

  // Query, key and value of the token.
  %q = owg.get_weight @wq : tensor<64x64xf32>
  %k = owg.get_weight @wk : tensor<64x64xf32>
  %v = owg.get_weight @wv : tensor<64x64xf32>
  %query, %key, %value = owg.task "qkv"(
      %x = %token : tensor<64xf32>, %wq = %q : tensor<64x64xf32>,
      %wk = %k : tensor<64x64xf32>, %wv = %v : tensor<64x64xf32>)
      -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
    %n = func.call @layer_norm(%x) : (tensor<64xf32>) -> tensor<64xf32>
    %a = func.call @project(%n, %wq)
           : (tensor<64xf32>, tensor<64x64xf32>) -> tensor<64xf32>
    %b = func.call @project(%n, %wk)
           : (tensor<64xf32>, tensor<64x64xf32>) -> tensor<64xf32>
    %c = func.call @project(%n, %wv)
           : (tensor<64xf32>, tensor<64x64xf32>) -> tensor<64xf32>
    owg.yield %a, %b, %c : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
  }

  // Four heads of 16: softmax(q k / 4) v over the cache and the token itself.
  %attended = owg.task "attention"(
      %a = %query : tensor<64xf32>, %b = %key : tensor<64xf32>,
      %c = %value : tensor<64xf32>, %kc = %keys : tensor<31x64xf32>,
      %vc = %values : tensor<31x64xf32>) -> tensor<64xf32> {
    %zero = arith.constant 0.0 : f32
    %quarter = arith.constant dense<0.25> : tensor<4x32xf32>
    %ke = tensor.empty() : tensor<32x64xf32>
    %k0 = tensor.insert_slice %kc into %ke[0, 0] [31, 64] [1, 1]
            : tensor<31x64xf32> into tensor<32x64xf32>
    %ka = tensor.insert_slice %b into %k0[31, 0] [1, 64] [1, 1]
            : tensor<64xf32> into tensor<32x64xf32>
    %v0 = tensor.insert_slice %vc into %ke[0, 0] [31, 64] [1, 1]
            : tensor<31x64xf32> into tensor<32x64xf32>
    %va = tensor.insert_slice %c into %v0[31, 0] [1, 64] [1, 1]
            : tensor<64xf32> into tensor<32x64xf32>
    %qh = tensor.expand_shape %a [[0, 1]] output_shape [4, 16]
            : tensor<64xf32> into tensor<4x16xf32>
    %kh = tensor.expand_shape %ka [[0], [1, 2]] output_shape [32, 4, 16]
            : tensor<32x64xf32> into tensor<32x4x16xf32>
    %vh = tensor.expand_shape %va [[0], [1, 2]] output_shape [32, 4, 16]
            : tensor<32x64xf32> into tensor<32x4x16xf32>
    %se = tensor.empty() : tensor<4x32xf32>
    %sf = linalg.fill ins(%zero : f32) outs(%se : tensor<4x32xf32>)
            -> tensor<4x32xf32>
    %scores = linalg.generic {
        indexing_maps = [affine_map<(h, t, d) -> (h, d)>,
                         affine_map<(h, t, d) -> (t, h, d)>,
                         affine_map<(h, t, d) -> (h, t)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%qh, %kh : tensor<4x16xf32>, tensor<32x4x16xf32>)
        outs(%sf : tensor<4x32xf32>) {
    ^bb0(%i: f32, %j: f32, %o: f32):
      %m = arith.mulf %i, %j : f32
      %s = arith.addf %o, %m : f32
      linalg.yield %s : f32
    } -> tensor<4x32xf32>
    %scaled = arith.mulf %scores, %quarter : tensor<4x32xf32>
    %soft = func.call @softmax_rows(%scaled)
              : (tensor<4x32xf32>) -> tensor<4x32xf32>
    %oe = tensor.empty() : tensor<4x16xf32>
    %of = linalg.fill ins(%zero : f32) outs(%oe : tensor<4x16xf32>)
            -> tensor<4x16xf32>
    %heads = linalg.generic {
        indexing_maps = [affine_map<(h, d, t) -> (h, t)>,
                         affine_map<(h, d, t) -> (t, h, d)>,
                         affine_map<(h, d, t) -> (h, d)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%soft, %vh : tensor<4x32xf32>, tensor<32x4x16xf32>)
        outs(%of : tensor<4x16xf32>) {
    ^bb0(%i: f32, %j: f32, %o: f32):
      %m = arith.mulf %i, %j : f32
      %s = arith.addf %o, %m : f32
      linalg.yield %s : f32
    } -> tensor<4x16xf32>
    %r = tensor.collapse_shape %heads [[0, 1]]
           : tensor<4x16xf32> into tensor<64xf32>
    owg.yield %r : tensor<64xf32>
  }

  %o = owg.get_weight @wo : tensor<64x64xf32>
  %middle, %normal = owg.task "merge"(
      %x = %token : tensor<64xf32>, %a = %attended : tensor<64xf32>,
      %wo = %o : tensor<64x64xf32>) -> (tensor<64xf32>, tensor<64xf32>) {
    %p = func.call @project(%a, %wo)
           : (tensor<64xf32>, tensor<64x64xf32>) -> tensor<64xf32>
    %y = arith.addf %x, %p : tensor<64xf32>
    %n = func.call @layer_norm(%y) : (tensor<64xf32>) -> tensor<64xf32>
    owg.yield %y, %n : tensor<64xf32>, tensor<64xf32>
  }

  // Gates: sigmoid(x router), together and one by one.
  %r = owg.get_weight @router : tensor<64x8xf32>
  %gates, %g0, %g1, %g2, %g3, %g4, %g5, %g6, %g7 = owg.task "route"(
      %x = %normal : tensor<64xf32>, %w = %r : tensor<64x8xf32>)
      -> (tensor<8xf32>, f32, f32, f32, f32, f32, f32, f32, f32) {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant dense<1.0> : tensor<8xf32>
    %e = tensor.empty() : tensor<8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %logits = linalg.vecmat ins(%x, %w : tensor<64xf32>, tensor<64x8xf32>)
                outs(%f : tensor<8xf32>) -> tensor<8xf32>
    %minus = arith.negf %logits : tensor<8xf32>
    %exp = math.exp %minus : tensor<8xf32>
    %denominator = arith.addf %exp, %one : tensor<8xf32>
    %g = arith.divf %one, %denominator : tensor<8xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %s0 = tensor.extract %g[%c0] : tensor<8xf32>
    %s1 = tensor.extract %g[%c1] : tensor<8xf32>
    %s2 = tensor.extract %g[%c2] : tensor<8xf32>
    %s3 = tensor.extract %g[%c3] : tensor<8xf32>
    %s4 = tensor.extract %g[%c4] : tensor<8xf32>
    %s5 = tensor.extract %g[%c5] : tensor<8xf32>
    %s6 = tensor.extract %g[%c6] : tensor<8xf32>
    %s7 = tensor.extract %g[%c7] : tensor<8xf32>
    owg.yield %g, %s0, %s1, %s2, %s3, %s4, %s5, %s6, %s7
      : tensor<8xf32>, f32, f32, f32, f32, f32, f32, f32, f32
  }

  %nothing = arith.constant dense<0.0> : tensor<64xf32>
  %mixed = owg.select "experts"(%g = %gates : tensor<8xf32>)
      init(add %nothing : tensor<64xf32>) -> tensor<64xf32>
  decide {
    %threshold = arith.constant dense<0.55> : tensor<8xf32>
    %mask = arith.cmpf ogt, %g, %threshold : tensor<8xf32>
    owg.decide %mask : tensor<8xi1>
  } member {
    %up = owg.get_weight @up0 : tensor<64x256xf32>
    %down = owg.get_weight @down0 : tensor<256x64xf32>
    %y = owg.task "expert-0"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g0 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up1 : tensor<64x256xf32>
    %down = owg.get_weight @down1 : tensor<256x64xf32>
    %y = owg.task "expert-1"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g1 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up2 : tensor<64x256xf32>
    %down = owg.get_weight @down2 : tensor<256x64xf32>
    %y = owg.task "expert-2"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g2 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up3 : tensor<64x256xf32>
    %down = owg.get_weight @down3 : tensor<256x64xf32>
    %y = owg.task "expert-3"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g3 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up4 : tensor<64x256xf32>
    %down = owg.get_weight @down4 : tensor<256x64xf32>
    %y = owg.task "expert-4"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g4 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up5 : tensor<64x256xf32>
    %down = owg.get_weight @down5 : tensor<256x64xf32>
    %y = owg.task "expert-5"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g5 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up6 : tensor<64x256xf32>
    %down = owg.get_weight @down6 : tensor<256x64xf32>
    %y = owg.task "expert-6"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g6 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  } member {
    %up = owg.get_weight @up7 : tensor<64x256xf32>
    %down = owg.get_weight @down7 : tensor<256x64xf32>
    %y = owg.task "expert-7"(
           %normal : tensor<64xf32>, %up : tensor<64x256xf32>,
           %down : tensor<256x64xf32>, %g7 : f32) -> tensor<64xf32> calls @expert
    owg.yield %y : tensor<64xf32>
  }

  %hidden = owg.task "residual"(%x = %middle : tensor<64xf32>,
                                %y = %mixed : tensor<64xf32>)
      -> tensor<64xf32> {
    %z = arith.addf %x, %y : tensor<64xf32>
    owg.yield %z : tensor<64xf32>
  }
  owg.return %hidden, %gates : tensor<64xf32>, tensor<8xf32>
}
