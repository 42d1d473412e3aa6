#!/usr/bin/env python3
# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a transformer decoder with a key-value cache as a workflow.

Layers as in GPT-2 (Radford et al., 2019): layer norm, attention, residual, layer
norm, feed-forward with the tanh form of GELU, residual; a last layer norm. The
prompt is a matrix of hidden states (run-time length); every layer reads it as a
whole, which fills its cache of keys and values, and then one state after the
other is decoded: the state that leaves the last layer norm is the next one that
enters, `steps` times, and the caches grow by a row each time. Embedding and
vocabulary are left out: they would add memory and no kind of work. Task blocks:
attention and feed-forward of each layer, for the prompt and for a step; all
layers share four kernels. Weights are seeded, uniform in [-scale, scale).

  decoder.py --layers 4 > decoder.mlir      28.4 M parameters at width 768
"""

import argparse
import math


def parameters(options):
    """Name, shape, seed and scale of every weight, in order."""
    d, f = options.width, options.ffn
    made = []

    def add(name, shape, scale):
        made.append((name, shape, 7000 + len(made), float("%.6g" % scale)))

    for i in range(options.layers):
        layer = "l%d_" % i
        # Variance 1 / fan-in; what is added to the residual is divided by the
        # square root of the number of residual layers, as GPT-2 does.
        residual = math.sqrt(2 * options.layers)
        add(layer + "qkv_w", (d, 3 * d), math.sqrt(3 / d))
        add(layer + "qkv_b", (3 * d,), 0.1)
        add(layer + "out_w", (d, d), math.sqrt(3 / d) / residual)
        add(layer + "out_b", (d,), 0.1)
        add(layer + "up_w", (d, f), math.sqrt(3 / d))
        add(layer + "up_b", (f,), 0.1)
        add(layer + "down_w", (f, d), math.sqrt(3 / f) / residual)
        add(layer + "down_b", (d,), 0.1)
    return made


FUNCTIONS = """
// Each row less its mean, over its deviation: (x - m) / sqrt(v + 1e-5).
func.func private @layer_norm(%x: @ND@) -> @ND@ {
  %zero = arith.constant 0.0 : f32
  %width = arith.constant @D@.0 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : @ND@
  %re = tensor.empty(%n) : tensor<?xf32>
  %rf = linalg.fill ins(%zero : f32) outs(%re : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : @ND@) outs(%rf : tensor<?xf32>) dimensions = [1]
  %e = tensor.empty(%n) : @ND@
  %centred = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : @ND@, tensor<?xf32>) outs(%e : @ND@) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %m = arith.divf %s, %width : f32
    %r = arith.subf %v, %m : f32
    linalg.yield %r : f32
  } -> @ND@
  %squares = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%centred : @ND@) outs(%rf : tensor<?xf32>) {
  ^bb0(%v: f32, %o: f32):
    %q = arith.mulf %v, %v : f32
    %r = arith.addf %o, %q : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%centred, %squares : @ND@, tensor<?xf32>) outs(%e : @ND@) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %variance = arith.divf %s, %width : f32
    %shifted = arith.addf %variance, %epsilon : f32
    %deviation = math.sqrt %shifted : f32
    %r = arith.divf %v, %deviation : f32
    linalg.yield %r : f32
  } -> @ND@
  return %y : @ND@
}

