//===- listen.mlir - Letters of speech, frame by frame ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An acoustic model: 256 frames of 80 mel features each are normalised, go
// through three layers and become a distribution over 32 letters. The last
// task tells how much of the speech each letter takes.
//
// Every layer works on frames by themselves, so that each can begin when its
// first frames are there: the compiler finds this out from the bodies and
// streams the flows between them (octo-compile --explain=encode; --no-streams
// for the comparison). Only the last task needs all frames for its result.
//
//===----------------------------------------------------------------------===//

owg.weight @front : tensor<80x256xf32> seed 11 scale 0.2
owg.weight @first : tensor<256x256xf32> seed 12 scale 0.1
owg.weight @second : tensor<256x256xf32> seed 13 scale 0.1
owg.weight @out : tensor<256x32xf32> seed 14 scale 0.2

owg.workflow @listen(%frames: tensor<256x80xf32> {owg.name = "frames"})
    -> (tensor<256x32xf32> {owg.name = "letters"},
        tensor<32xf32> {owg.name = "usage"}) {
  %w0 = owg.get_weight @front : tensor<80x256xf32>
  %w1 = owg.get_weight @first : tensor<256x256xf32>
  %w2 = owg.get_weight @second : tensor<256x256xf32>
  %w3 = owg.get_weight @out : tensor<256x32xf32>

  // Each frame less its mean.
  %n = owg.task "normalise"(%x = %frames : tensor<256x80xf32>)
      -> tensor<256x80xf32> {
    %zero = arith.constant dense<0.0> : tensor<256xf32>
    %count = arith.constant 80.0 : f32
    %sums = linalg.generic {
        indexing_maps = [affine_map<(t, f) -> (t, f)>,
                         affine_map<(t, f) -> (t)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<256x80xf32>) outs(%zero : tensor<256xf32>) {
    ^bb0(%v: f32, %s: f32):
      %a = arith.addf %s, %v : f32
      linalg.yield %a : f32
    } -> tensor<256xf32>
    %e = tensor.empty() : tensor<256x80xf32>
    %y = linalg.generic {
        indexing_maps = [affine_map<(t, f) -> (t, f)>,
                         affine_map<(t, f) -> (t)>,
                         affine_map<(t, f) -> (t, f)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%x, %sums : tensor<256x80xf32>, tensor<256xf32>)
        outs(%e : tensor<256x80xf32>) {
    ^bb0(%v: f32, %s: f32, %o: f32):
      %mean = arith.divf %s, %count : f32
      %d = arith.subf %v, %mean : f32
      linalg.yield %d : f32
    } -> tensor<256x80xf32>
    owg.yield %y : tensor<256x80xf32>
  }

  %p = owg.task "project"(%x = %n : tensor<256x80xf32>,
                          %w = %w0 : tensor<80x256xf32>)
      -> tensor<256x256xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x256xf32>
    %y = linalg.matmul
        ins(%x, %w : tensor<256x80xf32>, tensor<80x256xf32>)
        outs(%zeros : tensor<256x256xf32>) -> tensor<256x256xf32>
    %r = arith.maximumf %y, %zeros : tensor<256x256xf32>
    owg.yield %r : tensor<256x256xf32>
  }

  %h = owg.task "encode"(%x = %p : tensor<256x256xf32>,
                         %w = %w1 : tensor<256x256xf32>)
      -> tensor<256x256xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x256xf32>
    %y = linalg.matmul
        ins(%x, %w : tensor<256x256xf32>, tensor<256x256xf32>)
        outs(%zeros : tensor<256x256xf32>) -> tensor<256x256xf32>
    %r = arith.maximumf %y, %zeros : tensor<256x256xf32>
    owg.yield %r : tensor<256x256xf32>
  }

  %g = owg.task "refine"(%x = %h : tensor<256x256xf32>,
                         %w = %w2 : tensor<256x256xf32>)
      -> tensor<256x256xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x256xf32>
    %y = linalg.matmul
        ins(%x, %w : tensor<256x256xf32>, tensor<256x256xf32>)
        outs(%zeros : tensor<256x256xf32>) -> tensor<256x256xf32>
    %r = arith.maximumf %y, %zeros : tensor<256x256xf32>
    owg.yield %r : tensor<256x256xf32>
  }

  %letters = owg.task "letters"(%x = %g : tensor<256x256xf32>,
                                %w = %w3 : tensor<256x32xf32>)
      -> tensor<256x32xf32> {
    %zeros = arith.constant dense<0.0> : tensor<256x32xf32>
    %y = linalg.matmul
        ins(%x, %w : tensor<256x256xf32>, tensor<256x32xf32>)
        outs(%zeros : tensor<256x32xf32>) -> tensor<256x32xf32>
    // The softmax of each frame.
    %low = arith.constant dense<-1.0e30> : tensor<256xf32>
    %most = linalg.generic {
        indexing_maps = [affine_map<(t, c) -> (t, c)>,
                         affine_map<(t, c) -> (t)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%y : tensor<256x32xf32>) outs(%low : tensor<256xf32>) {
    ^bb0(%v: f32, %m: f32):
      %a = arith.maximumf %m, %v : f32
      linalg.yield %a : f32
    } -> tensor<256xf32>
    %e = tensor.empty() : tensor<256x32xf32>
    %parts = linalg.generic {
        indexing_maps = [affine_map<(t, c) -> (t, c)>,
                         affine_map<(t, c) -> (t)>,
                         affine_map<(t, c) -> (t, c)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%y, %most : tensor<256x32xf32>, tensor<256xf32>)
        outs(%e : tensor<256x32xf32>) {
    ^bb0(%v: f32, %m: f32, %o: f32):
      %d = arith.subf %v, %m : f32
      %a = math.exp %d : f32
      linalg.yield %a : f32
    } -> tensor<256x32xf32>
    %zero = arith.constant dense<0.0> : tensor<256xf32>
    %sums = linalg.generic {
        indexing_maps = [affine_map<(t, c) -> (t, c)>,
                         affine_map<(t, c) -> (t)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%parts : tensor<256x32xf32>) outs(%zero : tensor<256xf32>) {
    ^bb0(%v: f32, %s: f32):
      %a = arith.addf %s, %v : f32
      linalg.yield %a : f32
    } -> tensor<256xf32>
    %p = linalg.generic {
        indexing_maps = [affine_map<(t, c) -> (t, c)>,
                         affine_map<(t, c) -> (t)>,
                         affine_map<(t, c) -> (t, c)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%parts, %sums : tensor<256x32xf32>, tensor<256xf32>)
        outs(%e : tensor<256x32xf32>) {
    ^bb0(%v: f32, %s: f32, %o: f32):
      %a = arith.divf %v, %s : f32
      linalg.yield %a : f32
    } -> tensor<256x32xf32>
    owg.yield %p : tensor<256x32xf32>
  }

  %usage = owg.task "usage"(%x = %letters : tensor<256x32xf32>)
      -> tensor<32xf32> {
    %zero = arith.constant dense<0.0> : tensor<32xf32>
    %y = linalg.generic {
        indexing_maps = [affine_map<(t, c) -> (t, c)>,
                         affine_map<(t, c) -> (c)>],
        iterator_types = ["reduction", "parallel"]}
        ins(%x : tensor<256x32xf32>) outs(%zero : tensor<32xf32>) {
    ^bb0(%v: f32, %s: f32):
      %count = arith.constant 256.0 : f32
      %part = arith.divf %v, %count : f32
      %a = arith.addf %s, %part : f32
      linalg.yield %a : f32
    } -> tensor<32xf32>
    owg.yield %y : tensor<32xf32>
  }

  owg.return %letters, %usage : tensor<256x32xf32>, tensor<32xf32>
}
