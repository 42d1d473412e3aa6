# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a workflow without any of Octopus but convert-owg-to-scf.

The workflow becomes a plain function; stock mlir-opt lowers it, stock mlir-runner
runs it. mlir-runner takes no inputs and prints six digits, so a main function is
added that has the inputs as constants and writes the raw bytes of the results.
"""

import os
import re
import subprocess
import tempfile

import numpy as np

TOOLS = os.environ.get("OCTO_TOOLS_DIR", "")
MLIR_TOOLS = os.environ.get("OCTO_MLIR_TOOLS_DIR", "/usr/lib/llvm-22/bin")

DTYPES = {
    "i1": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "index": np.int64,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
}

# As in the MLIR documentation: tensors to buffers, loops to branches, everything
# to the LLVM dialect. Nothing is freed; the process is short.
LOWERING = [
    "--convert-elementwise-to-linalg",
    "--linalg-generalize-named-ops",
    "--eliminate-empty-tensors",
    "--empty-tensor-to-alloc-tensor",
    "--one-shot-bufferize=bufferize-function-boundaries=1 "
    "function-boundary-type-conversion=identity-layout-map "
    "allow-return-allocs-from-loops=1",
    "--convert-linalg-to-loops",
    "--convert-bufferization-to-memref",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--convert-to-llvm",
    "--reconcile-unrealized-casts",
]


def tool(name):
    """The path of one of our tools."""
    return os.path.join(TOOLS, name) if TOOLS else name


def mlir_tool(name):
    """The path of one of LLVM's tools."""
    return os.path.join(MLIR_TOOLS, name)


class Type:
    """A tensor or scalar type, from its MLIR text."""

    def __init__(self, text):
        match = re.fullmatch(r"tensor<((?:(?:\d+|\?)x)*)(\w+)>", text)
        self.text = text
        self.scalar = match is None
        self.element = text if match is None else match.group(2)
        sizes = "" if match is None else match.group(1)
        self.dims = [-1 if d == "?" else int(d) for d in sizes.split("x")[:-1]]
        if self.element not in DTYPES:
            raise ValueError("type %s cannot be embedded" % text)
        self.dtype = np.dtype(DTYPES[self.element])


def _constant(name, array, type_):
    """An operation that defines %name as a constant."""
    array = np.ascontiguousarray(array, type_.dtype)
    if type_.scalar:
        if type_.element in ("f16", "f32", "f64"):
            value = "0x%0*X" % (
                2 * type_.dtype.itemsize,
                int.from_bytes(array.tobytes(), "little"),
            )
        elif type_.element == "i1":
            value = "true" if array else "false"
        else:
            value = str(int(array))
        # An i1 constant is written without its type.
        suffix = "" if type_.element == "i1" else " : " + type_.text
        return "    %%%s = arith.constant %s%s" % (name, value, suffix)
    static = "tensor<%s%s>" % ("".join("%dx" % d for d in array.shape), type_.element)
    if array.size == 0:
        literal = ""
    elif type_.element == "i1":
        nested = str(array.tolist()).lower()
        literal = nested
    elif array.size == 1:
        literal = '"0x%s"' % array.tobytes().hex().upper()
    else:
        literal = '"0x%s"' % array.tobytes().hex().upper()
    lines = "    %%%s = arith.constant dense<%s> : %s" % (
        name if static == type_.text else name + "_static",
        literal,
        static,
    )
    if static != type_.text:
        lines += "\n    %%%s = tensor.cast %%%s_static : %s to %s" % (
            name,
            name,
            static,
            type_.text,
        )
    return lines


def _write(name, type_):
    """Operations that write the sizes (64 bits each) and the elements of %name."""
    lines = []
    size = type_.dtype.itemsize
    if type_.scalar:
        lines += [
            "    %{n}_m = memref.alloca() : memref<1x{e}>",
            "    memref.store %{n}, %{n}_m[%zero] : memref<1x{e}>",
            "    %{n}_count = arith.constant 1 : index",
        ]
        memref = "memref<1x%s>" % type_.element
    else:
        memref = "memref<%s%s>" % (
            "".join("?x" if d < 0 else "%dx" % d for d in type_.dims),
            type_.element,
        )
        lines.append("    %{n}_m = bufferization.to_buffer %{n} : {t} to " + memref)
        lines.append("    %{n}_c0 = arith.constant 1 : index")
        for i in range(len(type_.dims)):
            lines += [
                "    %%{n}_i%d = arith.constant %d : index" % (i, i),
                "    %%{n}_d%d = memref.dim %%{n}_m, %%{n}_i%d : %s" % (i, i, memref),
                "    func.call @octo_write_size(%%{n}_d%d) : (index) -> ()" % i,
                "    %%{n}_c%d = arith.muli %%{n}_c%d, %%{n}_d%d : index" % (i + 1, i, i),
            ]
        lines.append("    %%{n}_count = arith.muli %%{n}_c%d, %%one : index" % len(type_.dims))
    # In memory an i1 takes a byte.
    lines += [
        "    %{n}_size = arith.constant {s} : index",
        "    %{n}_bytes = arith.muli %{n}_count, %{n}_size : index",
        "    %{n}_a = memref.extract_aligned_pointer_as_index %{n}_m : " + memref + " -> index",
        "    func.call @octo_write(%{n}_a, %{n}_bytes) : (index, index) -> ()",
    ]
    return "\n".join(
        line.format(n=name, e=type_.element, t=type_.text, s=size) for line in lines
    )


