# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generated task bodies: results are NumPy's, counted work is the closed form.

Each kind below writes a body for sizes that a seed draws, evaluates it with NumPy
and counts its work by hand, from the definitions of docs/timing-model.md alone: mac,
vector, special, scalar, bytes. One program holds a workflow of one task for each
body; octo-run executes it and reports the work that it charged, kernel by kernel.
"""

import json

import numpy as np
import pytest

import conftest

SEED = 20240521
CLASSES = ("mac", "vector", "special", "scalar", "bytes")
DTYPES = {
    "f16": np.float16, "f32": np.float32, "f64": np.float64,
    "i1": np.bool_, "i32": np.int32, "i64": np.int64,
}


class Dim:
    """A size, and the value that has it at run time (None: in the type)."""

    def __init__(self, size, name=None):
        self.size, self.name = size, name


class Value:
    def __init__(self, name, dims, element):
        self.name, self.dims, self.element = name, dims, element

    @property
    def type(self):
        if self.dims is None:
            return self.element
        shape = "".join("%sx" % ("?" if d.name else d.size) for d in self.dims)
        return "tensor<%s%s>" % (shape, self.element)


class Body:
    """Text of a body, the arrays it is called with, and its work."""

    def __init__(self, random, dynamic):
        self.random, self.dynamic = random, dynamic
        self.text, self.count = [], 0
        self.arguments, self.arrays, self.results = [], [], []
        self.functions = []
        self.work = dict.fromkeys(CLASSES, 0)

    def name(self):
        self.count += 1
        return "%%v%d" % self.count

    def line(self, text):
        self.text.append(text)

    def op(self, text, dims, element):
        result = Value(self.name(), dims, element)
        self.line("%s = %s" % (result.name, text.replace("@TYPE", result.type)))
        return result

    def size(self, low=2, high=9):
        return int(self.random.integers(low, high + 1))

    def argument(self, shape, element, dynamic=(), array=None):
        """A new argument; `dynamic` lists the sizes that are known at run time only."""
        if array is None and shape is not None:
            if element.startswith("i"):
                array = self.random.integers(-9, 10, shape).astype(DTYPES[element])
            else:
                array = self.random.uniform(-1, 1, shape).astype(DTYPES[element])
        array = np.asarray(array, DTYPES[element])
        value = Value("%%a%d" % len(self.arguments), None, element)
        if shape is not None:
            value.dims = [Dim(s) for s in shape]
            listed = [d for d in dynamic if self.dynamic]
            for d in listed:
                value.dims[d].name = "later"
            for d in listed:
                at = self.constant(d, "index")
                dim = self.name()
                self.line("%s = tensor.dim %s, %s : %s" % (dim, value.name, at.name, value.type))
                value.dims[d].name = dim
        self.arguments.append(value)
        self.arrays.append(array)
        return value

    def constant(self, value, element, dims=None):
        literal = str(value) if element.startswith("i") else repr(float(value))
        name = self.name()
        result = Value(name, dims, element)
        if dims is None:
            self.line("%s = arith.constant %s : %s" % (name, literal, element))
        else:
            self.line("%s = arith.constant dense<%s> : %s" % (name, literal, result.type))
        return result

    def empty(self, dims, element):
        sizes = ", ".join(d.name for d in dims if d.name)
        return self.op("tensor.empty(%s) : @TYPE" % sizes, dims, element)

    def filled(self, dims, element, value=0):
        c, e = self.constant(value, element), self.empty(dims, element)
        return self.op(
            "linalg.fill ins(%s : %s) outs(%s : %s) -> @TYPE" % (c.name, element, e.name, e.type),
            dims, element)

    def linalg(self, name, inputs, out, attributes=""):
        return self.op(
            "%s%s ins(%s : %s) outs(%s : %s) -> @TYPE" % (
                name, attributes, ", ".join(i.name for i in inputs),
                ", ".join(i.type for i in inputs), out.name, out.type),
            out.dims, out.element)

    def generic(self, inputs, out, loops, maps, reductions, lines):
        """lines: the body; %x0, %x1, ... are the inputs, %o the output, %r is yielded."""
        affine = ", ".join("affine_map<(%s) -> (%s)>" % (loops, m) for m in maps)
        iterators = ", ".join(
            '"%s"' % ("reduction" if l.strip() in reductions else "parallel") for l in loops.split(","))
        formals = ["%%x%d: %s" % (i, v.element) for i, v in enumerate(inputs)] + ["%%o: %s" % out.element]
        result = Value(self.name(), out.dims, out.element)
        ins = "ins(%s : %s) " % (", ".join(i.name for i in inputs), ", ".join(i.type for i in inputs)) if inputs else ""
        self.line(
            "%s = linalg.generic {indexing_maps = [%s], iterator_types = [%s]} %souts(%s : %s) {\n"
            "^bb0(%s):\n%s\nlinalg.yield %%r : %s\n} -> %s" % (
                result.name, affine, iterators, ins, out.name, out.type,
                ", ".join(formals), "\n".join(lines), out.element, out.type))
        return result

    def elementwise(self, op, *operands, element=None):
        first = operands[0]
        result = Value(self.name(), first.dims, element or first.element)
        self.line("%s = %s %s : %s" % (
            result.name, op, ", ".join(o.name for o in operands), first.type))
        return result

    def finish(self, results, expected):
        """Bytes are those of arguments and results, once."""
        self.results, self.expected = results, [np.asarray(e) for e in expected]
        for value, array in zip(self.arguments + results, self.arrays + self.expected):
            self.work["bytes"] += array.size * np.dtype(DTYPES[value.element]).itemsize


def add(kind, element):
    return ("arith.%sf" if element.startswith("f") else "arith.%si") % kind


# Kinds. Each takes a Body, writes it, and counts.


def matmul(b, element="f32", wide=None):
    m, n, k = b.size(), b.size(), b.size()
    x, y = b.argument((m, k), element, [0]), b.argument((k, n), element, [1])
    out = b.filled([x.dims[0], y.dims[1]], wide or element)
    b.work["mac"], b.work["vector"] = m * n * k, m * n
    p, q = (a.astype(DTYPES[wide or element]) for a in b.arrays)
    b.finish([b.linalg("linalg.matmul", [x, y], out)], [p @ q])


def batch_matmul(b, element="f32"):
    s, m, n, k = b.size(), b.size(), b.size(), b.size()
    x, y = b.argument((s, m, k), element, [0, 1]), b.argument((s, k, n), element, [0])
    out = b.filled([x.dims[0], x.dims[1], y.dims[2]], element)
    b.work["mac"], b.work["vector"] = s * m * n * k, s * m * n
    b.finish([b.linalg("linalg.batch_matmul", [x, y], out)], [b.arrays[0] @ b.arrays[1]])


def attention_scores(b):
    h, t, d = b.size(), b.size(), b.size()
    q, k = b.argument((h, d), "f32"), b.argument((t, h, d), "f32", [0])
    out = b.filled([q.dims[0], k.dims[0]], "f32")
    s = b.generic([q, k], out, "h, t, d", ["h, d", "t, h, d", "h, t"], "d",
                  ["%p = arith.mulf %x0, %x1 : f32", "%r = arith.addf %o, %p : f32"])
    b.work["mac"], b.work["vector"] = h * t * d, h * t
    b.finish([s], [np.einsum("hd,thd->ht", *b.arrays)])


def squared_distance(b):
    """(x - y)^2 summed: one mac and one subtraction a point."""
    m, k = b.size(), b.size()
    x, y = b.argument((m, k), "f32", [0]), b.argument((k,), "f32")
    out = b.filled([x.dims[0]], "f32")
    s = b.generic([x, y], out, "i, j", ["i, j", "j", "i"], "j", [
        "%d = arith.subf %x0, %x1 : f32", "%p = arith.mulf %d, %d : f32", "%r = arith.addf %o, %p : f32"])
    b.work["mac"], b.work["vector"] = m * k, m * k + m
    b.finish([s], [((b.arrays[0] - b.arrays[1]) ** 2).sum(1)])


def convolution(b, stride=1):
    n, c, f, k, o = b.size(1, 3), b.size(1, 4), b.size(1, 5), b.size(1, 3), b.size(2, 5)
    h = (o - 1) * stride + k
    x = b.argument((n, h, h, c), "f32", [0])
    w = b.argument((k, k, c, f), "f32")
    out = b.filled([x.dims[0], Dim(o), Dim(o), Dim(f)], "f32")
    y = b.linalg("linalg.conv_2d_nhwc_hwcf", [x, w], out,
                 " {strides = dense<%d> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}" % stride)
    view = np.lib.stride_tricks.sliding_window_view(b.arrays[0], (k, k), (1, 2))[:, ::stride, ::stride]
    b.work["mac"], b.work["vector"] = n * o * o * f * k * k * c, n * o * o * f
    b.finish([y], [np.einsum("nyxcij,ijcf->nyxf", view, b.arrays[1])])


def convolution_1d(b):
    """The length is known at run time only: n - k + 1 is a scalar operation."""
    c, f, k, o = b.size(1, 4), b.size(1, 4), b.size(2, 4), b.size(2, 8)
    x, w = b.argument((1, o + k - 1, c), "f32", [1]), b.argument((k, c, f), "f32")
    length = Dim(o)
    if b.dynamic:
        less = b.constant(k - 1, "index")
        length.name = b.op("arith.subi %s, %s : index" % (x.dims[1].name, less.name), None, "index").name
        b.work["scalar"] += 1
    out = b.filled([Dim(1), length, Dim(f)], "f32")
    y = b.linalg("linalg.conv_1d_nwc_wcf", [x, w], out)
    view = np.lib.stride_tricks.sliding_window_view(b.arrays[0], k, 1)
    b.work["mac"], b.work["vector"] = o * f * k * c, o * f
    b.finish([y], [np.einsum("nxci,icf->nxf", view, b.arrays[1])])


def depthwise(b):
    n, c, k, o = b.size(1, 3), b.size(1, 5), b.size(2, 3), b.size(2, 5)
    x, w = b.argument((n, o + k - 1, o + k - 1, c), "f32", [0]), b.argument((k, k, c), "f32")
    out = b.filled([x.dims[0], Dim(o), Dim(o), Dim(c)], "f32")
    y = b.linalg("linalg.depthwise_conv_2d_nhwc_hwc", [x, w], out)
    view = np.lib.stride_tricks.sliding_window_view(b.arrays[0], (k, k), (1, 2))
    b.work["mac"], b.work["vector"] = n * o * o * c * k * k, n * o * o * c
    b.finish([y], [np.einsum("nyxcij,ijc->nyxc", view, b.arrays[1])])


def pooling(b, kind="max"):
    n, c, k, o = b.size(1, 3), b.size(1, 5), b.size(2, 3), b.size(2, 5)
    x = b.argument((n, o * k, o * k, c), "f32", [0])
    window = b.empty([Dim(k), Dim(k)], "f32")
    out = b.filled([x.dims[0], Dim(o), Dim(o), Dim(c)], "f32", -1000 if kind == "max" else 0)
    y = b.linalg("linalg.pooling_nhwc_" + kind, [x, window], out,
                 " {strides = dense<%d> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}" % k)
    b.work["vector"] = n * o * o * c * k * k + n * o * o * c
    blocks = b.arrays[0].reshape(n, o, k, o, k, c)
    b.finish([y], [getattr(blocks, kind)(axis=(2, 4))])


def reduction(b, kind="add", element="f32"):
    m, n = b.size(), b.size()
    x = b.argument((m, n), element, [0, 1])
    operation = {"add": add("add", element), "max": "arith.maximumf" if element[0] == "f" else "arith.maxsi"}[kind]
    out = b.filled([x.dims[0]], element, 0 if kind == "add" else -1000)
    y = b.op("linalg.reduce { %s } ins(%s : %s) outs(%s : %s) dimensions = [1]" % (
        operation, x.name, x.type, out.name, out.type), out.dims, element)
    b.work["vector"] = m * n + m
    b.finish([y], [b.arrays[0].sum(1, dtype=DTYPES[element]) if kind == "add" else b.arrays[0].max(1)])


def elementwise(b, element="f32"):
    m, n = b.size(), b.size()
    x, y = b.argument((m, n), element, [0]), b.argument((m, n), element, [0])
    total = b.elementwise(add("add", element), x, y)
    product = b.elementwise(add("mul", element), total, x)
    less = b.elementwise(add("sub", element), product, y)
    p, q = b.arrays
    b.work["vector"] = 3 * m * n
    b.finish([less], [((p + q) * p - q).astype(p.dtype)])


def masked(b):
    m, n = b.size(), b.size()
    x, y = b.argument((m, n), "f32", [1]), b.argument((m, n), "f32", [1])
    mask = b.elementwise("arith.cmpf olt,", x, y, element="i1")
    r = b.op("arith.select %s, %s, %s : %s, %s" % (mask.name, x.name, y.name, mask.type, x.type), x.dims, "f32")
    b.work["vector"] = 2 * m * n
    b.finish([r], [np.minimum(*b.arrays)])


def special(b, element="f32"):
    m, n = b.size(), b.size()
    x = b.argument((m, n), element, [0], b.random.uniform(0.5, 2, (m, n)))
    root = b.elementwise("math.sqrt", x)
    wave = b.elementwise("math.exp", root)
    ratio = b.elementwise("arith.divf", wave, x)
    shape = b.elementwise("math.tanh", ratio)
    size = b.elementwise("math.absf", shape)
    a = b.arrays[0].astype(np.float64)
    b.work["special"], b.work["vector"] = 4 * m * n, m * n
    b.finish([size], [np.abs(np.tanh(np.exp(np.sqrt(a)) / a)).astype(DTYPES[element])])


def integer_division(b, element="i32"):
    n = b.size()
    x = b.argument((n,), element, [0])
    y = b.argument((n,), element, [0], b.random.integers(1, 6, n))
    q = b.elementwise("arith.divsi", x, y)
    r = b.elementwise("arith.remsi", x, y)
    b.work["special"] = 2 * n
    p, d = b.arrays
    quotient = (np.sign(p) * (np.abs(p) // d)).astype(p.dtype)
    b.finish([q, r], [quotient, p - quotient * d])


def bias(b):
    m, n = b.size(), b.size()
    x, v = b.argument((m, n), "f32", [0]), b.argument((n,), "f32")
    y = b.generic([x, v], b.empty(x.dims, "f32"), "i, j", ["i, j", "j", "i, j"], "", [
        "%s = arith.addf %x0, %x1 : f32", "%z = arith.constant 0.0 : f32", "%r = arith.maximumf %s, %z : f32"])
    b.work["vector"] = 2 * m * n
    b.finish([y], [np.maximum(b.arrays[0] + b.arrays[1], 0)])


def softmax(b):
    m, n = b.size(), b.size()
    x = b.argument((m, n), "f32", [0, 1])
    y = b.linalg("linalg.softmax dimension(1)", [x], b.empty(x.dims, "f32"))
    e = np.exp(b.arrays[0] - b.arrays[0].max(1, keepdims=True))
    b.work["vector"], b.work["special"] = 3 * m * n, 2 * m * n
    b.finish([y], [e / e.sum(1, keepdims=True)])


def layer_norm(b):
    m, n = b.size(), b.size()
    x = b.argument((m, n), "f32", [0])
    zeros = b.filled([x.dims[0]], "f32")
    total = b.op("linalg.reduce { arith.addf } ins(%s : %s) outs(%s : %s) dimensions = [1]" % (
        x.name, x.type, zeros.name, zeros.type), zeros.dims, "f32")
    centred = b.generic([x, total], b.empty(x.dims, "f32"), "i, j", ["i, j", "i", "i, j"], "", [
        "%w = arith.constant " + repr(float(n)) + " : f32", "%m = arith.divf %x1, %w : f32",
        "%r = arith.subf %x0, %m : f32"])
    squares = b.generic([centred], zeros, "i, j", ["i, j", "i"], "j", [
        "%p = arith.mulf %x0, %x0 : f32", "%r = arith.addf %o, %p : f32"])
    y = b.generic([centred, squares], b.empty(x.dims, "f32"), "i, j", ["i, j", "i", "i, j"], "", [
        "%w = arith.constant " + repr(float(n)) + " : f32", "%v = arith.divf %x1, %w : f32",
        "%e = arith.constant 1.0e-5 : f32", "%s = arith.addf %v, %e : f32",
        "%q = math.rsqrt %s : f32", "%r = arith.mulf %x0, %q : f32"])
    a = b.arrays[0].astype(np.float64)
    c = a - a.mean(1, keepdims=True)
    # fill, sum; subtraction; squares; addition and product. Two divisions, a root.
    b.work["vector"] = m + m * n + m * n + 2 * m * n
    b.work["mac"], b.work["special"] = m * n, 3 * m * n
    b.finish([y], [(c / np.sqrt((c * c).mean(1, keepdims=True) + 1e-5)).astype(np.float32)])


def gather(b):
    """Each element is an index cast and an extraction."""
    rows, n, w = b.size(), b.size(), b.size()
    table = b.argument((rows, w), "f32", [0])
    index = b.argument((n,), "i64", [0], b.random.integers(0, rows, n))
    y = b.generic([index], b.empty([index.dims[0], table.dims[1]], "f32"), "i, j", ["i", "i, j"], "", [
        "%at = arith.index_cast %x0 : i64 to index", "%j = linalg.index 1 : index",
        "%%r = tensor.extract %s[%%at, %%j] : %s" % (table.name, table.type)])
    b.work["vector"] = 2 * n * w
    b.finish([y], [b.arrays[0][b.arrays[1]]])


def transpose(b, element="f32"):
    l, m, n = b.size(), b.size(), b.size()
    x = b.argument((l, m, n), element, [0, 2])
    dims = [x.dims[2], x.dims[0], x.dims[1]]
    out = b.empty(dims, element)
    y = b.op("linalg.transpose ins(%s : %s) outs(%s : %s) permutation = [2, 0, 1]" % (
        x.name, x.type, out.name, out.type), dims, element)
    b.work["vector"] = l * m * n
    b.finish([y], [b.arrays[0].transpose(2, 0, 1)])


def slices(b):
    """A pad writes its result, a slice that is cut out and one that is put in move."""
    m, n = b.size(3, 9), b.size(3, 9)
    x = b.argument((m, n), "f32", [0])
    zero = b.constant(0, "f32")
    tall = Dim(m + 2)
    if b.dynamic:
        two = b.constant(2, "index")
        tall.name = b.op("arith.addi %s, %s : index" % (x.dims[0].name, two.name), None, "index").name
        b.work["scalar"] += 1
    padded = Value(b.name(), [tall, Dim(n + 1)], "f32")
    b.line("%s = tensor.pad %s low[1, 0] high[1, 1] {\n^bb0(%%i: index, %%j: index):\ntensor.yield %s : f32\n} : %s to %s" % (
        padded.name, x.name, zero.name, x.type, padded.type))
    cut = b.op("tensor.extract_slice %s[1, 1] [2, 2] [1, 1] : %s to tensor<2x2xf32>" % (padded.name, padded.type),
               [Dim(2), Dim(2)], "f32")
    put = b.op("tensor.insert_slice %s into %s[0, 0] [2, 2] [1, 1] : tensor<2x2xf32> into @TYPE" % (cut.name, padded.name),
               padded.dims, "f32")
    p = np.pad(b.arrays[0], ((1, 1), (0, 1)))
    p[:2, :2] = p[1:3, 1:3].copy()
    b.work["vector"] = (m + 2) * (n + 1) + 4 + 4
    b.finish([put], [p])


def generate(b):
    """i * n + j as an integer: three operations an element."""
    m, n = b.size(), b.size()
    x = b.argument((m, n), "i64", [0])
    width = b.constant(n, "index")
    sizes = x.dims[0].name or ""
    y = Value(b.name(), x.dims, "i64")
    b.line("%s = tensor.generate %s {\n^bb0(%%i: index, %%j: index):\n%%p = arith.muli %%i, %s : index\n"
           "%%q = arith.addi %%p, %%j : index\n%%r = arith.index_cast %%q : index to i64\ntensor.yield %%r : i64\n} : %s" % (
               y.name, sizes, width.name, y.type))
    z = b.elementwise("arith.addi", x, y)
    b.work["vector"] = 3 * m * n + m * n
    b.finish([z], [b.arrays[0] + np.arange(m * n).reshape(m, n)])


def mean(b):
    """Scalars: one extraction; a division of scalars is special."""
    n = b.size()
    x = b.argument((n,), "f64", [0])
    zeros = b.filled([], "f64")
    total = b.op("linalg.reduce { arith.addf } ins(%s : %s) outs(%s : tensor<f64>) dimensions = [0]" % (
        x.name, x.type, zeros.name), [], "f64")
    s = b.op("tensor.extract %s[] : tensor<f64>" % total.name, None, "f64")
    count = b.constant(n, "f64")
    q = b.op("arith.divf %s, %s : f64" % (s.name, count.name), None, "f64")
    r = b.op("arith.negf %s : f64" % q.name, None, "f64")
    b.work["vector"], b.work["scalar"], b.work["special"] = n + 1, 2, 1
    b.finish([r], [-b.arrays[0].mean()])


def carried(b, value, name, trips, lines, result):
    """A loop that carries one tensor; %i counts, %t is the tensor."""
    low, step = b.constant(0, "index"), b.constant(1, "index")
    b.line("%s = scf.for %%i = %s to %s step %s iter_args(%%t = %s) -> (%s) {" % (
        name, low.name, trips, step.name, value.name, value.type))
    for line in lines:
        b.line(line)
    b.line("scf.yield %s : %s\n}" % (result, value.type))
    return Value(name, value.dims, value.element)


def counted_loop(b):
    n, trips = b.size(), b.size()
    x, y = b.argument((n,), "f32", [0]), b.argument((n,), "f32", [0])
    bound = b.constant(trips, "index")
    r = carried(b, x, b.name(), bound.name, ["%%u = arith.addf %%t, %s : %s" % (y.name, x.type)], "%u")
    a = b.arrays[0]
    for _ in range(trips):
        a = a + b.arrays[1]
    b.work["scalar"], b.work["vector"] = 1, trips * n
    b.finish([r], [a])


def loop_over_rows(b):
    """As many trips as rows: a size; each takes a row out, adds it, scalars 0."""
    m, n = b.size(), b.size()
    x = b.argument((m, n), "f32", [0])
    start = b.filled([Dim(n)], "f32")
    rows = x.dims[0].name or b.constant(m, "index").name
    row = Value("%row", [Dim(n)], "f32").type
    r = carried(b, start, b.name(), rows, [
        "%%row = tensor.extract_slice %s[%%i, 0] [1, %d] [1, 1] : %s to %s" % (x.name, n, x.type, row),
        "%%u = arith.addf %%t, %%row : %s" % row], "%u")
    b.work["scalar"], b.work["vector"] = 1, n + 2 * m * n
    b.finish([r], [b.arrays[0].sum(0)])


def strided_loop(b):
    """Every third element, by scalars: ceil(n / 3) trips."""
    n = b.size(4, 20)
    x = b.argument((n,), "f32", [0])
    low, step, zero = b.constant(0, "index"), b.constant(3, "index"), b.constant(0, "f32")
    top = x.dims[0].name or b.constant(n, "index").name
    r = Value(b.name(), None, "f32")
    b.line("%s = scf.for %%i = %s to %s step %s iter_args(%%t = %s) -> (f32) {\n"
           "%%e = tensor.extract %s[%%i] : %s\n%%u = arith.addf %%t, %%e : f32\nscf.yield %%u : f32\n}" % (
               r.name, low.name, top, step.name, zero.name, x.name, x.type))
    b.work["scalar"] = 1 + 2 * -(-n // 3)
    b.finish([r], [b.arrays[0][::3].sum(dtype=np.float32)])


def triangle(b):
    """The inner loop runs i times, which no size tells: counted."""
    n = b.size()
    x = b.argument((n,), "i64", [0])
    low, step, zero = b.constant(0, "index"), b.constant(1, "index"), b.constant(0, "i64")
    top = x.dims[0].name or b.constant(n, "index").name
    r = Value(b.name(), None, "i64")
    b.line("%s = scf.for %%i = %s to %s step %s iter_args(%%t = %s) -> (i64) {\n"
           "%%w = scf.for %%j = %s to %%i step %s iter_args(%%u = %%t) -> (i64) {\n"
           "%%e = tensor.extract %s[%%j] : %s\n%%v = arith.addi %%u, %%e : i64\nscf.yield %%v : i64\n}\n"
           "scf.yield %%w : i64\n}" % (r.name, low.name, top, step.name, zero.name, low.name, step.name, x.name, x.type))
    inner = n * (n - 1) // 2
    b.work["scalar"] = 1 + n + 2 * inner
    b.finish([r], [sum(b.arrays[0][:i].sum() for i in range(n))])


WHILE = """%s:2 = scf.while (%%c = %s, %%t = %s) : (i64, %s) -> (i64, %s) {
%%more = arith.cmpi sgt, %%c, %s : i64
scf.condition(%%more) %%c, %%t : i64, %s
} do {
^bb0(%%d: i64, %%u: %s):
%s
scf.yield %%e, %%v : i64, %s
}"""


def while_loop(b):
    """Entered once, decided trips + 1 times, each trip a scalar and a vector op."""
    n, trips = b.size(), b.size(0, 7)
    x, count = b.argument((n,), "f32", [0]), b.argument(None, "i64", (), trips)
    zero, one = b.constant(0, "i64"), b.constant(1, "i64")
    pair = b.name()
    t = x.type
    b.line(WHILE % (pair, count.name, x.name, t, t, zero.name, t, t,
                    "%%e = arith.subi %%d, %s : i64\n%%v = arith.addf %%u, %%u : %s" % (one.name, t), t))
    b.work["scalar"], b.work["vector"] = 1 + (trips + 1) + trips, trips * n
    b.finish([Value(pair + "#1", x.dims, "f32")], [b.arrays[0] * np.float32(2.0**trips)])


def nested_while(b):
    """For each element (an integer from 0) count it down to 0 by a while."""
    n = b.size()
    x = b.argument((n,), "i64", [0], b.random.integers(0, 6, n))
    low, step, zero, one = (b.constant(v, t) for v, t in ((0, "index"), (1, "index"), (0, "i64"), (1, "i64")))
    top = x.dims[0].name or b.constant(n, "index").name
    r = Value(b.name(), None, "i64")
    inner = WHILE % ("%w", "%e0", "%t", "i64", "i64", zero.name, "i64", "i64",
                     "%%e = arith.subi %%d, %s : i64\n%%v = arith.addi %%u, %%d : i64" % one.name, "i64")
    b.line("%s = scf.for %%i = %s to %s step %s iter_args(%%t0 = %s) -> (i64) {\n"
           "%%e0 = tensor.extract %s[%%i] : %s\n%s\nscf.yield %%w#1 : i64\n}" % (
               r.name, low.name, top, step.name, zero.name, x.name, x.type, inner.replace("= %t)", "= %t0)")))
    total = int(b.arrays[0].sum())
    # Enter the for; each element: extraction, entering, trips + 1 decisions,
    # two operations a trip.
    b.work["scalar"] = 1 + n * (1 + 1 + 1) + 3 * total
    b.finish([r], [sum(e * (e + 1) // 2 for e in b.arrays[0].tolist())])


def while_in_while(b):
    """The outer trip c runs the inner loop c times."""
    n, trips = b.size(), b.size(1, 5)
    x, count = b.argument((n,), "f32", [0]), b.argument(None, "i64", (), trips)
    zero, one = b.constant(0, "i64"), b.constant(1, "i64")
    t, pair = x.type, b.name()
    inner = WHILE.replace("%%c", "%%ic").replace("%%t", "%%it").replace("%%more", "%%im") \
        .replace("%%d", "%%id").replace("%%u", "%%iu").replace("%%e", "%%ie").replace("%%v", "%%iv")
    inner = inner % ("%in", "%d", "%u", t, t, zero.name, t, t,
                     "%%ie = arith.subi %%id, %s : i64\n%%iv = arith.negf %%iu : %s" % (one.name, t), t)
    b.line(WHILE % (pair, count.name, x.name, t, t, zero.name, t, t,
                    "%s\n%%e = arith.subi %%d, %s : i64\n%%v = arith.mulf %%in#1, %%in#1 : %s" % (inner, one.name, t), t))
    total = trips * (trips + 1) // 2
    # Outer: enter, trips + 1 decisions, a subtraction a trip; inner: entered
    # `trips` times, total + trips decisions, total subtractions.
    b.work["scalar"] = 1 + (trips + 1) + trips + trips + (total + trips) + total
    b.work["vector"] = total * n + trips * n
    a = b.arrays[0]
    for c in range(trips, 0, -1):
        a = -a if c % 2 else a
        a = a * a
    b.finish([Value(pair + "#1", x.dims, "f32")], [a])


def matmul_in_while(b):
    """A power of a matrix: macs by a counter and sizes."""
    n, trips = b.size(2, 5), b.size(0, 4)
    x, count = b.argument((n, n), "f64"), b.argument(None, "i64", (), trips)
    zero, one = b.constant(0, "i64"), b.constant(1, "i64")
    zeros = b.filled(x.dims, "f64")
    t, pair = x.type, b.name()
    b.line(WHILE % (pair, count.name, x.name, t, t, zero.name, t, t,
                    "%%e = arith.subi %%d, %s : i64\n%%v = linalg.matmul ins(%%u, %s : %s, %s) outs(%s : %s) -> %s" % (
                        one.name, x.name, t, t, zeros.name, t, t), t))
    b.work["mac"], b.work["vector"] = trips * n**3, n * n
    b.work["scalar"] = 1 + (trips + 1) + trips
    b.finish([Value(pair + "#1", x.dims, "f64")], [np.linalg.matrix_power(b.arrays[0], trips + 1)])


def equal_arms(b):
    """An if whose arms are as dear as one another: one runs, one counts."""
    n = b.size()
    x, flag = b.argument((n,), "f32", [0]), b.argument(None, "i1", (), bool(b.random.integers(0, 2)))
    r = Value(b.name(), x.dims, "f32")
    b.line("%s = scf.if %s -> (%s) {\n%%p = arith.addf %s, %s : %s\nscf.yield %%p : %s\n} else {\n"
           "%%p = arith.mulf %s, %s : %s\nscf.yield %%p : %s\n}" % (
               r.name, flag.name, x.type, x.name, x.name, x.type, x.type, x.name, x.name, x.type, x.type))
    a = b.arrays[0]
    b.work["scalar"], b.work["vector"] = 1, n
    b.finish([r], [a + a if b.arrays[1] else a * a])


def called(b):
    """Called twice: counts twice."""
    n = b.size()
    x = b.argument((n,), "f32", [0])
    name = "twice_" + ("dynamic" if b.dynamic else "static")
    b.functions.append("func.func private @%s(%%x: %s) -> %s {\n%%y = arith.mulf %%x, %%x : %s\n%%z = math.exp %%y : %s\nreturn %%z : %s\n}" % (
        name, *[x.type] * 5))
    y = b.op("func.call @%s(%s) : (%s) -> @TYPE" % (name, x.name, x.type), x.dims, "f32")
    z = b.op("func.call @%s(%s) : (%s) -> @TYPE" % (name, y.name, x.type), x.dims, "f32")
    a = b.arrays[0].astype(np.float64)
    a = np.exp(a * a)
    b.work["vector"], b.work["special"] = 2 * n, 2 * n
    b.finish([z], [np.exp(a * a).astype(np.float32)])


def concatenation(b):
    m, n, w = b.size(), b.size(), b.size()
    x, y = b.argument((m, w), "i32", [0]), b.argument((n, w), "i32", [0])
    rows = Dim(m + n)
    dims = [rows, Dim(w)]
    if b.dynamic:
        rows.name = "sum"
    z = b.op("tensor.concat dim(0) %s, %s : (%s, %s) -> @TYPE" % (x.name, y.name, x.type, y.type), dims, "i32")
    b.work["vector"] = (m + n) * w
    b.finish([z], [np.concatenate(b.arrays)])


BOTH = [
    ("matmul", matmul, {}), ("matmul_i32", matmul, {"element": "i32"}), ("matmul_f64", matmul, {"element": "f64"}),
    ("matmul_f16_f32", matmul, {"element": "f16", "wide": "f32"}),
    ("batch_matmul", batch_matmul, {}), ("attention_scores", attention_scores, {}),
    ("squared_distance", squared_distance, {}),
    ("convolution", convolution, {}), ("convolution_stride", convolution, {"stride": 2}),
    ("convolution_1d", convolution_1d, {}), ("depthwise", depthwise, {}),
    ("max_pooling", pooling, {}), ("sum_pooling", pooling, {"kind": "sum"}),
    ("sum", reduction, {}), ("maximum", reduction, {"kind": "max"}), ("sum_i64", reduction, {"element": "i64"}),
    ("elementwise", elementwise, {}), ("elementwise_i64", elementwise, {"element": "i64"}),
    ("elementwise_f16", elementwise, {"element": "f16"}), ("masked", masked, {}),
    ("special", special, {}), ("special_f64", special, {"element": "f64"}),
    ("integer_division", integer_division, {}), ("bias", bias, {}), ("softmax", softmax, {}),
    ("layer_norm", layer_norm, {}), ("gather", gather, {}), ("transpose", transpose, {}),
    ("slices", slices, {}), ("generate", generate, {}), ("mean", mean, {}),
    ("counted_loop", counted_loop, {}), ("loop_over_rows", loop_over_rows, {}),
    ("strided_loop", strided_loop, {}), ("triangle", triangle, {}), ("while_loop", while_loop, {}),
    ("nested_while", nested_while, {}), ("while_in_while", while_in_while, {}),
    ("equal_arms", equal_arms, {}), ("called", called, {}), ("concatenation", concatenation, {}),
]
STATIC = [("matmul_in_while", matmul_in_while, {})]


def bodies():
    made = {}
    kinds = [(n, k, o, d) for n, k, o in BOTH for d in (False, True)] + [(*s, False) for s in STATIC]
    for i, (name, kind, options, dynamic) in enumerate(kinds):
        body = Body(np.random.Generator(np.random.Philox(key=SEED + i)), dynamic)
        kind(body, **options)
        made[name + ("_dynamic" if dynamic else "")] = body
    return made


BODIES = bodies()


def text_of(name, body):
    arguments = ", ".join('%s: %s {owg.name = "a%d"}' % (v.name, v.type, i) for i, v in enumerate(body.arguments))
    formals = ", ".join("%s = %s : %s" % (v.name, v.name.replace("a", "w"), v.type) for v in body.arguments)
    results = ", ".join(v.type for v in body.results)
    lines = "\n".join(body.functions) + "\n"
    lines += "owg.workflow @%s(%s)\n -> (%s) {\n" % (
        name, arguments.replace("%a", "%w"),
        ", ".join('%s {owg.name = "r%d"}' % (v.type, i) for i, v in enumerate(body.results)))
    outs = ", ".join("%%r%d" % i for i in range(len(body.results)))
    lines += '%s = owg.task "t"(%s) -> (%s) {\n%s\nowg.yield %s : %s\n}\nowg.return %s : %s\n}\n' % (
        outs, formals, results, "\n".join(body.text),
        ", ".join(v.name for v in body.results), results, outs, results)
    return lines


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    source, path = folder / "bodies.mlir", folder / "bodies.octo"
    source.write_text("\n".join(text_of(n, b) for n, b in BODIES.items()))
    target = conftest.ROOT + "/examples/targets/die.yaml"
    done = conftest.run_tool("octo-compile", source, "--target", target, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def test_there_are_enough_bodies():
    assert len(BODIES) >= 30
    assert len({b.work[c] for b in BODIES.values() for c in CLASSES}) > 30


@pytest.mark.parametrize("name", BODIES)
def test_results_and_work(program, tmp_path, name):
    body = BODIES[name]
    scenario, inputs, outputs, result = (
        tmp_path / f for f in ("s.yaml", "in.npz", "out.npz", "r.json"))
    scenario.write_text("workflow: %s\n" % name)
    np.savez(inputs, **{"a%d" % i: a for i, a in enumerate(body.arrays)})
    done = conftest.run_tool(
        "octo-run", "run", program, "--scenario", scenario, "--requests", 1, "--inputs", inputs,
        "--outputs", outputs, "--json", result, "--quiet")
    assert done.returncode == 0, done.stderr
    got = np.load(outputs)
    for i, expected in enumerate(body.expected):
        ours = got["r%d" % i][0]
        assert ours.shape == expected.shape and ours.dtype == expected.dtype
        if expected.dtype.kind in "iub":
            np.testing.assert_array_equal(ours, expected)
        else:
            scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
            bound = {2: 4e-3, 4: 1e-5, 8: 1e-12}[expected.dtype.itemsize]
            assert float(np.abs(ours.astype(np.float64) - expected).max(initial=0)) <= bound * scale
    data = json.loads(result.read_text())
    (kernel,) = [k for k in data["kernels"] if k["instances"]]
    assert kernel["instances"] == 1
    assert kernel["work"] == body.work


def test_growing_tensors_agree_with_numpy(tmp_path):
    """A tensor that a loop makes longer: its size is not counted (docs/timing-model.md)."""
    text = """
