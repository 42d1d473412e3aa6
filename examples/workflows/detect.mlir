//===- detect.mlir - Find objects, look at each, sum up -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scores the 64 patches of a 64x64 scene against four templates. Every patch
// above the threshold is an object: it is cut out with a margin and classified,
// one copy of a fan-out each. How many copies run, and how long the tensors are
// that the rest of the workflow handles, depends on the scene.
//
//===----------------------------------------------------------------------===//

owg.weight @templates : tensor<8x8x1x4xf32> seed 201 scale 0.43
owg.weight @hidden : tensor<144x96xf32> seed 202 scale 0.4
owg.weight @classes : tensor<96x5xf32> seed 203 scale 0.35

// exp(x - max x) over its sum.
func.func private @softmax(%x: tensor<5xf32>) -> tensor<5xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<f32>
  %mf = linalg.fill ins(%lowest : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<5xf32>)
           outs(%mf : tensor<f32>) dimensions = [0]
  %m = tensor.extract %max[] : tensor<f32>
  %ms = tensor.splat %m : tensor<5xf32>
  %shifted = arith.subf %x, %ms : tensor<5xf32>
  %exp = math.exp %shifted : tensor<5xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<5xf32>)
           outs(%sf : tensor<f32>) dimensions = [0]
  %s = tensor.extract %sum[] : tensor<f32>
  %ss = tensor.splat %s : tensor<5xf32>
  %r = arith.divf %exp, %ss : tensor<5xf32>
  return %r : tensor<5xf32>
}