SUPPORT = """
  llvm.func @write(i32, !llvm.ptr, i64) -> i64
  func.func private @octo_write(%address: index, %bytes: index) {
    %fd = arith.constant 1 : i32
    %a = arith.index_cast %address : index to i64
    %p = llvm.inttoptr %a : i64 to !llvm.ptr
    %zero = arith.constant 0 : i64
    %n = arith.index_cast %bytes : index to i64
    // A pipe takes what it has room for.
    %r:2 = scf.while (%at = %p, %left = %n) : (!llvm.ptr, i64) -> (!llvm.ptr, i64) {
      %more = arith.cmpi sgt, %left, %zero : i64
      scf.condition(%more) %at, %left : !llvm.ptr, i64
    } do {
    ^bb0(%at: !llvm.ptr, %left: i64):
      %done = llvm.call @write(%fd, %at, %left) : (i32, !llvm.ptr, i64) -> i64
      %next = llvm.getelementptr %at[%done] : (!llvm.ptr, i64) -> !llvm.ptr, i8
      %rest = arith.subi %left, %done : i64
      scf.yield %next, %rest : !llvm.ptr, i64
    }
    return
  }
  func.func private @octo_write_size(%size: index) {
    %zero = arith.constant 0 : index
    %eight = arith.constant 8 : index
    %m = memref.alloca() : memref<1xi64>
    %v = arith.index_cast %size : index to i64
    memref.store %v, %m[%zero] : memref<1xi64>
    %a = memref.extract_aligned_pointer_as_index %m : memref<1xi64> -> index
    func.call @octo_write(%a, %eight) : (index, index) -> ()
    return
  }
"""


def program_text(converted, workflow, requests):
    """The converted module with a main function for `requests`, a list of lists of arrays."""
    arguments = [Type(value.type) for value in workflow.arguments]
    results = [Type(value.type) for value in workflow.results]
    functions = []
    calls = []
    for r, arrays in enumerate(requests):
        body = ["    %zero = arith.constant 0 : index", "    %one = arith.constant 1 : index"]
        for i, (array, type_) in enumerate(zip(arrays, arguments)):
            body.append(_constant("in%d" % i, array, type_))
        names = ["out%d" % i for i in range(len(results))]
        # One name and a count would differ for one result.
        body.append(
            "    %s = func.call @%s(%s) : (%s) -> (%s)"
            % (
                ", ".join("%" + n for n in names),
                workflow.name,
                ", ".join("%%in%d" % i for i in range(len(arguments))),
                ", ".join(t.text for t in arguments),
                ", ".join(t.text for t in results),
            )
        )
        for name, type_ in zip(names, results):
            body.append(_write(name, type_))
        functions.append(
            "  func.func private @octo_request%d() attributes {no_inline} {\n%s\n    return\n  }\n"
            % (r, "\n".join(body))
        )
        calls.append("    func.call @octo_request%d() : () -> ()" % r)
    main = "  func.func @main() {\n%s\n    return\n  }\n" % "\n".join(calls)
    end = converted.rstrip().rindex("}")
    return converted[:end] + SUPPORT + "".join(functions) + main + "}\n"


def _run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError(
            "%s failed (%d):\n%s"
            % (" ".join(command), done.returncode, done.stderr.decode(errors="replace")[:4000])
        )
    return done.stdout


def run(path, workflow, requests):
    """The results of each request (a list of arrays, in the order of the arguments)."""
    results = [Type(value.type) for value in workflow.results]
    converted = _run([tool("octo-opt"), "--convert-owg-to-scf", path]).decode()
    text = program_text(converted, workflow, requests)
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "program.mlir")
        with open(source, "w") as file:
            file.write(text)
        lowered = os.path.join(folder, "lowered.mlir")
        _run([mlir_tool("mlir-opt"), source, "-o", lowered] + LOWERING)
        libraries = os.path.join(MLIR_TOOLS, "..", "lib")
        data = _run(
            [
                mlir_tool("mlir-runner"),
                lowered,
                "-O2",
                "--entry-point-result=void",
                "--shared-libs=%s,%s"
                % (
                    os.path.join(libraries, "libmlir_runner_utils.so"),
                    os.path.join(libraries, "libmlir_c_runner_utils.so"),
                ),
            ]
        )
    outputs = []
    at = 0
    for _ in requests:
        arrays = []
        for type_ in results:
            shape = ()
            if not type_.scalar:
                rank = len(type_.dims)
                shape = tuple(np.frombuffer(data, np.int64, rank, at))
                at += 8 * rank
            count = int(np.prod(shape, dtype=np.int64))
            arrays.append(np.frombuffer(data, type_.dtype, count, at).reshape(shape))
            at += count * type_.dtype.itemsize
        outputs.append(arrays)
    if at != len(data):
        raise RuntimeError("the program wrote %d bytes, %d were expected" % (len(data), at))
    return outputs
