//===- triage.mlir - A small model first, a big one where it is unsure ----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Classifies a 16x16 image into ten classes. A small convolutional network looks
// at every image. Where its best probability is below 0.36 the image is hard, and
// a network with about fifty times the work decides instead. So the work of a
// request depends on its data; about two in three take the short way.
//
//===----------------------------------------------------------------------===//

owg.weight @small_conv : tensor<3x3x1x8xf32> seed 101 scale 0.7
owg.weight @small_dense : tensor<392x10xf32> seed 102 scale 0.6
owg.weight @deep_conv1 : tensor<3x3x1x16xf32> seed 111 scale 0.7
owg.weight @deep_conv2 : tensor<3x3x16x32xf32> seed 112 scale 0.15
owg.weight @deep_dense1 : tensor<1152x64xf32> seed 113 scale 0.06
owg.weight @deep_dense2 : tensor<64x10xf32> seed 114 scale 0.6

// exp(x - max x) over its sum.
func.func private @softmax(%x: tensor<10xf32>) -> tensor<10xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<f32>
  %mf = linalg.fill ins(%lowest : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<10xf32>)
           outs(%mf : tensor<f32>) dimensions = [0]
  %m = tensor.extract %max[] : tensor<f32>
  %ms = tensor.splat %m : tensor<10xf32>
  %shifted = arith.subf %x, %ms : tensor<10xf32>
  %exp = math.exp %shifted : tensor<10xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<10xf32>)
           outs(%sf : tensor<f32>) dimensions = [0]
  %s = tensor.extract %sum[] : tensor<f32>
  %ss = tensor.splat %s : tensor<10xf32>
  %r = arith.divf %exp, %ss : tensor<10xf32>
  return %r : tensor<10xf32>
}