owg.workflow @grow(%x: tensor<?xf32> {owg.name = "x"}, %n: i64 {owg.name = "n"}) -> (tensor<?xf32> {owg.name = "y"}) {
  %y = owg.task "t"(%a = %x : tensor<?xf32>, %c = %n : i64) -> tensor<?xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %two = arith.constant 2.0 : f32
    %top = arith.index_cast %c : i64 to index
    %r = scf.for %i = %c0 to %top step %c1 iter_args(%t = %a) -> (tensor<?xf32>) {
      %d = tensor.dim %t, %c0 : tensor<?xf32>
      %e = tensor.empty(%d) : tensor<?xf32>
      %f = linalg.fill ins(%two : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
      %p = arith.mulf %t, %f : tensor<?xf32>
      %u = tensor.concat dim(0) %t, %p : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
      scf.yield %u : tensor<?xf32>
    }
    owg.yield %r : tensor<?xf32>
  }
  owg.return %y : tensor<?xf32>
}
"""
    source, program = tmp_path / "grow.mlir", tmp_path / "grow.octo"
    source.write_text(text)
    target = conftest.ROOT + "/examples/targets/edge.yaml"
    assert conftest.run_tool("octo-compile", source, "--target", target, "-o", program).returncode == 0
    for n in range(4):
        x = np.arange(3, dtype=np.float32)
        np.savez(tmp_path / "in.npz", x=x, n=np.int64(n))
        done = conftest.run_tool(
            "octo-run", "run", program, "--inputs", tmp_path / "in.npz",
            "--outputs", tmp_path / "out.npz", "--quiet")
        assert done.returncode == 0, done.stderr
        for _ in range(n):
            x = np.concatenate([x, 2 * x])
        np.testing.assert_array_equal(np.load(tmp_path / "out.npz")["y"][0], x)
