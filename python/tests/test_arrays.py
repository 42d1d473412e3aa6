# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays into octo-run and out of it: kinds, orders, containers, what NumPy writes."""

import io
import zipfile

import numpy as np
import pytest

import conftest

KINDS = {
    "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "f16": np.float16, "f32": np.float32, "f64": np.float64, "bf16": np.uint16,
}
WORKFLOW = """
owg.workflow @copy_{0}(%x: tensor<2x3x{0}> {{owg.name = "x"}}, %s: {0} {{owg.name = "s"}})
    -> (tensor<3x2x{0}> {{owg.name = "y"}}, {0} {{owg.name = "t"}}) {{
  %y, %t = owg.task "t"(%a = %x : tensor<2x3x{0}>, %b = %s : {0}) -> (tensor<3x2x{0}>, {0}) {{
    %e = tensor.empty() : tensor<3x2x{0}>
    %r = linalg.transpose ins(%a : tensor<2x3x{0}>) outs(%e : tensor<3x2x{0}>) permutation = [1, 0]
    owg.yield %r, %b : tensor<3x2x{0}>, {0}
  }}
  owg.return %y, %t : tensor<3x2x{0}>, {0}
}}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    source, path = folder / "copy.mlir", folder / "copy.octo"
    source.write_text("".join(WORKFLOW.format(kind) for kind in KINDS))
    target = conftest.ROOT + "/examples/targets/edge.yaml"
    done = conftest.run_tool("octo-compile", source, "--target", target, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def arrays(kind, shape):
    """Values that use all bits; of bf16 the bits themselves."""
    random = np.random.Generator(np.random.Philox(key=len(kind)))
    if kind == "i1":
        return random.integers(0, 2, shape).astype(np.bool_)
    if kind.startswith("f"):
        return random.standard_normal(shape).astype(KINDS[kind])
    if kind == "bf16":
        return random.integers(0x3F00, 0x4100, shape).astype(np.uint16)
    info = np.iinfo(KINDS[kind])
    return random.integers(info.min, info.max, shape, dtype=KINDS[kind], endpoint=True)


def run(program, tmp_path, kind, requests, *inputs):
    scenario, out = tmp_path / "s.yaml", tmp_path / "out.npz"
    scenario.write_text("workflow: copy_%s\n" % kind)
    done = conftest.run_tool(
        "octo-run", "run", program, "--scenario", scenario, "--requests", requests,
        "--inputs", *inputs, "--outputs", out, "--quiet")
    if done.returncode:
        return done, None
    return done, dict(np.load(out))


def as_saved(kind, array):
    return array.view("V2") if kind == "bf16" else array


def bits(kind, array):
    return array.view(np.uint16) if kind == "bf16" else array


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_both_ways(program, tmp_path, kind):
    x, s = arrays(kind, (4, 2, 3)), arrays(kind, (4,))
    np.savez(tmp_path / "in.npz", x=as_saved(kind, x), s=as_saved(kind, s))
    done, out = run(program, tmp_path, kind, 4, tmp_path / "in.npz")
    assert done.returncode == 0, done.stderr
    assert out["y"].dtype == as_saved(kind, x).dtype
    np.testing.assert_array_equal(bits(kind, out["y"]), x.transpose(0, 2, 1))
    np.testing.assert_array_equal(bits(kind, out["t"]), s)


def check_f32(program, tmp_path, path, x):
    done, out = run(program, tmp_path, "f32", len(x), path)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(out["y"], x.transpose(0, 2, 1))


def test_fortran_order(program, tmp_path):
    x = arrays("f32", (4, 2, 3))
    np.savez(tmp_path / "in.npz", x=np.asfortranarray(x), s=np.zeros(4, np.float32))
    check_f32(program, tmp_path, tmp_path / "in.npz", x)


def test_deflated_archive(program, tmp_path):
    x = arrays("f32", (4, 2, 3))
    np.savez_compressed(tmp_path / "in.npz", x=x, s=np.zeros(4, np.float32))
    check_f32(program, tmp_path, tmp_path / "in.npz", x)


def test_zip64_archive(program, tmp_path):
    x = arrays("f32", (4, 2, 3))
    with zipfile.ZipFile(tmp_path / "in.npz", "w") as archive:
        for name, array in (("x", x), ("s", np.zeros(4, np.float32))):
            with archive.open(name + ".npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array)
    check_f32(program, tmp_path, tmp_path / "in.npz", x)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_header_versions(program, tmp_path, version):
    x = arrays("f32", (4, 2, 3))
    for name, array in (("x", x), ("s", np.zeros(4, np.float32))):
        with open(tmp_path / (name + ".npy"), "wb") as file:
            np.lib.format.write_array(file, array, version)
    scenario, out = tmp_path / "s.yaml", tmp_path / "out.npz"
    scenario.write_text("workflow: copy_f32\n")
    done = conftest.run_tool(
        "octo-run", "run", program, "--scenario", scenario, "--requests", 4, "--inputs",
        "x=%s" % (tmp_path / "x.npy"), "s=%s" % (tmp_path / "s.npy"), "--outputs", out, "--quiet")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(out)["y"], x.transpose(0, 2, 1))


def test_one_item_for_all_requests_and_fewer_items_than_requests(program, tmp_path):
    x, s = arrays("f32", (2, 3)), np.array([1, 2], np.float32)
    np.savez(tmp_path / "in.npz", x=x, s=s)
    done, out = run(program, tmp_path, "f32", 5, tmp_path / "in.npz")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(out["y"], np.stack([x.T] * 5))
    np.testing.assert_array_equal(out["t"], [1, 2, 1, 2, 1])
    np.testing.assert_array_equal(out["_requests"], np.arange(5))


def test_outputs_are_inputs_again(program, tmp_path):
    x = arrays("f32", (4, 2, 3))
    np.savez(tmp_path / "in.npz", x=x, s=np.arange(4, dtype=np.float32))
    done, first = run(program, tmp_path, "f32", 4, tmp_path / "in.npz")
    assert done.returncode == 0, done.stderr
    np.savez(tmp_path / "again.npz", x=first["y"].transpose(0, 2, 1), s=first["t"])
    done, second = run(program, tmp_path, "f32", 4, tmp_path / "again.npz")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(first["y"], second["y"])


BAD = {
    "big_endian": (lambda x: x.astype(">f4"), ("big-endian", "astype('<f4')")),
    "complex": (lambda x: x.astype(np.complex64), ("'<c8'", "save bool")),
    "text": (lambda x: x.astype("U4"), ("<U4", "save bool")),
    "records": (lambda x: np.zeros((4, 2, 3), [("a", np.float32)]), ("structured", "plain numbers")),
    "kind": (lambda x: x.astype(np.float64), ("f64", "f32")),
    "shape": (lambda x: x[:, :, :2], ("(4, 2, 2)", "(n, 2, 3)")),
    "none": (lambda x: x[:0], ("x",)),
    "wrong_name": (None, ("z",)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_told(program, tmp_path, case):
    change, words = BAD[case]
    x = arrays("f32", (4, 2, 3))
    given = {"z": x} if change is None else {"x": change(x)}
    np.savez(tmp_path / "in.npz", s=np.zeros(4, np.float32), **given)
    done, _ = run(program, tmp_path, "f32", 4, tmp_path / "in.npz")
    assert done.returncode == 1
    for word in words:
        assert word in done.stderr, done.stderr


def test_damaged_files_are_told(program, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, x=arrays("f32", (4, 2, 3)), s=np.zeros(4, np.float32))
    whole = buffer.getvalue()
    for cut in (0, 10, len(whole) // 2, len(whole) - 4):
        (tmp_path / "in.npz").write_bytes(whole[:cut])
        done, _ = run(program, tmp_path, "f32", 4, tmp_path / "in.npz")
        assert done.returncode == 1 and "in.npz" in done.stderr, done.stderr