owg.workflow @detect(%scene: tensor<64x64xf32> {owg.name = "scene"})
    -> (tensor<?x7xf32> {owg.name = "objects"},
        tensor<5xi64> {owg.name = "histogram"},
        tensor<5xf32> {owg.name = "mean"}) {

  // Score of a patch: tanh of its best match with a template.
  %wt = owg.get_weight @templates : tensor<8x8x1x4xf32>
  %score = owg.task "scan"(%s = %scene : tensor<64x64xf32>,
                           %t = %wt : tensor<8x8x1x4xf32>) -> tensor<8x8xf32> {
    %zero = arith.constant 0.0 : f32
    %lowest = arith.constant 0xFF800000 : f32
    %half = arith.constant dense<0.5> : tensor<64x64xf32>
    %centred = arith.subf %s, %half : tensor<64x64xf32>
    %nhwc = tensor.expand_shape %centred [[0, 1], [2, 3]]
              output_shape [1, 64, 64, 1]
              : tensor<64x64xf32> into tensor<1x64x64x1xf32>
    %e = tensor.empty() : tensor<1x8x8x4xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x8x8x4xf32>)
           -> tensor<1x8x8x4xf32>
    %match = linalg.conv_2d_nhwc_hwcf {strides = dense<8> : tensor<2xi64>}
               ins(%nhwc, %t : tensor<1x64x64x1xf32>, tensor<8x8x1x4xf32>)
               outs(%f : tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
    %be = tensor.empty() : tensor<1x8x8xf32>
    %bf = linalg.fill ins(%lowest : f32) outs(%be : tensor<1x8x8xf32>)
            -> tensor<1x8x8xf32>
    %best = linalg.reduce { arith.maximumf }
              ins(%match : tensor<1x8x8x4xf32>) outs(%bf : tensor<1x8x8xf32>)
              dimensions = [3]
    %flat = tensor.collapse_shape %best [[0, 1], [2]]
              : tensor<1x8x8xf32> into tensor<8x8xf32>
    %r = math.tanh %flat : tensor<8x8xf32>
    owg.yield %r : tensor<8x8xf32>
  }

  // Rows and columns of the patches above the threshold, in reading order.
  %rows, %columns, %count = owg.task "pick"(%s = %score : tensor<8x8xf32>)
      -> (tensor<64xindex>, tensor<64xindex>, index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %threshold = arith.constant 0.83 : f32
    %none = arith.constant dense<0> : tensor<64xindex>
    %r:3 = scf.for %i = %c0 to %c8 step %c1
        iter_args(%ra = %none, %ca = %none, %na = %c0)
        -> (tensor<64xindex>, tensor<64xindex>, index) {
      %q:3 = scf.for %j = %c0 to %c8 step %c1
          iter_args(%rb = %ra, %cb = %ca, %nb = %na)
          -> (tensor<64xindex>, tensor<64xindex>, index) {
        %v = tensor.extract %s[%i, %j] : tensor<8x8xf32>
        %object = arith.cmpf ogt, %v, %threshold : f32
        %p:3 = scf.if %object
            -> (tensor<64xindex>, tensor<64xindex>, index) {
          %ri = tensor.insert %i into %rb[%nb] : tensor<64xindex>
          %ci = tensor.insert %j into %cb[%nb] : tensor<64xindex>
          %ni = arith.addi %nb, %c1 : index
          scf.yield %ri, %ci, %ni : tensor<64xindex>, tensor<64xindex>, index
        } else {
          scf.yield %rb, %cb, %nb : tensor<64xindex>, tensor<64xindex>, index
        }
        scf.yield %p#0, %p#1, %p#2
          : tensor<64xindex>, tensor<64xindex>, index
      }
      scf.yield %q#0, %q#1, %q#2 : tensor<64xindex>, tensor<64xindex>, index
    }
    owg.yield %r#0, %r#1, %r#2 : tensor<64xindex>, tensor<64xindex>, index
  }

  // One row per object: row and column of the patch, five probabilities.
  %wh = owg.get_weight @hidden : tensor<144x96xf32>
  %wc = owg.get_weight @classes : tensor<96x5xf32>
  %nothing = tensor.empty() : tensor<0x7xf32>
  %objects = owg.fanout "objects"() count %count
      init(concat %nothing : tensor<0x7xf32>) -> tensor<?x7xf32>
  each (%index) {
    // The patch and two pixels around it, moved inwards at the border.
    %patch, %place = owg.task "crop"(
        %s = %scene : tensor<64x64xf32>, %r = %rows : tensor<64xindex>,
        %c = %columns : tensor<64xindex>, %i = %index : index)
        -> (tensor<12x12xf32>, tensor<1x2xf32>) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %last = arith.constant 52 : index
      %row = tensor.extract %r[%i] : tensor<64xindex>
      %column = tensor.extract %c[%i] : tensor<64xindex>
      %y8 = arith.muli %row, %c8 : index
      %x8 = arith.muli %column, %c8 : index
      %y2 = arith.subi %y8, %c2 : index
      %x2 = arith.subi %x8, %c2 : index
      %y0 = arith.maxsi %y2, %c0 : index
      %x0 = arith.maxsi %x2, %c0 : index
      %y = arith.minsi %y0, %last : index
      %x = arith.minsi %x0, %last : index
      %cut = tensor.extract_slice %s[%y, %x] [12, 12] [1, 1]
               : tensor<64x64xf32> to tensor<12x12xf32>
      %half = arith.constant dense<0.5> : tensor<12x12xf32>
      %centred = arith.subf %cut, %half : tensor<12x12xf32>
      %ri = arith.index_cast %row : index to i64
      %ci = arith.index_cast %column : index to i64
      %rf = arith.sitofp %ri : i64 to f32
      %cf = arith.sitofp %ci : i64 to f32
      %at = tensor.from_elements %rf, %cf : tensor<1x2xf32>
      owg.yield %centred, %at : tensor<12x12xf32>, tensor<1x2xf32>
    }
    %entry = owg.task "classify"(
        %p = %patch : tensor<12x12xf32>, %at = %place : tensor<1x2xf32>,
        %w1 = %wh : tensor<144x96xf32>, %w2 = %wc : tensor<96x5xf32>)
        -> tensor<1x7xf32> {
      %zero = arith.constant 0.0 : f32
      %flat = tensor.collapse_shape %p [[0, 1]]
                : tensor<12x12xf32> into tensor<144xf32>
      %x = tensor.expand_shape %flat [[0, 1]] output_shape [1, 144]
             : tensor<144xf32> into tensor<1x144xf32>
      %he = tensor.empty() : tensor<1x96xf32>
      %hf = linalg.fill ins(%zero : f32) outs(%he : tensor<1x96xf32>)
              -> tensor<1x96xf32>
      %h = linalg.matmul ins(%x, %w1 : tensor<1x144xf32>, tensor<144x96xf32>)
             outs(%hf : tensor<1x96xf32>) -> tensor<1x96xf32>
      %active = math.tanh %h : tensor<1x96xf32>
      %le = tensor.empty() : tensor<1x5xf32>
      %lf = linalg.fill ins(%zero : f32) outs(%le : tensor<1x5xf32>)
              -> tensor<1x5xf32>
      %logits = linalg.matmul
                  ins(%active, %w2 : tensor<1x96xf32>, tensor<96x5xf32>)
                  outs(%lf : tensor<1x5xf32>) -> tensor<1x5xf32>
      %vector = tensor.collapse_shape %logits [[0, 1]]
                  : tensor<1x5xf32> into tensor<5xf32>
      %probabilities = func.call @softmax(%vector)
                         : (tensor<5xf32>) -> tensor<5xf32>
      %re = tensor.empty() : tensor<1x7xf32>
      %r2 = tensor.insert_slice %at into %re[0, 0] [1, 2] [1, 1]
              : tensor<1x2xf32> into tensor<1x7xf32>
      %r = tensor.insert_slice %probabilities into %r2[0, 2] [1, 5] [1, 1]
             : tensor<5xf32> into tensor<1x7xf32>
      owg.yield %r : tensor<1x7xf32>
    }
    owg.yield %entry : tensor<1x7xf32>
  }

  // How many objects of each class, and the mean of the probabilities (0 in an
  // empty scene).
  %histogram, %mean = owg.task "summarise"(%o = %objects : tensor<?x7xf32>)
      -> (tensor<5xi64>, tensor<5xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c5 = arith.constant 5 : index
    %one = arith.constant 1 : i64
    %lowest = arith.constant 0xFF800000 : f32
    %zeros = arith.constant dense<0> : tensor<5xi64>
    %nones = arith.constant dense<0.0> : tensor<5xf32>
    %n = tensor.dim %o, %c0 : tensor<?x7xf32>
    %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%h = %zeros, %m = %nones)
        -> (tensor<5xi64>, tensor<5xf32>) {
      %best:2 = scf.for %j = %c0 to %c5 step %c1
          iter_args(%b = %lowest, %k = %c0) -> (f32, index) {
        %column = arith.addi %j, %c2 : index
        %v = tensor.extract %o[%i, %column] : tensor<?x7xf32>
        %better = arith.cmpf ogt, %v, %b : f32
        %nb = arith.select %better, %v, %b : f32
        %nk = arith.select %better, %j, %k : index
        scf.yield %nb, %nk : f32, index
      }
      %old = tensor.extract %h[%best#1] : tensor<5xi64>
      %new = arith.addi %old, %one : i64
      %h1 = tensor.insert %new into %h[%best#1] : tensor<5xi64>
      %p2 = tensor.extract_slice %o[%i, 2] [1, 5] [1, 1]
              : tensor<?x7xf32> to tensor<5xf32>
      %m1 = arith.addf %m, %p2 : tensor<5xf32>
      scf.yield %h1, %m1 : tensor<5xi64>, tensor<5xf32>
    }
    %divisor = arith.maxsi %n, %c1 : index
    %di = arith.index_cast %divisor : index to i64
    %df = arith.sitofp %di : i64 to f32
    %ds = tensor.splat %df : tensor<5xf32>
    %mean5 = arith.divf %r#1, %ds : tensor<5xf32>
    owg.yield %r#0, %mean5 : tensor<5xi64>, tensor<5xf32>
  }
  owg.return %objects, %histogram, %mean
    : tensor<?x7xf32>, tensor<5xi64>, tensor<5xf32>
}