// Features (positions x channels), every channel around its mean.
func.func private @centre(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %positions = tensor.dim %x, %c0 : tensor<?x?xf32>
  %channels = tensor.dim %x, %c1 : tensor<?x?xf32>
  %pi = arith.index_cast %positions : index to i64
  %pf = arith.sitofp %pi : i64 to f32
  %se = tensor.empty(%channels) : tensor<?xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%se : tensor<?xf32>) -> tensor<?xf32>
  %sums = linalg.reduce { arith.addf } ins(%x : tensor<?x?xf32>)
            outs(%sf : tensor<?xf32>) dimensions = [0]
  %e = tensor.empty(%positions, %channels) : tensor<?x?xf32>
  %r = linalg.generic {
      indexing_maps = [affine_map<(p, c) -> (p, c)>, affine_map<(p, c) -> (c)>,
                       affine_map<(p, c) -> (p, c)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %sums : tensor<?x?xf32>, tensor<?xf32>)
      outs(%e : tensor<?x?xf32>) {
  ^bb0(%v: f32, %sum: f32, %o: f32):
    %mean = arith.divf %sum, %pf : f32
    %d = arith.subf %v, %mean : f32
    linalg.yield %d : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

owg.workflow @triage(%image: tensor<16x16xf32> {owg.name = "image"})
    -> (i64 {owg.name = "label"}, tensor<10xf32> {owg.name = "probabilities"}) {

  // Pixels in [0, 1) around their mean, as the one channel of a batch of one.
  %input = owg.task "normalise"(%x = %image : tensor<16x16xf32>)
      -> tensor<1x16x16x1xf32> {
    %half = arith.constant dense<0.5> : tensor<16x16xf32>
    %centred = arith.subf %x, %half : tensor<16x16xf32>
    %nhwc = tensor.expand_shape %centred [[0, 1], [2, 3]]
              output_shape [1, 16, 16, 1]
              : tensor<16x16xf32> into tensor<1x16x16x1xf32>
    owg.yield %nhwc : tensor<1x16x16x1xf32>
  }

  // The small network: convolution, ReLU, 2x2 maximum; one dense layer.
  %sc = owg.get_weight @small_conv : tensor<3x3x1x8xf32>
  %features = owg.task "small-features"(
      %x = %input : tensor<1x16x16x1xf32>, %w = %sc : tensor<3x3x1x8xf32>)
      -> tensor<1x7x7x8xf32> {
    %zero = arith.constant 0.0 : f32
    %lowest = arith.constant 0xFF800000 : f32
    %e = tensor.empty() : tensor<1x14x14x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x14x14x8xf32>)
           -> tensor<1x14x14x8xf32>
    %c = linalg.conv_2d_nhwc_hwcf
           ins(%x, %w : tensor<1x16x16x1xf32>, tensor<3x3x1x8xf32>)
           outs(%f : tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32>
    %zeros = arith.constant dense<0.0> : tensor<1x14x14x8xf32>
    %relu = arith.maximumf %c, %zeros : tensor<1x14x14x8xf32>
    %window = tensor.empty() : tensor<2x2xf32>
    %pe = tensor.empty() : tensor<1x7x7x8xf32>
    %pf = linalg.fill ins(%lowest : f32) outs(%pe : tensor<1x7x7x8xf32>)
            -> tensor<1x7x7x8xf32>
    %pool = linalg.pooling_nhwc_max {strides = dense<2> : tensor<2xi64>}
              ins(%relu, %window : tensor<1x14x14x8xf32>, tensor<2x2xf32>)
              outs(%pf : tensor<1x7x7x8xf32>) -> tensor<1x7x7x8xf32>
    owg.yield %pool : tensor<1x7x7x8xf32>
  }
  %sd = owg.get_weight @small_dense : tensor<392x10xf32>
  %guess = owg.task "small-classify"(
      %x = %features : tensor<1x7x7x8xf32>, %w = %sd : tensor<392x10xf32>)
      -> tensor<10xf32> {
    %zero = arith.constant 0.0 : f32
    %grid = tensor.collapse_shape %x [[0, 1, 2], [3]]
              : tensor<1x7x7x8xf32> into tensor<49x8xf32>
    %any = tensor.cast %grid : tensor<49x8xf32> to tensor<?x?xf32>
    %around = func.call @centre(%any) : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %same = tensor.cast %around : tensor<?x?xf32> to tensor<49x8xf32>
    %row = tensor.collapse_shape %same [[0, 1]]
             : tensor<49x8xf32> into tensor<392xf32>
    %flat = tensor.expand_shape %row [[0, 1]] output_shape [1, 392]
              : tensor<392xf32> into tensor<1x392xf32>
    %e = tensor.empty() : tensor<1x10xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x10xf32>)
           -> tensor<1x10xf32>
    %logits = linalg.matmul ins(%flat, %w : tensor<1x392xf32>, tensor<392x10xf32>)
                outs(%f : tensor<1x10xf32>) -> tensor<1x10xf32>
    %vector = tensor.collapse_shape %logits [[0, 1]]
                : tensor<1x10xf32> into tensor<10xf32>
    %p = func.call @softmax(%vector) : (tensor<10xf32>) -> tensor<10xf32>
    owg.yield %p : tensor<10xf32>
  }

  // Sure enough? The highest probability decides.
  %probabilities = owg.branch "confident"(%p = %guess : tensor<10xf32>)
      -> tensor<10xf32>
  decide {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c10 = arith.constant 10 : index
    %zero = arith.constant 0.0 : f32
    %threshold = arith.constant 0.36 : f32
    %best = scf.for %i = %c0 to %c10 step %c1 iter_args(%b = %zero) -> f32 {
      %v = tensor.extract %p[%i] : tensor<10xf32>
      %m = arith.maximumf %b, %v : f32
      scf.yield %m : f32
    }
    %sure = arith.cmpf oge, %best, %threshold : f32
    owg.decide %sure : i1
  } case {
    owg.yield %guess : tensor<10xf32>
  } default {
    %dc1 = owg.get_weight @deep_conv1 : tensor<3x3x1x16xf32>
    %d1 = owg.task "deep-features-1"(
        %x = %input : tensor<1x16x16x1xf32>, %w = %dc1 : tensor<3x3x1x16xf32>)
        -> tensor<1x14x14x16xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<1x14x14x16xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x14x14x16xf32>)
             -> tensor<1x14x14x16xf32>
      %c = linalg.conv_2d_nhwc_hwcf
             ins(%x, %w : tensor<1x16x16x1xf32>, tensor<3x3x1x16xf32>)
             outs(%f : tensor<1x14x14x16xf32>) -> tensor<1x14x14x16xf32>
      %zeros = arith.constant dense<0.0> : tensor<1x14x14x16xf32>
      %relu = arith.maximumf %c, %zeros : tensor<1x14x14x16xf32>
      owg.yield %relu : tensor<1x14x14x16xf32>
    }
    %dc2 = owg.get_weight @deep_conv2 : tensor<3x3x16x32xf32>
    %d2 = owg.task "deep-features-2"(
        %x = %d1 : tensor<1x14x14x16xf32>, %w = %dc2 : tensor<3x3x16x32xf32>)
        -> tensor<1x6x6x32xf32> {
      %zero = arith.constant 0.0 : f32
      %lowest = arith.constant 0xFF800000 : f32
      %e = tensor.empty() : tensor<1x12x12x32xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x12x12x32xf32>)
             -> tensor<1x12x12x32xf32>
      %c = linalg.conv_2d_nhwc_hwcf
             ins(%x, %w : tensor<1x14x14x16xf32>, tensor<3x3x16x32xf32>)
             outs(%f : tensor<1x12x12x32xf32>) -> tensor<1x12x12x32xf32>
      %zeros = arith.constant dense<0.0> : tensor<1x12x12x32xf32>
      %relu = arith.maximumf %c, %zeros : tensor<1x12x12x32xf32>
      %window = tensor.empty() : tensor<2x2xf32>
      %pe = tensor.empty() : tensor<1x6x6x32xf32>
      %pf = linalg.fill ins(%lowest : f32) outs(%pe : tensor<1x6x6x32xf32>)
              -> tensor<1x6x6x32xf32>
      %pool = linalg.pooling_nhwc_max {strides = dense<2> : tensor<2xi64>}
                ins(%relu, %window : tensor<1x12x12x32xf32>, tensor<2x2xf32>)
                outs(%pf : tensor<1x6x6x32xf32>) -> tensor<1x6x6x32xf32>
      owg.yield %pool : tensor<1x6x6x32xf32>
    }
    %dd1 = owg.get_weight @deep_dense1 : tensor<1152x64xf32>
    %dd2 = owg.get_weight @deep_dense2 : tensor<64x10xf32>
    %d3 = owg.task "deep-classify"(
        %x = %d2 : tensor<1x6x6x32xf32>, %w1 = %dd1 : tensor<1152x64xf32>,
        %w2 = %dd2 : tensor<64x10xf32>) -> tensor<10xf32> {
      %zero = arith.constant 0.0 : f32
      %grid = tensor.collapse_shape %x [[0, 1, 2], [3]]
                : tensor<1x6x6x32xf32> into tensor<36x32xf32>
      %any = tensor.cast %grid : tensor<36x32xf32> to tensor<?x?xf32>
      %around = func.call @centre(%any) : (tensor<?x?xf32>) -> tensor<?x?xf32>
      %same = tensor.cast %around : tensor<?x?xf32> to tensor<36x32xf32>
      %row = tensor.collapse_shape %same [[0, 1]]
               : tensor<36x32xf32> into tensor<1152xf32>
      %flat = tensor.expand_shape %row [[0, 1]] output_shape [1, 1152]
                : tensor<1152xf32> into tensor<1x1152xf32>
      %he = tensor.empty() : tensor<1x64xf32>
      %hf = linalg.fill ins(%zero : f32) outs(%he : tensor<1x64xf32>)
              -> tensor<1x64xf32>
      %h = linalg.matmul
             ins(%flat, %w1 : tensor<1x1152xf32>, tensor<1152x64xf32>)
             outs(%hf : tensor<1x64xf32>) -> tensor<1x64xf32>
      %zeros = arith.constant dense<0.0> : tensor<1x64xf32>
      %relu = arith.maximumf %h, %zeros : tensor<1x64xf32>
      %e = tensor.empty() : tensor<1x10xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x10xf32>)
             -> tensor<1x10xf32>
      %logits = linalg.matmul ins(%relu, %w2 : tensor<1x64xf32>, tensor<64x10xf32>)
                  outs(%f : tensor<1x10xf32>) -> tensor<1x10xf32>
      %vector = tensor.collapse_shape %logits [[0, 1]]
                : tensor<1x10xf32> into tensor<10xf32>
    %p = func.call @softmax(%vector) : (tensor<10xf32>) -> tensor<10xf32>
      owg.yield %p : tensor<10xf32>
    }
    owg.yield %d3 : tensor<10xf32>
  }

  // The class with the highest probability, the first of equals.
  %label = owg.task "label"(%p = %probabilities : tensor<10xf32>) -> i64 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c10 = arith.constant 10 : index
    %lowest = arith.constant 0xFF800000 : f32
    %best:2 = scf.for %i = %c0 to %c10 step %c1
        iter_args(%b = %lowest, %k = %c0) -> (f32, index) {
      %v = tensor.extract %p[%i] : tensor<10xf32>
      %better = arith.cmpf ogt, %v, %b : f32
      %nb = arith.select %better, %v, %b : f32
      %nk = arith.select %better, %i, %k : index
      scf.yield %nb, %nk : f32, index
    }
    %class = arith.index_cast %best#1 : index to i64
    owg.yield %class : i64
  }
  owg.return %label, %probabilities : i64, tensor<10xf32>
}