// Attention of the rows of %x, which come after the rows of the caches: row i
// sees the old rows and the new ones up to itself. The caches with the new rows.
func.func private @attention(%x: @ND@, %keys: @CACHE@, %values: @CACHE@,
    %w: tensor<@D@x@D3@xf32>, %b: tensor<@D3@xf32>,
    %wo: tensor<@D@x@D@xf32>, %bo: tensor<@D@xf32>) -> (@ND@, @CACHE@, @CACHE@) {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %scale = arith.constant @SCALE@ : f32
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : @ND@
  %old = tensor.dim %keys, %c0 : @CACHE@
  %all = arith.addi %old, %n : index
  %norm = func.call @layer_norm(%x) : (@ND@) -> @ND@
  %qe = tensor.empty(%n) : tensor<?x@D3@xf32>
  %qb = linalg.broadcast ins(%b : tensor<@D3@xf32>) outs(%qe : tensor<?x@D3@xf32>) dimensions = [0]
  %qkv = linalg.matmul ins(%norm, %w : @ND@, tensor<@D@x@D3@xf32>)
           outs(%qb : tensor<?x@D3@xf32>) -> tensor<?x@D3@xf32>
  %heads = tensor.expand_shape %qkv [[0], [1, 2, 3]] output_shape [%n, 3, @H@, @HD@]
             : tensor<?x@D3@xf32> into tensor<?x3x@H@x@HD@xf32>
  %q = tensor.extract_slice %heads[0, 0, 0, 0] [%n, 1, @H@, @HD@] [1, 1, 1, 1]
         : tensor<?x3x@H@x@HD@xf32> to @CACHE@
  %k = tensor.extract_slice %heads[0, 1, 0, 0] [%n, 1, @H@, @HD@] [1, 1, 1, 1]
         : tensor<?x3x@H@x@HD@xf32> to @CACHE@
  %v = tensor.extract_slice %heads[0, 2, 0, 0] [%n, 1, @H@, @HD@] [1, 1, 1, 1]
         : tensor<?x3x@H@x@HD@xf32> to @CACHE@
  %ce = tensor.empty(%all) : @CACHE@
  %k0 = tensor.insert_slice %keys into %ce[0, 0, 0] [%old, @H@, @HD@] [1, 1, 1]
          : @CACHE@ into @CACHE@
  %k1 = tensor.insert_slice %k into %k0[%old, 0, 0] [%n, @H@, @HD@] [1, 1, 1]
          : @CACHE@ into @CACHE@
  %v0 = tensor.insert_slice %values into %ce[0, 0, 0] [%old, @H@, @HD@] [1, 1, 1]
          : @CACHE@ into @CACHE@
  %v1 = tensor.insert_slice %v into %v0[%old, 0, 0] [%n, @H@, @HD@] [1, 1, 1]
          : @CACHE@ into @CACHE@
  %se = tensor.empty(%n, %all) : tensor<@H@x?x?xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%se : tensor<@H@x?x?xf32>) -> tensor<@H@x?x?xf32>
  %products = linalg.generic {
      indexing_maps = [affine_map<(h, i, t, d) -> (i, h, d)>,
                       affine_map<(h, i, t, d) -> (t, h, d)>,
                       affine_map<(h, i, t, d) -> (h, i, t)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k1 : @CACHE@, @CACHE@) outs(%sf : tensor<@H@x?x?xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> tensor<@H@x?x?xf32>
  %scores = linalg.generic {
      indexing_maps = [affine_map<(h, i, t) -> (h, i, t)>, affine_map<(h, i, t) -> (h, i, t)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%products : tensor<@H@x?x?xf32>) outs(%se : tensor<@H@x?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 1 : index
    %t = linalg.index 2 : index
    %last = arith.addi %i, %old : index
    %seen = arith.cmpi ule, %t, %last : index
    %s = arith.mulf %a, %scale : f32
    %r = arith.select %seen, %s, %lowest : f32
    linalg.yield %r : f32
  } -> tensor<@H@x?x?xf32>
  %soft = linalg.softmax dimension(2) ins(%scores : tensor<@H@x?x?xf32>)
            outs(%se : tensor<@H@x?x?xf32>) -> tensor<@H@x?x?xf32>
  %me = tensor.empty(%n) : @CACHE@
  %mf = linalg.fill ins(%zero : f32) outs(%me : @CACHE@) -> @CACHE@
  %mixed = linalg.generic {
      indexing_maps = [affine_map<(i, h, d, t) -> (h, i, t)>,
                       affine_map<(i, h, d, t) -> (t, h, d)>,
                       affine_map<(i, h, d, t) -> (i, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%soft, %v1 : tensor<@H@x?x?xf32>, @CACHE@) outs(%mf : @CACHE@) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %r = arith.addf %o, %p : f32
    linalg.yield %r : f32
  } -> @CACHE@
  %flat = tensor.collapse_shape %mixed [[0], [1, 2]] : @CACHE@ into @ND@
  %oe = tensor.empty(%n) : @ND@
  %ob = linalg.broadcast ins(%bo : tensor<@D@xf32>) outs(%oe : @ND@) dimensions = [0]
  %out = linalg.matmul ins(%flat, %wo : @ND@, tensor<@D@x@D@xf32>) outs(%ob : @ND@) -> @ND@
  %y = arith.addf %x, %out : @ND@
  return %y, %k1, %v1 : @ND@, @CACHE@, @CACHE@
}

// GELU, tanh form: h / 2 (1 + tanh(sqrt(2 / pi) (h + 0.044715 h^3))).
func.func private @feed_forward(%x: @ND@, %up: tensor<@D@x@F@xf32>, %bu: tensor<@F@xf32>,
    %down: tensor<@F@x@D@xf32>, %bd: tensor<@D@xf32>) -> @ND@ {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : @ND@
  %norm = func.call @layer_norm(%x) : (@ND@) -> @ND@
  %he = tensor.empty(%n) : tensor<?x@F@xf32>
  %hb = linalg.broadcast ins(%bu : tensor<@F@xf32>) outs(%he : tensor<?x@F@xf32>) dimensions = [0]
  %h = linalg.matmul ins(%norm, %up : @ND@, tensor<@D@x@F@xf32>)
         outs(%hb : tensor<?x@F@xf32>) -> tensor<?x@F@xf32>
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %cubic = arith.constant 0.044715 : f32
  %root = arith.constant 0.797884583 : f32
  %gelu = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<?x@F@xf32>) outs(%he : tensor<?x@F@xf32>) {
  ^bb0(%v: f32, %o: f32):
    %v2 = arith.mulf %v, %v : f32
    %v3 = arith.mulf %v2, %v : f32
    %c = arith.mulf %v3, %cubic : f32
    %inner = arith.addf %v, %c : f32
    %s = arith.mulf %inner, %root : f32
    %t = math.tanh %s : f32
    %t1 = arith.addf %t, %one : f32
    %hv = arith.mulf %v, %half : f32
    %r = arith.mulf %hv, %t1 : f32
    linalg.yield %r : f32
  } -> tensor<?x@F@xf32>
  %e = tensor.empty(%n) : @ND@
  %b = linalg.broadcast ins(%bd : tensor<@D@xf32>) outs(%e : @ND@) dimensions = [0]
  %z = linalg.matmul ins(%gelu, %down : tensor<?x@F@xf32>, tensor<@F@x@D@xf32>)
         outs(%b : @ND@) -> @ND@
  %y = arith.addf %x, %z : @ND@
  return %y : @ND@
}
"""


def shape_text(shape):
    return "tensor<%sxf32>" % "x".join(map(str, shape))


def write(options):
    d, heads, layers = options.width, options.heads, options.layers
    weights = parameters(options)
    shapes = {name: shape_text(shape) for name, shape, _, _ in weights}
    nd, cache = "tensor<?x%dxf32>" % d, "tensor<?x%dx%dxf32>" % (heads, d // heads)

    def fill(text):
        for key, value in (
            ("@ND@", nd), ("@CACHE@", cache), ("@D@", d), ("@D3@", 3 * d), ("@F@", options.ffn),
            ("@H@", heads), ("@HD@", d // heads), ("@SCALE@", repr(1 / math.sqrt(d // heads))),
        ):
            text = text.replace(key, str(value))
        return text

    def layer(i, x, keys, values, label, out, indent):
        """Both task blocks of a layer: reads %x and caches, makes %out and caches."""
        w = {n: "l%d_%s" % (i, n) for n in
             ("qkv_w", "qkv_b", "out_w", "out_b", "up_w", "up_b", "down_w", "down_b")}
        attention = [(x, nd), (keys, cache), (values, cache)] + [
            ("w_" + w[n], shapes[w[n]]) for n in ("qkv_w", "qkv_b", "out_w", "out_b")]
        ffn = [("%s_a" % out, nd)] + [
            ("w_" + w[n], shapes[w[n]]) for n in ("up_w", "up_b", "down_w", "down_b")]

        def task(results, name, function, inputs, types):
            return "%s%s = owg.task \"%s\"(%s)\n%s    -> (%s) calls @%s\n" % (
                indent, ", ".join("%" + r for r in results), name,
                ", ".join("%%%s : %s" % (v, t) for v, t in inputs),
                indent, ", ".join(types), function)

        return task(["%s_a" % out, "%s_k" % out, "%s_v" % out], "%s.l%d.attention" % (label, i),
                    "attention", attention, [nd, cache, cache]) + task(
            [out], "%s.l%d.ffn" % (label, i), "feed_forward", ffn, [nd])

    total = sum(math.prod(shape) for _, shape, _, _ in weights)
    print("// A decoder of %d layers of %d: %d parameters. Written by decoder.py." % (layers, d, total))
    for name, _, seed, scale in weights:
        print("owg.weight @%s : %s seed %d scale %r" % (name, shapes[name], seed, scale))
    print(fill(FUNCTIONS))
    print('owg.workflow @decoder(%%prompt: %s {owg.name = "prompt"}, %%steps: i64 {owg.name = "steps"})\n'
          '    -> (%s {owg.name = "hidden"}, %s {owg.name = "keys"}) {' % (nd, nd, cache))
    for name, _, _, _ in weights:
        print("  %%w_%s = owg.get_weight @%s : %s" % (name, name, shapes[name]))
    print('  %%none = owg.task "empty"() -> %s {\n'
          "    %%c0 = arith.constant 0 : index\n"
          "    %%zero = arith.constant 0.0 : f32\n"
          "    %%e = tensor.empty(%%c0) : %s\n"
          "    %%f = linalg.fill ins(%%zero : f32) outs(%%e : %s) -> %s\n"
          "    owg.yield %%f : %s\n  }" % (cache, cache, cache, cache, cache))
    x = "prompt"
    for i in range(layers):
        print(layer(i, x, "none", "none", "prompt", "p%d" % i, "  "), end="")
        x = "p%d" % i
    # The last row of the prompt is the first state.
    print('  %%first, %%s0 = owg.task "last"(%%x = %%%s : %s) -> (%s, i64) {\n'
          "    %%c0 = arith.constant 0 : index\n    %%c1 = arith.constant 1 : index\n"
          "    %%n = tensor.dim %%x, %%c0 : %s\n    %%at = arith.subi %%n, %%c1 : index\n"
          "    %%row = tensor.extract_slice %%x[%%at, 0] [%%c1, %d] [1, 1] : %s to %s\n"
          "    %%y = func.call @layer_norm(%%row) : (%s) -> %s\n"
          "    %%zero = arith.constant 0 : i64\n"
          "    owg.yield %%y, %%zero : %s, i64\n  }" % (x, nd, nd, nd, d, nd, nd, nd, nd, nd))
    carried = [("h", "first", nd), ("s", "s0", "i64")]
    for i in range(layers):
        carried += [("k%d" % i, "p%d_k" % i, cache), ("v%d" % i, "p%d_v" % i, cache)]
    types = ", ".join(t for _, _, t in carried)
    print("  %s = owg.loop \"decode\"(\n      %s)\n      -> (%s) bound 4096\n  before {" % (
        ", ".join("%end_" + n for n, _, _ in carried),
        ",\n      ".join("%%c_%s = %%%s : %s" % (n, v, t) for n, v, t in carried), types))
    print("    %%more = arith.cmpi slt, %%c_s, %%steps : i64\n    owg.decide %%more : i1\n"
          "      forward(%s : %s)" % (", ".join("%c_" + n for n, _, _ in carried), types))
    print("  } after (%s) {" % ", ".join("%%%s : %s" % (n, t) for n, _, t in carried))
    x = "h"
    for i in range(layers):
        print(layer(i, x, "k%d" % i, "v%d" % i, "step", "d%d" % i, "    "), end="")
        x = "d%d" % i
    print('    %%next, %%s1 = owg.task "next"(%%x = %%%s : %s, %%k = %%s : i64) -> (%s, i64) {\n'
          "      %%y = func.call @layer_norm(%%x) : (%s) -> %s\n"
          "      %%one = arith.constant 1 : i64\n      %%k1 = arith.addi %%k, %%one : i64\n"
          "      owg.yield %%y, %%k1 : %s, i64\n    }" % (x, nd, nd, nd, nd, nd))
    results = ["next", "s1"]
    for i in range(layers):
        results += ["d%d_k" % i, "d%d_v" % i]
    print("    owg.yield %s : %s\n  }" % (", ".join("%" + r for r in results), types))
    print("  owg.return %%end_h, %%end_k%d : %s, %s\n}" % (layers - 1, nd, cache))


def options_of(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12, help="divides the width")
    parser.add_argument("--ffn", type=int, default=3072)
    options = parser.parse_args(arguments)
    if min(options.layers, options.width, options.heads, options.ffn) < 1 or options.width % options.heads:
        parser.error("all numbers are from 1, and --heads divides --width")
    return options


if __name__ == "__main__":
    write(options_of())
