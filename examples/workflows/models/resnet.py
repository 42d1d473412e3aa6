#!/usr/bin/env python3
# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a ResNet image classifier as a workflow, on standard output.

The network is that of He, Zhang, Ren and Sun, "Deep residual learning for image
recognition" (CVPR 2016), table 1, depths 18 and 34: a 7x7 stem, four stages of
basic blocks, a linear head. Batch normalisation is folded into the convolutions,
as one does for inference: each is a convolution, a bias, and ReLU where the
network has one. One task block for the stem, one for each residual block, one for
the head. Images are height x width x channel. Weights are seeded: a convolution
of fan-in f is uniform in [-sqrt(6 / f), sqrt(6 / f)).

  resnet.py --depth 18 > resnet.mlir        11.7 M parameters, 1.8 G MAC an image
"""

import argparse
import math

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def parameters(options):
    """Name, shape, seed and scale of every weight, in order."""
    made = []

    def add(name, shape, fan_in):
        made.append((name, shape, 9000 + len(made), float("%.6g" % math.sqrt(6.0 / fan_in))))

    def conv(name, k, c, f):
        add(name + "_w", (k, k, c, f), k * k * c)
        add(name + "_b", (f,), 600.0)

    conv("stem", 7, 3, options.width)
    c = options.width
    for s, blocks in enumerate(STAGES[options.depth]):
        f = options.width << s
        for b in range(blocks):
            name = "s%db%d" % (s + 1, b + 1)
            conv(name + "_1", 3, c, f)
            # The second convolution is small, so that sums of many blocks stay
            # of the size of their inputs, as batch normalisation keeps them.
            add(name + "_2_w", (3, 3, f, f), 9 * f * 16)
            add(name + "_2_b", (f,), 600.0)
            if stride_of(s, b) != 1 or c != f:
                conv(name + "_p", 1, c, f)
            c = f
    add("head_w", (c, options.classes), c)
    add("head_b", (options.classes,), 600.0)
    return made


def stride_of(stage, block):
    return 2 if stage and not block else 1


def shape_text(shape):
    return "tensor<%sxf32>" % "x".join(map(str, shape)) if shape else "tensor<f32>"


class Writer:
    """Functions that convolutions share, by name; the body calls them."""

    def __init__(self):
        self.functions = {}

    def conv(self, h, c, f, k, stride, relu):
        """conv(x, w, b): padding (k - 1) / 2, bias first, ReLU last."""
        out = (h + stride - 1) // stride
        name = "conv%d_%dx%dx%d_%d_s%d%s" % (k, h, h, c, f, stride, "_relu" if relu else "")
        if name in self.functions:
            return name, out
        x, w = shape_text((h, h, c)), shape_text((k, k, c, f))
        b, y = shape_text((f,)), shape_text((out, out, f))
        y4 = shape_text((1, out, out, f))
        # As much as the windows need: a stride of 2 leaves the last line out.
        low = (k - 1) // 2
        padded = (out - 1) * stride + k
        high = max(padded - h - low, 0)
        used = padded
        p = shape_text((low + h + high, low + h + high, c))
        text = "func.func private @%s(%%x: %s, %%w: %s, %%b: %s) -> %s {\n" % (name, x, w, b, y)
        text += "  %zero = arith.constant 0.0 : f32\n"
        source, source_type = "%x", x
        if low or high:
            text += (
                "  %%p = tensor.pad %%x low[%d, %d, 0] high[%d, %d, 0] {\n"
                "  ^bb0(%%i: index, %%j: index, %%k: index):\n"
                "    tensor.yield %%zero : f32\n  } : %s to %s\n" % (low, low, high, high, x, p)
            )
            source, source_type = "%p", p
        side = low + h + high
        if side != used:
            cut = shape_text((used, used, c))
            text += "  %%u = tensor.extract_slice %s[0, 0, 0] [%d, %d, %d] [1, 1, 1] : %s to %s\n" % (
                source, used, used, c, source_type, cut)
            source, source_type = "%u", cut
        x4 = shape_text((1, used, used, c))
        text += "  %%x4 = tensor.expand_shape %s [[0, 1], [2], [3]] output_shape [1, %d, %d, %d] : %s into %s\n" % (
            source, used, used, c, source_type, x4)
        text += "  %%e = tensor.empty() : %s\n" % y4
        text += (
            "  %%f = linalg.broadcast ins(%%b : %s) outs(%%e : %s) dimensions = [0, 1, 2]\n"
            % (b, y4)
        )
        text += (
            "  %%y4 = linalg.conv_2d_nhwc_hwcf {strides = dense<%d> : tensor<2xi64>, "
            "dilations = dense<1> : tensor<2xi64>}\n"
            "      ins(%%x4, %%w : %s, %s) outs(%%f : %s) -> %s\n" % (stride, x4, w, y4, y4)
        )
        text += "  %%y = tensor.collapse_shape %%y4 [[0, 1], [2], [3]] : %s into %s\n" % (y4, y)
        if relu:
            text += "  %%floor = arith.constant dense<0.0> : %s\n" % y
            text += "  %%r = arith.maximumf %%y, %%floor : %s\n" % y
        text += "  return %s : %s\n}\n" % ("%r" if relu else "%y", y)
        self.functions[name] = text
        return name, out

    def call(self, result, function, operands, types, out):
        return "    %%%s = func.call @%s(%s)\n      : (%s) -> %s\n" % (
            result,
            function,
            ", ".join("%" + o for o in operands),
            ", ".join(types),
            out,
        )


def pool_text(h, c, y):
    """3x3 maximum, stride 2, padding 1; inputs are not negative."""
    side = 2 * ((h + 1) // 2 - 1) + 3
    p = shape_text((side, side, c))
    o = (h + 1) // 2
    p4, y4 = shape_text((1, side, side, c)), shape_text((1, o, o, c))
    return (
        "    %%zero = arith.constant 0.0 : f32\n"
        "    %%pad = tensor.pad %%act low[1, 1, 0] high[%d, %d, 0] {\n"
        "    ^bb0(%%i: index, %%j: index, %%k: index):\n"
        "      tensor.yield %%zero : f32\n    } : %s to %s\n" % (side - 1 - h, side - 1 - h, shape_text((h, h, c)), p)
        + "    %%pad4 = tensor.expand_shape %%pad [[0, 1], [2], [3]] output_shape [1, %d, %d, %d] : %s into %s\n"
        % (side, side, c, p, p4)
        + "    %%window = tensor.empty() : tensor<3x3xf32>\n"
        "    %%e = tensor.empty() : %s\n"
        "    %%f = linalg.fill ins(%%zero : f32) outs(%%e : %s) -> %s\n"
        "    %%y4 = linalg.pooling_nhwc_max {strides = dense<2> : tensor<2xi64>, "
        "dilations = dense<1> : tensor<2xi64>}\n"
        "        ins(%%pad4, %%window : %s, tensor<3x3xf32>) outs(%%f : %s) -> %s\n" % (y4, y4, y4, p4, y4, y4)
        + "    %%pooled = tensor.collapse_shape %%y4 [[0, 1], [2], [3]] : %s into %s\n" % (y4, y)
        + "    owg.yield %%pooled : %s\n" % y
    )


def write(options):
    weights = parameters(options)
    shapes = {name: shape for name, shape, _, _ in weights}
    writer = Writer()
    body = ""

    def task(label, result, inputs, names, text, out):
        """A task of values and weights; names are what its body calls them."""
        nonlocal body
        for _, value in inputs:
            if value in shapes:
                body += "  %%%s = owg.get_weight @%s : %s\n" % (value, value, shape_text(shapes[value]))
        listed = ", ".join("%%%s = %%%s : %s" % (n, v, names[n]) for n, v in inputs)
        body += '  %%%s = owg.task "%s"(%s)\n      -> %s {\n%s  }\n' % (result, label, listed, out, text)

    h, c = options.image, options.width
    image = shape_text((h, h, 3))
    function, h1 = writer.conv(h, 3, c, 7, 2, True)
    h2 = (h1 + 1) // 2
    act, out = shape_text((h1, h1, c)), shape_text((h2, h2, c))
    types = {"x": image, "w": shape_text(shapes["stem_w"]), "b": shape_text(shapes["stem_b"])}
    text = writer.call("act", function, "xwb", [types[n] for n in "xwb"], act)
    text += pool_text(h1, c, out)
    task("stem", "v0", [("x", "image"), ("w", "stem_w"), ("b", "stem_b")], types, text, out)
    h, value, number = h2, "v0", 0
    for s, blocks in enumerate(STAGES[options.depth]):
        f = options.width << s
        for b in range(blocks):
            name, stride = "s%db%d" % (s + 1, b + 1), stride_of(s, b)
            x = shape_text((h, h, c))
            one, o = writer.conv(h, c, f, 3, stride, True)
            two, _ = writer.conv(o, f, f, 3, 1, False)
            y = shape_text((o, o, f))
            inputs = [("x", value)]
            types = {"x": x}
            for key in ("1", "2", "p"):
                for part in "wb":
                    weight = "%s_%s_%s" % (name, key, part)
                    if weight in shapes:
                        inputs.append((part + key, weight))
                        types[part + key] = shape_text(shapes[weight])
            text = writer.call("h", one, ["x", "w1", "b1"], [x, types["w1"], types["b1"]], y)
            text += writer.call("t", two, ["h", "w2", "b2"], [y, types["w2"], types["b2"]], y)
            short = "x"
            if "wp" in types:
                project, _ = writer.conv(h, c, f, 1, stride, False)
                text += writer.call("s", project, ["x", "wp", "bp"], [x, types["wp"], types["bp"]], y)
                short = "s"
            text += "    %%sum = arith.addf %%t, %%%s : %s\n" % (short, y)
            text += "    %%floor = arith.constant dense<0.0> : %s\n" % y
            text += "    %%r = arith.maximumf %%sum, %%floor : %s\n    owg.yield %%r : %s\n" % (y, y)
            number += 1
            task(name, "v%d" % number, inputs, types, text, y)
            h, c, value = o, f, "v%d" % number
    x, v = shape_text((h, h, c)), shape_text((c,))
    w, y = shape_text(shapes["head_w"]), shape_text(shapes["head_b"])
    text = (
        "    %%zero = arith.constant 0.0 : f32\n"
        "    %%e = tensor.empty() : %s\n"
        "    %%f = linalg.fill ins(%%zero : f32) outs(%%e : %s) -> %s\n"
        "    %%sum = linalg.reduce { arith.addf } ins(%%x : %s) outs(%%f : %s) dimensions = [0, 1]\n"
        "    %%count = arith.constant dense<%d.0> : %s\n"
        "    %%mean = arith.divf %%sum, %%count : %s\n"
        "    %%y = linalg.vecmat ins(%%mean, %%w : %s, %s) outs(%%b : %s) -> %s\n"
        "    owg.yield %%y : %s\n" % (v, v, v, x, v, h * h, v, v, v, w, y, y, y)
    )
    task("head", "scores", [("x", value), ("w", "head_w"), ("b", "head_b")],
         {"x": x, "w": w, "b": y}, text, y)

    total = sum(math.prod(shape) for _, shape, _, _ in weights)
    print("// ResNet-%d, %dx%d images, %d classes: %d parameters. Written by resnet.py." % (
        options.depth, options.image, options.image, options.classes, total))
    for name, shape, seed, scale in weights:
        print("owg.weight @%s : %s seed %d scale %r" % (name, shape_text(shape), seed, scale))
    for text in writer.functions.values():
        print("\n" + text, end="")
    print('\nowg.workflow @resnet(%%image: %s {owg.name = "image"})\n    -> (%s {owg.name = "scores"}) {' % (image, y))
    print(body + "  owg.return %%scores : %s\n}" % y)


def options_of(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depth", type=int, choices=sorted(STAGES), default=18)
    parser.add_argument("--image", type=int, default=224, help="height and width, a multiple of 32")
    parser.add_argument("--width", type=int, default=64, help="channels of the first stage")
    parser.add_argument("--classes", type=int, default=1000)
    options = parser.parse_args(arguments)
    if options.image % 32 or options.image < 32 or options.width < 1 or options.classes < 1:
        parser.error("--image is a multiple of 32, --width and --classes are from 1")
    return options


if __name__ == "__main__":
    write(options_of())
